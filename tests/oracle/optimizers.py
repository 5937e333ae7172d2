# SPDX-License-Identifier: Apache-2.0
"""Prints the table of tests/train/test_optimizer.c: what the OD API's optimisers do to five numbers in six steps.

Run in the oracle's environment: python tests/oracle/optimizers.py
"""
import numpy as np
import od_oracle  # pylint: disable=unused-import
import tensorflow as tf
from google.protobuf import text_format
from object_detection.builders import optimizer_builder
from object_detection.protos import optimizer_pb2

RATE = 'learning_rate { exponential_decay_learning_rate { initial_learning_rate: 0.05 decay_steps: 2 decay_factor: 0.5 } }'
CONFIGS = [
    'momentum_optimizer { %s momentum_optimizer_value: 0.8 }' % RATE,
    'adam_optimizer { %s }' % RATE,
    'adam_optimizer { %s epsilon: 0.01 }' % RATE,
    'rms_prop_optimizer { %s momentum_optimizer_value: 0.7 decay: 0.3 epsilon: 0.2 }' % RATE,
    'rms_prop_optimizer { %s momentum_optimizer_value: 0 decay: 0 epsilon: 0.001 }' % RATE,
]
for text in CONFIGS:
    config = text_format.Parse(text + ' use_moving_average: false', optimizer_pb2.Optimizer())
    step = tf.Variable(0, dtype=tf.int64)
    optimizer, _ = optimizer_builder.build(config, global_step=step)
    w = tf.Variable(np.array([1, -2, .5, 0, 3], np.float32))
    for i in range(6):
        g = np.array([.3 * (i + 1), -1 + .4 * i, .01, 0, 2 - i], np.float32)
        optimizer.apply_gradients([(tf.constant(g), w)])
        step.assign_add(1)
    print('    {"%s",' % text)
    print('     {%s},' % ', '.join('%.9gf' % v if v != int(v) else '%g' % v for v in w.numpy()))
    slots = sorted(optimizer.get_slot_names())
    print('     "%s", "%s"},' % (' '.join(slots), ' '.join(sorted(k for k in ('decay', 'momentum', 'beta_1', 'beta_2', 'rho', 'learning_rate')
                                                                  if k in optimizer._hyper and not callable(optimizer._hyper[k])))))

# Moving averages: the averages after the same six steps.
for text in CONFIGS[:2]:
    config = text_format.Parse(text + ' moving_average_decay: 0.3', optimizer_pb2.Optimizer())
    step = tf.Variable(0, dtype=tf.int64)
    optimizer, _ = optimizer_builder.build(config, global_step=step)
    w = tf.Variable(np.array([1, -2, .5, 0, 3], np.float32))
    class Model:
        trainable_variables = [w]
    optimizer.shadow_copy(Model)
    for i in range(6):
        g = np.array([.3 * (i + 1), -1 + .4 * i, .01, 0, 2 - i], np.float32)
        optimizer.apply_gradients([(tf.constant(g), w)])
        step.assign_add(1)
    print('    averages {"%s",' % text)
    print('     {%s}},' % ', '.join('%.9gf' % v if v != int(v) else '%g' % v for v in optimizer.get_slot(w, 'average').numpy()))
