/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of an SSD's parts that must go together: anchors, codes, losses, suppression, calibration. Each is an error in the OD API, too.
 */
#include "config/check.h"
#include "config/resizer.h"

#include <stdio.h>
#include <string.h>

typedef ObjectDetection__Protos__Ssd ssd_proto;

static void check_grid(od_check *check, const ssd_proto *ssd)
{
    const ObjectDetection__Protos__AnchorGenerator *a = ssd->anchor_generator;
    if (a && a->anchor_generator_oneof_case == OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_GRID_ANCHOR_GENERATOR)
        od_check_add(check, OD_CONFIG_ERROR, a, "grid_anchor_generator", "ssd_anchor_generator, multiscale_anchor_generator or flexible_grid_anchor_generator",
                     "use flexible_grid_anchor_generator", "is for two-stage models only");
}

/* Numbers of the box coder's code; 0 when it isn't known. */
static int code_size(const ObjectDetection__Protos__BoxCoder *coder)
{
    if (!coder) return 0;
    switch (coder->box_coder_oneof_case) {
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_SQUARE_BOX_CODER: return 3;
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_KEYPOINT_BOX_CODER: return 4 + 2 * (int)coder->keypoint_box_coder->num_keypoints;
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF__NOT_SET: return 0;
    default: return 4;
    }
}

static void check_code(od_check *check, const ssd_proto *ssd)
{
    const ObjectDetection__Protos__BoxPredictor *p = ssd->box_predictor;
    int have = 0, want = code_size(ssd->box_coder);
    const void *message = NULL;
    if (p && p->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_CONVOLUTIONAL_BOX_PREDICTOR)
        message = p->convolutional_box_predictor, have = p->convolutional_box_predictor->box_code_size;
    if (p && p->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_WEIGHT_SHARED_CONVOLUTIONAL_BOX_PREDICTOR)
        message = p->weight_shared_convolutional_box_predictor, have = p->weight_shared_convolutional_box_predictor->box_code_size;
    if (!message || !want || have == want) return;
    char expected[32], fix[40];
    snprintf(expected, sizeof expected, "%d", want);
    snprintf(fix, sizeof fix, "box_code_size: %d", want);
    od_check_add(check, OD_CONFIG_ERROR, message, "box_code_size", expected, fix, "%d, but the box coder's codes have %d numbers", have, want);
}

static void check_clip_range(od_check *check, const void *range, float min, float max)
{
    if (!(min <= max)) od_check_add(check, OD_CONFIG_ERROR, range, "min", "at most max", NULL, "%g is more than max %g", (double)min, (double)max);
}

static void check_clip_ranges(od_check *check, const ObjectDetection__Protos__BoxPredictor *p)
{
    if (p && p->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_CONVOLUTIONAL_BOX_PREDICTOR &&
        p->convolutional_box_predictor->box_encodings_clip_range) {
        const ObjectDetection__Protos__ConvolutionalBoxPredictor__BoxEncodingsClipRange *r = p->convolutional_box_predictor->box_encodings_clip_range;
        check_clip_range(check, r, r->min, r->max);
    }
    if (p && p->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_WEIGHT_SHARED_CONVOLUTIONAL_BOX_PREDICTOR &&
        p->weight_shared_convolutional_box_predictor->box_encodings_clip_range) {
        const ObjectDetection__Protos__WeightSharedConvolutionalBoxPredictor__BoxEncodingsClipRange *r =
            p->weight_shared_convolutional_box_predictor->box_encodings_clip_range;
        check_clip_range(check, r, r->min, r->max);
    }
}

static void check_loss(od_check *check, const ObjectDetection__Protos__Loss *loss)
{
    if (!loss) return;
    int kind = loss->classification_loss ? (int)loss->classification_loss->classification_loss_case : 0;
    if (loss->expected_loss_weights != OBJECT_DETECTION__PROTOS__LOSS__EXPECTED_LOSS_WEIGHTS__NONE)
        od_check_add(check, OD_CONFIG_ERROR, loss, "expected_loss_weights", "NONE", "remove it",
                     "TensorFlow 2 refuses it: losses_builder.py calls functions that utils/ops.py doesn't have");
    if (!loss->hard_example_miner) return;
    if (kind == OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID_FOCAL)
        od_check_add(check, OD_CONFIG_ERROR, loss, "hard_example_miner", NULL, "remove it, or use weighted_sigmoid", "doesn't go together with weighted_sigmoid_focal");
    if (kind == OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_DICE_CLASSIFICATION_LOSS)
        od_check_add(check, OD_CONFIG_ERROR, loss, "hard_example_miner", NULL, "remove it, or use weighted_sigmoid",
                     "needs a loss of each anchor, which weighted_dice_classification_loss isn't");
}

