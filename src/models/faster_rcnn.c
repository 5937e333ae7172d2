/* SPDX-License-Identifier: Apache-2.0
 *
 * The Faster R-CNN meta-architecture (Ren et al., NeurIPS 2015; meta_architectures/faster_rcnn_meta_arch.py): the network and what an
 * instance holds.
 */
#include "models/faster_rcnn.h"

#include "models/convolutional_predictor.h"
#include "util/alloc.h"

#include <math.h>

#define RPN_CONV "model/_first_stage_box_predictor_first_conv"
#define RPN_HEADS "model/_first_stage_box_predictor"

static void faster_rcnn_free(void *self)
{
    od_free(self);
}

static od_status faster_rcnn_create(const od_config *config, void **self, od_error *err)
{
    od_faster_rcnn *m = od_malloc(1, sizeof *m);
    if (!m) return od_error_nomem(err, "the model");
    od_status status = od_faster_rcnn_read(m, config, err);
    if (status != OD_OK) {
        od_free(m);
        return status;
    }
    *self = m;
    return OD_OK;
}

static void faster_rcnn_info(const void *self, od_model_info *info)
{
    const od_faster_rcnn *m = self;
    *info = (od_model_info){.type = m->features->type,
                            .num_classes = m->first_only ? 1 : m->c->num_classes,
                            .one_class = m->first_only,
                            .backbone_paths = {m->features->backbone_paths[0], m->features->backbone_paths[1]},
                            .backbone_continues = m->features->backbone_paths[1] != NULL,
                            .features_paths = {OD_FRCNN_PROPOSAL, OD_FRCNN_CLASSIFIER}};
}

int64_t od_faster_rcnn_max_proposals(const od_faster_rcnn *m, int training)
{
    return training && !m->first_only && !m->classifier_loss.mine ? m->c->second_stage_batch_size : m->c->first_stage_max_proposals;
}

void od_faster_rcnn_state_free(void *state)
{
    od_faster_rcnn_state *st = state;
    for (int64_t i = 0; st->pixel_truth && i < st->batch; i++) od_pixel_truth_deinit(&st->pixel_truth[i]);
    od_rpn_anchors_deinit(&st->anchors);
    od_free(st->pixel_truth);
    od_free(st->boxes);
    od_free(st->count);
    od_free(st->counts);
    od_free(st->match);
    od_detections_deinit(&st->found);
    od_free(st);
}

/* The OD API lays its anchors out without the image's size: they are in pixels. */
static od_status create_anchors(od_faster_rcnn_state *st, const od_graph *g, const od_value *maps, int levels, od_error *err)
{
    int64_t shapes[OD_FRCNN_MAX_LEVELS][2];
    const ObjectDetection__Protos__FasterRcnn *c = st->model->c;
    od_anchors *anchors;
    for (int i = 0; i < levels; i++) {
        shapes[i][0] = g->values[maps[i]].shape.h;
        shapes[i][1] = g->values[maps[i]].shape.w;
    }
    OD_TRY(od_anchors_create(c->first_stage_anchor_generator, (const int64_t(*)[2])shapes, levels, 1, 1, 1, &anchors, err));
    od_status status = od_rpn_anchors_init(&st->anchors, anchors, st->height, st->width, st->training && !c->clip_anchors_to_image, err);
    od_anchors_free(anchors);
    return status;
}

