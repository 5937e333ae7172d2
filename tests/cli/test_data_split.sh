#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet data split: patients stay together, classes are spread, nothing is lost, doubled or overwritten.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $1"; exit 1; }
cd "$dir"
printf 'BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xc8\0\0\0\x64\0\0\0\x01\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' > x.bmp
echo filename,width,height,class,xmin,ymin,xmax,ymax > all.csv
for p in $(seq 40); do
  for k in 1 2 3; do
    f=person${p}_$k.bmp
    cp x.bmp $f
    [ $((p % 4)) = 0 ] && class=rare || class=often
    echo "$f,200,100,$class,10,10,60,60" >> all.csv
  done
done
"$OBJDET" data split all.csv --fractions=.5,.25,.25 --output_dir=s --annotations_only --seed=1 > out
grep -qF 'kept together: 120 images in 40 bundles, by file names like person1...' out || { cat out; fail "what was kept together"; }
python3 - <<'END' || fail "the parts"
import json, re
seen, patients = set(), {}
for name, images, rare in ('train', 60, 15), ('val', 30, 9), ('test', 30, 9):
    d = json.load(open(f's/{name}.json'))
    ids = {c['id']: c['name'] for c in d['categories']}
    assert ids == {1: 'often', 2: 'rare'}, ids
    assert abs(len(d['images']) - images) <= 3, (name, len(d['images']))
    n = sum(ids[a['category_id']] == 'rare' for a in d['annotations'])
    assert len(d['annotations']) == len(d['images']) and abs(n - (15 if name == 'train' else 7.5)) <= 1.5, (name, n)
    assert sorted(i['file_name'].split('/')[-1] for i in d['images']) == sorted(open(f's/{name}.txt').read().split())
    for i in d['images']:
        assert i['file_name'] not in seen
        seen.add(i['file_name'])
        patients.setdefault(re.search('person[0-9]+', i['file_name'])[0], set()).add(name)
assert len(seen) == 120 and all(len(v) == 1 for v in patients.values())
END
"$OBJDET" data check train=s/train.json val=s/val.json test=s/test.json --annotations_only > out || { cat out; fail "the split is clean"; }
code=0; "$OBJDET" data split all.csv --output_dir=s --annotations_only > out 2> err || code=$?
[ $code = 1 ] && grep -qF 's/train.json is there already; remove it, or choose another --output_dir' err || { cat err; fail "nothing is overwritten"; }
"$OBJDET" data split all.csv --fractions=.5,.25,.25 --output_dir=again --annotations_only --seed=1 > /dev/null
cmp s/train.txt again/train.txt || fail "the same seed gives the same split"
"$OBJDET" data split all.csv --fractions=.5,.25,.25 --output_dir=other --annotations_only --seed=2 > /dev/null
cmp -s s/train.txt other/train.txt && fail "another seed gives another split"

# Records stay records; copies of a picture stay together.
"$OBJDET" synth --output_dir=d --train=20 --val=2 --test=0 --seed=5 > /dev/null
"$OBJDET" data convert --to=coco d/train.record --output=c/train.json > /dev/null 2>&1
python3 - <<'END'
import json, shutil
d = json.load(open('c/train.json'))
first = d['images'][0]
for k in range(1, 4):
    name = f'images/copy{k}.' + first['file_name'].split('.')[-1]
    shutil.copy('c/' + first['file_name'], 'c/' + name)
    d['images'].append(dict(first, id=1000 + k, file_name=name))
