/* SPDX-License-Identifier: Apache-2.0
 *
 * The CenterNet meta-architecture (Zhou et al., Objects as points, 2019; meta_architectures/center_net_meta_arch.py), box task:
 * feature map(s) at stride 4 -> heads for class heatmaps, box sizes and offsets -> losses, peaks. No regularisation loss.
 */
#include "detection/center_net_loss.h"
#include "detection/center_net_postprocess.h"
#include "models/center_net_features.h"
#include "models/layers.h"
#include "models/meta.h"
#include "util/alloc.h"

#include <stdio.h>
#include <string.h>

typedef ObjectDetection__Protos__CenterNet proto;
typedef ObjectDetection__Protos__CenterNet__PredictionHeadParams head_params;

enum { CENTER, SCALE, OFFSET, HEADS };
static const struct { const char *path, *name; } heads[HEADS] = {
    {"model/_prediction_head_dict/object_center", "object_center"}, {"model/_prediction_head_dict/box.Sscale", "box/scale"}, {"model/_prediction_head_dict/box.Soffset", "box/offset"}};

typedef struct center_net {
    const od_config *config;
    const proto *c;
    const od_center_net_features *features;
    od_center_net_config settings;
} center_net;

typedef struct center_net_state {
    const center_net *model;
    int stacks;
    od_value out[OD_CENTER_NET_MAX_STACKS][HEADS];
    od_center_net_targets targets;
    int64_t (*true_shapes)[2]; /* [N] */
} center_net_state;

static od_status check_config(const center_net *m, od_error *err)
{
    const proto *c = m->c;
    if (!c->feature_extractor || !c->feature_extractor->type)
        return od_config_error(m->config, c, "feature_extractor", err, OD_ERR_CONFIG, "the center_net model has no feature_extractor { type: ... }");
    const head_params *params[] = {c->object_center_params ? c->object_center_params->center_head_params : NULL,
                                   c->object_detection_task ? c->object_detection_task->scale_head_params : NULL,
                                   c->object_detection_task ? c->object_detection_task->offset_head_params : NULL};
    for (int i = 0; i < HEADS; i++) {
        if (!params[i]) continue;
        if (params[i]->n_num_filters != params[i]->n_kernel_sizes)
            return od_config_error(m->config, params[i], NULL, err, OD_ERR_CONFIG, "%zu num_filters and %zu kernel_sizes; expected as many of each",
                                   params[i]->n_num_filters, params[i]->n_kernel_sizes);
        for (size_t k = 0; k < params[i]->n_num_filters; k++)
            if (params[i]->num_filters[k] < 1 || params[i]->kernel_sizes[k] < 1)
                return od_config_error(m->config, params[i], NULL, err, OD_ERR_CONFIG, "num_filters %d and kernel_sizes %d; expected positive numbers",
                                       params[i]->num_filters[k], params[i]->kernel_sizes[k]);
    }
    return OD_OK;
}

static void center_net_free(void *self)
{
    od_free(self);
}

static od_status center_net_create(const od_config *config, void **self, od_error *err)
{
    center_net *m = od_calloc(1, sizeof *m);
    if (!m) return od_error_nomem(err, "the model");
    m->config = config;
    m->c = od_config_proto(config)->model->center_net;
    od_status status = check_config(m, err);
    if (status == OD_OK) status = od_center_net_features_find(config, m->c->feature_extractor, &m->features, err);
    if (status == OD_OK) status = od_center_net_config_init(&m->settings, m->c, OD_CENTER_NET_STRIDE, err);
    if (status != OD_OK) {
        od_free(m);
        return status;
    }
    *self = m;
    return OD_OK;
}

static void center_net_info(const void *self, od_model_info *info)
{
    const center_net *m = self;
    *info = (od_model_info){.type = m->features->type,
                            .num_classes = m->c->num_classes,
                            .backbone_paths = {m->features->backbone_path},
                            .features_paths = {"model/_feature_extractor"},
                            .backbone_shown = m->features->backbone_shown};
}

static void free_state(void *state)
{
    center_net_state *st = state;
    od_center_net_targets_deinit(&st->targets);
    od_free(st->true_shapes);
    od_free(st);
}

/* Convolutions with ReLU, then 1x1 to the outputs: make_prediction_net. Without params one of 3x3 and 256 filters. */
static od_value build_head(const center_net *m, od_graph *g, od_value x, const head_params *params, int outputs, float bias_init, const char *path, int stack)
{
    static const int32_t default_filters[] = {256}, default_kernels[] = {3};
    size_t count = params ? params->n_num_filters : 1;
    const int32_t *filters = params ? params->num_filters : default_filters, *kernels = params ? params->kernel_sizes : default_kernels;
    od_layer l = {.stride = 1, .padding = OD_PAD_SAME, .bias = 1, .init = od_init_glorot_uniform, .pointwise_init = od_init_glorot_uniform};
    for (size_t i = 0; i < count; i++) {
        l.kernel = kernels[i];
        x = m->c->use_depthwise ? od_layer_separable(g, x, filters[i], &l, "%s/%d/layer_with_weights-%zu", path, stack, i)
                                : od_layer_conv(g, x, filters[i], &l, "%s/%d/layer_with_weights-%zu", path, stack, i);
        x = od_graph_activation(g, x, OD_ACT_RELU, path);
    }
    l.kernel = 1;
    l.bias_init = bias_init;
    return od_layer_conv(g, x, outputs, &l, "%s/%d/layer_with_weights-%zu", path, stack, count);
}

