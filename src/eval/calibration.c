/* SPDX-License-Identifier: Apache-2.0
 *
 * Reliability diagrams and the calibration errors that sum them up.
 */
#include "eval/calibration_pairs.h"
#include "eval/image_kinds.h"
#include "util/alloc.h"
#include "util/error.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Bin i holds scores above i / n, up to (i + 1) / n; 0 is in the first (Guo et al.). */
static int bin_of(double score, int n)
{
    int i = (int)ceil(score * n) - 1;
    if (i < 0) i = 0;
    if (i >= n) i = n - 1;
    while (i > 0 && score <= (double)i / n) i--; /* score * n rounds */
    while (i < n - 1 && score > (double)(i + 1) / n) i++;
    return i;
}

static void start(od_reliability *r, int num_bins)
{
    memset(r, 0, sizeof *r);
    r->num_bins = num_bins;
    for (int i = 0; i < num_bins; i++) {
        r->bins[i].low = (double)i / num_bins;
        r->bins[i].high = (double)(i + 1) / num_bins;
    }
}

static void add(od_reliability *r, double score, int right)
{
    od_reliability_bin *b = &r->bins[bin_of(score, r->num_bins)];
    b->count++;
    b->mean_score += score;
    b->right.count += right;
    r->brier += (score - right) * (score - right);
    r->count++;
}

static void finish(od_reliability *r, double level)
{
    for (int i = 0; i < r->num_bins; i++) {
        od_reliability_bin *b = &r->bins[i];
        b->right = od_interval_wilson(b->right.count, b->count, level);
        b->mean_score = b->count ? b->mean_score / (double)b->count : NAN;
        if (!b->count) continue;
        double gap = fabs(b->mean_score - b->right.value);
        r->ece += (double)b->count / (double)r->count * gap;
        r->mce = fmax(r->mce, gap);
    }
    r->brier = r->count ? r->brier / (double)r->count : NAN;
    if (!r->count) r->ece = r->mce = NAN;
}

/* What LaECE sums of a class. */
typedef struct laece_class {
    double score[OD_LAECE_BINS], iou[OD_LAECE_BINS], gaps;
    int64_t count[OD_LAECE_BINS], all;
} laece_class;

/* Mean over classes of the weighted gaps between mean score and mean IoU, wrong ones' IoU being 0; `each`: of every detection
 * for itself. */
static od_status find_laece(const od_calibration_pairs *p, size_t num_classes, double *binned, double *each, od_error *err)
{
    laece_class *classes = od_calloc(num_classes, sizeof *classes);
    if (!classes) return od_error_nomem(err, "the calibration");
    for (size_t i = 0; i < p->count; i++) {
        const od_calibration_pair *d = &p->items[i];
        laece_class *c = &classes[d->class_index];
        int bin = bin_of(d->score, OD_LAECE_BINS);
        c->score[bin] += d->score;
        c->iou[bin] += d->iou;
        c->count[bin]++;
        c->gaps += fabs(d->score - d->iou);
        c->all++;
    }
    double sum = 0, sum_each = 0;
    int64_t n = 0;
    for (size_t k = 0; k < num_classes; k++) {
        const laece_class *c = &classes[k];
        if (!c->all) continue;
        for (int b = 0; b < OD_LAECE_BINS; b++) sum += fabs(c->score[b] - c->iou[b]) / (double)c->all;
        sum_each += c->gaps / (double)c->all;
        n++;
    }
    od_free(classes);
    *binned = n ? sum / (double)n : NAN;
    if (each) *each = n ? sum_each / (double)n : NAN;
    return OD_OK;
}

static double calibrated(const od_calibrator *c, const od_coco_eval *e, int64_t class_index, double score)
{
    return c ? od_calibrator_apply(c, od_coco_eval_class_name(e, class_index), score) : score;
}

/* Pairs with calibrated scores. */
static od_status build_pairs(od_calibration_pairs *p, const od_coco_eval *e, const od_calibrator *c, const od_calibration_options *o,
                             od_error *err)
{
    OD_TRY(od_calibration_pairs_build(p, e, o, err));
    for (size_t i = 0; i < p->count; i++) p->items[i].score = calibrated(c, e, p->items[i].class_index, p->items[i].score);
    return OD_OK;
}

/* Every class and image: the highest score of the class in the image, 0 without detection. */
static od_status add_images(od_reliability *r, const od_coco_eval *e, const od_calibrator *c, od_error *err)
{
    size_t n = e->num_images;
    double *highest = od_malloc(n, sizeof *highest);
    uint8_t *kinds = od_malloc(n, 1);
    int64_t ignored = 0;
    for (size_t rank = 0; highest && kinds && rank < e->num_classes; rank++) {
        int32_t k = e->groups.class_order[rank];
        od_image_kinds_fill(e, k, kinds);
        for (size_t i = 0; i < n; i++) highest[i] = 0;
        for (size_t g = e->groups.class_begin[rank]; g < e->groups.class_begin[rank + 1]; g++) {
            const od_coco_group *group = &e->groups.groups[g];
            if (!group->num_dets) continue;
            double score = od_score_within(e->dets[e->groups.dets[group->det]].score, &ignored); /* the first is the highest */
            highest[group->image] = calibrated(c, e, k, score);
        }
        for (size_t i = 0; i < n; i++) add(r, highest[i], kinds[i] == OD_IMAGES_WITH);
    }
    od_status status = highest && kinds ? OD_OK : od_error_nomem(err, "the calibration");
    od_free(highest);
    od_free(kinds);
    return status;
}

static od_status fill(od_calibration *out, const od_coco_eval *e, const od_calibrator *c, const od_calibration_options *o, od_error *err)
{
    od_calibration_pairs p = {0};
    od_calibration_options any = *o;
    any.match.hit = OD_HIT_IOU;
    any.match.iou = DBL_MIN; /* any overlap */
    od_status status;
    start(&out->boxes, o->num_bins);
    start(&out->images, o->num_bins);
    OD_TRY_GOTO(build_pairs(&p, e, c, o, err));
    out->outside = p.outside;
    for (size_t i = 0; i < p.count; i++) add(&out->boxes, p.items[i].score, p.items[i].right);
    OD_TRY_GOTO(find_laece(&p, e->num_classes, &out->laece, NULL, err));
    od_calibration_pairs_deinit(&p);
    OD_TRY_GOTO(build_pairs(&p, e, c, &any, err));
    OD_TRY_GOTO(find_laece(&p, e->num_classes, &out->laece0, &out->laace0, err));
    OD_TRY_GOTO(add_images(&out->images, e, c, err));
    finish(&out->boxes, o->match.level);
    finish(&out->images, o->match.level);
done:
    od_calibration_pairs_deinit(&p);
    return status;
}

od_status od_calibration_compute(od_calibration *out, const od_coco_eval *e, const od_calibrator *calibrator,
                                 const od_calibration_options *options, od_error *err)
{
    od_calibration_options standard = od_calibration_options_default();
    od_calibration *c = od_calloc(1, sizeof *c);
    if (!c) return od_error_nomem(err, "the calibration");
    od_status status = fill(c, e, calibrator, options ? options : &standard, err);
    if (status == OD_OK) *out = *c;
    od_free(c);
    return status;
}
