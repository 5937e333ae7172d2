# SPDX-License-Identifier: Apache-2.0
"""Writes tests/eval/data/localisation_cases.json: small problems with tidecv's answers and those of the plain formulas in
localisation_formulas.py, and tests/eval/data/calibrators.json: scikit-learn's Platt scaling and isotonic regression.

    python3 tests/oracle/localisation_cases.py tests/eval/data      (needs tidecv, scikit-learn, pycocotools, numpy)
"""
import json, os, sys
import numpy as np
out, sys.argv = sys.argv[1], sys.argv[:1]
import io, contextlib
with contextlib.redirect_stdout(io.StringIO()):
    from coco_cases import make
import localisation_formulas as f
from tide_random import tide, KINDS

def case(name, gt, dt, c=None):
    images = gt['images']
    matches, found = f.match(gt, dt)
    m, t = f.of_class(gt, matches, None)
    froc, interpolated = f.froc(gt, m, t, len(images)) if t else (None, None)
    classes = []
    for k in gt['categories']:
        mk, tk = f.of_class(gt, matches, k['id'])
        classes.append(dict(jafroc=f.jafroc(gt, mk, tk, found, k['id']), lrp=f.lrp(mk, tk)))
    kinds = f.kinds(gt, None)
    null = [i for i in kinds if kinds[i] == 'null']
    wrong = [x for x in m if x[1] in null and x[3] in ('fp', 'dup') and x[0] >= .5]
    answer = tide(gt, dt)
    ap, costs, counts, special = answer if answer else (None, None, None, None)
    kept = [x for x in matches if x[3] != 'ignored']
    e = f.ece([x[0] for x in kept], [x[3] == 'tp' for x in kept]) if kept else (None, None)
    return dict(name=name, gt=dict(images=[dict(id=i['id'], file_name=i['file_name']) for i in images], categories=gt['categories'],
                                   annotations=gt['annotations']), dt=dt,
                froc=froc, interpolated=interpolated, jafroc=f.jafroc(gt, m, t, found, None), lrp=f.lrp(m, t), classes=classes,
                null_images=len(null), null_false=len(wrong), best_f1=f.best_f1(m, t) if t else None,
                counts=[[s / 10, *f.counts(m, t, s / 10), *f.image_counts(gt, dt, None, s / 10)] for s in range(11)],
                tide=dict(ap=ap, costs=costs and {KINDS[k]: v for k, v in costs.items()}, counts=counts and {KINDS[k]: v for k, v in counts.items()},
                          special=special), d_ece=e[0], mce=e[1], laece=f.laece(matches)[0], laece0=f.laece(f.match(gt, dt, 5e-324)[0])[0],
                laace0=f.laece(f.match(gt, dt, 5e-324)[0])[1])

def confuse(gt, dt, seed):
    r = np.random.default_rng(seed)
    ids = [c['id'] for c in gt['categories']]
    for d in dt:
        if r.random() < .2: d['category_id'] = int(r.choice(ids))
    return gt, dt

small = dict(images=12, boxes=2, dets=8, sizes=(4.5, .6))
cases = [case('plain', *confuse(*make(seed=1, **small), 1)),
         case('ties', *confuse(*make(seed=2, **{**small, 'round_score': 1}), 2)),
         case('crowds', *confuse(*make(seed=3, **{**small, 'crowd': .4}), 3)),
         case('absent_class', *confuse(*make(seed=4, **{**small, 'classes': 4, 'absent': (2, 3)}), 4)),
         case('many_null_images', *make(seed=5, **{**small, 'boxes': .4, 'round_score': 2})),
         case('shuffled_ids', *confuse(*make(seed=6, **{**small, 'shuffle': True}), 6)),
         case('beyond_100', *make(seed=7, images=1, boxes=4, dets=130, classes=1, sizes=(4.5, .6), round_score=2))]
gt, dt = make(seed=8, **small)
cases.append(case('no_detections', gt, []))
gt, dt = make(seed=9, **small)
cases.append(case('no_objects', dict(gt, annotations=[]), dt))
json.dump(dict(cases=cases), open(os.path.join(out, 'localisation_cases.json'), 'w'), separators=(',', ':'))

from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
r, fits = np.random.default_rng(10), []
for n, digits, skew in ((40, 3, 1), (300, 2, 2), (1000, 6, .4)):
    s = np.round(r.beta(1, 1.5, n), digits).clip(.001, .999)
    y = (r.random(n) < s ** skew).astype(int)
    logit = np.log(s / (1 - s))
    platt = _SigmoidCalibration().fit(logit, y)
    iso = IsotonicRegression(out_of_bounds='clip').fit(s, y)
    at = np.linspace(0.0005, .9995, 41)
    fits.append(dict(scores=s.tolist(), right=y.tolist(), a=platt.a_, b=platt.b_, at=at.tolist(), isotonic=iso.predict(at).tolist(),
                     platt=platt.predict(np.log(at / (1 - at))).tolist()))
json.dump(dict(fits=fits), open(os.path.join(out, 'calibrators.json'), 'w'), separators=(',', ':'))