json.dump(d, open('c/train.json', 'w'))
END
"$OBJDET" data split c/train.json --fractions=.5,.5 --output_dir=e > out
grep -qF 'kept together: 4 images in 1 bundles, by 3 pairs of copies' out || { cat out; fail "copies are kept together"; }
"$OBJDET" data split d/train.record --fractions=.5,.5 --output_dir=r --to=tfrecord > out
[ "$(ls r | tr '\n' ' ')" = "label_map.pbtxt test.record test.txt train.record train.txt " ] || { ls r; fail "files of a split into records"; }
# Every format that can be written; each part read back has the images and boxes that were dealt to it.
"$OBJDET" data split d/train.record --fractions=.5,.5 --output_dir=w/coco --to=coco > /dev/null
part_of() { # FORMAT PART: the path that names it
  case $1 in
  tfrecord) echo "$2.record" ;;
  csv) echo "$2.csv" ;;
  cvat) echo "$2.xml" ;;
  labelstudio*) echo "$2.json" ;;
  voc) echo "ImageSets/Main/$2.txt" ;;
  yolo) echo "data.yaml#$2" ;;
  openimages) echo "$2-annotations-bbox.csv" ;;
  *) echo "$2" ;;
  esac
}
for format in tfrecord voc csv yolo cvat labelstudio labelstudio-min openimages roboflow-coco roboflow-voc roboflow-csv roboflow-tfrecord roboflow-yolo; do
  "$OBJDET" data split d/train.record --fractions=.5,.5 --output_dir=w/$format --to=$format > out
  for part in train test; do
    "$OBJDET" data convert "w/$format/$(part_of $format $part)" --to=coco --label_map_path=d/label_map.pbtxt --output=w/$format-$part/b.json > log 2>&1 || { cat log; fail "$format, $part: read back"; }
    python3 - w/coco/$part/$part.json w/$format-$part/b.json <<'END' || fail "$format, $part: the same images and boxes"
import json, sys
def boxes(path):
    d = json.load(open(path))
    names = {i['id']: i['file_name'].split('/')[-1] for i in d['images']}
    return sorted(names.values()), sorted((names[a['image_id']], a['category_id'], *(round(v, 2) for v in a['bbox'])) for a in d['annotations'])
a, b = map(boxes, sys.argv[1:])
assert len(a[0]) == 10 and a == b, (a, b)
END
  done
  code=0; "$OBJDET" data split d/train.record --fractions=.5,.5 --output_dir=w/$format --to=$format > out 2> err || code=$?
  [ $code = 1 ] && grep -qF 'is there already; remove it' err || { cat err; fail "$format: nothing is overwritten"; }
done
grep -qF "w/voc, train: 10 images (50.0 %" <("$OBJDET" data split d/train.record --fractions=.5,.5 --output_dir=w/voc --to=voc 2>&1; rm -r w/voc; "$OBJDET" data split d/train.record --fractions=.5,.5 --output_dir=w/voc --to=voc) || fail "a part of a folder is named"

# Images of one name, from different folders, in different parts of one folder: both stay.
mkdir a b
"$OBJDET" synth --output_dir=p --train=2 --val=0 --test=0 --seed=3 > /dev/null
cp p/images/train_00001.jpg a/x.jpg; cp p/images/train_00002.jpg b/x.jpg
printf 'filename,width,height,class,xmin,ymin,xmax,ymax\na/x.jpg,320,240,c,1,1,50,50\nb/x.jpg,320,240,c,1,1,50,50\n' > two.csv
"$OBJDET" data split two.csv --fractions=.5,.5 --output_dir=v --to=voc > /dev/null
[ "$(md5sum < v/JPEGImages/x.jpg)" != "$(md5sum < v/JPEGImages/1_x.jpg)" ] || { ls v/JPEGImages; fail "equal names in two parts"; }
"$OBJDET" data split two.csv --fractions=.5,.5 --output_dir=l --to=cvat --link_images > /dev/null
[ -L l/images/x.jpg ] || { ls -l l/images; fail "links"; }

refused() {
  local text=$1 code=0
  shift
  "$OBJDET" data split "$@" > out 2> err || code=$?
  [ $code = 2 ] && grep -qF -- "$text" err || { cat err; fail "data split $* should say: $text"; }
}
refused "needs --output_dir" all.csv
refused "--fractions=.5: expected 2 to 8 numbers" all.csv --output_dir=x --fractions=.5
refused "fraction -0.5; expected more than 0" all.csv --output_dir=x --fractions=.5,-.5
refused "--names=a: expected 2 names" all.csv --output_dir=x --fractions=.5,.5 --names=a
code=0; "$OBJDET" data split all.csv --output_dir=x --to=xml > out 2> err || code=$?
[ $code != 0 ] && grep -qF 'cannot write the data format "xml"; expected tfrecord, coco, voc, csv' err || { cat err; fail "an unknown format"; }
code=0; "$OBJDET" data split all.csv --output_dir=x --to=yolo --fractions=.5,.5 --names=a,b > out 2> err || code=$?
[ $code != 0 ] && grep -qF 'the format yolo has the parts train, val and test only; found "a"' err || { cat err; fail "parts that a format doesn't know"; }
[ ! -e x ] || fail "nothing is written then"
