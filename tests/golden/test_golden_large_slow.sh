#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The golden cases with full convolutions, on the instruction sets of this processor (the portable one would take minutes: it has the
# small cases), and not fused.
set -euo pipefail
golden="$OD_SHARED_DIR/golden"
[ -d "$golden" ] || { echo "skipped: needs ../shared/golden"; exit 77; }
[ -z "${OD_SANITIZED:-}" ] || { echo "skipped: takes an hour with sanitizers; the small cases run there"; exit 77; }
program="$OD_BUILD_DIR/test_golden"
cases=("$golden/ssd_mobilenet_v1_fpn" "$golden/ssd_resnet50_v1_fpn")
for isa in avx2 avx512; do
  grep -q "${isa/avx512/avx512f}" /proc/cpuinfo || { echo "this processor has no $isa"; continue; }
  OBJDET_ISA=$isa "$program" "${cases[@]}" | grep -vE '^ok' || { echo "golden failed on $isa"; exit 1; }
done
"$program" --no_fusion "${cases[@]}" | grep -vE '^ok'
