/* SPDX-License-Identifier: Apache-2.0
 *
 * Anchors are worked through in chunks of a fixed size; each chunk's targets are expanded into a buffer that stays in
 * cache, and each chunk's losses go into its own slot, summed in order at the end.
 */
#include "detection/ssd_loss.h"

#include "detection/ssd_loss_config.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

enum { chunk = 128 }; /* anchors */

struct od_ssd_loss {
    od_ssd_loss_config config;
};

od_status od_ssd_loss_create(const ObjectDetection__Protos__Ssd *ssd, od_ssd_loss **out, od_error *err)
{
    od_ssd_loss_config config;
    OD_TRY(od_ssd_loss_config_init(&config, ssd, err));
    od_ssd_loss *made = od_malloc(1, sizeof *made);
    if (!made) return od_error_nomem(err, "loss");
    made->config = config;
    *out = made;
    return OD_OK;
}

void od_ssd_loss_free(od_ssd_loss *loss)
{
    od_free(loss);
}

/* One batch's pass. */
typedef struct pass {
    const od_ssd_loss_config *config;
    const od_targets *targets;
    const float *codes, *logits;
    float *d_codes, *d_logits;       /* or NULL */
    float *box_losses, *class_losses; /* [N, A], per anchor, or NULL; without them the weights below apply */
    const uint8_t *keep;             /* [N, A] anchors that count, or NULL: all */
    float box_scale, class_scale;    /* of the gradients */
    int columns;
    int64_t chunks_each;             /* chunks an image */
} pass;

/* Where a chunk's anchors begin, and how many they are. */
typedef struct span {
    int64_t image, first, count;
    int64_t row; /* image * anchor_count + first */
} span;

static span chunk_span(const pass *p, int64_t k)
{
    int64_t image = k / p->chunks_each, first = k % p->chunks_each * chunk, rest = p->targets->anchor_count - first;
    return (span){image, first, rest < chunk ? rest : chunk, image * p->targets->anchor_count + first};
}

/* Expanded targets [chunk, columns], weights and losses of one chunk, an anchor's box code and its weights [code_size]; a thread's. */
typedef struct buffers {
    float *targets, *weights, *losses, *code, *code_weights;
} buffers;

static void drop_unkept(const pass *p, const span *s, int columns, float *weights)
{
    if (!p->keep) return;
    for (int64_t i = 0; i < s->count; i++)
        if (!p->keep[s->row + i])
            for (int k = 0; k < columns; k++) weights[i * columns + k] = 0.0f;
}

static void sum_rows(int64_t rows, int columns, const float *losses, float *sums)
{
    for (int64_t i = 0; i < rows; i++) {
        float sum = 0;
        for (int k = 0; k < columns; k++) sum += losses[i * columns + k];
        sums[i] = sum;
    }
}

/* A softmax has one weight a row: the mean of its columns'. */
static void mean_weights(int64_t rows, int columns, float *weights)
{
    for (int64_t i = 0; i < rows; i++) {
        float sum = 0;
        for (int k = 0; k < columns; k++) sum += weights[i * columns + k];
        weights[i] = sum / (float)columns;
    }
}

static double class_chunk(const pass *p, const span *s, const buffers *b)
{
    const od_ssd_loss_config *c = p->config;
    int columns = p->columns;
    int64_t n = s->count * columns, at = s->row * columns;
    const float *x = p->logits + at;
    float *grad = p->d_logits ? p->d_logits + at : NULL, *losses = p->class_losses ? b->losses : NULL;
    od_targets_expand_classes(p->targets, s->image, s->first, s->count, b->targets, b->weights);
    drop_unkept(p, s, columns, b->weights);
    if (c->class_kind == OD_CLASS_LOSS_SOFTMAX || c->class_kind == OD_CLASS_LOSS_LOGITS_SOFTMAX) {
        mean_weights(s->count, columns, b->weights);
        float *row_losses = losses ? p->class_losses + s->row : NULL;
        if (c->class_kind == OD_CLASS_LOSS_SOFTMAX) return od_loss_softmax(s->count, columns, c->logit_scale, x, b->targets, b->weights, p->class_scale, row_losses, grad);
        return od_loss_logits_softmax(s->count, columns, c->logit_scale, x, b->targets, b->weights, p->class_scale, row_losses, grad);
    }
    double sum = 0;
    switch (c->class_kind) {
    case OD_CLASS_LOSS_FOCAL: sum = od_loss_sigmoid_focal(&c->focal, n, x, b->targets, b->weights, p->class_scale, losses, grad); break;
    case OD_CLASS_LOSS_BOOTSTRAP: sum = od_loss_bootstrapped_sigmoid(&c->bootstrap, n, x, b->targets, b->weights, p->class_scale, losses, grad); break;
    case OD_CLASS_LOSS_PENALTY: sum = od_loss_penalty_focal(&c->penalty, n, x, b->targets, b->weights, p->class_scale, losses, grad); break;
    default: sum = od_loss_sigmoid(n, x, b->targets, b->weights, p->class_scale, losses, grad); break;
    }
    if (losses) sum_rows(s->count, columns, losses, p->class_losses + s->row);
    return sum;
}

