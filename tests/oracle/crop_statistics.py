# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/fixtures/crop_statistics.safetensors: how the OD API's random_crop_image distributes crops and boxes.

Run in the oracle's environment: python tests/oracle/crop_statistics.py
CASE/quantiles [6, 201]: of crop y, x, height, width, boxes kept, sum of the kept boxes' coordinates, over DRAWS draws.
tests/data/test_augment.c has the same CASES and compares its own draws by the Kolmogorov-Smirnov distance. Also prints
which parameter values TensorFlow refuses.
"""
import json
import os

import numpy as np
import tensorflow as tf
from object_detection.core import preprocessor

DRAWS = 20000
HEIGHT, WIDTH = 60, 80
BOXES = [[.1, .2, .5, .6], [.3, .7, .9, .95], [.75, .05, .85, .12], [.4, .4, .42, .41]]
CASES = {
    'default': (BOXES, {}),
    'zoo': (BOXES, dict(min_object_covered=0.0, aspect_ratio_range=(.75, 3.0), area_range=(.75, 1.0), overlap_thresh=0.0)),
    'half': (BOXES, dict(min_object_covered=.5, aspect_ratio_range=(.5, 2.0), area_range=(.1, .5), overlap_thresh=.6,
                         clip_boxes=False)),
    'null': ([], dict(min_object_covered=.3)),
    'sometimes': (BOXES, dict(min_object_covered=.1, random_coef=.4)),
    'impossible': (BOXES, dict(min_object_covered=1.0, aspect_ratio_range=(8.0, 9.0), area_range=(.1, .12))),
}


def draw(boxes, options):
    grid = np.stack(np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), indexing='ij') + [np.zeros((HEIGHT, WIDTH))], 2)
    image = tf.constant(grid, tf.float32)
    boxes = tf.constant(np.array(boxes, np.float32).reshape(-1, 4))
    labels = tf.ones([boxes.shape[0]], tf.int32)
    weights = tf.ones([boxes.shape[0]])

    @tf.function
    def one(_):
        cropped, kept, _, _ = preprocessor.random_crop_image(image, boxes, labels, weights, **options)
        shape = tf.cast(tf.shape(cropped), tf.float32)
        return tf.stack([cropped[0, 0, 0], cropped[0, 0, 1], shape[0], shape[1], tf.cast(tf.shape(kept)[0], tf.float32),
                         tf.reduce_sum(kept)])

    data = tf.data.Dataset.range(DRAWS).map(one).batch(DRAWS)
    return next(iter(data)).numpy()


def refusals():
    for options in (dict(min_object_covered=-.1), dict(min_object_covered=1.1), dict(aspect_ratio_range=(0., 1.)),
                    dict(aspect_ratio_range=(2., 1.)), dict(area_range=(0., 1.)), dict(area_range=(.5, .4)),
                    dict(area_range=(.5, 1.1)), dict(area_range=(-.5, 1.)), dict(overlap_thresh=-1.), dict(overlap_thresh=2.)):
        try:
            preprocessor.random_crop_image(tf.zeros([HEIGHT, WIDTH, 3]), tf.constant(BOXES), tf.ones([4], tf.int32),
                                           tf.ones([4]), **options)
            print(options, 'accepted')
        except Exception as e:  # pylint: disable=broad-except
            print(options, str(e)[:120].replace('\n', ' '))


def main():
    tf.random.set_seed(5)
    header, blobs, at = {}, [], 0
    for name, (boxes, options) in CASES.items():
        draws = draw(boxes, options)
        print(name, draws.mean(0), draws.std(0))
        quantiles = np.quantile(draws, np.linspace(0, 1, 201), axis=0, method='inverted_cdf').T.astype(np.float32)
        header[name + '/quantiles'] = {'dtype': 'F32', 'shape': list(quantiles.shape), 'data_offsets': [at, at + quantiles.nbytes]}
        blobs.append(np.ascontiguousarray(quantiles).tobytes())
        at += quantiles.nbytes
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'fixtures')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'crop_statistics.safetensors'), 'wb') as f:
        f.write(len(text).to_bytes(8, 'little') + text + b''.join(blobs))
    refusals()


if __name__ == '__main__':
    main()
