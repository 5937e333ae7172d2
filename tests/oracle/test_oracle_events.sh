#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TensorBoard's own readers read every tag that objdet writes. Opt-in: OD_ORACLE names a venv with TensorFlow and
# TensorBoard.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no venv with TensorBoard"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$OD_BUILD_DIR/test_events" --write "$dir"
"$OD_ORACLE/bin/python" "$OD_SOURCE_DIR/tests/oracle/events_read.py" "$dir" 2>"$dir/stderr" || { tail -20 "$dir/stderr"; exit 1; }