static double box_loss(const od_ssd_loss_config *c, int n, const float *x, const float *t, const float *weights, float scale, float *grad)
{
    float weight = weights[0];
    if (c->box_kind == OD_BOX_LOSS_HUBER) return od_loss_huber(c->delta, n, x, t, weights, scale, NULL, grad);
    if (c->box_kind == OD_BOX_LOSS_IOU || c->box_kind == OD_BOX_LOSS_GIOU) /* of the codes, as if they were boxes: the OD API hands it those */
        return (double)(weight * od_loss_box_iou(c->box_kind == OD_BOX_LOSS_GIOU, x, t, scale * weight, grad));
    if (c->box_kind == OD_BOX_LOSS_L1) return od_loss_l1(n, x, t, weights, scale, NULL, grad);
    return od_loss_l2(n, x, t, weights, scale, NULL, grad);
}

/* Only matched anchors have a box loss. What a code doesn't say (a keypoint that isn't labelled) is as predicted: the OD API's
 * ignore_nan_targets. */
static double box_chunk(const pass *p, const span *s, const buffers *b)
{
    const od_targets *t = p->targets;
    int size = t->coder.code_size;
    double sum = 0;
    if (p->d_codes) memset(p->d_codes + s->row * size, 0, (size_t)(s->count * size) * sizeof(float));
    for (int64_t i = 0; i < s->count; i++) {
        int64_t row = s->row + i;
        int32_t m = t->match[row];
        if (p->box_losses) p->box_losses[row] = 0.0f;
        if (m < 0 || (p->keep && !p->keep[row])) continue;
        const float *x = p->codes + row * size;
        float weight = od_targets_box_weight(t, s->image, m);
        od_targets_encode(t, s->image, s->first + i, b->code);
        for (int k = 0; k < size; k++) {
            if (isnan(b->code[k])) b->code[k] = x[k];
            b->code_weights[k] = weight;
        }
        double loss = box_loss(p->config, size, x, b->code, b->code_weights, p->box_scale, p->d_codes ? p->d_codes + row * size : NULL);
        if (p->box_losses) p->box_losses[row] = (float)loss;
        sum += loss;
    }
    return sum;
}

/* Sums of the two losses before normalisation. */
static od_status run_pass(const pass *p, od_ssd_loss_values *sums, od_error *err)
{
    int64_t chunks = p->chunks_each * p->targets->batch;
    od_ssd_loss_values *parts = od_malloc((size_t)chunks, sizeof *parts);
    if (!parts) return od_error_nomem(err, "loss");
    size_t row = (size_t)chunk * (size_t)p->columns, code = (size_t)p->targets->coder.code_size;
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        float *memory = od_malloc(3 * row + 2 * code, sizeof(float));
        buffers b = {memory, memory + row, memory + 2 * row, memory + 3 * row, memory + 3 * row + code};
        failed = memory == NULL;
#pragma omp for schedule(static)
        for (int64_t k = 0; k < chunks; k++) {
            if (!memory) continue;
            span s = chunk_span(p, k);
            parts[k].classification = p->config->class_kind == OD_CLASS_LOSS_DICE ? 0 : class_chunk(p, &s, &b);
            parts[k].localization = box_chunk(p, &s, &b);
        }
        od_free(memory);
    }
    *sums = (od_ssd_loss_values){0, 0};
    for (int64_t k = 0; k < chunks && !failed; k++) {
        sums->localization += parts[k].localization;
        sums->classification += parts[k].classification;
    }
    od_free(parts);
    return failed ? od_error_nomem(err, "loss") : OD_OK;
}

/* The Dice loss, which is of all anchors of an image at once; added to *sum. */
static od_status dice_pass(const pass *p, double *sum, od_error *err)
{
    const od_targets *t = p->targets;
    int64_t anchors = t->anchor_count;
    float *targets = od_malloc((size_t)anchors * (size_t)p->columns, 2 * sizeof(float));
    if (!targets) return od_error_nomem(err, "loss");
    float *weights = targets + anchors * p->columns;
    for (int64_t i = 0; i < t->batch; i++) {
        span whole = {i, 0, anchors, i * anchors};
        od_targets_expand_classes(t, i, 0, anchors, targets, weights);
        drop_unkept(p, &whole, p->columns, weights);
        *sum += od_loss_dice(&p->config->dice, anchors, p->columns, p->logits + whole.row * p->columns, targets, weights, p->class_scale,
                             p->d_logits ? p->d_logits + whole.row * p->columns : NULL);
    }
    od_free(targets);
    return OD_OK;
}

