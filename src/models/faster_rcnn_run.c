/* SPDX-License-Identifier: Apache-2.0
 *
 * Between and after the stages: proposals and their minibatch, losses, detections.
 */
#include "models/faster_rcnn.h"
#include "util/alloc.h"

#include <stdio.h>
#include <string.h>

enum { STREAM_RPN, STREAM_PROPOSALS, STREAMS };

void od_faster_rcnn_set_inputs(void *state, const int32_t (*true_shapes)[3], const od_groundtruth *truth)
{
    od_faster_rcnn_state *st = state;
    st->true_shapes = true_shapes;
    st->truth = truth;
}

void od_faster_rcnn_window(const od_faster_rcnn_state *st, int64_t image, float window[4])
{
    const int32_t *shape = st->true_shapes ? st->true_shapes[image] : NULL;
    window[0] = window[1] = 0;
    window[2] = (float)(shape ? shape[0] : st->height);
    window[3] = (float)(shape ? shape[1] : st->width);
}

/* Its own random numbers for each step, image and stage. */
static od_rng stream(const od_net *net, int64_t image, int stage)
{
    od_rng step, rng;
    od_rng_init(&step, net->seed, net->step);
    od_rng_init(&rng, od_rng_next(&step), (uint64_t)(image * STREAMS + stage));
    return rng;
}

float *od_faster_rcnn_boxes(const od_faster_rcnn_state *st, int64_t image)
{
    return st->boxes + image * st->max_proposals * 4;
}

/* The proposals that the second stage learns from, in their order: od's _sample_box_classifier_minibatch_single_image. With fixed shapes
 * missing ones are the first proposal. */
static od_status sample(od_faster_rcnn_state *st, const od_net *net, int64_t image, const od_nms_output *found, od_error *err)
{
    const od_faster_rcnn *m = st->model;
    const od_groundtruth *truth = &st->pixel_truth[image].truth;
    int64_t n = found->count, all = m->proposals[1].max_total;
    od_matcher matcher = od_box_classifier_matcher();
    od_rng rng = stream(net, image, STREAM_PROPOSALS);
    int32_t *match = od_malloc((size_t)all, sizeof *match);
    uint8_t *roles = od_calloc((size_t)all, 3), *positive = roles + all, *chosen = positive + all;
    od_status status = match && roles ? od_two_stage_match(&matcher, found->boxes, all, truth, match, err) : od_error_nomem(err, "the second stage's minibatch");
    for (int64_t i = 0; status == OD_OK && i < all; i++) {
        roles[i] = i < n && od_two_stage_weight(truth, match[i]) > 0;
        positive[i] = match[i] >= 0;
    }
    if (status == OD_OK) status = od_minibatch_sampler_select(&m->sampler, all, roles, positive, st->max_proposals, &rng, chosen, err);
    int64_t count = 0;
    for (int64_t i = 0; status == OD_OK && i < all && count < st->max_proposals; i++)
        if (chosen[i]) memcpy(od_faster_rcnn_boxes(st, image) + 4 * count++, found->boxes + 4 * i, 4 * sizeof(float));
    for (; status == OD_OK && m->c->use_static_shapes && count < st->max_proposals; count++)
        memcpy(od_faster_rcnn_boxes(st, image) + 4 * count, found->boxes, 4 * sizeof(float));
    st->count[image] = (int32_t)count;
    od_free(match);
    od_free(roles);
    return status;
}

od_status od_faster_rcnn_select(const od_faster_rcnn_state *st, const od_net *net, int64_t image, od_nms_output *out, od_error *err)
{
    const od_faster_rcnn *m = st->model;
    int64_t predicted = st->anchors.predicted;
    float window[4];
    od_faster_rcnn_window(st, image, window);
    return od_proposals_select(&m->proposals[st->training], &m->rpn_loss.coder, &st->anchors, od_net_value(net, st->rpn_codes) + image * predicted * 4,
                               od_net_value(net, st->rpn_logits) + image * predicted * 2, window, out, err);
}

static od_status propose_image(od_faster_rcnn_state *st, const od_net *net, int64_t image, od_error *err)
{
    const od_faster_rcnn *m = st->model;
    int64_t most = m->proposals[st->training].max_total;
    od_nms_output found = {.boxes = od_calloc((size_t)most, 4 * sizeof(float)), .scores = od_malloc((size_t)most, sizeof(float)), .classes = od_malloc((size_t)most, sizeof(int32_t))};
    od_status status = found.boxes && found.scores && found.classes ? OD_OK : od_error_nomem(err, "proposals");
    if (status == OD_OK) status = od_faster_rcnn_select(st, net, image, &found, err);
    if (status == OD_OK && st->training && !m->classifier_loss.mine) {
        status = sample(st, net, image, &found, err);
    } else if (status == OD_OK) {
        st->count[image] = found.count;
        memcpy(od_faster_rcnn_boxes(st, image), found.boxes, (size_t)found.count * 4 * sizeof(float));
    }
    od_free(found.boxes);
    od_free(found.scores);
    od_free(found.classes);
    return status;
}

