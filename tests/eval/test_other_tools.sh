#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coco-eval and threshold on files as other tools write them: ground truth as CVAT and Roboflow export it, detections of
# Ultralytics (old and new), torchvision's references and MMDetection; ids that are names, numbers of files, shifted or given
# anew. Each way of writing the same detections must give the same numbers.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 - "$tmp" <<'P'
import json, os, random, sys
out = sys.argv[1]
random.seed(3)
names = ['cat', 'dog']
images = [('%06d.jpg' % (100 + 7 * i), 640, 480) for i in range(24)]
truth, dets = [], []
for i, _ in enumerate(images):
    for _ in range(random.choice([0, 1, 1, 2])):
        w, h = random.uniform(60, 200), random.uniform(60, 200); x, y = random.uniform(0, 400), random.uniform(0, 250); c = random.randrange(2)
        truth.append((i, c, [round(v, 2) for v in (x, y, w, h)]))
        if random.random() < .8:
            dets.append((i, c if random.random() < .9 else 1 - c, [round(v + random.gauss(0, 4), 3) for v in (x, y, w, h)], round(random.uniform(.4, 1), 5)))
    dets.append((i, random.randrange(2), [round(random.uniform(0, 300), 3) for _ in range(2)] + [80., 90.], round(random.uniform(.01, .6), 5)))
def write(name, what): json.dump(what, open(os.path.join(out, name), 'w'))
# CVAT: ids from 1, fields that are null or 0, attributes, a sub-folder in file_name
write('cvat.json', dict(licenses=[dict(name='', id=0, url='')], info=dict(contributor='', date_created='', description='', url='', version='', year=''),
    categories=[dict(id=k + 1, name=n, supercategory='') for k, n in enumerate(names)],
    images=[dict(id=i + 1, width=w, height=h, file_name='task_1/' + n, license=0, flickr_url='', coco_url='', date_captured=0) for i, (n, w, h) in enumerate(images)],
    annotations=[dict(id=k + 1, image_id=i + 1, category_id=c + 1, segmentation=[], area=b[2] * b[3], bbox=b, iscrowd=0, attributes=dict(occluded=False, rotation=0.0))
                 for k, (i, c, b) in enumerate(truth)]))
# Roboflow: ids from 0, category 0 is the group's name and has no boxes, names with a hash
robo = lambda n: n.replace('.', '_') + '.rf.%08x.jpg' % (sum(map(ord, n)) * 7919)
write('roboflow.json', dict(info=dict(year='2024', version='1', description='Exported from roboflow.com', contributor='', url='', date_created=''),
    licenses=[dict(id=1, url='', name='CC BY 4.0')],
    categories=[dict(id=0, name='pets', supercategory='none')] + [dict(id=k + 1, name=n, supercategory='pets') for k, n in enumerate(names)],
    images=[dict(id=i, license=1, file_name=robo(n), height=h, width=w, date_captured='2024-01-01T00:00:00+00:00', extra=dict(name=n)) for i, (n, w, h) in enumerate(images)],
    annotations=[dict(id=k, image_id=i, category_id=c + 1, bbox=b, area=b[2] * b[3], segmentation=[], iscrowd=0) for k, (i, c, b) in enumerate(truth)]))
entry = lambda image, c, b, s, **more: dict(image_id=image, category_id=c, bbox=b, score=s, **more)
stem = lambda i: images[i][0][:-4]
write('torchvision.json', [entry(i + 1, c + 1, b, s) for i, c, b, s in dets])
write('mmdet.json', [entry(i + 1, c + 1, b, s) for i, c, b, s in dets])
write('ultralytics.json', [entry(int(stem(i)), c + 1, b, s) for i, c, b, s in dets])                       # numeric stems become numbers
write('ultralytics_new.json', [entry(int(stem(i)), c + 1, b, s, file_name=images[i][0]) for i, c, b, s in dets])
write('ultralytics_old.json', [entry(int(stem(i)), c, b, s) for i, c, b, s in dets])                       # classes from 0
write('names.json', [entry(stem(i), names[c], b, s) for i, c, b, s in dets])
write('category_name.json', [dict(image_id=images[i][0], category_name=names[c], bbox=b, score=s) for i, c, b, s in dets])
write('renumbered.json', [entry(len(images) - i, c + 1, b, s, file_name=images[i][0]) for i, c, b, s in dets])  # ids that mean other images
write('wrapped.json', dict(predictions=[entry(i + 1, c + 1, b, s) for i, c, b, s in dets]))
write('robo_dt.json', [entry(robo(images[i][0])[:-4], c + 1, b, s) for i, c, b, s in dets])
write('robo_old.json', [entry(robo(images[i][0])[:-4], c, b, s) for i, c, b, s in dets])
write('other_set.json', [entry('elsewhere_%d' % i, c + 1, b, s) for i, c, b, s in dets])
P
cd "$tmp"
stats() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["stats"])' "$1"; }
run() { "$OBJDET" coco-eval --gt="$1" --dt="$2" --json=out.json "${@:3}" > out.txt 2> err.txt || { cat err.txt; echo "FAIL: $*"; exit 1; }; stats out.json; }
fail() { echo "FAIL: $*"; cat err.txt; exit 1; }
want=$(run cvat.json torchvision.json)
[ "$want" != "" ] || fail "no numbers"
[ -s err.txt ] && fail "warnings for plain results"
for dt in mmdet ultralytics ultralytics_new names category_name renumbered wrapped; do
  got=$(run cvat.json $dt.json)
  [ "$got" = "$want" ] || fail "$dt.json: $got, expected $want"
  [ -s err.txt ] && fail "warnings for $dt.json"
