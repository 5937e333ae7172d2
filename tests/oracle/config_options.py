# SPDX-License-Identifier: Apache-2.0
"""Writes tests/detection/data/config_options.safetensors: what the OD API computes for options of an SSD's config that no zoo config
uses (similarities, box coders, losses, suppression, calibration, anchors). The predictions are given, so no network is built.

usage: PYTHONPATH=../shared/oracle python tests/oracle/config_options.py tests/detection/data/config_options.safetensors

For each case `NAME/...`: config (the Ssd message as text), anchors [A,4], codes [2,A,code], logits [2,A,columns] (where these three aren't
plain's); of those that change training: the losses (localization, classification), their gradients d_codes and d_logits; of those that
change detections: boxes, scores, classes, keypoints and anchor indices (where there are any) and count [2]. Ground truth: truth/{boxes,classes,weights}/{0,1}, and
truth/targets/{0,1} instead of the classes for the cases k_hot*.
"""
import sys
import od_oracle
import numpy as np, tensorflow as tf
from google.protobuf import text_format
from golden import save, uniform
from object_detection.builders import model_builder
from object_detection.core import box_list
from object_detection.protos import model_pb2

BASE = '''
  num_classes: 2 image_resizer { fixed_shape_resizer { height: 64 width: 64 } }
  feature_extractor { type: 'ssd_mobilenet_v2_keras' conv_hyperparams { initializer { random_normal_initializer { } } } }
  box_coder { %(coder)s } matcher { argmax_matcher { %(matcher)s } } similarity_calculator { %(similarity)s }
  box_predictor { convolutional_box_predictor { box_code_size: %(code)d use_dropout: false conv_hyperparams { initializer { random_normal_initializer { } } } } }
  anchor_generator { %(anchors)s } loss { %(loss)s localization_loss { %(boxloss)s } classification_loss { %(classloss)s } }
  post_processing { %(nms)s %(post)s } encode_background_as_zeros: true %(more)s
'''
PLAIN = dict(coder='faster_rcnn_box_coder { }', matcher='matched_threshold: 0.4 unmatched_threshold: 0.3 force_match_for_each_row: true', similarity='iou_similarity { }', code=4,
             anchors='ssd_anchor_generator { num_layers: 2 aspect_ratios: [1, 2, 0.5] }', loss='', boxloss='weighted_smooth_l1 { }', classloss='weighted_sigmoid_focal { alpha: 0.25 }',
             nms='batch_non_max_suppression { score_threshold: 0.3 iou_threshold: 0.5 max_detections_per_class: 20 max_total_detections: 30 }', post='score_converter: SIGMOID', more='')
