#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/detection/oracle_tables.h: small inputs and what the TF Object Detection API makes of them.

usage: detection_tables.py > tests/detection/oracle_tables.h      (needs the OD API's Python environment, see ../shared/oracle)
"""
import sys
import numpy as np
import od_oracle  # noqa: F401  (sets TensorFlow up)
import tensorflow as tf
from object_detection.anchor_generators import flexible_grid_anchor_generator, grid_anchor_generator, multiple_grid_anchor_generator, multiscale_grid_anchor_generator
from object_detection.box_coders import faster_rcnn_box_coder, mean_stddev_box_coder, square_box_coder
from object_detection.core import box_list, losses, matcher as matcher_lib, post_processing, region_similarity_calculator as similarity, target_assigner
from object_detection.matchers import argmax_matcher

rng = np.random.RandomState(5)
out = sys.stdout


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


out.write('''/* SPDX-License-Identifier: Apache-2.0
 *
 * Written by tests/oracle/detection_tables.py with the TF Object Detection API; not to be edited.
 */
#ifndef ORACLE_TABLES_H
#define ORACLE_TABLES_H

#include <stdint.h>

''')

# --- losses: [1, 8, 3] logits and targets, a weight an anchor ---
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


table('anchors_ssd', anchors_of(multiple_grid_anchor_generator.create_ssd_anchors(num_layers=3, min_scale=np.float64(np.float32(.2)), max_scale=np.float64(np.float32(.95)),
      aspect_ratios=[float(np.float32(v)) for v in (1., 2., .3333)], anchor_strides=[(16, 20), (32, 40), (64, 80)], anchor_offsets=[(8, 10), (16, 20), (0, 0)],
      base_anchor_size=[float(np.float32(.9)), 1.], reduce_boxes_in_lowest_layer=False), [(3, 2), (2, 1), (1, 1)], im_height=60, im_width=90))
table('anchors_ssd_scales', anchors_of(multiple_grid_anchor_generator.create_ssd_anchors(num_layers=2, scales=[float(np.float32(v)) for v in (.3, .7)],
      aspect_ratios=[1., 2.], interpolated_scale_aspect_ratio=0.), [(2, 2), (1, 2)], im_height=300, im_width=200))
table('anchors_multiscale', anchors_of(multiscale_grid_anchor_generator.MultiscaleGridAnchorGenerator(4, 5, 3., [1., float(np.float32(2.3))], 3), [(4, 3), (2, 2)], im_height=50, im_width=64))
table('anchors_grid', anchors_of(grid_anchor_generator.GridAnchorGenerator([.25, 2.], [.5, 1.], [256, 200], [16, 8], [3, 4]), [(2, 3)]))
table('anchors_flexible', anchors_of(flexible_grid_anchor_generator.FlexibleGridAnchorGenerator([(30., 50.), (90.,)], [(1., 2.), (.5,)], [(16, 16), (32, 32)], [(8, 8), (0, 0)]), [(2, 2), (1, 2)], im_height=64, im_width=48))

# --- box coders ---
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
out.write('\n#endif\n')
