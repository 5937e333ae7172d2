#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Training step (forward, losses, backward, update; the batch is ready) and forward pass (raw predictions) of every single-stage family beside
# the TensorFlow Object Detection API, one class, fp32, in alternation: ours, OD API, ours. Prints medians and ratios.
#   OD_ORACLE=venv [OD_SHARED_DIR=../shared] [THREADS=2] [STEPS=5] [CASES="..."] bench/compare_families.sh [objdet]
# A case is name:image size:batch; make_config below tells which zoo config it is made from. Needs an otherwise idle machine.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
objdet=$(realpath "${1:-$here/build/objdet}") shared=$(realpath "${OD_SHARED_DIR:-$here/../shared}") threads=${THREADS:-2} steps=${STEPS:-5}
zoo=$shared/data/zoo_configs
cases=${CASES:-efficientdet_d0:512:4 ssd_mobilenet_v2:300:8 ssd_mobilenet_v1:300:8 ssd_mobilenet_v1_fpn:640:1 retinanet50:640:1 center_resnet50_v2:512:1 center_resnet101_v1_fpn:512:1 center_hourglass104:512:1 center_mobilenet_v2_fpn:512:4}
[ -n "${OD_ORACLE:-}" ] || { echo "compare_families: OD_ORACLE names no Python environment with the OD API" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The case's config: one class, a fixed size, no fine-tuning, no augmentation.
make_config() { # name size
  local from change=
  case $1 in
    efficientdet_d0) from=ssd_efficientdet_d0_512x512_coco17_tpu-8 ;;
    ssd_mobilenet_v2) from=ssd_mobilenet_v2_320x320_coco17_tpu-8 ;;
    ssd_mobilenet_v1) from=ssd_mobilenet_v2_320x320_coco17_tpu-8 change='s/ssd_mobilenet_v2_keras/ssd_mobilenet_v1_keras/' ;;
    ssd_mobilenet_v1_fpn) from=ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8 ;;
    retinanet50) from=ssd_resnet50_v1_fpn_640x640_coco17_tpu-8 ;;
    center_resnet50_v2) from=centernet_resnet50_v2_512x512_coco17_tpu-8 ;;
    center_resnet101_v1_fpn) from=centernet_resnet101_v1_fpn_512x512_coco17_tpu-8 ;;
    center_hourglass104) from=centernet_hourglass104_512x512_coco17_tpu-8 ;;
    center_mobilenet_v2_fpn) from=centernet_resnet50_v2_512x512_coco17_tpu-8 change='s/type: *"resnet_v2_50"/type: "mobilenet_v2_fpn" depth_multiplier: 0.75/' ;;
    *) echo "compare_families: no case $1" >&2; exit 2 ;;
  esac
  PYTHONPATH="$shared/oracle" "$OD_ORACLE/bin/python" - "$zoo/$from.config" "$2" "$change" > "$work/$1.config" 2> "$work/stderr" <<'END' || { tail -3 "$work/stderr" >&2; exit 1; }
import re, sys
import od_oracle
from google.protobuf import text_format
from object_detection.protos import pipeline_pb2
text, size = open(sys.argv[1]).read().split('train_input_reader')[0], int(sys.argv[2])  # some have readers of other programs
if sys.argv[3]:
    _, old, new, _ = sys.argv[3].split('/')
    text, count = re.subn(old, new, text)
    assert count == 1, sys.argv[3]
p = text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig())
model = getattr(p.model, p.model.WhichOneof('model'))
model.num_classes = 1
model.image_resizer.fixed_shape_resizer.height = model.image_resizer.fixed_shape_resizer.width = size
p.train_config.ClearField('fine_tune_checkpoint')
p.train_config.ClearField('data_augmentation_options')
print(text_format.MessageToString(p))
END
}

ours() { # name size batch
  local json="$work/one.json"
  "$objdet" bench train --pipeline_config_path="$work/$1.config" --batch_size="$3" --steps="$steps" --noops --num_threads="$threads" --json="$json" > /dev/null
  sed -nE 's/.*"step_seconds": *([0-9.]+).*/'"$1 objdet train $3"' \1/p' "$json" >> "$work/times"
  for batch in $(printf '%s\n' 1 "$3" | sort -un); do
    "$objdet" bench infer --pipeline_config_path="$work/$1.config" --batch_size="$batch" --steps=$((steps * 2)) --num_threads="$threads" --json="$json" > /dev/null
    sed -nE 's/.*"step_seconds": *([0-9.]+).*/'"$1 objdet forward $batch"' \2/p' "$json" >> "$work/times"
  done
}

tensorflow() {
  T=$threads PYTHONPATH="$shared/oracle" "$OD_ORACLE/bin/python" "$shared/peers/tf_od_step.py" "$work/$1.config" "$3" "$steps" "$2" > "$work/tf" 2> "$work/stderr" || true
  sed -nE "s/^train step s: med ([0-9.]+).*/$1 tf train $3 \1/p; s/^forward bs ([0-9]+) med ms ([0-9.]+).*/$1 tf forward \1 \2e-3/p" "$work/tf" | sort -u >> "$work/times"
}

for case in $cases; do
  IFS=: read -r name size batch <<< "$case"
  make_config "$name" "$size"
  ours "$name" "$size" "$batch"
  tensorflow "$name" "$size" "$batch"
  ours "$name" "$size" "$batch"
  python3 - "$work/times" "$name" "$size" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    name, who, what, batch, seconds = line.split()
    if name == sys.argv[2]: rows.setdefault((what, int(batch)), {}).setdefault(who, []).append(float(seconds))
for (what, batch), t in sorted(rows.items(), reverse=True):
    if 'tf' not in t: print('%-24s %s %-7s batch %d: objdet %s s; no time from the OD API' % (name, sys.argv[3], what, batch, t['objdet'])); continue
    print('%-24s %s %-7s batch %d: objdet %s s, OD API %.4g s, ratio %.2f' % (sys.argv[2], sys.argv[3], what, batch, ' '.join('%.4g' % x for x in t['objdet']), t['tf'][0],
          statistics.mean(t['objdet']) / t['tf'][0]), flush=True)
END
done
