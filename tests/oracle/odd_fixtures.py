# SPDX-License-Identifier: Apache-2.0
"""Golden fixtures of configs that nobody trains, to find what the ordinary ones don't: every extractor, odd sizes, anchors, heads,
losses and post-processing.

usage: odd_fixtures.py SHARED_DIR OUT_DIR [CASE...]

Takes the small configs of SHARED_DIR/golden, changes them as CASES says, and runs SHARED_DIR/oracle/golden.py on each. Then
`build/test_golden OUT_DIR/CASE`. With THREADS=1 and MOVING=OUT_DIR of an earlier run into another folder it gives the reference's own
noise (odd_noise.py compares the two). Without CASE the names are listed.
"""
import json
import os
import sys

from google.protobuf import text_format

# name: (folder in golden, fields to clear, text to merge[, boxes]). Boxes: by image, how many of golden.py's to keep, and a number of classes.
CENTER = 'centernet_resnet50_v2'
BGR = 'channel_means: [104.01, 114.03, 119.91] channel_stds: [73.6, 69.9, 70.9] bgr_ordering: true'
FIXED = 'image_resizer { fixed_shape_resizer { height: %d width: %d } }'


def center(extractor, more='', boxes=None):
    return (CENTER, ['center_net.feature_extractor'], 'center_net { feature_extractor { %s } %s }' % (extractor, more), boxes)


def ssd(base, merge, clear=(), boxes=None):
    return (base, ['ssd.' + c for c in clear], 'ssd { %s }' % merge, boxes)


FRCNN, FRCNN_FPN, MASKS = 'faster_rcnn_resnet50', 'faster_rcnn_resnet50_fpn', 'mask_rcnn_inception_resnet_v2'


def two_stage(base, merge='', clear=(), boxes=None):
    return (base, ['faster_rcnn.' + c for c in clear], 'faster_rcnn { %s }' % merge, boxes)


V2, V2_FPN, V1_FPN, RETINA, D0 = 'ssd_mobilenet_v2_small', 'ssd_mobilenet_v2_fpnlite_small', 'ssd_mobilenet_v1_fpn', 'ssd_resnet50_v1_fpn', 'ssd_efficientdet_d0'
MINER = '''loss { classification_loss { weighted_sigmoid {} } hard_example_miner { num_hard_examples: 300 iou_threshold: 0.95 loss_type: BOTH
           max_negatives_per_positive: 3 min_negatives_per_image: 2 } }'''
WEIGHT_SHARED = '''box_predictor { weight_shared_convolutional_box_predictor { depth: 40 num_layers_before_predictor: 1 kernel_size: 3 box_code_size: 4
                  conv_hyperparams { initializer { random_normal_initializer { stddev: 0.03 } } regularizer { l2_regularizer { weight: 0.001 } } activation: RELU_6 } %s } }
                  anchor_generator { ssd_anchor_generator { reduce_boxes_in_lowest_layer: false } }'''
