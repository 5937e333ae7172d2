# SPDX-License-Identifier: Apache-2.0
"""The OD API's loss over many steps from a golden fixture's weights, on its images, without augmentation and drop-connect.

usage: loss_curve.py SHARED_ORACLE_DIR FIXTURE_DIR [STEPS [RERUNS]]

SHARED_ORACLE_DIR holds golden.py, FIXTURE_DIR a fixture that it wrote. Writes total_loss [STEPS] (50) to
FIXTURE_DIR/curve.safetensors, which `test_golden FIXTURE_DIR` follows; of a two-stage detector each step's proposals, too, which it takes.
With RERUNS it also writes reruns [RERUNS,STEPS]: the loss from the same start with every weight moved by a relative 1e-7 (half a unit in the last
place), another way each time. How far these leave the first is what rounding alone makes of the curve; then `test_golden` follows a
two-stage detector once more on the proposals that it makes itself.
"""
import json, os, sys
sys.path.insert(0, sys.argv[1])
import golden
import odd_fixtures
import numpy as np
import tensorflow as tf
from object_detection.builders import model_builder
from object_detection.utils import config_util

proposals = odd_fixtures.record_proposals(golden, 'curve.safetensors')
folder, steps = sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 50
reruns = int(sys.argv[4]) if len(sys.argv) > 4 else 0
spec = json.load(open(os.path.join(folder, 'case.json')))
train = golden.load(os.path.join(folder, 'train.safetensors'))
image = tf.constant(golden.load(os.path.join(folder, 'forward.safetensors'))['image'].astype('f4'))
moving = golden.load(os.path.join(folder, 'moving.safetensors'))
model = model_builder.build(config_util.get_configs_from_pipeline_file(os.path.join(folder, 'pipeline.config'))['model'], is_training=True)
tf.keras.backend.set_learning_phase(True)
n = image.shape[0]
boxes = [tf.constant(train[f'boxes/{i}']) for i in range(n)]
classes = [tf.one_hot(train[f'classes/{i}'], spec['num_classes']) for i in range(n)]
masks = {}


def ellipses(boxes, height, width):
    """golden.py's instance masks."""
    out = np.zeros((len(boxes), height, width), 'f4')
    for j, box in enumerate(np.asarray(boxes)):
        y0, x0, y1, x1 = (box * [height, width, height, width]).astype(int)
        y, x = np.mgrid[0:height, 0:width]
        out[j] = ((y - (y0 + y1) / 2) / ((y1 - y0) / 2 + 1e-6)) ** 2 + ((x - (x0 + x1) / 2) / ((x1 - x0) / 2 + 1e-6)) ** 2 <= 1
    return tf.constant(out)

def losses():
    x, shapes = model.preprocess(image)
    if spec.get('masks'): masks['groundtruth_masks_list'] = [ellipses(b, x.shape[1], x.shape[2]) for b in boxes]
    model.provide_groundtruth(groundtruth_boxes_list=boxes, groundtruth_classes_list=classes, groundtruth_weights_list=[tf.ones(len(b)) for b in boxes], **masks)
    all_losses = dict(model.loss(model.predict(x, shapes), shapes))
    regularization = model.regularization_losses()
    return tf.add_n(list(all_losses.values()) + (list(regularization) if regularization else []))

losses()
keys = golden.key_map(model, os.path.join(folder, 'curve'))
optimizer = tf.keras.optimizers.legacy.SGD(spec['learning_rate'], momentum=0.9)


@tf.function
def step():
    with tf.GradientTape() as tape: loss = losses()
    pairs = zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    optimizer.apply_gradients([(g, v) for g, v in pairs if g is not None])
    return loss


def curve(rerun):
    """total_loss [STEPS] from the fixture's start; of a rerun's from one that is moved by its last bits."""
    rng = np.random.default_rng(rerun)
    for key, v in keys.items():
        value = moving.get(key, golden.weight(key, v.shape.as_list()))
        v.assign(tf.cast(value * (1 + (rng.choice([-1e-7, 1e-7], value.shape) if rerun else 0)), v.dtype))
    for slot in optimizer.variables(): slot.assign(tf.zeros_like(slot))
    return np.array([float(step()) for _ in range(steps)], 'f4')


proposals.clear()
out = {'total_loss': curve(0)}
kept = list(proposals)
if reruns:
    out['reruns'] = np.stack([curve(r + 1) for r in range(reruns)])
    apart = np.abs(out['reruns'] / out['total_loss'] - 1).max(1)
    print('reruns apart from the first by', ' '.join(f'{a:.1e}' for a in apart))
proposals[:] = kept
golden.save(os.path.join(folder, 'curve.safetensors'), out)
print(os.path.basename(os.path.normpath(folder)), 'from', out['total_loss'][0], 'to', out['total_loss'][-1])
