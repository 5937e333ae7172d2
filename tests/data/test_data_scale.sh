#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory doesn't grow with the number of images: 600 more may cost an index and noise, 3 MiB (12 kB of pixels each would be 7 MiB).
# bench/data_scale.sh is the same with 120,000.
set -euo pipefail
[ -z "${OD_SANITIZED:-}" ] || exit 77 # sanitizers keep freed memory
command -v python3 > /dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
peak() { # peak memory of a command in KiB
  python3 -c 'import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
if done.returncode: sys.exit(done.stderr.decode())
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
export OMP_NUM_THREADS=1
for n in 100 700; do
  "$OBJDET" synth --output_dir=s$n --train=$n --val=0 --test=0 --width=64 --height=64 > /dev/null
  {
    echo "coco_to_yolo $(peak "$OBJDET" data convert s$n/train.json --to=yolo --output=y$n)"
    echo "yolo_to_tfrecord $(peak "$OBJDET" data convert y$n --to=tfrecord --output=r$n.record)"
    echo "tfrecord_to_cvat $(peak "$OBJDET" data convert r$n.record --to=cvat --output=c$n)"
    echo "cvat_to_labelstudio $(peak "$OBJDET" data convert c$n --to=labelstudio --output=l$n --link_images)"
    echo "labelstudio_to_openimages $(peak "$OBJDET" data convert l$n/tasks.json --to=openimages --output=o$n --link_images)"
    echo "openimages_to_voc $(peak "$OBJDET" data convert o$n --to=voc --output=v$n --link_images)"
    echo "voc_to_csv $(peak "$OBJDET" data convert v$n --to=csv --output=s$n.csv)"
    echo "csv_to_coco $(peak "$OBJDET" data convert s$n.csv --to=coco --output=b$n.json)"
    echo "info $(peak "$OBJDET" data info r$n.record)"
    echo "check $(peak "$OBJDET" data check r$n.record --annotations_only)"
    echo "split $(peak "$OBJDET" data split r$n.record --output_dir=p$n --annotations_only)"
  } > peaks$n
done
paste -d' ' peaks100 peaks700 | awk '{ grown = $4 - $2; print $1 ": " $2 " to " $4 " KiB"; if (grown > 3072) { print "FAILED: " $1 " grew by " grown " KiB"; bad = 1 } } END { exit bad }'
# What went round all formats is what it was.
python3 - <<'EOF2'
import json, os
def boxes(path):
    c = json.load(open(path))
    names = {k["id"]: k["name"] for k in c["categories"]}
    files = {i["id"]: os.path.basename(i["file_name"]) for i in c["images"]}
    return sorted((files[a["image_id"]], names[a["category_id"]], a["bbox"]) for a in c["annotations"]), sorted(files.values())
a, b = boxes("s700/train.json"), boxes("b700.json")
assert a == b and len(a[1]) == 700, "COCO to YOLO to TFRecord to CVAT to Label Studio to Open Images to VOC to CSV to COCO"
EOF2
