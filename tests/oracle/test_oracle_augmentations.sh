#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each augmentation with its random numbers given, on pixels of photographs and X-rays: the OD API's result to 1/255. Opt-in: OD_ORACLE names a
# venv with the OD API; the pictures are ../shared's.
set -euo pipefail
[ -n "${OD_ORACLE:-}" ] || { echo "skipped: OD_ORACLE names no venv with the OD API"; exit 77; }
shared=${OD_SHARED_DIR:-$OD_SOURCE_DIR/../shared}
[ -d "$shared/data/photos" ] || { echo "skipped: $shared/data/photos is not there"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
count=0
for picture in "$shared"/data/photos/*.jpg "$(find "$shared/data/raccoon" -name '*.jpg' | sort | head -1)" "$(find "$shared/data/chest_xray" -name '*.jpg' | sort | head -1)"; do
  for place in "30 40" "150 120"; do
    # shellcheck disable=SC2086
    PYTHONPATH="$shared/oracle" TF_CPP_MIN_LOG_LEVEL=2 "$OD_ORACLE/bin/python" "$OD_SOURCE_DIR/tests/oracle/augmentations.py" --photo "$picture" $place "$dir/photo.safetensors" \
      2> "$dir/stderr" || { tail -5 "$dir/stderr"; exit 1; }
    OD_AUGMENTATIONS="$dir/photo.safetensors" "$OD_BUILD_DIR/test_augment_kinds" > "$dir/out" 2>&1 || { echo "$picture at $place"; grep -v ' OK \| RUN ' "$dir/out"; exit 1; }
    count=$((count + 1))
  done
done
echo "$count pieces of pictures, 38 results each"
