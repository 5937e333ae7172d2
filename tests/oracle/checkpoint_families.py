# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of every family, both ways between objdet and the OD API. tests/oracle/test_oracle_families.sh runs it.

usage:
  checkpoint_families.py write SHARED_DIR OUT [FAMILY...]  OUT/FAMILY/{pipeline.config, theirs/ckpt-1, classification/ckpt-1}: a small model of the
                                                           OD API with random values in every variable and optimiser slot
  checkpoint_families.py check SHARED_DIR OUT [FAMILY...]  after test_model_checkpoint wrote OUT/FAMILY/{ours,detection,full,classified}/ckpt-1:
      ours            is theirs, read and written by objdet: restores with every existing object matched; equal values and slots; is taken by
                      the OD API's own fine-tuning (load_fine_tune_checkpoint's restore) of types detection and full
      detection, full, classified   objdet's fine-tuning from theirs and the classification checkpoint: equal values for exactly the
                      variables that the OD API's restore_from_objects restores, others are left as they were initialised
"""
import os
import sys

import numpy as np
import od_oracle  # noqa: F401  (must come before object_detection)
import odd_fixtures
import tensorflow as tf
from google.protobuf import text_format
from object_detection.builders import model_builder, optimizer_builder
from object_detection.protos import pipeline_pb2

SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'
SMALL = 'image_resizer { fixed_shape_resizer { height: 160 width: 160 } }'
BIG = odd_fixtures.FIXED % (256, 256)  # a BiFPN's levels must double
D0, CENTER = odd_fixtures.D0, odd_fixtures.CENTER
FEW = 'image_resizer { fixed_shape_resizer { height: 64 width: 64 } } first_stage_max_proposals: 4 second_stage_batch_size: 2 clip_anchors_to_image: true '
# Every meta-architecture and feature extractor; small where the config can say so. Adam, RMSProp and momentum.
FAMILIES = {
    'ssd_mobilenet_v1': odd_fixtures.ssd(odd_fixtures.V2, 'feature_extractor { type: "ssd_mobilenet_v1_keras" depth_multiplier: 0.25 } ' + SMALL),
    'ssd_mobilenet_v2': odd_fixtures.ssd(odd_fixtures.V2, SMALL),
    'ssd_mobilenet_v1_fpn': odd_fixtures.ssd(odd_fixtures.V1_FPN, 'feature_extractor { depth_multiplier: 0.25 fpn { additional_layer_depth: 16 } } '
                                             'box_predictor { weight_shared_convolutional_box_predictor { depth: 16 } } ' + SMALL),
    'ssd_mobilenet_v2_fpn': odd_fixtures.ssd(odd_fixtures.V2_FPN, SMALL),
    'ssd_resnet50_v1_fpn': odd_fixtures.ssd(odd_fixtures.RETINA, 'feature_extractor { depth_multiplier: 0.25 fpn { additional_layer_depth: 16 } } '
                                            'box_predictor { weight_shared_convolutional_box_predictor { depth: 16 } } ' + SMALL),
    'efficientdet_d0': odd_fixtures.ssd(D0, BIG),
    'efficientdet_d3': odd_fixtures.ssd(D0, 'feature_extractor { type: "ssd_efficientnet-b3_bifpn_keras" bifpn { num_iterations: 2 num_filters: 16 } } '
                                        'box_predictor { weight_shared_convolutional_box_predictor { depth: 16 } } ' + BIG),
    'center_resnet50_v2': odd_fixtures.center('type: "resnet_v2_50"'),
    'center_resnet50_v1_fpn': odd_fixtures.center('type: "resnet_v1_50_fpn"'),
    'center_resnet18_v1_fpn': odd_fixtures.center('type: "resnet_v1_18_fpn"'),
    'center_hourglass10': odd_fixtures.center('type: "hourglass_10"'),
    'center_hourglass32': odd_fixtures.center('type: "hourglass_32"'),
    'center_mobilenet_v2': odd_fixtures.center('type: "mobilenet_v2" depth_multiplier: 0.35'),
    'center_mobilenet_v2_fpn': odd_fixtures.center('type: "mobilenet_v2_fpn" depth_multiplier: 0.35'),
    'faster_rcnn_resnet50': odd_fixtures.two_stage(odd_fixtures.FRCNN, FEW),
    'faster_rcnn_resnet50_fpn': odd_fixtures.two_stage(odd_fixtures.FRCNN_FPN, FEW),
    'faster_rcnn_inception_resnet_v2': odd_fixtures.two_stage(odd_fixtures.MASKS, FEW + 'number_of_stages: 2 second_stage_box_predictor { mask_rcnn_box_predictor { predict_instance_masks: false } }'),
    'mask_rcnn_inception_resnet_v2': odd_fixtures.two_stage(odd_fixtures.MASKS, FEW),
    'mask_rcnn_resnet50': odd_fixtures.two_stage(odd_fixtures.FRCNN, FEW + 'number_of_stages: 3 second_stage_box_predictor { mask_rcnn_box_predictor { predict_instance_masks: true '
                                                 'convolve_then_upsample_masks: true mask_prediction_conv_depth: 8 conv_hyperparams { activation: RELU_6 batch_norm { } regularizer { l2_regularizer { } } '
                                                 'initializer { truncated_normal_initializer { } } } } }'),
    'center_mobilenet_v2_fpn_separable': odd_fixtures.center('type: "mobilenet_v2_fpn" depth_multiplier: 0.35 use_separable_conv: true'),
}
RMS_PROP = 'optimizer { rms_prop_optimizer { momentum_optimizer_value: 0.9 decay: 0 epsilon: 1 learning_rate { constant_learning_rate { learning_rate: 0.1 } } } }'


def build(path):
    """The model with its variables created, and the optimiser that train_loop would make, with its slots."""
    pipeline = text_format.Parse(open(path).read(), pipeline_pb2.TrainEvalPipelineConfig())
    model = model_builder.build(pipeline.model, is_training=True)
    x, shapes = model.preprocess(tf.zeros([1, 128, 128, 3]))
    model.provide_groundtruth(groundtruth_boxes_list=[tf.zeros([1, 4])], groundtruth_classes_list=[tf.ones([1, model.num_classes])])
    model.predict(x, shapes)
    step = tf.Variable(0, dtype=tf.int64, name='global_step')
    optimizer, _ = optimizer_builder.build(pipeline.train_config.optimizer, global_step=step)
    optimizer.iterations
    optimizer._create_all_weights(model.trainable_variables)
    return model, optimizer, step


def slots_of(model, optimizer):
    return [optimizer.get_slot(v, name) for v in model.trainable_variables for name in optimizer.get_slot_names()]


def backbone(model):
    """restore_from_objects(classification)'s network, or None (hourglass)."""
    try:
        return model.restore_from_objects('classification')['feature_extractor']
    except NotImplementedError:
        return None