CASES = {
    'center_resnet50_v1_fpn': center('type: "resnet_v1_50_fpn"'),
    'center_resnet101_v1_fpn': center('type: "resnet_v1_101_fpn"'),
    'center_resnet18_v1_fpn': center('type: "resnet_v1_18_fpn"'),
    'center_resnet34_v1_fpn': center('type: "resnet_v1_34_fpn"'),
    'center_resnet101_v2': center('type: "resnet_v2_101"', FIXED % (96, 160)),
    'center_hourglass10': center('type: "hourglass_10" ' + BGR),
    'center_hourglass20': center('type: "hourglass_20" ' + BGR, boxes=([0, 1, 0, 2], 3)),
    'center_hourglass32': center('type: "hourglass_32" ' + BGR),
    'center_hourglass52': center('type: "hourglass_52" ' + BGR),
    'center_hourglass104': center('type: "hourglass_104" ' + BGR),
    'center_mobilenet_v2': center('type: "mobilenet_v2" depth_multiplier: 0.5'),
    'center_mobilenet_v2_fpn': center('type: "mobilenet_v2_fpn" depth_multiplier: 0.75'),
    'center_mobilenet_v2_fpn_separable': center('type: "mobilenet_v2_fpn" depth_multiplier: 0.35 use_separable_conv: true'),
    'center_mobilenet_v2_fpn_bilinear': center('type: "mobilenet_v2_fpn" depth_multiplier: 0.35 upsampling_interpolation: "bilinear"'),
    'center_mobilenet_v2_fpn_sep_conv': center('type: "mobilenet_v2_fpn_sep_conv" depth_multiplier: 0.35'),
    'center_heads': center('type: "mobilenet_v2" depth_multiplier: 0.35', '''use_depthwise: true
        object_center_params { center_head_params { num_filters: [24, 16] kernel_sizes: [5, 3] } min_box_overlap_iou: 0.5 heatmap_bias_init: -1
          max_box_predictions: 7 classification_loss { penalty_reduced_logistic_focal_loss { alpha: 1.5 beta: 3 } } peak_max_pool_kernel_size: 5 }
        object_detection_task { scale_head_params { num_filters: 8 kernel_sizes: 1 } offset_head_params { num_filters: [12, 8] kernel_sizes: [3, 1] }
          task_loss_weight: 2 scale_loss_weight: 0.3 }
        post_processing { batch_non_max_suppression { score_threshold: 0.05 iou_threshold: 0.3 max_detections_per_class: 4 max_total_detections: 6 change_coordinate_frame: false } }'''),
    'center_classes': center('type: "mobilenet_v2_fpn" depth_multiplier: 0.35 use_separable_conv: false', FIXED % (96, 192) + '''
        object_center_params { max_box_predictions: 300 peak_max_pool_kernel_size: 1 }''', ([0, 3, 1, 0], 7)),
    'center_nothing': center('type: "mobilenet_v2" depth_multiplier: 0.5', FIXED % (64, 128), ([0, 0, 0, 0], 2)),
    'center_wide': center('type: "mobilenet_v2" depth_multiplier: 0.35', 'image_resizer { keep_aspect_ratio_resizer { min_dimension: 96 max_dimension: 160 pad_to_max_dimension: true } }'),
    'det_d2': ssd(D0, 'feature_extractor { type: "ssd_efficientnet-b2_bifpn_keras" bifpn { num_iterations: 5 num_filters: 112 } } '
                  'box_predictor { weight_shared_convolutional_box_predictor { depth: 112 } }'),
    'det_d3_wide': ssd(D0, 'image_resizer { keep_aspect_ratio_resizer { min_dimension: 256 max_dimension: 256 pad_to_max_dimension: true } } feature_extractor { type: "ssd_efficientnet-b3_bifpn_keras" '
                       'bifpn { num_iterations: 2 num_filters: 32 } } box_predictor { weight_shared_convolutional_box_predictor { depth: 32 } }'),
    'det_d6_sum': ssd(D0, 'feature_extractor { type: "ssd_efficientnet-b6_bifpn_keras" bifpn { max_level: 6 num_iterations: 2 num_filters: 24 combine_method: "sum" } } '
                      'box_predictor { weight_shared_convolutional_box_predictor { depth: 24 num_layers_before_predictor: 1 } } anchor_generator { multiscale_anchor_generator { max_level: 6 } } ' + FIXED % (192, 192)),
    'det_d4': ssd(D0, 'feature_extractor { type: "ssd_efficientnet-b4_bifpn_keras" bifpn { max_level: 6 num_iterations: 1 num_filters: 24 combine_method: "weighted_sum" } } box_predictor { '
                  'weight_shared_convolutional_box_predictor { depth: 24 num_layers_before_predictor: 1 } } anchor_generator { multiscale_anchor_generator { max_level: 6 } } ' + FIXED % (192, 192)),
    'det_d7': ssd(D0, 'feature_extractor { type: "ssd_efficientnet-b7_bifpn_keras" bifpn { max_level: 6 num_iterations: 1 num_filters: 16 combine_method: "sum" } } '
                  'box_predictor { weight_shared_convolutional_box_predictor { depth: 16 num_layers_before_predictor: 1 } } anchor_generator { multiscale_anchor_generator { '
                  'max_level: 6 anchor_scale: 3 } } ' + FIXED % (192, 192)),
    'det_levels': ssd(D0, 'freeze_batchnorm: true feature_extractor { bifpn { min_level: 2 max_level: 6 num_iterations: 2 num_filters: 40 } } anchor_generator { multiscale_anchor_generator { '
                      'min_level: 2 max_level: 6 } } box_predictor { weight_shared_convolutional_box_predictor { depth: 40 share_prediction_tower: true use_depthwise: false } } ' + FIXED % (192, 256),
                      boxes=([1, 0, 2, 0], 5)),
    'det_coarse': ssd(D0, 'feature_extractor { bifpn { min_level: 4 max_level: 8 num_iterations: 1 num_filters: 48 } } anchor_generator { multiscale_anchor_generator { '
                      'min_level: 4 max_level: 8 aspect_ratios: [1, 2] scales_per_octave: 1 } } box_predictor { weight_shared_convolutional_box_predictor { depth: 48 kernel_size: 5 } } ' + FIXED % (256, 256)),
    'det_d0_attention': ssd(D0, 'feature_extractor { bifpn { num_iterations: 1 combine_method: "attention" } }'),
    'retina101': ssd(RETINA, 'feature_extractor { type: "ssd_resnet101_v1_fpn_keras" } ' + FIXED % (160, 192)),
    'retina152': ssd(RETINA, 'feature_extractor { type: "ssd_resnet152_v1_fpn_keras" } ' + FIXED % (160, 160)),
    'retina_frozen': ssd(RETINA, 'freeze_batchnorm: true feature_extractor { depth_multiplier: 0.25 min_depth: 16 pad_to_multiple: 128 override_base_feature_extractor_hyperparams: false } '
                         'box_predictor { weight_shared_convolutional_box_predictor { depth: 32 num_layers_before_predictor: 2 kernel_size: 1 } } ' + FIXED % (160, 256), boxes=([3, 0, 1, 0], 4)),
    'retina_levels': ssd(RETINA, 'feature_extractor { fpn { min_level: 4 max_level: 6 additional_layer_depth: 40 } } anchor_generator { multiscale_anchor_generator { anchor_scale: 3 '
                         'aspect_ratios: 3 scales_per_octave: 1 normalize_coordinates: true } } ' + FIXED % (192, 256)),  # the OD API ignores fpn here
    'v1': ssd(V2, 'feature_extractor { type: "ssd_mobilenet_v1_keras" depth_multiplier: 0.5 }'),
    'v1_wide': ssd(V2, 'feature_extractor { type: "ssd_mobilenet_v1_keras" use_explicit_padding: true use_depthwise: true } ' + FIXED % (161, 243)),
    'v1_quarter': ssd(V2, 'image_resizer { identity_resizer {} } feature_extractor { type: "ssd_mobilenet_v1_keras" depth_multiplier: 0.25 min_depth: 8 } '
                      'normalize_loss_by_num_matches: false', boxes=([0, 1, 2, 0], 20)),
    'v1_fpn_levels': ssd(V1_FPN, 'feature_extractor { depth_multiplier: 0.25 min_depth: 8 use_explicit_padding: true fpn { min_level: 3 max_level: 5 additional_layer_depth: 40 } } '
                         'anchor_generator { multiscale_anchor_generator { max_level: 5 } } box_predictor { weight_shared_convolutional_box_predictor { depth: 24 kernel_size: 5 } } ' + FIXED % (100, 150)),
    'v1_fpn_depthwise': ssd(V1_FPN, 'feature_extractor { use_depthwise: true depth_multiplier: 0.5 } box_predictor { weight_shared_convolutional_box_predictor { use_depthwise: true depth: 48 '
                            'num_layers_before_predictor: 2 share_prediction_tower: true } } ' + FIXED % (128, 256)),
    'v2_miner': ssd(V2, MINER),
    'v2_miner_few': ssd(V2, '''loss { classification_loss { weighted_sigmoid {} } hard_example_miner { num_hard_examples: 20 iou_threshold: 0.5
                        loss_type: CLASSIFICATION max_negatives_per_positive: 1 min_negatives_per_image: 5 } classification_weight: 2 localization_weight: 0.5 }'''),
    'v2_miner_all': ssd(V2, '''loss { classification_loss { weighted_softmax { logit_scale: 2 } } hard_example_miner { num_hard_examples: 0 iou_threshold: 0.7
                        loss_type: LOCALIZATION max_negatives_per_positive: 0 } } encode_background_as_zeros: false post_processing { score_converter: SOFTMAX }'''),
    'v2_predictor3': ssd(V2, 'box_predictor { convolutional_box_predictor { kernel_size: 3 num_layers_before_predictor: 2 min_depth: 16 max_depth: 24 } } ' + FIXED % (200, 260)),
    'v2_predictor_depthwise': ssd(V2, 'box_predictor { convolutional_box_predictor { kernel_size: 3 use_depthwise: true num_layers_before_predictor: 1 max_depth: 32 min_depth: 8 } } '
                                  'feature_extractor { use_depthwise: true use_explicit_padding: true }'),
    'v2_anchors': ssd(V2, '''anchor_generator { ssd_anchor_generator { num_layers: 6 scales: [0.1, 0.25, 0.4, 0.55, 0.7, 0.9] aspect_ratios: [1, 3]
                      reduce_boxes_in_lowest_layer: false interpolated_scale_aspect_ratio: 0 base_anchor_height: 0.8 base_anchor_width: 1.1 } }''', ['anchor_generator']),
    'v2_anchors_places': ssd(V2, '''anchor_generator { ssd_anchor_generator { num_layers: 6 aspect_ratios: [0.7, 1.5] height_stride: [16, 32, 64, 100, 150, 300]
                      width_stride: [16, 32, 64, 100, 150, 300] height_offset: [8, 16, 32, 50, 75, 150] width_offset: [4, 16, 32, 50, 75, 150] } }''', ['anchor_generator']),
    'v2_matching': ssd(V2, '''matcher { argmax_matcher { matched_threshold: 0.6 unmatched_threshold: 0.3 force_match_for_each_row: false negatives_lower_than_unmatched: true } }
                      negative_class_weight: 0.25 normalize_loss_by_num_matches: false normalize_loc_loss_by_codesize: false
                      loss { localization_loss { weighted_l2 {} } classification_loss { weighted_sigmoid {} } classification_weight: 0.01 localization_weight: 0.02 }
                      box_coder { faster_rcnn_box_coder { y_scale: 3 x_scale: 4 height_scale: 2 width_scale: 1 } }'''),
    'v2_matching_swapped': ssd(V2, '''matcher { argmax_matcher { matched_threshold: 0.5 unmatched_threshold: 0.2 negatives_lower_than_unmatched: false } }
                      loss { localization_loss { weighted_smooth_l1 { delta: 0.2 } } classification_loss { weighted_sigmoid_focal { gamma: 1.5 } } } add_background_class: false'''),
    'v2_frozen': ssd(V2, 'freeze_batchnorm: true feature_extractor { conv_hyperparams { batch_norm { scale: false } } override_base_feature_extractor_hyperparams: false depth_multiplier: 0.5 }'),
    'v2_few_layers': ssd(V2, '''feature_extractor { num_layers: 4 min_depth: 24 depth_multiplier: 0.75 pad_to_multiple: 32 } anchor_generator { ssd_anchor_generator { num_layers: 4 } }'''),
    'v2_l1': ssd(V2, 'feature_extractor { conv_hyperparams { regularizer { l1_regularizer { weight: 0.002 } } } } box_predictor { convolutional_box_predictor { '
                 'conv_hyperparams { regularizer { l1_regularizer { weight: 0.001 } } } } }'),
    'v1_weight_shared': ssd(V2, 'feature_extractor { type: "ssd_mobilenet_v1_keras" depth_multiplier: 0.5 } ' + WEIGHT_SHARED % 'share_prediction_tower: true', ['box_predictor']),
    'v2_weight_shared': ssd(V2, WEIGHT_SHARED.replace('activation', 'batch_norm { scale: true } activation') % 'use_depthwise: true', ['box_predictor']),
    'v2_odd_pad': ssd(V2, '''image_resizer { pad_to_multiple_resizer { multiple: 64 } } feature_extractor { depth_multiplier: 1.4 } box_predictor {
                      convolutional_box_predictor { class_prediction_bias_init: -1 min_depth: 0 max_depth: 20 num_layers_before_predictor: 1 conv_hyperparams { activation: NONE } } } ''' + MINER,
                      boxes=([2, 0, 1, 0], 1)),
    'v2_group_norm': ssd(V2, '''image_resizer { conditional_shape_resizer { condition: SMALLER size_threshold: 180 resize_method: BILINEAR } } feature_extractor { conv_hyperparams { group_norm {}
                         activation: NONE } override_base_feature_extractor_hyperparams: false } box_predictor { convolutional_box_predictor { conv_hyperparams { group_norm {} activation: SWISH }
                         num_layers_before_predictor: 1 max_depth: 64 kernel_size: 3 } }'''),
    'v2_shared': ssd(V2, '''box_predictor { weight_shared_convolutional_box_predictor { depth: 32 num_layers_before_predictor: 2 conv_hyperparams { regularizer { l2_regularizer { weight: 0.01 } }
                     initializer { random_normal_initializer { stddev: 0.01 } } activation: RELU_6 batch_norm { scale: true decay: 0.97 epsilon: 0.001 } } kernel_size: 3 } }
                     anchor_generator { ssd_anchor_generator { reduce_boxes_in_lowest_layer: false } } ''' + FIXED % (128, 160), ['box_predictor']),
    'v2_shared_bare': ssd(V2, '''box_predictor { weight_shared_convolutional_box_predictor { depth: 24 num_layers_before_predictor: 1 conv_hyperparams { regularizer { l2_regularizer { weight: 0.01 } }
                     initializer { random_normal_initializer { stddev: 0.01 } } activation: RELU } kernel_size: 3 use_depthwise: true share_prediction_tower: true } }
                     anchor_generator { ssd_anchor_generator { reduce_boxes_in_lowest_layer: false } } ''' + FIXED % (96, 96), ['box_predictor']),
    'v2_sync': ssd(V2_FPN, '''feature_extractor { conv_hyperparams { sync_batch_norm { decay: 0.9 epsilon: 0.01 scale: true } } } box_predictor { weight_shared_convolutional_box_predictor {
                   depth: 32 conv_hyperparams { sync_batch_norm {} } } } ''' + FIXED % (128, 128)),
    'v2_fpn_grid': ssd(V2_FPN, '''anchor_generator { flexible_grid_anchor_generator { anchor_grid { base_sizes: [20, 30] aspect_ratios: [1, 2] height_stride: 8 width_stride: 8 }
                       anchor_grid { base_sizes: [40, 60] aspect_ratios: [1, 2] height_stride: 16 width_stride: 16 height_offset: 3 } anchor_grid { base_sizes: [80, 100] aspect_ratios: [1, 0.5]
                       height_stride: 32 width_stride: 32 } } } feature_extractor { fpn { max_level: 5 } } box_predictor { weight_shared_convolutional_box_predictor {
                       box_encodings_clip_range { min: -0.5 max: 0.3 } score_converter: SIGMOID } } ''' + FIXED % (96, 128), ['anchor_generator'], ([3, 1, 0, 2], 2)),
    'v2_fpn_grey': ssd(V2_FPN, FIXED.replace('width: %d', 'width: %d convert_to_grayscale: true') % (128, 128)),
    'v2_fpn_nothing': ssd(V2_FPN, 'num_classes: 3 ' + FIXED % (128, 128), boxes=([0, 0, 0, 0], 3)),
    'v2_fpn_levels': ssd(V2_FPN, '''feature_extractor { fpn { min_level: 2 max_level: 5 additional_layer_depth: 24 } } anchor_generator { multiscale_anchor_generator { min_level: 2 max_level: 5
                      anchor_scale: 2 aspect_ratios: [1, 4] scales_per_octave: 3 } } ''' + FIXED % (128, 160), ['anchor_generator']),
    'v2_fpn_plain': ssd(V2_FPN, '''feature_extractor { use_depthwise: false use_explicit_padding: true } box_predictor { weight_shared_convolutional_box_predictor { use_depthwise: false kernel_size: 1
                      class_prediction_bias_init: -2 share_prediction_tower: true conv_hyperparams { force_use_bias: true } } } ''' + FIXED % (192, 128)),
    'v2_fpn_pointwise': ssd(V2_FPN, 'box_predictor { weight_shared_convolutional_box_predictor { apply_conv_hyperparams_pointwise: true num_layers_before_predictor: 0 } } '
                            'image_resizer { keep_aspect_ratio_resizer { min_dimension: 128 max_dimension: 192 pad_to_max_dimension: true } }'),
    'v2_fpn_activation': ssd(V2_FPN, 'feature_extractor { conv_hyperparams { activation: RELU } } box_predictor { weight_shared_convolutional_box_predictor { conv_hyperparams { activation: SWISH } } }'),
    'v1_swish': ssd(V2, 'feature_extractor { type: "ssd_mobilenet_v1_keras" depth_multiplier: 0.5 conv_hyperparams { activation: SWISH regularizer { l1_regularizer { weight: 0.0005 } } } } '
                    'loss { localization_loss { weighted_l2 {} } classification_loss { weighted_sigmoid_focal { gamma: 1 alpha: 0.9 } } } ' + FIXED % (150, 214), boxes=([3, 1, 2, 3], 3)),
    'v2_bootstrapped_small': ssd(V2, 'loss { localization_loss { weighted_smooth_l1 { delta: 0.5 } } classification_loss { bootstrapped_sigmoid { alpha: 0.7 hard_bootstrap: true } } } ' + FIXED % (65, 97), boxes=([3, 1, 2, 3], 5)),
    'v2_iou_logits': ssd(V2, 'encode_background_as_zeros: false loss { localization_loss { weighted_iou {} } classification_loss { weighted_logits_softmax { logit_scale: 3 } } } '
                         'post_processing { score_converter: SOFTMAX } ' + FIXED % (120, 90), boxes=([3, 1, 2, 3], 4)),
    'v2_fpn_rect': ssd(V2_FPN, 'feature_extractor { conv_hyperparams { activation: RELU batch_norm { decay: 0.9 } } fpn { min_level: 4 max_level: 7 additional_layer_depth: 48 } } box_predictor { '
                       'weight_shared_convolutional_box_predictor { depth: 48 } } anchor_generator { multiscale_anchor_generator { min_level: 4 max_level: 7 } } ' + FIXED % (160, 288), boxes=([3, 1, 2, 3], 4)),
    'v1_fpn_mined': ssd(V1_FPN, MINER + ' feature_extractor { depth_multiplier: 0.5 } ' + FIXED % (96, 160), boxes=([3, 1, 2, 3], 6)),
    # Of the codes, as if they were boxes. Every anchor is matched: where the OD API compares an inverted box with a target of zeros it divides by zero.
    'v2_giou': ssd(V2, 'loss { localization_loss { weighted_giou {} } localization_weight: 0.1 } matcher { argmax_matcher { matched_threshold: 0 unmatched_threshold: 0 } } ' + FIXED % (120, 170),
                   boxes=([3, 1, 2, 3], 3)),
    'v2_coders': ssd(V2, 'box_coder { mean_stddev_box_coder { stddev: 0.2 } } similarity_calculator { thresholded_iou_similarity { iou_threshold: 0.3 } } ' + FIXED % (110, 170), boxes=([3, 1, 2, 3], 6)),
    'v2_square': ssd(V2, 'box_coder { square_box_coder { y_scale: 5 x_scale: 4 length_scale: 3 } } similarity_calculator { ioa_similarity {} } box_predictor { convolutional_box_predictor { box_code_size: 3 } }',
                     boxes=([2, 1, 0, 3], 2)),
    'v2_fpn_many': ssd(V2_FPN, 'encode_background_as_zeros: false add_background_class: true loss { classification_loss { weighted_softmax {} } } negative_class_weight: 0.5 '
                       'post_processing { score_converter: SOFTMAX batch_non_max_suppression { soft_nms_sigma: 0.4 max_detections_per_class: 3 max_total_detections: 40 } } ' + FIXED % (160, 224), boxes=([3, 1, 2, 3], 20)),
    'det_rect': ssd(D0, 'feature_extractor { bifpn { num_iterations: 2 num_filters: 24 } } box_predictor { weight_shared_convolutional_box_predictor { depth: 24 num_layers_before_predictor: 2 } } '
                    'post_processing { batch_non_max_suppression { use_class_agnostic_nms: true } } ' + FIXED % (256, 384), boxes=([3, 1, 2, 3], 7)),
    'retina_rect': ssd(RETINA, 'box_predictor { weight_shared_convolutional_box_predictor { depth: 64 num_layers_before_predictor: 1 conv_hyperparams { activation: SWISH } } } '
                       'loss { localization_loss { weighted_smooth_l1 { delta: 0.111 } } classification_loss { weighted_sigmoid_focal { gamma: 0.5 alpha: 0.6 } } } ' + FIXED % (160, 288), boxes=([3, 1, 2, 3], 9)),
    'v1_fpn_odd': ssd(V1_FPN, 'feature_extractor { depth_multiplier: 0.75 } box_predictor { weight_shared_convolutional_box_predictor { depth: 64 num_layers_before_predictor: 3 } } ' + FIXED % (128, 384),
                      boxes=([3, 0, 2, 3], 5)),
    'center_rect34': center('type: "resnet_v1_34_fpn"', FIXED % (64, 224) + ' object_center_params { max_box_predictions: 20 min_box_overlap_iou: 0.3 }', ([3, 1, 2, 3], 12)),
    'center_hourglass20_rect': center('type: "hourglass_20" ' + BGR, FIXED % (128, 256) + ' object_detection_task { task_loss_weight: 0.5 scale_loss_weight: 0.2 offset_loss_weight: 2 }', ([3, 1, 2, 3], 4)),
    'v2_scales': ssd(V2, 'image_resizer { keep_aspect_ratio_resizer { min_dimension: 140 max_dimension: 180 pad_to_max_dimension: true per_channel_pad_value: [10, 120, 240] } } '
                     'feature_extractor { depth_multiplier: 0.6 conv_hyperparams { regularize_depthwise: true } } anchor_generator { ssd_anchor_generator { min_scale: 0.15 max_scale: 0.8 '
                     'aspect_ratios: [1, 0.4] } } box_predictor { convolutional_box_predictor { apply_sigmoid_to_scores: true } }', boxes=([2, 1, 0, 3], 8)),
    'v2_dice': ssd(V2, 'loss { localization_loss { weighted_l2 {} } classification_loss { weighted_dice_classification_loss { squared_normalization: true } } localization_weight: 0.2 } '
                   'matcher { argmax_matcher { ignore_thresholds: true use_matmul_gather: true } } ' + FIXED % (130, 190), boxes=([3, 1, 2, 3], 3)),
    'v2_fpn_partitioned': ssd(V2_FPN, 'return_raw_detections_during_predict: true post_processing { batch_non_max_suppression { use_partitioned_nms: true use_static_shapes: true max_detections_per_class: 20 } '
                              'calibration_config { function_approximation { x_y_pairs { x_y_pair { x: 0 y: 0.1 } x_y_pair { x: 0.4 y: 0.2 } x_y_pair { x: 1 y: 0.9 } } } } } box_predictor { weight_shared_convolutional_box_predictor { '
                              'apply_conv_hyperparams_to_heads: true } } ' + FIXED % (128, 224), boxes=([3, 1, 2, 3], 3)),
    'v1_fpn_agnostic': ssd(V1_FPN, 'post_processing { batch_non_max_suppression { use_class_agnostic_nms: true iou_threshold: 0.4 } calibration_config { temperature_scaling_calibration { scaler: 2 } } '
                           'score_converter: SIGMOID logit_scale: 1.5 } feature_extractor { depth_multiplier: 0.35 } ' + FIXED % (192, 320), boxes=([3, 1, 2, 3], 15)),
    'det_d3_classes': ssd(D0, 'image_resizer { keep_aspect_ratio_resizer { min_dimension: 192 max_dimension: 256 pad_to_max_dimension: true per_channel_pad_value: [124, 116, 104] } } feature_extractor { '
                          'type: "ssd_efficientnet-b3_bifpn_keras" bifpn { num_iterations: 3 num_filters: 56 } } box_predictor { weight_shared_convolutional_box_predictor { depth: 56 '
                          'num_layers_before_predictor: 4 class_prediction_bias_init: -2 } } loss { localization_loss { weighted_l2 {} } }', boxes=([3, 1, 2, 3], 10)),
    'det_d4_relu': ssd(D0, 'feature_extractor { type: "ssd_efficientnet-b4_bifpn_keras" conv_hyperparams { activation: RELU batch_norm { decay: 0.95 } } bifpn { num_iterations: 2 num_filters: 32 } } '
                       'box_predictor { weight_shared_convolutional_box_predictor { depth: 32 num_layers_before_predictor: 1 conv_hyperparams { activation: RELU_6 } } } anchor_generator { '
                       'multiscale_anchor_generator { anchor_scale: 2.5 aspect_ratios: [1, 1.4, 0.7, 3] scales_per_octave: 2 } } ' + FIXED % (256, 384), boxes=([3, 1, 2, 3], 3)),
    'retina_agnostic': ssd(RETINA, 'post_processing { batch_non_max_suppression { use_class_agnostic_nms: true } } box_predictor { weight_shared_convolutional_box_predictor { depth: 96 num_layers_before_predictor: 3 '
                           'share_prediction_tower: true conv_hyperparams { activation: RELU } } } image_resizer { keep_aspect_ratio_resizer { min_dimension: 192 max_dimension: 256 '
                           'pad_to_max_dimension: true } }', boxes=([3, 0, 2, 3], 5)),
    'center_sparse': center('type: "resnet_v2_50"', 'compute_heatmap_sparse: true image_resizer { keep_aspect_ratio_resizer { min_dimension: 96 max_dimension: 224 pad_to_max_dimension: true } } '
                            'object_center_params { object_center_loss_weight: 0.3 max_box_predictions: 30 } object_detection_task { offset_loss_weight: 0.7 }', ([3, 1, 2, 3], 11)),
    'center_padded': center('type: "resnet_v1_18_fpn"', 'image_resizer { pad_to_multiple_resizer { multiple: 64 } }', ([3, 1, 0, 3], 4)),
}

