#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A model trained here for real, in the hands of the OD API (about 3 minutes). Opt-in: OD_ORACLE names its environment.
#   1. Its checkpoint restores there with every object matched.
#   2. The OD API's evaluation of it gives our metrics and losses.
#   3. The OD API trains on from it, and we train on from what it saved, optimiser slots included.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
config="$OD_SHARED_DIR/configs/raccoon_ssd320.config"
[ -f "$config" ] || { echo "skipped: needs $config"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$OD_SOURCE_DIR"
oracle() { "$OD_ORACLE/bin/python" "$@" 2> "$work/stderr" || { tail -20 "$work/stderr"; exit 1; }; }
sed 's/height: 320 width: 320/height: 160 width: 160/; s/num_steps: 600/num_steps: 60/; s/total_steps: 600/total_steps: 60/; s/warmup_steps: 60/warmup_steps: 10/; s/decay: 0.997/decay: 0.9/' "$config" > "$work/pipeline.config"
"$OBJDET" train --pipeline_config_path="$work/pipeline.config" --model_dir="$work/run" --num_train_steps=60 > "$work/log"
oracle tests/oracle/checkpoint_roundtrip.py restore "$work/pipeline.config" "$work/run/ckpt-1" 1
oracle tests/oracle/evaluate.py "$work/pipeline.config" "$work/run" "$work/run/eval/metrics.json"
cat > "$work/go_on.py" <<'END'
import sys, od_oracle
from object_detection import model_lib_v2
model_lib_v2.train_loop(pipeline_config_path=sys.argv[1], model_dir=sys.argv[2], train_steps=62, num_steps_per_iteration=1, checkpoint_every_n=1)
END
oracle "$work/go_on.py" "$work/pipeline.config" "$work/run"
"$OBJDET" train --pipeline_config_path="$work/pipeline.config" --model_dir="$work/run" --num_train_steps=64 > "$work/log" 2>&1
grep -E "resuming from ckpt-[0-9]+, step 6[12]" "$work/log" || { cat "$work/log"; exit 1; }
if grep "no momentum" "$work/log"; then exit 1; fi
echo "both directions agree"