static od_status set_truth(od_faster_rcnn_state *st, const od_groundtruth *truth, od_error *err)
{
    if (!truth) return od_error_set(err, OD_ERR_INTERNAL, "training a two-stage detector needs od_instance_set_inputs with ground truth before the forward pass");
    for (int64_t i = 0; i < st->batch; i++)
        OD_TRY(od_pixel_truth_set(&st->pixel_truth[i], &truth[i], i, st->model->c->num_classes, st->height, st->width, err));
    return OD_OK;
}

/* Relative to the padded image and back, as the OD API does: the losses see boxes that went through both. */
static void normalise(od_faster_rcnn_state *st, float *out)
{
    const float size[2] = {(float)st->height, (float)st->width}, inverse[2] = {1 / size[0], 1 / size[1]};
    for (int64_t i = 0; i < st->batch * st->max_proposals * 4; i++) {
        out[i] = st->boxes[i] * inverse[i % 2];
        st->boxes[i] = out[i] * size[i % 2];
    }
}

void od_faster_rcnn_propose(void *state, od_net *net, const od_node *node, float *out)
{
    (void)node;
    od_faster_rcnn_state *st = state;
    st->error = (od_error){0};
    st->status = st->training ? set_truth(st, st->truth, &st->error) : OD_OK;
    memset(st->boxes, 0, (size_t)(st->batch * st->max_proposals) * 4 * sizeof(float));
    memset(st->count, 0, (size_t)st->batch * sizeof *st->count);
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) num_threads(net->threads)
    for (int64_t i = 0; i < st->batch; i++)
        if (st->status == OD_OK) failed |= propose_image(st, net, i, NULL) != OD_OK;
    if (failed) st->status = od_error_nomem(&st->error, "proposals");
    normalise(st, out);
}

static od_status last_status(const od_faster_rcnn_state *st, od_error *err)
{
    if (st->status != OD_OK && err) *err = st->error;
    return st->status;
}

static void image_loss(od_faster_rcnn_state *st, od_net *net, int64_t i, int gradients, od_stage_loss *rpn, od_stage_loss *classifier, int *failed)
{
    const od_faster_rcnn *m = st->model;
    const od_groundtruth *truth = &st->pixel_truth[i].truth;
    int64_t a = st->anchors.predicted, p = st->max_proposals, code = 4 * m->predictor.boxes_each, columns = m->c->num_classes + 1;
    od_rng rng = stream(net, i, STREAM_RPN);
    *failed |= od_rpn_loss_image(&m->rpn_loss, &st->anchors, truth, st->batch, &rng, od_net_value(net, st->rpn_codes) + i * a * 4,
                                 od_net_value(net, st->rpn_logits) + i * a * 2, rpn, gradients ? od_net_grad(net, st->rpn_codes) + i * a * 4 : NULL,
                                 gradients ? od_net_grad(net, st->rpn_logits) + i * a * 2 : NULL, NULL) != OD_OK;
    if (m->first_only) return;
    od_box_classifier_image image = {.image = i,
                                     .batch = st->batch,
                                     .count = st->count[i],
                                     .max = p,
                                     .proposals = od_faster_rcnn_boxes(st, i),
                                     .truth = truth,
                                     .codes = od_net_value(net, st->codes) + i * p * code,
                                     .logits = od_net_value(net, st->logits) + i * p * columns,
                                     .d_codes = gradients ? od_net_grad(net, st->codes) + i * p * code : NULL,
                                     .d_logits = gradients ? od_net_grad(net, st->logits) + i * p * columns : NULL,
                                     .match = st->match + i * p};
    *failed |= od_box_classifier_loss_image(&m->classifier_loss, &image, classifier, NULL) != OD_OK;
}

od_status od_faster_rcnn_loss(void *state, od_net *net, const od_groundtruth *truth, int gradients, od_losses *losses, od_error *err)
{
    od_faster_rcnn_state *st = state;
    OD_TRY(last_status(st, err));
    OD_TRY(set_truth(st, truth, err));
    od_stage_loss *each = od_calloc((size_t)st->batch, 2 * sizeof *each), rpn = {0}, classifier = {0};
    if (!each) return od_error_nomem(err, "losses");
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) num_threads(net->threads)
    for (int64_t i = 0; i < st->batch; i++) image_loss(st, net, i, gradients, &each[2 * i], &each[2 * i + 1], &failed);
    for (int64_t i = 0; i < st->batch; i++) {
        rpn.localization += each[2 * i].localization;
        rpn.classification += each[2 * i].classification;
        classifier.localization += each[2 * i + 1].localization;
        classifier.classification += each[2 * i + 1].classification;
    }
    od_free(each);
    if (failed) return od_error_nomem(err, "the losses");
    int has_masks = 0;
    double masks = 0;
    if (st->masks != OD_NO_VALUE) OD_TRY(od_faster_rcnn_mask_loss(st, net, gradients, &has_masks, &masks, err));
    od_losses_add(losses, "Loss/RPNLoss/localization_loss", rpn.localization);
    od_losses_add(losses, "Loss/RPNLoss/objectness_loss", rpn.classification);
    if (st->model->first_only) return OD_OK;
    od_losses_add(losses, "Loss/BoxClassifierLoss/localization_loss", classifier.localization);
    od_losses_add(losses, "Loss/BoxClassifierLoss/classification_loss", classifier.classification);
    if (has_masks) od_losses_add(losses, "Loss/BoxClassifierLoss/mask_loss", masks);
    return OD_OK;
}