TWO = FIXED % (96, 128) + ' first_stage_max_proposals: 24 second_stage_batch_size: 24 '
MASK_HEAD = '''number_of_stages: 3 second_stage_box_predictor { mask_rcnn_box_predictor { predict_instance_masks: true mask_height: 14 mask_width: 21 mask_prediction_conv_depth: 0
                conv_hyperparams { regularizer { l2_regularizer { weight: 0.001 } } initializer { truncated_normal_initializer { stddev: 0.1 } } %s } %s } } '''
CASES.update({
    'frcnn_small': two_stage(FRCNN, TWO),
    'frcnn_fpn_small': two_stage(FRCNN_FPN, TWO),
    'frcnn_fpn': two_stage(FRCNN_FPN),
    'frcnn101_matmul': two_stage(FRCNN, TWO + 'feature_extractor { type: "faster_rcnn_resnet101_keras" } use_matmul_crop_and_resize: true'),
    'frcnn152': two_stage(FRCNN, TWO + 'feature_extractor { type: "faster_rcnn_resnet152_keras" batch_norm_trainable: true }'),
    'frcnn_rpn': two_stage(FRCNN, TWO + 'first_stage_atrous_rate: 2 first_stage_box_predictor_kernel_size: 5 first_stage_box_predictor_depth: 48 clip_anchors_to_image: false '
                           'first_stage_box_predictor_conv_hyperparams { batch_norm { scale: true decay: 0.9 } activation: NONE } first_stage_anchor_generator { grid_anchor_generator { scales: [0.3, 0.8] '
                           'aspect_ratios: [1, 3] height: 40 width: 50 height_stride: 16 width_stride: 16 height_offset: 8 width_offset: 8 } }', ['first_stage_anchor_generator']),
    'frcnn_crops': two_stage(FRCNN, TWO + 'initial_crop_size: 9 maxpool_kernel_size: 3 maxpool_stride: 2 second_stage_box_predictor { mask_rcnn_box_predictor { share_box_across_classes: false } }'),
    'frcnn_miner': two_stage(FRCNN, TWO + 'hard_example_miner { num_hard_examples: 8 iou_threshold: 0.9 loss_type: BOTH max_negatives_per_positive: 2 }'),
    'frcnn_fpn_levels': two_stage(FRCNN_FPN, TWO + 'feature_extractor { type: "faster_rcnn_resnet101_fpn_keras" override_base_feature_extractor_hyperparams: false fpn { min_level: 3 max_level: 5 additional_layer_depth: 40 } } '
                                  'first_stage_anchor_generator { multiscale_anchor_generator { min_level: 3 max_level: 5 } } use_matmul_crop_and_resize: true'),
    'frcnn_matmul': two_stage(FRCNN, TWO + 'use_matmul_crop_and_resize: true'),
    'frcnn_fpn_matmul': two_stage(FRCNN_FPN, TWO + 'use_matmul_crop_and_resize: true'),
    'frcnn_rect': two_stage(FRCNN, 'image_resizer { keep_aspect_ratio_resizer { min_dimension: 90 max_dimension: 130 pad_to_max_dimension: true } } first_stage_max_proposals: 20 second_stage_batch_size: 20 '
                            'second_stage_classification_loss { weighted_sigmoid {} } second_stage_post_processing { score_converter: SIGMOID }', boxes=([3, 1, 2, 3], 5)),
    'frcnn_soft': two_stage(FRCNN, TWO + 'second_stage_post_processing { batch_non_max_suppression { soft_nms_sigma: 0.5 score_threshold: 0.2 } } second_stage_classification_loss_weight: 0.5 '
                            'first_stage_localization_loss_weight: 0.7', boxes=([3, 0, 2, 3], 3)),
    'frcnn_fpn_rect': two_stage(FRCNN_FPN, FIXED % (96, 160) + ' first_stage_max_proposals: 16 second_stage_batch_size: 16 feature_extractor { fpn { min_level: 3 max_level: 6 additional_layer_depth: 48 } '
                                'conv_hyperparams { activation: RELU_6 batch_norm { decay: 0.9 } } } first_stage_anchor_generator { multiscale_anchor_generator { min_level: 3 max_level: 6 } } '
                                'use_matmul_crop_and_resize: true', boxes=([3, 1, 2, 3], 4)),
    'frcnn_fpn152_padded': two_stage(FRCNN_FPN, 'image_resizer { keep_aspect_ratio_resizer { min_dimension: 96 max_dimension: 160 pad_to_max_dimension: true } } first_stage_max_proposals: 20 '
                                     'second_stage_batch_size: 20 feature_extractor { type: "faster_rcnn_resnet152_fpn_keras" } second_stage_classification_loss { weighted_sigmoid {} } '
                                     'second_stage_post_processing { score_converter: SIGMOID } use_matmul_crop_and_resize: true', boxes=([3, 1, 2, 3], 4)),
    'frcnn_fpn_classes': two_stage(FRCNN_FPN, TWO + 'second_stage_box_predictor { mask_rcnn_box_predictor { share_box_across_classes: false } } second_stage_post_processing { '
                                   'batch_non_max_suppression { iou_threshold: 0.4 max_detections_per_class: 5 max_total_detections: 20 use_class_agnostic_nms: true } } '
                                   'first_stage_anchor_generator { multiscale_anchor_generator { anchor_scale: 3 aspect_ratios: [1, 3] scales_per_octave: 1 } } first_stage_nms_score_threshold: 0.3 '
                                   'first_stage_nms_iou_threshold: 0.5', boxes=([3, 1, 0, 3], 6)),
    'frcnn_whole_crops': two_stage(FRCNN, FIXED % (112, 96) + ' first_stage_max_proposals: 24 second_stage_batch_size: 24 '
                                   'first_stage_anchor_generator { grid_anchor_generator { scales: [0.2, 0.6] aspect_ratios: [0.7, 1.4] height_stride: 16 width_stride: 16 } } initial_crop_size: 7 '
                                   'maxpool_kernel_size: 1 maxpool_stride: 1 second_stage_localization_loss_weight: 0.3', ['first_stage_anchor_generator'], ([1, 1, 2, 3], 3)),
    'frcnn_focal': two_stage(FRCNN, TWO + 'second_stage_classification_loss { weighted_sigmoid_focal { gamma: 1.5 alpha: 0.4 } } second_stage_post_processing { score_converter: SIGMOID } '
                             'second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams { activation: RELU regularizer { l2_regularizer { weight: 0.003 } } } } } '
                             'feature_extractor { batch_norm_trainable: false }', boxes=([2, 1, 2, 0], 8)),
    'frcnn_first_stage': two_stage(FRCNN, TWO + 'number_of_stages: 1', boxes=([3, 0, 2, 3], 3)),
    'mask_fpn101': two_stage(FRCNN_FPN, FIXED % (128, 96) + ' first_stage_max_proposals: 16 second_stage_batch_size: 16 feature_extractor { type: "faster_rcnn_resnet101_fpn_keras" } '
                             + MASK_HEAD % ('activation: RELU', 'masks_are_class_agnostic: true mask_prediction_num_conv_layers: 2') + 'use_matmul_crop_and_resize: true second_stage_mask_prediction_loss_weight: 3',
                             boxes=([3, 1, 2, 3], 5)),
    'mask_inception_small': two_stage(MASKS, TWO, boxes=([3, 1, 2, 3], 3)),
    'mask_upsample': two_stage(FRCNN, TWO + MASK_HEAD % ('activation: RELU_6 batch_norm { scale: true }', 'convolve_then_upsample_masks: true masks_are_class_agnostic: true mask_prediction_num_conv_layers: 3')),
    'mask_resnet': two_stage(FRCNN, TWO + MASK_HEAD % ('', '') + 'use_matmul_crop_and_resize: true'),
    'mask_fpn': two_stage(FRCNN_FPN, TWO + MASK_HEAD % ('', 'convolve_then_upsample_masks: true') + 'use_matmul_crop_and_resize: true'),
})

