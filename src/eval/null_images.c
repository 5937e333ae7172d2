/* SPDX-License-Identifier: Apache-2.0
 *
 * What a detector says on images without objects, and on those that only look alike.
 */
#include "eval/image_kinds.h"
#include "eval/localisation_options.h"
#include "eval/resample.h"
#include "eval/score_sort.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double od_score_quantiles[OD_SCORE_QUANTILES] = {0, .05, .25, .5, .75, .95, 1};

const char *od_image_kind_name(od_image_kind kind)
{
    static const char *const names[] = {"with objects", "null", "look-alikes"};
    return (unsigned)kind < OD_IMAGE_NUM_KINDS ? names[kind] : "?";
}

void od_image_kinds_fill(const od_coco_eval *e, int64_t class_index, uint8_t *kinds)
{
    memset(kinds, OD_IMAGES_NULL, e->num_images);
    for (size_t i = 0; i < e->num_truths; i++) {
        const od_coco_truth *t = &e->truths[i];
        if (class_index < 0 || t->class_index == class_index)
            kinds[t->image] = OD_IMAGES_WITH;
        else if (kinds[t->image] == OD_IMAGES_NULL)
            kinds[t->image] = OD_IMAGES_LOOKALIKE;
    }
}

/* What is gathered of each image. */
typedef struct state {
    const od_coco_eval *e;
    uint8_t *kinds;
    double *highest, *highest_false; /* scores; -1 without any */
    uint32_t *wrong;                 /* false detections of at least the threshold */
} state;

static int is_false(const od_box_item *item, int ignore_duplicates)
{
    return item->verdict == OD_VERDICT_FALSE || (item->verdict == OD_VERDICT_DUPLICATE && !ignore_duplicates);
}

static int state_init(state *s, const od_coco_eval *e)
{
    s->e = e;
    s->kinds = od_malloc(e->num_images, 1);
    s->highest = od_malloc(e->num_images, sizeof *s->highest);
    s->highest_false = od_malloc(e->num_images, sizeof *s->highest_false);
    s->wrong = od_calloc(e->num_images, sizeof *s->wrong);
    return s->kinds && s->highest && s->highest_false && s->wrong;
}

static void state_deinit(state *s)
{
    od_free(s->kinds);
    od_free(s->highest);
    od_free(s->highest_false);
    od_free(s->wrong);
}

static void gather(state *s, const od_box_list *list, const od_localisation_options *o, od_null_images *out)
{
    int64_t at[OD_IMAGE_NUM_KINDS][OD_SCORE_BINS] = {{0}};
    for (size_t i = 0; i < s->e->num_images; i++) s->highest[i] = s->highest_false[i] = -INFINITY;
    for (size_t i = list->count; i-- > 0;) { /* from the lowest: the highest stays */
        const od_box_item *item = &list->items[i];
        s->highest[item->image] = item->score;
        if (!is_false(item, o->ignore_duplicates)) continue;
        s->highest_false[item->image] = item->score;
        s->wrong[item->image] += item->score >= o->score_threshold;
        for (int b = 0; b < OD_SCORE_BINS && item->score >= (double)b / OD_SCORE_BINS; b++) at[s->kinds[item->image]][b]++;
    }
    for (size_t i = 0; i < s->e->num_images; i++) {
        od_score_spread *spread = &out->of[s->kinds[i]];
        double score = s->highest[i] > 0 ? s->highest[i] : 0;
        int bin = (int)(score * OD_SCORE_BINS);
        spread->images++;
        spread->unmarked += s->highest[i] == -INFINITY;
        spread->histogram[bin < OD_SCORE_BINS ? bin : OD_SCORE_BINS - 1]++;
        spread->false_detections += s->wrong[i];
    }
    for (int k = 0; k < OD_IMAGE_NUM_KINDS; k++)
        for (int b = 0; b < OD_SCORE_BINS; b++)
            out->of[k].false_per_image_at[b] = out->of[k].images ? (double)at[k][b] / (double)out->of[k].images : NAN;
}

