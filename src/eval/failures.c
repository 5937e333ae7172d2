/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of failures at a threshold.
 */
#include "eval/failures.h"

#include "eval/box_match.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <stdlib.h>

static od_coco_entry object_of(const od_coco_eval *e, const od_failure *f)
{
    return od_coco_eval_truth(e, f->object);
}

static int size_of(double area)
{
    return area <= 1024 ? 1 : area <= 9216 ? 2 : 3;
}

static void set_boxes(const od_coco_eval *e, od_failure *f)
{
    od_coco_entry object = {0}, own;
    if (f->object >= 0) object = object_of(e, f);
    own = f->detection >= 0 ? od_coco_eval_detection(e, f->detection) : object;
    for (int i = 0; i < 4; i++) {
        f->box[i] = own.box[i];
        f->object_box[i] = object.box[i];
    }
    f->area = own.box[2] * own.box[3];
    f->size = size_of(f->object >= 0 ? object.area : f->area);
}

static double within_0_1(double score)
{
    return score < 0 ? 0 : score > 1 ? 1 : score;
}

static od_failure failed_detection(const od_coco_eval *e, const od_tide_det *d)
{
    const od_coco_det *det = &e->dets[d->det];
    od_failure f = {.kind = (od_failure_kind)d->kind, .image = det->image, .detection = d->det, .object = d->object,
                    .class_index = det->class_index, .object_class = d->object < 0 ? -1 : e->truths[d->object].class_index,
                    .score = d->score, .iou = d->iou, .severity = within_0_1(d->score)};
    set_boxes(e, &f);
    return f;
}

static od_failure missed_object(const od_coco_eval *e, size_t truth, double below)
{
    const od_coco_truth *t = &e->truths[truth];
    od_failure f = {.kind = OD_FAILURE_MISSED, .image = t->image, .detection = -1, .object = (int64_t)truth,
                    .class_index = t->class_index, .object_class = t->class_index, .score = below, .severity = 1 - within_0_1(below)};
    set_boxes(e, &f);
    return f;
}

/* Of each object the highest score below the threshold among detections of its class that overlap it enough; 0 without. */
static void find_scores_below(const od_coco_eval *e, double threshold, double iou, double *below)
{
    for (size_t i = 0; i < e->num_truths; i++) below[i] = 0;
    for (size_t g = 0; g < e->groups.num_groups; g++) {
        const od_coco_group *group = &e->groups.groups[g];
        for (uint32_t i = 0; i < group->num_dets && group->num_truths; i++) {
            const od_coco_det *d = &e->dets[e->groups.dets[group->det + i]];
            for (uint32_t j = 0; j < group->num_truths && d->score < threshold; j++) {
                uint32_t truth = e->groups.truths[group->truth + j];
                if (d->score > below[truth] && od_coco_iou(&d->box, &e->truths[truth].box, 0) >= iou) below[truth] = d->score;
            }
        }
    }
}

static int compare_failures(const void *pa, const void *pb)
{
    const od_failure *a = pa, *b = pb;
    if (a->severity != b->severity) return a->severity < b->severity ? 1 : -1;
    if (a->area != b->area) return a->area < b->area ? 1 : -1;
    if (a->image != b->image) return a->image < b->image ? -1 : 1;
    int64_t i = a->detection >= 0 ? a->detection : a->object, j = b->detection >= 0 ? b->detection : b->object;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return (i > j) - (i < j);
}

static int compare_images(const void *pa, const void *pb)
{
    const od_image_failures *a = pa, *b = pb;
    if (a->severity != b->severity) return a->severity < b->severity ? 1 : -1;
    return (a->image > b->image) - (a->image < b->image);
}

/* Ignored detections (on crowds) are no failures, whatever TIDE calls them. */
static int is_failure(const od_tide_det *d)
{
    return d->kind >= 0 && d->use == OD_TIDE_UNUSED;
}

static od_status gather(od_failures *f, const od_coco_eval *e, const od_tide_matches *m, double iou, od_error *err)
{
    size_t most = 0;
    double *below = od_malloc(e->num_truths, sizeof *below);
    for (size_t i = 0; i < m->num_dets; i++) most += is_failure(&m->dets[i]);
    for (size_t i = 0; i < e->num_truths; i++) most += od_tide_is_missed(e, m, i);
    f->items = od_malloc(most, sizeof *f->items);
    if (below && f->items) {
        find_scores_below(e, f->threshold, iou, below);
        for (size_t i = 0; i < m->num_dets; i++)
            if (is_failure(&m->dets[i])) f->items[f->count++] = failed_detection(e, &m->dets[i]);
        for (size_t i = 0; i < e->num_truths; i++)
            if (od_tide_is_missed(e, m, i)) f->items[f->count++] = missed_object(e, i, below[i]);
        qsort(f->items, f->count, sizeof *f->items, compare_failures);
        for (size_t i = 0; i < f->count; i++) f->kinds[f->items[i].kind]++;
    }
    od_free(below);
    return below && f->items ? OD_OK : od_error_nomem(err, "the failures");
}

