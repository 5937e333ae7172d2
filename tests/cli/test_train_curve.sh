#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Early stopping, also across interruptions; every checkpoint evaluated; balanced sampling and augmenting one class.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data

# With a learning rate of 0 the regularisation loss never changes: the first evaluation is the best, the third stops the training.
sed 's/learning_rate_base: [0-9.e-]*/learning_rate_base: 0/; s/warmup_learning_rate: [0-9.e-]*/warmup_learning_rate: 0/' "$config" > "$work/still.config"
still() { "$OBJDET" train --pipeline_config_path="$work/still.config" --num_threads=2 --seed=3 --eval_every_n=1 --checkpoint_every_n=1 --early_stop_patience=2 \
  --early_stop_metric=Loss/regularization_loss "$@"; }
code=0; still --model_dir="$work/stop" > "$work/stop.log" 2>&1 || code=$?
[ $code = 0 ] || { cat "$work/stop.log"; fail "early stop: exit code $code"; }
expect "$work/stop.log" "stopping early: 2 evaluations without a better Loss/regularization_loss (last 0.0056, best 0.0056 in ckpt-1)"
stopped=$(python3 -c "import json; print(json.load(open('$work/stop/eval/history.json'))['evaluations'][-1]['step'])")
[ "$stopped" = 3 ] || fail "stopped at step $stopped"
still --model_dir="$work/parts" --num_train_steps=2 > /dev/null 2>&1
still --model_dir="$work/parts" > "$work/parts.log" 2>&1
[ "$stopped" = "$(python3 -c "import json; print(json.load(open('$work/parts/eval/history.json'))['evaluations'][-1]['step'])")" ] || { cat "$work/parts.log"; fail "stopped elsewhere after an interruption"; }
still --model_dir="$work/parts" > "$work/parts.log" 2>&1
expect "$work/parts.log" "training has stopped early"
refused 2 "$OBJDET" train --pipeline_config_path="$config" --model_dir="$work/metric" --early_stop_metric=nonsense --num_train_steps=1
expect "$work/out" "early_stop_metric=nonsense: an evaluation has no such number"

# All checkpoints: a line each, detections each, points in the event file.
train --model_dir="$work/curve" --seed=3 --checkpoint_every_n=2 --eval_every_n=0 > /dev/null 2>&1
"$OBJDET" eval --model_dir="$work/curve" --all_checkpoints > "$work/curve.log" 2>&1 || { cat "$work/curve.log"; fail "eval --all_checkpoints"; }
python3 - "$work/curve/eval" <<'END' || fail "the curve"
import json, os, sys
d = sys.argv[1]
curve = json.load(open(d + '/checkpoints.json'))['checkpoints']
assert [p['step'] for p in curve] == [2, 4, 6] and [p['checkpoint'] for p in curve] == ['ckpt-1', 'ckpt-2', 'ckpt-3'], curve
history = json.load(open(d + '/history.json'))['evaluations']
assert [e['step'] for e in history] == [2, 4, 6]
for p, e in zip(curve, history):
    assert p['mAP'] == e['metrics']['DetectionBoxes_Precision/mAP'] and p['total_loss'] == e['losses']['Loss/total_loss']
    assert isinstance(json.load(open(d + '/' + p['detections'])), list) and e['detections'] == p['detections']
assert open(d + '/detections.json').read() == open(d + '/detections-6.json').read()
END
"$OBJDET" events list "$work/curve" > "$work/events.log"
expect "$work/events.log" "DetectionBoxes_Precision/mAP"

# Several metrics sets at once, each under its tags, in metrics.json and in the event file.
sed 's/metrics_set: "coco_detection_metrics"/metrics_set: ["coco_detection_metrics", "pascal_voc_detection_metrics", "oid_V2_detection_metrics",\
  "precision_at_recall_detection_metrics"]\n  recall_lower_bound: 0.1 recall_upper_bound: 0.6 include_metrics_per_category: true all_metrics_per_category: true\
  super_categories { key: "shapes" value: "ring,disc,cross" }/' "$work/curve/pipeline.config" > "$work/sets.config"
"$OBJDET" eval --model_dir="$work/curve" --pipeline_config_path="$work/sets.config" > "$work/sets.log" 2>&1 || { cat "$work/sets.log"; fail "several metrics sets"; }
expect "$work/sets.log" "PascalBoxes_Precision/mAP@0.5IOU"
python3 - "$work/curve/eval/metrics.json" "$work/data/label_map.pbtxt" <<'END' || fail "the metrics sets' figures"
import json, re, sys
m = json.load(open(sys.argv[1]))['metrics']
names = re.findall("name: ['\"](\\w+)", open(sys.argv[2]).read())
want = ['DetectionBoxes_Precision/mAP', 'PascalBoxes_Precision/mAP@0.5IOU', 'OpenImagesV2_Precision/mAP@0.5IOU',
        'PrecisionAtRecallBoxes_Precision/mAP@0.5IOU@[0.1,0.6]Recall', 'DetectionBoxes_PerformanceBySuperCategory/shapes',
        'DetectionBoxes_Recall/AR@10 BySuperCategory/shapes']
