#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Single-stage detectors on the chest X-rays beside the OD API, each with its own trainer, from the start that the OD API draws (its checkpoint after a
# step at rate 0), images in the record's order, no augmentation, no drop-connect: every step's loss within 2 %. Opt-in: OD_ORACLE names its
# environment. About 3 minutes each. (Where rounding grows faster, the OD API leaves its own curve, docs/TESTING.md: take a lower rate.)
#   [CASES="family:size:batch:rate ..."] [STEPS=30]
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
data="$OD_SHARED_DIR/data"
[ -f "$data/chest_xray/train.record" ] || { echo "skipped: needs $data/chest_xray"; exit 77; }
steps=${STEPS:-30}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$OD_SOURCE_DIR"
oracle() { PYTHONPATH="$OD_SHARED_DIR/oracle" "$OD_ORACLE/bin/python" tests/oracle/recipe_training.py "$@" > "$work/stdout" 2> "$work/stderr" || { tail -20 "$work/stderr"; exit 1; }; }

config() { # family size batch rate [checkpoint]
  python3 bench/family_config.py "$data/zoo_configs" "$1" "$2" 2 batch="$3" steps="$steps" label_map="$data/chest_xray/label_map.pbtxt" \
    record="$data/chest_xray/train.record" eval_record="$data/chest_xray/val.record" ${5:+checkpoint="$5"} |
    sed -E "s/cosine_decay_learning_rate \{[^}]*\}/constant_learning_rate { learning_rate: $4 }/; s/fine_tune_checkpoint_type: \"classification\"/fine_tune_checkpoint_type: \"full\"/
      s/^train_input_reader \{/& shuffle: false num_readers: 1/"
}

for case in ${CASES:-efficientdet_d0:256:4:.08 retinanet101:160:2:.005}; do
  IFS=: read -r family size batch rate <<< "$case"
  rm -rf "$work/zero" "$work/theirs" "$work/ours"
  config "$family" "$size" "$batch" 0 > "$work/zero.config"
  oracle train "$work/zero.config" "$work/zero" 1
  config "$family" "$size" "$batch" "$rate" "$work/zero/ckpt-2" > "$work/follow.config"  # its first one holds no variables that are made later
  oracle train "$work/follow.config" "$work/theirs" "$steps"
  for step in $(seq "$steps"); do  # the last step's loss is always logged
    "$OBJDET" train --no_drop_connect --pipeline_config_path="$work/follow.config" --model_dir="$work/ours" --num_train_steps="$step" --eval_every_n=0 --max_to_keep=1 > "$work/log" 2>&1 ||
      { tail -3 "$work/log"; exit 1; }
  done
  "$OBJDET" events list "$work/ours/train" --csv=Loss/total_loss > "$work/ours.csv"
  cut -d' ' -f2 "$work/theirs/losses.txt" > "$work/want"  # its steps go on from the checkpoint's
  tail -n +2 "$work/ours.csv" | cut -d, -f4 | paste -d' ' - "$work/want" | awk -v family="$family" -v steps="$steps" '
    { error = $1 / $2 - 1; if (error < 0) error = -error; if (!(error <= worst)) { worst = error; at = NR } if (NR == 1) first = $2; last = $2 }
    END { printf "%s: %d steps, loss from %.4g to %.4g, largest difference %.2g %% at step %d\n", family, NR, first, last, 100 * worst, at; exit !(NR == steps && worst <= .02) }'
done