static int ascending(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* Quantiles between the neighbours (numpy's default). `scratch`: [num_images]. */
static void find_quantiles(const state *s, int kind, double *scratch, double quantile[OD_SCORE_QUANTILES])
{
    size_t n = 0;
    for (size_t i = 0; i < s->e->num_images; i++)
        if (s->kinds[i] == kind) scratch[n++] = s->highest[i] == -INFINITY ? 0 : s->highest[i];
    qsort(scratch, n, sizeof *scratch, ascending);
    for (int q = 0; q < OD_SCORE_QUANTILES; q++) {
        double at = n ? od_score_quantiles[q] * (double)(n - 1) : 0;
        size_t i = (size_t)at;
        quantile[q] = !n ? NAN : i + 1 < n ? scratch[i] + (at - (double)i) * (scratch[i + 1] - scratch[i]) : scratch[n - 1];
    }
}

/* False detections per image of each kind. */
static void compute(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch)
{
    const state *s = user;
    (void)scratch;
    double wrong[OD_IMAGE_NUM_KINDS][OD_LANES] = {0}, images[OD_IMAGE_NUM_KINDS][OD_LANES] = {0};
    for (size_t i = 0; i < s->e->num_images; i++)
        for (size_t l = 0; l < OD_LANES; l++) {
            wrong[s->kinds[i]][l] += (double)weights[i * OD_LANES + l] * s->wrong[i];
            images[s->kinds[i]][l] += weights[i * OD_LANES + l];
        }
    for (int k = 0; k < OD_IMAGE_NUM_KINDS; k++)
        for (int l = 0; l < OD_LANES; l++) values[k][l] = images[k][l] > 0 ? wrong[k][l] / images[k][l] : (double)NAN;
}

/* Share of images of a kind with a false detection: Wilson's, or its version for groups. */
static od_status find_share(const state *s, int kind, const od_units *units, double level, od_interval *out, od_error *err)
{
    int64_t *counts = od_calloc(units->count, sizeof *counts), *totals = od_calloc(units->count, sizeof *totals);
    if (counts && totals) {
        int64_t count = 0, total = 0;
        for (size_t i = 0; i < s->e->num_images; i++) {
            if (s->kinds[i] != kind) continue;
            counts[units->of_image[i]] += s->wrong[i] > 0;
            totals[units->of_image[i]]++;
            count += s->wrong[i] > 0;
            total++;
        }
        *out = units->grouped ? od_interval_clustered(counts, totals, (int64_t)units->count, level)
                              : od_interval_wilson(count, total, level);
    }
    od_status status = counts && totals ? OD_OK : od_error_nomem(err, "images without objects");
    od_free(counts);
    od_free(totals);
    return status;
}

static od_status find_intervals(const state *s, od_null_images *out, const od_localisation_options *o, od_error *err)
{
    od_figures figures = {.compute = compute, .user = s, .count = OD_IMAGE_NUM_KINDS, .lowest = 0, .highest = HUGE_VAL,
                          .method = OD_BOOTSTRAP_BCA};
    od_resampling resampling = od_localisation_resampling(o);
    od_interval rates[OD_IMAGE_NUM_KINDS];
    od_units units = {0};
    OD_TRY(od_resample_figures(s->e, &figures, &resampling, rates, err));
    OD_TRY(od_units_init(&units, s->e->images, s->e->num_images, err));
    od_status status = OD_OK;
    for (int k = 0; k < OD_IMAGE_NUM_KINDS && status == OD_OK; k++) {
        od_score_spread *spread = &out->of[k];
        spread->false_per_image = rates[k];
        if (spread->images && !spread->false_detections) { /* no variation to resample: Garwood's limit for a count of 0 */
            spread->false_per_image = (od_interval){.value = 0, .low = 0, .se = NAN, .total = spread->images,
                                                    .high = -log((1 - o->level) / 2) / (double)spread->images,
                                                    .method = "Poisson (Garwood)"};
        }
        status = find_share(s, k, &units, o->level, &spread->images_with_false, err);
    }
    od_units_deinit(&units);
    return status;
}

static od_status find_worst(const state *s, od_null_images *out, double threshold, od_error *err)
{
    size_t n = s->e->num_images;
    od_scored *order = od_malloc(n, sizeof *order), *scratch = od_malloc(n, sizeof *scratch);
    out->worst = od_malloc(n, sizeof *out->worst);
    out->worst_score = od_malloc(n, sizeof *out->worst_score);
    int ok = order && scratch && out->worst && out->worst_score;
    if (ok) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++)
            if (s->kinds[i] != OD_IMAGES_WITH && s->highest_false[i] >= threshold)
                order[count++] = (od_scored){s->highest_false[i], (uint32_t)i};
        od_score_sort(order, scratch, count);
        for (size_t i = 0; i < count; i++) {
            out->worst[i] = order[i].index;
            out->worst_score[i] = order[i].score;
        }
        out->num_worst = count;
    }
    od_free(order);
    od_free(scratch);
    return ok ? OD_OK : od_error_nomem(err, "images without objects");
}

static od_status fill(od_null_images *out, state *s, const od_box_list *list, const od_localisation_options *o, od_error *err)
{
    double *scratch = od_malloc(s->e->num_images, sizeof *scratch);
    if (!scratch || !state_init(s, s->e)) {
        od_free(scratch);
        return od_error_nomem(err, "images without objects");
    }
    od_image_kinds_fill(s->e, out->class_index, s->kinds);
    gather(s, list, o, out);
    for (int k = 0; k < OD_IMAGE_NUM_KINDS; k++) find_quantiles(s, k, scratch, out->of[k].quantile);
    od_free(scratch);
    OD_TRY(find_intervals(s, out, o, err));
    return find_worst(s, out, o->score_threshold, err);
}

od_status od_null_images_compute(od_null_images *out, const od_coco_eval *e, int64_t class_index,
                                 const od_localisation_options *o, od_error *err)
{
    od_localisation_options standard = od_localisation_options_default();
    od_box_list list = {0};
    state s = {.e = e};
    if (!o) o = &standard;
    od_null_images n = {.class_index = class_index, .score_threshold = o->score_threshold};
    OD_TRY(od_localisation_list(e, class_index, o, &list, err));
    od_status status = fill(&n, &s, &list, o, err);
    state_deinit(&s);
    od_box_list_deinit(&list);
    if (status == OD_OK)
        *out = n;
    else
        od_null_images_deinit(&n);
    return status;
}

void od_null_images_deinit(od_null_images *n)
{
    od_free(n->worst);
    od_free(n->worst_score);
    n->worst = NULL;
    n->worst_score = NULL;
    n->num_worst = 0;
}
