#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# objdet threshold: what it prints, saves and refuses; a calibrator fitted on the test set is found out.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 - "$tmp" <<'P'
import json, os, random, sys
for name, first in (('val', 0), ('test', 1000), ('mixed', 40)):
    random.seed(first)
    images, truth, dets = [], [], []
    for i in range(60):
        n = first + i
        images.append(dict(id=i + 1, file_name='scan_%04d.png' % n, width=640, height=480, patient='p%d' % (n // 2)))
        if i % 3: truth.append(dict(id=len(truth) + 1, image_id=i + 1, category_id=1, bbox=[100, 100, 100, 100], area=10000, iscrowd=0))
        if i % 3 and random.random() < .85: dets.append(dict(image_id=i + 1, category_id=1, bbox=[random.gauss(100, 5), 100, 100, 100], score=round(random.uniform(.4, 1), 4)))
        if random.random() < .5: dets.append(dict(image_id=i + 1, category_id=1, bbox=[400, 300, 60, 60], score=round(random.uniform(.05, .7), 4)))
    json.dump(dict(images=images, annotations=truth, categories=[dict(id=1, name='nodule')]), open(os.path.join(sys.argv[1], name + '.json'), 'w'))
    json.dump(dets, open(os.path.join(sys.argv[1], name + '_dt.json'), 'w'))
P
cd "$tmp"
mkdir model
fail() { echo "FAIL: $*"; cat out.txt err.txt 2>/dev/null; exit 1; }
t() { "$OBJDET" threshold --fit_gt=val.json --fit_dt=val_dt.json --resamples=200 "$@" > out.txt 2> err.txt; }
t || fail "plain"
grep -q '^Threshold: 0\.[0-9]* gives the highest F1, 0\.' out.txt || fail "reason"
grep -q 'Other samples of such images would have chosen' out.txt || fail "interval"
grep -q '^The figures of val.json are of the images that the threshold was chosen and the calibrator fitted on, so they are too good\.' out.txt || fail "optimism"
grep -q '^Nothing was held out: what to expect of other images needs' out.txt || fail "nothing held out"
grep -q 'held out$' out.txt && fail "claims something held out"
t --gt=test.json --dt=test_dt.json --save_to=model --json=out.json || fail "held out"
grep -q 'fitted on  *held out$' out.txt || fail "column"
grep -q '^The figures of test.json are held out: none of its 60 images was used' out.txt || fail "held out said"
grep -q 'Saved to model/operating_point.json; objdet predict uses it unless --min_score_thresh is given.' out.txt || fail "saved"
python3 - <<'P' || fail "json"
import json
o, f = json.load(open('out.json')), json.load(open('model/operating_point.json'))
assert o['choice']['threshold'] == f['threshold'] and o['test']['held_out'] is True and o['test']['images_seen'] == 0
assert o['test']['calibrated']['boxes']['ece'] < o['test']['calibration']['boxes']['ece']
assert len(f['fit']['image_hashes']) == 60 and f['fit']['gt'] == 'val.json' and f['calibrator']['kind'] in ('platt', 'isotonic')
P
ls model | grep -v '^operating_point.json$' && fail "left something behind"
# fitted on the test set, wholly, in part, and by patient
t --gt=val.json --dt=val_dt.json || fail "same set"
grep -q '^60 of the 60 images of val.json were used for fitting too (they are in val.json; first: scan_0000.png): its figures are NOT held out' out.txt || fail "same set said"
grep -q 'test, NOT held out$' out.txt || fail "column not held out"
t --gt=mixed.json --dt=mixed_dt.json || fail "mixed"
grep -q '^20 of the 60 images of mixed.json were used for fitting too (they are in val.json; first: scan_0040.png)' out.txt || fail "mixed said"
sed 's/scan_\([0-9]*\)/copy_\1/g' mixed.json > renamed.json
t --gt=renamed.json --dt=mixed_dt.json --group_by=patient || fail "patients"
grep -q '^10 of the 30 groups of renamed.json were used for fitting too (they are in val.json; first: p20): its figures are NOT held out' out.txt || fail "patients said"
# rules
t --min_sensitivity=.9 || fail "sensitivity"; grep -q 'is the highest threshold with a sensitivity of at least 0.9\|no threshold reaches a sensitivity of 0.9' out.txt || fail "sensitivity said"
t --max_fp_per_image=.1 || fail "fp"; grep -q 'is the lowest threshold with at most 0.1 false detections an image' out.txt || fail "fp said"
t --cost_fn=20 || fail "cost"; grep -q 'gives the lowest cost, .* an image at 1 for each false detection and 20 for each missed object' out.txt || fail "cost said"
t --level=image --class=nodule || fail "image"; grep -q '^specificity' out.txt || fail "specificity"
# classes of their own: the cat is sure of itself, the dog isn't, the unicorn isn't there
python3 - <<'P'
import json, random
random.seed(5)
for name in ('val2', 'test2'):
    images = [dict(id=i + 1, file_name='%s_%03d.png' % (name, i), width=640, height=480) for i in range(80)]
    truth, dets = [], []
    for i in range(80):
        for c, x in ((1, 50), (2, 300)):
            truth.append(dict(id=len(truth) + 1, image_id=i + 1, category_id=c, bbox=[x, 100, 100, 100], area=10000, iscrowd=0))
            right, wrong = ((.8, .95), (.5, .7)) if c == 1 else ((.3, .45), (.05, .2))
            dets.append(dict(image_id=i + 1, category_id=c, bbox=[x, 100, 100, 100], score=round(random.uniform(*right), 4)))
            dets.append(dict(image_id=i + 1, category_id=c, bbox=[x, 300, 60, 60], score=round(random.uniform(*wrong), 4)))
    json.dump(dict(images=images, annotations=truth, categories=[dict(id=k + 1, name=n) for k, n in enumerate(('cat', 'dog', 'unicorn'))]), open(name + '.json', 'w'))
    json.dump(dets, open(name + '_dt.json', 'w'))
P
"$OBJDET" threshold --fit_gt=val2.json --fit_dt=val2_dt.json --gt=test2.json --dt=test2_dt.json --resamples=100 --per_class --save_to=model --json=out.json > out.txt 2> err.txt || fail "per class"
grep -qE '^unicorn +- ' out.txt || fail "a class without objects"
python3 - <<'P' || fail "per class"
import json
o, f = json.load(open('out.json')), json.load(open('model/operating_point.json'))
c = f['class_thresholds']
assert set(c) == {'cat', 'dog'} and .69 < c['cat'] <= .8 and .19 < c['dog'] <= .3, c
for name in c:
    one = o['classes'][name]
    assert one['choice']['threshold'] == c[name] and one['choice']['at']['f1']['value'] == 1 and one['test']['f1']['value'] > .97, one
assert 'why_not' in o['classes']['unicorn'] and o['choice']['at']['f1']['value'] < .9
P
# refusals
refuse() { local message=$1; shift; t "$@" && fail "accepted $*"; grep -qF -- "$message" err.txt || fail "message of $*"; }
refuse "give costs (--cost_fp, --cost_fn), or --min_sensitivity, or --max_fp_per_image, not several" --cost_fp=2 --min_sensitivity=.5
refuse "--class=lung: val.json has no such class; it has nodule" --class=lung
refuse "--gt and --dt go together" --gt=test.json
refuse "--class=nodule and --per_class: give one of them" --class=nodule --per_class
refuse "--level=pixel: expected box or image" --level=pixel
refuse "the sensitivity to reach is 2; expected above 0, at most 1" --min_sensitivity=2
refuse "7 resamples; expected 40 to 1000000, or 0 for no intervals" --resamples=7
refuse "nowhere: no such folder; expected the model_dir of a training" --save_to=nowhere
# coco-eval's further files
"$OBJDET" coco-eval --gt=test.json --dt=test_dt.json --details=details.json --failures=failures.json --resamples=200 > out.txt 2> err.txt || fail "details"
python3 - <<'P' || fail "details"
import json
d, f = json.load(open('details.json')), json.load(open('failures.json'))
at = d['froc']['all']['at'][3]
assert at['false_per_image'] == 1 and at['sensitivity']['low'] < at['sensitivity']['value'] < at['sensitivity']['high'], at
assert d['null_images']['all']['null']['images'] == 20 and d['lrp']['mean']['lrp']['low'] < d['lrp']['mean']['lrp']['high']
assert {x['kind'] for x in f['failures']} >= {'missed', 'invented'} and f['failures'][0]['severity'] >= f['failures'][-1]['severity']
assert all(x['group'] is None and x['file_name'].startswith('scan_1') for x in f['failures'])
P
echo ok
