#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet predict and objdet bench on a tiny model.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
train --model_dir="$work/run" --num_train_steps=2 --eval_every_n=0 > /dev/null 2>&1
images=$work/data/images

"$OBJDET" predict --model_dir="$work/run" --output_dir="$work/out1" --min_score_thresh=0 --max_boxes=3 "$images/test_00001.jpg" > "$work/out"
expect "$work/out" "$images/test_00001.jpg: 3 detections, best "
expect "$work/out" "1 picture in"
head -c 3 "$work/out1/test_00001.jpg" | od -An -tx1 | grep -q "ff d8 ff" || fail "no JPEG was written"
expect "$work/out1/detections.json" '{"image_id":"test_00001","category_id":'
expect "$work/out1/detections.json" '"category_name":"'
"$OBJDET" coco-eval --gt="$work/data/test.json" --dt="$work/out1/detections.json" > "$work/out" 2>&1 || { cat "$work/out"; fail "coco-eval refuses predict's results"; }
expect "$work/out" "Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ]"

# The same pictures again give the same bytes; equal names don't overwrite each other; a folder is taken whole.
mkdir -p "$work/a" "$work/b"
cp "$images/test_00001.jpg" "$work/a/same.jpg"
cp "$images/test_00002.jpg" "$work/b/same.JPG"
printf 'not a picture' > "$work/b/broken.png"
"$OBJDET" predict --model_dir="$work/run" --output_dir="$work/out2" "$work/a" "$work/b" > "$work/out" 2> "$work/err"
ls "$work/out2/same.jpg" "$work/out2/same_2.jpg" > /dev/null || fail "a picture was overwritten"
expect "$work/err" "skipped: $work/b/broken.png"
cp -r "$work/out2" "$work/out3"
"$OBJDET" predict --model_dir="$work/run" --output_dir="$work/out3" "$work/a" "$work/b" > /dev/null 2>&1
cmp "$work/out2/detections.json" "$work/out3/detections.json"

# An unpacked zoo model: checkpoint/ckpt-0 below the folder.
mkdir -p "$work/zoo/checkpoint"
for f in "$work/run"/ckpt-1.*; do cp "$f" "$work/zoo/checkpoint/ckpt-0.${f##*ckpt-1.}"; done
printf 'model_checkpoint_path: "ckpt-0"\n' > "$work/zoo/checkpoint/checkpoint"
cp "$work/run/pipeline.config" "$work/zoo/"
"$OBJDET" predict --model_dir="$work/zoo" --label_map_path="$work/data/label_map.pbtxt" --output_dir="$work/out4" "$work/a/same.jpg" > "$work/out"
expect "$work/out" "1 picture in"

refused 1 "$OBJDET" predict --model_dir="$work/run" "$work/none.jpg"
expect "$work/out" "none.jpg: cannot open: No such file or directory"
refused 1 "$OBJDET" predict --model_dir="$work/run" --output_dir="$work/out5" "$work/b/broken.png"
expect "$work/out" "not one picture could be read"
refused 2 "$OBJDET" predict --model_dir="$work/run"
expect "$work/out" "no pictures: give files or folders"
refused 1 "$OBJDET" predict --model_dir="$work/run" --label_map_path="$work/none.pbtxt" "$work/a/same.jpg"
expect "$work/out" "none.pbtxt: cannot open"
mkdir "$work/empty"; cp "$work/run/pipeline.config" "$work/empty/"
refused 1 "$OBJDET" predict --model_dir="$work/empty" "$work/a/same.jpg"
expect "$work/out" "no checkpoint (ckpt-N.index) in this folder"

"$OBJDET" bench train --pipeline_config_path="$config" --steps=2 --json="$work/train.json" > "$work/out"
expect "$work/out" "training step, batch 4 of 96x96"
"$OBJDET" bench infer --pipeline_config_path="$config" --steps=2 --batch_size=2 --json="$work/infer.json" > "$work/out"
python3 - "$work/train.json" "$work/infer.json" <<'END'
import json, sys
t, i = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
for j in (t, i):
    assert j['step_seconds'] > 0 and j['peak_rss_bytes'] > 1e6 and 0 < j['startup_seconds'] < 60, j
    assert abs(j['images_per_second'] * j['step_seconds'] - j['batch_size']) < 1e-6 * j['batch_size']
    assert j['ops']['conv2d']['nodes'] > 40 and j['ops']['conv2d']['forward_seconds'] > 0
assert t['batch_size'] == 4 and t['step_seconds_with_input'] > 0 and t['ops']['conv2d']['backward_seconds'] > 0
assert i['batch_size'] == 2 and i['step_seconds_with_postprocessing'] > 0
END
sed "s#$work/data/train.record#nowhere.record#" "$config" > "$work/nodata.config"
"$OBJDET" bench train --pipeline_config_path="$work/nodata.config" --steps=1 --json="$work/nodata.json" > "$work/out"
expect "$work/nodata.json" '"step_seconds_with_input": null'
refused 2 "$OBJDET" bench fly
expect "$work/out" "expected 'bench train' or 'bench infer'"
echo "predict and bench work"
