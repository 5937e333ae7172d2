#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong is named; nothing that was written is lost.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
data=$work/data
train --model_dir="$work/good" --eval_every_n=0 > /dev/null 2>&1
variant() { sed "$1" "$config" > "$work/variant.config"; }
try() { refused "$1" "$OBJDET" train --pipeline_config_path="$work/variant.config" --model_dir="$work/bad" --eval_every_n=0; rm -rf "$work/bad"; }

# The command line.
refused 2 "$OBJDET" train --model_dir="$work/x"
expect "$work/out" "no config: give --pipeline_config_path"
refused 2 "$OBJDET" train --pipeline_config_path="$config"
expect "$work/out" "no model_dir: give --model_dir"
refused 2 "$OBJDET" train --pipline_config_path=x
expect "$work/out" "unknown flag --pipline_config_path (did you mean --pipeline_config_path?)"
refused 2 "$OBJDET" train --num_train_steps=ten
expect "$work/out" "--num_train_steps=ten: expected a whole number"

# The config.
refused 1 "$OBJDET" train --pipeline_config_path="$work/none.config" --model_dir="$work/x"
expect "$work/out" "none.config: cannot open: No such file or directory"
variant 's/ssd_mobilenet_v2_fpn_keras/ssd_mobilenet_v9_keras/'; try 1
expect "$work/out" "ssd_mobilenet_v9_keras"
variant 's/num_steps: 6/num_steps: six/'; try 1
expect "$work/out" "variant.config:"
variant 's/num_classes: 2/num_classes: 1/'; try 1
expect "$work/out" "id 2 (\"triangle\") is above the config's num_classes 1"
variant "s#$data/train.record#$data/nowhere.record#"; try 1
expect "$work/out" "nowhere.record"
variant "s#label_map_path: \"$data/label_map.pbtxt\"#label_map_path: \"$data/none.pbtxt\"#"; try 1
expect "$work/out" "none.pbtxt: cannot open"
variant 's/learning_rate_base: 0.08/learning_rate_base: 1e30/; s/warmup_learning_rate: 0.01/warmup_learning_rate: 1e29/; s/gradient_clipping_by_norm: 10.0//'; try 1
expect "$work/out" "training can't go on"
expect "$work/out" "scale them with the batch"

# Masks that are asked for.
variant 's/metrics_set: "coco_detection_metrics"/metrics_set: "coco_mask_metrics"/'
refused 1 "$OBJDET" eval --pipeline_config_path="$work/variant.config" --model_dir="$work/good"
expect "$work/out" 'eval_config.metrics_set: "coco_mask_metrics" needs the objects'"'"' masks; set load_instance_masks: true in the eval_input_reader'
variant 's/^train_input_reader {/&\n  load_instance_masks: true\n  mask_type: PNG_MASKS/'; try 1
expect "$work/out" "has boxes but no image/object/mask, which load_instance_masks asks for"

# Fine-tuning.
add_fine_tune() { sed "s#^train_config {#train_config {\n  fine_tune_checkpoint: \"$1\"\n  fine_tune_checkpoint_type: \"$2\"\n  fine_tune_checkpoint_version: V2#" "$config" > "$work/variant.config"; }
add_fine_tune "$work/none/ckpt-1" full; try 1
expect "$work/out" "none/ckpt-1"
add_fine_tune "$work/good/ckpt-1" classification; try 1
expect "$work/out" "this is a detection checkpoint, but fine_tune_checkpoint_type is \"classification\""
add_fine_tune "$work/good/ckpt-1" fine_tune; try 1
expect "$work/out" "fine_tune"
add_fine_tune "$work/good/ckpt-1" full
sed -i 's/num_classes: 2/num_classes: 3/' "$work/variant.config"; try 1
expect "$work/out" "this config's model has"
add_fine_tune "$work/good/ckpt-1" full
"$OBJDET" train --pipeline_config_path="$work/variant.config" --model_dir="$work/tuned" --num_train_steps=1 --eval_every_n=0 > "$work/out" 2>&1
expect "$work/out" "restored"
add_fine_tune "$work/good/ckpt-1" detection
sed -i 's/num_classes: 2/num_classes: 3/' "$work/variant.config"
"$OBJDET" train --pipeline_config_path="$work/variant.config" --model_dir="$work/tuned3" --num_train_steps=1 --eval_every_n=0 > "$work/out" 2>&1
printf 'x' > "$work/model.ckpt"
add_fine_tune "$work/model.ckpt" detection; try 1
expect "$work/out" "model.ckpt"