od_status od_faster_rcnn_suppress(od_faster_rcnn_state *st, const od_net *net, od_detections *out, od_error *err)
{
    const od_faster_rcnn *m = st->model;
    int64_t p = st->max_proposals, code = 4 * m->predictor.boxes_each, columns = m->c->num_classes + 1;
    OD_TRY(od_detections_reset(out, st->batch, m->postprocess.nms.max_total, err));
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) num_threads(net->threads)
    for (int64_t i = 0; i < st->batch; i++) {
        float window[4];
        od_faster_rcnn_window(st, i, window);
        failed |= od_box_classifier_postprocess_image(&m->postprocess, st->count[i], od_faster_rcnn_boxes(st, i), od_net_value(net, st->codes) + i * p * code,
                                                      od_net_value(net, st->logits) + i * p * columns, window, i, out, NULL) != OD_OK;
    }
    return failed ? od_error_nomem(err, "detections") : OD_OK;
}

/* The proposals, relative to the image without its padding as every detector's boxes here. (The OD API's are relative to the padded one.) */
static od_status give_proposals(const od_faster_rcnn_state *st, const od_net *net, od_detections *d, od_error *err)
{
    OD_TRY(od_detections_reset(d, st->batch, st->max_proposals, err));
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) num_threads(net->threads)
    for (int64_t i = 0; i < st->batch; i++) {
        int64_t first = i * d->max;
        float window[4];
        od_nms_output out = {d->boxes + 4 * first, d->scores + first, d->classes + first, d->anchors + first, 0};
        failed |= od_faster_rcnn_select(st, net, i, &out, NULL) != OD_OK;
        d->count[i] = out.count;
        od_faster_rcnn_window(st, i, window);
        for (int64_t k = 0; k < 4 * (int64_t)out.count; k++) out.boxes[k] *= 1 / window[2 + k % 2];
    }
    return failed ? od_error_nomem(err, "detections") : OD_OK;
}

od_status od_faster_rcnn_detect(void *state, od_net *net, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err)
{
    od_faster_rcnn_state *st = state;
    OD_TRY(last_status(st, err));
    st->true_shapes = true_shapes;
    if (st->model->first_only) return give_proposals(st, net, detections, err);
    if (st->detected != OD_NO_VALUE) return od_faster_rcnn_give_masks(st, net, detections, err);
    return od_faster_rcnn_suppress(st, net, detections, err);
}

/* By the keys of the OD API's prediction_dict. */
const float *od_faster_rcnn_prediction(const void *state, const od_net *net, const char *name, int64_t shape[4])
{
    const od_faster_rcnn_state *st = state;
    int64_t n = st->batch, a = st->anchors.predicted, p = st->max_proposals, each = st->model->predictor.boxes_each;
    int second = !st->model->first_only;
    for (int64_t i = 0; i < n; i++) st->counts[i] = (float)st->count[i];
    const float *masks = st->masks != OD_NO_VALUE ? od_net_value(net, st->masks) : NULL;
    od_tensor_shape m = masks ? net->graph->values[st->masks].shape : (od_tensor_shape){0};
    const struct { const char *name; const float *data; int64_t shape[4]; } all[] = {
        {"rpn_box_encodings", od_net_value(net, st->rpn_codes), {n, a, 4, 1}},
        {"rpn_objectness_predictions_with_background", od_net_value(net, st->rpn_logits), {n, a, 2, 1}},
        {"anchors", st->anchors.boxes, {st->anchors.count, 4, 1, 1}},
        {"refined_box_encodings", second ? od_net_value(net, st->codes) : NULL, {n * p, each, 4, 1}},
        {"class_predictions_with_background", second ? od_net_value(net, st->logits) : NULL, {n * p, st->model->c->num_classes + 1, 1, 1}},
        {"proposal_boxes", second ? st->boxes : NULL, {n, p, 4, 1}},
        {"num_proposals", second ? st->counts : NULL, {n, 1, 1, 1}},
        {"mask_predictions", masks, {m.n, m.h, m.w, m.c}}}; /* the OD API's are [n, classes, height, width] */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, name) && all[i].data) {
            memcpy(shape, all[i].shape, sizeof all[i].shape);
            return all[i].data;
        }
    return NULL;
}
