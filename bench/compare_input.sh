#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The training input pipeline (decode, augment, resize, normalise) on one core beside OpenCV and, with OD_ORACLE, the TensorFlow Object
# Detection API's own: images a second, in alternation.
#   OD_PEERS=venv [OD_ORACLE=venv] [OD_SHARED_DIR=../shared] [ROUNDS=3] bench/compare_input.sh [bench_loader]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
loader=${1:-$here/build/bench_loader} shared=${OD_SHARED_DIR:-$here/../shared}
[ -n "${OD_PEERS:-}" ] || { echo "compare_input: OD_PEERS names no Python environment with opencv" >&2; exit 2; }
cd "$here" # the configs' paths are relative to it
for config in "$shared"/configs/*_ssd320.config; do
  echo "$(basename "$config"), one core"
  for round in $(seq "${ROUNDS:-3}"); do
    echo "  objdet: $(taskset -c 0 "$loader" "$config" 60 | sed -n 's/^0 threads: *//p')"
    echo "  $(taskset -c 0 "$OD_PEERS/bin/python" bench/input_peers.py opencv "$config" 4)"
  done
  [ -z "${OD_ORACLE:-}" ] || PYTHONPATH="$shared/oracle${PYTHONPATH:+:$PYTHONPATH}" taskset -c 0 "$OD_ORACLE/bin/python" bench/input_peers.py tf "$config" 2> /dev/null | sed 's/^/  /'
done
