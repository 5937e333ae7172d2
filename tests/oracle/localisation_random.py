# SPDX-License-Identifier: Apache-2.0
"""Compares `objdet coco-eval --details` with the plain formulas on random problems, and Brier score and bins with scikit-learn:
localisation_random.py OBJDET [N] [FIRST_SEED]      (or: localisation_random.py OBJDET --files GT.json DT.json)"""
import json, math, sys
import numpy as np
argv, sys.argv = sys.argv[1:], sys.argv[:1]
from tide_random import random_problem, details, compare as compare_tide
import localisation_formulas as f
from sklearn.metrics import brier_score_loss

def near(a, b):
    if a is None or b is None: return a is None and b is None
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)

def compare(gt, dt, got):
    bad, images = [], [i['id'] for i in gt['images']]
    matches, found = f.match(gt, dt)
    def same(what, a, b):
        if not near(a, b): bad.append('%s: %r, expected %r' % (what, a, b))
    for c in [None] + gt['categories']:
        name, cid = ('all', None) if c is None else (c['name'], c['id'])
        m, t = f.of_class(gt, matches, cid)
        froc = got['froc'][name]
        if t:
            best, interpolated = f.froc(gt, m, t, len(images))
            for i in range(7):
                same('%s FROC %g' % (name, f.RATES[i]), froc['at'][i]['sensitivity']['value'], best[i])
                same('%s FROC interpolated %g' % (name, f.RATES[i]), froc['at'][i]['interpolated'], interpolated[i])
            same(name + ' FROC mean', froc['mean']['value'], float(np.mean(best)))
            same(name + ' CPM', froc['interpolated_mean'], float(np.mean(interpolated)))
        j = f.jafroc(gt, m, t, found, cid)
        for k in ('jafroc', 'jafroc1', 'wafroc', 'wafroc1'): same(name + ' ' + k, got['jafroc'][name][k]['value'], j[k])
        kinds = f.kinds(gt, cid)
        for kind, title in (('with', 'with objects'), ('null', 'null'), ('look', 'look-alikes')):
            here = [i for i in images if kinds[i] == kind]; n = got['null_images'][name][title]
            same('%s %s images' % (name, kind), n['images'], len(here))
            wrong = [x for x in m if x[1] in here and x[3] in ('fp', 'dup') and x[0] >= .5]
            same('%s %s false' % (name, kind), n['false_per_image']['value'], len(wrong) / len(here) if here else None)
            same('%s %s with false' % (name, kind), n['images_with_false']['value'], len({x[1] for x in wrong}) / len(here) if here else None)
            highest = [max([x[0] for x in m if x[1] == i], default=0.) for i in here]
            for q, v in zip((0, .05, .25, .5, .75, .95, 1), n['highest_score_quantiles']): same('%s %s q%g' % (name, kind, q), v, float(np.quantile(highest, q)) if here else None)
        l = f.lrp(m, t); g = got['lrp']['together' if c is None else 'classes']; g = g if c is None else g[name]
        same(name + ' oLRP', g['lrp']['value'], l and l[0])
        if l:
            for k, v in zip(('localisation', 'false_share', 'missed_share', 'threshold'), l[1:]): same(name + ' LRP ' + k, g[k], v)
        curve = {k: [dict(zip(got['operating'][name][k]['columns'], r)) for r in got['operating'][name][k]['rows']] for k in ('box', 'image')}
        for p in curve['box'][::5]:
            tp, fp, fn = f.counts(m, t, p['threshold'])
            if (p['tp'], p['fp'], p['fn']) != (tp, fp, fn): bad.append('%s box at %g: %r' % (name, p['threshold'], (p['tp'], p['fp'], p['fn'], tp, fp, fn)))
            same(name + ' f1', p['f1'], 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None)
        for p in curve['image'][::5]:
            want = f.image_counts(gt, dt, cid, p['threshold'])
            if (p['tp'], p['fp'], p['fn'], p['tn']) != want: bad.append('%s image at %g: %r' % (name, p['threshold'], want))
        if t: same(name + ' best F1', got['operating'][name]['best_f1']['at']['f1']['value'], f.best_f1(m, t))
    with_truth = [got['lrp']['classes'][c['name']]['lrp']['value'] for c in gt['categories']]
    with_truth = [v for v in with_truth if v is not None]
    same('mean oLRP', got['lrp']['mean']['lrp']['value'], float(np.mean(with_truth)) if with_truth else None)
    c, kept = got['calibration'], [x for x in matches if x[3] != 'ignored']
    scores, right = [x[0] for x in kept], [x[3] == 'tp' for x in kept]
    if kept:
        e, worst = f.ece(scores, right)
        same('D-ECE', c['boxes']['ece'], e); same('MCE', c['boxes']['mce'], worst)
        same('Brier', c['boxes']['brier'], float(np.mean((np.array(scores) - np.array(right)) ** 2)))
        if len(set(right)) == 2: same('Brier (scikit-learn)', c['boxes']['brier'], brier_score_loss(right, scores))
        same('LaECE', c['laece'], f.laece(matches)[0])
        any_overlap = f.laece(f.match(gt, dt, 5e-324)[0])
        same('LaECE0', c['laece0'], any_overlap[0]); same('LaACE0', c['laace0'], any_overlap[1])
    cases = [(max([d['score'] for d in dt if d['image_id'] == i and d['category_id'] == k['id']], default=0.),
              f.kinds(gt, k['id'])[i] == 'with') for k in gt['categories'] for i in images]
    e, worst = f.ece(*zip(*cases))
    same('ECE of images', c['images']['ece'], e)
    return '; '.join(bad)

if __name__ == '__main__':
    objdet, n, first, bad = argv[0], 30, 1, 0
    if len(argv) > 1 and argv[1] == '--files':
        problems = [('files', json.load(open(argv[2])), json.load(open(argv[3])))]
    else:
        n, first = int(argv[1]) if len(argv) > 1 else 30, int(argv[2]) if len(argv) > 2 else 1
        problems = (('seed %d' % s, *random_problem(s)) for s in range(first, first + n))
    for title, gt, dt in problems:
        got = details(objdet, gt, dt)
        why = compare(gt, dt, got)
        tide = compare_tide(gt, dt, got['tide'])
        if why or tide: print(title, (why + ' ' + tide)[:1500]); bad += 1
    print('%d differ' % bad); sys.exit(bad > 0)
