#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Image-level figures and their intervals by scikit-learn, statsmodels, R's pROC and the papers' formulas.

    eval_statistics.py fixture tests/eval/data/image_level_cases.json    # the stored cases of test_image_level.c
    eval_statistics.py check build/objdet GT.json DT.json [GROUP_FIELD]  # compares the program with them on any files
    eval_statistics.py random build/objdet 50                            # on random problems

Needs numpy, scipy, scikit-learn, statsmodels and Rscript with pROC.
"""
import json, math, os, subprocess, sys, tempfile
import numpy as np
from scipy import stats
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.contingency_tables import mcnemar
import statsmodels.api as sm

NONE = -1e9  # below every score


def scores_of(gt, dt):
    ids = [i['id'] for i in gt['images']]
    at = {v: n for n, v in enumerate(ids)}
    classes = [c['id'] for c in gt['categories']]
    row = {v: n for n, v in enumerate(classes)}
    K, N = len(classes), len(ids)
    score, truth = np.full((K + 1, N), NONE), np.zeros((K + 1, N), int)
    for d in dt:
        for k in (row[d['category_id']], K):
            score[k, at[d['image_id']]] = max(score[k, at[d['image_id']]], d['score'])
    for a in gt['annotations']:
        truth[row[a['category_id']], at[a['image_id']]] = truth[K, at[a['image_id']]] = 1
    return score, truth


def wilson(p, n, z):
    """From the definition: the shares whose own error reaches p."""
    if p in (0, 1):
        far = (z * z) / (n + z * z)
        return (0, far) if p == 0 else (1 - far, 1)
    a, b, c = 1 + z * z / n, -(2 * p + z * z / n), p * p
    low, high = np.roots([a, b, c]).real[[1, 0]] if np.roots([a, b, c])[0] > np.roots([a, b, c])[1] else np.roots([a, b, c]).real
    return min(low, high), max(low, high)


def proportion(hit, among, groups):
    hit, among = np.asarray(hit, int), np.asarray(among, int)
    k, n = int(hit[among == 1].sum()), int(among.sum())
    if not n:
        return [None, None, None]
    if groups is None:
        low, high = proportion_confint(k, n, method='wilson')
        return [k / n, 0 if k == 0 else max(low, 0), 1 if k == n else min(high, 1)]
    g = groups[among == 1]
    names = sorted(set(g))
    if len(names) < 2:
        return [k / n, None, None]
    p = k / n
    fit = sm.OLS(hit[among == 1], np.ones(n)).fit(cov_type='cluster', cov_kwds={'groups': np.unique(g, return_inverse=True)[1]})
    variance = float(np.asarray(fit.cov_params())[0, 0])
    sizes = np.array([np.sum(g == x) for x in names])
    effective = min(p * (1 - p) / variance, n) if variance > 1e-30 else n * n / float((sizes ** 2).sum())
    return [p, *wilson(p, effective, stats.t.ppf(.975, len(names) - 1))]


def r_delong(y, s, s2=None):
    """pROC's area and variance, or the p value of its paired test."""
    with tempfile.NamedTemporaryFile('w', suffix='.csv', delete=False) as f:
        f.write('y,a,b\n' + ''.join('%d,%.17g,%.17g\n' % (u, v, w) for u, v, w in zip(y, s, s2 if s2 is not None else s)))
    code = 'suppressMessages(library(pROC)); d <- read.csv("%s"); a <- roc(d$y, d$a, levels=c(0,1), direction="<"); ' % f.name
    if s2 is None:
        code += 'cat(format(c(as.numeric(auc(a)), as.numeric(var(a, method="delong"))), digits=17))'
    else:
        code += ('b <- roc(d$y, d$b, levels=c(0,1), direction="<"); t <- roc.test(a, b, method="delong", paired=TRUE); '
                 'cat(format(c(as.numeric(auc(b)) - as.numeric(auc(a)), t$p.value), digits=17))')
    out = subprocess.run(['Rscript', '-e', code], capture_output=True, text=True, check=True).stdout
    os.unlink(f.name)
    return [float(v) for v in out.split()]


