# SPDX-License-Identifier: Apache-2.0
"""Reads RECORD with TensorFlow and the OD API's TfExampleDecoder and compares it with COCO_JSON, image by image; where annotations have
polygons, also the masks, with pycocotools'.

usage: tfrecord_read.py RECORD_GLOB COCO_JSON IMAGE_DIR LABEL_MAP
"""
import glob
import hashlib
import json
import os
import sys

import numpy as np
import od_oracle  # noqa: F401  (lets the OD API run on this TensorFlow)
import tensorflow as tf
from object_detection.data_decoders import tf_example_decoder
from object_detection.protos import input_reader_pb2
from pycocotools import mask as coco_mask

record, coco, image_dir, label_map = sys.argv[1:5]
data = json.load(open(coco))
by_image = {}
for a in data["annotations"]:
    by_image.setdefault(a["image_id"], []).append(a)
images = {str(i["id"]): i for i in data["images"]}
names = {c["id"]: c["name"] for c in data["categories"]}
masks = any("segmentation" in a for a in data["annotations"])
decoder = tf_example_decoder.TfExampleDecoder(load_instance_masks=masks, instance_mask_type=input_reader_pb2.PNG_MASKS, label_map_proto_file=label_map)
seen = set()


def pixels(annotation, h, w):
    return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(annotation["segmentation"], h, w)))


for raw in tf.data.TFRecordDataset(sorted(glob.glob(record))):
    got = {k: v.numpy() for k, v in decoder.decode(raw).items()}
    image = images[got["source_id"].decode()]
    seen.add(got["source_id"].decode())
    anns = by_image.get(image["id"], [])
    w, h = image["width"], image["height"]
    assert got["image"].shape == (h, w, 3), (got["image"].shape, image)
    boxes = np.array([[a["bbox"][1] / h, a["bbox"][0] / w, (a["bbox"][1] + a["bbox"][3]) / h, (a["bbox"][0] + a["bbox"][2]) / w]
                      for a in anns], np.float32).reshape(-1, 4)
    assert np.array_equal(got["groundtruth_boxes"], boxes), (image, got["groundtruth_boxes"], boxes)
    assert list(got["groundtruth_classes"]) == [a["category_id"] for a in anns]
    assert list(got["groundtruth_is_crowd"]) == [bool(a["iscrowd"]) for a in anns]
    assert np.allclose(got["groundtruth_area"], [a["area"] for a in anns])
    assert np.array_equal(got["groundtruth_weights"], np.ones(len(anns)))
    if masks:
        assert np.array_equal(got["groundtruth_instance_masks"], np.array([pixels(a, h, w) for a in anns]).reshape(-1, h, w)), image
    encoded = open(os.path.join(image_dir, image["file_name"]), "rb").read()
    assert got["key"].decode() == hashlib.sha256(encoded).hexdigest()
    example = tf.train.Example.FromString(raw.numpy()).features.feature
    assert example["image/encoded"].bytes_list.value[0] == encoded
    assert example["image/format"].bytes_list.value[0] == b"jpeg"
    assert [t.decode() for t in example["image/object/class/text"].bytes_list.value] == [names[a["category_id"]] for a in anns]
assert len(seen) == len(images), (len(seen), len(images))
print(f"{len(seen)} images, {len(data['annotations'])} boxes{' and masks' if masks else ''} agree")