od_status od_faster_rcnn_state_create(const od_faster_rcnn *m, const od_graph *g, od_value images, const od_value *maps, int levels,
                                      od_faster_rcnn_state **out, od_error *err)
{
    od_faster_rcnn_state *st = od_calloc(1, sizeof *st);
    if (!st) return od_error_nomem(err, "the model");
    od_tensor_shape s = g->values[images].shape;
    *st = (od_faster_rcnn_state){.model = m, .training = g->training, .batch = s.n, .height = s.h, .width = s.w, .detected = OD_NO_VALUE, .masks = OD_NO_VALUE};
    st->max_proposals = od_faster_rcnn_max_proposals(m, g->training);
    size_t rows = (size_t)(st->batch * st->max_proposals);
    st->pixel_truth = od_calloc((size_t)st->batch, sizeof *st->pixel_truth);
    st->boxes = od_calloc(rows, 4 * sizeof *st->boxes);
    st->count = od_calloc((size_t)st->batch, sizeof *st->count);
    st->counts = od_calloc((size_t)st->batch, sizeof *st->counts);
    st->match = od_calloc(rows, sizeof *st->match);
    od_status status = st->pixel_truth && st->boxes && st->count && st->counts && st->match ? OD_OK : od_error_nomem(err, "the model");
    if (status == OD_OK) status = create_anchors(st, g, maps, levels, err);
    if (status != OD_OK) {
        od_faster_rcnn_state_free(st);
        return status;
    }
    *out = st;
    return OD_OK;
}

/* 3x3 convolution shared by the levels, batch norm if the config has one, always ReLU6; then 1x1 heads of each level's own. */
static od_status build_rpn(const od_faster_rcnn *m, od_graph *g, const od_value *maps, int levels, od_value *codes, od_value *logits, od_error *err)
{
    const ObjectDetection__Protos__FasterRcnn *c = m->c;
    ObjectDetection__Protos__ConvolutionalBoxPredictor heads = OBJECT_DETECTION__PROTOS__CONVOLUTIONAL_BOX_PREDICTOR__INIT;
    od_value x[OD_FRCNN_MAX_LEVELS], level_codes[OD_FRCNN_MAX_LEVELS], level_logits[OD_FRCNN_MAX_LEVELS];
    int expected, anchors[OD_FRCNN_MAX_LEVELS];
    OD_TRY(od_anchors_levels(c->first_stage_anchor_generator, &expected, err));
    if (expected != levels)
        return od_config_error(m->config, c, "first_stage_anchor_generator", err, OD_ERR_CONFIG,
                               "the anchor generator has %d levels, the feature extractor %d; make min_level and max_level agree", expected, levels);
    od_layer l = {.kernel = c->first_stage_box_predictor_kernel_size,
                  .stride = 1,
                  .dilation = c->first_stage_atrous_rate,
                  .padding = OD_PAD_SAME,
                  .bias = od_hyperparams_use_bias(&m->rpn),
                  .init = m->rpn.init,
                  .decay = m->rpn.decay};
    for (int i = 0; i < levels; i++) {
        OD_TRY(od_anchors_per_location(c->first_stage_anchor_generator, i, &anchors[i], err));
        x[i] = od_layer_conv(g, maps[i], c->first_stage_box_predictor_depth, &l, RPN_CONV "/layer_with_weights-0");
        x[i] = od_layer_batch_norm(g, x[i], &m->rpn, OD_ACT_RELU6, RPN_CONV "/layer_with_weights-1");
    }
    heads.conv_hyperparams = c->first_stage_box_predictor_conv_hyperparams;
    heads.kernel_size = 1;
    heads.num_layers_before_predictor = heads.min_depth = heads.max_depth = 0;
    heads.use_dropout = 0;
    od_convolutional_predictor_options o = {2, anchors, 0, RPN_HEADS};
    OD_TRY(od_convolutional_predictor_build(g, &heads, &o, x, levels, level_codes, level_logits, err));
    *codes = od_graph_concat_predictions(g, level_codes, levels, 4, "rpn_box_encodings");
    *logits = od_graph_concat_predictions(g, level_logits, levels, 2, "rpn_objectness_predictions_with_background");
    return od_graph_check(g, err);
}

static od_value crop(const od_faster_rcnn *m, od_graph *g, od_value images, od_value boxes, int64_t boxes_each, const od_value *maps, int levels)
{
    od_tensor_shape s = g->values[images].shape;
    od_roi_attrs a = {.boxes_each = (int)boxes_each,
                      .crop = m->c->initial_crop_size,
                      .pool = m->c->maxpool_kernel_size,
                      .pool_stride = m->c->maxpool_stride,
                      .matmul = m->c->use_matmul_crop_and_resize,
                      .image_ratio = sqrtf((float)(s.h * s.w)) / 224.0f};
    return od_graph_roi_crop(g, boxes, maps, levels, &a, "crop_and_resize");
}