def obuchowski(y, s, groups):
    """Obuchowski 1997, sums over all pairs."""
    psi = lambda x, z: 1.0 if x > z else .5 if x == z else 0.0
    pos, neg = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    auc = np.mean([psi(s[i], s[j]) for i in pos for j in neg])
    v10 = {i: np.mean([psi(s[i], s[j]) for j in neg]) for i in pos}
    v01 = {j: np.mean([psi(s[i], s[j]) for i in pos]) for j in neg}
    names = sorted(set(groups))
    X = np.array([sum(v10[i] - auc for i in pos if groups[i] == g) for g in names])
    Y = np.array([sum(v01[j] - auc for j in neg if groups[j] == g) for g in names])
    m, n, I = len(pos), len(neg), len(names)
    I10, I01 = len({groups[i] for i in pos}), len({groups[j] for j in neg})
    if I10 < 2 or I01 < 2:
        return auc, None
    s10, s01, s11 = I10 / ((I10 - 1) * m) * (X @ X), I01 / ((I01 - 1) * n) * (Y @ Y), I / (I - 1) * (X @ Y)
    return auc, s10 / m + s01 / n + 2 * s11 / (m * n)


def auc_of(y, s, groups, use_r=True):
    if y.all() or not y.any():
        return [None, None, None]
    auc = metrics.roc_auc_score(y, s)
    if groups is None:
        if min(y.sum(), (1 - y).sum()) < 2:
            return [auc, None, None]
        area, variance = r_delong(y, s) if use_r else obuchowski(y, s, np.arange(len(y)))
        assert abs(area - auc) < 1e-12
        z = stats.norm.ppf(.975)
    else:
        area, variance = obuchowski(y, s, groups)
        z = stats.t.ppf(.975, len(set(groups)) - 1)
        if variance is None:
            return [auc, None, None]
    if auc in (0, 1) or variance < 1e-30:
        return [auc, 'end', 'end']
    half = z * math.sqrt(variance) / (auc * (1 - auc))
    return [auc, *(1 / (1 + np.exp(-(math.log(auc / (1 - auc)) + h))) for h in (-half, half))]


def binary(y, answer, groups):
    tp, fp, tn, fn = (y & answer), (~y & answer), (~y & ~answer), (y & ~answer)
    ones = np.ones(len(y), int)
    out = {'accuracy': proportion(y == answer, ones, groups), 'sensitivity': proportion(answer, y, groups),
           'specificity': proportion(~answer, ~y, groups), 'ppv': proportion(y, answer, groups), 'npv': proportion(~y, ~answer, groups)}
    f1 = proportion(tp, tp | fp | fn, groups) if y.any() else [None] * 3
    out['f1'] = [None if v is None else 2 * v / (1 + v) for v in f1]
    if y.any():
        assert abs(out['f1'][0] - metrics.f1_score(y, answer)) < 1e-12
    out['majority'] = proportion(y if y.sum() * 2 >= len(y) else ~y, ones, groups)
    out['balanced_accuracy'], out['mcc'] = [None] * 3, [None] * 3
    if y.any() and not y.all():
        out['mcc'] = [metrics.matthews_corrcoef(y, answer), 'resampled', 'resampled']
        a, b = out['sensitivity'], out['specificity']
        value = metrics.balanced_accuracy_score(y, answer)
        if groups is None:
            out['balanced_accuracy'] = [value, value - math.hypot(a[0] - a[1], b[0] - b[1]) / 2, value + math.hypot(a[2] - a[0], b[2] - b[0]) / 2]
        else:
            out['balanced_accuracy'] = [value, 'clustered', 'clustered']
    out['counts'] = [int(v.sum()) for v in (tp, fp, tn, fn)]
    return out


