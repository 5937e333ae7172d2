#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The golden cases with full convolutions, as test_golden_cases.sh.
set -euo pipefail
golden="$OD_SHARED_DIR/golden"
[ -d "$golden" ] || { echo "skipped: needs ../shared/golden"; exit 77; }
program="$OD_BUILD_DIR/test_golden"
cases=("$golden/ssd_mobilenet_v1_fpn" "$golden/ssd_resnet50_v1_fpn")
for isa in ref avx2 avx512; do
  [ "$isa" = ref ] || grep -q "${isa/avx512/avx512f}" /proc/cpuinfo || { echo "this processor has no $isa"; continue; }
  OBJDET_ISA=$isa "$program" "${cases[@]}" | grep -vE '^ok' || { echo "golden failed on $isa"; exit 1; }
done
"$program" --no_fusion "${cases[@]}" | grep -vE '^ok'