/* The second network on `boxes`; the second time it runs, on the same variables. */
static od_status classify(const od_faster_rcnn *m, od_graph *g, od_value images, const od_value *maps, int levels, od_value boxes, int64_t boxes_each,
                          od_value *features, od_error *err)
{
    od_value crops = crop(m, g, images, boxes, boxes_each, maps, levels);
    OD_TRY(od_graph_check(g, err));
    return m->features->classifier(m->c->feature_extractor, m->features->depth, g, crops, features, err);
}

/* Masks of the proposals in training, of the detections otherwise (_predict_third_stage). */
static od_status build_masks(const od_faster_rcnn *m, od_graph *g, od_value images, const od_value *maps, int levels, const od_value second[2], od_value features,
                             od_faster_rcnn_state *st, od_error *err)
{
    od_value detected = OD_NO_VALUE;
    if (!g->training) {
        int64_t each = m->postprocess.nms.max_total;
        od_tensor_shape shape = {g->values[images].shape.n * each, 1, 1, 4};
        detected = od_graph_host(g, second, 2, shape, od_faster_rcnn_detect_host, st, "detections");
        OD_TRY(classify(m, g, images, maps, levels, detected, each, &features, err));
    }
    od_value masks = od_mask_rcnn_predictor_build_masks(&m->predictor, g, features);
    od_graph_mark_output(g, masks);
    if (st) st->detected = detected, st->masks = masks;
    return od_graph_check(g, err);
}

static od_status build_stages(const od_faster_rcnn *m, od_graph *g, od_value images, const od_value *maps, int levels, od_faster_rcnn_state *st, od_error *err)
{
    od_value rpn[2], second[2], features;
    OD_TRY(build_rpn(m, g, maps, levels, &rpn[0], &rpn[1], err));
    for (int i = 0; i < 2; i++) od_graph_mark_output(g, rpn[i]);
    if (st) st->rpn_codes = rpn[0], st->rpn_logits = rpn[1];
    if (m->first_only) return OD_OK;
    int64_t each = od_faster_rcnn_max_proposals(m, g->training);
    od_tensor_shape shape = {g->values[images].shape.n * each, 1, 1, 4};
    od_value proposals = od_graph_host(g, rpn, 2, shape, od_faster_rcnn_propose, st, "proposals");
    OD_TRY(classify(m, g, images, maps, levels, proposals, each, &features, err));
    od_mask_rcnn_predictor_build(&m->predictor, g, features, &second[0], &second[1]);
    OD_TRY(od_graph_check(g, err));
    for (int i = 0; i < 2; i++) od_graph_mark_output(g, second[i]);
    if (st) {
        st->proposals = proposals;
        st->codes = second[0];
        st->logits = second[1];
    }
    return m->predictor.masks_each ? build_masks(m, g, images, maps, levels, second, features, st, err) : OD_OK;
}

static od_status faster_rcnn_build(const void *self, od_graph *g, od_value images, void **state, od_error *err)
{
    const od_faster_rcnn *m = self;
    od_value maps[OD_FRCNN_MAX_LEVELS];
    od_faster_rcnn_state *st = NULL;
    int levels;
    OD_TRY(od_graph_check(g, err));
    OD_TRY(m->features->proposal(m->c->feature_extractor, m->features->depth, g, images, maps, &levels, err));
    if (state) {
        OD_TRY(od_faster_rcnn_state_create(m, g, images, maps, levels, &st, err));
        *state = st;
    }
    return build_stages(m, g, images, maps, levels, st, err);
}

const od_meta od_meta_faster_rcnn = {
    .name = "faster_rcnn",
    .create = faster_rcnn_create,
    .free = faster_rcnn_free,
    .info = faster_rcnn_info,
    .build = faster_rcnn_build,
    .free_state = od_faster_rcnn_state_free,
    .set_inputs = od_faster_rcnn_set_inputs,
    .loss = od_faster_rcnn_loss,
    .detect = od_faster_rcnn_detect,
    .prediction = od_faster_rcnn_prediction,
};
