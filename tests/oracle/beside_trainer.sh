#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the checks share that train beside the OD API's own trainer (recipe_training.py). Sourced; sets data, work.
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
data="$OD_SHARED_DIR/data"
[ -f "$data/chest_xray/train.record" ] || { echo "skipped: needs $data/chest_xray"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$OD_SOURCE_DIR" || exit 1

oracle() { PYTHONPATH="$OD_SHARED_DIR/oracle" "$OD_ORACLE/bin/python" tests/oracle/recipe_training.py "$@" > "$work/stdout" 2> "$work/stderr" || { tail -20 "$work/stderr"; exit 1; }; }

train_here() { # config model_dir step [option]: up to that step, whose loss is logged, as every run's last is
  "$OBJDET" train ${4:-} --pipeline_config_path="$1" --model_dir="$2" --num_train_steps="$3" --eval_every_n=0 --max_to_keep=1 > "$work/log" 2>&1 || { tail -3 "$work/log"; exit 1; }
}

losses_here() { # model_dir: "step loss" of those logged
  "$OBJDET" events list "$1/train" --csv=Loss/total_loss | tail -n +2 | cut -d, -f2,4 | tr , ' '
}

# From each of the OD API's checkpoints (every fifth step's: weights, slots, step) the next step's loss, then the one after a step made here, beside
# the OD API's: whatever rounding makes of a long curve, a single step has to be the same. Fails if one of the first is further apart than `most`, or
# the second ones' median than 1 %: one of them may be where the weights' last bits decide which proposal stays, but slots not taken up would show in all.
from_their_checkpoints() { # most config model_dir-of-the-OD-API, of which the checkpoints are moved away [option]
  local n=2 step next median
  : > "$work/pairs"
  while [ -e "$3/ckpt-$n.index" ]; do # checkpoint 1 is the start
    { read -r step _; read -r next _; } < <(tail -n +$((5 * n - 4)) "$3/losses.txt") || break
    rm -rf "$work/forced"
    mkdir "$work/forced"
    mv "$3/ckpt-$n".* "$work/forced"
    printf 'model_checkpoint_path: "ckpt-%d"\nall_model_checkpoint_paths: "ckpt-%d"\n' "$n" "$n" > "$work/forced/checkpoint"
    train_here "$2" "$work/forced" "$step" "${4:-}"
    train_here "$2" "$work/forced" "$next" "${4:-}"
    losses_here "$work/forced" | awk 'NR == FNR { want[$1] = $2; next } { print FNR, $1, $2 / want[$1] - 1 }' "$3/losses.txt" - >> "$work/pairs"
    n=$((n + 1))
  done
  median=$(awk '$1 == 2 { print $3 < 0 ? -$3 : $3 }' "$work/pairs" | sort -g | sed -n "$(((n - 1) / 2))p") # of n - 2 pairs
  awk -v most="$1" -v median="$median" '
    { error = $3 < 0 ? -$3 : $3; count[$1]++; if (!(error <= worst[$1])) { worst[$1] = error; at[$1] = $2 } }
    END {
      printf "  from %d of the OD API'"'"'s checkpoints: the next loss %.2g apart at most (step %d), the one after a step here %.2g (step %d), in the median %.2g\n", count[1], worst[1], at[1], worst[2], at[2], median
      exit !(count[1] > 0 && count[2] == count[1] && worst[1] < most && median < .01)
    }' "$work/pairs"
}
