#!/usr/bin/env python3
"""Features of Inception-ResNet-v2 as the OD API's Faster R-CNN builds it: tests/models/data/inception_resnet_v2.safetensors.

Usage: inception_features.py OUT.safetensors      (in the OD API's environment, with ../shared/oracle on PYTHONPATH)

Weights and inputs come from keys by the recipe of ../shared/oracle/golden.py (`weight`). Of each half's output: its shape, its
L2 norm and 256 evenly spaced values (element i * size // 256).
"""
import sys

import golden
import numpy as np
from object_detection.models import faster_rcnn_inception_resnet_v2_keras_feature_extractor as extractor


def assign(model, path):
    for i, layer in enumerate([l for l in model.layers if l.weights]):
        for v in layer.weights:
            v.assign(golden.weight(f"{path}/layer_with_weights-{i}/{v.name.split('/')[-1].split(':')[0]}", v.shape.as_list()))


def keep(out, name, y):
    y = np.asarray(y, "f4")
    out[name + "/shape"] = np.array(y.shape, "i8")
    out[name + "/norm"] = np.array([np.sqrt((y.astype("f8") ** 2).sum())], "f4")
    out[name + "/values"] = y.ravel()[np.arange(256) * y.size // 256]


def main():
    out = {}
    for stride in (16, 8):
        e = extractor.FasterRCNNInceptionResnetV2KerasFeatureExtractor(is_training=False, first_stage_features_stride=stride)
        first = e.get_proposal_feature_extractor_model("first")
        assign(first, "first")
        image = golden.weight("test/image", [2 * 45 * 64 * 3]).reshape(2, 45, 64, 3)
        keep(out, f"first{stride}", first(image, training=False))
        second = e.get_box_classifier_feature_extractor_model("second")
        assign(second, "second")
        crops = golden.weight("test/crops", [3 * 5 * 6 * 1088]).reshape(3, 5, 6, 1088)
        try:
            keep(out, f"second{stride}", second(crops, training=False))
        except Exception as problem:  # at stride 8 the branches differ in size
            print("stride", stride, "second half:", str(problem).splitlines()[0][:200])
    golden.save(sys.argv[1], out)


main()