# The deep networks once more with residual branches a tenth as strong: their own rounding doesn't grow from block to block (conditioning.py), so that
# they must agree within the plain bounds.
DAMPED, DAMPING = '_damped', 0.1
CASES.update({name + DAMPED: CASES[name] for name in ('retina101', 'retina152', 'center_hourglass52', 'center_hourglass104', 'frcnn152', 'frcnn_fpn152_padded',
                                                             'mask_fpn101')})


def allow_small_resnets():
    """The OD API's ResNet-18 and -34 call keras.applications.resnet.ResNet, which Keras 2.15 keeps in keras.src only."""
    import keras.src.applications.resnet
    from object_detection.models.keras_models import resnet_v1
    resnet_v1.resnet = keras.src.applications.resnet


def record_proposals(golden, name='train.safetensors'):
    """Two-stage fixtures' file `name` gets each step's proposals: step{s}/proposals [N,P,4], relative, and step{s}/num_proposals [N]. Returns the list
    of those to be written."""
    import tensorflow as tf
    from object_detection.meta_architectures import faster_rcnn_meta_arch
    steps, loss, save = [], faster_rcnn_meta_arch.FasterRCNNMetaArch.loss, golden.save

    def keep(boxes, counts):
        steps.append((boxes, counts.astype('i4')))

    def recorded_loss(self, prediction_dict, *arguments, **keywords):
        if 'num_proposals' in prediction_dict:
            tf.numpy_function(keep, [prediction_dict['proposal_boxes_normalized'], prediction_dict['num_proposals']], [])
        return loss(self, prediction_dict, *arguments, **keywords)

    def recorded_save(path, tensors):
        if path.endswith(name):
            for s, (boxes, counts) in enumerate(steps):
                tensors[f'step{s}/proposals'], tensors[f'step{s}/num_proposals'] = boxes, counts
            steps.clear()
        save(path, tensors)
    faster_rcnn_meta_arch.FasterRCNNMetaArch.loss, golden.save = recorded_loss, recorded_save
    return steps


