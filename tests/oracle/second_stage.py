# SPDX-License-Identifier: Apache-2.0
"""Writes tests/models/data/second_stage.safetensors: what the OD API's Faster R-CNN makes of given predictions: proposals, detections, losses
with their gradients, for options of its config. No network is built, and minibatches take everything.

usage: PYTHONPATH=../shared/oracle python tests/oracle/second_stage.py tests/models/data/second_stage.safetensors

For each case `NAME/...`: config (the FasterRcnn message as text); of those that change them (see SHOWS): proposals [2,P,4], their count [2];
detections: boxes, scores, classes, indices, count; losses [5] (RPN localization, objectness; second stage's localization, classification, mask),
d_codes, d_logits, d_masks. Given, under `given/`: anchors [A,4], rpn_codes, rpn_logits, boxes [2,P,4] and counts [2] (proposals), codes [2P,3,4],
logits [2P,4], mask_logits [2P,3,5,6], truth/{boxes,classes,weights,masks}/{0,1} (boxes relative to the padded image), true_shapes. A shared
box or mask takes the first of the three.
"""
import sys
import od_oracle
import numpy as np, tensorflow as tf
from google.protobuf import text_format
from golden import save, uniform
from object_detection.builders import model_builder
from object_detection.protos import model_pb2

H, W, P, K, MH, MW = 64, 80, 24, 3, 5, 6
INIT = 'initializer { truncated_normal_initializer { } }'
BASE = '''
  number_of_stages: %(stages)d num_classes: 3 image_resizer { fixed_shape_resizer { height: 64 width: 80 } } feature_extractor { type: 'faster_rcnn_resnet50_keras' }
  first_stage_anchor_generator { grid_anchor_generator { scales: 1 aspect_ratios: 1 } } first_stage_box_predictor_conv_hyperparams { ''' + INIT + ''' }
  first_stage_minibatch_size: 1000 first_stage_positive_balance_fraction: 1 first_stage_nms_score_threshold: %(least)g first_stage_nms_iou_threshold: 0.5 first_stage_max_proposals: 24
  second_stage_batch_size: 24 second_stage_balance_fraction: 1 initial_crop_size: 14 maxpool_kernel_size: 2 maxpool_stride: 2
  second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams { ''' + INIT + ''' } %(predictor)s } }
  second_stage_post_processing { %(nms)s %(post)s } %(loss)s %(more)s
'''
PLAIN = dict(stages=2, least=0, predictor='', post='score_converter: SOFTMAX', loss='', more='',
             nms='batch_non_max_suppression { score_threshold: 0.1 iou_threshold: 0.5 max_detections_per_class: 8 max_total_detections: 12 }')
def nms(s): return dict(nms='batch_non_max_suppression { score_threshold: 0.1 iou_threshold: 0.5 max_detections_per_class: 8 max_total_detections: 12 %s }' % s)
def masks(s=''): return dict(stages=3, predictor='predict_instance_masks: true mask_height: 5 mask_width: 6 conv_hyperparams { %s } %s' % (INIT, s))
SHARED = dict(predictor='share_box_across_classes: true')
MINER = 'hard_example_miner { num_hard_examples: %d iou_threshold: 0.6 loss_type: %s max_negatives_per_positive: %d }'
CASES = dict(
    plain={}, shared=SHARED, soft=nms('soft_nms_sigma: 0.5'), soft_shared=dict(SHARED, **nms('soft_nms_sigma: 0.3')), agnostic=nms('use_class_agnostic_nms: true'),
    agnostic_shared=dict(SHARED, **nms('use_class_agnostic_nms: true')), agnostic_soft=nms('use_class_agnostic_nms: true soft_nms_sigma: 0.5'), static=nms('use_static_shapes: true'),
    partitioned=nms('use_static_shapes: true use_partitioned_nms: true'), agnostic_partitioned=nms('use_class_agnostic_nms: true use_static_shapes: true use_partitioned_nms: true'),
    partitioned_alone=nms('use_partitioned_nms: true'), hard=nms('use_hard_nms: true'), own_frame=nms('change_coordinate_frame: false'), combined=nms('use_combined_nms: true change_coordinate_frame: false'),
    sigmoid_scores=dict(post='score_converter: SIGMOID'), identity=dict(post='score_converter: IDENTITY'), scaled_scores=dict(post='score_converter: SOFTMAX logit_scale: 2'),
    temperature=dict(post='score_converter: SIGMOID calibration_config { temperature_scaling_calibration { scaler: 2.5 } }'),
    scaled=dict(loss='second_stage_classification_loss { weighted_softmax { logit_scale: 2 } }'), sigmoid=dict(loss='second_stage_classification_loss { weighted_sigmoid { } }'),
    focal=dict(loss='second_stage_classification_loss { weighted_sigmoid_focal { gamma: 1.5 alpha: 0.3 } }'),
    weights=dict(loss='second_stage_localization_loss_weight: 3 second_stage_classification_loss_weight: 0.5 first_stage_localization_loss_weight: 0.7 first_stage_objectness_loss_weight: 2'),
    shared_loss=dict(SHARED, loss='second_stage_localization_loss_weight: 2'),
    miner=dict(loss=MINER % (6, 'BOTH', 0)), miner_classes=dict(loss=MINER % (9, 'CLASSIFICATION', 1)), miner_boxes=dict(SHARED, loss=MINER % (4, 'LOCALIZATION', 0)),
    masks=masks(), masks_matmul=dict(masks(), more='use_matmul_crop_and_resize: true'), masks_agnostic=masks('masks_are_class_agnostic: true'),
    masks_weight=dict(masks(), loss='second_stage_mask_prediction_loss_weight: 4'),
    first_combined=dict(more='use_combined_nms_in_first_stage: true'), first_static=dict(more='use_static_shapes: true'),
    first_partitioned=dict(more='use_static_shapes: true use_static_shapes_for_eval: true use_partitioned_nms_in_first_stage: true'),
    first_partitioned_training=dict(more='use_static_shapes: true use_partitioned_nms_in_first_stage: true'), first_least=dict(least=0.4),
)
BOXES = [np.array([[.1, .15, .55, .6], [.4, .3, .95, .9], [.62, .05, .8, .3]], 'f4'), np.array([[.2, .25, .7, .8]], 'f4')]
CLASSES = [np.array([0, 2, 1], 'i4'), np.array([1], 'i4')]
WEIGHTS = [np.array([1, .5, 1], 'f4'), np.array([1], 'f4')]
TRUE_SHAPES = np.array([[H, W, 3], [48, W, 3]], 'i4')


