# SPDX-License-Identifier: Apache-2.0
"""Checkpoints to and from the real TF Object Detection API. Needs a Python with TensorFlow and the OD API (`import od_oracle`
makes it importable); tests/oracle/test_oracle_checkpoint.sh runs it when OD_ORACLE names such a venv.

usage:
  checkpoint_roundtrip.py train  CONFIG OUT [STEPS]       the OD API trains a small version of CONFIG for STEPS (2) steps
  checkpoint_roundtrip.py train  CONFIG OUT STEPS START   the same, continuing from the checkpoint prefix START (for instance
                                                          one written by objdet): OUT/model_dir starts with a copy of it
  checkpoint_roundtrip.py dump   PREFIX OUT.safetensors   every numeric tensor of a checkpoint by key, as tf.train reads it
  checkpoint_roundtrip.py latest MODEL_DIR                the prefix of its newest checkpoint
  checkpoint_roundtrip.py close  PREFIX PREFIX BOUND [AGAIN]  two checkpoints of the same keys: for each kind (kernel, ..., each slot) the
                                                          norm of the difference is below BOUND of the norm (25 BOUND for
                                                          slots, betas and moving means), or below 3 times that of AGAIN from
                                                          the first, where AGAIN is another run of what made the first
  checkpoint_roundtrip.py restore PIPELINE PREFIX [SLOTS] builds PIPELINE's model (and, with SLOTS=1, its optimiser's
                                                          slots) in the OD API, restores PREFIX into it and fails
                                                          unless every object matched and every value is the one
                                                          stored; prints a line a check

OPTIMIZER in the environment replaces the config's optimizer (the message's text). `train` writes OUT/pipeline.config (128x128 input, thin layers, batch 2, no augmentation, no fine-tuning), OUT/train.record (four
generated pictures with a bright square each), OUT/label_map.pbtxt and OUT/model_dir. To resume in objdet what the OD API began:
    checkpoint_roundtrip.py train ../shared/configs/raccoon_ssd320.config /tmp/rt 2
    objdet train --pipeline_config_path=/tmp/rt/pipeline.config --model_dir=/tmp/rt/model_dir --num_train_steps=4
and the other way:
    objdet train --pipeline_config_path=/tmp/rt/pipeline.config --model_dir=/tmp/od --num_train_steps=2
    checkpoint_roundtrip.py train ../shared/configs/raccoon_ssd320.config /tmp/rt2 4 /tmp/od/ckpt-2
    checkpoint_roundtrip.py restore /tmp/rt/pipeline.config /tmp/od/ckpt-2 1
"""
import io
import json
import os
import shutil
import struct
import sys

import numpy as np
import od_oracle  # noqa: F401  (must come before object_detection)
import tensorflow as tf
from google.protobuf import text_format
from object_detection import model_lib_v2
from object_detection.builders import model_builder, optimizer_builder
from object_detection.protos import pipeline_pb2

SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'


def picture(i):
    """A grey 128x128 PNG with a bright square, and the square as ymin, xmin, ymax, xmax."""
    pixels = np.full((128, 128, 3), 40 + 10 * i, 'u1')
    y, x, side = 10 + 12 * i, 60 - 9 * i, 30 + 5 * i
    pixels[y:y + side, x:x + side] = (250, 200 - 20 * i, 30 * i)
    return tf.io.encode_png(pixels).numpy(), [v / 128 for v in (y, x, y + side, x + side)]


def example(i):
    png, (ymin, xmin, ymax, xmax) = picture(i)
    text = lambda s: tf.train.Feature(bytes_list=tf.train.BytesList(value=[s]))
    real = lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=[v]))
    whole = lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=[v]))
    name = b'%d.png' % i
    return tf.train.Example(features=tf.train.Features(feature={
        'image/encoded': text(png), 'image/format': text(b'png'), 'image/filename': text(name), 'image/source_id': text(name),
        'image/height': whole(128), 'image/width': whole(128), 'image/object/class/text': text(b'square'),
        'image/object/class/label': whole(1), 'image/object/bbox/ymin': real(ymin), 'image/object/bbox/xmin': real(xmin),
        'image/object/bbox/ymax': real(ymax), 'image/object/bbox/xmax': real(xmax)}))


def small_config(config_path, out):
    pipeline = text_format.Parse(open(config_path).read(), pipeline_pb2.TrainEvalPipelineConfig())
    ssd, train = pipeline.model.ssd, pipeline.train_config
    ssd.num_classes = 1
    ssd.image_resizer.fixed_shape_resizer.height = ssd.image_resizer.fixed_shape_resizer.width = 128
    ssd.feature_extractor.depth_multiplier = 0.35
    ssd.feature_extractor.fpn.additional_layer_depth = 16
    ssd.box_predictor.weight_shared_convolutional_box_predictor.depth = 16
    ssd.box_predictor.weight_shared_convolutional_box_predictor.num_layers_before_predictor = 2
    train.batch_size, train.num_steps = 2, 4
    train.ClearField('data_augmentation_options')
    train.ClearField('fine_tune_checkpoint')
    for reader in [pipeline.train_input_reader] + list(pipeline.eval_input_reader):
        reader.label_map_path = os.path.join(out, 'label_map.pbtxt')
        reader.tf_record_input_reader.input_path[:] = [os.path.join(out, 'train.record')]
        reader.shuffle = False
    if 'OPTIMIZER' in os.environ:
        train.ClearField('optimizer')
        text_format.Merge(os.environ['OPTIMIZER'], train.optimizer)
    return pipeline


