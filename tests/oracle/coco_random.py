# SPDX-License-Identifier: Apache-2.0
"""Compares `objdet coco-eval --json` with pycocotools on random problems, to the bit: coco_random.py OBJDET [N] [FIRST_SEED]"""
import json, os, subprocess, sys, tempfile
import numpy as np
sys.argv, args = sys.argv[:1], sys.argv[1:]
import io, contextlib
with contextlib.redirect_stdout(io.StringIO()):
    from coco_cases import make, evaluate
objdet, n, first = args[0], int(args[1]) if len(args) > 1 else 100, int(args[2]) if len(args) > 2 else 1000
bad = 0
for seed in range(first, first + n):
    r = np.random.default_rng(seed)
    settings = dict(seed=seed, images=int(r.integers(1, 60)), classes=int(r.integers(1, 12)), boxes=float(r.choice([.5, 2, 6])),
                    dets=float(r.choice([2, 15, 150])), crowd=float(r.choice([0, .05, .4])), round_score=int(r.integers(1, 17)),
                    first_id=int(r.integers(0, 2)), hit=float(r.random()), shuffle=bool(r.integers(2)),
                    sizes=[(3.5, 1), (5, .5), (2.5, .5)][r.integers(3)], borders=bool(r.integers(2)))
    gt, dt = make(**settings)
    if r.random() < .3:  # full-precision coordinates
        for d in dt: d['bbox'] = [float(v + r.normal() * 1e-3) for v in d['bbox']]
    want = evaluate(gt, dt)
    with tempfile.TemporaryDirectory() as tmp:
        g, d, o = (os.path.join(tmp, x) for x in ('gt.json', 'dt.json', 'o.json'))
        json.dump(gt, open(g, 'w')); json.dump(dt, open(d, 'w'))
        run = subprocess.run([objdet, 'coco-eval', '--gt', g, '--dt', d, '--json', o], capture_output=True, text=True)
        if run.returncode: print(seed, run.stderr); bad += 1; continue
        got = json.load(open(o))
        table = io.StringIO()
        with contextlib.redirect_stdout(table): want.summarize()
        ok = got['stats'] == want.stats.tolist() and run.stdout.startswith(table.getvalue())
        for c in gt['categories'][:3]:
            ok &= [got['per_class'][c['name']][k] for k in got['stat_names']] == evaluate(gt, dt, [c['id']]).stats.tolist()
        if not ok: print('seed', seed, settings, '\n', got['stats'], '\n', want.stats.tolist()); bad += 1
print('%d problems, %d differ' % (n, bad)); sys.exit(bad > 0)