static od_status create_state(const center_net *m, int64_t batch, center_net_state **out, od_error *err)
{
    center_net_state *st = od_calloc(1, sizeof *st);
    if (!st) return od_error_nomem(err, "the model");
    st->model = m;
    st->true_shapes = od_calloc((size_t)batch, sizeof *st->true_shapes);
    if (!st->true_shapes) {
        free_state(st);
        return od_error_nomem(err, "the model");
    }
    *out = st;
    return OD_OK;
}

static od_status center_net_build(const void *self, od_graph *g, od_value images, void **state, od_error *err)
{
    const center_net *m = self;
    const ObjectDetection__Protos__CenterNet__ObjectCenterParams *center = m->c->object_center_params;
    const ObjectDetection__Protos__CenterNet__ObjectDetection *box = m->c->object_detection_task;
    od_value maps[OD_CENTER_NET_MAX_STACKS], out[OD_CENTER_NET_MAX_STACKS][HEADS];
    int stacks = 0;
    OD_TRY(od_graph_check(g, err));
    OD_TRY(m->features->build(m->c->feature_extractor, m->features->depth, g, images, maps, &stacks, err));
    for (int i = 0; i < stacks; i++) {
        out[i][CENTER] = build_head(m, g, maps[i], center ? center->center_head_params : NULL, m->c->num_classes, center ? center->heatmap_bias_init : -2.19f,
                                    heads[CENTER].path, i);
        out[i][SCALE] = build_head(m, g, maps[i], box->scale_head_params, 2, 0, heads[SCALE].path, i);
        out[i][OFFSET] = build_head(m, g, maps[i], box->offset_head_params, 2, 0, heads[OFFSET].path, i);
        for (int k = 0; k < HEADS; k++) od_graph_mark_output(g, out[i][k]);
    }
    OD_TRY(od_graph_check(g, err));
    if (!state) return OD_OK;
    center_net_state *st = NULL;
    OD_TRY(create_state(m, g->values[images].shape.n, &st, err));
    st->stacks = stacks;
    memcpy(st->out, out, sizeof st->out);
    *state = st;
    return OD_OK;
}

static od_status center_net_loss(void *state, od_net *net, const od_groundtruth *truth, int gradients, od_losses *losses, od_error *err)
{
    center_net_state *st = state;
    od_tensor_shape image = net->graph->values[0].shape;
    for (int64_t i = 0; i < image.n; i++) {
        st->true_shapes[i][0] = truth[i].true_shape ? truth[i].true_shape[0] : image.h;
        st->true_shapes[i][1] = truth[i].true_shape ? truth[i].true_shape[1] : image.w;
    }
    OD_TRY(od_center_net_targets_assign(&st->model->settings, truth, (const int64_t(*)[2])st->true_shapes, image.n, image.h, image.w, &st->targets, err));
    od_center_net_head head[OD_CENTER_NET_MAX_STACKS];
    for (int i = 0; i < st->stacks; i++) {
        const od_value *v = st->out[i];
        head[i] = (od_center_net_head){.center = od_net_value(net, v[CENTER]), .scale = od_net_value(net, v[SCALE]), .offset = od_net_value(net, v[OFFSET])};
        if (!gradients) continue;
        head[i].d_center = od_net_grad(net, v[CENTER]);
        head[i].d_scale = od_net_grad(net, v[SCALE]);
        head[i].d_offset = od_net_grad(net, v[OFFSET]);
    }
    od_center_net_loss_values values;
    OD_TRY(od_center_net_loss_run(&st->model->settings, &st->targets, head, st->stacks, &values, err));
    od_losses_add(losses, "Loss/object_center", values.object_center);
    od_losses_add(losses, "Loss/box/scale", values.box_scale);
    od_losses_add(losses, "Loss/box/offset", values.box_offset);
    return OD_OK;
}

static od_status center_net_detect(void *state, od_net *net, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err)
{
    center_net_state *st = state;
    const od_value *v = st->out[st->stacks - 1];
    od_tensor_shape s = net->graph->values[v[CENTER]].shape;
    for (int64_t i = 0; i < s.n; i++) st->true_shapes[i][0] = true_shapes[i][0], st->true_shapes[i][1] = true_shapes[i][1];
    return od_center_net_postprocess(&st->model->settings, s.n, s.h, s.w, od_net_value(net, v[CENTER]), od_net_value(net, v[SCALE]), od_net_value(net, v[OFFSET]),
                                     (const int64_t(*)[2])st->true_shapes, detections, err);
}

/* "object_center/0", "box/scale/0", "box/offset/0"; /1 for the second stack. */
static const float *center_net_prediction(const void *state, const od_net *net, const char *name, int64_t shape[4])
{
    const center_net_state *st = state;
    for (int i = 0; i < st->stacks; i++)
        for (int k = 0; k < HEADS; k++) {
            char full[64];
            snprintf(full, sizeof full, "%s/%d", heads[k].name, i);
            if (strcmp(name, full)) continue;
            od_tensor_shape s = net->graph->values[st->out[i][k]].shape;
            memcpy(shape, (int64_t[]){s.n, s.h, s.w, s.c}, 4 * sizeof *shape);
            return od_net_value(net, st->out[i][k]);
        }
    return NULL;
}

const od_meta od_meta_center_net = {
    .name = "center_net",
    .no_regularization_loss = 1,
    .create = center_net_create,
    .free = center_net_free,
    .info = center_net_info,
    .build = center_net_build,
    .free_state = free_state,
    .loss = center_net_loss,
    .detect = center_net_detect,
    .prediction = center_net_prediction,
};
