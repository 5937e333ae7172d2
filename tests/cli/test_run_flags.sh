#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# model_main_tf2.py's command line, also under its name.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
ln -s "$OBJDET" "$work/model_main_tf2"
"$work/model_main_tf2" --pipeline_config_path "$config" --model_dir "$work/run" --alsologtostderr --num_train_steps=3 > "$work/out" 2>&1
expect "$work/out" "saved ckpt-1 (step 3)"
[ ! -d "$work/run/eval" ] || fail "run without --checkpoint_dir evaluated"
"$work/model_main_tf2" --pipeline_config_path="$config" --model_dir="$work/run" --checkpoint_dir="$work/run" --eval_timeout=2 --noalsologtostderr \
  --sample_1_of_n_eval_examples=2 > "$work/out" 2>&1
expect "$work/out" "Waiting for new checkpoint at $work/run"
expect "$work/out" "INFO:tensorflow:Eval metrics at step 3"
expect "$work/out" "Timed out waiting for a checkpoint."
grep -q '"images": 2,' "$work/run/eval/metrics.json" || fail "sample_1_of_n_eval_examples was ignored"
refused 2 "$OBJDET" run --model_dir="$work/run"
expect "$work/out" "no config: give --pipeline_config_path"
echo "model_main_tf2's flags work"
