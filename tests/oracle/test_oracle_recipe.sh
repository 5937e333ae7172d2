#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Faster R-CNN ResNet50 on the chest X-rays beside the OD API, each with its own trainer (about 20 minutes). Opt-in: OD_ORACLE names its environment.
#   1. A backbone's start by the recipe (recipe_training.py), the heads as the OD API draws them: its checkpoint after a step at rate 0.
#   2. Both train 50 steps from that checkpoint, images in the record's order, sampling everything, on proposals of their own; the OD API twice more
#      from variables moved by their last bits. A last bit decides here and there which proposal is suppressed, and then the loss jumps: of the OD
#      API's trainings there must be one beside which every step's loss is within 3 %, and the mean of any ten steps of the first must be, too.
#   3. From each of the OD API's checkpoints (every fifth step; weights, momentum, step) the next step's loss is within 1e-4, the one after a step
#      made here is in the median within 1 %: whatever a last bit decides, both decide alike.
set -euo pipefail
. "$OD_SOURCE_DIR/tests/oracle/beside_trainer.sh"
steps=${STEPS:-50}

config() { # rate checkpoint type
  python3 bench/family_config.py "$data/zoo_configs" faster_rcnn_resnet50 256 2 batch=2 steps="$steps" label_map="$data/chest_xray/label_map.pbtxt" \
    record="$data/chest_xray/train.record" eval_record="$data/chest_xray/val.record" checkpoint="$2" |
    sed -E "s/cosine_decay_learning_rate \{[^}]*\}/constant_learning_rate { learning_rate: $1 }/; s/fine_tune_checkpoint_type: \"classification\"/fine_tune_checkpoint_type: \"$3\"/
      s/(first_stage_max_proposals): .*/\1: 64 first_stage_minibatch_size: 100000 second_stage_batch_size: 64 second_stage_balance_fraction: 1.0/
      s/(use_static_shapes|use_static_balanced_label_sampler): true/\1: false/; s/^train_input_reader \{/& shuffle: false num_readers: 1/"
}

config 0 "$work/start/ckpt-1" classification > "$work/zero.config"
config 0.0001 "$work/zero/ckpt-1" full > "$work/follow.config"
# shellcheck disable=SC2046
oracle start "$OD_SHARED_DIR/oracle" "$work/zero.config" "$work/start" $(find "$data/chest_xray/images" -name '*.jpg' | sort | sed -n 1,8p)
oracle train "$work/zero.config" "$work/zero" 1
oracle train "$work/follow.config" "$work/theirs0" "$steps" 0 5
for moved in 1 2; do oracle train "$work/follow.config" "$work/theirs$moved" "$steps" "$moved"; done
for step in $(seq "$steps"); do train_here "$work/follow.config" "$work/ours" "$step"; done
losses_here "$work/ours" > "$work/ours.txt"
from_their_checkpoints 1e-4 "$work/follow.config" "$work/theirs0"

status=1
compare() { # losses.txt; prints both differences; 0: every step is within 3 %, 2: the means are, 1: neither
  awk -v steps="$steps" '
    NR == FNR { want[$1] = $2; next }
    !($1 in want) { next }
    {
      error = size($2 / want[$1] - 1)
      if (!(error <= worst)) { worst = error; at = $1 }
      if (++compared == 1) first = $2
      theirs += want[$1]; ours += last = $2
      if (compared % 10 == 0) { mean = size(ours / theirs - 1); if (!(mean <= most)) most = mean; ours = theirs = 0 }
    }
    function size(x) { return x < 0 ? -x : x }
    END {
      printf "%d steps compared, loss from %.4g to %.4g, largest difference %.2g %% at step %d, of the mean of ten steps %.2g %%\n", compared, first, last, 100 * worst, at, 100 * most
      exit compared != steps || most > .03 ? 1 : worst > .03 ? 2 : 0
    }
  ' "$1" "$work/ours.txt"
}
for moved in 0 1 2; do
  code=0
  compare "$work/theirs$moved/losses.txt" || code=$?
  [ "$moved" != 0 ] || [ "$code" != 1 ] || exit 1
  [ "$code" != 0 ] || status=0
done
exit $status
