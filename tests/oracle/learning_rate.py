# SPDX-License-Identifier: Apache-2.0
"""Prints the table of tests/train/test_learning_rate.c: learning rates as the OD API computes them.

usage: VENV/bin/python tests/oracle/learning_rate.py      (VENV: the OD API, see CONTRIBUTING)
"""
import struct
import tensorflow as tf
from google.protobuf import text_format
from object_detection.builders import optimizer_builder
from object_detection.protos import optimizer_pb2

CASES = [
    ('constant_learning_rate { learning_rate: 0.01 }', [0, 1000]),
    ('constant_learning_rate { }', [5]),
    ('exponential_decay_learning_rate { initial_learning_rate: 0.004 decay_steps: 100 decay_factor: 0.95 }', [0, 99, 100, 250, 5000]),
    ('exponential_decay_learning_rate { initial_learning_rate: 0.004 decay_steps: 100 decay_factor: 0.9 staircase: false }', [0, 1, 50, 777]),
    ('exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 10 decay_factor: 0.5 burnin_learning_rate: 0.02 burnin_steps: 25 min_learning_rate: 0.003 }', [0, 24, 25, 34, 35, 80, 1000]),
    ('exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 10 decay_factor: 0.5 burnin_steps: 7 }', [0, 6, 7, 16, 17]),
    ('manual_step_learning_rate { initial_learning_rate: 0.1 schedule { step: 10 learning_rate: 0.05 } schedule { step: 20 learning_rate: 0.001 } }', [0, 9, 10, 19, 20, 21, 999]),
    ('manual_step_learning_rate { initial_learning_rate: 0.001 schedule { step: 7 learning_rate: 0.1 } schedule { step: 20 learning_rate: 0.01 } warmup: true }', [0, 1, 3, 6, 7, 19, 20, 500]),
    ('cosine_decay_learning_rate { learning_rate_base: 0.08 total_steps: 50000 warmup_learning_rate: 0.026666 warmup_steps: 1000 }', [0, 1, 500, 999, 1000, 1001, 25000, 49999, 50000, 50001]),
    ('cosine_decay_learning_rate { learning_rate_base: 0.02 total_steps: 600 warmup_learning_rate: 0.00266 warmup_steps: 60 }', [0, 30, 59, 60, 61, 300, 599, 600, 601]),
    ('cosine_decay_learning_rate { learning_rate_base: 0.5 total_steps: 100 warmup_learning_rate: 0.1 warmup_steps: 10 hold_base_rate_steps: 20 }', [0, 9, 10, 29, 30, 31, 65, 100, 101]),
    ('cosine_decay_learning_rate { learning_rate_base: 0.5 total_steps: 100 warmup_steps: 0 }', [0, 1, 50, 99, 100]),
    ('cosine_decay_learning_rate { learning_rate_base: 0.5 total_steps: 30 warmup_learning_rate: 0.1 warmup_steps: 10 hold_base_rate_steps: 40 }', [5, 10, 20, 30, 31]),
]
for text, steps in CASES:
    values = []
    for step in steps:
        config = text_format.Parse('momentum_optimizer { learning_rate { %s } } use_moving_average: false' % text, optimizer_pb2.Optimizer())
        _, (rate,) = optimizer_builder.build(config, global_step=tf.Variable(step, dtype=tf.int64))
        values.append(float(rate() if callable(rate) else rate))
    print('        {"%s",\n         {%s},\n         {%s}},' % (text, ', '.join(f'{{{s}}}'[1:-1] for s in steps) + ', -1', ', '.join('%.9gf' % v if '.' in '%.9g' % v or 'e' in '%.9g' % v else '%.9g' % v for v in values)))
