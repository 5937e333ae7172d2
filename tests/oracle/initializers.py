#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantiles of what the OD API's initialisers draw for the kernels of a convolution, a depthwise convolution and a dense layer.

    initializers.py > tests/models/data/initializers.json     # the stored cases of test_initializers.c

Needs the OD API's Python environment. `text` is an Initializer as in a config; kernels are named by their shape.
"""
import json
import logging
import sys
import od_oracle  # noqa: F401  (must come before object_detection)
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from object_detection.builders import hyperparams_builder
from object_detection.protos import hyperparams_pb2
logging.disable(logging.CRITICAL)

DRAWS, QUANTILES = 40000, 41
SHAPES = [[3, 3, 8, 20], [3, 3, 24, 1], [30, 40]]
CASES = ['truncated_normal_initializer { }', 'truncated_normal_initializer { mean: 0.1 stddev: 0.03 }', 'random_normal_initializer { }', 'random_normal_initializer { mean: -0.2 stddev: 0.01 }',
         'variance_scaling_initializer { }'] + ['variance_scaling_initializer { factor: %g mode: %s uniform: %s }' % (f, m, u) for f, m in ((1, 'FAN_IN'), (2.5, 'FAN_OUT'), (1, 'FAN_AVG')) for u in ('true', 'false')]
CASES += ["keras_initializer_by_name: '%s'" % n for n in ('glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_uniform', 'lecun_normal', 'variance_scaling', 'random_normal', 'truncated_normal', 'random_uniform', 'zeros', 'ones')]


def quantiles(text, shape):
    proto = text_format.Parse('regularizer { l2_regularizer { } } initializer { %s }' % text, hyperparams_pb2.Hyperparams())
    build = hyperparams_builder.KerasLayerHyperparams(proto)
    values, seed = [], 0
    while sum(v.size for v in values) < DRAWS:
        tf.random.set_seed(seed)
        seed += 1
        init = build.params()['kernel_initializer']
        if isinstance(init, str): init = tf.keras.initializers.get(init)
        values.append(np.asarray(init(shape, dtype=tf.float32)).ravel())
    return [float('%.5g' % q) for q in np.quantile(np.concatenate(values), np.linspace(0, 1, QUANTILES))]


json.dump(dict(draws=DRAWS, cases=[dict(text=t, kernels=[dict(shape=s, quantiles=quantiles(t, s)) for s in SHAPES]) for t in CASES]), sys.stdout, separators=(',', ':'))
print()
