# SPDX-License-Identifier: Apache-2.0
"""The reference's own noise: runs of one fixture with different numbers of threads or kernels, compared as `test_golden` compares ours. Writes the
largest to DIR_A/CASE/noise.json, from which `test_golden` takes its bounds (ten times that, where it is more than the plain bound).

usage: odd_noise.py SHARED_ORACLE_DIR DIR_A DIR_B[,DIR_C] CASE...

DIR_B made by odd_fixtures.py with MOVING=DIR_A and THREADS=1, DIR_C with MOVING=DIR_A and TF_ENABLE_ONEDNN_OPTS=0 (Eigen's kernels).
"""
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
import golden
import numpy as np
import tensorflow as tf

SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'


def relative(a, b):
    return abs(float(a) - float(b)) / max(abs(float(a)), 1e-12)


def losses(a, b, step):
    return max(relative(a[k], b[k]) for k in a if k.startswith(f'step{step}/') and k.endswith('loss') or k.startswith(f'step{step}/Loss'))


def starts(folder):
    """Every variable's first value."""
    shapes = tf.train.load_checkpoint(os.path.join(folder, 'model')).get_variable_to_shape_map()
    moving = golden.load(os.path.join(folder, 'moving.safetensors'))
    for key, shape in shapes.items():
        if not key.startswith('model/') or not key.endswith(SUFFIX):
            continue
        name = key[:-len(SUFFIX)]
        yield name, np.asarray(moving[name] if name in moving else golden.weight(name, shape), 'f4').ravel()


def update(folder, a, b, step):
    """Difference of the variables after `step` relative to their change, and the variable with most of it."""
    wrong = change = most = 0
    where = ''
    for name, start in starts(folder):
        x, y = (t[f'step{step}/var/{name}'].ravel().astype('f8') for t in (a, b))
        each = start.size / x.size  # a sample of a large fixture stands for so many elements
        if x.size != start.size:
            start = start[np.arange(x.size) * start.size // x.size]
        d = each * ((x - y) ** 2).sum()
        wrong += d
        change += each * ((x - start) ** 2).sum()
        if d > most:
            most, where = d, name
    return (wrong / change) ** .5, where


def iou(a, b):
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    inter = np.prod(np.maximum(high - low, 0), -1)
    return inter / np.maximum(np.prod(a[..., 2:] - a[..., :2], -1) + np.prod(b[..., 2:] - b[..., :2], -1) - inter, 1e-30)


def detections_apart(f, g):
    """1 - IoU of the worst partner, by the rule of golden_forward.c: scores within 1e-3, those near the cut left out."""
    worst = 0
    for i, n in enumerate(f['detect/num_detections'].astype(int)):
        boxes, scores, classes = ([t['detect/detection_' + k][i].astype('f8') for t in (f, g)] for k in ('boxes', 'scores', 'classes'))
        used = np.zeros(len(scores[1]), bool)
        for j in range(n):
            if scores[0][j] <= scores[0][n - 1] + 1e-3:
                continue
            fits = ~used & (classes[1] == classes[0][j]) & (np.abs(scores[1] - scores[0][j]) <= 1e-3)
            if not fits.any():  # a peak that only one of the runs has
                continue
            partner = np.argmax(np.where(fits, iou(boxes[0][j], boxes[1]), -1))
            used[partner] = True
            worst = max(worst, 1 - iou(boxes[0][j], boxes[1][partner]))
    return float(worst)


def compare(folder, other):
    a, b = (golden.load(os.path.join(d, 'train.safetensors')) for d in (folder, other))
    f, g = (golden.load(os.path.join(d, 'forward.safetensors')) for d in (folder, other))
    pairs = [(a[k].ravel().astype('f8'), b[k].ravel().astype('f8')) for k in a if k.startswith('step0/grad/') and '/norm/' not in k]
    x, y = (np.concatenate(v) for v in zip(*pairs))
    norm = max(float(a['step0/gradient_norm']), 1e-30)
    tensors = max([abs(float(a[k]) - float(b[k])) for k in a if k.startswith('step0/grad/norm/')] +
                  [abs(float(np.linalg.norm(a[k].astype('f8')) - np.linalg.norm(b[k].astype('f8')))) for k in a
                   if k.startswith('step0/grad/') and k.replace('grad/', 'grad/norm/', 1) not in a and '/norm/' not in k])
    (u0, where), (u2, _) = update(folder, a, b, 0), update(folder, a, b, 2)
    stages = 'predict/proposal_boxes' in f  # proposals change places
    noise = dict(prediction=0 if stages else max(float(np.abs(f[k] - g[k]).max() / max(np.abs(f[k]).max(), 1e-30)) for k in f
                                if k.startswith('predict/') and 'feature_maps' not in k and f[k].dtype == np.float32),
                 iou=detections_apart(f, g), loss0=losses(a, b, 0), loss_later=max(losses(a, b, 1), losses(a, b, 2)), tensor=tensors / norm,
                 norm=relative(a['step0/gradient_norm'], b['step0/gradient_norm']), cosine=float(1 - x @ y / np.sqrt((x @ x) * (y @ y))),
                 update0=float(u0), update2=float(u2))
    return noise, where


def main():
    for case in sys.argv[4:]:
        folder = os.path.join(sys.argv[2], case)
        runs = [compare(folder, os.path.join(d, case)) for d in sys.argv[3].split(',')]
        noise = {k: max(n[k] for n, _ in runs) for k in runs[0][0]}
        with open(os.path.join(folder, 'noise.json'), 'w') as out:
            json.dump(noise, out)
        print(case, ' '.join(f'{k} {v:.0e}' for k, v in noise.items()), 'most after step 0 from', ' '.join(w for _, w in runs))


if __name__ == '__main__':
    main()
