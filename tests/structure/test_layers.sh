#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Layers include only downwards: each line names a folder of src/ and the folders it may include from.
# The command line sees the public headers only.
set -euo pipefail
cd "${OD_SOURCE_DIR:-$(dirname "$0")/../..}"
declare -A may=(
  [util]="util"
  [tensor]="util tensor"
  [kernels]="util tensor kernels"
  [nn]="util tensor kernels nn"
  [config]="util config"
  [image]="util image"
  [data]="util config image data"
  [checkpoint]="util tensor checkpoint"
  [detection]="util tensor kernels config detection"
  [models]="util tensor kernels nn config detection models"
  [events]="util image events"
  [eval]="util config data eval"
  [report]="util image config data events eval report"
  [train]="util tensor kernels nn config image data checkpoint detection models events eval report train"
)
bad=0
for file in $(find src -name '*.c' -o -name '*.h'); do
  layer=$(echo "$file" | cut -d/ -f2)
  [ -n "${may[$layer]:-}" ] || { echo "$file: src/$layer is not a known layer (tests/structure/test_layers.sh)"; bad=1; continue; }
  for target in $(grep -hoE '^#include "[^"]+"' "$file" | sed 's/#include "//; s/"//'); do
    case "$target" in objdet/*|*.pb-c.h) continue ;; esac
    to=${target%%/*}
    [[ " ${may[$layer]} " == *" $to "* ]] || { echo "$file includes $target: $layer may include only from: ${may[$layer]}"; bad=1; }
  done
done
for file in cli/*.c cli/*.h; do
  for target in $(grep -hoE '^#include "[^"]+"' "$file" | sed 's/#include "//; s/"//'); do
    case "$target" in
      objdet/*) ;;
      */*) echo "$file includes $target: the command line may include public headers (objdet/...) only"; bad=1 ;;
    esac
  done
done
exit $bad
