#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# keypoint_box_coder from data to picture: training with a flip, evaluation, prediction; keypoints in all files; refusals.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
# Each object gets three keypoints: the middle of its upper edge, the ends of its lower one; the third is hidden at every second one.
points() {
  python3 - "$1" <<'END'
import json, sys
data = json.load(open(sys.argv[1]))
for i, a in enumerate(data['annotations']):
    x, y, w, h = a['bbox']
    a['keypoints'] = [x + w / 2, y, 2, x, y + h, 2, x + w, y + h, 1 + i % 2]
    a['num_keypoints'] = 3
json.dump(data, open(sys.argv[1], 'w'))
END
}
points "$work/data/train.json"
points "$work/data/val.json"
"$OBJDET" data convert --from=coco "$work/data/train.json" --to=tfrecord --output="$work/data/points.record" > "$work/out"
! grep -q keypoints "$work/out" || fail "keypoints are lost"
"$OBJDET" data convert --from=coco "$work/data/train.json" --to=voc --output="$work/data/voc" > "$work/out"
grep -qE "[0-9]+ objects' keypoints" "$work/out" || { cat "$work/out"; fail "lost keypoints aren't counted"; }
sed -i -E "s/faster_rcnn_box_coder \{[^}]*\}/keypoint_box_coder { num_keypoints: 3 }/; s/weight_shared_convolutional_box_predictor \{/&\n box_code_size: 10/; s/(train|eval)_input_reader \{/&\n num_keypoints: 3/; s/random_horizontal_flip \{[^}]*\}/random_horizontal_flip { keypoint_flip_permutation: [0, 2, 1] }/; s#train.record#points.record#; s#val.record#val.json#" "$config"
# COCO's keypoint metrics of one class; its keypoints are named in the label map.
sed -i -E "s/eval_config \{/&\n parameterized_metric { coco_keypoint_metrics { class_label: 'square' keypoint_label_to_sigmas { key: 'top' value: 0.3 } keypoint_label_to_sigmas { key: 'left' value: 0.3 } keypoint_label_to_sigmas { key: 'right' value: 0.3 } } }/" "$config"
cp "$work/data/label_map.pbtxt" "$work/plain.pbtxt"
refused 1 "$OBJDET" config check "$config"
expect "$work/out" "the label map names no keypoints of 'square'; expected keypoints { id: 0 label: '...' } for each in its item"
sed -i -E "s/name: .square./& keypoints { id: 0 label: 'top' } keypoints { id: 1 label: 'left' } keypoints { id: 2 label: 'right' }/" "$work/data/label_map.pbtxt"
"$OBJDET" config check "$config" > "$work/out" || { cat "$work/out"; fail "the config"; }
train --model_dir="$work/run" --eval_every_n=3 > "$work/out" 2>&1 || { cat "$work/out"; fail "training"; }
"$OBJDET" predict --model_dir="$work/run" --num_threads=2 --output_dir="$work/found" --min_score_thresh=0 --max_boxes=3 "$work/data/images/test_00001.jpg" > /dev/null
python3 - "$work" <<'END'
import json, sys
work = sys.argv[1]
found, evaluated, truth, given = (json.load(open(work + p)) for p in ('/found/detections.json', '/run/eval/detections.json', '/run/eval/groundtruth.json', '/data/val.json'))
assert len(found) == 100 and all(len(d['keypoints']) == 9 and d['keypoints'][2::3] == [1, 1, 1] for d in found + evaluated)
assert any(d['keypoints'][0] != found[0]['keypoints'][0] for d in found)
near = lambda a, b: all(abs(x - y) < 1e-2 for x, y in zip(a['bbox'] + a['keypoints'], b['bbox'] + b['keypoints']))
assert len(truth['annotations']) == len(given['annotations']) and all(any(near(a, b) for b in given['annotations']) and a['num_keypoints'] == 3 for a in truth['annotations'])
# A network that has hardly learnt anything finds keypoints about its boxes: they are in the frame of the picture (320 pixels wide), not in another one.
inside = [-320 < x < 640 for d in found for x in d["keypoints"][0::3]]
assert sum(inside) > .9 * len(inside) and any(abs(x) > 2 for d in found for x in d["keypoints"]), inside
END
python3 - "$work" <<'END'
import json, sys
metrics = json.load(open(sys.argv[1] + '/run/eval/metrics.json'))['metrics']
tags = {k: v for k, v in metrics.items() if k.startswith('Keypoints_')}
names = ['Precision/mAP', 'Precision/mAP@.50IOU', 'Precision/mAP@.75IOU', 'Precision/mAP (medium)', 'Precision/mAP (large)', 'Recall/AR@1', 'Recall/AR@10', 'Recall/AR@100', 'Recall/AR@100 (medium)', 'Recall/AR@100 (large)']
assert sorted(tags) == sorted(f'Keypoints_{n} ByCategory/square' for n in names), tags
assert 0 < tags['Keypoints_Recall/AR@10 ByCategory/square'] <= 1 and tags['Keypoints_Recall/AR@1 ByCategory/square'] <= tags['Keypoints_Recall/AR@10 ByCategory/square'], tags
END
wrong_metric() { # SED TEXT: the config after the change is refused with the text
  sed -E "$1" "$config" > "$work/wrong.config"
  refused 1 "$OBJDET" config check "$work/wrong.config"
  expect "$work/out" "$2"
}
wrong_metric "s/key: 'left'/key: 'lefft'/" "keypoint_label_to_sigmas has no deviation above 0 of 'left'; expected one for each keypoint of the class, or none (then .05 of all)"
sed "s/class_label: 'square'/class_label: 'cube'/" "$config" > "$work/cube.config"
"$OBJDET" config check "$work/cube.config" > "$work/out"
expect "$work/out" "class_label 'cube' is no class of the label map: there will be no figure"
# A page of the augmentations shows the keypoints where they moved: other pictures than without.
sed -E "s/keypoint_box_coder \{[^}]*\}/faster_rcnn_box_coder { }/" "$config" > "$work/boxes.config"
for name in "$config" "$work/boxes.config"; do "$OBJDET" data preview --pipeline_config_path="$name" --images=1 --draws=1 --output="$name.html" > "$work/out" 2>&1 || { cat "$work/out"; fail "a preview"; }; done
[ "$(grep -c '<figure' "$config.html")" -gt 1 ] && ! cmp -s "$config.html" "$work/boxes.config.html" || fail "keypoints in the preview"
# Data without keypoints, and data with other ones.
sed "s#points.record#voc#" "$config" > "$work/voc.config"
refused 1 "$OBJDET" train --pipeline_config_path="$work/voc.config" --model_dir="$work/run2"
expect "$work/out" "holds no keypoints (VOC), and num_keypoints: 3 asks for them; give TFRecords of tf.Example or COCO JSON"
sed "s/num_keypoints: 3/num_keypoints: 2/; s/box_code_size: 10/box_code_size: 8/; s/\[0, 2, 1\]/[1, 0]/; s/parameterized_metric.*//" "$config" > "$work/two.config"
refused 1 "$OBJDET" train --pipeline_config_path="$work/two.config" --model_dir="$work/run3"
expect "$work/out" "image/object/keypoint/x has"
expect "$work/out" "expected the input reader's num_keypoints, 2, for every box"
echo ok