def write_family(shared, out, name, index):
    folder = os.path.join(out, name)
    odd_fixtures.CASES[name] = FAMILIES[name]
    odd_fixtures.write(shared, out, name)
    path = os.path.join(folder, 'pipeline.config')
    pipeline = text_format.Parse(open(path).read(), pipeline_pb2.TrainEvalPipelineConfig())
    pipeline.train_config.ClearField('data_augmentation_options')
    pipeline.train_config.fine_tune_checkpoint_type = 'full'
    pipeline.train_config.fine_tune_checkpoint = os.path.join(folder, 'theirs', 'ckpt-1')
    if name.endswith('v1_fpn'):
        text_format.Merge(RMS_PROP, pipeline.train_config)
    for kind, source in (('full', 'theirs'), ('detection', 'theirs'), ('classification', 'classification')):
        pipeline.train_config.fine_tune_checkpoint_type = kind
        pipeline.train_config.fine_tune_checkpoint = os.path.join(folder, source, 'ckpt-1')
        with open(os.path.join(folder, kind + '.config'), 'w') as f:
            f.write(text_format.MessageToString(pipeline))
    path = os.path.join(folder, 'full.config')
    model, optimizer, step = build(path)
    rng = np.random.RandomState(index)
    for v in {id(v): v for v in model.variables + slots_of(model, optimizer)}.values():
        v.assign(tf.cast(rng.standard_normal(v.shape), v.dtype))
    step.assign(7)
    optimizer.iterations.assign(7)
    os.makedirs(os.path.join(folder, 'theirs'), exist_ok=True)
    tf.train.Checkpoint(step=step, model=model, optimizer=optimizer).save(os.path.join(folder, 'theirs', 'ckpt'))
    network = backbone(model)
    if network is not None:
        tf.train.Checkpoint(feature_extractor=network).save(os.path.join(folder, 'classification', 'ckpt'))