def nms(s): return dict(nms='batch_non_max_suppression { score_threshold: 0.3 iou_threshold: 0.5 max_detections_per_class: 20 max_total_detections: 30 %s }' % s)
PAIRS = 'x_y_pairs { x_y_pair { x: 0.1 y: 0.05 } x_y_pair { x: 0.5 y: 0.3 } x_y_pair { x: 0.9 y: 0.95 } }'
CASES = dict(
    plain={}, mean_stddev=dict(coder='mean_stddev_box_coder { stddev: 0.2 }'), square=dict(coder='square_box_coder { y_scale: 7 }', code=3),
    keypoints=dict(coder='keypoint_box_coder { num_keypoints: 3 y_scale: 7 x_scale: 6 height_scale: 4 width_scale: 3 }', code=10),
    keypoints_l2=dict(coder='keypoint_box_coder { num_keypoints: 3 }', code=10, boxloss='weighted_l2 { }'),
    keypoints_own_frame=dict(coder='keypoint_box_coder { num_keypoints: 3 }', code=10, nms='batch_non_max_suppression { score_threshold: 0.2 iou_threshold: 0.5 max_detections_per_class: 5 max_total_detections: 8 change_coordinate_frame: false }'),
    ioa=dict(similarity='ioa_similarity { }'), thresholded_iou=dict(similarity='thresholded_iou_similarity { iou_threshold: 0.25 }'),
    neg_sq_dist=dict(similarity='neg_sq_dist_similarity { }', matcher='ignore_thresholds: true'),
    in_between=dict(matcher='matched_threshold: 0.5 unmatched_threshold: 0.2 negatives_lower_than_unmatched: false force_match_for_each_row: true'),
    weighted_iou=dict(boxloss='weighted_iou { }'), weighted_giou=dict(boxloss='weighted_giou { }'), weighted_l2=dict(boxloss='weighted_l2 { }'), l1=dict(boxloss='l1_localization_loss { }'),
    huber=dict(boxloss='weighted_smooth_l1 { delta: 0.3 }'),
    sigmoid=dict(classloss='weighted_sigmoid { }'), softmax=dict(classloss='weighted_softmax { logit_scale: 2 }', post='score_converter: SOFTMAX logit_scale: 2'),
    logits_softmax=dict(classloss='weighted_logits_softmax { logit_scale: 2 }'), soft_bootstrap=dict(classloss='bootstrapped_sigmoid { alpha: 0.7 }'),
    hard_bootstrap=dict(classloss='bootstrapped_sigmoid { alpha: 0.7 hard_bootstrap: true }'),
    penalty_reduced=dict(classloss='penalty_reduced_logistic_focal_loss { alpha: 2 beta: 4 }'),
    dice=dict(classloss='weighted_dice_classification_loss { }'),
    explicit_background=dict(more='add_background_class: false explicit_background_class: true'),
    no_background=dict(more='add_background_class: false'),
    confidences=dict(more='use_confidences_as_targets: true implicit_example_weight: 0.3'),
    confidences_no_background=dict(more='add_background_class: false use_confidences_as_targets: true implicit_example_weight: 0.3'),
    soft_nms=nms('soft_nms_sigma: 0.5'), class_agnostic=nms('use_class_agnostic_nms: true'), two_classes=nms('use_class_agnostic_nms: true max_classes_per_detection: 2'),
    static=nms('use_static_shapes: true'), partitioned=nms('use_static_shapes: true use_partitioned_nms: true'), partitioned_alone=nms('use_partitioned_nms: true'), hard=nms('use_hard_nms: true'),
    agnostic_static=nms('use_class_agnostic_nms: true use_static_shapes: true'),
    combined=nms('use_combined_nms: true change_coordinate_frame: false'), combined_static=nms('use_combined_nms: true change_coordinate_frame: false use_static_shapes: true'), own_frame=nms('change_coordinate_frame: false'),
    function=dict(post='score_converter: SIGMOID calibration_config { function_approximation { %s } }' % PAIRS),
    by_class=dict(post='score_converter: SIGMOID calibration_config { class_id_function_approximations { class_id_xy_pairs_map { key: 2 value { %s } } } }' % PAIRS.replace('x_y_pairs { ', '')[:-2]),
    temperature=dict(post='score_converter: SIGMOID calibration_config { temperature_scaling_calibration { scaler: 2.5 } }'),
    identity=dict(post='logit_scale: 3'),
    grid=dict(anchors='grid_anchor_generator { height: 20 width: 24 height_stride: 16 width_stride: 16 height_offset: 8 width_offset: 8 scales: [1, 2] aspect_ratios: [1, 0.5] }'),
    flexible=dict(anchors='flexible_grid_anchor_generator { anchor_grid { base_sizes: [12, 20] aspect_ratios: [1, 2] height_stride: 16 width_stride: 16 height_offset: 8 width_offset: 8 } '
                  'anchor_grid { base_sizes: [40] aspect_ratios: [1] height_stride: 32 width_stride: 32 height_offset: 16 width_offset: 16 } }'),
    k_hot=dict(truth=1), k_hot_softmax=dict(truth=1, classloss='weighted_softmax { }'), k_hot_confidences=dict(truth=1, more='use_confidences_as_targets: true implicit_example_weight: 0.3'),
    k_hot_no_background=dict(truth=1, similarity='thresholded_iou_similarity { iou_threshold: 0.25 }', more='add_background_class: false'),
    multiscale_pixels=dict(anchors='multiscale_anchor_generator { min_level: 4 max_level: 5 anchor_scale: 1.5 aspect_ratios: [1, 2] scales_per_octave: 1 normalize_coordinates: false }'),
)
BOXES = [np.array([[.1, .15, .55, .6], [.4, .3, .95, .9], [.62, .05, .8, .3]], 'f4'), np.array([[.2, .25, .85, .8]], 'f4')]
CLASSES = [np.array([0, 1, 0], 'i4'), np.array([1], 'i4')]
TARGETS = [np.array([[.2, .8], [1, 1], [0, 0]], 'f4'), np.array([[.5, .3]], 'f4')]  # merged boxes and multiclass scores; of the cases k_hot*
KEYPOINTS = [np.array([[[.2, .2], [.3, .4], [.5, .5]], [[.5, .35], [np.nan, np.nan], [.99, .8]], [[np.nan] * 2] * 3], 'f4'), np.array([[[.1, .3], [.5, .55], [1.1, .9]]], 'f4')]  # of the cases keypoints*
WEIGHTS = [np.array([1, .5, 1], 'f4'), np.array([1], 'f4')]
TRUE_SHAPES = np.array([[64, 64, 3], [48, 64, 3]], 'i4')

