# SPDX-License-Identifier: Apache-2.0
"""The reference's own noise: two runs of one fixture with different numbers of threads, compared as `test_golden` compares ours. Writes it to
DIR_A/CASE/noise.json, from which `test_golden` takes its bounds (ten times that, where it is more than the plain bound).

usage: odd_noise.py SHARED_ORACLE_DIR DIR_A DIR_B CASE...      (DIR_B made by odd_fixtures.py with THREADS=1 MOVING=DIR_A)
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
    """Every variable's first value, sampled as the fixtures sample it, and how many elements each sample stands for."""
    shapes = tf.train.load_checkpoint(os.path.join(folder, 'model')).get_variable_to_shape_map()
    moving = golden.load(os.path.join(folder, 'moving.safetensors'))
    for key, shape in shapes.items():
        if not key.startswith('model/') or not key.endswith(SUFFIX):
            continue
        name, size = key[:-len(SUFFIX)], int(np.prod(shape))
        value = np.asarray(moving[name] if name in moving else golden.weight(name, shape), 'f4').ravel()
        yield name, value[np.arange(512) * size // 512] if size > 512 else value, max(size / 512, 1)


def update(folder, a, b, step):
    """Difference of the variables after `step` relative to their change, and the variable with most of it."""
    wrong = change = most = 0
    where = ''
    for name, start, each in starts(folder):
        x, y = (t[f'step{step}/var/{name}'].ravel().astype('f8') for t in (a, b))
        if x.size != start.size:  # a small fixture keeps all
            start, each = golden.weight(name, [x.size]), 1
        d = each * ((x - y) ** 2).sum()
        wrong += d
        change += each * ((x - start) ** 2).sum()
        if d > most:
            most, where = d, name
    return (wrong / change) ** .5, where


def main():
    for case in sys.argv[4:]:
        folder = os.path.join(sys.argv[2], case)
        a, b = (golden.load(os.path.join(d, case, 'train.safetensors')) for d in sys.argv[2:4])
        f, g = (golden.load(os.path.join(d, case, 'forward.safetensors')) for d in sys.argv[2:4])
        pairs = [(a[k].ravel().astype('f8'), b[k].ravel().astype('f8')) for k in a if k.startswith('step0/grad/') and '/norm/' not in k]
        x, y = (np.concatenate(v) for v in zip(*pairs))
        (u0, where), (u2, _) = update(folder, a, b, 0), update(folder, a, b, 2)
        noise = dict(prediction=max(float(np.abs(f[k] - g[k]).max() / max(np.abs(f[k]).max(), 1e-30)) for k in f if k.startswith('predict/') and f[k].dtype == np.float32),
                     loss0=losses(a, b, 0), loss_later=max(losses(a, b, 1), losses(a, b, 2)),
                     norm=relative(a['step0/gradient_norm'], b['step0/gradient_norm']), cosine=float(1 - x @ y / np.sqrt((x @ x) * (y @ y))),
                     update0=float(u0), update2=float(u2))
        with open(os.path.join(folder, 'noise.json'), 'w') as out:
            json.dump(noise, out)
        print(case, ' '.join(f'{k} {v:.0e}' for k, v in noise.items()), 'most after step 0 from', where)


if __name__ == '__main__':
    main()
