#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keypoint problems with the answers of the OD API's CocoKeypointEvaluator, which is pycocotools' evaluation by keypoints.

    keypoint_metrics.py > tests/eval/data/keypoint_metrics.json     # the stored cases of test_keypoint_metrics.c

Needs the OD API's Python environment. Boxes and keypoints are float32 pixels. No two scores are equal.
"""
import contextlib, io, json, logging
import od_oracle  # noqa: F401  (must come before object_detection)
import numpy as np
if not hasattr(np, 'float'): np.float, np.bool = float, bool
from object_detection.metrics.coco_evaluation import CocoKeypointEvaluator
logging.disable(logging.CRITICAL)

COCO_SIGMAS = [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089]


def short(v):
    """The shortest decimal that reads back as this float32."""
    return float(str(np.float32(round(float(v), 2) if v > 1 else v)))


def make(seed, points, ids, sigmas, images=10, boxes=4, dets=10, unlabelled=.2, bare=.1, crowd=.1, noise=(.02, .06, .15, .5)):
    """`points`: of an object in the data; `ids`: those that the class names. `bare`: share of objects without a labelled keypoint."""
    r = np.random.default_rng(seed)
    scores = iter(r.permutation(100000) / np.float32(100000))
    case = dict(points=points, ids=ids, sigmas=None if sigmas is None else [short(s) for s in sigmas], cls=2, images=[])
    for _ in range(images):
        truth, found = [], []
        for _ in range(r.poisson(boxes)):
            h, w = np.exp(r.normal(4, .8, 2)).clip(4, 300)
            y, x = r.random(2) * 200
            k = np.array([y, x]) + r.random((points, 2)) * [h, w]
            v = r.choice([0, 1, 2], points, p=[unlabelled, .3, .7 - unlabelled])
            if r.random() < bare: v[:] = 0
            truth.append(dict(box=[short(c) for c in (y, x, y + h, x + w)], cls=int(r.integers(1, 3)), crowd=int(r.random() < crowd),
                              area=short(h * w * r.uniform(.4, 1)) if r.random() < .7 else 0, keypoints=[[short(a), short(b), int(s)] for (a, b), s in zip(k, v)]))
        for _ in range(r.poisson(dets)):
            if truth and r.random() < .8:
                t = truth[r.integers(len(truth))]
                y0, x0, y1, x1 = t['box']
                size = max(y1 - y0, x1 - x0)
                k = np.array([p[:2] for p in t['keypoints']]) + r.normal(0, 1, (points, 2)) * r.choice(noise) * size
                b, c = np.array(t['box']) + r.normal(0, .1, 4) * size, t['cls']
            else:
                h, w = np.exp(r.normal(4, .8, 2))
                y, x = r.random(2) * 200
                b, c = np.array([y, x, y + h, x + w]), int(r.integers(1, 3))
                k = np.array([y, x]) + r.random((points, 2)) * [h, w]
            found.append(dict(box=[short(v) for v in b], cls=c, score=short(next(scores)), keypoints=[[short(p), short(q)] for p, q in k]))
        case['images'].append(dict(truth=truth, found=found))
    return case


def evaluate(case):
    names = [dict(id=i, name='k%d' % i) for i in case['ids']]
    sigmas = None if case['sigmas'] is None else {'k%d' % i: float(np.float32(s)) for i, s in zip(case['ids'], case['sigmas'])}
    e = CocoKeypointEvaluator(case['cls'], names, 'person', sigmas)
    n = case['points']
    for key, image in enumerate(case['images']):
        truth, found = image['truth'], image['found']
        points = np.array([t['keypoints'] for t in truth], np.float32).reshape(-1, n, 3)
        e.add_single_ground_truth_image_info(key, dict(
            groundtruth_boxes=np.array([t['box'] for t in truth], np.float32).reshape(-1, 4), groundtruth_classes=np.array([t['cls'] for t in truth], int),
            groundtruth_is_crowd=np.array([t['crowd'] for t in truth], int), groundtruth_area=np.array([t['area'] for t in truth], np.float32),
            groundtruth_keypoints=points[:, :, :2], groundtruth_keypoint_visibilities=points[:, :, 2].astype(int)))
        e.add_single_detected_image_info(key, dict(
            detection_boxes=np.array([d['box'] for d in found], np.float32).reshape(-1, 4), detection_scores=np.array([d['score'] for d in found], np.float32),
            detection_classes=np.array([d['cls'] for d in found], int), detection_keypoints=np.array([d['keypoints'] for d in found], np.float32).reshape(-1, n, 2)))
    with contextlib.redirect_stdout(io.StringIO()):
        return {k: float(v) for k, v in e.evaluate().items()}


cases = [make(1, 17, list(range(17)), COCO_SIGMAS), make(2, 17, list(range(17)), COCO_SIGMAS, images=30, boxes=6, dets=20),
         make(3, 3, [0, 1, 2], None, images=20), make(4, 5, [1, 3, 4], [.05, .1, .2], images=20), make(5, 4, [0, 1, 2, 3], [.1] * 4, images=6, boxes=3, dets=80),
         make(6, 4, [2], [.08], images=15, crowd=.5, bare=.4), make(7, 9, list(range(9)), [.03 + .01 * i for i in range(9)], images=25, unlabelled=.6),
         make(8, 2, [0, 1], None, images=3, boxes=0, dets=4)]
for case in cases:
    case['answers'] = evaluate(case)
print(json.dumps(dict(cases=cases), separators=(',', ':')))