def damp_residuals(golden):
    """Multiplies scale and shift of each residual branch's last batch norm by DAMPING in cases called so; moving.safetensors keeps them. (With the
    shifts as they are, sums of many blocks would be large beside what varies in them, and a batch norm's variance of such values is rounding noise.)"""
    import re
    calibrate = golden.calibrate

    def last_norms(keys):
        for key, v in keys.items():
            block, leaf = key.rsplit('/norm/', 1)[0], key.rsplit('/', 1)[-1]
            if leaf in ('gamma', 'beta') and (re.search(r'_block\d+_3_bn/', v.name) or key == f'{block}/norm/{leaf}' and block + '/conv_block/norm/gamma' in keys):
                yield key, v

    def damped_calibrate(model, keys, forward):
        if not golden.damped:
            return calibrate(model, keys, forward)
        damped = dict(last_norms(keys))
        for v in damped.values():
            v.assign(DAMPING * v)
        print('damped', len(damped) // 2, 'residual branches')
        return {**calibrate(model, keys, forward), **{key: v.numpy() for key, v in damped.items()}}
    golden.calibrate = damped_calibrate


def clear(message, path):
    names = path.split('.')
    for n in names[:-1]:
        message = getattr(message, n)
    message.ClearField(names[-1])


def write(shared, out, name):
    from object_detection.protos import pipeline_pb2
    base, cleared, merged, boxes = CASES[name]
    pipeline = text_format.Parse(open(os.path.join(shared, 'golden', base, 'pipeline.config')).read(), pipeline_pb2.TrainEvalPipelineConfig())
    for path in cleared:
        clear(pipeline.model, path)
    change = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Parse('model { %s }' % merged, change)
    for repeated in list_fields(change.model, 'model'):  # MergeFrom would append to what is there
        clear(pipeline, repeated)
    pipeline.MergeFrom(change)
    if boxes:
        getattr(pipeline.model, pipeline.model.WhichOneof('model')).num_classes = boxes[1]
    os.makedirs(os.path.join(out, name), exist_ok=True)
    with open(os.path.join(out, name, 'pipeline.config'), 'w') as f:
        f.write(text_format.MessageToString(pipeline))
    case = json.load(open(os.path.join(shared, 'golden', base, 'case.json')))
    case['small'] = False
    case['masks'] = pipeline.model.faster_rcnn.number_of_stages == 3
    if boxes:
        case['num_classes'] = boxes[1]
    with open(os.path.join(out, name, 'case.json'), 'w') as f:
        json.dump(case, f)


def list_fields(message, path):
    """Paths of the repeated fields that are given in message."""
    for field, value in message.ListFields():
        here = path + '.' + field.name
        if field.label == field.LABEL_REPEATED:
            yield here
        elif field.message_type:
            yield from list_fields(value, here)


def give_boxes(golden, name, all_boxes, all_classes):
    """golden.py's boxes of every image, or as many as the case says; their classes spread over those that there are."""
    counts, classes = CASES[name][3] or ([len(b) for b in all_boxes], 0)
    counts = [min(n, len(b)) for n, b in zip(counts, all_boxes)]
    golden.BOXES = [b[:n] for b, n in zip(all_boxes, counts)]
    golden.CLASSES = [(c[:n] * 3 + range(n)) % min(classes, 3) if classes else c for c, n in zip(all_classes, counts)]  # it paints channel `class`


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__ + '\ncases: ' + ' '.join(CASES))
    shared, out = sys.argv[1], sys.argv[2]
    sys.path.insert(0, os.path.join(shared, 'oracle'))
    import golden
    allow_small_resnets()
    record_proposals(golden)
    damp_residuals(golden)
    all_boxes, all_classes = golden.BOXES, golden.CLASSES
    for name in sys.argv[3:]:
        write(shared, out, name)
        give_boxes(golden, name, all_boxes, all_classes)
        golden.damped = name.endswith(DAMPED)
        try:
            golden.run(name, out)
        except Exception:  # the next case may still work
            import traceback
            print('FAILED', name)
            traceback.print_exc()


if __name__ == '__main__':
    main()
