# SPDX-License-Identifier: Apache-2.0
"""A training's start that anyone can make again, and the OD API's training from it.

usage: recipe_training.py start SHARED_ORACLE_DIR PIPELINE_CONFIG OUT_DIR IMAGE...
       recipe_training.py train PIPELINE_CONFIG MODEL_DIR STEPS [MOVED [EVERY]]

start: OUT_DIR/ckpt-1, a classification checkpoint of the config's backbone: golden.py's values by the variables' keys, moving statistics of
the images (an even number of batches of 4, resized by the config). train: train_loop without drop-connect, a checkpoint at the end (all those of every
EVERY steps) and the total loss of every step in MODEL_DIR/losses.txt. With MOVED, a number but 0, it starts from the checkpoint's variables times 1 +- 1e-7,
about a unit in the last place, with the number's own signs: how far such trainings are apart is what rounding alone makes of them.
"""
import os
import sys


def start(oracle, config, out, pictures):
    sys.path.insert(0, oracle)
    import golden
    import numpy as np
    import tensorflow as tf
    from object_detection.builders import model_builder
    from object_detection.utils import config_util
    model = model_builder.build(config_util.get_configs_from_pipeline_file(config)['model'], is_training=True)
    pixels = [tf.image.decode_jpeg(tf.io.read_file(p), channels=3) for p in pictures]
    image = tf.stack([tf.cast(tf.image.resize(p, [512, 512]), tf.float32) for p in pixels])
    boxes = [tf.constant([[.2, .2, .8, .8]])] * len(pictures)
    classes = [tf.one_hot([0], model.num_classes)] * len(pictures)

    def forward(training):
        model._is_training = training
        tf.keras.backend.set_learning_phase(training)
        x, shapes = model.preprocess(image)
        model.provide_groundtruth(groundtruth_boxes_list=boxes, groundtruth_classes_list=classes, groundtruth_weights_list=[tf.ones(1)] * len(pictures))
        model.predict(x, shapes)

    forward(False)
    os.makedirs(out, exist_ok=True)
    keys = golden.key_map(model, os.path.join(out, 'names'))
    for key, v in keys.items():
        v.assign(tf.cast(golden.weight(key, v.shape.as_list()), v.dtype))
    golden.calibrate(model, keys, forward)
    assert all(np.isfinite(v.numpy()).all() for v in keys.values())
    tf.train.Checkpoint(**model.restore_from_objects('classification')).save(os.path.join(out, 'ckpt'))


def move_start(model_lib_v2, seed):
    """Lets train_loop start from variables moved by their last bits."""
    import numpy as np
    load = model_lib_v2.load_fine_tune_checkpoint

    def load_moved(model, *arguments):
        load(model, *arguments)
        rng = np.random.default_rng(seed)
        for v in model.variables:
            if v.dtype.is_floating:
                v.assign(v.numpy() * (1 + rng.choice([-1e-7, 1e-7], v.shape)).astype('f4'))
    model_lib_v2.load_fine_tune_checkpoint = load_moved


def without_drop_connect():
    """EfficientDet is trained without it, as by `objdet train --no_drop_connect` (golden.py does the same)."""
    from official.legacy.image_classification.efficientnet import efficientnet_model
    from_name = efficientnet_model.EfficientNet.from_name.__func__
    efficientnet_model.EfficientNet.from_name = classmethod(lambda cls, model_name, overrides=None, **keywords: from_name(
        cls, model_name, overrides=dict(overrides or {}, drop_connect_rate=0.0), **keywords))


def without_download():
    """CenterNet's MobileNet draws its weights instead of fetching ImageNet's."""
    from object_detection.models.keras_models import mobilenet_v2
    build = mobilenet_v2.mobilenet_v2
    mobilenet_v2.mobilenet_v2 = lambda *arguments, **keywords: build(*arguments, **{**keywords, 'weights': None})


def without_step_in_model():
    """A model's groundtruth holds the step's variable, so that its "full" fine-tuning would go on from its checkpoint's step. Only DeepMAC reads it."""
    from object_detection.core.model import DetectionModel
    provide = DetectionModel.provide_groundtruth
    DetectionModel.provide_groundtruth = lambda self, *arguments, training_step=None, **keywords: provide(self, *arguments, **keywords)


def train(config, model_dir, steps, moved, every):
    import od_oracle
    import tensorflow as tf
    from object_detection import model_lib_v2
    without_drop_connect()
    without_download()
    without_step_in_model()
    if moved:
        move_start(model_lib_v2, moved)
    losses, write = {}, tf.compat.v2.summary.scalar

    def keep(name, data, step=None, **keywords):
        if name == 'Loss/total_loss':
            tf.numpy_function(lambda s, x: losses.__setitem__(int(s), float(x)), [step if step is not None else tf.summary.experimental.get_step(), data], [])
        return write(name=name, data=data, step=step, **keywords)
    tf.compat.v2.summary.scalar = keep
    model_lib_v2.train_loop(pipeline_config_path=config, model_dir=model_dir, train_steps=steps, num_steps_per_iteration=1, checkpoint_every_n=every or steps,
                            checkpoint_max_to_keep=steps + 1)
    with open(os.path.join(model_dir, 'losses.txt'), 'w') as f:
        f.writelines('%d %.9g\n' % item for item in sorted(losses.items()))


if len(sys.argv) > 5 and sys.argv[1] == 'start':
    start(*sys.argv[2:5], sys.argv[5:])
elif 5 <= len(sys.argv) <= 7 and sys.argv[1] == 'train':
    train(*sys.argv[2:4], *(int(n) for n in (sys.argv[4:] + ['0', '0'])[:3]))
else:
    sys.exit(__doc__)