def answers(score, truth, threshold):
    K = len(score) - 1
    nulls = not truth[K].all()
    best = score[:K].argmax(0)
    top = score[:K].max(0)
    answer = np.where((top > NONE) & ((top >= threshold) | (not nulls)), best, K)
    several = truth[:K].sum(0) > 1
    label = np.where(truth[K] == 0, K, truth[:K].argmax(0))
    return label, answer, several


def expected(gt, dt, threshold, groups, use_r=True):
    score, truth = scores_of(gt, dt)
    K = len(score) - 1
    out = {'rows': []}
    for k in range(K + 1):
        y, s = truth[k] == 1, score[k]
        row = binary(y, s >= threshold, groups)
        row['roc_auc'] = auc_of(truth[k], s, groups, use_r)
        row['pr_auc'] = [metrics.average_precision_score(truth[k], s), 'resampled', 'resampled'] if y.any() else [None] * 3
        out['rows'].append(row)
    label, answer, several = answers(score, truth, threshold)
    keep = ~several
    out['left_out'] = int(several.sum())
    if keep.any():
        l, a, g = label[keep], answer[keep], None if groups is None else groups[keep]
        out['confusion'] = metrics.confusion_matrix(l, a, labels=range(K + 1)).tolist()
        out['accuracy'] = proportion(l == a, np.ones(len(l)), g)
        used = sorted(set(l))
        f1 = metrics.f1_score(l, a, labels=used, average='macro')
        out['macro_f1'] = f1
        out['mcc'] = metrics.matthews_corrcoef(l, a) if len(used) > 1 else None
        out['balanced'] = float(np.mean([np.mean(a[l == k] == k) for k in used])) if len(used) > 1 else None
    return out


