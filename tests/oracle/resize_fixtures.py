# SPDX-License-Identifier: Apache-2.0
"""Writes tests/image/data/resize.safetensors: TensorFlow's legacy resizers and the OD API's image_resizers on small pictures.

Run in the oracle's environment: python tests/oracle/resize_fixtures.py
`resize/H,W,OH,OW,METHOD,ALIGN` [OH,OW,3] from `image/H,W`; METHOD numbered as the config's ResizeType.
`resizer/N` and `resizer_shape/N` for resizer N of RESIZERS (tests/data/test_preprocess.c has the same list) on each
image of SIZES, without normalisation.
"""
import json
import os

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from object_detection.builders import image_resizer_builder
from object_detection.protos import image_resizer_pb2

METHODS = [tf.image.ResizeMethod.BILINEAR, tf.image.ResizeMethod.NEAREST_NEIGHBOR, tf.image.ResizeMethod.BICUBIC,
           tf.image.ResizeMethod.AREA]
RESIZES = [(7, 11, 5, 8), (7, 11, 16, 23), (9, 4, 9, 4), (9, 4, 3, 9), (1, 1, 3, 2), (6, 5, 1, 1), (3, 17, 12, 6)]
SIZES = [(20, 30), (30, 20), (25, 25), (1, 7), (61, 13)]
RESIZERS = [
    'fixed_shape_resizer { height: 12 width: 17 }',
    'fixed_shape_resizer { height: 12 width: 17 resize_method: NEAREST_NEIGHBOR }',
    'keep_aspect_ratio_resizer { min_dimension: 16 max_dimension: 27 }',
    'keep_aspect_ratio_resizer { min_dimension: 13 max_dimension: 19 pad_to_max_dimension: true }',
    'keep_aspect_ratio_resizer { min_dimension: 9 max_dimension: 12 pad_to_max_dimension: true resize_method: BICUBIC '
    'per_channel_pad_value: 10 per_channel_pad_value: 20 per_channel_pad_value: 30 }',
    'identity_resizer { }',
    'conditional_shape_resizer { condition: GREATER size_threshold: 23 }',
    'conditional_shape_resizer { condition: SMALLER size_threshold: 22 }',
    'pad_to_multiple_resizer { multiple: 16 }',
]


def save(path, tensors):
    header, blobs, at = {}, [], 0
    for name in sorted(tensors, key=lambda n: (-tensors[n].itemsize, n)):
        blob = np.ascontiguousarray(tensors[name]).tobytes()
        kind = {'float32': 'F32', 'int32': 'I32', 'uint8': 'U8'}[tensors[name].dtype.name]
        header[name] = {'dtype': kind, 'shape': list(tensors[name].shape), 'data_offsets': [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(len(text).to_bytes(8, 'little') + text + b''.join(blobs))


def main():
    random = np.random.RandomState(11)
    out = {}

    def image(h, w):
        key = 'image/%d,%d' % (h, w)
        if key not in out:
            out[key] = random.randint(0, 256, (h, w, 3)).astype(np.uint8)
        return tf.constant(out[key], tf.float32)

    for h, w, oh, ow in RESIZES:
        for m, method in enumerate(METHODS):
            for align in (0, 1):
                if m == 3 and align and 1 in (h, w):
                    continue  # NaN in TensorFlow
                out['resize/%d,%d,%d,%d,%d,%d' % (h, w, oh, ow, m, align)] = tf.compat.v1.image.resize_images(
                    image(h, w), [oh, ow], method=method, align_corners=bool(align)).numpy()
    for n, text in enumerate(RESIZERS):
        resizer = image_resizer_builder.build(text_format.Parse(text, image_resizer_pb2.ImageResizer()))
        for h, w in SIZES:
            resized, shape = resizer(image(h, w))
            out['resizer/%d,%d,%d' % (n, h, w)] = resized.numpy()
            out['resizer_shape/%d,%d,%d' % (n, h, w)] = np.array(shape, np.int32)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'image', 'data', 'resize.safetensors')
    save(path, out)


if __name__ == '__main__':
    main()
