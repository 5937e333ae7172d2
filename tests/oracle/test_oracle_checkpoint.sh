#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checkpoints against the real OD API, both ways (2 minutes of processor time). Opt-in: OD_ORACLE names a Python environment with
# TensorFlow, the OD API and od_oracle; without it the test is skipped.
#   1. The OD API trains 2 steps; every value that we read from its checkpoint equals tf.train.load_checkpoint's.
#   2. Written again by us it restores there with every object matched and equal values, optimizer slots included.
#   3. Two more steps from our copy end exactly where two more steps from the original do.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
config="$OD_SHARED_DIR/configs/raccoon_ssd320.config"
[ -f "$config" ] || { echo "skipped: needs $config"; exit 77; }
script="$OD_SOURCE_DIR/tests/oracle/checkpoint_roundtrip.py"
copy="$OD_BUILD_DIR/test_checkpoint_copy"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
oracle() { "$OD_ORACLE/bin/python" "$script" "$@" 2> "$work/stderr" || { tail -20 "$work/stderr"; exit 1; }; }
# Same tensors, shapes and bytes, whatever the order in the file.
same() { "$OD_ORACLE/bin/python" "$OD_SOURCE_DIR/tests/oracle/compare_safetensors.py" "$1" "$2"; }

oracle train "$config" "$work/a" 2
original="$work/a/model_dir/ckpt-3"
oracle dump "$original" "$work/theirs.safetensors"
"$copy" --dump "$original" "$work/ours.safetensors"
same "$work/theirs.safetensors" "$work/ours.safetensors"

mkdir "$work/copy"
"$copy" "$original" "$work/copy/ckpt-3"
oracle restore "$work/a/pipeline.config" "$original" 1
oracle restore "$work/a/pipeline.config" "$work/copy/ckpt-3" 1

oracle train "$config" "$work/b" 4 "$original"
oracle train "$config" "$work/c" 4 "$work/copy/ckpt-3"
oracle dump "$work/b/model_dir/ckpt-5" "$work/b.safetensors"
oracle dump "$work/c/model_dir/ckpt-5" "$work/c.safetensors"
same "$work/b.safetensors" "$work/c.safetensors"
