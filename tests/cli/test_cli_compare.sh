#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet coco-eval's intervals and image-level figures, objdet compare: what they print, write and refuse.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $1"; cat "$dir/out" "$dir/err" 2> /dev/null; exit 1; }
has() { grep -qF -- "$1" "$dir/${2:-out}" || fail "'$1' is missing"; }

# 24 images of 12 patients: a sick one has a box that A finds and B misses in every third; every fourth image is empty.
awk 'BEGIN {
  printf "{\"images\": ["; for (i = 0; i < 24; i++) printf "%s{\"id\": %d, \"file_name\": \"p%d_%d.png\", \"patient\": \"p%d\"}", i ? ", " : "", i + 1, i / 2, i, i / 2
  printf "], \"categories\": [{\"id\": 1, \"name\": \"finding\"}], \"annotations\": ["
  for (i = 0; i < 24; i++) if (i % 4) printf "%s{\"id\": %d, \"image_id\": %d, \"category_id\": 1, \"bbox\": [10, 10, 50, %d]}", c++ ? ", " : "", c + 1, i + 1, 40 + i
  printf "]}" }' > "$dir/gt.json"
results() { awk -v which="$1" 'BEGIN { printf "["
  for (i = 0; i < 24; i++) { if (which == "B" && i % 3 == 0) continue
    printf "%s{\"image_id\": %d, \"category_id\": 1, \"bbox\": [%d, 10, 50, %d], \"score\": %g}", c++ ? ", " : "", i + 1, 10 + i % 5, 40 + i, i % 4 ? .6 + i / 100 : .1 + i / 100 }
  printf "]" }'; }
results A > "$dir/a.json"
results B > "$dir/b.json"

run() { "$OBJDET" "$@" > "$dir/out" 2> "$dir/err" || fail "objdet $*"; }
run coco-eval --gt="$dir/gt.json" --dt="$dir/a.json" --group_by=patient --image_level --per_class --json="$dir/a.out.json"
has " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = "
has "mAP, COCO's main number"
has "95 % intervals: bias-corrected t over 12 groups (24 images), 1000 resamples, seed 0."
has "Warning: 12 groups are a small sample. In simulations with 10 groups"
has "24 images in 12 groups, 6 of them without any box."
has "finding: 18 images have it, 6 don't; said to be there from score 0.5; TP 18, FP 0, TN 6, FN 0"

has '"interval' a.out.json
has '"why_not"' a.out.json
grep -q '"AP_small": {' "$dir/a.out.json" || fail "intervals by size in the JSON"

# Nothing about intervals when they are switched off.
run coco-eval --gt="$dir/gt.json" --dt="$dir/a.json" --resamples=0 --noexplain
grep -q interval "$dir/out" && fail "intervals although --resamples=0"

# The same seed gives the same file, whatever the number of threads.
run coco-eval --gt="$dir/gt.json" --dt="$dir/a.json" --json="$dir/1.json" --num_threads=1 --image_level
run coco-eval --gt="$dir/gt.json" --dt="$dir/a.json" --json="$dir/2.json" --num_threads=3 --image_level
cmp "$dir/1.json" "$dir/2.json" || fail "threads change the intervals"

run compare --gt="$dir/gt.json" "$dir/a.json" "$dir/b.json" --json="$dir/c.json"
has "A is better"
has "only A right 6, only B 0; p = 0.0156 (McNemar, mid-p)"
has "specificity    1.000   1.000"
has '"distinct": true' c.json
run compare --gt="$dir/gt.json" "$dir/a.json" "$dir/a.json"
has "mAP: A and B cannot be told apart on these 24 images."
has "equal"
run compare --gt="$dir/gt.json" "$dir/a.json" "$dir/b.json" --group_regex='^(p[0-9]+)_'
has "McNemar, cluster-robust"

refused() {
  local code=$1 message=$2; shift 2
  set +e; "$OBJDET" "$@" > "$dir/out" 2> "$dir/err"; local got=$?; set -e
  [ "$got" = "$code" ] || fail "objdet $*: exit code $got, expected $code"
  has "$message" err
}
refused 2 "error: expected --gt=GT.json and two files of detections" compare --gt="$dir/gt.json" "$dir/a.json"
refused 1 "none.json: cannot open" compare --gt="$dir/gt.json" "$dir/a.json" "$dir/none.json"
refused 2 "level 95: expected a probability such as 0.95" coco-eval --gt="$dir/gt.json" --dt="$dir/a.json" --level=95
refused 2 "5 resamples: expected 40 to 1000000" coco-eval --gt="$dir/gt.json" --dt="$dir/a.json" --resamples=5
refused 1 "has no field 'ward' to group by" compare --gt="$dir/gt.json" "$dir/a.json" "$dir/b.json" --group_by=ward
sed 's/"image_id": 2,/"image_id": 99,/' "$dir/b.json" > "$dir/bad.json"
refused 1 "image_id 99 matches no image of the ground truth" compare --gt="$dir/gt.json" "$dir/a.json" "$dir/bad.json"
echo ok
