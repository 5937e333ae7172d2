#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Detection problems with the answers of the OD API's own evaluators (utils/object_detection_evaluation.py).

    metric_sets.py > tests/eval/data/metric_sets.json     # the stored cases of test_metric_sets.c

Needs the OD API's Python environment. Boxes are float32 corners in pixels, classes from 1. No two scores are equal: the OD API's order of
equal scores depends on numpy's sorting.
"""
import json, logging, math, sys
import od_oracle
import numpy as np
if not hasattr(np, 'float'): np.float, np.bool = float, bool  # removed from numpy, used by utils/metrics.py
from object_detection.utils import object_detection_evaluation as E
from object_detection.metrics.lvis_evaluation import LVISMaskEvaluator
from pycocotools import mask as mask_utils
logging.disable(logging.CRITICAL)

EVALUATORS = {
    'pascal_voc_detection_metrics': lambda c, o: E.PascalDetectionEvaluator(c),
    'weighted_pascal_voc_detection_metrics': lambda c, o: E.WeightedPascalDetectionEvaluator(c),
    'oid_V2_detection_metrics': lambda c, o: E.OpenImagesDetectionEvaluator(c),
    'oid_challenge_detection_metrics': lambda c, o: E.OpenImagesDetectionChallengeEvaluator(c),
    'precision_at_recall_detection_metrics': lambda c, o: E.PrecisionAtRecallDetectionEvaluator(
        c, recall_lower_bound=o['recall_low'], recall_upper_bound=o['recall_high'], skip_predictions_for_unlabeled_class=o['skip_unlabeled']),
}
MASK_EVALUATORS = {
    'pascal_voc_instance_segmentation_metrics': lambda c, o: E.PascalInstanceSegmentationEvaluator(c),
    'weighted_pascal_voc_instance_segmentation_metrics': lambda c, o: E.WeightedPascalInstanceSegmentationEvaluator(c),
    'oid_challenge_segmentation_metrics': lambda c, o: E.OpenImagesInstanceSegmentationChallengeEvaluator(c),
}
def hot(ids, n):
    v = np.zeros(n + 1, np.float32)
    v[ids] = 1
    return v


def evaluate_lvis(case):
    e = LVISMaskEvaluator(case['categories'])
    n = len(case['categories'])
    for key, image in enumerate(case['images']):
        truth, found = image['truth'], image['found']
        e.add_single_ground_truth_image_info(key, dict(
            groundtruth_boxes=np.array([t['box'] for t in truth], np.float32).reshape(-1, 4), groundtruth_classes=np.array([t['cls'] for t in truth], int),
            groundtruth_instance_masks=stack(truth), groundtruth_area=np.array([t['area'] for t in truth], np.float32),
            groundtruth_verified_neg_classes=hot(image['negative'], n), groundtruth_not_exhaustive_classes=hot(image['not_exhaustive'], n)))
        e.add_single_detected_image_info(key, dict(
            detection_scores=np.array([d['score'] for d in found], np.float32), detection_classes=np.array([d['cls'] for d in found], int),
            detection_masks=stack(found)))
    return {k: float(v) for k, v in e.evaluate().items()}


SIDE = 64  # of pictures with masks


def short(v):
    """The shortest decimal that reads back as this float32."""
    return float(str(np.float32(v)))


def make(seed, images=12, classes=4, boxes=4, dets=12, absent=(), unnamed=(), difficult=.15, group=.2, labeled=.7, low=0., high=1., skip=False, empty=0):
    """A random problem. `absent`: classes without ground truth; `unnamed`: ids that the label map leaves out."""
    r = np.random.default_rng(seed)
    scores = iter(r.permutation(100000) / np.float32(100000))
    cats = [dict(id=c, name='class %d' % c) for c in range(1, classes + 1) if c not in unnamed]
    case = dict(options=dict(recall_low=float(np.float32(low)), recall_high=float(np.float32(high)), skip_unlabeled=skip), categories=cats, images=[])
    for n in range(images):
        truth, found = [], []
        for _ in range(0 if n < empty else r.poisson(boxes)):
            h, w = np.exp(r.normal(4, .7, 2)).clip(4, 300)
            y, x = r.random(2) * 200
            c = int(r.integers(1, classes + 1))
            if c in absent: c = 1
            truth.append(dict(box=[short(v) for v in (y, x, y + h, x + w)], cls=c, difficult=int(r.random() < difficult),
                              group_of=int(r.random() < group)))
        for _ in range(r.poisson(dets)):
            c = int(r.integers(1, classes + 1))
            if truth and r.random() < .75:
                t = truth[r.integers(len(truth))]
                y0, x0, y1, x1 = t['box']
                if t['group_of'] and r.random() < .6:  # a part of the group
                    f = np.sort(r.random((2, 2)), axis=0)
                    y0, y1, x0, x1 = y0 + f[0, 0] * (y1 - y0), y0 + f[1, 0] * (y1 - y0), x0 + f[0, 1] * (x1 - x0), x0 + f[1, 1] * (x1 - x0)
                s = r.choice([0, .05, .15, .3])
                b = np.array([y0, x0, y1, x1]) + r.normal(0, 1, 4) * s * np.array([y1 - y0, x1 - x0, y1 - y0, x1 - x0])
                if r.random() < .85: c = t['cls']
            else:
                h, w = np.exp(r.normal(4, .7, 2))
                y, x = r.random(2) * 200
                b = np.array([y, x, y + h, x + w])
            if r.random() < .03: b = b[[2, 3, 0, 1]]  # inside out: left out by all
            if r.random() < .03: b[2] = b[0]
            found.append(dict(box=[short(v) for v in b], cls=c, score=short(next(scores))))
        image = dict(truth=truth, found=found)
        image['labeled'] = sorted(int(c) for c in range(1, classes + 1) if r.random() < labeled)
        case['images'].append(image)
    return case


def blob(box, r):
    """An ellipse that fills the box, less a random corner."""
    y0, x0, y1, x1 = box
    y, x = np.mgrid[:SIDE, :SIDE] + .5
    m = ((y - (y0 + y1) / 2) / max((y1 - y0) / 2, .5)) ** 2 + ((x - (x0 + x1) / 2) / max((x1 - x0) / 2, .5)) ** 2 <= 1
    if r.random() < .5: m &= y + x > y0 + x0 + r.random() * (y1 - y0)
    return m.astype(np.uint8)


def give_masks(case, seed, without=.2):
    """Boxes shrunk to a small picture, and masks. `without`: share of objects of which only the box is known."""
    r = np.random.default_rng(seed)
    for image in case['images']:
        for o in image['truth'] + image['found']:
            o['box'] = [short(min(v / 5, SIDE)) for v in o['box']]
            o['pixels'] = blob(o['box'], r)
            if 'score' not in o and r.random() < without: o['pixels'][:] = 0
            o['mask'] = mask_utils.encode(np.asfortranarray(o['pixels']))['counts'].decode()
    case['masks'] = True
    for c in case['categories']: c['frequency'] = str(r.choice(list('rcf')))
    for image in case['images']:
        has = {t['cls'] for t in image['truth']}
        image['negative'] = sorted(c['id'] for c in case['categories'] if c['id'] not in has and r.random() < .5)
        image['not_exhaustive'] = sorted(c['id'] for c in case['categories'] if r.random() < .25)
        for t in image['truth']: t['area'] = short(max(1, r.normal(900, 500))) if r.random() < .7 else 0
    return case


def stack(objects):
    return np.array([o['pixels'] for o in objects], np.uint8).reshape(-1, SIDE, SIDE)


def evaluate(case):
    answers = {}
    cats = case['categories']
    top = max(c['id'] for c in cats)
    masks = case.get('masks')
    for name, build in (MASK_EVALUATORS if masks else EVALUATORS).items():
        e = build(cats, case['options'])
        for n, image in enumerate(case['images']):
            key = 'image%d' % n
            truth, found = image['truth'], image['found']
            labeled = np.array(image['labeled'], int)
            hot = np.zeros(top + 1, np.float32)
            hot[labeled] = 1
            e.add_single_ground_truth_image_info(key, dict(**(dict(groundtruth_instance_masks=stack(truth)) if masks else {}),
                groundtruth_boxes=np.array([t['box'] for t in truth], np.float32).reshape(-1, 4), groundtruth_classes=np.array([t['cls'] for t in truth], int),
                groundtruth_difficult=np.array([t['difficult'] for t in truth], bool), groundtruth_group_of=np.array([t['group_of'] for t in truth], bool),
                groundtruth_image_classes=labeled.copy(), groundtruth_labeled_classes=hot))
            e.add_single_detected_image_info(key, dict(**(dict(detection_masks=stack(found)) if masks else {}),
                detection_boxes=np.array([d['box'] for d in found], np.float32).reshape(-1, 4),
                detection_scores=np.array([d['score'] for d in found], np.float32), detection_classes=np.array([d['cls'] for d in found], int)))
        if name.startswith('weighted') and not any(i['truth'] for i in case['images']): continue  # the OD API fails there
        answers[name] = {k: None if math.isnan(v) else float(v) for k, v in e.evaluate().items()}
    if masks: answers['lvis_mask_metrics'] = evaluate_lvis(case)
    return answers


CASES = {
    'plain': dict(seed=1, difficult=0, group=0, labeled=1),
    'difficult, groups, unlabeled': dict(seed=2),
    'parts of the curve': dict(seed=3, low=.2, high=.7),
    'low bound only': dict(seed=4, low=.35),
    'only labeled classes': dict(seed=5, skip=True, high=.9, labeled=.5),
    'a class without truth, one without name': dict(seed=6, absent=(2,), unnamed=(3,)),
    'empty images': dict(seed=7, empty=6),
    'no ground truth': dict(seed=8, empty=99, images=3),
    'no detections': dict(seed=9, dets=0, images=3),
    'many groups': dict(seed=10, group=.7, boxes=3, dets=20),
    'one class': dict(seed=11, classes=1),
    'crowded': dict(seed=12, boxes=14, dets=40, images=4),
}

MASK_CASES = {
    'masks': dict(seed=21, difficult=0, group=0, labeled=1),
    'masks, difficult, groups, unlabeled': dict(seed=22, group=.3),
    'masks, crowded': dict(seed=23, boxes=10, dets=30, images=6),
    'masks, empty images': dict(seed=24, empty=6),
}

if __name__ == '__main__':
    out = []
    for name, options in list(CASES.items()) + list(MASK_CASES.items()):
        case = make(**options)
        if name in MASK_CASES: give_masks(case, options['seed'])
        case.update(name=name, answers=evaluate(case))
        for image in case['images']:
            for o in image['truth'] + image['found']: o.pop('pixels', None)
        out.append(case)
    json.dump(dict(cases=out), sys.stdout, separators=(',', ':'))
    print()
