# SPDX-License-Identifier: Apache-2.0
"""The formulas of FROC, JAFROC, LRP, operating points and calibration written out plainly, to check the program by.
Everything is computed from ground truth and detections as COCO files have them; no code is shared with it."""
import math
import numpy as np

RATES = [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]

def iou(a, b, crowd=False):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]); h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0: return 0.
    return w * h / (a[2] * a[3] if crowd else a[2] * a[3] + b[2] * b[3] - w * h)

def match(gt, dt, tau=.5):
    """[(score, image, class, verdict, iou)] of the first 100 detections of each image and class, best first; verdict: 'tp', 'fp', 'dup' or 'ignored'. And {annotation id: score}."""
    out, found, rank = [], {}, 0
    for image in sorted(i['id'] for i in gt['images']):
        for c in sorted(c['id'] for c in gt['categories']):
            truths = [a for a in gt['annotations'] if a['image_id'] == image and a['category_id'] == c]
            dets = sorted([d for d in dt if d['image_id'] == image and d['category_id'] == c], key=lambda d: -d['score'])[:100]
            taken = set()
            for d in dets:
                best = dict(free=None, crowd=None, taken=None); over = 0.
                for a in truths:
                    v = iou(d['bbox'], a['bbox'], a.get('iscrowd', 0))
                    if not a.get('iscrowd', 0): over = max(over, v)
                    if v < min(tau, 1 - 1e-10) or v <= 0: continue
                    kind = 'crowd' if a.get('iscrowd', 0) else 'taken' if a['id'] in taken else 'free'
                    if best[kind] is None or v >= best[kind][0]: best[kind] = (v, a['id'])
                if best['free']: taken.add(best['free'][1]); found[best['free'][1]] = d['score']; out.append((d['score'], image, c, 'tp', best['free'][0]))
                elif best['crowd']: out.append((d['score'], image, c, 'ignored', over))
                elif best['taken']: out.append((d['score'], image, c, 'dup', best['taken'][0]))
                else: out.append((d['score'], image, c, 'fp', over))
    return out, found

def of_class(gt, matches, c):
    m = [x for x in matches if c is None or x[2] == c]
    t = [a for a in gt['annotations'] if not a.get('iscrowd', 0) and (c is None or a['category_id'] == c)]
    return m, t

def kinds(gt, c):
    """'with', 'null' or 'look' of every image"""
    out = {}
    for i in gt['images']:
        here = [a['category_id'] for a in gt['annotations'] if a['image_id'] == i['id']]
        out[i['id']] = 'with' if (c is None and here) or c in here else 'look' if here else 'null'
    return out

def froc(gt, m, t, n):
    """sensitivity at RATES, and interpolated ones as LUNA16 and MONAI read them (numpy.interp over the curve)"""
    scores = sorted({x[0] for x in m}, reverse=True)
    fps, sens = [0.], [0.]
    for s in scores:
        fps.append(sum(x[0] >= s and x[3] in ('fp', 'dup') for x in m) / n)
        sens.append(sum(x[0] >= s and x[3] == 'tp' for x in m) / len(t))
    best = [max(v for f, v in zip(fps, sens) if f <= r) for r in RATES]
    return best, list(np.interp(RATES, fps, sens))

def jafroc(gt, m, t, found, c):
    k = kinds(gt, c)
    ratings = [(found.get(a['id'], -math.inf), a['image_id']) for a in t]
    highest = {i: max([x[0] for x in m if x[1] == i and x[3] == 'fp'], default=-math.inf) for i in k}
    psi = lambda x, y: 1. if y > x else .5 if y == x else 0.
    out = {}
    for name, images in (('jafroc', [i for i in k if k[i] != 'with']), ('jafroc1', list(k))):
        if not images or not ratings: out[name] = out[name.replace('jafroc', 'wafroc')] = None; continue
        out[name] = sum(psi(highest[i], y) for i in images for y, _ in ratings) / (len(images) * len(ratings))
        total, with_objects = 0., {i for _, i in ratings}
        for j in with_objects:
            own = [y for y, i in ratings if i == j]
            for i in images: total += sum(psi(highest[i], y) for y in own) / len(own)
        out[name.replace('jafroc', 'wafroc')] = total / (len(images) * len(with_objects))
    return out

def lrp(m, t, tau=.5):
    """oLRP, localisation, false share, missed share, threshold"""
    if not t: return None
    best = (1., None, None, 1., None)
    for s in sorted({x[0] for x in m}, reverse=True):
        tp = [x for x in m if x[0] >= s and x[3] == 'tp']; fp = sum(x[0] >= s and x[3] in ('fp', 'dup') for x in m); fn = len(t) - len(tp)
        loc = sum(1 - x[4] for x in tp)
        v = (loc / (1 - tau) + fp + fn) / (len(tp) + fp + fn) if len(tp) + fp + fn else 1.
        if v < best[0] - 1e-15: best = (v, loc / len(tp) if tp else None, fp / (len(tp) + fp) if tp or fp else None, fn / len(t), s)
    return best

def counts(m, t, s):
    tp = sum(x[0] >= s and x[3] == 'tp' for x in m); fp = sum(x[0] >= s and x[3] in ('fp', 'dup') for x in m)
    return tp, fp, len(t) - tp

def image_counts(gt, dt, c, s):
    k = kinds(gt, c); called = {d['image_id'] for d in dt if (c is None or d['category_id'] == c) and d['score'] >= s}
    tp = sum(k[i] == 'with' and i in called for i in k); fp = sum(k[i] != 'with' and i in called for i in k)
    positives = sum(v == 'with' for v in k.values())
    return tp, fp, positives - tp, len(k) - positives - fp

def best_f1(m, t):
    best = 0.
    for s in {x[0] for x in m}:
        tp, fp, fn = counts(m, t, s)
        best = max(best, 2 * tp / (2 * tp + fp + fn))
    return best

def ece(scores, right, bins=15):
    """ece, mce: bins (low, high], the first with 0"""
    scores, right, total, worst = np.asarray(scores, float), np.asarray(right, float), 0., 0.
    for i in range(bins):
        low, high = i / bins, (i + 1) / bins
        here = (scores > low) & (scores <= high) | ((scores == 0) & (i == 0))
        if not here.any(): continue
        gap = abs(scores[here].mean() - right[here].mean())
        total += here.mean() * gap; worst = max(worst, gap)
    return total, worst

def laece(m, bins=25):
    """mean over classes: LaECE of matches at their threshold, and the mean of |score - IoU|; the IoU of what isn't 'tp' is 0"""
    totals, each = [], []
    for c in {x[2] for x in m if x[3] != 'ignored'}:
        d = [(x[0], x[4] if x[3] == 'tp' else 0.) for x in m if x[2] == c and x[3] != 'ignored']
        total = 0.
        for i in range(bins):
            here = [(s, v) for s, v in d if i / bins < s <= (i + 1) / bins or (s == 0 and i == 0)]
            if here: total += len(here) / len(d) * abs(np.mean([s for s, _ in here]) - np.mean([v for _, v in here]))
        totals.append(total); each.append(np.mean([abs(s - v) for s, v in d]))
    return (np.mean(totals), np.mean(each)) if totals else (None, None)
