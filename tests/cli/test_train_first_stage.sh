#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Faster R-CNN's first stage alone (number_of_stages: 1): training, evaluation of objects of any class as one, prediction.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
[ "$(grep -c item "$work/data/label_map.pbtxt")" -gt 1 ] || fail "the data has one class only"
model='model { faster_rcnn { number_of_stages: 1 num_classes: 3 image_resizer { keep_aspect_ratio_resizer { min_dimension: 64 max_dimension: 96 pad_to_max_dimension: true } }
  feature_extractor { type: "faster_rcnn_resnet50_keras" batch_norm_trainable: true }
  first_stage_anchor_generator { grid_anchor_generator { scales: [0.1, 0.2] aspect_ratios: [1] height_stride: 16 width_stride: 16 } }
  first_stage_box_predictor_conv_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { stddev: 0.01 } } }
  first_stage_max_proposals: 100 } }'
python3 - "$config" "$model" <<'END'
import sys
text = open(sys.argv[1]).read()
start = text.index('model {')
end, depth = start + 7, 1
while depth:
    depth += {'{': 1, '}': -1}.get(text[end], 0)
    end += 1
open(sys.argv[1], 'w').write(text[:start] + sys.argv[2] + text[end:])
END
"$OBJDET" config check "$config" > "$work/out" || { cat "$work/out"; fail "the config"; }
train --model_dir="$work/run" > "$work/out" 2>&1 || { cat "$work/out"; fail "training"; }
"$OBJDET" predict --model_dir="$work/run" --num_threads=2 --output_dir="$work/found" --min_score_thresh=0 "$work/data/images/test_00001.jpg" > "$work/out" 2>&1 || { cat "$work/out"; fail "prediction"; }
for run in train eval; do "$OBJDET" events list "$work/run/$run" > "$work/$run.txt"; done
[ "$(grep -o 'Loss/[A-Za-z/_]*' "$work/train.txt" | sort -u | tr '\n' ' ')" = "Loss/RPNLoss/localization_loss Loss/RPNLoss/objectness_loss Loss/regularization_loss Loss/total_loss " ] ||
  { cat "$work/train.txt"; fail "the losses"; }
python3 - "$work" <<'END'
import json, sys
work = sys.argv[1]
found, evaluated, truth, given, metrics = (json.load(open(work + p)) for p in ('/found/detections.json', '/run/eval/detections.json', '/run/eval/groundtruth.json', '/data/val.json', '/run/eval/metrics.json'))
assert [c['name'] for c in truth['categories']] == ['object'], truth['categories']
assert len({a['category_id'] for a in given['annotations']}) > 1 and len(truth['annotations']) == len(given['annotations'])
assert {a['category_id'] for a in truth['annotations'] + evaluated + found} == {1}
assert list(metrics['per_class']) == ['object'] and 1 <= len(found) <= 72
size = {i['id']: (i['width'], i['height']) for i in truth['images']}
for d in evaluated:  # in the picture, not in its padded form
    x, y, w, h = d['bbox']
    assert -1e-3 <= x and -1e-3 <= y and x + w <= size[d['image_id']][0] + 1e-2 and y + h <= size[d['image_id']][1] + 1e-2, d
assert any(d['bbox'][1] + d['bbox'][3] > .95 * size[d['image_id']][1] for d in evaluated)
END
echo ok
