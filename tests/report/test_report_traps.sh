#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The answer sheet on clean data and on planted traps: a leak, a flipped copy, a patient on both sides, an imbalance, an absent
# class, a detector that invents on empty images, a calibrator fitted on the test set, an overfitted training, a single dot.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
python3 "$OD_SOURCE_DIR/tests/report/report_traps.py" "$OBJDET" "$dir"

# The report's numbers are coco-eval's, and the page shows the JSON's.
"$OBJDET" coco-eval --gt="$dir/clean/test.json" --dt="$dir/clean/test_dt.json" --json="$dir/coco.json" > /dev/null
python3 - "$dir" <<'END'
import json, sys
d = sys.argv[1]
coco, report, page = json.load(open(d + "/coco.json")), json.load(open(d + "/clean.json")), open(d + "/clean.html").read()
for name, value in zip(coco["stat_names"], coco["stats"]):
    got = report["coco"]["stats"][name]["value"]
    assert (got is None and value == -1) or got == value, (name, got, value)
    assert value == -1 or f"{value:.3f}" in page, (name, value)
for c in report["coco"]["classes"]:
    for name, v in c["stats"].items():
        assert (v["value"] is None) == (coco["per_class"][c["name"]][name] == -1), (c["name"], name)
        assert v["value"] is None or v["value"] == coco["per_class"][c["name"]][name], (c["name"], name)
ap = report["coco"]["stats"]["AP"]
assert 0 <= ap["low"] <= ap["value"] <= ap["high"] <= 1
assert f"[{ap['low']:.3f}, {ap['high']:.3f}]" in page
f = report["failures"]
assert f["total"] == sum(f["counts"].values()) == page.count("<tr data-kind=")
assert f["with_pictures"] == page.count('<li class="failure"')
for a in report["answers"]:
    assert a["verdict"] in ("good", "told", "watch", "problem", "open") and a["answer"] and a["evidence"], a
    assert f'id="q{a["number"]}"' in page
END

# A page that would grow too large has fewer pictures, and none when even the rest is too large.
for limit in 0.2 0.01; do
  "$OBJDET" report --gt="$dir/inventor/test.json" --dt="$dir/inventor/test_dt.json" --resamples=40 --max_size_mb=$limit --output="$dir/small.html" --json="$dir/small.json" > /dev/null 2>&1
  python3 - "$dir" "$limit" <<'END'
import json, sys
page, doc = open(sys.argv[1] + "/small.html").read(), json.load(open(sys.argv[1] + "/small.json"))
shown = page.count('<li class="failure"')
assert shown == doc["failures"]["with_pictures"]
assert len(page.encode()) <= float(sys.argv[2]) * 1e6 or shown == 0, (len(page), shown)
assert doc["failures"]["total"] > 0 and (sys.argv[2] != "0.01" or shown == 0)
END
done

# Options that don't go together.
fails() { local expected=$1; shift; if "$OBJDET" report "$@" > "$dir/out" 2>&1; then echo "accepted: $*"; exit 1; fi; grep -qF -- "$expected" "$dir/out" || { echo "expected '$expected', got:"; cat "$dir/out"; exit 1; }; }
fails "nothing to report on: give --gt=GT.json and --dt=DETECTIONS.json, or --model_dir" --output="$dir/x.html"
fails "--gt without --dt" --gt="$dir/clean/test.json" --output="$dir/x.html"
fails "nowhere to write" --gt="$dir/clean/test.json" --dt="$dir/clean/test_dt.json"
fails "--val_gt and --val_dt belong together" --gt="$dir/clean/test.json" --dt="$dir/clean/test_dt.json" --val_gt="$dir/clean/val.json" --output="$dir/x.html"
fails "no such folder; --model_dir is the folder of a training" --model_dir="$dir/none" --output="$dir/x.html"
mkdir "$dir/empty"
fails "neither event files nor eval/detections.json" --model_dir="$dir/empty" --output="$dir/x.html"
[ ! -e "$dir/x.html" ]
echo ok
