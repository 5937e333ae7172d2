/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/rpn_loss.h"

#include "detection/losses.h"
#include "util/alloc.h"

#include <string.h>

/* Of each anchor: its match, and whether it can be drawn, is positive, is drawn. */
typedef struct anchor_roles {
    int32_t *match;
    uint8_t *candidate, *positive, *drawn;
} anchor_roles;

static od_status choose(const od_rpn_loss_params *p, const od_rpn_anchors *anchors, const od_groundtruth *truth, od_rng *rng, anchor_roles *r, od_error *err)
{
    od_matcher matcher = od_rpn_matcher();
    OD_TRY(od_two_stage_match(&matcher, anchors->boxes, anchors->count, truth, r->match, err));
    for (int64_t i = 0; i < anchors->count; i++) {
        r->candidate[i] = od_two_stage_weight(truth, r->match[i]) != 0;
        r->positive[i] = r->match[i] >= 0;
    }
    return od_minibatch_sampler_select(&p->sampler, anchors->count, r->candidate, r->positive, p->minibatch, rng, r->drawn, err);
}

static double objectness(int64_t row, int positive, float scale, const float *logits, float *d_logits)
{
    const float target[2] = {positive ? 0.0f : 1.0f, positive ? 1.0f : 0.0f}, one = 1;
    return od_loss_softmax(1, 2, 1, logits + 2 * row, target, &one, scale, NULL, d_logits ? d_logits + 2 * row : NULL);
}

static double localization(const od_rpn_loss_params *p, const float *anchor, const od_groundtruth *truth, int32_t match, int64_t row, float scale,
                           const float *codes, float *d_codes)
{
    float code[4], w = od_two_stage_weight(truth, match), weights[4] = {w, w, w, w};
    od_box_coder_encode(&p->coder, 1, truth->boxes + 4 * match, anchor, code);
    return od_loss_huber(1, 4, codes + 4 * row, code, weights, scale, NULL, d_codes ? d_codes + 4 * row : NULL);
}

static void add_up(const od_rpn_loss_params *p, const od_rpn_anchors *anchors, const od_groundtruth *truth, const anchor_roles *r, int64_t batch,
                   const float *codes, const float *logits, od_stage_loss *loss, float *d_codes, float *d_logits)
{
    int64_t drawn = 0;
    double boxes = 0, objects = 0;
    for (int64_t i = 0; i < anchors->count; i++) drawn += r->drawn[i];
    double each = 1.0 / ((double)(drawn > 1 ? drawn : 1) * (double)batch);
    for (int64_t i = 0; i < anchors->count; i++) {
        if (!r->drawn[i]) continue;
        int64_t row = od_rpn_anchors_row(anchors, i);
        objects += objectness(row, r->positive[i], (float)(each * (double)p->objectness_weight), logits, d_logits);
        if (r->positive[i])
            boxes += localization(p, anchors->boxes + 4 * i, truth, r->match[i], row, (float)(each * (double)p->localization_weight), codes, d_codes);
    }
    loss->localization += boxes * each * (double)p->localization_weight;
    loss->classification += objects * each * (double)p->objectness_weight;
}

od_status od_rpn_loss_image(const od_rpn_loss_params *p, const od_rpn_anchors *anchors, const od_groundtruth *truth, int64_t batch, od_rng *rng,
                            const float *codes, const float *logits, od_stage_loss *loss, float *d_codes, float *d_logits, od_error *err)
{
    size_t n = (size_t)anchors->count;
    anchor_roles r = {.match = od_malloc(n, sizeof *r.match), .candidate = od_malloc(n, 3)};
    od_status status = r.match && r.candidate ? OD_OK : od_error_nomem(err, "the first stage's targets");
    if (status == OD_OK) {
        r.positive = r.candidate + n;
        r.drawn = r.positive + n;
        status = choose(p, anchors, truth, rng, &r, err);
    }
    if (d_codes) memset(d_codes, 0, 4 * (size_t)anchors->predicted * sizeof *d_codes);
    if (d_logits) memset(d_logits, 0, 2 * (size_t)anchors->predicted * sizeof *d_logits);
    if (status == OD_OK) add_up(p, anchors, truth, &r, batch, codes, logits, loss, d_codes, d_logits);
    od_free(r.match);
    od_free(r.candidate);
    return status;
}
