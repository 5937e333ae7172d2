#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet data check: planted leaks, patients on both sides, broken boxes and falsified labels are named; clean data passes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $1"; exit 1; }
expect() { grep -qxF -- "$2" "$1" || { cat "$1"; fail "expected the line: $2"; }; }
check() { # exit code, arguments...
  local want=$1 code=0
  shift
  "$OBJDET" data check "$@" > out 2> err || code=$?
  [ $code -eq "$want" ] || { cat out err; fail "data check $* ended with $code instead of $want"; }
}
cd "$dir"
"$OBJDET" synth --output_dir=s --train=24 --val=8 --test=8 --seed=3 > /dev/null
check 0 train=s/train.record val=s/val.record test=s/test.record
expect out "0 errors, 0 warnings"
grep -q '^pictures that stand twice' out && fail "synthetic images aren't copies"
check 0 --pipeline_config_path=s/pipeline.config
grep -q '^train    24 images' out || fail "splits from the config"

# The same pictures on both sides; files and records.
cp s/train.record again.record
check 1 train=s/train.record test=again.record
grep -qF 'error: 24 of the 24 images of test stand in another split, too; the first:' out || { cat out; fail "equal files"; }
grep -qF '(the same file)' out || fail "said to be the same file"

# Broken boxes, a class that is missing, labels that a flip falsifies, patients.
printf 'BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xc8\0\0\0\x64\0\0\0\x01\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' > person1_a.bmp
for f in person1_b person2_a person3_a; do cp person1_a.bmp $f.bmp; done
cat > train.csv <<'END'
filename,width,height,class,xmin,ymin,xmax,ymax,clinic
person1_a.bmp,200,100,left lung,10,10,30,30,x
person1_a.bmp,200,100,left lung,10,10,30,30,x
person1_a.bmp,200,100,right lung,100,0,150,100,x
person2_a.bmp,200,100,left lung,30,10,10,30,y
person2_a.bmp,200,100,left lung,30,10,30,30,y
person2_a.bmp,200,100,left lung,30,10,300,30,y
END
cat > test.csv <<'END'
filename,width,height,class,xmin,ymin,xmax,ymax,clinic
person1_b.bmp,200,100,left lung,-5,10,30.5,60,y
person1_b.bmp,200,100,left lung,10,10,11,30,y
person3_a.bmp,200,100,left lung,210,10,220,30,z
END
check 1 train=train.csv test=test.csv --annotations_only
expect out "groups by file names like person1..."
expect out "error: 1 of 3 groups (by file names like person1...) are in more than one split, with 1 images outside train; the first: person1 (1 in train, 1 in test)"
expect out "error: 1 boxes of train have their corners exchanged (max < min); the first: person2_a.bmp, box 0 (left lung, x 30 to 10, y 10 to 30 pixels)"
expect out "error: 1 boxes of train have no area; the first: person2_a.bmp, box 1 (left lung, x 30 to 30, y 10 to 30 pixels)"
expect out "warning: 1 boxes of train reach outside their image by more than a pixel; the first: person2_a.bmp, box 2 (left lung, x 30 to 300, y 10 to 30 pixels)"
expect out "warning: 1 boxes of train stand twice, with the same corners and class; the first: person1_a.bmp, box 1 (left lung, x 10 to 30, y 10 to 30 pixels)"
expect out "error: 1 boxes of test lie outside their image; the first: person3_a.bmp, box 0 (left lung, x 210 to 220, y 10 to 30 pixels)"
expect out "warning: 1 boxes of test have a side under 2 pixels; the first: person1_b.bmp, box 1 (left lung, x 10 to 11, y 10 to 30 pixels)"
expect out "error: test has no box of 1 class: right lung"
expect out "warning: train has 5.0 times as many boxes of left lung (5) as of right lung (1)"
grep -qF 'warning: random_horizontal_flip would falsify the labels left lung, right lung' out || fail "labels and flips"
check 1 train=train.csv test=test.csv --annotations_only --group_by=clinic
grep -qF 'error: 1 of 3 groups (by the field clinic) are in more than one split' out || { cat out; fail "group_by a CSV column"; }
check 1 train=train.csv test=test.csv --annotations_only --group_regex='_([ab])[.]'
grep -qF 'error: 1 of 2 groups (by file names by _([ab])[.]) are in more than one split' out || { cat out; fail "group_regex"; }
check 1 train=train.csv test=test.csv --annotations_only --json=- --group_by=clinic
python3 - <<'END' || fail "JSON"
import json
d = json.load(open('out'))
assert d['group_leaks'] == [{'group': 'y', 'images': [1, 1]}], d['group_leaks']
errors = {f['kind'] for f in d['findings'] if f['severity'] == 'error'}
assert errors == {'leak_group', 'box_inverted', 'box_empty', 'box_all_outside', 'class_absent'}, errors
assert [c['boxes'] for c in d['classes']] == [[5, 3], [1, 0]] and d['imbalance'] == 5, d['classes']
assert d['classes'][0]['falsified_by_horizontal_flip'] is True
END
refused() {
  local want=$1 text=$2
  shift 2
  check "$want" "$@"
  grep -qF -- "$text" err || { cat err; fail "data check $* should say: $text"; }
}
refused 2 "needs splits, e.g. train=train.record test=test.record"
refused 2 "two splits are called a" a=train.csv a=test.csv
refused 2 "group_by=nothing: no image has a field of that name" train=train.csv test=test.csv --annotations_only --group_by=nothing
refused 2 'group_regex "(": Unmatched' train.csv test.csv --group_regex='('
refused 2 "group_regex=zebra matches no file name; the first is person1_a.bmp" train.csv test.csv --group_regex=zebra --annotations_only
refused 1 "nothing.record: cannot open" train=train.csv test=nothing.record
