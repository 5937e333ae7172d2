#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checkpoints of every optimiser against the real OD API, both ways (about a minute of processor time each). Opt-in: OD_ORACLE names a Python
# environment with TensorFlow, the OD API and od_oracle; without it the test is skipped. OPTIMIZERS="adam rms" runs only those.
#   1. The OD API trains 2 steps; we train one more from its checkpoint, and end where it ends with one more of its own.
#   2. We train 2 steps; every object of our checkpoint is matched in the OD API and every value restored, slots included;
#      a step there ends where one of ours does.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
config="$OD_SHARED_DIR/configs/raccoon_ssd320.config"
[ -f "$config" ] || { echo "skipped: needs $config"; exit 77; }
script="$OD_SOURCE_DIR/tests/oracle/checkpoint_roundtrip.py"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
oracle() { "$OD_ORACLE/bin/python" "$script" "$@" 2> "$work/stderr" || { tail -20 "$work/stderr"; exit 1; }; }
newest() { oracle latest "$1" | tail -1; }
ours() { "$OD_BUILD_DIR/objdet" train --pipeline_config_path="$1" --model_dir="$2" --num_train_steps="$3" --eval_every_n=0 --exact_moving_averages=true > "$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }; }
follow() { mkdir -p "$2"; cp "$1".* "$2"; printf 'model_checkpoint_path: "%s"\nall_model_checkpoint_paths: "%s"\n' "${1##*/}" "${1##*/}" > "$2/checkpoint"; } # PREFIX DIR: a model_dir that goes on from it

# A step of the OD API's and one of ours from START are close; where they aren't, the OD API takes its step once more, on one thread, which tells its own noise.
compare() { # THEIRS OURS START DIR
    if ! (oracle close "$1" "$2" 2e-3); then
        mkdir -p "$4"
        OPTIMIZER="$OPTIMIZER" taskset -c 0 "$OD_ORACLE/bin/python" "$script" train "$config" "$4" 3 "$3" 2> "$work/stderr"
        oracle close "$1" "$2" 2e-3 "$(newest "$4/model_dir")"
    fi
}

rate='learning_rate { constant_learning_rate { learning_rate: %s } }'
text() {
    case $1 in
    momentum) printf "momentum_optimizer { momentum_optimizer_value: 0.9 $rate } use_moving_average: false" 0.002 ;;
    adam) printf "adam_optimizer { epsilon: 1e-4 $rate } use_moving_average: false" 0.001 ;;
    rms) printf "rms_prop_optimizer { momentum_optimizer_value: 0.9 decay: 0.9 epsilon: 1.0 $rate } use_moving_average: false" 0.002 ;;
    rms_plain) printf "rms_prop_optimizer { momentum_optimizer_value: 0 decay: 0.1 epsilon: 0.5 $rate } use_moving_average: false" 0.002 ;;
    momentum_average) printf "momentum_optimizer { momentum_optimizer_value: 0.9 $rate } use_moving_average: true moving_average_decay: 0.9" 0.002 ;;
    adam_average) printf "adam_optimizer { epsilon: 1e-4 $rate } use_moving_average: true moving_average_decay: 0.99" 0.001 ;;
    rms_average) printf "rms_prop_optimizer { momentum_optimizer_value: 0.9 decay: 0.9 epsilon: 1.0 $rate } use_moving_average: true" 0.002 ;;
    esac
}

for name in ${OPTIMIZERS:-momentum adam rms rms_plain momentum_average adam_average rms_average}; do
    OPTIMIZER=$(text "$name"); export OPTIMIZER
    w="$work/$name"
    echo "== $name: $OPTIMIZER"
    oracle train "$config" "$w/theirs" 2
    theirs=$(newest "$w/theirs/model_dir")
    follow "$theirs" "$w/ours_after_theirs"
    oracle train "$config" "$w/on" 3 "$theirs"
    ours "$w/theirs/pipeline.config" "$w/ours_after_theirs" 3
    compare "$(newest "$w/on/model_dir")" "$(newest "$w/ours_after_theirs")" "$theirs" "$w/on_again"

    ours "$w/theirs/pipeline.config" "$w/ours" 2
    mine=$(newest "$w/ours")
    oracle restore "$w/theirs/pipeline.config" "$mine" 1
    oracle train "$config" "$w/theirs_after_ours" 3 "$mine"
    ours "$w/theirs/pipeline.config" "$w/ours" 3
    compare "$(newest "$w/theirs_after_ours/model_dir")" "$(newest "$w/ours")" "$mine" "$w/theirs_after_ours_again"
done
