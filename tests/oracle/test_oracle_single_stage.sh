#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Single-stage detectors on the chest X-rays beside the OD API, each with its own trainer, from the start that the OD API draws (its checkpoint after a
# step at rate 0), images in the record's order, no augmentation, no drop-connect: every step's loss within 2 %, or, where rounding grows faster,
# no further from it than twice what the OD API is from itself when its start is moved by a last bit; and from the OD API's checkpoints the next steps'
# losses (from_their_checkpoints; ResNet-152 at random weights is 3e-4 apart). Opt-in: OD_ORACLE names its environment. 3 to 6 minutes each.
#   [CASES="family:size:batch:rate[:momentum] ..."] [STEPS=50]
# With momentum CenterNet, too, is trained by that instead of Adam, whose first steps are a gradient's sign and so make a last bit as large as the rate.
set -euo pipefail
. "$OD_SOURCE_DIR/tests/oracle/beside_trainer.sh"
steps=${STEPS:-50}

config() { # family size batch rate optimizer [checkpoint]
  python3 bench/family_config.py "$data/zoo_configs" "$1" "$2" 2 batch="$3" steps="$steps" label_map="$data/chest_xray/label_map.pbtxt" \
    record="$data/chest_xray/train.record" eval_record="$data/chest_xray/val.record" ${6:+checkpoint="$6"} |
    sed -E "s/cosine_decay_learning_rate \{[^}]*\}/constant_learning_rate { learning_rate: $4 }/; s/fine_tune_checkpoint_type: \"classification\"/fine_tune_checkpoint_type: \"full\"/
      s/^train_input_reader \{/& shuffle: false num_readers: 1/; ${5:+s/adam_optimizer \{ epsilon: 1e-7/momentum_optimizer \{ momentum_optimizer_value: 0.9/}"
}

largest() { # losses, beside others: percent, and where
  paste -d' ' "$1" "$2" | awk '{ error = $1 / $2 - 1; if (error < 0) error = -error; if (!(error <= worst)) { worst = error; at = NR } if (error > .001 && !left) left = NR }
    END { printf "%.2g %% at step %d%s", 100 * worst, at, left ? ", first above .1 % at step " left : "" }'
}

for case in ${CASES:-efficientdet_d0:256:4:.08 ssd_mobilenet_v2_fpnlite:256:4:.005 ssd_mobilenet_v2:300:4:.0005 ssd_mobilenet_v1:300:8:.0005
  retinanet50:160:2:.005 center_mobilenet_v2_fpn:128:4:.0001:momentum}; do
  IFS=: read -r family size batch rate optimizer <<< "$case"
  rm -rf "$work"/{zero,theirs,ours,moved}
  config "$family" "$size" "$batch" 0 "$optimizer" > "$work/zero.config"
  oracle train "$work/zero.config" "$work/zero" 1
  config "$family" "$size" "$batch" "$rate" "$optimizer" "$work/zero/ckpt-2" > "$work/follow.config"  # its first one holds no variables that are made later
  oracle train "$work/follow.config" "$work/theirs" "$steps" 0 5
  for step in $(seq "$steps"); do train_here "$work/follow.config" "$work/ours" "$step" --no_drop_connect; done
  cut -d' ' -f2 "$work/theirs/losses.txt" > "$work/want"
  losses_here "$work/ours" | cut -d' ' -f2 > "$work/have"
  echo "$family, rate $rate${optimizer:+ ($optimizer)}: $(wc -l < "$work/have") steps, loss from $(head -1 "$work/want") to $(tail -1 "$work/want")"
  [ "$(wc -l < "$work/have")" = "$steps" ]
  ours=$(largest "$work/have" "$work/want")
  echo "  largest difference $ours"
  from_their_checkpoints 1e-3 "$work/follow.config" "$work/theirs" --no_drop_connect
  if awk '{ exit !($1 > 2) }' <<< "$ours"; then
    oracle train "$work/follow.config" "$work/moved" "$steps" 1
    cut -d' ' -f2 "$work/moved/losses.txt" > "$work/again"
    theirs=$(largest "$work/again" "$work/want")
    echo "  the OD API's, moved by a last bit, $theirs; ours beside that run $(largest "$work/have" "$work/again")"
    awk -v theirs="${theirs%% *}" '{ exit !($1 <= 2 * theirs) }' <<< "$ours"
  fi
done
