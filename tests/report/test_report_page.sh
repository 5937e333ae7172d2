#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page in headless Chromium, at phone and desktop width, light, dark and in print: no console errors, nothing loaded, filters
# work, links and labels are there; also with hostile names.
set -euo pipefail
command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || { echo "skipped: no chromium"; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$OD_SOURCE_DIR/tests/report"
python3 - "$dir" <<'END'
import pathlib, sys
from report_fixtures import Set, write_training
root = pathlib.Path(sys.argv[1])
bad = '"><img src=x onerror=alert(1)><script>alert(2)<'
for folder, prefix, classes in (("plain", "test", ("disc", "bar")), ("hostile", bad, (bad, "' onload='alert(3)"))):
    s = Set(root / folder, prefix, 3, classes=classes)
    s.name = "test"
    s.write(invented_on_null=.5)
write_training(root / "training", [(10 * i, 3 / i) for i in range(1, 60)], [(100 * i, 1 / i) for i in range(1, 6)], [(100 * i, .1 * i) for i in range(1, 6)])
END
for name in plain hostile; do
  "$OBJDET" report --gt="$dir/$name/test.json" --dt="$dir/$name/test_dt.json" --group_by=patient --resamples=60 --output="$dir/$name.html" > /dev/null 2>&1
done
"$OBJDET" report --model_dir="$dir/training" --output="$dir/training.html" > /dev/null
for name in plain hostile training; do python3 page_check.py "$dir/$name.html"; done
