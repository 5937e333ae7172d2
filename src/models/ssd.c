/* SPDX-License-Identifier: Apache-2.0
 *
 * The SSD meta-architecture (meta_architectures/ssd_meta_arch.py): feature extractor -> box predictor -> anchors, targets,
 * losses, post-processing. Feature extractors are rows of a table (ssd_features.c).
 */
#include "detection/anchors.h"
#include "detection/ssd_loss.h"
#include "detection/target_assigner.h"
#include "models/convolutional_predictor.h"
#include "models/meta.h"
#include "models/ssd_features.h"
#include "models/weight_shared_predictor.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

typedef ObjectDetection__Protos__Ssd ssd_config;

typedef struct ssd {
    const od_config *config;
    const ssd_config *c;
    const od_ssd_features *features; /* row of the table */
    od_ssd_loss *loss;
} ssd;

typedef struct ssd_state {
    const ssd *model;
    od_value boxes, classes;
    od_anchors *anchors;
    od_target_assigner *assigner;
    od_targets targets;
    od_postprocess *postprocess;
    float (*windows)[4]; /* [N] the true image within the padded one */
} ssd_state;

static void ssd_free(void *self)
{
    ssd *s = self;
    od_ssd_loss_free(s->loss);
    od_free(s);
}

static od_status check_config(const ssd *s, od_error *err)
{
    const ssd_config *c = s->c;
    if (c->num_classes < 1) return od_config_error(s->config, c, "num_classes", err, OD_ERR_CONFIG, "num_classes is %d; expected at least 1", c->num_classes);
    if (!c->feature_extractor || !c->feature_extractor->type)
        return od_config_error(s->config, c, "feature_extractor", err, OD_ERR_CONFIG, "the ssd model has no feature_extractor { type: ... }");
    if (!c->box_predictor || !c->anchor_generator)
        return od_config_error(s->config, c, NULL, err, OD_ERR_CONFIG, "the ssd model needs box_predictor { ... } and anchor_generator { ... }");
    switch (c->box_predictor->box_predictor_oneof_case) {
    case OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_WEIGHT_SHARED_CONVOLUTIONAL_BOX_PREDICTOR:
    case OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_CONVOLUTIONAL_BOX_PREDICTOR: break;
    default:
        return od_config_error(s->config, c->box_predictor, NULL, err, OD_ERR_UNSUPPORTED,
                               "ssd models take weight_shared_convolutional_box_predictor or convolutional_box_predictor");
    }
    return OD_OK;
}

static od_status ssd_create(const od_config *config, void **self, od_error *err)
{
    ssd *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, "the model");
    s->config = config;
    s->c = od_config_proto(config)->model->ssd;
    od_status status = check_config(s, err);
    if (status == OD_OK) status = od_ssd_features_find(config, s->c->feature_extractor, &s->features, err);
    if (status == OD_OK) status = od_ssd_loss_create(s->c, &s->loss, err);
    if (status != OD_OK) {
        ssd_free(s);
        return status;
    }
    *self = s;
    return OD_OK;
}

static void ssd_info(const void *self, od_model_info *info)
{
    const ssd *s = self;
    *info = (od_model_info){.type = s->features->type,
                            .num_classes = s->c->num_classes,
                            .backbone_paths = {s->features->backbone_path, s->features->backbone_alias},
                            .features_paths = {"model/_feature_extractor"}};
}

static int class_slots(const ssd_config *c)
{
    return c->num_classes + (c->add_background_class ? 1 : 0);
}

static void free_state(void *state)
{
    ssd_state *st = state;
    od_targets_deinit(&st->targets);
    od_postprocess_free(st->postprocess);
    od_free(st->windows);
    od_target_assigner_free(st->assigner);
    od_anchors_free(st->anchors);
    od_free(st);
}

