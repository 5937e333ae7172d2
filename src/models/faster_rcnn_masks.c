/* SPDX-License-Identifier: Apache-2.0
 *
 * Faster R-CNN's third stage (meta_architectures/faster_rcnn_meta_arch.py, _predict_third_stage): detections before masks, masks, their loss.
 */
#include "models/faster_rcnn.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

void od_faster_rcnn_detect_host(void *state, od_net *net, const od_node *node, float *out)
{
    od_faster_rcnn_state *st = state;
    (void)node;
    memset(out, 0, (size_t)(st->batch * st->model->postprocess.nms.max_total) * 4 * sizeof *out);
    if (st->status == OD_OK) st->status = od_faster_rcnn_suppress(st, net, &st->found, &st->error);
    if (st->status == OD_OK) memcpy(out, st->found.boxes, (size_t)(st->batch * st->found.max) * 4 * sizeof *out);
}

/* Of detection `row` over all images: its class' mask, as probabilities. */
static void give_mask(const float *logits, od_tensor_shape s, int64_t row, int32_t class_index, float *to)
{
    const float *from = logits + row * s.h * s.w * s.c + (s.c > 1 ? class_index : 0);
    for (int64_t k = 0; k < s.h * s.w; k++) to[k] = 1 / (1 + expf(-from[k * s.c]));
}

od_status od_faster_rcnn_give_masks(const od_faster_rcnn_state *st, const od_net *net, od_detections *out, od_error *err)
{
    od_tensor_shape s = net->graph->values[st->masks].shape;
    const od_detections *found = &st->found;
    size_t rows = (size_t)(found->batch * found->max);
    OD_TRY(od_detections_reset(out, found->batch, found->max, err));
    OD_TRY(od_detections_add_masks(out, (int)s.h, (int)s.w, err));
    memcpy(out->boxes, found->boxes, rows * 4 * sizeof *out->boxes);
    memcpy(out->scores, found->scores, rows * sizeof *out->scores);
    memcpy(out->classes, found->classes, rows * sizeof *out->classes);
    memcpy(out->anchors, found->anchors, rows * sizeof *out->anchors);
    memcpy(out->count, found->count, (size_t)found->batch * sizeof *out->count);
    for (int64_t i = 0; i < out->batch; i++)
        for (int64_t row = i * out->max; row < i * out->max + out->count[i]; row++)
            give_mask(od_net_value(net, st->masks), s, row, out->classes[row], out->masks + row * s.h * s.w);
    return OD_OK;
}

/* What the masks of one image belong to: proposals, or, in inference, detections with their matches. */
typedef struct owners {
    int64_t max; /* rows an image */
    float *boxes;
    int32_t *match;
} owners;

/* In inference: boxes [batch * max, 4] in pixels, and what they match. */
static od_status match_detections(const od_faster_rcnn_state *st, owners *o, od_error *err)
{
    od_matcher matcher = od_box_classifier_matcher();
    size_t rows = (size_t)(st->batch * o->max);
    o->boxes = od_malloc(rows, 4 * sizeof *o->boxes);
    o->match = od_malloc(rows, sizeof *o->match);
    if (!o->boxes || !o->match) return od_error_nomem(err, "the masks' loss");
    for (size_t i = 0; i < 4 * rows; i++) o->boxes[i] = st->found.boxes[i] * (float)(i % 2 ? st->width : st->height);
    for (int64_t i = 0; i < st->batch; i++)
        OD_TRY(od_two_stage_match(&matcher, o->boxes + 4 * i * o->max, o->max, &st->pixel_truth[i].truth, o->match + i * o->max, err));
    return OD_OK;
}

static od_mask_loss_image_in image_of(const od_faster_rcnn_state *st, od_net *net, int gradients, const owners *o, int64_t i)
{
    od_tensor_shape s = net->graph->values[st->masks].shape;
    int64_t first = i * o->max, at = first * s.h * s.w * s.c;
    return (od_mask_loss_image_in){.count = st->training ? st->count[i] : st->found.count[i],
                                   .boxes = o->boxes + 4 * first,
                                   .match = o->match + first,
                                   .truth = &st->pixel_truth[i].truth,
                                   .logits = od_net_value(net, st->masks) + at,
                                   .d_logits = gradients ? od_net_grad(net, st->masks) + at : NULL};
}

static od_status add_up(const od_faster_rcnn_state *st, od_net *net, int gradients, const owners *o, double *loss, od_error *err)
{
    od_tensor_shape s = net->graph->values[st->masks].shape;
    od_mask_loss_params p = {(int)s.h, (int)s.w, (int)s.c, st->model->c->use_matmul_crop_and_resize, st->height, st->width,
                             st->model->c->second_stage_mask_prediction_loss_weight};
    double weight = 0;
    double *each = od_calloc((size_t)st->batch, sizeof *each);
    if (!each) return od_error_nomem(err, "the masks' loss");
    if (gradients) memset(od_net_grad(net, st->masks), 0, (size_t)od_shape_size(s) * sizeof(float));
    for (int64_t i = 0; i < st->batch; i++) {
        od_mask_loss_image_in image = image_of(st, net, gradients, o, i);
        weight += od_mask_loss_weight(&image);
    }
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) num_threads(net->threads)
    for (int64_t i = 0; i < st->batch; i++) {
        od_mask_loss_image_in image = image_of(st, net, gradients, o, i);
        failed |= od_mask_loss_image(&p, &image, weight, &each[i], NULL) != OD_OK;
    }
    for (int64_t i = 0; i < st->batch; i++) *loss += each[i];
    od_free(each);
    return failed ? od_error_nomem(err, "the masks' loss") : OD_OK;
}

od_status od_faster_rcnn_mask_loss(od_faster_rcnn_state *st, od_net *net, int gradients, int *known, double *loss, od_error *err)
{
    *known = 1;
    for (int64_t i = 0; i < st->batch; i++)
        if (st->pixel_truth[i].truth.count && !st->pixel_truth[i].truth.masks) *known = 0;
    if (!*known && st->training)
        return od_error_set(err, OD_ERR_CONFIG, "a mask head learns from instance masks, and the data have none; set load_instance_masks: true in train_input_reader, or use data with masks");
    if (!*known) return OD_OK;
    owners o = {st->max_proposals, st->boxes, st->match};
    if (st->training) return add_up(st, net, gradients, &o, loss, err);
    o = (owners){.max = st->found.max};
    od_status status = match_detections(st, &o, err);
    if (status == OD_OK) status = add_up(st, net, gradients, &o, loss, err);
    od_free(o.boxes);
    od_free(o.match);
    return status;
}
