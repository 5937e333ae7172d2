#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet predict on a tiny model: the detections are the evaluation's, pictures and names are right, nothing is overwritten.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
train --model_dir="$work/run" --num_train_steps=2 --eval_every_n=0 > /dev/null 2>&1
images=$work/data/images
predict() { "$OBJDET" predict --model_dir="$work/run" --num_threads=2 "$@"; }
# exactly FILE TEXT: the file is this text
exactly() { diff "$1" <(printf '%s\n' "$2") || fail "$1 is not: $2"; }
# says CODE TEXT COMMAND...: fails with that exit code, and the last line of output is the text
says() {
  local code=$1 text=$2
  shift 2
  refused "$code" "$@"
  exactly <(tail -n 1 "$work/out") "$text"
}

# One picture; its detections are those that the evaluation finds in the same picture, to the last digit.
predict --output_dir="$work/out1" --min_score_thresh=0 --max_boxes=3 "$images/test_00001.jpg" > "$work/out"
grep -qE "^$images/test_00001.jpg: 100 detections, best (square|triangle) [0-9]+ % -> $work/out1/test_00001.jpg\$" "$work/out" || { cat "$work/out"; fail "line of a picture"; }
grep -qE "^1 picture in [0-9.]+ s \([0-9.]+ images/s\), $work/out1/detections.json\$" "$work/out" || { cat "$work/out"; fail "summary"; }
"$OBJDET" eval --model_dir="$work/run" --eval_input_path="$work/data/test.json" --num_threads=2 > /dev/null 2>&1
python3 - "$work" <<'END'
import json, struct, sys
work = sys.argv[1]
found, evaluated, truth = (json.load(open(work + p)) for p in ('/out1/detections.json', '/run/on_test/detections.json', '/run/on_test/groundtruth.json'))
stem = {i['id']: i['file_name'].split('/')[-1].rsplit('.', 1)[0] for i in truth['images']}
names = {c['id']: c['name'] for c in truth['categories']}
expected = [dict({k: v for k, v in d.items() if k != 'file_name'}, image_id='test_00001', category_name=names[d['category_id']]) for d in evaluated if stem[d['image_id']] == 'test_00001']
assert len(found) == 100 and {d['category_name'] for d in found} <= {'square', 'triangle'}
assert [dict(d) for d in found] == expected, (found[0], expected[0])
def size(path):  # of a JPEG: the frame header
    b, at = open(path, 'rb').read(), 2
    assert b[:2] == b'\xff\xd8'
    while not (0xc0 <= b[at + 1] <= 0xc2): at += 2 + struct.unpack('>H', b[at + 2:at + 4])[0]
    return struct.unpack('>HH', b[at + 5:at + 9])
assert size(work + '/out1/test_00001.jpg') == size(work + '/data/images/test_00001.jpg') == (240, 320)
END
! cmp -s "$work/out1/test_00001.jpg" "$images/test_00001.jpg" || fail "nothing was drawn"
"$OBJDET" coco-eval --gt="$work/data/test.json" --dt="$work/out1/detections.json" > "$work/out" 2>&1 || { cat "$work/out"; fail "coco-eval refuses predict's results"; }
expect "$work/out" "Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ]"

# Without --min_score_thresh nothing under .5 is drawn or counted, but detections.json has it.
predict --output_dir="$work/low" "$images/test_00001.jpg" > "$work/out"
exactly <(head -n 1 "$work/out") "$images/test_00001.jpg: 0 detections -> $work/low/test_00001.jpg"
cmp "$work/low/detections.json" "$work/out1/detections.json"
predict --output_dir="$work/high" --min_score_thresh=1 "$images/test_00001.jpg" > /dev/null
[ "$(tr -d '\n' < "$work/high/detections.json")" = "[]" ] || fail "detections under the threshold were written"

