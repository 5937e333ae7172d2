#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes oracle_TOPIC.h, a file a topic: small inputs and what the TF Object Detection API makes of them.

usage: detection_tables.py tests/detection      (needs the OD API's Python environment, see ../shared/oracle)
"""
import sys
import numpy as np
import od_oracle  # noqa: F401  (sets TensorFlow up)
import tensorflow as tf
from object_detection.anchor_generators import flexible_grid_anchor_generator, grid_anchor_generator, multiple_grid_anchor_generator, multiscale_grid_anchor_generator
from object_detection.box_coders import faster_rcnn_box_coder, mean_stddev_box_coder, square_box_coder
from object_detection.core import box_list, losses, matcher as matcher_lib, post_processing, region_similarity_calculator as similarity, target_assigner
from object_detection.matchers import argmax_matcher
from object_detection.builders import model_builder
from object_detection.protos import model_pb2
from google.protobuf import text_format

rng = np.random.RandomState(5)
out = None


def text(v):
    if np.asarray(v).dtype.kind in 'iub': return str(int(v))
    s = '%.9g' % v
    return (s if '.' in s or 'e' in s else s + '.0') + 'f'


def table(name, values):
    a = np.asarray(values)
    kind = 'int32_t' if a.dtype.kind in 'iub' else 'float'
    flat = [text(v) for v in a.ravel()]
    out.write(f'static const {kind} {name}[] = {{ /* {list(a.shape)} */\n')
    for i in range(0, len(flat), 12): out.write('    ' + ', '.join(flat[i:i + 12]) + ',\n')
    out.write('};\n')


def boxes(n, side=.5):
    low = rng.uniform(-.1, .9, (n, 2)); return np.concatenate([low, low + rng.uniform(.02, side, (n, 2))], 1).astype('f4')


def topic(name):
    """Ends the last file and begins oracle_NAME.h; without a name only ends."""
    global out
    if out:
        out.write('\n#endif\n')
        out.close()
    if not name: return
    guard = 'ORACLE_%s_H' % name.upper()
    out = open(f'{sys.argv[1]}/oracle_{name}.h', 'w')
    out.write(f'''/* SPDX-License-Identifier: Apache-2.0
 *
 * Written by tests/oracle/detection_tables.py with the TF Object Detection API; not to be edited.
 */
#ifndef {guard}
#define {guard}

#include <stdint.h>

''')


# --- losses: [1, 8, 3] logits and targets, a weight an anchor ---
topic('losses')
logits = rng.normal(0, 3, (1, 8, 3)).astype('f4'); logits[0, 7] = [30, -30, 0]
targets = np.zeros((1, 8, 3), 'f4')
for i, c in enumerate([0, 1, 2, 0, 1, 2, 0]): targets[0, i, c] = 1
targets[0, 1] = [.3, .6, .1]
weights = rng.uniform(.2, 2, (1, 8)).astype('f4'); weights[0, 3] = 0
table('loss_logits', logits); table('loss_targets', targets); table('loss_weights', weights)


def record(name, loss, prediction, target, w):
    p = tf.Variable(prediction)
    with tf.GradientTape() as tape:
        value = loss(p, tf.constant(target), weights=tf.constant(w)); total = tf.reduce_sum(value)
    table(name + '_losses', value.numpy()); table(name + '_grad', tape.gradient(total, p).numpy())


every = np.repeat(weights[:, :, None], 3, 2)
record('focal_2', losses.SigmoidFocalClassificationLoss(gamma=2., alpha=.25), logits, targets, every)
record('focal_1_5', losses.SigmoidFocalClassificationLoss(gamma=1.5, alpha=.25), logits, targets, every)
record('focal_0_7', losses.SigmoidFocalClassificationLoss(gamma=.7, alpha=None), logits[:, :7], targets[:, :7], every[:, :7])
record('sigmoid', losses.WeightedSigmoidClassificationLoss(), logits, targets, every)
record('softmax', losses.WeightedSoftmaxClassificationLoss(), logits, targets, every)
record('softmax_scaled', losses.WeightedSoftmaxClassificationLoss(logit_scale=2.5), logits, targets, every)
codes, code_targets = rng.normal(0, 1.5, (1, 6, 4)).astype('f4'), rng.normal(0, 1.5, (1, 6, 4)).astype('f4')
code_weights = rng.uniform(.2, 2, (1, 6)).astype('f4')
table('loss_codes', codes); table('loss_code_targets', code_targets); table('loss_code_weights', code_weights)
record('huber_1', losses.WeightedSmoothL1LocalizationLoss(), codes, code_targets, code_weights)
record('huber_0_4', losses.WeightedSmoothL1LocalizationLoss(delta=.4), codes, code_targets, code_weights)
record('l2', losses.WeightedL2LocalizationLoss(), codes, code_targets, code_weights)
record('l1', losses.L1LocalizationLoss(), codes, code_targets, np.repeat(code_weights[:, :, None], 4, 2))

# --- anchors ---
def anchors_of(generator, shapes, **kw): return np.concatenate([b.get().numpy() for b in generator.generate(shapes, **kw)])


topic('anchors')
table('anchors_ssd', anchors_of(multiple_grid_anchor_generator.create_ssd_anchors(num_layers=3, min_scale=np.float64(np.float32(.2)), max_scale=np.float64(np.float32(.95)),
      aspect_ratios=[float(np.float32(v)) for v in (1., 2., .3333)], anchor_strides=[(16, 20), (32, 40), (64, 80)], anchor_offsets=[(8, 10), (16, 20), (0, 0)],
      base_anchor_size=[float(np.float32(.9)), 1.], reduce_boxes_in_lowest_layer=False), [(3, 2), (2, 1), (1, 1)], im_height=60, im_width=90))
table('anchors_ssd_scales', anchors_of(multiple_grid_anchor_generator.create_ssd_anchors(num_layers=2, scales=[float(np.float32(v)) for v in (.3, .7)],
      aspect_ratios=[1., 2.], interpolated_scale_aspect_ratio=0.), [(2, 2), (1, 2)], im_height=300, im_width=200))
table('anchors_multiscale', anchors_of(multiscale_grid_anchor_generator.MultiscaleGridAnchorGenerator(4, 5, 3., [1., float(np.float32(2.3))], 3), [(4, 3), (2, 2)], im_height=50, im_width=64))
table('anchors_grid', anchors_of(grid_anchor_generator.GridAnchorGenerator([.25, 2.], [.5, 1.], [256, 200], [16, 8], [3, 4]), [(2, 3)]))
table('anchors_flexible', anchors_of(flexible_grid_anchor_generator.FlexibleGridAnchorGenerator([(30., 50.), (90.,)], [(1., 2.), (.5,)], [(16, 16), (32, 32)], [(8, 8), (0, 0)]), [(2, 2), (1, 2)], im_height=64, im_width=48))

# --- box coders ---
topic('box_coders')
coder_boxes, coder_anchors = boxes(5), boxes(5)
coder_boxes[4, 2:] = coder_boxes[4, :2]
table('coder_boxes', coder_boxes); table('coder_anchors', coder_anchors)
for name, coder in (('faster', faster_rcnn_box_coder.FasterRcnnBoxCoder([10., 10., 5., 5.])), ('stddev', mean_stddev_box_coder.MeanStddevBoxCoder(float(np.float32(.1)))),
                    ('square', square_box_coder.SquareBoxCoder([10., 9., 5.]))):
    code = coder.encode(box_list.BoxList(tf.constant(coder_boxes)), box_list.BoxList(tf.constant(coder_anchors))).numpy()
    table(f'coder_{name}_codes', code)
    small = np.clip(code, -20, 20).astype('f4')
    table(f'coder_{name}_decoded', coder.decode(tf.constant(small), box_list.BoxList(tf.constant(coder_anchors))).get().numpy())

# --- matching: 40 anchors, 5 boxes (one without area, one of weight 0), class ids 0..2 ---
topic('matching')
match_anchors, match_boxes = boxes(40, .6), boxes(5, .6)
match_boxes[1] = match_anchors[7]; match_boxes[4] = match_boxes[1]; match_boxes[3, 2:] = match_boxes[3, :2]
match_weights = np.array([1, .5, 0, 1, 1], 'f4'); match_classes = np.array([0, 2, 1, 1, 0], 'i4')
table('match_anchors', match_anchors); table('match_boxes', match_boxes); table('match_weights', match_weights); table('match_classes', match_classes)
for name, sim, kw in (('plain', similarity.IouSimilarity(), dict(matched_threshold=.5, unmatched_threshold=.3)),
                      ('force', similarity.IouSimilarity(), dict(matched_threshold=.4, unmatched_threshold=.2, force_match_for_each_row=True)),
                      ('between', similarity.IouSimilarity(), dict(matched_threshold=.4, unmatched_threshold=.1, negatives_lower_than_unmatched=False)),
                      ('nothresholds', similarity.IouSimilarity(), dict(matched_threshold=None)),
                      ('ioa', similarity.IoaSimilarity(), dict(matched_threshold=.6, unmatched_threshold=.2, force_match_for_each_row=True)),
                      ('distance', similarity.NegSqDistSimilarity(), dict(matched_threshold=-.1, unmatched_threshold=-.3, force_match_for_each_row=True)),
                      ('thresholded', similarity.ThresholdedIouSimilarity(float(np.float32(.2))), dict(matched_threshold=.5, unmatched_threshold=.5, force_match_for_each_row=True))):
    assigner = target_assigner.TargetAssigner(sim, argmax_matcher.ArgMaxMatcher(**kw), faster_rcnn_box_coder.FasterRcnnBoxCoder([10., 10., 5., 5.]), negative_class_weight=.75)
    labels = tf.one_hot(match_classes, 3)
    ct, cw, rt, rw, match = assigner.assign(box_list.BoxList(tf.constant(match_anchors)), box_list.BoxList(tf.constant(match_boxes)), labels,
                                            tf.constant([0., 0., 0.]), tf.constant(match_weights))
    table(f'match_{name}', match.numpy().astype('i4'))
    if name == 'force': table('match_force_class', ct.numpy()); table('match_force_class_weights', cw.numpy()); table('match_force_codes', rt.numpy()); table('match_force_box_weights', rw.numpy())

# --- multi-class non-max suppression: 60 boxes, 3 classes, quantised scores for ties ---
topic('nms')
nms_boxes = boxes(60, .6); nms_boxes[10] = nms_boxes[11]; nms_boxes[20, 2] = nms_boxes[20, 0]; nms_boxes[30] = [1.2, 1.2, 1.4, 1.5]
nms_scores = (rng.randint(0, 25, (60, 3)) / 25.).astype('f4')
nms_scores[20] = .99; nms_scores[30] = .99
nms_class_boxes = np.stack([boxes(60, .6) for _ in range(3)], 1)
table('nms_boxes', nms_boxes); table('nms_scores', nms_scores); table('nms_class_boxes', nms_class_boxes)
for name, q, kw in (('hard', 1, {}), ('few', 1, dict(max_size_per_class=2, max_total_size=4)), ('threshold', 1, dict(score_thresh=.6, iou_thresh=.3)),
                    ('soft', 1, dict(soft_nms_sigma=.3, score_thresh=.2)), ('window', 1, dict(clip_window=tf.constant([.1, .2, .7, .8]), change_coordinate_frame=True)),
                    ('keepframe', 1, dict(clip_window=tf.constant([.1, .2, .7, .8]), change_coordinate_frame=False)),
                    ('agnostic', 1, dict(use_class_agnostic_nms=True)), ('perclass', 3, {}), ('agnostic_perclass', 3, dict(use_class_agnostic_nms=True)),
                    ('static', 1, dict(use_static_shapes=True, score_thresh=.5))):
    args = dict(score_thresh=.05, iou_thresh=.5, max_size_per_class=20, max_total_size=30, clip_window=tf.constant([0., 0., 1., 1.]), change_coordinate_frame=True); args.update(kw)
    b = nms_boxes[:, None] if q == 1 else nms_class_boxes
    nb, ns, nc, _, extra, n = post_processing.batch_multiclass_non_max_suppression(tf.constant(b[None]), tf.constant(nms_scores[None]),
        additional_fields={'index': tf.constant(np.arange(60, dtype='f4')[None])}, **args)
    n = int(n[0])
    valid = ns.numpy()[0] > 0
    n = int(valid[:n].sum())
    table(f'nms_{name}_boxes', nb.numpy()[0, :n]); table(f'nms_{name}_scores', ns.numpy()[0, :n])
    table(f'nms_{name}_classes', nc.numpy()[0, :n].astype('i4')); table(f'nms_{name}_index', extra['index'].numpy()[0, :n].astype('i4'))

# --- hard-example mining: 50 anchors ---
mine_boxes, mine_class, mine_box = boxes(50, .6), rng.uniform(0, 3, 50).astype('f4'), rng.uniform(0, 3, 50).astype('f4')
mine_match = rng.choice([-2, -1, -1, -1, -1, 0, 1], 50).astype('i4')
table('mine_boxes', mine_boxes); table('mine_class_losses', mine_class); table('mine_box_losses', mine_box); table('mine_match', mine_match)
for name, kw in (('both', dict(max_negatives_per_positive=2, min_negatives_per_image=3)), ('cls', dict(loss_type='cls', max_negatives_per_positive=1)),
                 ('loc', dict(loss_type='loc', num_hard_examples=12)), ('all', dict(num_hard_examples=None, iou_threshold=.3, max_negatives_per_positive=3))):
    args = dict(num_hard_examples=20, iou_threshold=.7, loss_type='both', cls_loss_weight=1., loc_loss_weight=.5); args.update(kw)
    miner = losses.HardExampleMiner(**args)
    l, c = tf.Variable(mine_box), tf.Variable(mine_class)
    with tf.GradientTape() as tape:
        loc, cls = miner(l[None], c[None], [box_list.BoxList(tf.constant(mine_boxes))], [matcher_lib.Match(tf.constant(mine_match))]); total = loc + cls
    grad = tf.convert_to_tensor(tape.gradient(total, c)).numpy()
    table(f'mine_{name}', (grad > 0).astype('i4')); table(f'mine_{name}_sums', np.array([loc.numpy(), cls.numpy()], 'f4'))
# --- whole losses of models, from predictions that are made up: 2 images ---
topic('ssd_loss')
def truth(model, boxes_list, classes_list, weights_list, depth):
    model.provide_groundtruth(groundtruth_boxes_list=[tf.constant(b) for b in boxes_list], groundtruth_classes_list=[tf.one_hot(c, depth) for c in classes_list],
                              groundtruth_weights_list=[tf.constant(w) for w in weights_list])


def record_model(name, model, predictions, extra, shapes, keys):
    variables = {k: [tf.Variable(v) for v in vs] for k, vs in predictions.items()}
    with tf.GradientTape() as tape:
        given = {k: (v if isinstance(extra.get(k), list) else v[0]) for k, v in variables.items()}
        given.update({k: v for k, v in extra.items() if not isinstance(v, list)})
        result = model.loss(given, tf.constant(shapes)); total = tf.add_n(list(result.values()))
    flat = [v for vs in variables.values() for v in vs]
    table(f'{name}_values', np.array([result[k].numpy() for k in keys], 'f4'))
    grads = tape.gradient(total, flat)
    for (k, i), g in zip([(k, i) for k, vs in variables.items() for i in range(len(vs))], grads):
        table(f"{name}_d_{k.split('/')[-1]}" + (f'_{i}' if isinstance(extra.get(k), list) else ''), tf.convert_to_tensor(g).numpy())


SSD = """ssd { num_classes: 2 image_resizer { fixed_shape_resizer { height: 64 width: 64 } } feature_extractor { type: "ssd_mobilenet_v2_keras" conv_hyperparams { initializer { random_normal_initializer { } } regularizer { l2_regularizer { } } } }
  box_coder { faster_rcnn_box_coder { } } matcher { argmax_matcher { matched_threshold: 0.4 unmatched_threshold: 0.3 force_match_for_each_row: true } } similarity_calculator { iou_similarity { } }
  box_predictor { convolutional_box_predictor { conv_hyperparams { initializer { random_normal_initializer { } } regularizer { l2_regularizer { } } } } }
  anchor_generator { ssd_anchor_generator { aspect_ratios: 1 } } post_processing { batch_non_max_suppression { } score_converter: SIGMOID } %s }"""
ssd_anchors = np.concatenate([boxes(40, .5), match_boxes[:2] + .02]).astype('f4')
ssd_boxes, ssd_classes, ssd_weights = [boxes(3, .5), boxes(1, .5)], [np.array([0, 1, 1]), np.array([1])], [np.array([1, .5, 1], 'f4'), np.array([1], 'f4')]
ssd_boxes[0][0] = ssd_anchors[40]
ssd_codes, ssd_logits = rng.normal(0, .7, (2, 42, 4)).astype('f4'), rng.normal(-1, 2, (2, 42, 3)).astype('f4')
table('ssd_anchors', ssd_anchors); table('ssd_codes', ssd_codes); table('ssd_logits', ssd_logits)
for i in range(2): table(f'ssd_boxes_{i}', ssd_boxes[i]); table(f'ssd_classes_{i}', ssd_classes[i]); table(f'ssd_weights_{i}', ssd_weights[i])
for name, more in (('ssd_focal', 'normalize_loc_loss_by_codesize: true encode_background_as_zeros: true negative_class_weight: 0.8 loss { classification_weight: 1.2 localization_weight: 0.7 localization_loss { weighted_smooth_l1 { delta: 0.5 } } classification_loss { weighted_sigmoid_focal { gamma: 1.5 alpha: 0.25 } } }'),
                   ('ssd_mined', 'encode_background_as_zeros: true loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid { } } hard_example_miner { num_hard_examples: 25 iou_threshold: 0.8 max_negatives_per_positive: 2 min_negatives_per_image: 2 } }'),
                   ('ssd_softmax', 'normalize_loss_by_num_matches: false loss { localization_loss { weighted_l2 { } } classification_loss { weighted_softmax { } } hard_example_miner { num_hard_examples: 0 loss_type: CLASSIFICATION iou_threshold: 0.9 max_negatives_per_positive: 3 } }')):
    model = model_builder.build(text_format.Parse(SSD % more, model_pb2.DetectionModel()), is_training=True)
    model._anchors = box_list.BoxList(tf.constant(ssd_anchors)); truth(model, ssd_boxes, ssd_classes, ssd_weights, 2)
    record_model(name, model, {'box_encodings': [ssd_codes], 'class_predictions_with_background': [ssd_logits]}, {}, [[64, 64, 3]] * 2,
                 ['Loss/localization_loss', 'Loss/classification_loss'])

topic('center_net')
CENTER = """center_net { num_classes: 3 feature_extractor { type: "resnet_v2_50" } image_resizer { keep_aspect_ratio_resizer { min_dimension: 64 max_dimension: 64 pad_to_max_dimension: true } }
  object_detection_task { task_loss_weight: 0.9 offset_loss_weight: 1.1 scale_loss_weight: 0.2 localization_loss { l1_localization_loss { } } }
  object_center_params { object_center_loss_weight: 0.8 classification_loss { penalty_reduced_logistic_focal_loss { alpha: %g beta: %g } } min_box_overlap_iou: 0.6 max_box_predictions: 20 } }"""
center_boxes = [boxes(4, .7).clip(0, .99), boxes(2, .3).clip(0, .99)]
center_boxes[0][1] = center_boxes[0][0] + .002  # two centres in one cell
center_classes, center_weights = [np.array([0, 2, 1, 1]), np.array([2, 0])], [np.array([1, 1, .5, 0], 'f4'), np.array([1, 1], 'f4')]
for i in range(2): table(f'center_boxes_{i}', center_boxes[i]); table(f'center_classes_{i}', center_classes[i]); table(f'center_weights_{i}', center_weights[i])
center_predictions = {k: [rng.normal(m, s, (2, 6, 8, c)).astype('f4') for _ in range(2)] for k, m, s, c in
                      (('object_center', -2.2, 3, 3), ('box/scale', 3, 2, 2), ('box/offset', .5, .4, 2))}
center_predictions['object_center'][0][0, 0, 0] = [12, -12, 0]
for k, vs in center_predictions.items():
    for i in range(2): table(f"center_{k.split('/')[-1]}_{i}", vs[i])
for name, alpha, beta in (('center', 2, 4), ('center_odd', 1.5, 3)):
    model = model_builder.build(text_format.Parse(CENTER % (alpha, beta), model_pb2.DetectionModel()), is_training=True)
    truth(model, center_boxes, center_classes, center_weights, 3)
    record_model(name, model, center_predictions, {'object_center': [], 'box/scale': [], 'box/offset': [], 'preprocessed_inputs': tf.zeros((2, 24, 32, 3))},
                 [[24, 32, 3], [22, 27, 3]], ['Loss/object_center', 'Loss/box/scale', 'Loss/box/offset'])
found = model.postprocess({k: [tf.constant(v) for v in vs] for k, vs in center_predictions.items()}, tf.constant([[24, 32, 3], [22, 27, 3]]))
count = found['num_detections'].numpy()
table('center_found_count', count); table('center_found_boxes', found['detection_boxes'].numpy()); table('center_found_scores', found['detection_scores'].numpy()); table('center_found_classes', found['detection_classes'].numpy())
topic(None)
