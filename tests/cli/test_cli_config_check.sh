#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet config check: exit codes, and every problem of a bad config at once, word for word.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cp "$OD_SOURCE_DIR/tests/data/ssd_fpnlite.config" good.config
mkdir start
touch train.record val-00000-of-00002.record start/ckpt-1.index
printf "item { id: 1 name: 'cat' }\nitem { id: 2 name: 'dog' }\n" > map.pbtxt
"$OBJDET" config check good.config > out || { cat out; exit 1; }
echo "good.config: 0 errors, 0 warnings" | diff - out

cat > bad.config <<'CONFIG'
model {
  ssd {
    num_classes: 1
    num_clases: 3
    image_resizer { fixed_shape_resizer { height: 256 width: 256 } }
    feature_extractor { type: 'ssd_mobilenet_v2_fpn' }
  }
}
train_config {
  batch_size: 4 batch_size: 8
  num_steps: many
  fine_tune_checkpoint: 'model.ckpt'
}
train_input_reader { label_map_path: 'map.pbtxt' tf_record_input_reader { input_path: 'gone.record' } }
CONFIG
code=0
"$OBJDET" config check --quiet bad.config > out || code=$?
[ $code = 1 ]
grep -v 'ssd\.[a-z_]*: is missing\|as in the zoo' out > short
cat > expected <<'TEXT'
bad.config:1: warning: eval_input_reader: is missing: nothing can be evaluated
    fix: add eval_input_reader { ... } as for training
bad.config:3: error: model.ssd.num_classes: 1: 1 is less than id 2 of 'dog' in map.pbtxt
    expected: 2
bad.config:4:5: error: model.ssd: unknown field 'num_clases' in Ssd
    fix: did you mean num_classes?
bad.config:6: error: model.ssd.feature_extractor.type: "ssd_mobilenet_v2_fpn": 'ssd_mobilenet_v2_fpn' is for TensorFlow 1 only
    expected: a TensorFlow 2 type
    fix: type: 'ssd_mobilenet_v2_fpn_keras'
bad.config:9: error: train_config.fine_tune_checkpoint_version: is not given, which means V1, and only V2 works in TensorFlow 2
    expected: V2
    fix: fine_tune_checkpoint_version: V2
bad.config:9: warning: train_config.fine_tune_checkpoint_type: is not given, which means 'classification'
    expected: 'classification', 'detection' or 'full'
    fix: say it: 'detection' for a zoo detector, 'classification' for a backbone
bad.config:10:29: warning: train_config.batch_size: is given again (before: line 10); the last value counts, as in the OD API
    fix: keep one of them
bad.config:11:14: error: train_config.num_steps: cannot be 'many'
    expected: a whole number from 0 to 4294967295
bad.config:12: error: train_config.fine_tune_checkpoint: "model.ckpt": there is no file model.ckpt.index
    expected: a checkpoint that exists
    fix: model.ckpt is a TensorFlow 1 name: take the model from the TensorFlow 2 zoo (.../checkpoint/ckpt-0)
bad.config:14: error: train_input_reader.tf_record_input_reader.input_path: no file matches gone.record
    expected: a file, or a pattern that matches files
    fix: correct the path; it counts from the folder where objdet is started
bad.config: 7 errors, 3 warnings
TEXT
diff expected short

code=0
"$OBJDET" config check gone.config 2> out || code=$?
[ $code = 1 ]
echo "objdet: error: gone.config: cannot open: No such file or directory" | diff - out
code=0
"$OBJDET" config chekc good.config 2> out || code=$?
[ $code = 2 ]
"$OBJDET" config --help | grep -q 'objdet config check pipeline.config'