def near(name, n, boxes, spread):
    """n boxes in pixels, most of them near one of `boxes`; the last eight are four boxes and a half of each, overlaps of exactly 1/2. (Longer chains of
    those tell little: there the partitioned suppression's dropped boxes still drop others.)"""
    u, out = uniform(name, n * 5).reshape(n, 5), []
    for i in range(n):
        b = boxes[i % len(boxes)] * [H, W, H, W] + spread * (u[i, :4] - .5)
        y, x = sorted(np.clip(b[[0, 2]], 0, H)), sorted(np.clip(b[[1, 3]], 0, W))
        out.append([y[0], x[0], y[1] + 1, x[1] + 1])
    for i in range(8): out[n - 8 + i] = [16 * (i // 4), 64 * (i // 2 % 2), 16 * (i // 4) + (8 if i % 2 else 16), 64 * (i // 2 % 2) + 16]
    return np.clip(np.array(out, 'f4'), 0, [H, W, H, W]).astype('f4')


def given():
    g, a = {}, 40
    g['anchors'] = near('anchors', a, BOXES[0], 24)
    g['rpn_codes'] = (2 * uniform('rpn_codes', 2 * a * 4) - 1).reshape(2, a, 4).astype('f4')
    g['rpn_codes'][:, -8:] = 0
    g['rpn_logits'] = (4 * uniform('rpn_logits', 2 * a * 2) - 2).reshape(2, a, 2).astype('f4')
    g['boxes'] = np.stack([near('proposals', P, BOXES[0], 10), near('more', P, BOXES[1], 10)])
    g['counts'] = np.array([P, 17], 'i4')
    g['boxes'][1, 17:] = 0
    g['codes'] = (3 * uniform('codes', 2 * P * K * 4) - 1.5).reshape(2 * P, K, 4).astype('f4')
    g['codes'][P - 8:P] = 0
    g['logits'] = (5 * uniform('logits', 2 * P * (K + 1)) - 2).reshape(2 * P, K + 1).astype('f4')
    g['mask_logits'] = (6 * uniform('mask_logits', 2 * P * K * MH * MW) - 3).reshape(2 * P, K, MH, MW).astype('f4')
    for i in range(2):
        y, x = np.mgrid[0:H, 0:W]
        m = [((y - H * (b[0] + b[2]) / 2) / (H * (b[2] - b[0]) / 2)) ** 2 + ((x - W * (b[1] + b[3]) / 2) / (W * (b[3] - b[1]) / 2)) ** 2 <= 1 for b in BOXES[i]]
        g.update({f'truth/boxes/{i}': BOXES[i], f'truth/classes/{i}': CLASSES[i], f'truth/weights/{i}': WEIGHTS[i], f'truth/masks/{i}': np.array(m).astype('u1')})
    g['true_shapes'] = TRUE_SHAPES
    return g


def find_losses(model, g, config, t):
    with_masks, shared = config.number_of_stages == 3, config.second_stage_box_predictor.mask_rcnn_box_predictor.share_box_across_classes
    agnostic = config.second_stage_box_predictor.mask_rcnn_box_predictor.masks_are_class_agnostic
    x = tf.constant(g['codes'][:, :1] if shared else g['codes'])
    y, z = tf.constant(g['logits']), tf.constant(g['mask_logits'][:, :1] if agnostic else g['mask_logits'])
    r, o = tf.constant(g['rpn_codes']), tf.constant(g['rpn_logits'])
    with tf.GradientTape() as tape:
        tape.watch([x, y, z, r, o])
        p = {'rpn_box_encodings': r, 'rpn_objectness_predictions_with_background': o, 'rpn_features_to_crop': [], 'anchors': tf.constant(g['anchors']),
             'image_shape': tf.constant([2, H, W, 3]), 'refined_box_encodings': x, 'class_predictions_with_background': y, 'num_proposals': tf.constant(g['counts']),
             'proposal_boxes': tf.constant(g['boxes'])}
        if with_masks: p['mask_predictions'] = z
        losses = model.loss(p, tf.constant(TRUE_SHAPES))
        total = sum(losses.values())
    keys = ['RPNLoss/localization', 'RPNLoss/objectness', 'BoxClassifierLoss/localization', 'BoxClassifierLoss/classification', 'BoxClassifierLoss/mask']
    t['losses'] = np.array([losses['Loss/%s_loss' % k].numpy() if 'Loss/%s_loss' % k in losses else 0 for k in keys], 'f4')
    for key, v, gradient in zip(('d_codes', 'd_logits', 'd_masks', 'd_rpn_codes', 'd_rpn_logits'), (x, y, z, r, o), tape.gradient(total, [x, y, z, r, o])):
        if key != 'd_masks' or with_masks: t[key] = np.zeros_like(v.numpy()) if gradient is None else tf.convert_to_tensor(gradient).numpy()


def find_detections(model, g, shared, t):
    d = model._postprocess_box_classifier(tf.constant(g['codes'][:, :1] if shared else g['codes']), tf.constant(g['logits']), tf.constant(g['boxes']), tf.constant(g['counts']), tf.constant(TRUE_SHAPES))
    t['count'] = d['num_detections'].numpy().astype('i4')
    t['boxes'], t['scores'], t['classes'] = d['detection_boxes'].numpy(), d['detection_scores'].numpy(), d['detection_classes'].numpy().astype('i4')
    t['indices'] = d['detection_anchor_indices'].numpy()


def find_proposals(model, g, t):
    boxes, _, _, count, _, _ = model._postprocess_rpn(tf.constant(g['rpn_codes']), tf.constant(g['rpn_logits']), tf.constant(g['anchors']), tf.constant([[H, W], [H, W]]), tf.constant(TRUE_SHAPES))
    t['proposals'], t['proposal_count'] = boxes.numpy() * np.array([H, W, H, W], 'f4'), count.numpy().astype('i4')


def run(name, edits, g, out):
    text = BASE % dict(PLAIN, **edits)
    config = model_pb2.DetectionModel()
    text_format.Merge('faster_rcnn { %s }' % text, config)
    t = {'config': np.frombuffer(text.encode(), 'u1')}
    if name != 'combined':
        model = model_builder.build(config, is_training=True)
        model.provide_groundtruth(groundtruth_boxes_list=[tf.constant(b) for b in BOXES], groundtruth_classes_list=[tf.one_hot(c, K) for c in CLASSES],
                                  groundtruth_weights_list=[tf.constant(w) for w in WEIGHTS], groundtruth_masks_list=[tf.constant(g[f'truth/masks/{i}'].astype('f4')) for i in range(2)])
        if not edits or 'loss' in edits or 'stages' in edits: find_losses(model, g, config.faster_rcnn, t)
    model = model_builder.build(config, is_training=name == 'first_partitioned_training')
    model._hard_example_miner = model._hard_example_miner or name == 'first_partitioned_training'  # so that nothing is sampled
    if not edits or edits.keys() & {'nms', 'post'} or name == 'shared': find_detections(model, g, config.faster_rcnn.second_stage_box_predictor.mask_rcnn_box_predictor.share_box_across_classes, t)
    if not edits or name.startswith('first'): find_proposals(model, g, t)
    print(name, t.get('losses'), t.get('count'), t.get('proposal_count'))
    out.update({f'{name}/{k}': v for k, v in t.items()})


if __name__ == '__main__':
    inputs = given()
    out = {f'given/{k}': v for k, v in inputs.items()}
    for name, edits in CASES.items():
        try: run(name, edits, inputs, out)
        except ValueError as e: print(name, 'REFUSED', str(e).replace('\n', ' ')[:160])
    if len(sys.argv) > 1: save(sys.argv[1], out)
