#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checkpoints of every family against the real OD API, both ways, and fine-tuning of each type (some 4 minutes). Opt-in: OD_ORACLE
# names a Python environment with TensorFlow, the OD API and od_oracle; without it the test is skipped. FAMILIES="a b" takes some.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no oracle environment"; exit 77; }
[ -d "$OD_SHARED_DIR/golden" ] || { echo "skipped: needs $OD_SHARED_DIR/golden"; exit 77; }
tool="$OD_BUILD_DIR/test_model_checkpoint"
work=${WORK:-$(mktemp -d)}
[ -n "${WORK:-}" ] || trap 'rm -rf "$work"' EXIT
oracle() {
  PYTHONPATH="$OD_SHARED_DIR/oracle${PYTHONPATH:+:$PYTHONPATH}" "$OD_ORACLE/bin/python" "$OD_SOURCE_DIR/tests/oracle/checkpoint_families.py" "$@" 2> "$work/stderr" ||
    { tail -20 "$work/stderr" >&2; exit 1; }
}

# shellcheck disable=SC2086
oracle write "$OD_SHARED_DIR" "$work" ${FAMILIES:-} > "$work/families"
while read -r family; do
  at="$work/$family"
  "$tool" resume "$at/full.config" "$at/theirs/ckpt-1" "$at/ours"
  "$tool" fine_tune "$at/full.config" "" "$at/full" > /dev/null
  "$tool" fine_tune "$at/detection.config" "" "$at/detection" > /dev/null
  if [ -d "$at/classification" ]; then
    "$tool" fine_tune "$at/classification.config" "" "$at/classified" > /dev/null
  elif "$tool" fine_tune "$at/classification.config" "" "$at/classified" > "$work/out" 2>&1; then
    echo "$family: classification should be refused"; exit 1
  else
    grep -q "has no classification network" "$work/out" || { cat "$work/out"; exit 1; }
  fi
done < "$work/families"
# shellcheck disable=SC2086
oracle check "$OD_SHARED_DIR" "$work" ${FAMILIES:-}