# A folder is taken whole, sorted; equal names don't meet; a broken picture is named and skipped; the same pictures give the same bytes.
mkdir -p "$work/a" "$work/b"
cp "$images/test_00001.jpg" "$work/a/same.jpg"
cp "$images/test_00002.jpg" "$work/b/same.JPG"
cp "$images/test_00002.jpg" "$work/b/same_2.jpeg"
printf 'not a picture' > "$work/b/broken.png"
head -c 100 "$images/test_00001.jpg" > "$work/b/cut.jpg"
printf 'no picture' > "$work/b/notes.txt"
predict --output_dir="$work/out2" "$work/a" "$work/b" > "$work/out" 2> "$work/err"
exactly <(head -n 3 "$work/out") "$work/a/same.jpg: 0 detections -> $work/out2/same.jpg
$work/b/same.JPG: 0 detections -> $work/out2/same_3.jpg
$work/b/same_2.jpeg: 0 detections -> $work/out2/same_2.jpg"
grep -qE "^3 pictures in .* images/s\), 2 skipped, $work/out2/detections.json\$" "$work/out" || { cat "$work/out"; fail "summary with skipped pictures"; }
[ "$(grep -c "^objdet: warning: skipped: $work/b/" "$work/err")" = 2 ] || { cat "$work/err"; fail "skipped pictures"; }
expect "$work/err" "skipped: $work/b/broken.png: "
expect "$work/err" "skipped: $work/b/cut.jpg: "
exactly <(ls "$work/out2") "detections.json
same.jpg
same_2.jpg
same_3.jpg"
predict --output_dir="$work/out3" "$work/a" "$work/b" > /dev/null 2>&1
diff -r "$work/out2" "$work/out3"

# The originals are safe.
cp -r "$work/a" "$work/a.before"
says 2 "objdet: error: $work/a/same.jpg: is one of the given pictures, and its annotated copy would replace it; give another --output_dir" \
  predict --output_dir="$work/a" "$work/a"
diff -r "$work/a" "$work/a.before"

# An unpacked zoo model: checkpoint/ckpt-0 below the folder. Classes without a name are "class N".
mkdir -p "$work/zoo/checkpoint"
for f in "$work/run"/ckpt-1.*; do cp "$f" "$work/zoo/checkpoint/ckpt-0.${f##*ckpt-1.}"; done
printf 'model_checkpoint_path: "ckpt-0"\n' > "$work/zoo/checkpoint/checkpoint"
cp "$work/run/pipeline.config" "$work/zoo/"
"$OBJDET" predict --model_dir="$work/zoo" --label_map_path="$work/data/label_map.pbtxt" --output_dir="$work/out4" --num_threads=2 "$images/test_00001.jpg" > /dev/null
cmp "$work/out4/detections.json" "$work/out1/detections.json"
sed -i 's#label_map_path: "[^"]*"#label_map_path: "nowhere.pbtxt"#' "$work/zoo/pipeline.config"
"$OBJDET" predict --model_dir="$work/zoo" --output_dir="$work/out5" --num_threads=2 "$images/test_00001.jpg" > /dev/null
diff "$work/out5/detections.json" <(sed 's/"square"/"class 1"/; s/"triangle"/"class 2"/' "$work/out1/detections.json") || fail "classes without a name"
printf 'item { id: 2 name: "only" }\n' > "$work/two.pbtxt"
predict --label_map_path="$work/two.pbtxt" --output_dir="$work/out6" "$images/test_00001.jpg" > /dev/null
diff "$work/out6/detections.json" <(sed 's/"square"/"class 1"/; s/"triangle"/"only"/' "$work/out1/detections.json") || fail "a class that the map lacks"

# Errors.
says 1 "objdet: error: $work/none.jpg: cannot open: No such file or directory" predict "$work/none.jpg"
says 1 "objdet: error: not one picture could be read" predict --output_dir="$work/out7" "$work/b/broken.png"
mkdir "$work/empty"
says 1 "objdet: error: $work/empty: no pictures (jpg, jpeg, png, bmp, webp) in this folder" predict --output_dir="$work/out8" "$work/empty"
[ ! -e "$work/out8" ] || fail "a folder was made for nothing"
says 2 "objdet: error: no pictures: give files or folders" predict
says 2 "objdet: error: no model: give --model_dir" "$OBJDET" predict "$work/a"
says 1 "objdet: error: $work/none.pbtxt: cannot open: No such file or directory" predict --label_map_path="$work/none.pbtxt" "$work/a"
printf 'item { id: 3 name: "x" }\n' > "$work/wrong.pbtxt"
says 1 "objdet: error: $work/wrong.pbtxt:1: id 3 (\"x\") is above the config's num_classes 2; set num_classes to at least 3, or leave the class out" \
  predict --label_map_path="$work/wrong.pbtxt" "$work/a"
says 2 "objdet: error: min_score_thresh is nan; expected a score from 0 to 1" predict --min_score_thresh=nan "$work/a"
says 2 "objdet: error: max_boxes is -1; expected 0 or more" predict --max_boxes=-1 "$work/a"
says 1 "objdet: error: $work/empty/pipeline.config: cannot open: No such file or directory" "$OBJDET" predict --model_dir="$work/empty" "$work/a"
cp "$work/run/pipeline.config" "$work/empty/"
says 1 "objdet: error: $work/empty: no checkpoint (ckpt-N.index) in this folder or its checkpoint/; train first or give --checkpoint" \
  "$OBJDET" predict --model_dir="$work/empty" "$work/a"