for n in names: want += ['PascalBoxes_PerformanceByCategory/AP@0.5IOU/' + n, 'DetectionBoxes_PerformanceByCategory/mAP/' + n,
                         'DetectionBoxes_Precision/mAP (small) ByCategory/' + n]
missing = [t for t in want if t not in m]
assert not missing, missing
aps = [m['PascalBoxes_PerformanceByCategory/AP@0.5IOU/' + n] for n in names]
aps = [a for a in aps if a is not None]
assert abs(sum(aps) / len(aps) - m['PascalBoxes_Precision/mAP@0.5IOU']) < 1e-12
assert m['PascalBoxes_Precision/mAP@0.5IOU'] == m['OpenImagesV2_Precision/mAP@0.5IOU']  # neither difficult boxes nor groups here
END
"$OBJDET" events list "$work/curve" > "$work/events.log"
expect "$work/events.log" "OpenImagesV2_PerformanceByCategory/AP@0.5IOU"

# Changed pictures: the unchanged ones score what eval finds, the same twice; eval/ is left alone, other data have a folder of their own.
cp "$work/curve/eval/metrics.json" "$work/before.json"
"$OBJDET" eval --model_dir="$work/curve" --eval_input_path="$work/data/test.record" > /dev/null 2>&1
robust() { "$OBJDET" eval --model_dir="$work/curve" --eval_input_path="$work/data/test.record" --robustness "$@" > "$work/robust.log" 2>&1 || { cat "$work/robust.log"; fail "--robustness"; }; }
robust --robustness_changes=flip_horizontal,rotate_90,tilt,noise,jpeg --robustness_levels=2
cp "$work/curve/on_test/robustness.json" "$work/robust1.json"
robust --robustness_changes=flip_horizontal,rotate_90,tilt,noise,jpeg --robustness_levels=2 --num_threads=1
python3 - "$work" <<'END' || fail "robustness.json"
import json, sys
d = sys.argv[1]
a, b = json.load(open(d + '/robust1.json')), json.load(open(d + '/curve/on_test/robustness.json'))
assert [(p['change'], p['level']) for p in a['points']] == [('none', 0), ('flip_horizontal', 1), ('rotate_90', 1), ('tilt', 1), ('tilt', 2), ('noise', 1),
                                                           ('noise', 2), ('jpeg', 1), ('jpeg', 2)]
assert a['points'][0]['mAP'] == json.load(open(d + '/curve/on_test/metrics.json'))['metrics']['DetectionBoxes_Precision/mAP']
for p, q in zip(a['points'], b['points']): assert abs(p['mAP'] - q['mAP']) < 1e-6, (p, q)
kinds = {}
for p in a['points'][1:]:
    if not p['geometric']: kinds.setdefault(p['change'], []).append(p['mAP'])
means = [sum(v) / len(v) for v in kinds.values()]
assert len(means) == 2 and abs(sum(means) / 2 - a['mean_changed']) < 1e-12
END
cmp "$work/curve/eval/metrics.json" "$work/before.json" || fail "an evaluation of other data changed eval/"
refused 2 "$OBJDET" eval --model_dir="$work/curve" --robustness --robustness_changes=blur,rain
expect "$work/out" 'unknown change "rain"; expected some of flip_horizontal,'
refused 2 "$OBJDET" eval --model_dir="$work/curve" --robustness --robustness_levels=4

# Balanced sampling: deterministic, resumable, and another stream of images.
train --model_dir="$work/balanced" --seed=3 --eval_every_n=0 --class_balanced_sampling > /dev/null 2>&1
train --model_dir="$work/again" --seed=3 --eval_every_n=0 --class_balanced_sampling > /dev/null 2>&1
train --model_dir="$work/plain" --seed=3 --eval_every_n=0 > /dev/null 2>&1
same_weights "$work/balanced/ckpt-1" "$work/again/ckpt-1" || fail "balanced sampling isn't deterministic"
same_weights "$work/balanced/ckpt-1" "$work/plain/ckpt-1" && fail "--class_balanced_sampling changed nothing"
class=$(grep -oE "name: ['\"][a-z]+" "$work/data/label_map.pbtxt" | head -1 | sed "s/.*['\"]//")
train --model_dir="$work/one" --seed=3 --eval_every_n=0 --augment_only_classes="$class" > "$work/one.log" 2>&1 || { cat "$work/one.log"; fail "--augment_only_classes"; }
refused 2 "$OBJDET" train --pipeline_config_path="$config" --model_dir="$work/bad" --augment_only_classes=zebra
expect "$work/out" 'augment_only_classes: the label map has no class "zebra"'
echo "curves, early stopping and sampling are as they should be"
