#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# CenterNet on every instruction set of this processor, fused and not.
set -euo pipefail
golden="$OD_SHARED_DIR/golden"
[ -d "$golden" ] || { echo "skipped: needs ../shared/golden"; exit 77; }
program="$OD_BUILD_DIR/test_golden"
for isa in ${OD_GOLDEN_ISAS:-ref avx2 avx512}; do
  [ "$isa" = ref ] || grep -q "${isa/avx512/avx512f}" /proc/cpuinfo || { echo "this processor has no $isa"; continue; }
  OBJDET_ISA=$isa "$program" "$golden/centernet_resnet50_v2" | grep -vE '^ok' || { echo "golden failed on $isa"; exit 1; }
done
"$program" --no_fusion "$golden/centernet_resnet50_v2" | grep -vE '^ok'
