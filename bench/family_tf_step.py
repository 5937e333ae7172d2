#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times of the TensorFlow Object Detection API: a training step (batch ready) and the forward pass up to the raw predictions.

usage: family_tf_step.py CONFIG SIZE BATCH STEPS THREADS      prints `tf train BATCH SECONDS` and `tf forward 1|BATCH SECONDS`: medians;
and after the training `tf memory BATCH BYTES`: the peak so far
"""
import resource
import statistics
import sys
import time

import od_oracle  # noqa: F401: makes the OD API importable
import numpy as np
import tensorflow as tf
from object_detection.builders import model_builder
from object_detection.models.keras_models import mobilenet_v2
from object_detection.utils import config_util

config, size, batch, steps, threads = sys.argv[1], *map(int, sys.argv[2:6])
tf.config.threading.set_intra_op_parallelism_threads(threads)
model_config = config_util.get_configs_from_pipeline_file(config)['model']
keras_mobilenet_v2 = mobilenet_v2.mobilenet_v2  # for CenterNet with ImageNet's weights from the network, which change no time
mobilenet_v2.mobilenet_v2 = lambda *arguments, **keywords: keras_mobilenet_v2(*arguments, **{**keywords, 'weights': None})
images = tf.constant(np.random.RandomState(0).randint(0, 255, (batch, size, size, 3)).astype('float32'))


def median(f, warm):
    times = []
    for i in range(warm + steps):
        start = time.time()
        f()
        if i >= warm:
            times.append(time.time() - start)
    return statistics.median(times)


def train():
    model = model_builder.build(model_config, is_training=True)
    model._is_training = True
    tf.keras.backend.set_learning_phase(True)
    optimizer = tf.keras.optimizers.legacy.SGD(1e-4, momentum=.9)

    @tf.function
    def step(x):
        inputs, shapes = model.preprocess(x)
        model.provide_groundtruth(groundtruth_boxes_list=[tf.constant([[.2, .2, .7, .6]])] * batch, groundtruth_classes_list=[tf.constant([[1.]])] * batch,
                                  groundtruth_weights_list=[tf.constant([1.])] * batch)
        with tf.GradientTape() as tape:
            losses = list(model.loss(model.predict(inputs, shapes), shapes).values()) + list(model.regularization_losses() or [])
            loss = tf.add_n(losses)
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    print('tf train %d %.6f' % (batch, median(lambda: float(step(images)), 2)), flush=True)
    print('tf memory %d %d' % (batch, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024), flush=True)


def forward():
    model = model_builder.build(model_config, is_training=False)
    tf.keras.backend.set_learning_phase(False)

    @tf.function
    def predict(x):
        return [v for v in tf.nest.flatten(model.predict(*model.preprocess(x))) if isinstance(v, tf.Tensor)]

    for n in sorted({1, batch}):
        print('tf forward %d %.6f' % (n, median(lambda: [v.numpy() for v in predict(images[:n])], 2)), flush=True)


train()
forward()
