#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training steps (forward, losses, backward, update; the batch is ready) beside PyTorch compiled and, with OD_ORACLE, the TensorFlow Object
# Detection API: SSD MobileNet V2 FPNLite, one class, fp32, in alternation. Prints seconds (median, minimum over the rounds), ratios to
# the best peer, start-up and peak memory. Then the same with AVX2 only.
#   OD_PEERS=venv [OD_ORACLE=venv] [OD_SHARED_DIR=../shared] [THREADS=2] [ROUNDS=2] [CASES="320x8 640x8"] bench/compare_training.sh [objdet]
# OD_PEERS: a Python environment with torch and torchvision. A case is image size x batch. Needs an otherwise idle machine; torch.compile
# takes a minute a case and is measured in each round anew.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
objdet=${1:-$here/build/objdet} shared=$(realpath "${OD_SHARED_DIR:-$here/../shared}") threads=${THREADS:-2} rounds=${ROUNDS:-2}
cases=${CASES:-320x8 320x1 320x32 640x8} isas=${ISAS:-best avx2}
[ -n "${OD_PEERS:-}" ] || { echo "compare_training: OD_PEERS names no Python environment with torch" >&2; exit 2; }
config=$shared/configs/raccoon_ssd320.config
[ -f "$config" ] || { echo "compare_training: $config is not there" >&2; exit 2; }
objdet=$(realpath "$objdet")
cd "$here" # the config's paths are relative to it
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ours() { # isa size batch
  "$objdet" bench train --pipeline_config_path="$config" --height="$2" --width="$2" --batch_size="$3" --steps=8 --noops --num_threads="$threads" \
    --json="$work/one.json" > /dev/null
  "$OD_PEERS/bin/python" -c "
import json
d = json.load(open('$work/one.json'))
print('$1 $2 $3 objdet', d['step_seconds'], d['step_seconds_min'], d['startup_seconds'], d['peak_rss_bytes'] / 1e6)" >> "$work/times"
}

torch_compiled() {
  "$OD_PEERS/bin/python" "$shared/peers/torch_ssd_fpnlite.py" --compile --size "$2" --batch "$3" --n 8 --threads "$threads" 2> /dev/null |
    sed -nE "s/^train step s: med ([0-9.]+) min ([0-9.]+).*/$1 $2 $3 pytorch \1 \2 nan nan/p" >> "$work/times"
}

tensorflow() {
  [ -n "${OD_ORACLE:-}" ] || return 0
  # The model resizes what it gets to the config's size.
  sed -E "s/(height|width): [0-9]+/\1: $2/g" "$config" > "$work/tf.config"
  PYTHONPATH="$shared/oracle${PYTHONPATH:+:$PYTHONPATH}" "$OD_ORACLE/bin/python" "$shared/peers/tf_od_step.py" "$work/tf.config" "$3" 8 "$2" > "$work/tf" 2> /dev/null
  sed -nE "s/^train step s: med ([0-9.]+) min ([0-9.]+).*/$1 $2 $3 tensorflow \1 \2 nan nan/p" "$work/tf" >> "$work/times"
}

for isa in $isas; do
  # PyTorch's own vector code keeps AVX-512: torch.compile crashes with ATEN_CPU_CAPABILITY=avx2.
  if [ "$isa" = avx2 ]; then export OBJDET_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2; fi
  for case in $cases; do
    for round in $(seq "$rounds"); do
      ours "$isa" "${case%x*}" "${case#*x}"
      torch_compiled "$isa" "${case%x*}" "${case#*x}"
      ours "$isa" "${case%x*}" "${case#*x}"
      tensorflow "$isa" "${case%x*}" "${case#*x}"
    done
  done
done
"$OD_PEERS/bin/python" - "$work/times" "$threads" <<'END'
import statistics, sys
cases = {}
for line in open(sys.argv[1]):
    isa, size, batch, who, median, least, start, memory = line.split()
    cases.setdefault((isa, size, batch), {}).setdefault(who, []).append(tuple(map(float, (median, least, start, memory))))
print('training step, input ready, SSD MobileNet V2 FPNLite, fp32, %s threads: median (minimum) in s' % sys.argv[2])
for (isa, size, batch), rows in cases.items():
    t = {who: (statistics.median(r[0] for r in runs), min(r[1] for r in runs)) for who, runs in rows.items()}
    peers = [who for who in t if who != 'objdet']
    if not peers: raise SystemExit('no peer could be measured: run ../shared/peers/torch_ssd_fpnlite.py by hand')
    best = min(peers, key=lambda who: t[who][0])
    print('%-4s %sx%s batch %-3s %s; ratio to %s %.2f (%.2f); first step after %.2f s, %.0f MB' % (
        isa, size, size, batch, ', '.join('%s %.3f (%.3f)' % (who, *t[who]) for who in t), best, t['objdet'][0] / t[best][0],
        t['objdet'][1] / t[best][1], min(r[2] for r in rows['objdet']), max(r[3] for r in rows['objdet'])))
END
