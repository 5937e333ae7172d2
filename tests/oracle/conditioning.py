# SPDX-License-Identifier: Apache-2.0
"""How much a fixture's network makes of a last bit: the OD API's own outputs for its images against those for the same images with each pixel
moved by a relative 1e-7 (half a unit in the last place), batch norm by batch norm.

usage: conditioning.py SHARED_ORACLE_DIR FIXTURE_DIR...

Prints the relative difference (root mean square) after every tenth batch norm, in inference and in training, then of the predictions (largest,
relative to the largest value: what `test_golden` bounds by 1e-4) and of the gradient (1 - cosine; bound 1e-5). What is near a bound here can't be
told apart from a fault by that fixture: take a damped one (odd_fixtures.py) instead.
"""
import json
import os
import sys

sys.path.insert(0, sys.argv[1])
import golden
import numpy as np
import tensorflow as tf
from object_detection.builders import model_builder
from object_detection.utils import config_util

NORM = tf.keras.layers.BatchNormalization.__mro__[1]  # SyncBatchNormalization's base, too


def record(outputs):
    """Every batch norm's output is appended to outputs[0] while that is a list."""
    call = NORM.call

    def recorded(self, *arguments, **keywords):
        y = call(self, *arguments, **keywords)
        if outputs[0] is not None:
            outputs[0].append(y.numpy().astype('f8'))
        return y
    NORM.call = recorded


class Case:
    def __init__(self, folder):
        self.spec = json.load(open(os.path.join(folder, 'case.json')))
        self.train = golden.load(os.path.join(folder, 'train.safetensors'))
        self.image = tf.constant(golden.load(os.path.join(folder, 'forward.safetensors'))['image'].astype('f4'))
        configs = config_util.get_configs_from_pipeline_file(os.path.join(folder, 'pipeline.config'))
        self.model = model_builder.build(configs['model'], is_training=True)
        self.x, self.shapes = self.model.preprocess(self.image)
        n = self.image.shape[0]
        boxes = [tf.constant(self.train[f'boxes/{i}']) for i in range(n)]
        classes = [tf.one_hot(self.train[f'classes/{i}'], self.spec['num_classes']) for i in range(n)]
        self.model.provide_groundtruth(groundtruth_boxes_list=boxes, groundtruth_classes_list=classes, groundtruth_weights_list=[tf.ones(len(b)) for b in boxes])
        self.predict(self.x, False)
        moving = golden.load(os.path.join(folder, 'moving.safetensors'))
        self.values = [(v, moving.get(k, golden.weight(k, v.shape.as_list()))) for k, v in golden.key_map(self.model, os.path.join(folder, 'conditioning')).items()]
        self.reset()

    def reset(self):
        for v, value in self.values:
            v.assign(tf.cast(value, v.dtype))

    def predict(self, x, training):
        self.model._is_training = training
        tf.keras.backend.set_learning_phase(training)
        return self.model.predict(x, self.shapes)

    def gradient(self, x):
        self.reset()
        with tf.GradientTape() as tape:
            loss = tf.add_n(list(self.model.loss(self.predict(x, True), self.shapes).values()))
        flat = [tf.reshape(tf.convert_to_tensor(g), [-1]) for g in tape.gradient(loss, self.model.trainable_variables) if g is not None]
        return float(loss), tf.concat(flat, 0).numpy().astype('f8')


def predictions(p):
    for name, value in p.items():
        if name in ('preprocessed_inputs', 'feature_maps', 'anchors', 'final_anchors'):
            continue
        for each in value if isinstance(value, (list, tuple)) else [value]:
            yield name, np.asarray(each, 'f8')


def relative(a, b):
    return np.sqrt(((a - b) ** 2).mean() / max((a ** 2).mean(), 1e-300))


def main():
    outputs = [None]
    record(outputs)
    for folder in sys.argv[2:]:
        case = Case(folder)
        noise = tf.constant(np.random.default_rng(1).choice([-1e-7, 1e-7], case.x.shape).astype('f4'))
        moved = case.x * (1 + noise)
        name = os.path.basename(os.path.normpath(folder))
        for training in (False, True):
            runs = []
            for x in (case.x, moved):
                case.reset()
                outputs[0] = []
                p = list(predictions(case.predict(x, training)))
                runs.append((outputs[0], p))
                outputs[0] = None
            layers = [relative(a, b) for a, b in zip(runs[0][0], runs[1][0])]
            worst = max(np.abs(a - b).max() / max(np.abs(a).max(), 1e-30) for (_, a), (_, b) in zip(runs[0][1], runs[1][1]))
            print(name, 'training' if training else 'inference', 'batch norms', len(layers), ' '.join(f'{i}:{layers[i]:.1e}' for i in list(range(0, len(layers), 10)) + [len(layers) - 1]),
                  f'predictions {worst:.1e}', flush=True)
        (l0, g0), (l1, g1) = case.gradient(case.x), case.gradient(moved)
        print(name, f'loss {l0:.6g} and {l1:.6g}, relative {abs(l1 - l0) / abs(l0):.1e}, gradient 1 - cosine {1 - g0 @ g1 / np.sqrt((g0 @ g0) * (g1 @ g1)):.1e}, '
              f'its norm {abs(np.linalg.norm(g1) / np.linalg.norm(g0) - 1):.1e}', flush=True)
        tf.keras.backend.clear_session()


if __name__ == '__main__':
    main()
