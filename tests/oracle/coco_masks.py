# SPDX-License-Identifier: Apache-2.0
"""Evaluation by masks against pycocotools (needs pycocotools).

coco_masks.py random OBJDET [N] [FIRST_SEED]   random problems, to the bit
coco_masks.py fixture tests/eval/data/masks    problems with pycocotools' numbers for tests/eval/test_coco_masks.c
"""
import contextlib
import copy
import io
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from pycocotools import mask as M
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def polygon(rng, cy, cx, r):
    n = int(rng.integers(3, 9))
    t = np.sort(rng.uniform(0, 2 * np.pi, n))
    k = r * rng.uniform(.5, 1, n)
    return [round(float(v), 2) for v in np.stack([cx + k * np.cos(t), cy + k * np.sin(t)], 1).ravel()]


def compressed(rle):
    return dict(size=[int(v) for v in rle["size"]], counts=rle["counts"].decode() if isinstance(rle["counts"], bytes) else rle["counts"])


def uncompressed(bits):
    flat = np.concatenate([bits.astype(np.uint8).ravel(order="F"), [2]])
    change = np.flatnonzero(np.diff(np.concatenate([[0], flat])))
    return dict(size=list(bits.shape), counts=[int(c) for c in np.diff(np.concatenate([[0], change]))])


def make(seed, images, classes, boxes, dets, crowd, side, with_box, with_area=True):
    rng = np.random.default_rng(seed)
    gt = dict(images=[], annotations=[], categories=[dict(id=k + 1, name=f"c{k}") for k in range(classes)])
    dt = []
    for i in range(images):
        h, w = (int(v) for v in rng.integers(side // 2, side, 2))
        gt["images"].append(dict(id=i + 1, file_name=f"{i}.jpg", height=h, width=w))
        shapes = []
        for _ in range(rng.poisson(boxes)):
            r = rng.lognormal(np.log(side * .12), .7)
            cy, cx = rng.uniform(0, h), rng.uniform(0, w)
            seg = [polygon(rng, cy, cx, r) for _ in range(1 + int(rng.random() < .3))]
            rle = M.merge(M.frPyObjects(seg, h, w))
            bits, kind, is_crowd = M.decode(rle), rng.integers(3), int(rng.random() < crowd)
            written = seg if kind == 0 and not is_crowd else uncompressed(bits) if kind == 1 or is_crowd else compressed(M.encode(np.asfortranarray(bits)))
            ann = dict(id=len(gt["annotations"]) + 1, image_id=i + 1, category_id=int(rng.integers(classes)) + 1, iscrowd=is_crowd, segmentation=written,
                       bbox=[float(v) for v in M.toBbox(rle)], area=float(round(float(M.area(rle)) * rng.uniform(.9, 1.1), 1)))
            if not with_area: ann["area"] = float(M.area(rle))
            gt["annotations"].append(ann)
            shapes.append((ann["category_id"], cy, cx, r, seg))
        for _ in range(rng.poisson(dets)):
            if shapes and rng.random() < .7:
                c, cy, cx, r, seg = shapes[rng.integers(len(shapes))]
                seg = [[v + float(rng.normal(0, r * .08)) for v in p] for p in seg] if rng.random() < .8 else seg
            else:
                c, seg = int(rng.integers(classes)) + 1, [polygon(rng, rng.uniform(0, h), rng.uniform(0, w), rng.lognormal(np.log(side * .12), .7))]
            rle = M.encode(np.asfortranarray(M.decode(M.merge(M.frPyObjects(seg, h, w)))))
            det = dict(image_id=i + 1, category_id=c, segmentation=compressed(rle), score=float(round(rng.random(), int(rng.integers(1, 5)))))
            if with_box: det["bbox"] = [float(v) for v in M.toBbox(rle)]
            if with_box and rng.random() < .15: del det["segmentation"]
            dt.append(det)
    return gt, dt


def evaluate(gt, dt, classes=None):
    with contextlib.redirect_stdout(io.StringIO()):
        g = COCO()
        g.dataset = copy.deepcopy(gt)
        g.createIndex()
        e = COCOeval(g, g.loadRes(copy.deepcopy(dt)), "segm")
        if classes: e.params.catIds = classes
        e.evaluate()
        e.accumulate()
        e.summarize()
    return e


def settings(seed):
    r = np.random.default_rng(seed)
    return dict(seed=seed, images=int(r.integers(1, 15)), classes=int(r.integers(1, 5)), boxes=float(r.choice([.5, 2, 6])), dets=float(r.choice([3, 12])),
                crowd=float(r.choice([0, .1, .4])), side=int(r.choice([40, 120, 300])), with_box=bool(r.integers(2)))


def random_problems(objdet, n, first):
    bad = 0
    for seed in range(first, first + n):
        s = settings(seed)
        gt, dt = make(**s)
        if not dt or not gt["annotations"]: continue
        if s["with_box"] and "bbox" not in dt[0]: continue
        want = evaluate(gt, dt)
        with tempfile.TemporaryDirectory() as tmp:
            g, d, o = (os.path.join(tmp, x) for x in ("gt.json", "dt.json", "o.json"))
            json.dump(gt, open(g, "w"))
            json.dump(dt, open(d, "w"))
            run = subprocess.run([objdet, "coco-eval", "--gt", g, "--dt", d, "--json", o, "--iou_type=segm", "--resamples=0"], capture_output=True, text=True)
            if run.returncode:
                print(seed, run.stderr)
                bad += 1
                continue
            got = json.load(open(o))
        ok = got["stats"] == want.stats.tolist()
        for c in gt["categories"][:2]:
            ok &= [got["per_class"][c["name"]][k] for k in got["stat_names"]] == evaluate(gt, dt, [c["id"]]).stats.tolist()
        if not ok:
            print("seed", seed, s, "\n", got["stats"], "\n", want.stats.tolist())
            bad += 1
    print(f"{n} problems, {bad} differ")
    return bad


def fixture(folder):
    os.makedirs(folder, exist_ok=True)
    for i, s in enumerate((dict(seed=1, images=6, classes=2, boxes=3, dets=6, crowd=.2, side=60, with_box=False),
                           dict(seed=2, images=6, classes=2, boxes=3, dets=6, crowd=.2, side=60, with_box=True),
                           dict(seed=3, images=3, classes=1, boxes=4, dets=8, crowd=0, side=260, with_box=False))):
        gt, dt = make(**s)
        json.dump(gt, open(os.path.join(folder, f"gt{i}.json"), "w"), separators=(",", ":"))
        json.dump(dt, open(os.path.join(folder, f"dt{i}.json"), "w"), separators=(",", ":"))
        open(os.path.join(folder, f"stats{i}.txt"), "w").write("\n".join(repr(float(v)) for v in evaluate(gt, dt).stats) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "random":
        sys.exit(random_problems(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 100, int(sys.argv[4]) if len(sys.argv) > 4 else 1) > 0)
    fixture(sys.argv[2])
