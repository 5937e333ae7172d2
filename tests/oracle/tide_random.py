# SPDX-License-Identifier: Apache-2.0
"""Compares `objdet coco-eval --details` with tidecv on random problems: tide_random.py OBJDET [N] [FIRST_SEED]"""
import io, json, os, subprocess, sys, tempfile, contextlib
import numpy as np
sys.argv, args = sys.argv[:1], sys.argv[1:]
with contextlib.redirect_stdout(io.StringIO()):
    from coco_cases import make
from tidecv import TIDE, Data
KINDS = dict(Cls='confused', Loc='mislocated', Both='both', Dupe='duplicated', Bkg='invented', Miss='missed')

def tide(gt, dt):
    """ap, costs in 0..1 and counts by TIDE's short names, as tidecv finds them"""
    g, d = Data('gt'), Data('dt')
    for i in gt['images']: g.add_image(i['id'], '')
    for c in gt['categories']: g.add_class(c['id'], c['name'])
    for a in gt['annotations']:
        (g.add_ignore_region if a.get('iscrowd') else g.add_ground_truth)(a['image_id'], a['category_id'], a['bbox'])
    for x in dt: d.add_detection(x['image_id'], x['category_id'], x['score'], x['bbox'])
    t = TIDE()
    try: run = t.evaluate(g, d, mode=TIDE.BOX)
    except ZeroDivisionError: return None
    try: costs = {k.short_name: v / 100 for k, v in run.fix_main_errors().items()}
    except ZeroDivisionError: costs = None
    try: special = {k.short_name: v / 100 for k, v in run.fix_special_errors().items()}
    except ZeroDivisionError: special = None       # nothing is left to take a mean of
    return run.ap / 100, costs, {k.short_name: v for k, v in run.count_errors().items()}, special

def random_problem(seed):
    r = np.random.default_rng(seed)
    gt, dt = make(seed=seed, images=int(r.integers(1, 40)), classes=int(r.integers(1, 7)), boxes=float(r.choice([.5, 2, 6])),
                  dets=float(r.choice([2, 15, 150])), crowd=float(r.choice([0, .05, .4])), round_score=int(r.integers(1, 17)),
                  first_id=1, hit=float(r.random()), shuffle=bool(r.integers(2)), sizes=[(3.5, 1), (5, .5), (2.5, .5)][r.integers(3)], borders=bool(r.integers(2)))
    ids = [c['id'] for c in gt['categories']]
    for d in dt:                                    # some of another class
        if r.random() < .15: d['category_id'] = int(r.choice(ids))
    return gt, dt

def details(objdet, gt, dt, *flags):
    with tempfile.TemporaryDirectory() as tmp:
        g, d, o = (os.path.join(tmp, x) for x in ('gt.json', 'dt.json', 'o.json'))
        json.dump(gt, open(g, 'w')); json.dump(dt, open(d, 'w'))
        run = subprocess.run([objdet, 'coco-eval', '--gt', g, '--dt', d, '--details', o, '--resamples=0', *flags], capture_output=True, text=True)
        if run.returncode: raise SystemExit(run.stderr)
        return json.load(open(o))

def compare(gt, dt, got):
    """What differs, as text; '' when nothing does."""
    want = tide(gt, dt)
    if want is None: return '' if got['ap'] is None else 'ap %s, tidecv none' % got['ap']
    ap, costs, counts, special = want
    bad = [] if abs(got['ap'] - ap) < 1e-12 else ['ap %r %r' % (got['ap'], ap)]
    for short, kind in KINDS.items():
        k = got['kinds'][kind]
        if k['count'] != counts[short]: bad.append('%s: %d, tidecv %d' % (kind, k['count'], counts[short]))
        if costs and not abs(k['ap_cost'] - costs[short]) < 1e-12: bad.append('%s costs %r, tidecv %r' % (kind, k['ap_cost'], costs[short]))
    for ours, short in (('false_positive_cost', 'FalsePos'), ('false_negative_cost', 'FalseNeg')):
        if special and not abs(got[ours] - special[short]) < 1e-12: bad.append('%s %r, tidecv %r' % (ours, got[ours], special[short]))
    return '; '.join(bad)

if __name__ == '__main__':
    objdet, n, first = args[0], int(args[1]) if len(args) > 1 else 100, int(args[2]) if len(args) > 2 else 1
    bad = 0
    for seed in range(first, first + n):
        gt, dt = random_problem(seed)
        why = compare(gt, dt, details(objdet, gt, dt)['tide'])
        if why: print('seed', seed, why); bad += 1
    print('%d problems, %d differ' % (n, bad)); sys.exit(bad > 0)
