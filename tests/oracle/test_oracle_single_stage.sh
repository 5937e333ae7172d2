#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Single-stage detectors on the chest X-rays beside the OD API, each with its own trainer, from the start that the OD API draws (its checkpoint after a
# step at rate 0), images in the record's order, no augmentation, no drop-connect: every step's loss within 2 %, or, where rounding grows faster,
# no further from it than twice what the OD API is from itself when its start is moved by a last bit. Opt-in: OD_ORACLE names its environment.
# About 3 minutes each.
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

largest() { # losses, beside others: percent, and where
  paste -d' ' "$1" "$2" | awk '{ error = $1 / $2 - 1; if (error < 0) error = -error; if (!(error <= worst)) { worst = error; at = NR } if (error > .001 && !left) left = NR }
    END { printf "%.2g %% at step %d%s", 100 * worst, at, left ? ", first above .1 % at step " left : "" }'
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
  cut -d' ' -f2 "$work/theirs/losses.txt" > "$work/want" # its steps go on from the checkpoint's
  tail -n +2 "$work/ours.csv" | cut -d, -f4 > "$work/have"
  echo "$family, rate $rate: $(wc -l < "$work/have") steps, loss from $(head -1 "$work/want") to $(tail -1 "$work/want")"
  [ "$(wc -l < "$work/have")" = "$steps" ]
  ours=$(largest "$work/have" "$work/want")
  echo "  largest difference $ours"
  if awk '{ exit !($1 > 2) }' <<< "$ours"; then
    rm -rf "$work/moved"
    oracle train "$work/follow.config" "$work/moved" "$steps" 1
    cut -d' ' -f2 "$work/moved/losses.txt" > "$work/again"
    theirs=$(largest "$work/again" "$work/want")
    echo "  the OD API's, moved by a last bit, $theirs; ours beside that run $(largest "$work/have" "$work/again")"
    awk -v theirs="${theirs%% *}" '{ exit !($1 <= 2 * theirs) }' <<< "$ours"
  fi
done