def random_problem(r, images=60, classes=3):
    gt = {'images': [{'id': i + 1, 'file_name': '%d.jpg' % i, 'width': 640, 'height': 480, 'patient': 'p%d' % r.integers(images // 3)}
                     for i in range(images)],
          'annotations': [], 'categories': [{'id': k + 1, 'name': 'class %d' % (k + 1)} for k in range(classes)]}
    dt, kind = [], r.integers(4)
    for im in gt['images']:
        n = 1 if kind == 0 else r.integers(0, 3)
        for _ in range(n):
            k = int(r.integers(1, max(classes if kind == 2 else classes + 1, 2)))  # kind 2: the last class is absent
            box = [float(v) for v in np.round(r.uniform(5, 200, 4), 1)]
            gt['annotations'].append(dict(id=len(gt['annotations']) + 1, image_id=im['id'], category_id=k, bbox=box,
                                          area=box[2] * box[3], iscrowd=int(r.random() < .05)))
            if r.random() < .8:
                dt.append(dict(image_id=im['id'], category_id=k, bbox=box, score=float(np.round(r.beta(4, 2), 1 if kind == 3 else 4))))
        for _ in range(r.integers(0, 3)):
            box = [float(v) for v in np.round(r.uniform(5, 200, 4), 1)]
            dt.append(dict(image_id=im['id'], category_id=int(r.integers(1, classes + 1)), bbox=box,
                           score=float(np.round(r.beta(2, 4), 1 if kind == 3 else 4))))
    return gt, dt


def near(a, b):
    return (a is None and b is None) or (a is not None and b is not None and abs(a - b) < 1e-9)


def compare(name, want, got, bad):
    for w, key in zip(want, ('value', 'low', 'high')):
        if not isinstance(w, str) and not near(w, got[key]):
            bad.append('%s.%s: expected %s, got %s' % (name, key, w, got[key]))


def check(objdet, gt, dt, group, threshold=.5, use_r=True):
    with tempfile.TemporaryDirectory() as d:
        for n, v in (('gt', gt), ('dt', dt)):
            json.dump(v, open('%s/%s.json' % (d, n), 'w'))
        subprocess.run([objdet, 'coco-eval', '--gt=%s/gt.json' % d, '--dt=%s/dt.json' % d, '--image_level', '--json=%s/out.json' % d,
                        '--resamples=100', '--threshold=%g' % threshold] + (['--group_by=' + group] if group else []),
                       check=True, capture_output=True)
        got = json.load(open(d + '/out.json'))['image_level']
    groups = np.array([str(i[group]) for i in gt['images']]) if group else None
    want, bad = expected(gt, dt, threshold, groups, use_r), []
    rows = list(got['per_class'].values()) + [got['any_object']]
    for k, (w, g) in enumerate(zip(want['rows'], rows)):
        if w.pop('counts') != [g['tp'], g['fp'], g['tn'], g['fn']]:
            bad.append('row %d: counts differ' % k)
        for key, value in w.items():
            compare('row %d %s' % (k, key), value, g[key], bad)
    a = got['all_classes']
    if 'confusion' in want:
        if want['confusion'] != a['confusion'] or want['left_out'] != a['left_out']:
            bad.append('confusion matrix differs')
        compare('all classes accuracy', want['accuracy'], a['accuracy'], bad)
        for key, w in (('macro_f1', want['macro_f1']), ('mcc', want['mcc']), ('balanced_accuracy', want['balanced'])):
            if not near(w, a[key]['value']):
                bad.append('all classes %s: expected %s, got %s' % (key, w, a[key]['value']))
    return bad


def main():
    if sys.argv[1] == 'fixture':
        r, cases = np.random.default_rng(11), []
        for i in range(8):
            gt, dt = random_problem(r, 40, 3)
            group = i % 2 == 1
            groups = np.array([im['patient'] for im in gt['images']]) if group else None
            score, truth = scores_of(gt, dt)
            cases.append(dict(gt=gt, dt=dt, grouped=group, threshold=.5, expected=expected(gt, dt, .5, groups)))
        pairs = []
        for i in range(4):  # two detectors on the same images
            y = (r.random(60) < .4).astype(int)
            s = np.round(y * .3 + r.random((2, 60)), 2)
            right = (s >= .6) == y
            only = [int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())]
            both, neither = int((right[0] & right[1]).sum()), int((~right[0] & ~right[1]).sum())
            here = stats.binom.pmf(min(only), sum(only), .5)
            p = mcnemar([[both, only[0]], [only[1], neither]], exact=True).pvalue - (here if only[0] != only[1] else here / 2)
            pairs.append(dict(truth=y.tolist(), scores=s.tolist(), only=only, mcnemar=p, delong=r_delong(y, s[0], s[1])))
        proportions = [[k, n, *proportion_confint(k, n, method='wilson'), *proportion_confint(k, n, method='beta')]
                       for k, n in ((0, 5), (1, 7), (5, 5), (81, 263), (371, 390), (600, 624), (1, 20000))]
        quantiles = dict(normal=[[p, stats.norm.ppf(p)] for p in (1e-12, .025, .3, .5, .9, .995)],
                         student=[[p, df, stats.t.ppf(p, df)] for p in (.025, .9, .995) for df in (1, 4, 99, 5000)],
                         beta=[[p, a, b, stats.beta.ppf(p, a, b)] for p in (.025, .5, .975) for a, b in ((.5, 2), (3, 40), (600, 25))])
        json.dump(dict(cases=cases, pairs=pairs, proportions=proportions, quantiles=quantiles), open(sys.argv[2], 'w'))
        return 0
    objdet, bad = sys.argv[2], []
    if sys.argv[1] == 'check':
        gt, dt = json.load(open(sys.argv[3])), json.load(open(sys.argv[4]))
        for group in [None] + sys.argv[5:]:
            bad += check(objdet, gt, dt, group)
    else:
        r = np.random.default_rng(3)
        for i in range(int(sys.argv[3])):
            gt, dt = random_problem(r, int(r.integers(20, 90)), int(r.integers(1, 5)))
            bad += ['problem %d: %s' % (i, b) for b in check(objdet, gt, dt, 'patient' if i % 2 else None, use_r=i % 10 == 0)]
    print('\n'.join(bad[:40]) or 'all agree')
    return bool(bad)


sys.exit(main())