/* Anchors and target assigner for the feature maps' sizes. */
static od_status create_state(const ssd *s, const od_graph *g, od_value images, const od_value *maps, int levels, ssd_state **out, od_error *err)
{
    ssd_state *st = od_calloc(1, sizeof *st);
    if (!st) return od_error_nomem(err, "the model");
    st->model = s;
    int64_t shapes[OD_SSD_MAX_LEVELS][2];
    for (int i = 0; i < levels; i++) shapes[i][0] = g->values[maps[i]].shape.h, shapes[i][1] = g->values[maps[i]].shape.w;
    const od_tensor_shape *image = &g->values[images].shape;
    od_status status = od_anchors_create(s->c->anchor_generator, (const int64_t(*)[2])shapes, levels, image->h, image->w, 0, &st->anchors, err);
    if (status == OD_OK) status = od_target_assigner_create_ssd(s->c, st->anchors->boxes, st->anchors->count, &st->assigner, err);
    if (status == OD_OK) status = od_postprocess_create_ssd(s->c, st->anchors->boxes, st->anchors->count, &st->postprocess, err);
    st->windows = od_calloc((size_t)image->n, sizeof *st->windows);
    if (status == OD_OK && !st->windows) status = od_error_nomem(err, "the model");
    if (status != OD_OK) {
        free_state(st);
        return status;
    }
    *out = st;
    return OD_OK;
}

/* One head for all levels needs as many anchors a location at each. */
static od_status check_equal_anchors(const ssd *s, const int *anchors, int levels, od_error *err)
{
    for (int i = 1; i < levels; i++)
        if (anchors[i] != anchors[0])
            return od_config_error(s->config, s->c, "anchor_generator", err, OD_ERR_CONFIG,
                                   "weight_shared_convolutional_box_predictor needs as many anchors at each level; level 0 has %d, level %d has %d%s", anchors[0], i,
                                   anchors[i], s->c->anchor_generator->anchor_generator_oneof_case == OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_SSD_ANCHOR_GENERATOR ? "; set reduce_boxes_in_lowest_layer: false" : "");
    return OD_OK;
}

static int box_code_size(const ObjectDetection__Protos__BoxPredictor *p)
{
    if (p->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_CONVOLUTIONAL_BOX_PREDICTOR)
        return p->convolutional_box_predictor->box_code_size;
    return p->weight_shared_convolutional_box_predictor->box_code_size;
}

/* The codes that the predictor makes must be the coder's. */
static od_status check_code_size(const ssd *s, od_error *err)
{
    od_box_coder coder;
    int size = box_code_size(s->c->box_predictor);
    OD_TRY(od_box_coder_init(&coder, s->c->box_coder, err));
    if (size == coder.code_size) return OD_OK;
    return od_config_error(s->config, s->c->box_predictor, NULL, err, OD_ERR_CONFIG, "box_code_size is %d; the box coder's codes have %d numbers", size, coder.code_size);
}

static od_status build_predictions(const ssd *s, od_graph *g, const od_value *maps, int levels, od_value *boxes, od_value *classes, od_error *err)
{
    int expected, anchors[OD_SSD_MAX_LEVELS];
    OD_TRY(check_code_size(s, err));
    if (s->c->anchor_generator->anchor_generator_oneof_case == OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_GRID_ANCHOR_GENERATOR)
        return od_config_error(s->config, s->c->anchor_generator, "grid_anchor_generator", err, OD_ERR_CONFIG,
                               "grid_anchor_generator is for two-stage models; use flexible_grid_anchor_generator");
    OD_TRY(od_anchors_levels(s->c->anchor_generator, &expected, err));
    if (expected != levels)
        return od_config_error(s->config, s->c, "anchor_generator", err, OD_ERR_CONFIG,
                               "the anchor generator has %d levels, the feature extractor %d; make min_level and max_level agree", expected, levels);
    for (int i = 0; i < levels; i++) OD_TRY(od_anchors_per_location(s->c->anchor_generator, i, &anchors[i], err));
    od_value level_boxes[OD_SSD_MAX_LEVELS], level_classes[OD_SSD_MAX_LEVELS];
    const ObjectDetection__Protos__BoxPredictor *p = s->c->box_predictor;
    if (p->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_CONVOLUTIONAL_BOX_PREDICTOR) {
        od_convolutional_predictor_options o = {class_slots(s->c), anchors, s->c->freeze_batchnorm, "model/_box_predictor"};
        OD_TRY(od_convolutional_predictor_build(g, p->convolutional_box_predictor, &o, maps, levels, level_boxes, level_classes, err));
    } else {
        od_predictor_options o = {class_slots(s->c), anchors[0], s->c->freeze_batchnorm, "model/_box_predictor"};
        OD_TRY(check_equal_anchors(s, anchors, levels, err));
        OD_TRY(od_weight_shared_predictor_build(g, p->weight_shared_convolutional_box_predictor, &o, maps, levels, level_boxes, level_classes, err));
    }
    *boxes = od_graph_concat_predictions(g, level_boxes, levels, box_code_size(p), "box_encodings");
    *classes = od_graph_concat_predictions(g, level_classes, levels, class_slots(s->c), "class_predictions_with_background");
    od_graph_mark_output(g, *boxes);
    od_graph_mark_output(g, *classes);
    return od_graph_check(g, err);
}

