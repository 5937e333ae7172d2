#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Faster R-CNN ResNet50 on the chest X-rays beside the OD API, each with its own trainer (about 20 minutes). Opt-in: OD_ORACLE names its environment.
#   1. A backbone's start by the recipe (recipe_training.py), the heads as the OD API draws them: its checkpoint after a step at rate 0.
#   2. Both train 50 steps from that checkpoint, images in the record's order, sampling everything, on proposals of their own; the OD API twice more
#      from variables moved by their last bits. A last bit decides here and there which proposal is suppressed, and then the loss jumps: of the OD
#      API's trainings there must be one beside which every step's loss is within 3 %, and the mean of any ten steps of the first must be, too.
#   3. From each of the OD API's checkpoints (every fifth step; weights, momentum, step) one step here has its next step's loss within 1e-4: whatever
#      a last bit decides, both decide alike.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
data="$OD_SHARED_DIR/data"
[ -f "$data/chest_xray/train.record" ] || { echo "skipped: needs $data/chest_xray"; exit 77; }
steps=${STEPS:-50}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$OD_SOURCE_DIR"
oracle() { PYTHONPATH="$OD_SHARED_DIR/oracle" "$OD_ORACLE/bin/python" tests/oracle/recipe_training.py "$@" > "$work/stdout" 2> "$work/stderr" || { tail -20 "$work/stderr"; exit 1; }; }

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
for moved in 0 1 2; do oracle train "$work/follow.config" "$work/theirs$moved" "$steps" "$moved" 5; done
for step in $(seq "$steps"); do # the last step's loss is always logged
  "$OBJDET" train --pipeline_config_path="$work/follow.config" --model_dir="$work/ours" --num_train_steps="$step" --eval_every_n=0 --max_to_keep=1 > "$work/log" 2>&1 || { tail -3 "$work/log"; exit 1; }
done
"$OBJDET" events list "$work/ours/train" --csv=Loss/total_loss > "$work/ours.csv"

n=1
apart=0
rm -r "$work"/theirs[12]/ckpt*
while [ $((5 * n + 1)) -lt "$steps" ]; do # checkpoint 1 is of step 0
  step=$((5 * n + 1))
  n=$((n + 1))
  rm -rf "$work/forced"
  mkdir "$work/forced"
  mv "$work/theirs0/ckpt-$n".* "$work/forced"
  printf 'model_checkpoint_path: "ckpt-%d"\nall_model_checkpoint_paths: "ckpt-%d"\n' "$n" "$n" > "$work/forced/checkpoint"
  "$OBJDET" train --pipeline_config_path="$work/follow.config" --model_dir="$work/forced" --num_train_steps="$step" --eval_every_n=0 --max_to_keep=1 > "$work/log" 2>&1 || { tail -3 "$work/log"; exit 1; }
  "$OBJDET" events list "$work/forced/train" --csv=Loss/total_loss | awk -F'[ ,]' -v step="$step" '
    NR == FNR { want[$1] = $2; next }
    $2 == step { error = $4 / want[step] - 1; compared = 1 }
    END { printf "step %d from the OD API'"'"'s checkpoint: %.2g apart\n", step, error; exit !(compared && error < 1e-4 && error > -1e-4) }
  ' "$work/theirs0/losses.txt" - || apart=1
done
[ "$apart" = 0 ] || exit 1

status=1
compare() { # losses.txt; prints both differences; 0: every step is within 3 %, 2: the means are, 1: neither
  awk -F'[ ,]' -v steps="$steps" '
    NR == FNR { want[$1] = $2; next }
    !($2 in want) { next }
    {
      error = size($4 / want[$2] - 1)
      if (!(error <= worst)) { worst = error; at = $2 }
      if (++compared == 1) first = $4
      theirs += want[$2]; ours += last = $4
      if (compared % 10 == 0) { mean = size(ours / theirs - 1); if (!(mean <= most)) most = mean; ours = theirs = 0 }
    }
    function size(x) { return x < 0 ? -x : x }
    END {
      printf "%d steps compared, loss from %.4g to %.4g, largest difference %.2g %% at step %d, of the mean of ten steps %.2g %%\n", compared, first, last, 100 * worst, at, 100 * most
      exit compared != steps || most > .03 ? 1 : worst > .03 ? 2 : 0
    }
  ' "$1" "$work/ours.csv"
}
for moved in 0 1 2; do
  code=0
  compare "$work/theirs$moved/losses.txt" || code=$?
  [ "$moved" != 0 ] || [ "$code" != 1 ] || exit 1
  [ "$code" != 0 ] || status=0
done
exit $status
