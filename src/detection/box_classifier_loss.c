/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/box_classifier_loss.h"

#include "util/alloc.h"

#include <string.h>

od_status od_box_classifier_loss_read(od_box_classifier_loss_params *p, const ObjectDetection__Protos__ClassificationLoss *c, od_error *err)
{
    p->kind = OD_STAGE_SOFTMAX;
    p->logit_scale = 1;
    if (!c || !c->classification_loss_case) return OD_OK;
    switch ((int)c->classification_loss_case) {
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SOFTMAX: p->logit_scale = c->weighted_softmax->logit_scale; break;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID: p->kind = OD_STAGE_SIGMOID; break;
    case OBJECT_DETECTION__PROTOS__CLASSIFICATION_LOSS__CLASSIFICATION_LOSS_WEIGHTED_SIGMOID_FOCAL:
        p->kind = OD_STAGE_FOCAL;
        p->focal = (od_focal_params){c->weighted_sigmoid_focal->gamma, c->weighted_sigmoid_focal->alpha, c->weighted_sigmoid_focal->has_alpha};
        break;
    default:
        return od_error_set(err, OD_ERR_UNSUPPORTED,
                            "second_stage_classification_loss: only weighted_softmax (the default), weighted_sigmoid and weighted_sigmoid_focal are supported");
    }
    if (p->logit_scale > 0) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "weighted_softmax: logit_scale %g; expected a positive number", (double)p->logit_scale);
}

/* What the rows share; losses [max] are unweighted by the stages' weights, or NULL. */
typedef struct pass {
    const od_box_classifier_loss_params *p;
    const od_box_classifier_image *im;
    double each;         /* what a row's loss is multiplied with */
    const uint8_t *keep; /* [max], or NULL: all */
    float *target, *weights, *class_losses, *box_losses;
} pass;

static double class_row(const pass *s, int64_t i, float scale, float *grad)
{
    const od_box_classifier_loss_params *p = s->p;
    int columns = p->num_classes + 1;
    int32_t m = s->im->match[i];
    float w = od_two_stage_weight(s->im->truth, m);
    const float *x = s->im->logits + i * columns;
    for (int k = 0; k < columns; k++) s->target[k] = 0, s->weights[k] = w;
    const float *targets = s->im->truth->class_targets;
    if (m >= 0 && targets)
        memcpy(s->target + 1, targets + (int64_t)m * p->num_classes, (size_t)p->num_classes * sizeof *targets);
    else
        s->target[m >= 0 ? s->im->truth->classes[m] + 1 : 0] = 1;
    if (p->kind == OD_STAGE_SOFTMAX) return od_loss_softmax(1, columns, p->logit_scale, x, s->target, &w, scale, NULL, grad);
    if (p->kind == OD_STAGE_SIGMOID) return od_loss_sigmoid(columns, x, s->target, s->weights, scale, NULL, grad);
    return od_loss_sigmoid_focal(&p->focal, columns, x, s->target, s->weights, scale, NULL, grad);
}

static double box_row(const pass *s, int64_t i, float scale, float *grad)
{
    const od_groundtruth *t = s->im->truth;
    int32_t m = s->im->match[i];
    int64_t at = 4 * (i * s->p->boxes_each + (s->p->boxes_each > 1 ? t->classes[m] : 0));
    float code[4], w = od_two_stage_weight(t, m), weights[4] = {w, w, w, w};
    od_box_coder_encode(&s->p->coder, 1, t->boxes + 4 * m, s->im->proposals + 4 * i, code);
    return od_loss_huber(1, 4, s->im->codes + at, code, weights, scale, NULL, grad ? grad + at : NULL);
}

static void clear(float *x, int64_t n)
{
    if (x) memset(x, 0, (size_t)n * sizeof *x);
}

static void run(const pass *s, int gradients, od_stage_loss *loss)
{
    const od_box_classifier_image *im = s->im;
    int64_t columns = s->p->num_classes + 1;
    float class_scale = (float)(s->each * (double)s->p->classification_weight), box_scale = (float)(s->each * (double)s->p->localization_weight);
    float *d_codes = gradients ? im->d_codes : NULL, *d_logits = gradients ? im->d_logits : NULL;
    double classes = 0, boxes = 0;
    clear(d_codes, im->max * s->p->boxes_each * 4);
    clear(d_logits, im->max * columns);
    for (int64_t i = 0; i < im->count; i++) {
        if (s->keep && !s->keep[i]) continue;
        double c = class_row(s, i, class_scale, d_logits ? d_logits + i * columns : NULL), b = im->match[i] >= 0 ? box_row(s, i, box_scale, d_codes) : 0;
        if (s->class_losses) s->class_losses[i] = (float)(c * s->each), s->box_losses[i] = (float)(b * s->each);
        classes += c;
        boxes += b;
    }
    loss->classification += classes * s->each * (double)s->p->classification_weight;
    loss->localization += boxes * s->each * (double)s->p->localization_weight;
}

/* The OD API's miner returns after the first image. */
static od_status run_mined(pass *s, od_stage_loss *loss, od_error *err)
{
    const od_box_classifier_image *im = s->im;
    od_stage_loss unmined = {0};
    uint8_t *keep = od_calloc((size_t)im->max, 1);
    s->class_losses = od_malloc((size_t)im->max, sizeof(float));
    s->box_losses = od_malloc((size_t)im->max, sizeof(float));
    od_status status = keep && s->class_losses && s->box_losses ? OD_OK : od_error_nomem(err, "hard-example mining");
    if (status == OD_OK && im->image == 0 && im->count) {
        run(s, 0, &unmined);
        status = od_hard_example_miner_select(&s->p->miner, im->count, im->proposals, s->class_losses, s->box_losses, im->match, keep, err);
    }
    if (status == OD_OK) {
        s->keep = keep;
        run(s, 1, loss);
    }
    od_free(keep);
    od_free(s->class_losses);
    od_free(s->box_losses);
    return status;
}

od_status od_box_classifier_loss_image(const od_box_classifier_loss_params *p, const od_box_classifier_image *im, od_stage_loss *loss, od_error *err)
{
    od_matcher matcher = od_box_classifier_matcher();
    size_t columns = (size_t)p->num_classes + 1;
    OD_TRY(od_two_stage_match(&matcher, im->proposals, im->max, im->truth, im->match, err));
    float *room = od_malloc(columns, 2 * sizeof *room);
    if (!room) return od_error_nomem(err, "the second stage's targets");
    pass s = {.p = p, .im = im, .each = 1.0 / ((double)(im->count > 1 ? im->count : 1) * (double)im->batch), .target = room, .weights = room + columns};
    od_status status = OD_OK;
    if (p->mine) status = run_mined(&s, loss, err);
    else run(&s, 1, loss);
    od_free(room);
    return status;
}