done
run cvat.json ultralytics.json > /dev/null
grep -q 'ultralytics.json: image_id taken as the number the image file is called (as Ultralytics writes it)' out.txt err.txt || fail "no note about numbers"
got=$(run cvat.json ultralytics_old.json --category_offset=1)
[ "$got" = "$want" ] || fail "offset: $got"
got=$(run cvat.json ultralytics_old.json)
[ "$got" != "$want" ] || fail "shifted classes gave the same numbers"
grep -q 'ultralytics_old.json: the category ids look shifted: with --category_offset=1 every detection has a class' err.txt || fail "no warning of shifted classes"
# Roboflow's annotation id 0 is counted as pycocotools counts it, unless told otherwise
got=$(run roboflow.json robo_dt.json --match_zero_id)
[ "$got" = "$want" ] || fail "roboflow: $got, expected $want"
run roboflow.json robo_dt.json > /dev/null
grep -q 'an annotation has id 0' err.txt || fail "no warning of id 0"
# classes from 0 fit Roboflow's categories, each the wrong one
run roboflow.json robo_old.json --match_zero_id > /dev/null
grep -q 'robo_old.json: the category ids look shifted: with --category_offset=1' err.txt || fail "no warning of shifted Roboflow classes"
"$OBJDET" coco-eval --gt=cvat.json --dt=other_set.json > out.txt 2> err.txt && fail "detections of another set were accepted"
grep -q "other_set.json: detection 0: image_id elsewhere_0 matches no image of the ground truth" err.txt || fail "message"
# threshold: the same numbers whatever wrote them, and nothing held out is claimed
for dt in torchvision names ultralytics_new; do
  "$OBJDET" threshold --fit_gt=cvat.json --fit_dt=$dt.json --resamples=100 | sed "s/$dt/X/g" > $dt.txt 2> err.txt
  cmp -s torchvision.txt <(sed "s/$dt/X/g" $dt.txt) || fail "threshold of $dt.json"
done
grep -q 'Nothing was held out' torchvision.txt || fail "held out?"
# The report: the same numbers whatever wrote them, and the same refusals.
report() { "$OBJDET" report --gt="$1" --dt="$2" --resamples=40 --json=report.json --output=report.html "${@:3}" > out.txt 2> err.txt || fail "report of $2"; }
for pair in "cvat.json torchvision.json" "cvat.json ultralytics.json" "cvat.json names.json" "cvat.json wrapped.json" "cvat.json ultralytics_old.json --category_offset=1" "roboflow.json robo_dt.json --match_zero_id"; do
  report $pair
  python3 - "$want" "$pair" <<'P' || fail "report of $pair"
import ast, json, sys
want, doc = ast.literal_eval(sys.argv[1]), json.load(open('report.json'))
got = [-1.0 if v['value'] is None else v['value'] for v in doc['coco']['stats'].values()]
assert got == want, (got, want)
names = [c['name'] for c in doc['coco']['classes'] if c['name'] != 'pets']
assert names == ['cat', 'dog'], names
assert len(doc['answers']) == 12 and all(a['answer'] for a in doc['answers'])
assert doc['answers'][0]['verdict'] != 'open' and doc['answers'][8]['verdict'] != 'open'
P
done
"$OBJDET" report --gt=cvat.json --dt=other_set.json --output=x.html > out.txt 2> err.txt && fail "the report accepted detections of another set"
grep -q "other_set.json: detection 0: image_id elsewhere_0 matches no image of the ground truth" err.txt || fail "the report's message"
"$OBJDET" threshold --fit_gt=cvat.json --fit_dt=names.json --gt=roboflow.json --dt=robo_dt.json --match_zero_id > out.txt 2> err.txt
echo "ok"
