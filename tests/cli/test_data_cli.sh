#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet data info and convert, objdet synth: exact output, and what they say to wrong input.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $1"; exit 1; }
expect() { diff -u "$1" "$2" || fail "$3"; }
cd "$dir"

# A BMP's header is all that these commands read of an image: 200 x 100 pixels.
printf 'BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xc8\0\0\0\x64\0\0\0\x01\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' > a.bmp
cp a.bmp b.bmp
cat > boxes.csv <<'EOF'
filename,width,height,class,xmin,ymin,xmax,ymax
a.bmp,200,100,cat,10,10,30,30
a.bmp,200,100,dog,0,0,150,100
a.bmp,200,100,cat,30,10,10,30
b.bmp,200,100,cat,-5,10,30.5,60
b.bmp,200,100,cat,10,10,11,30
missing.bmp,200,100,cat,10,10,30,30
EOF

"$OBJDET" data info boxes.csv > out 2> err
cat > expected <<'EOF'
boxes.csv (CSV, 3 images)
images       2, 0 of them without boxes
boxes        5, 2.50 an image, at most 3
classes      2
      id  name     boxes    images
       1  cat          4         2
       2  dog          1         1
image sizes  200x100 to 200x100, median 200x100
box sizes    small 2 (under 32x32 pixels), medium 1, large 1 (96x96 and more)
  1 box inverted (max < min)
  1 box partly or wholly outside the image
  1 box tiny (a side under 2 pixels)
  1 image not readable; the first: boxes.csv: image missing.bmp not found in ., ./images or ./JPEGImages; --image_dir says where it is
EOF
expect expected out "data info of a CSV"
cat > expected <<'EOF'
objdet: warning: boxes.csv: image 0 (a.bmp): box 2 of class "cat" (ymin 0.1, xmin 0.15, ymax 0.3, xmax 0.05) has its corners exchanged (max < min); dropped. Others like it are counted, not named
objdet: warning: boxes.csv: image 1 (b.bmp): box 0 of class "cat" (ymin 0.1, xmin -0.025, ymax 0.6, xmax 0.1525) has a part outside the image; kept as it is. Others like it are counted, not named
EOF
expect expected err "warnings of data info"

"$OBJDET" data info --json boxes.csv 2> err | tr -d '\n ' > out
printf '%s' '{"input":"boxes.csv(CSV,3images)","images":2,"null_images":0,"boxes":5,"crowd":0,"difficult":0,"classes":[{"id":1,"name":"cat","boxes":4,"images":2},{"id":2,"name":"dog","boxes":1,"images":1}],"image_sizes":{"smallest":[200,100],"median":[200,100],"largest":[200,100]},"box_sizes":{"small":2,"medium":1,"large":1},"problems":{"not_finite":0,"inverted":1,"empty":0,"not_positive":0,"outside":1,"unknown_class":0,"unknown_id":0,"tiny":1,"unreadable":1,"first_unreadable":"boxes.csv:imagemissing.bmpnotfoundin.,./imagesor./JPEGImages;--image_dirsayswhereitis"}}' > expected
expect expected out "data info --json"

"$OBJDET" data convert --from=csv --to=coco boxes.csv --output=coco/boxes.json > out 2> err
cat > expected <<'EOF'
coco/boxes.json: 2 images (0 without boxes), 4 boxes
left out, as they could not be read: 1
label_map.pbtxt written beside it
EOF
expect expected out "data convert to COCO"
grep -q '^objdet: warning: left out: boxes.csv: image missing.bmp not found' err || fail "a missing image is named"
cat > expected <<'EOF'
{
 "categories": [
  {"id": 1, "name": "cat"},
  {"id": 2, "name": "dog"}],
 "images": [
  {"id": 1, "file_name": "../a.bmp", "width": 200, "height": 100},
  {"id": 2, "file_name": "../b.bmp", "width": 200, "height": 100}],
 "annotations": [
  {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0},
  {"id": 2, "image_id": 1, "category_id": 2, "bbox": [0, 0, 150, 100], "area": 15000, "iscrowd": 0},
  {"id": 3, "image_id": 2, "category_id": 1, "bbox": [-5, 10, 35.5, 50], "area": 1775, "iscrowd": 0},
  {"id": 4, "image_id": 2, "category_id": 1, "bbox": [10, 10, 1, 20], "area": 20, "iscrowd": 0}]
}
EOF
expect expected coco/boxes.json "the COCO JSON"

"$OBJDET" data convert --to tfrecord coco/boxes.json --output=r/x.record --label_map_path=coco/label_map.pbtxt --shards=2 > out 2> err
echo "r/x.record: 2 images (0 without boxes), 4 boxes" > expected
expect expected out "data convert to TFRecord shards"
[ "$(ls r | tr '\n' ' ')" = "x.record-00000-of-00002 x.record-00001-of-00002 " ] || fail "the shards' names"
"$OBJDET" data info 'r/x.record-?????-of-00002' > out 2> err
grep -qx 'r/x.record-00000-of-00002 and 1 more (TFRecord, 2 records)' out || fail "data info of shards"
grep -qx '       2  dog          1         1' out || fail "classes of shards"

"$OBJDET" synth --output_dir=shapes --train=3 --val=2 --test=0 --seed=7 > out
echo "shapes: 3 training, 2 validation and 0 test images; train with --pipeline_config_path=shapes/pipeline.config" > expected
expect expected out "synth"
"$OBJDET" config check shapes/pipeline.config > out 2>&1 || { cat out; fail "the config that synth writes"; }
ls shapes > out
printf '%s\n' images label_map.pbtxt pipeline.config train.json train.record val.json val.record > expected
expect expected out "synth's files"

refused() { # exit code, text, arguments...
  local want=$1 text=$2 code=0
  shift 2
  "$OBJDET" "$@" > out 2> err || code=$?
  [ $code -eq "$want" ] || fail "$* ended with $code instead of $want"
  grep -qF -- "$text" err || { cat err; fail "$* should say: $text"; }
}
refused 2 "usage: objdet data ACTION" data
refused 2 "unknown action 'inof'" data inof
refused 2 "no input path is given" data info
refused 1 "nothing.record: cannot open: No such file" data info nothing.record
refused 2 "needs --to" data convert boxes.csv
refused 2 "needs --output" data convert boxes.csv --to=coco
refused 2 "--shards=0: expected 1 to 9999" data convert boxes.csv --to=tfrecord --output=x --shards=0
refused 2 "cannot write the data format \"kitti\"" data convert boxes.csv --to=kitti --output=x
refused 2 "unknown data format \"kitti\"" data convert --from=kitti boxes.csv --to=coco --output=x
refused 1 "coco/label_map.pbtxt is there already and has other classes" data convert shapes/val.record --to=coco --output=coco/y.json
refused 2 "needs --output_dir" synth
refused 2 "train is 0; expected 1 to 1000000" synth --output_dir=x --train=0
mkdir locked && chmod 500 locked
if [ "$(id -u)" -ne 0 ]; then
  refused 1 "locked" data convert shapes/val.record --to=tfrecord --output=locked/x.record
fi
"$OBJDET" data --help | grep -q convert || fail "data --help"
"$OBJDET" data convert --help | grep -q 'examples:' || fail "data convert --help"