def write_inputs(config_path, out):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, 'label_map.pbtxt'), 'w') as f:
        f.write("item { id: 1 name: 'square' }\n")
    with tf.io.TFRecordWriter(os.path.join(out, 'train.record')) as w:
        for i in range(4):
            w.write(example(i).SerializeToString())
    path = os.path.join(out, 'pipeline.config')
    with open(path, 'w') as f:
        f.write(text_format.MessageToString(small_config(config_path, out)))
    return path


def copy_checkpoint(prefix, model_dir):
    os.makedirs(model_dir, exist_ok=True)
    name = os.path.basename(prefix)
    for f in os.listdir(os.path.dirname(prefix) or '.'):
        if f.startswith(name + '.'):
            shutil.copy(os.path.join(os.path.dirname(prefix) or '.', f), model_dir)
    with open(os.path.join(model_dir, 'checkpoint'), 'w') as f:
        f.write(f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n')


def train(config_path, out, steps=2, start=None):
    out = os.path.abspath(out)
    path, model_dir = write_inputs(config_path, out), os.path.join(out, 'model_dir')
    if start:
        copy_checkpoint(start, model_dir)
    tf.random.set_seed(1)
    model_lib_v2.train_loop(pipeline_config_path=path, model_dir=model_dir, train_steps=int(steps), num_steps_per_iteration=1,
                            checkpoint_every_n=1)
    latest = tf.train.latest_checkpoint(model_dir)
    step = int(tf.train.load_checkpoint(latest).get_tensor('step' + SUFFIX))
    print(f'checkpoint {latest} step {step}')
    if step != int(steps):
        sys.exit(f'expected step {steps}')


def dump(prefix, out):
    reader, head, blobs, offset = tf.train.load_checkpoint(prefix), {}, io.BytesIO(), 0
    names = {'float32': 'F32', 'int32': 'I32', 'int64': 'I64', 'uint8': 'U8', 'bool': 'BOOL', 'float64': 'F64'}
    for key in sorted(reader.get_variable_to_dtype_map()):
        value = np.asarray(reader.get_tensor(key))
        if value.dtype.name not in names:
            continue
        data = value.tobytes()
        head[key] = dict(dtype=names[value.dtype.name], shape=list(value.shape), data_offsets=[offset, offset + len(data)])
        offset += len(data)
        blobs.write(data)
    header = json.dumps(head).encode()
    header += b' ' * (-len(header) % 8)
    with open(out, 'wb') as f:
        f.write(struct.pack('<Q', len(header)) + header + blobs.getvalue())
    print(f'{len(head)} tensors')


def build(pipeline_path):
    """The model with its variables created, and the optimiser train_loop would make."""
    pipeline = text_format.Parse(open(pipeline_path).read(), pipeline_pb2.TrainEvalPipelineConfig())
    model = model_builder.build(pipeline.model, is_training=True)
    x, shapes = model.preprocess(tf.zeros([1, 128, 128, 3]))
    model.provide_groundtruth(groundtruth_boxes_list=[tf.zeros([1, 4])], groundtruth_classes_list=[tf.ones([1, model.num_classes])])
    model.predict(x, shapes)
    step = tf.Variable(0, dtype=tf.int64, name='global_step')
    optimizer, _ = optimizer_builder.build(pipeline.train_config.optimizer, global_step=step)
    return model, optimizer, step


def compare(name, values, stored):
    """Values that came through a restore against what tf.train reads from the file, as a multiset of arrays."""
    left = {}
    for a in stored:
        left.setdefault((a.shape, a.tobytes()), []).append(a)
    for a in values:
        same = left.get((a.shape, a.tobytes()))
        if not same:
            sys.exit(f'{name}: a restored value of shape {a.shape} is not in the checkpoint')
        same.pop()
    rest = sum(len(v) for v in left.values())
    if rest:
        sys.exit(f'{name}: {rest} stored values were not restored')
    print(f'{name}: {len(values)} values equal')


def optimizers(optimizer):
    """The optimiser and, where it wraps another (moving averages), that one, with their paths in a checkpoint."""
    inner = getattr(optimizer, '_optimizer', None)
    return [(optimizer, 'optimizer')] + ([(inner, 'optimizer/ema_base_optimizer')] if inner is not None else [])


def latest(model_dir):
    print(tf.train.latest_checkpoint(model_dir))


def differences(first, second):
    """By kind, the norm of the difference as part of the norm."""
    a, b = tf.train.load_checkpoint(first), tf.train.load_checkpoint(second)
    keys = [sorted(k for k in r.get_variable_to_dtype_map() if k.endswith(SUFFIX)) for r in (a, b)]
    if keys[0] != keys[1]:
        sys.exit(f'keys differ: {sorted(set(keys[0]) ^ set(keys[1]))[:6]}')
    sums = {}
    for k in keys[0]:
        x, y = np.asarray(a.get_tensor(k), 'f8'), np.asarray(b.get_tensor(k), 'f8')
        if x.shape != y.shape:
            sys.exit(f'{k}: {x.shape} and {y.shape}')
        if k.startswith('save_counter'):
            continue
        kind = k.split('/.OPTIMIZER_SLOT/')[1].split('/.ATTR')[0] if '/.OPTIMIZER_SLOT/' in k else k[:-len(SUFFIX)] if k.startswith('optimizer') else k.split('/')[-3]
        total = sums.setdefault(kind, [0, 0])
        total[0] += ((x - y) ** 2).sum()
        total[1] += (x ** 2).sum()
    return {kind: np.sqrt(difference / max(norm, 1e-30)) for kind, (difference, norm) in sorted(sums.items())}


def close(first, second, bound, again=None):
    bad, noise = [], differences(first, again) if again else {}
    for kind, error in differences(first, second).items():
        noisy = 25 if kind.startswith('optimizer/') or kind in ('beta', 'moving_mean') else 1  # small sums of a gradient that rounding noise grows in
        print(f'{kind:40} {error:.2e}' + (f'   the reference again: {noise[kind]:.2e}' if again else ''))
        if error > max(noisy * float(bound), 3 * noise.get(kind, 0)):
            bad.append(kind)
    if bad:
        sys.exit(f'above {bound}: {bad}')


def restore(pipeline_path, prefix, slots='0'):
    model, optimizer, step = build(pipeline_path)
    objects = dict(step=step, model=model)
    if int(slots):
        objects['optimizer'] = optimizer
        optimizer.iterations
        if hasattr(optimizer, 'shadow_copy'):
            optimizer.shadow_copy(model)
        optimizer._create_all_weights(model.trainable_variables)
    checkpoint = tf.train.Checkpoint(**objects)
    status = checkpoint.restore(prefix)
    status.assert_existing_objects_matched()
    print('every existing object matched')
    reader = tf.train.load_checkpoint(prefix)
    keys = [k for k in reader.get_variable_to_dtype_map() if k.endswith(SUFFIX)]
    inside = lambda k: k.startswith('model/')
    plain = [reader.get_tensor(k) for k in keys if inside(k) and '/.OPTIMIZER_SLOT/' not in k]
    # Two names of one variable are one variable.
    model_vars = {id(v): v for v in model.variables}.values()
    compare('model', [v.numpy() for v in model_vars], plain)
    if int(slots):
        for owner, path in optimizers(optimizer):
            for name in owner.get_slot_names():
                stored = [reader.get_tensor(k) for k in keys if '/.OPTIMIZER_SLOT/%s/%s/' % (path, name) in k]
                compare(f'{path}: {name} slots', [owner.get_slot(v, name).numpy() for v in model.trainable_variables], stored)
        # Keras keeps a slot beside its variable: each pair must be the pair that is stored.
        owner, path = optimizers(optimizer)[-1]
        slot = owner.get_slot_names()[0]
        by_value = {}
        for k in keys:
            if inside(k) and '/.OPTIMIZER_SLOT/' not in k:
                by_value.setdefault(reader.get_tensor(k).tobytes(), []).append(k)
        for v in model.trainable_variables:
            same = by_value[v.numpy().tobytes()]
            key = same[0][:-len(SUFFIX)] + f'/.OPTIMIZER_SLOT/{path}/{slot}' + SUFFIX
            if len(same) == 1 and not np.array_equal(reader.get_tensor(key), owner.get_slot(v, slot).numpy()):
                sys.exit(f'{key}: restored into another variable')
        print(f'optimizer iterations {int(optimizer.iterations)}')
        if int(optimizer.iterations) != int(reader.get_tensor(path + '/iter' + SUFFIX)):
            sys.exit(f'{path}/iter was not restored')
    if int(step) != int(reader.get_tensor('step' + SUFFIX)):
        sys.exit('step was not restored')
    print(f'step {int(step)}')


if __name__ == '__main__':
    if len(sys.argv) < 3 or sys.argv[1] not in ('train', 'dump', 'restore', 'latest', 'close'):
        sys.exit(__doc__)
    {'train': train, 'dump': dump, 'restore': restore, 'latest': latest, 'close': close}[sys.argv[1]](*sys.argv[2:])
