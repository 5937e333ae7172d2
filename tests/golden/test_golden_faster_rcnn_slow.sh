#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The two-stage golden cases, on the best instruction set of this processor; ResNet-50 without fusions, too.
set -euo pipefail
golden="$OD_SHARED_DIR/golden"
[ -d "$golden" ] || { echo "skipped: needs ../shared/golden"; exit 77; }
[ -z "${OD_SANITIZED:-}" ] || { echo "skipped: takes an hour with sanitizers"; exit 77; }
program="$OD_BUILD_DIR/test_golden"
"$program" "$golden/faster_rcnn_resnet50" "$golden/faster_rcnn_resnet50_fpn" "$golden/mask_rcnn_inception_resnet_v2" | { grep -vE '^ok' || true; }
"$program" --no_fusion "$golden/faster_rcnn_resnet50" | { grep -vE '^ok' || true; }
