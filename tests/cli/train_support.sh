# SPDX-License-Identifier: Apache-2.0
# Sourced by the training tests: a tiny data set and config in $work, and checks.
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }
# expect FILE TEXT: the file contains the text
expect() { grep -qF -- "$2" "$1" || { echo "--- $1"; cat "$1"; fail "expected: $2"; }; }
# refused CODE COMMAND...: fails with that exit code; its output is in $work/out
refused() {
  local want=$1 got=0
  shift
  "$@" > "$work/out" 2>&1 || got=$?
  [ "$got" = "$want" ] || { cat "$work/out"; fail "exit code $got, expected $want: $*"; }
}
make_data() {
  "$OBJDET" synth --output_dir="$work/data" --train=12 --val=4 --test=2 > /dev/null
  sed -i 's/height: 192 width: 192/height: 96 width: 96/; s/batch_size: 8/batch_size: 4/; s/num_steps: 1500/num_steps: 6/; s/total_steps: 1500/total_steps: 6/; s/warmup_steps: 60/warmup_steps: 2/' "$work/data/pipeline.config"
  config=$work/data/pipeline.config
}
train() { "$OBJDET" train --pipeline_config_path="$config" --num_threads=2 "$@"; }
# same_weights A B: two checkpoints hold the same bytes
same_weights() { cmp -s "$1.data-00000-of-00001" "$2.data-00000-of-00001"; }
