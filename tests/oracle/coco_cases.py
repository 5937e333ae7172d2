# SPDX-License-Identifier: Apache-2.0
"""Writes tests/eval/data/coco_cases.json: small synthetic detection problems with pycocotools' answers.

    python3 tests/oracle/coco_cases.py > tests/eval/data/coco_cases.json      (needs pycocotools, numpy)

Each case: ground truth and detections as COCO files have them, the 12 stats and each class's 12 stats (17 digits), and
FNV-1a hashes of the bytes of pycocotools' precision, scores and recall arrays, which must agree to the bit.
"""
import contextlib, io, json, sys
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def make(seed, images=20, classes=3, boxes=4, dets=12, crowd=.0, round_score=3, absent=(), first_id=1, hit=.6,
         shuffle=False, sizes=(3.5, 1.0), borders=False):
    r = np.random.default_rng(seed)
    ids = r.permutation(images * 3)[:images].tolist() if shuffle else list(range(1, images + 1))
    gt = dict(images=[dict(id=int(i), width=640, height=480, file_name='i%03d.jpg' % i) for i in ids], annotations=[],
              categories=[dict(id=c * 2 + 1, name='c%d' % c) for c in range(classes)])
    dt, n = [], first_id
    for image in ids:
        here = []
        for _ in range(r.poisson(boxes)):
            w, h = np.round(np.exp(r.normal(*sizes, 2)).clip(1, 400), 1)
            if borders and r.random() < .5: w, h = [(32, 32), (96, 96), (16, 64)][r.integers(3)]
            x, y = np.round([r.random() * (640 - w), r.random() * (480 - h)], 1)
            c = int(r.integers(classes))
            if c in absent: c = 0 if 0 not in absent else 1
            gt['annotations'].append(dict(id=n, image_id=image, category_id=c * 2 + 1, iscrowd=int(r.random() < crowd),
                                          bbox=[float(v) for v in (x, y, w, h)],
                                          area=float(w * h if borders else round(w * h * .7, 2))))
            here.append((x, y, w, h, c)); n += 1
        for _ in range(r.poisson(dets)):
            if here and r.random() < hit:
                x, y, w, h, c = here[r.integers(len(here))]
                s = r.choice([0, .05, .15])
                x, y, w, h = x + r.normal(0, s * w), y + r.normal(0, s * h), w * np.exp(r.normal(0, s)), h * np.exp(r.normal(0, s))
                if r.random() < .1: c = int(r.integers(classes))
            else:
                w, h = np.exp(r.normal(*sizes, 2)).clip(0, 400)
                if r.random() < .05: w = 0
                x, y, c = r.random() * 600, r.random() * 400, int(r.integers(classes))
            dt.append(dict(image_id=int(image), category_id=c * 2 + 1, score=round(float(r.random()), round_score),
                           bbox=[round(float(v), 1) for v in (x, y, w, h)]))
    if shuffle: dt = [dt[i] for i in r.permutation(len(dt))]; r.shuffle(gt['annotations'])
    return gt, dt


def fnv(array):
    h = 0xcbf29ce484222325
    for b in np.ascontiguousarray(array, dtype='<f8').tobytes(): h = ((h ^ b) * 0x100000001b3) & 0xffffffffffffffff
    return '%016x' % h


def evaluate(gt, dt, classes=None):
    with contextlib.redirect_stdout(io.StringIO()):
        g = COCO(); g.dataset = json.loads(json.dumps(gt)); g.createIndex()
        d = g.loadRes(json.loads(json.dumps(dt))) if dt else COCO()
        if not dt: d.dataset = dict(images=gt['images'], annotations=[], categories=gt['categories']); d.createIndex()
        e = COCOeval(g, d, 'bbox')
        if classes: e.params.catIds = classes
        e.evaluate(); e.accumulate(); e.summarize()
    return e


def solve(name, gt, dt):
    e = evaluate(gt, dt)
    return dict(name=name, gt=gt, dt=dt, stats=e.stats.tolist(),
                class_stats=[evaluate(gt, dt, [c['id']]).stats.tolist() for c in gt['categories']],
                precision=fnv(e.eval['precision']), scores=fnv(e.eval['scores']), recall=fnv(e.eval['recall']))


def main():
    cases = dict(
        plain=dict(seed=1), ties=dict(seed=2, round_score=1), crowds=dict(seed=3, crowd=.3, round_score=2),
        absent=dict(seed=4, classes=4, absent=(1, 3)), shuffled=dict(seed=5, shuffle=True, round_score=1, crowd=.1),
        borders=dict(seed=6, borders=True, hit=.9), many=dict(seed=7, images=2, classes=1, dets=260, boxes=12, round_score=2, sizes=(4, .5)),
        zero_id=dict(seed=8, images=8, first_id=0), only_large=dict(seed=9, images=6, sizes=(5.5, .2)),
        one_class=dict(seed=10, images=40, classes=1, boxes=1, dets=3), no_detections=dict(seed=11, images=3, dets=0),
        no_truth=dict(seed=12, images=4, boxes=0))
    out = [solve(name, *make(**settings)) for name, settings in cases.items()]
    print(json.dumps(dict(cases=out), separators=(',', ':')).replace('{"name"', '\n{"name"'))


if __name__ == '__main__': main()
