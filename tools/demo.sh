#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh OBJDET: everything a user does, on a data set that objdet makes itself.
set -euo pipefail
objdet=$1
say() { printf '\n== %s\n' "$*"; }
rm -rf demo
say "a data set: squares and triangles, look-alikes, empty images"
"$objdet" synth --output_dir=demo/data --train=400
"$objdet" data info demo/data/train.record
say "is the config right?"
"$objdet" config check demo/data/pipeline.config
say "training from scratch, with evaluation on the way"
"$objdet" train --pipeline_config_path=demo/data/pipeline.config --model_dir=demo/model --checkpoint_every_n=500
say "evaluation on the test images, which training has not seen"
"$objdet" eval --model_dir=demo/model --eval_input_path=demo/data/test.record
say "pictures"
"$objdet" predict --model_dir=demo/model --output_dir=demo/pictures --min_score_thresh=0.3 $(ls demo/data/images/test_000*.jpg | head -12)
say "the report: twelve questions answered, failures with pictures, curves, data"
"$objdet" eval --model_dir=demo/model --eval_input_path=demo/data/test.record --robustness --robustness_levels=1
"$objdet" report --model_dir=demo/model --gt=demo/model/on_test/groundtruth.json --dt=demo/model/on_test/detections.json \
  --val_gt=demo/model/eval/groundtruth.json --val_dt=demo/model/eval/detections.json --images=demo/data/images --output=demo/report.html --json=demo/report.json
say "done"
echo "open demo/report.html; then look at demo/pictures/*.jpg, demo/model/on_test/metrics.json, and: tensorboard --logdir demo/model"
