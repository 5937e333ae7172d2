#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Short trainings of every single-stage family on ../shared/data's chest X-rays and raccoons: does the loss fall, do evaluation and prediction
# work? Appends a row to OUT/results.tsv and keeps pictures in OUT/SET/FAMILY/pictures; rows that are there are not run again, so a run
# that was ended goes on. Not a measure of what a family can reach: the steps are far too few.
#   [OD_SHARED_DIR=../shared] [STEPS=100] [CASES="family:size:batch ..."] [SETS="chest_xray raccoon"] bench/train_families.sh OUT [objdet]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
[ $# -ge 1 ] || { sed -n 's/^#   //p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(realpath "$1") objdet=$(realpath "${2:-$here/build/objdet}") data=$(realpath "${OD_SHARED_DIR:-$here/../shared}/data") steps=${STEPS:-100}
cases=${CASES:-ssd_mobilenet_v2:256:8 ssd_mobilenet_v2_fpnlite:256:8 ssd_mobilenet_v1:256:8 ssd_mobilenet_v1_fpn:256:4 efficientdet_d0:256:4 center_mobilenet_v2:256:8
  center_mobilenet_v2_fpn:256:8 center_resnet18_v1_fpn:192:4 center_resnet50_v2:128:4 center_resnet50_v1_fpn:192:4 center_hourglass10:192:4 retinanet50:128:8
  retinanet101:128:8 efficientdet_d2:256:2 center_resnet101_v1_fpn:128:4 retinanet152:128:8 center_hourglass104:128:4}
imagenet=$data/../weights/mobilenet_v2_imagenet/ckpt-1
results=$out/results.tsv failed=0
[ -f "$results" ] || printf 'set\tfamily\tsize\tbatch\tsteps\tfrom\tloss, first step\tloss, last step\tmAP\tmAP@.50\tseconds\n' > "$results"

loss() { # model_dir, first or last
  "$objdet" events list "$1/train" --csv=Loss/total_loss | awk -F, -v which="$2" 'NR == 2 {first = $4} {last = $4} END {printf "%.4g", which == "first" ? first : last}'
}

train() { # set family size batch
  local at=$out/$1/$2 records classes=1 options=() start=scratch begin=$SECONDS
  records="record=$data/$1/train.record eval_record=$data/$1/test.record"
  [ "$1" = chest_xray ] && classes=2 && records="record=$data/$1/train.record eval_record=$data/$1/val.record"  # left and right: no flips
  [ "$1" = raccoon ] && options+=(flip=yes)
  case $2 in ssd_mobilenet_v2*) options+=("checkpoint=$imagenet"); start=ImageNet ;; esac
  rm -rf "$at" && mkdir -p "$at"
  # shellcheck disable=SC2086
  python3 "$here/bench/family_config.py" "$data/zoo_configs" "$2" "$3" "$classes" batch="$4" steps="$steps" label_map="$data/$1/label_map.pbtxt" $records ${options[@]+"${options[@]}"} > "$at/family.config"
  for until in 1 "$steps"; do  # the last step's loss is always logged
    "$objdet" train --pipeline_config_path="$at/family.config" --model_dir="$at/model" --eval_every_n=0 --num_train_steps="$until" --seed=1 >> "$at/train.txt" 2>&1 ||
      { tail -3 "$at/train.txt" >&2; return 1; }
  done
  "$objdet" eval --model_dir="$at/model" > "$at/eval.txt" 2>&1 || { tail -3 "$at/eval.txt" >&2; return 1; }
  find "$data/$1/images" -type f | sort | sed -n 1,4p > "$at/images.txt"
  xargs -d '\n' "$objdet" predict --model_dir="$at/model" --min_score_thresh=0.2 --output_dir="$at/pictures" < "$at/images.txt" > "$at/predict.txt" 2>&1 || { tail -3 "$at/predict.txt" >&2; return 1; }
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n' "$1" "$2" "$3" "$4" "$steps" "$start" "$(loss "$at/model" first)" "$(loss "$at/model" last)" \
    $(sed -nE 's/.*Average Precision.*IoU=0.50:0.95.*area= *all.*= *([-0-9.]+)$/\1/p; s/.*Average Precision.*IoU=0.50 .*area= *all.*= *([-0-9.]+)$/\1/p' "$at/eval.txt") $((SECONDS - begin)) |
    tee -a "$results"
  rm -f "$at"/model/ckpt-*
}

for case in $cases; do
  IFS=: read -r family size batch <<< "$case"
  for set in ${SETS:-chest_xray raccoon}; do
    grep -q "^$set	$family	$size	$batch	$steps	" "$results" || train "$set" "$family" "$size" "$batch" || { echo "train_families: $set $family failed" >&2; failed=1; }
  done
done
exit $failed
