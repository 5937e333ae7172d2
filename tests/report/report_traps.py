# SPDX-License-Identifier: Apache-2.0
"""report_traps.py OBJDET FOLDER: plants traps and checks that the answer sheet finds each, and only where it is."""
import json, pathlib, random, subprocess, sys
from report_fixtures import Set, picture, png, write_training

objdet, root = sys.argv[1], pathlib.Path(sys.argv[2])
failed = []


def report(name, *flags):
    out = root / f"{name}.json"
    subprocess.run([objdet, "report", f"--output={root / name}.html", f"--json={out}", "--resamples=100", *flags], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return json.loads(out.read_text())


def expect(name, doc, number, verdict, *words):
    answer = doc["answers"][number - 1]
    text = " ".join([answer["answer"], *answer["points"], *answer["missing"]])
    wrong = [] if answer["verdict"] in verdict.split("|") else [f"verdict {answer['verdict']}, expected {verdict}"]
    wrong += [f"'{w}' isn't said" for w in words if w.lower() not in text.lower()]
    if wrong:
        failed.append(f"{name}: question {number}: {'; '.join(wrong)}: {text}")


def sets(name, train={}, test={}, change=None, how={}):
    """Three clean sets, changed; the flags for all of them."""
    folder = root / name
    made = {"train": Set(folder, "train", 1, images=28, **train), "val": Set(folder, "val", 2), "test": Set(folder, "test", 3, **test)}
    if change:
        change(made)
    made["train"].write()
    made["val"].write()
    made["test"].write(**how)
    return [f"--gt={folder}/test.json", f"--dt={folder}/test_dt.json", f"--val_gt={folder}/val.json", f"--val_dt={folder}/val_dt.json", f"--train_gt={folder}/train.json", "--group_by=patient"]


BOX = [(1, (20., 30., 34., 28.))]


def leak(made, mirrored):
    rows = picture(random.Random(9), BOX)
    made["train"].add(BOX, "train_copy.png", "x-1", rows)
    if mirrored:
        made["test"].add([(1, (96 - 54., 30., 34., 28.))], "test_copy.png", "x-2", [list(reversed(r)) for r in rows])
    else:
        made["test"].add(BOX, "test_copy.png", "x-2", rows)


def same_patient(made):
    made["test"].coco["images"][5]["patient"] = made["train"].coco["images"][3]["patient"]


clean = report("clean", *sets("clean"))
expect("clean", clean, 1, "told|watch", "mean over 2 classes")
expect("clean", clean, 2, "told|watch", "accuracy")
expect("clean", clean, 3, "told|watch", "large", "absent")
expect("clean", clean, 4, "open")
expect("clean", clean, 5, "good", "fairly balanced")
expect("clean", clean, 6, "told|good", "no class name depends on orientation")
expect("clean", clean, 7, "good", "8 images without objects")
expect("clean", clean, 8, "good", "chosen on the validation set")
expect("clean", clean, 9, "told|good", "24 images")
expect("clean", clean, 10, "open")
expect("clean", clean, 11, "told", "mAP is")
expect("clean", clean, 12, "good", "no picture occurs in two sets")

doc = report("leak", *sets("leak", change=lambda m: leak(m, False)))
expect("leak", doc, 12, "problem", "test_copy.png")
expect("leak", doc, 1, "problem", "too good")

doc = report("flipped", *sets("flipped", change=lambda m: leak(m, True)))
expect("flipped", doc, 12, "problem", "test_copy.png")
expect("flipped", doc, 5, "problem", "copies are there")

doc = report("patient", *sets("patient", change=same_patient))
expect("patient", doc, 12, "problem", "train-patient-1")

doc = report("imbalance", *sets("imbalance", train={"counts": (9, 1)}))
expect("imbalance", doc, 5, "watch", "class_balanced_sampling")

doc = report("absent", *sets("absent", test={"counts": (1, 0)}))
expect("absent", doc, 1, "watch|problem", "1 of 2 classes", "bar")
expect("absent", doc, 5, "watch", "bar")

doc = report("inventor", *sets("inventor", how={"invented_on_null": .95}))
expect("inventor", doc, 7, "problem", "empty images that mislead")
expect("inventor", doc, 12, "good")

flags = sets("fitted_on_test")
flags[2:4] = [flags[0].replace("--gt", "--val_gt"), flags[1].replace("--dt", "--val_dt")]
doc = report("fitted_on_test", *flags)
expect("fitted_on_test", doc, 8, "problem", "24 of these 24 images", "calibrator", "held out")

doc = report("one_set", *sets("one_set")[:2])
expect("one_set", doc, 8, "watch", "no validation set was given")
expect("one_set", doc, 12, "open", "no training set was given")

doc = report("flip_labels", *sets("flip_labels", train={"classes": ("left lung", "right lung")}, test={"classes": ("left lung", "right lung")}, change=lambda m: m["val"].coco.update(categories=m["test"].coco["categories"])))
expect("flip_labels", doc, 6, "watch", "left lung")

# A study of changed pictures beside the detections: told with question 6; a broken file is a note.
flags = sets("robust")
point = lambda change, level, map, diff, distinct, **more: dict({"change": change, "level": level, "geometric": True, "description": change + " it", "mAP": map, "mAP_low": map - .1,
                                                                 "mAP_high": map + .1, "mAP50": map, "difference": diff, "difference_low": diff - .05, "difference_high": diff + .05,
                                                                 "distinct": distinct}, **more)
study = {"checkpoint": "ckpt-9", "step": 9, "images": 24, "mean_changed": .6, "relative": .75, "points": [
    point("none", 0, .8, 0, False), point("flip_vertical", 1, .3, -.5, True), point("flip_horizontal", 1, .81, .01, False),
    point("blur", 1, .7, -.1, True, geometric=False), point("blur", 2, .5, -.3, True, geometric=False)]}
(root / "robust" / "robustness.json").write_text(json.dumps(study))
doc = report("robust", *flags)
expect("robust", doc, 6, "told|good", "flipped upside down: mAP 0.300 [0.200, 0.400], a difference of -0.500 [-0.550, -0.450].", "cannot be told from none")
if [r["mAP"]["value"] for r in doc["robustness"]["rows"]] != [.8, .3, .81, .7, .5] or "75 % of the unchanged" not in (root / "robust.html").read_text():
    failed.append("robust: the section doesn't show the study")
for list_name, numbers in (("claim_2024", 44), ("stard_ai", 40), ("tripod_ai", 27)):
    items = doc["checklists"][list_name]
    if len({"".join(c for c in i["item"] if c.isdigit()) for i in items}) != numbers or len({i["item"] for i in items}) != len(items):
        failed.append(f"{list_name}: not items 1 to {numbers}, each once")
if not any(i["item"] == "30" and "worse beyond noise under 3" in (i["from_this_run"] or "") for i in doc["checklists"]["claim_2024"]):
    failed.append("robust: CLAIM's item 30 isn't filled")
if clean["robustness"] is not None or not any("--robustness" in c for c in clean["answers"][5]["commands"]):
    failed.append("clean: a study of robustness from nowhere, or no command that would make one")
(root / "robust" / "robustness.json").write_text('{"points": 3')
doc = report("robust", *flags)
if doc["robustness"] is not None or "study of robustness could not be read" not in (root / "robust.html").read_text():
    failed.append("robust: a broken study is not told")

# Bars taken for discs, with the boxes in the right places: confused, not missed.
flags = sets("confused")
dt = json.loads((root / "confused" / "test_dt.json").read_text())
for d in dt:
    if d["category_id"] == 2 and d["score"] > .5:
        d["category_id"] = 1
(root / "confused" / "test_dt.json").write_text(json.dumps(dt))
doc = report("confused", *flags)
expect("confused", doc, 9, "watch|problem|told", "confus")
if not doc["failures"]["counts"]["confused"] >= 5:
    failed.append(f"confused: only {doc['failures']['counts']}")

write_training(root / "overfit", [(1000 * i, v) for i, v in enumerate((.31, .24, .20, .20, .19), 1)], [(1000 * i, v) for i, v in enumerate((.35, .29, .26, .27, .37), 1)], [(1000 * i, v) for i, v in enumerate((.6, .75, .82, .83, .8), 1)])
doc = report("overfit", f"--model_dir={root}/overfit")
expect("overfit", doc, 1, "told", "0.800 at step 5000")
expect("overfit", doc, 4, "problem", "begins after step 3000", "mAP is highest at step 4000")
expect("overfit", doc, 10, "good", "5 evaluations")
expect("overfit", doc, 11, "good", "mAP 0.800")

write_training(root / "dot", [(100 * i, 1 / i) for i in range(1, 9)], [(800, .4)], [(800, .31)])
doc = report("dot", f"--model_dir={root}/dot")
expect("dot", doc, 4, "open", "too few")
expect("dot", doc, 10, "watch", "one evaluation only")

print("\n".join(failed) if failed else "every trap was found")
sys.exit(bool(failed))
