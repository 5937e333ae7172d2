#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet events list: the table, the CSV, and what it says to wrong input.
set -euo pipefail
data="$OD_SOURCE_DIR/tests/events/data/tf_events"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $1"; exit 1; }
expect() { diff -u "$1" "$2" || fail "$3"; }

"$OBJDET" events list "$data/tf1" > "$dir/out"
cat > "$dir/expected" <<'EOF'
.  (1 event file)
  tag                                                kind    number  steps           last
  Losses/TotalLoss                                   scalar       3  0..20           3
  global_step/sec                                    scalar       3  0..20           2.5
  image-0                                            image        1  20              7x5
EOF
expect "$dir/expected" "$dir/out" "the table of one folder"

"$OBJDET" events list "$data" --csv=Loss/total_loss | cut -d, -f1,2,4 > "$dir/out" # without the wall times
printf 'run,step,value\ntf2,100,0.00999999978\ntf2,200,0.00499999989\ntf2,300,0.00333333341\n' > "$dir/expected"
expect "$dir/expected" "$dir/out" "the CSV of one tag"

# A killed run: the note goes beside the CSV, and what is whole is shown.
mkdir "$dir/train"
file="$dir/train/events.out.tfevents.1700000000.host"
head -c 300 "$data/tf1/events.out.tfevents.1700000000.host" > "$file"
"$OBJDET" events list "$dir" | grep -q '^train  (1 event file, 1 ending in half a record)$' || fail "a cut file is told"
"$OBJDET" events list "$dir" --csv=Losses/TotalLoss 2> "$dir/err" | cut -d, -f1,2,4 > "$dir/out"
head -n 1 "$dir/out" | grep -qx 'run,step,value' || fail "only CSV on stdout"
grep -qx 'train,0,5' "$dir/out" || fail "the CSV of a cut file"
grep -q 'half-written record at byte' "$dir/err" || fail "the note on stderr"

refused() { # text, arguments...
  local text=$1 code=0
  shift
  "$OBJDET" events "$@" > "$dir/out" 2> "$dir/err" || code=$?
  [ $code -ne 0 ] || fail "$* was accepted"
  grep -qF -- "$text" "$dir/err" || { cat "$dir/err"; fail "$* should say: $text"; }
}
printf 'x' | dd of="$file" bs=1 seek=40 conv=notrunc 2>/dev/null
refused "damaged at byte 0: the CRC of the record's data is wrong" list "$dir"
refused "has no scalars with the tag 'nope'" list "$data" --csv=nope
refused "isn't a TensorBoard event file" list "$OD_SOURCE_DIR/CMakeLists.txt"
refused "no event files" list "$OD_SOURCE_DIR/proto"
refused "No such file or directory" list "$dir/nowhere"
refused "expected one folder or file, got 0" list
refused "unknown action 'lost'" lost
"$OBJDET" events --help | grep -q 'events list DIR' || fail "--help"
