#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# OBJDET_ISA forces the kernels' instruction set; what isn't there is warned about and not used.
set -euo pipefail
fail() { echo "FAILED: $1"; exit 1; }
best=$(env -u OBJDET_ISA "$OBJDET" version | sed -n 's/.*kernels: \(.*\))/\1/p')
[[ $best =~ ^(ref|avx2|avx512)$ ]] || fail "unknown instruction set '$best'"
[[ $(OBJDET_ISA=ref "$OBJDET" version) == *"kernels: ref)"* ]] || fail "ref can't be forced"
[[ $(OBJDET_ISA=$best "$OBJDET" version) == *"kernels: $best)"* ]] || fail "$best can't be forced"
out=$(OBJDET_ISA=mmx "$OBJDET" version 2>&1)
[[ $out == *"OBJDET_ISA=mmx"*"expected ref, avx2 or avx512"* ]] || fail "no warning: $out"
[[ $out == *"kernels: $best)"* ]] || fail "an unknown name must leave $best: $out"
