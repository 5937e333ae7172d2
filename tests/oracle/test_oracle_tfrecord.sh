#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The OD API's TfExampleDecoder reads the TFRecords that objdet writes, with equal boxes, classes and keys; objdet reads
# what TensorFlow writes, packed or not. Opt-in: OD_ORACLE names a venv with the OD API.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no venv with the OD API"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python() { "$OD_ORACLE/bin/python" "$@" 2>"$dir/stderr" || { tail -20 "$dir/stderr"; exit 1; }; }
here="$OD_SOURCE_DIR/tests/oracle"

"$OBJDET" synth --output_dir="$dir/s" --train=20 --val=0 --test=0
"$OBJDET" data convert "$dir/s/train.json" --to=tfrecord --output="$dir/r/x.record" --label_map_path="$dir/s/label_map.pbtxt" --shards=3
python "$here/tfrecord_read.py" "$dir/s/train.record" "$dir/s/train.json" "$dir/s" "$dir/s/label_map.pbtxt"
python "$here/tfrecord_read.py" "$dir/r/x.record-*" "$dir/s/train.json" "$dir/s" "$dir/s/label_map.pbtxt"
# an outline for each box of the JSON: the corners cut off, over the picture's edge
python - "$dir/s/train.json" "$dir/s/outlines.json" <<'EOF'
import json, sys
data = json.load(open(sys.argv[1]))
for i, a in enumerate(data["annotations"]):
    x, y, w, h = a["bbox"]
    c = (.1 + .05 * (i % 7)) * min(w, h)
    a["segmentation"] = [[x + c, y - 2.3, x + w, y + c, x + w - c, y + h, x, y + h - c], [x - 4, y, x + c, y + c, x, y + 2 * c]]
json.dump(data, open(sys.argv[2], "w"))
EOF
"$OBJDET" data convert "$dir/s/outlines.json" --to=tfrecord --output="$dir/m/x.record" --label_map_path="$dir/s/label_map.pbtxt"
python "$here/tfrecord_read.py" "$dir/m/x.record" "$dir/s/outlines.json" "$dir/s" "$dir/s/label_map.pbtxt"
if [ -d "$OD_SHARED_DIR/data/chest_xray" ]; then
  data="$OD_SHARED_DIR/data/chest_xray"
  "$OBJDET" data convert "$data/val.json" --to=tfrecord --output="$dir/c/val.record"
  python "$here/tfrecord_read.py" "$dir/c/val.record" "$data/val.json" "$data/images" "$dir/c/label_map.pbtxt"
fi

python "$here/tfrecord_odd.py" "$dir"
printf 'item { id: 1 name: "cat" }\nitem { id: 2 name: "dog" }\n' > "$dir/map.pbtxt"
for name in plain gzip zlib; do
  "$OBJDET" data info "$dir/$name.record" --label_map_path="$dir/map.pbtxt" | tail -n +2 > "$dir/$name.txt"
done
cat > "$dir/expected" <<'EOF'
images       3, 1 of them without boxes
boxes        4, 1.33 an image, at most 2
classes      2
      id  name     boxes    images
       1  cat          2         2
       2  dog          2         2
image sizes  40x20 to 40x20, median 40x20
box sizes    small 4 (under 32x32 pixels), medium 0, large 0 (96x96 and more)
problems     none
EOF
for name in plain gzip zlib; do diff -u "$dir/expected" "$dir/$name.txt"; done
echo "TFRecords agree both ways"