# Records: one flipped bit is named, counted and skipped; half a file is named.
python3 - "$data/train.record" "$work/flipped.record" "$work/cut.record" <<'END'
import sys
b = bytearray(open(sys.argv[1], 'rb').read())
open(sys.argv[3], 'wb').write(b[:len(b) // 2])
b[len(b) // 2] ^= 16
open(sys.argv[2], 'wb').write(b)
END
variant "s#$data/train.record#$work/flipped.record#"
"$OBJDET" train --pipeline_config_path="$work/variant.config" --model_dir="$work/flipped" --eval_every_n=0 > "$work/out" 2>&1 || { cat "$work/out"; fail "a flipped bit stopped the training"; }
expect "$work/out" "flipped.record"
variant "s#$data/train.record#$work/cut.record#"
code=0; "$OBJDET" train --pipeline_config_path="$work/variant.config" --model_dir="$work/cut" --eval_every_n=0 > "$work/out" 2>&1 || code=$?
expect "$work/out" "cut.record"
: > "$work/empty.record"
variant "s#$data/train.record#$work/empty.record#"; try 1
expect "$work/out" "empty.record"

# A damaged checkpoint: the one before it is used, or it is named.
cp -r "$work/good" "$work/damaged"
train --model_dir="$work/damaged" --num_train_steps=8 --eval_every_n=0 > /dev/null 2>&1
truncate -s 1000 "$work/damaged/ckpt-2.index"
train --model_dir="$work/damaged" --num_train_steps=8 --eval_every_n=0 > "$work/out" 2>&1 || { cat "$work/out"; fail "a truncated newest checkpoint stopped the training"; }
expect "$work/out" "resuming from ckpt-1, step 6"
cp -r "$work/good" "$work/flip"
python3 - "$work/flip/ckpt-1.data-00000-of-00001" <<'END'
import sys
b = bytearray(open(sys.argv[1], 'rb').read()); b[4000] ^= 1; open(sys.argv[1], 'wb').write(b)
END
refused 1 "$OBJDET" eval --model_dir="$work/flip"
expect "$work/out" "ckpt-1"
cp -r "$work/good" "$work/three"
sed -i 's/num_classes: 2/num_classes: 3/' "$work/three/pipeline.config"
refused 1 "$OBJDET" eval --model_dir="$work/three"
expect "$work/out" "this config's model has"
refused 1 "$OBJDET" eval --model_dir="$data"
expect "$work/out" "no checkpoint (ckpt-N.index) in this folder; train first or give --checkpoint"

# A read-only folder and a full disk.
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
  mkdir "$work/readonly"; chmod 755 "$work"; chmod 555 "$work/readonly"; chmod -R a+rX "$work" "$(dirname "$OBJDET")" 2> /dev/null || true
  if setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$OBJDET" -a -r "$config"; then
    refused 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$OBJDET" train --pipeline_config_path="$config" --model_dir="$work/readonly/m" --eval_every_n=0
    expect "$work/out" "Permission denied"
  fi
  mkdir "$work/small"
  if mount -t tmpfs -o size=6m tmpfs "$work/small" 2> /dev/null; then
    trap 'umount "$work/small"; chmod -R u+w "$work"; rm -rf "$work"' EXIT
    refused 1 "$OBJDET" train --pipeline_config_path="$config" --model_dir="$work/small" --checkpoint_every_n=1 --max_to_keep=0 --eval_every_n=0
    expect "$work/out" "No space left on device"
    "$OBJDET" eval --model_dir="$work/small" > "$work/full.log" 2>&1 || true
    grep -qE "Average Precision|No space left" "$work/full.log" || { cat "$work/full.log"; fail "the older checkpoint can't be used"; }
    ls "$work/small"/ckpt-1.index > /dev/null
  fi
fi
echo "bad input is named"
