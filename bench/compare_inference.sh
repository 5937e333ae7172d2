#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Inference beside ONNX Runtime and OpenVINO: SSD MobileNet V2 FPNLite 320, one class, fp32, preprocessed tensor to raw predictions,
# batch 1 and 8, in alternation; then with AVX2 only. Prints milliseconds (median and minimum over all rounds) and ratios to the best peer.
#   OD_PEERS=venv [OD_SHARED_DIR=../shared] [THREADS=2] [ROUNDS=3] bench/compare_inference.sh [objdet]
# OD_PEERS: a Python environment with torch, torchvision, onnx, onnxruntime, openvino and numpy. ONNX Runtime has no switch for its
# instruction set, so that it keeps AVX-512 in the second part. Needs an otherwise idle machine.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
objdet=${1:-$here/build/objdet} shared=${OD_SHARED_DIR:-$here/../shared} threads=${THREADS:-2} rounds=${ROUNDS:-3}
[ -n "${OD_PEERS:-}" ] || { echo "compare_inference: OD_PEERS names no Python environment with onnxruntime and openvino" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$OD_PEERS/bin/python" "$shared/peers/torch_ssd_fpnlite.py" --onnx "$work/model.onnx" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for isa in best avx2; do
  for round in $(seq "$rounds"); do
    if [ $isa = avx2 ]; then export OBJDET_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2; fi
    "$objdet" bench infer --pipeline_config_path="$shared/configs/raccoon_ssd320.config" --batch_size=8 --steps=25 --noops --num_threads="$threads" \
      --json="$work/$isa-$round.json" > "$work/log"
    "$OD_PEERS/bin/python" "$here/bench/inference_peers.py" "$work/model.onnx" "$threads" > "$work/$isa-$round.peers"
  done
done
"$OD_PEERS/bin/python" - "$work" "$rounds" "$threads" <<'END'
import json, statistics, sys
work, rounds, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3]
print('forward, preprocessed tensor to raw predictions, SSD MobileNet V2 FPNLite 320, fp32, %s threads: median (minimum) in ms' % threads)
for isa in ('best', 'avx2'):
    times = {}
    for r in range(1, rounds + 1):
        ours = json.load(open(f'{work}/{isa}-{r}.json'))
        name = 'objdet ' + ours['isa']
        times.setdefault((name, 8), []).append((ours['step_seconds'] * 1e3, ours['step_seconds_min'] * 1e3))
        times.setdefault((name, 1), []).append((ours['batch_1_step_seconds'] * 1e3, ours['batch_1_step_seconds_min'] * 1e3))
        for line in open(f'{work}/{isa}-{r}.peers'):
            peer, batch, median, least = line.split()
            times.setdefault((peer, int(batch)), []).append((float(median), float(least)))
    for batch in (1, 8):
        rows = {n: (statistics.median(m for m, _ in t), min(l for _, l in t)) for (n, b), t in times.items() if b == batch}
        peers = {n: t for n, t in rows.items() if n != name and not (isa == 'avx2' and n == 'onnxruntime')}
        best = min(peers, key=lambda n: peers[n][0])
        text = ', '.join('%s %.2f (%.2f)' % (n, *t) for n, t in rows.items())
        print('%-5s batch %d: %s; ratio to %s %.2f (%.2f)' % (isa, batch, text, best, rows[name][0] / peers[best][0], rows[name][1] / peers[best][1]))
END