def values(prefix):
    reader = tf.train.load_checkpoint(prefix)
    return {k: reader.get_tensor(k) for k in reader.get_variable_to_dtype_map() if k.endswith(SUFFIX)}


def fail(name, text):
    sys.exit(f'{name}: {text}')


def check_same(name, ours, theirs):
    """Every number of theirs under the same key here. Upstream's optimiser has no number that ours lacks."""
    for k in theirs:
        if k not in ours:
            fail(name, f'{k} is missing in ours')
        if not np.array_equal(ours[k], theirs[k]):
            fail(name, f'{k} differs')
    extra = [k for k in ours if k not in theirs]
    if extra:
        fail(name, f'ours has {extra[0]}, too')


def check_restored(name, folder, theirs):
    """ours in the OD API: matched, and each object has its own value."""
    model, optimizer, step = build(os.path.join(folder, 'full.config'))
    tf.train.Checkpoint(step=step, model=model, optimizer=optimizer).restore(os.path.join(folder, 'ours', 'ckpt-1')).assert_existing_objects_matched()
    if int(step) != 7 or int(optimizer.iterations) != 7:
        fail(name, 'step or iterations were not restored')
    again = os.path.join(folder, 'again')
    check_same(name, values(tf.train.Checkpoint(step=step, model=model, optimizer=optimizer).save(os.path.join(again, 'ckpt'))), theirs)
    for kind in ('detection', 'full'):  # as model_lib_v2.load_fine_tune_checkpoint does
        for v in model.variables:
            v.assign(tf.zeros_like(v))
        tf.train.Checkpoint(**model.restore_from_objects(kind)).restore(os.path.join(folder, 'ours', 'ckpt-1')).expect_partial().assert_existing_objects_matched()
    return model


def check_fine_tuned(name, folder, model, theirs):
    """Which keys the OD API's fine-tuning fills, found by restoring into a zeroed model, against what objdet filled."""
    counts = {}
    for kind, saved, source in (('full', 'full', 'theirs'), ('detection', 'detection', 'theirs'), ('classification', 'classified', 'classification')):
        if kind == 'classification' and backbone(model) is None:
            continue
        for v in model.variables:
            v.assign(tf.zeros_like(v))
        prefix = os.path.join(folder, source, 'ckpt-1')
        tf.train.Checkpoint(**model.restore_from_objects(kind)).restore(prefix).expect_partial().assert_existing_objects_matched()
        want = values(tf.train.Checkpoint(model=model).save(os.path.join(folder, 'want_' + kind, 'ckpt')))
        have = values(os.path.join(folder, saved, 'ckpt-1'))
        counts[kind] = 0
        for k, w in want.items():
            if not k.startswith('model/'):
                continue
            filled = bool(np.any(w))
            counts[kind] += filled
            if filled != np.array_equal(have[k], theirs[k]):
                fail(name, f'{kind}: {k} was {"not " if filled else ""}restored here')
    return counts


def check_family(out, name):
    folder = os.path.join(out, name)
    theirs = values(os.path.join(folder, 'theirs', 'ckpt-1'))
    check_same(name, values(os.path.join(folder, 'ours', 'ckpt-1')), theirs)
    model = check_restored(name, folder, theirs)
    counts = check_fine_tuned(name, folder, model, theirs)
    variables = sum(k.startswith('model/') and '.OPTIMIZER_SLOT' not in k for k in theirs)
    print(f'{name}: {variables} variables, {len(theirs) - variables} others equal both ways; fine-tuning takes ' + ', '.join(f'{k} {v}' for k, v in counts.items()), flush=True)


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ('write', 'check'):
        sys.exit(__doc__)
    shared, out = sys.argv[2], os.path.abspath(sys.argv[3])
    odd_fixtures.allow_small_resnets()
    for index, name in enumerate(FAMILIES):
        if sys.argv[4:] and name not in sys.argv[4:]:
            continue
        tf.keras.backend.clear_session()
        if sys.argv[1] == 'write':
            write_family(shared, out, name, index)
            print(name, flush=True)
        else:
            check_family(out, name)


if __name__ == '__main__':
    main()
