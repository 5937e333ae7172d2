#!/usr/bin/env python3
"""Masks as pycocotools makes them: tests/data/fixtures/masks.txt.

Usage: mask_cases.py OUT.txt      (needs pycocotools)

A line a case: HEIGHT WIDTH SEGMENTATION-JSON TAB COMPRESSED-RLE AREA BOX(x y w h); then lines `iou I J CROWD VALUE` of pairs of cases.
"""
import json
import sys

import numpy as np
from pycocotools import mask as M


def rle_of(h, w, seg):
    if isinstance(seg, list):
        return M.merge(M.frPyObjects(seg, h, w))
    return M.frPyObjects(seg, h, w) if isinstance(seg["counts"], list) else seg


def polygon(rng, h, w):
    n, kind = int(rng.integers(3, 12)), rng.integers(5)
    if kind == 0:  # blob
        t = np.sort(rng.uniform(0, 2 * np.pi, n))
        r = rng.uniform(.1, .6) * min(h, w) * rng.uniform(.6, 1, n)
        p = np.stack([rng.uniform(0, w) + r * np.cos(t), rng.uniform(0, h) + r * np.sin(t)], 1)
    elif kind == 1:  # anything, self-crossing, partly outside
        p = rng.uniform(-.3, 1.3, (n, 2)) * [w, h]
    elif kind == 2:  # whole numbers and repeated points
        p = rng.integers(0, [w + 1, h + 1], (n, 2)).astype(float)
        p[1] = p[0]
    elif kind == 3:  # halves
        p = rng.integers(0, [2 * w + 2, 2 * h + 2], (n, 2)) / 2
    else:  # thin
        a = rng.uniform(0, 1, 2) * [w, h]
        p = a + rng.uniform(-1, 1, (n, 2)) * [w * .5, .6]
    return [round(float(v), int(rng.integers(0, 4))) for v in p.ravel()]


def main():
    rng = np.random.default_rng(7)
    lines, rles = [], []
    for i in range(160):
        h, w = (int(v) for v in rng.integers(1, 70, 2)) if i % 4 else ((37, 53), (240, 320))[i % 16 // 12]
        kind = i % 5
        if kind < 3:
            seg = [polygon(rng, h, w) for _ in range(1 + int(rng.integers(3)))]
        else:
            bits = rng.random((h, w)) < rng.uniform(0, 1) if i % 2 and h < 200 else np.kron(rng.random((h // 5 + 1, w // 5 + 1)) < .4, np.ones((5, 5)))[:h, :w]
            seg = M.encode(np.asfortranarray(bits.astype(np.uint8)))
            seg = {"size": [h, w], "counts": seg["counts"].decode()}
            if kind == 3:
                flat = bits.astype(np.uint8).ravel(order="F")
                change = np.flatnonzero(np.diff(np.concatenate([[0], flat, [2]])))
                counts = np.diff(np.concatenate([[0], change]))
                seg["counts"] = [int(c) for c in counts]
        rle = rle_of(h, w, seg)
        # canonical counts: pycocotools leaves empty runs in what it merges
        text = M.encode(np.asfortranarray(M.decode(rle)))["counts"].decode()
        box = M.toBbox({"size": [h, w], "counts": text.encode()})
        rles.append(rle)
        lines.append(f"{h} {w} {json.dumps(seg, separators=(',', ':'))}\t{text} {int(M.area(rle))} {' '.join(str(int(v)) for v in box)}")
    for i in range(len(rles)):
        for j in range(len(rles)):
            if rles[i]["size"] == rles[j]["size"] and (i + j) % 7 == 0:
                crowd = (i + 2 * j) % 2
                lines.append(f"iou {i} {j} {crowd} {float(M.iou([rles[i]], [rles[j]], [crowd])[0][0])!r}")
    open(sys.argv[1], "w").write("\n".join(lines) + "\n")


main()
