#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A training that is interrupted, killed or extended ends with the very weights of one that ran through.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data

train --model_dir="$work/whole" --seed=3 > "$work/whole.log" 2>&1
expect "$work/whole.log" "saved ckpt-1 (step 6)"
expect "$work/whole.log" "INFO:tensorflow:Eval metrics at step 6"
[ -f "$work/whole/eval/metrics.json" ] && [ -f "$work/whole/eval/detections.json" ] || fail "no evaluation files"
[ -f "$work/whole/pipeline.config" ] && [ -f "$work/whole/label_map.pbtxt" ] || fail "no config or label map in the model_dir"

train --model_dir="$work/again" --seed=3 > /dev/null 2>&1
same_weights "$work/whole/ckpt-1" "$work/again/ckpt-1" || fail "the same seed gave other weights"
train --model_dir="$work/other" --seed=4 --eval_every_n=0 > /dev/null 2>&1
same_weights "$work/whole/ckpt-1" "$work/other/ckpt-1" && fail "another seed gave the same weights"

train --model_dir="$work/exact" --seed=3 --eval_every_n=0 --exact_moving_averages > /dev/null 2>&1
same_weights "$work/whole/ckpt-1" "$work/exact/ckpt-1" && fail "--exact_moving_averages changed nothing"

# In two parts: stop at 4, go on to 6.
train --model_dir="$work/parts" --seed=3 --num_train_steps=4 --eval_every_n=0 > /dev/null 2>&1
train --model_dir="$work/parts" --seed=3 > "$work/parts.log" 2>&1
expect "$work/parts.log" "resuming from ckpt-1, step 4"
"$OD_BUILD_DIR/test_checkpoint_copy" --dump "$work/whole/ckpt-1" "$work/whole.safetensors"
"$OD_BUILD_DIR/test_checkpoint_copy" --dump "$work/parts/ckpt-2" "$work/parts.safetensors"
python3 - "$work/whole.safetensors" "$work/parts.safetensors" <<'END' || fail "two parts gave other weights than one run"
import json, struct, sys
def load(p):
    b = open(p, 'rb').read(); n = struct.unpack('<Q', b[:8])[0]; h = json.loads(b[8:8 + n])
    return {k: b[8 + n + v['data_offsets'][0]:8 + n + v['data_offsets'][1]] for k, v in h.items() if k != '__metadata__'}
a, b = load(sys.argv[1]), load(sys.argv[2])
assert a.keys() == b.keys() and len(a) > 300, (len(a), len(b))
different = [k for k in a if a[k] != b[k] and 'save_counter' not in k]
assert not different, different[:5]
END

# Nothing left to do, and more to do.
train --model_dir="$work/parts" --seed=3 > "$work/none.log" 2>&1
expect "$work/none.log" "nothing left to train"
train --model_dir="$work/parts" --seed=3 --num_train_steps=7 --eval_every_n=0 > "$work/more.log" 2>&1
expect "$work/more.log" "resuming from ckpt-2, step 6"

# Killed without warning, again and again, also while it saves: each time the folder can be used.
for i in 1 2 3 4 5 6 7 8; do
  timeout -s KILL "0.$((i * 11 % 9 + 1))" "$OBJDET" train --pipeline_config_path="$config" --num_threads=2 --model_dir="$work/killed" --seed=3 \
    --checkpoint_every_n=1 --eval_every_n=0 > /dev/null 2>&1 || true
done 2> /dev/null
train --model_dir="$work/killed" --seed=3 --checkpoint_every_n=1 --eval_every_n=0 > "$work/killed.log" 2>&1 || { cat "$work/killed.log"; fail "can't resume after kill -9"; }
last=$(ls "$work/killed" | grep -oE '^ckpt-[0-9]+' | sort -t- -k2 -n | tail -1)
"$OD_BUILD_DIR/test_checkpoint_copy" --dump "$work/killed/$last" "$work/killed.safetensors"
"$OD_BUILD_DIR/test_checkpoint_copy" --dump "$work/whole/ckpt-1" "$work/whole.safetensors"
python3 - "$work/whole.safetensors" "$work/killed.safetensors" <<'END' || fail "killed runs ended with other weights"
import json, struct, sys
def load(p):
    b = open(p, 'rb').read(); n = struct.unpack('<Q', b[:8])[0]; h = json.loads(b[8:8 + n])
    return {k: b[8 + n + v['data_offsets'][0]:8 + n + v['data_offsets'][1]] for k, v in h.items() if k != '__metadata__'}
a, b = load(sys.argv[1]), load(sys.argv[2])
different = [k for k in a if a[k] != b.get(k) and 'save_counter' not in k]
assert not different, different[:5]
END

# SIGTERM: the step is finished and saved.
"$OBJDET" train --pipeline_config_path="$config" --model_dir="$work/term" --seed=3 --num_train_steps=100000 --eval_every_n=0 > "$work/term.log" 2>&1 &
pid=$!
sleep 1
kill -TERM $pid
code=0; wait $pid || code=$?
[ "$code" = 1 ] || fail "SIGTERM: exit code $code"
expect "$work/term.log" "everything is saved, run the same command to continue"
ls "$work/term"/ckpt-1.index > /dev/null

# Old checkpoints go, the best stays.
train --model_dir="$work/keep" --seed=3 --checkpoint_every_n=1 --max_to_keep=2 > /dev/null 2>&1
kept=$(ls "$work/keep"/ckpt-*.index | wc -l)
[ "$kept" -le 3 ] && [ "$kept" -ge 2 ] || fail "max_to_keep=2 kept $kept"
expect "$work/keep/checkpoint" 'model_checkpoint_path: "ckpt-6"'
echo "training resumes bit by bit"
