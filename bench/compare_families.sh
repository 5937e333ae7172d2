#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training step (forward, losses, backward, update; the batch is ready) and forward pass (raw predictions) of the families beside
# the TensorFlow Object Detection API, one class, fp32, in alternation: ours, OD API, ours; with OD_PEERS=venv Faster R-CNN with FPN beside
# torchvision's, too. Prints rows of a table: medians, peak memory of training, and ratios.
#   OD_ORACLE=venv [OD_PEERS=venv] [OD_SHARED_DIR=../shared] [THREADS=2] [STEPS=5] [CASES="family:size:batch ..."] [OUT=folder] bench/compare_families.sh [objdet]
# Families are those of bench/family_config.py. Needs an otherwise idle machine. With OUT a case's times stay there, and a case that is there
# isn't run again: an ended run goes on. A case takes 1 to 4 minutes, most of it TensorFlow's start.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
objdet=$(realpath "${1:-$here/build/objdet}") shared=$(realpath "${OD_SHARED_DIR:-$here/../shared}") threads=${THREADS:-2} steps=${STEPS:-5}
cases=${CASES:-ssd_mobilenet_v2_fpnlite:320:8 ssd_mobilenet_v2:300:8 ssd_mobilenet_v1:300:8 ssd_mobilenet_v1_fpn:640:1 efficientdet_d0:512:2 retinanet50:640:1 retinanet101:640:1
  retinanet152:640:1 center_resnet50_v2:512:1 center_resnet50_v1_fpn:512:1 center_resnet101_v1_fpn:512:1 center_mobilenet_v2:512:4 center_mobilenet_v2_fpn:512:4
  center_hourglass104:512:1 faster_rcnn_resnet50:640:1 faster_rcnn_resnet50_fpn:640:1}
[ -n "${OD_ORACLE:-}" ] || { echo "compare_families: OD_ORACLE names no Python environment with the OD API" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=${OUT:-$work}
mkdir -p "$out"

ours() { # name size batch
  local json="$work/one.json"
  "$objdet" bench train --pipeline_config_path="$work/$1.config" --batch_size="$3" --steps="$steps" --noops --num_threads="$threads" --json="$json" > /dev/null
  sed -nE 's/.*"step_seconds": *([0-9.]+).*/objdet train '"$3"' \1/p' "$json" >> "$work/times"
  sed -nE 's/.*"peak_rss_bytes": *([0-9.]+).*/objdet memory '"$3"' \1/p' "$json" >> "$work/times"
  for batch in $(printf '%s\n' 1 "$3" | sort -un); do
    "$objdet" bench infer --pipeline_config_path="$work/$1.config" --batch_size="$batch" --steps=$((steps * 2)) --num_threads="$threads" --json="$json" > /dev/null
    sed -nE 's/.*"step_seconds": *([0-9.]+).*/objdet forward '"$batch"' \1/p' "$json" >> "$work/times"
  done
}

tensorflow() {
  TF_CPP_MIN_LOG_LEVEL=2 PYTHONPATH="$shared/oracle" "$OD_ORACLE/bin/python" "$here/bench/family_tf_step.py" "$work/$1.config" "$2" "$3" "$steps" "$threads" \
    >> "$work/times" 2> "$work/stderr" || echo "$1: the OD API failed: $(tail -1 "$work/stderr")" >&2
}

torchvision() {
  [ "$1" = faster_rcnn_resnet50_fpn ] && [ -n "${OD_PEERS:-}" ] || return 0
  "$OD_PEERS/bin/python" "$here/bench/torchvision_faster_rcnn.py" "$2" "$3" "$steps" "$threads" >> "$work/times" 2> "$work/stderr" ||
    echo "$1: torchvision failed: $(tail -1 "$work/stderr")" >&2
}

print_rows() { # times name size
  python3 - "$1" "$2" "$3" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    who, what, batch, seconds = line.split()
    rows.setdefault((what, int(batch)), {}).setdefault(who, []).append(float(seconds))
names = {'train': 'training step', 'memory': 'peak memory of training', 'forward': 'forward'}
def text(what, x):
    return '%.0f MB' % (x / 1e6) if what == 'memory' else '%.3g s' % x if x >= 1 else '%.3g ms' % (1e3 * x)
for (what, batch), t in sorted(rows.items(), key=lambda r: (list(names).index(r[0][0]), r[0][1])):
    if 'objdet' not in t: continue
    ours = text(what, min(t['objdet'])) if len(t['objdet']) < 2 else text(what, min(t['objdet'])) + ' to ' + text(what, max(t['objdet']))
    for who, peer in (('tf', 'TF OD API'), ('torchvision', 'torchvision')):
        if who not in t: continue
        print('| %s %s, batch %d: %s | %s | %s %s | %.2f |' % (sys.argv[2], sys.argv[3], batch, names[what], ours, peer, text(what, t[who][0]),
                                                             statistics.mean(t['objdet']) / t[who][0]), flush=True)
END
}

echo "| network, work | objdet | peer | ratio |"
echo "|---|---|---|---|"
for case in $cases; do
  IFS=: read -r name size batch <<< "$case"
  kept="$out/$name-$size-$batch.times"
  if [ ! -f "$kept" ]; then
    python3 "$here/bench/family_config.py" "$shared/data/zoo_configs" "$name" "$size" 1 batch="$batch" > "$work/$name.config"
    : > "$work/times"
    ours "$name" "$size" "$batch"
    tensorflow "$name" "$size" "$batch"
    torchvision "$name" "$size" "$batch"
    ours "$name" "$size" "$batch"
    grep -q '^tf' "$work/times" && cp "$work/times" "$kept"
    print_rows "$work/times" "$name" "$size"
  else
    print_rows "$kept" "$name" "$size"
  fi
done