def run(name, edits, out):
    values = dict(PLAIN, **edits); text = BASE % values
    config = model_pb2.DetectionModel(); text_format.Merge('ssd { %s }' % text, config)
    model = model_builder.build(config, is_training=True)
    shapes = [(4, 4)] if 'grid_anchor' in values['anchors'] and 'flexible' not in values['anchors'] else [(4, 4), (2, 2)]
    model._anchors = box_list.BoxList(tf.concat([b.get() for b in model._anchor_generator.generate(shapes, im_height=64, im_width=64)], 0))
    anchors = model.anchors.get().numpy(); a = len(anchors); columns = 2 + config.ssd.add_background_class
    codes = (3 * uniform('codes', 2 * a * values['code']) - 1.5).reshape(2, a, values['code']).astype('f4')
    if 'iou' in name and 'similarity' not in edits: codes = np.concatenate([np.minimum(codes[..., :2], codes[..., 2:]), np.maximum(codes[..., :2], codes[..., 2:])], -1)
    logits = (6 * uniform('logits', 2 * a * columns) - 3.5).reshape(2, a, columns).astype('f4')
    classes = [tf.constant(t) for t in TARGETS] if 'truth' in edits else [tf.one_hot(c, 2) for c in CLASSES]
    model.provide_groundtruth(groundtruth_boxes_list=[tf.constant(b) for b in BOXES], groundtruth_classes_list=classes,
                              groundtruth_weights_list=[tf.constant(w) for w in WEIGHTS], groundtruth_confidences_list=classes,
                              groundtruth_keypoints_list=[tf.constant(k) for k in KEYPOINTS] if 'keypoint' in values['coder'] else None)
    x, y = tf.constant(codes), tf.constant(logits)
    t = {'config': np.frombuffer(text.encode(), 'u1'), 'anchors': anchors, 'codes': codes, 'logits': logits}
    trains, detects = not edits or edits.keys() - {'nms', 'post'}, not edits or edits.keys() & {'nms', 'post', 'coder', 'anchors', 'more'}
    pixels = 'normalize_coordinates: false' in values['anchors']
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        losses = model.loss({'box_encodings': x, 'class_predictions_with_background': y}, tf.constant(TRUE_SHAPES))
        total = sum(losses.values())
    if trains:
        t['losses'] = np.array([losses['Loss/localization_loss'].numpy(), losses['Loss/classification_loss'].numpy()], 'f4')
        for key, g, like in zip(('d_codes', 'd_logits'), tape.gradient(total, [x, y]), (codes, logits)): t[key] = np.zeros_like(like) if g is None else tf.convert_to_tensor(g).numpy()
    if detects and not pixels:
        d = model.postprocess({'box_encodings': x, 'class_predictions_with_background': y, 'preprocessed_inputs': tf.zeros([2, 64, 64, 3])}, tf.constant(TRUE_SHAPES))
        t['count'] = d['num_detections'].numpy().astype('i4'); t['boxes'] = d['detection_boxes'].numpy(); t['scores'] = d['detection_scores'].numpy(); t['classes'] = d['detection_classes'].numpy().astype('i4')
        if 'detection_keypoints' in d: t['keypoints'] = d['detection_keypoints'].numpy()
        if 'detection_anchor_indices' in d: t['indices'] = d['detection_anchor_indices'].numpy().astype('i4')
    for key in ('anchors', 'codes', 'logits', 'd_codes', 'd_logits'):
        if name != 'plain' and key in t and np.array_equal(t[key], out['plain/' + key]): del t[key]
    print(name, t.get('losses'), t.get('count'))
    out.update({f'{name}/{k}': v for k, v in t.items()})

if __name__ == '__main__':
    out = {}
    for i in range(2): out.update({f'truth/boxes/{i}': BOXES[i], f'truth/classes/{i}': CLASSES[i], f'truth/targets/{i}': TARGETS[i], f'truth/keypoints/{i}': KEYPOINTS[i], f'truth/weights/{i}': WEIGHTS[i]})
    out['truth/true_shapes'] = TRUE_SHAPES
    for name, edits in CASES.items():
        try: run(name, edits, out)
        except Exception as e: print(name, 'REFUSED', type(e).__name__, str(e).replace('\n', ' ')[:160])
    if len(sys.argv) > 1: save(sys.argv[1], out)