static od_status mine_image(const pass *p, int64_t image, float *boxes, uint8_t *keep)
{
    const od_targets *t = p->targets;
    int64_t row = image * t->anchor_count;
    od_box_coder_decode(&t->coder, t->anchor_count, p->codes + row * t->coder.code_size, t->anchors, boxes + 4 * row);
    return od_hard_example_miner_select(&p->config->miner, t->anchor_count, boxes + 4 * row, p->class_losses + row, p->box_losses + row,
                                        t->match + row, keep + row, NULL);
}

/* First pass: every anchor's losses; they choose the anchors that the second pass keeps. */
static od_status mine(const pass *p, uint8_t *keep, od_error *err)
{
    size_t anchors = (size_t)p->targets->batch * (size_t)p->targets->anchor_count;
    float *memory = od_malloc(anchors, 6 * sizeof(float));
    if (!memory) return od_error_nomem(err, "hard-example mining");
    pass first = *p;
    first.d_codes = first.d_logits = NULL;
    first.box_losses = memory;
    first.class_losses = memory + anchors;
    od_ssd_loss_values unused;
    od_status status = run_pass(&first, &unused, err);
    int failed = 0;
    if (status == OD_OK) {
#pragma omp parallel for schedule(static) reduction(| : failed)
        for (int64_t i = 0; i < p->targets->batch; i++) failed |= mine_image(&first, i, memory + 2 * anchors, keep) != OD_OK;
        if (failed) status = od_error_nomem(err, "hard-example mining");
    }
    od_free(memory);
    return status;
}

/* The OD API's BalancedPositiveNegativeSampler without a batch size: all positive anchors, and at most (1 - f) / f times as many of the
 * negative ones, drawn at random. Anchors of weight 0 are neither. */
static void sample_image(const pass *p, int64_t image, uint8_t *keep)
{
    const od_targets *t = p->targets;
    const int32_t *match = t->match + image * t->anchor_count;
    int64_t positives = 0, negatives = 0;
    for (int64_t i = 0; i < t->anchor_count; i++) {
        keep[i] = match[i] >= 0 && t->weights[t->box_first[image] + match[i]] != 0;
        positives += keep[i];
        negatives += match[i] == OD_MATCH_BACKGROUND && t->scheme.negative_class_weight != 0;
    }
    int64_t wanted = (int64_t)((1.0f - p->config->positive_fraction) / p->config->positive_fraction * (float)positives);
    od_rng rng;
    od_rng_init(&rng, t->draw, (uint64_t)image);
    for (int64_t i = 0; i < t->anchor_count && wanted > 0 && negatives > 0; i++) { /* sampling without replacement, in one pass */
        if (match[i] != OD_MATCH_BACKGROUND) continue;
        keep[i] = od_rng_uniform(&rng) * (double)negatives < (double)wanted;
        wanted -= keep[i];
        negatives--;
    }
}

static void sample(const pass *p, uint8_t *keep)
{
    for (int64_t i = 0; i < p->targets->batch; i++) sample_image(p, i, keep + i * p->targets->anchor_count);
}

od_status od_ssd_loss_run(const od_ssd_loss *loss, const od_targets *targets, const float *box_encodings, const float *class_logits,
                          od_ssd_loss_values *values, float *d_box, float *d_class, od_error *err)
{
    const od_ssd_loss_config *c = &loss->config;
    double normalizer = c->normalize_by_matches && targets->box_weight_sum > 1 ? targets->box_weight_sum : 1;
    double box_scale = (double)c->box_weight / (c->normalize_by_code_size ? normalizer * targets->coder.code_size : normalizer);
    double class_scale = (double)c->class_weight / normalizer;
    pass p = {.config = c, .targets = targets, .codes = box_encodings, .logits = class_logits, .d_codes = d_box, .d_logits = d_class,
              .box_scale = (float)box_scale, .class_scale = (float)class_scale, .columns = od_class_scheme_columns(&targets->scheme),
              .chunks_each = (targets->anchor_count + chunk - 1) / chunk};
    uint8_t *keep = NULL;
    od_status status = OD_OK;
    if (c->mine || c->positive_fraction > 0) {
        keep = od_malloc((size_t)targets->batch * (size_t)targets->anchor_count, 1);
        if (!keep) return od_error_nomem(err, "sampling of examples");
        if (c->positive_fraction > 0) sample(&p, keep);
        else status = mine(&p, keep, err);
        p.keep = keep;
    }
    od_ssd_loss_values sums;
    if (status == OD_OK) status = run_pass(&p, &sums, err);
    if (status == OD_OK && c->class_kind == OD_CLASS_LOSS_DICE) status = dice_pass(&p, &sums.classification, err);
    if (status == OD_OK) *values = (od_ssd_loss_values){sums.localization * box_scale, sums.classification * class_scale};
    od_free(keep);
    return status;
}
