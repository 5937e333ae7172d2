#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# data_scale.sh BUILD COUNT...: time and peak memory of what reads and writes data sets, by the number of images (64 x 64 pixels, about
# two boxes each). Needs python3 for the figures; works in a folder below ${TMPDIR:-/tmp} (3 kB an image and format). NO_COPIES=1 leaves out
# the search for near copies, LAUNCH is put before each command.
set -euo pipefail
build=$(realpath "$1")
shift
dir=$(mktemp -d "${TMPDIR:-/tmp}/data_scale.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# measured COUNT NAME COMMAND...: prints a row; peak of the child alone.
measured() {
  ${LAUNCH:-} python3 - "$@" <<'PY'
import resource, subprocess, sys, time
count, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
start = time.time()
done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
if done.returncode > (name.startswith("check")): sys.exit(f"{name}: {done.stderr.decode()[-2000:]}")
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"| {name} | {count} | {time.time() - start:.1f} s | {peak:.0f} MiB |", flush=True)
PY
}

echo "| step | images | time | peak |"
echo "|---|---|---|---|"
for n in "$@"; do
  rm -rf ./*
  o=$build/objdet
  measured "$n" "synth" "$o" synth --output_dir=s --train="$n" --val=0 --test=0 --width=64 --height=64
  measured "$n" "convert coco to yolo" "$o" data convert s/train.json --to=yolo --output=yolo
  measured "$n" "convert yolo to tfrecord" "$o" data convert yolo --to=tfrecord --output=x.record
  measured "$n" "convert tfrecord to voc" "$o" data convert x.record --to=voc --output=voc
  measured "$n" "convert voc to cvat" "$o" data convert voc --to=cvat --output=cvat --link_images
  measured "$n" "convert cvat to labelstudio" "$o" data convert cvat --to=labelstudio --output=tasks --link_images
  measured "$n" "convert labelstudio to openimages" "$o" data convert tasks --to=openimages --output=oi --link_images
  measured "$n" "convert openimages to csv" "$o" data convert oi --to=csv --output=csv/boxes.csv
  measured "$n" "convert csv to coco" "$o" data convert csv/boxes.csv --to=coco --output=again/again.json
  rm -rf yolo tasks oi voc cvat
  measured "$n" "info, tfrecord" "$o" data info x.record
  measured "$n" "check, annotations only" "$o" data check s/train.json --annotations_only
  measured "$n" "split, annotations only" "$o" data split x.record --output_dir=parts --annotations_only
  measured "$n" "loader, $((n / 2)) images" "$build/bench_loader" s/pipeline.config $((n / 64)) x.record
  [ -n "${NO_COPIES:-}" ] || measured "$n" "check, with the search for near copies" "$o" data check x.record
  [ -n "${NO_COPIES:-}" ] || measured "$n" "split, with the search for copies" "$o" data split x.record --output_dir=apart
done