static void check_suppression(od_check *check, const ObjectDetection__Protos__BatchNonMaxSuppression *nms)
{
    if (!nms) return;
    if (nms->use_combined_nms && nms->change_coordinate_frame)
        od_check_add(check, OD_CONFIG_ERROR, nms, "use_combined_nms", NULL, "set change_coordinate_frame: false (its default is true), or remove use_combined_nms",
                     "doesn't go together with change_coordinate_frame");
    if (nms->use_combined_nms && (nms->use_class_agnostic_nms || nms->soft_nms_sigma > 0))
        od_check_add(check, OD_CONFIG_ERROR, nms, "use_combined_nms", NULL, "remove one of them", "doesn't go together with %s",
                     nms->use_class_agnostic_nms ? "use_class_agnostic_nms" : "soft_nms_sigma");
    if (nms->soft_nms_sigma > 0 && (nms->use_hard_nms || nms->use_static_shapes))
        od_check_add(check, OD_CONFIG_ERROR, nms, "soft_nms_sigma", NULL, "remove one of them", "doesn't go together with %s",
                     nms->use_hard_nms ? "use_hard_nms" : "use_static_shapes");
    if (nms->use_class_agnostic_nms && nms->max_classes_per_detection > 1)
        od_check_add(check, OD_CONFIG_ERROR, nms, "max_classes_per_detection", "1", "remove it", "only 1 works with use_class_agnostic_nms, in TensorFlow 2 as well");
}

static void check_points(od_check *check, const ObjectDetection__Protos__XYPairs *pairs)
{
    for (size_t i = 1; pairs && i < pairs->n_x_y_pair; i++)
        if (!(pairs->x_y_pair[i]->x > pairs->x_y_pair[i - 1]->x))
            od_check_add(check, OD_CONFIG_ERROR, pairs->x_y_pair[i], "x", "ascending x", NULL, "isn't more than the x before it (%g)", (double)pairs->x_y_pair[i - 1]->x);
}

static void check_calibration(od_check *check, const ObjectDetection__Protos__CalibrationConfig *c)
{
    if (!c) return;
    if (c->calibrator_case == OBJECT_DETECTION__PROTOS__CALIBRATION_CONFIG__CALIBRATOR_FUNCTION_APPROXIMATION) check_points(check, c->function_approximation->x_y_pairs);
    if (c->calibrator_case != OBJECT_DETECTION__PROTOS__CALIBRATION_CONFIG__CALIBRATOR_CLASS_ID_FUNCTION_APPROXIMATIONS) return;
    for (size_t i = 0; i < c->class_id_function_approximations->n_class_id_xy_pairs_map; i++)
        check_points(check, c->class_id_function_approximations->class_id_xy_pairs_map[i]->value);
}

/* Other networks fail on an image of one channel, in the OD API, too. */
static void check_grey(od_check *check, const ssd_proto *ssd)
{
    const ObjectDetection__Protos__SsdFeatureExtractor *e = ssd->feature_extractor;
    if (od_resizer_is_grey(ssd->image_resizer) && e && e->type && strcmp(e->type, "ssd_mobilenet_v2_fpn_keras"))
        od_check_add(check, OD_CONFIG_ERROR, ssd->image_resizer, NULL, NULL, "remove convert_to_grayscale, or make the images grey with the augmentation rgb_to_gray",
                     "convert_to_grayscale works with ssd_mobilenet_v2_fpn_keras and CenterNet only, not with %s", e->type);
}

void od_check_detection(od_check *check, const ObjectDetection__Protos__Ssd *ssd)
{
    check_grey(check, ssd);
    check_grid(check, ssd);
    check_code(check, ssd);
    check_clip_ranges(check, ssd->box_predictor);
    check_loss(check, ssd->loss);
    if (ssd->explicit_background_class && ssd->add_background_class)
        od_check_add(check, OD_CONFIG_ERROR, ssd, "explicit_background_class", NULL, "set add_background_class: false (its default is true)",
                     "doesn't go together with add_background_class");
    if (!ssd->post_processing) return;
    check_suppression(check, ssd->post_processing->batch_non_max_suppression);
    check_calibration(check, ssd->post_processing->calibration_config);
}