says 1 "objdet: error: $work/run/ckpt-7.index: not found; expected a checkpoint, such as model_dir/ckpt-1 for model_dir/ckpt-1.index" \
  predict --checkpoint="$work/run/ckpt-7" "$work/a"
printf 'x' > "$work/file"
refused 1 predict --output_dir="$work/file/below" "$work/a"
expect "$work/out" "objdet: error: $work/file"

# A threshold and a calibrator that objdet threshold saved are used, unless a threshold is given; broken or stale ones are told.
"$OBJDET" threshold --fit_gt="$work/data/test.json" --fit_dt="$work/run/on_test/detections.json" --resamples=0 --save_to="$work/run" > "$work/out" 2>&1 || { cat "$work/out"; fail "threshold of an evaluation"; }
expect "$work/out" "Saved to $work/run/operating_point.json"
python3 - "$work" <<'END'
import json, sys
path = sys.argv[1] + '/run/operating_point.json'
f, scores = json.load(open(path)), sorted((d['score'] for d in json.load(open(sys.argv[1] + '/out1/detections.json'))), reverse=True)
assert f['checkpoint'] == 'ckpt-1' and f['fit']['images'] > 0
f['threshold'] = (scores[4] + scores[5]) / 2
f['calibrator'] = dict(kind='platt', all=dict(a=-1.0, b=-1.0, right=5, wrong=5), classes={})
json.dump(f, open(path, 'w'))
END
predict --output_dir="$work/chosen" "$images/test_00001.jpg" > "$work/out"
expect "$work/out" "threshold of $work/run/operating_point.json, chosen on $work/data/test.json: "
expect "$work/out" "$images/test_00001.jpg: 5 detections, best "
python3 - "$work" <<'END'
import json, math, sys
plain, chosen = (json.load(open(sys.argv[1] + p)) for p in ('/out1/detections.json', '/chosen/detections.json'))
assert [d['score'] for d in plain] == [d['score'] for d in chosen]
for d in chosen: assert abs(d['probability'] - 1 / (1 + math.exp(-math.log(d['score'] / (1 - d['score'])) - 1))) < 1e-6
END
# A class with a threshold of its own keeps to that, the other to that of all.
wanted=$(python3 - "$work" <<'END'
import json, sys
path = sys.argv[1] + '/run/operating_point.json'
f, found = json.load(open(path)), json.load(open(sys.argv[1] + '/out1/detections.json'))
scores = {c: sorted((d['score'] for d in found if d['category_name'] == c), reverse=True) for c in ('square', 'triangle')}
name = max(scores, key=lambda c: len(scores[c]))
f['class_thresholds'] = {name: (scores[name][10] + scores[name][11]) / 2}
json.dump(f, open(path, 'w'))
print(sum(d['score'] >= f['class_thresholds'].get(d['category_name'], f['threshold']) for d in found))
END
)
[ "$wanted" -ge 11 ] || fail "the class's threshold would change nothing"
predict --output_dir="$work/classes" "$images/test_00001.jpg" > "$work/out"
expect "$work/out" "classes with a threshold of their own: 1"
expect "$work/out" "$images/test_00001.jpg: $wanted detections, best "
predict --output_dir="$work/given" --min_score_thresh=0 "$images/test_00001.jpg" > "$work/out"
expect "$work/out" "operating_point.json (threshold "
expect "$work/out" "is not used: a threshold of 0 was given"
cmp "$work/given/detections.json" "$work/out1/detections.json" || fail "a given threshold leaves the calibrator out"
sed -i 's/"ckpt-1"/"ckpt-0"/' "$work/run/operating_point.json"
predict --output_dir="$work/stale" "$images/test_00001.jpg" > "$work/out" 2>&1
expect "$work/out" "was saved when ckpt-0 was the newest checkpoint; now ckpt-1 is: choose the threshold again with objdet threshold"
echo '{}' > "$work/run/operating_point.json"
says 1 "objdet: error: $work/run/operating_point.json: format is ''; expected 'objdet operating point', as objdet threshold --save_to writes it" "$OBJDET" predict --model_dir="$work/run" --output_dir="$work/broken" "$images/test_00001.jpg"
echo "predict works"