static od_status gather_images(od_failures *f, size_t num_images, od_error *err)
{
    f->images = od_calloc(num_images, sizeof *f->images);
    if (!f->images) return od_error_nomem(err, "the failures");
    for (size_t i = 0; i < num_images; i++) f->images[i].image = (int64_t)i;
    for (size_t i = 0; i < f->count; i++) {
        od_image_failures *image = &f->images[f->items[i].image];
        image->count[f->items[i].kind]++;
        image->severity += f->items[i].severity;
    }
    for (size_t i = 0; i < num_images; i++) {
        int64_t n = 0;
        for (int k = 0; k < OD_FAILURE_NUM_KINDS; k++) n += f->images[i].count[k];
        if (n) f->images[f->num_images++] = f->images[i];
    }
    qsort(f->images, f->num_images, sizeof *f->images, compare_images);
    return OD_OK;
}

static od_status make_confusion(od_failures *f, const od_coco_eval *e, const od_tide_matches *m, od_error *err)
{
    size_t k = e->num_classes, side = k + 1;
    f->confusion = od_calloc(side * side, sizeof *f->confusion);
    if (!f->confusion) return od_error_nomem(err, "the confusion matrix");
    for (size_t i = 0; i < m->num_dets; i++)
        if (m->dets[i].use == OD_TIDE_USED) f->confusion[(size_t)e->dets[m->dets[i].det].class_index * (side + 1)]++;
    for (size_t i = 0; i < f->count; i++) {
        const od_failure *x = &f->items[i];
        if (x->kind == OD_FAILURE_CONFUSED) f->confusion[(size_t)x->object_class * side + (size_t)x->class_index]++;
        if (x->kind == OD_FAILURE_INVENTED) f->confusion[k * side + (size_t)x->class_index]++;
        if (x->kind == OD_FAILURE_MISSED) f->confusion[(size_t)x->object_class * side + k]++;
    }
    return OD_OK;
}

od_status od_failures_find(od_failures **out, const od_coco_eval *e, double threshold, const od_tide_options *options,
                           od_error *err)
{
    od_tide_options standard = od_tide_options_default();
    od_tide_matches m = {0};
    const od_tide_options *o = options ? options : &standard;
    if (isnan(threshold)) return od_error_set(err, OD_ERR_ARG, "the score threshold is not a number");
    od_failures *f = od_calloc(1, sizeof *f);
    if (!f) return od_error_nomem(err, "the failures");
    f->threshold = threshold;
    f->num_classes = e->num_classes;
    od_status status;
    OD_TRY_GOTO(od_tide_match(&m, e, threshold, o, err));
    OD_TRY_GOTO(gather(f, e, &m, o->iou, err));
    OD_TRY_GOTO(gather_images(f, e->num_images, err));
    OD_TRY_GOTO(make_confusion(f, e, &m, err));
    OD_TRY_GOTO(od_tide_compute(&f->tide, e, o, err));
    *out = f;
    f = NULL;
done:
    od_tide_matches_deinit(&m);
    od_failures_free(f);
    return status;
}

void od_failures_free(od_failures *f)
{
    if (!f) return;
    od_free(f->items);
    od_free(f->images);
    od_free(f->confusion);
    od_free(f);
}

size_t od_failures_count(const od_failures *f)
{
    return f->count;
}

const od_failure *od_failures_get(const od_failures *f, size_t index)
{
    return index < f->count ? &f->items[index] : NULL;
}

int64_t od_failures_count_kind(const od_failures *f, od_failure_kind kind)
{
    return (unsigned)kind < OD_FAILURE_NUM_KINDS ? f->kinds[kind] : 0;
}

double od_failures_threshold(const od_failures *f)
{
    return f->threshold;
}

size_t od_failures_num_images(const od_failures *f)
{
    return f->num_images;
}

const od_image_failures *od_failures_image(const od_failures *f, size_t index)
{
    return index < f->num_images ? &f->images[index] : NULL;
}

const int64_t *od_failures_confusion(const od_failures *f)
{
    return f->confusion;
}
