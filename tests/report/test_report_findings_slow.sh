#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# All twelve answers on real chest X-rays (../shared/data/chest_xray, the findings_* sets: one box an image, its class the finding), with a
# detector that is made up: it finds every box and gives some of them the other finding. What it did is counted here again.
set -euo pipefail
data=$OD_SHARED_DIR/data/chest_xray
[ -f "$data/findings_test.json" ] || { echo "skipped: no $data"; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
python3 - "$data" "$dir" <<'END'
import json, random, sys
data, out = sys.argv[1:]
random.seed(11)
for name in ('val', 'test'):
    found, confused = [], 0
    for a in json.load(open(f'{data}/findings_{name}.json'))['annotations']:
        x, y, w, h = a['bbox']
        other = random.random() < .15
        confused += other
        box = [x + random.gauss(0, .03) * w, y + random.gauss(0, .03) * h, w * random.uniform(.93, 1.07), h * random.uniform(.93, 1.07)]
        found.append(dict(image_id=a['image_id'], category_id=3 - a['category_id'] if other else a['category_id'], bbox=box, score=round(random.uniform(.6, .98), 4)))
        found.append(dict(image_id=a['image_id'], category_id=random.choice((1, 2)), bbox=[x, y, w * .5, h * .6], score=round(random.uniform(.02, .5), 4)))
    json.dump(found, open(f'{out}/{name}_dt.json', 'w'))
    open(f'{out}/{name}_confused', 'w').write(str(confused))
END
"$OBJDET" report --gt="$data/findings_test.json" --dt="$dir/test_dt.json" --val_gt="$data/findings_val.json" --val_dt="$dir/val_dt.json" \
  --train_gt="$data/findings_train.json" --images="$data/images" --group_by=patient --resamples=100 --output="$dir/x.html" --json="$dir/x.json" > /dev/null 2>&1
python3 - "$data" "$dir" <<'END'
import json, sys
data, out = sys.argv[1:]
doc, confused = json.load(open(out + '/x.json')), int(open(out + '/test_confused').read())
gt = json.load(open(data + '/findings_test.json'))
n = len(gt['images'])
covid = sum(a['category_id'] == 1 for a in gt['annotations'])
train = [a['category_id'] for a in json.load(open(data + '/findings_train.json'))['annotations']]
assert confused >= 3 and len(gt['annotations']) == n
want = {
    1: ('watch', [f'a mean over 2 classes', f'on {n} images with {n} boxes', f'over {covid} boxes']),
    2: ('watch', [f'Image-level accuracy is {(n - confused) / n:.3f}', f'always answering ‘COVID-19’ gives {covid / n:.3f}', 'ROC-AUC']),
    3: ('told', ['0 small, 0 medium', 'absent']),
    4: ('open', ['one set of detections']),
    5: ('watch', [f'{train.count(1)} boxes of COVID-19 against {train.count(2)} of Other finding', 'class_balanced_sampling']),
    6: ('told', ['No class name depends on orientation']),
    7: ('open', ['no image without objects', f'of {covid} images']),
    8: ('good', ['chosen on the validation set', f'precision {(n - confused) / n:.3f}']),
    9: ('told', [f'{confused} failures in {confused} of them', f'{confused} confused', 'cost the most']),
    10: ('open', ['no curves']),
    11: ('told', ['none was given']),
    12: ('good', ['No picture occurs in two sets', 'no group (patient) is on both sides']),
}
bad = []
for a in doc['answers']:
    verdict, words = want[a['number']]
    text = ' '.join([a['answer'], *a['points'], *a['missing']])
    if a['verdict'] != verdict: bad.append(f"{a['number']}: verdict {a['verdict']}, expected {verdict}: {text}")
    bad += [f"{a['number']}: '{w}' isn't said: {text}" for w in words if w not in text]
assert len(doc['answers']) == 12
print('\n'.join(bad) if bad else 'all twelve answers are right')
sys.exit(bool(bad))
END