static od_status ssd_build(const void *self, od_graph *g, od_value images, void **state, od_error *err)
{
    const ssd *s = self;
    od_value maps[OD_SSD_MAX_LEVELS], boxes = OD_NO_VALUE, classes = OD_NO_VALUE;
    int levels;
    OD_TRY(s->features->build(s->c, g, images, maps, &levels, err));
    OD_TRY(od_graph_check(g, err));
    OD_TRY(build_predictions(s, g, maps, levels, &boxes, &classes, err));
    if (!state) return OD_OK;
    ssd_state *st = NULL;
    OD_TRY(create_state(s, g, images, maps, levels, &st, err));
    st->boxes = boxes;
    st->classes = classes;
    *state = st;
    return OD_OK;
}

static od_status ssd_loss(void *state, od_net *net, const od_groundtruth *truth, int gradients, od_losses *losses, od_error *err)
{
    ssd_state *st = state;
    int64_t batch = net->graph->values[st->boxes].shape.n;
    OD_TRY(od_target_assigner_assign(st->assigner, truth, batch, &st->targets, err));
    od_rng rng;
    od_rng_init(&rng, net->seed, net->step);
    st->targets.draw = od_rng_next(&rng);
    od_ssd_loss_values values;
    OD_TRY(od_ssd_loss_run(st->model->loss, &st->targets, od_net_value(net, st->boxes), od_net_value(net, st->classes), &values,
                           gradients ? od_net_grad(net, st->boxes) : NULL, gradients ? od_net_grad(net, st->classes) : NULL, err));
    od_losses_add(losses, "Loss/localization_loss", values.localization);
    od_losses_add(losses, "Loss/classification_loss", values.classification);
    return OD_OK;
}

static od_status ssd_detect(void *state, od_net *net, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err)
{
    ssd_state *st = state;
    od_tensor_shape image = net->graph->values[0].shape;
    for (int64_t i = 0; i < image.n; i++) {
        st->windows[i][2] = (float)true_shapes[i][0] / (float)image.h;
        st->windows[i][3] = (float)true_shapes[i][1] / (float)image.w;
    }
    return od_postprocess_run(st->postprocess, image.n, od_net_value(net, st->boxes), od_net_value(net, st->classes),
                              (const float(*)[4])st->windows, detections, err);
}

static const float *ssd_prediction(const void *state, const od_net *net, const char *name, int64_t shape[4])
{
    const ssd_state *st = state;
    if (!strcmp(name, "anchors")) {
        memcpy(shape, (int64_t[]){st->anchors->count, 4, 1, 1}, 4 * sizeof *shape);
        return st->anchors->boxes;
    }
    od_value v = !strcmp(name, "box_encodings") ? st->boxes : !strcmp(name, "class_predictions_with_background") ? st->classes : OD_NO_VALUE;
    if (v == OD_NO_VALUE) return NULL;
    od_tensor_shape s = net->graph->values[v].shape;
    memcpy(shape, (int64_t[]){s.n, s.h, s.c, 1}, 4 * sizeof *shape);
    return od_net_value(net, v);
}

const od_meta od_meta_ssd = {
    .name = "ssd",
    .create = ssd_create,
    .free = ssd_free,
    .info = ssd_info,
    .build = ssd_build,
    .free_state = free_state,
    .loss = ssd_loss,
    .detect = ssd_detect,
    .prediction = ssd_prediction,
};
