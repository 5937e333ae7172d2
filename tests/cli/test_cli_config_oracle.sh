#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# With the OD API in the venv OD_ORACLE (skipped without): it reads what `config format` writes as the same message, and
# the table of what it accepts is still true.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE isn't set to a venv with the OD API"; exit 77; }
"$OD_ORACLE/bin/python" "$OD_SOURCE_DIR/tests/oracle/config_format.py" "$OBJDET" "$OD_SOURCE_DIR"/tests/data/ssd_fpnlite.config \
  "$OD_SHARED_DIR"/data/zoo_configs/*.config "$OD_SHARED_DIR"/configs/*.config "$OD_SHARED_DIR"/golden/*/pipeline.config
"$OD_ORACLE/bin/python" "$OD_SOURCE_DIR/tests/oracle/config_accept.py" --check
