/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's keypoint metrics of one class (metrics/coco_evaluation.py's CocoKeypointEvaluator): COCO's matching by object keypoint similarity, at most 20
 * detections an image. The OD API's tags of the recalls are those of boxes: AR@1 is the mean over all thresholds, AR@10 that at .5, AR@100 at .75.
 */
#include "eval/coco_eval.h"
#include "eval/metric_sets.h"
#include "eval/score_sort.h"
#include "util/alloc.h"

typedef struct work {
    const od_keypoint_metric *metric;
    const od_detection_set *set;
    od_coco_eval *coco;
    od_coco_keypoints points;
    size_t truths_capacity, dets_capacity, order_capacity, scratch_capacity; /* of points.truths, points.dets, order */
    od_scored *order, *scratch;
} work;

static void work_deinit(work *w)
{
    od_coco_eval_free(w->coco);
    od_free(w->points.truths);
    od_free(w->points.dets);
    od_free(w->order);
    od_free(w->scratch);
}

static od_status out_of_memory(od_error *err)
{
    return od_error_nomem(err, "keypoint metrics");
}

/* The metric's keypoints of an object, y and x (and visibility) from `stride` floats, as x and y (and visibility); 0 where the object has none. */
static void take_points(const od_keypoint_metric *m, const float *from, int count, int stride, double *to)
{
    for (int i = 0; i < m->count; i++, to += stride) {
        const float *p = from && m->ids[i] < count ? from + m->ids[i] * stride : NULL;
        to[0] = p ? (double)p[1] : 0;
        to[1] = p ? (double)p[0] : 0;
        if (stride == 3) to[2] = p ? (double)p[2] : 0;
    }
}

static od_status add_truth(work *w, int64_t image, const od_set_truth *t, od_error *err)
{
    size_t n = (size_t)w->points.count * 3, at = w->coco->num_truths;
    if (od_grow(&w->points.truths, &w->truths_capacity, (at + 1) * n, sizeof *w->points.truths)) return out_of_memory(err);
    double *points = w->points.truths + at * n;
    OD_TRY(od_coco_eval_add_truth_corners(w->coco, image, 0, t->box, (t->flags & OD_TRUTH_CROWD) != 0, err));
    if (t->area > 0) w->coco->truths[at].area = (double)t->area;
    take_points(w->metric, t->keypoints, t->num_keypoints, 3, points);
    int labelled = 0;
    for (int i = 0; i < w->points.count; i++) labelled += points[3 * i + 2] > 0;
    w->coco->truths[at].ignored = !labelled;
    return OD_OK;
}

static od_status add_detection(work *w, int64_t image, const od_set_detection *d, od_error *err)
{
    size_t n = (size_t)w->points.count * 2, at = w->coco->num_dets;
    if (od_grow(&w->points.dets, &w->dets_capacity, (at + 1) * n, sizeof *w->points.dets)) return out_of_memory(err);
    take_points(w->metric, d->keypoints, d->num_keypoints, 2, w->points.dets + at * n);
    return od_coco_eval_add_detection_corners(w->coco, image, 0, d->box, d->score, err);
}

/* The class's objects, and its detections that count, from high to low. */
static od_status add_image(work *w, size_t number, od_error *err)
{
    const od_set_image *image = &w->set->images[number];
    int64_t at;
    size_t n = 0;
    OD_TRY(od_coco_eval_add_image(w->coco, (int64_t)number, NULL, &at, err));
    for (size_t i = 0; i < image->num_truths; i++) {
        const od_set_truth *t = &w->set->truths[image->truths + i];
        if (t->class_index == w->metric->class_index) OD_TRY(add_truth(w, at, t, err));
    }
    if (od_grow(&w->order, &w->order_capacity, image->num_detections, sizeof *w->order) ||
        od_grow(&w->scratch, &w->scratch_capacity, image->num_detections, sizeof *w->scratch))
        return out_of_memory(err);
    for (size_t i = 0; i < image->num_detections; i++) {
        const od_set_detection *d = &w->set->detections[image->detections + i];
        if (d->class_index == w->metric->class_index) w->order[n++] = (od_scored){(double)d->score, (uint32_t)i};
    }
    od_score_sort(w->order, w->scratch, n);
    for (size_t i = 0; i < n && i < OD_COCO_KEYPOINTS_TOP; i++)
        OD_TRY(add_detection(w, at, &w->set->detections[image->detections + w->order[i].index], err));
    return OD_OK;
}

static od_status report(const work *w, od_metric_list *out, od_error *err)
{
    const double *s = w->coco->stats, (*recall)[OD_COCO_T] = w->coco->results[0].recall[OD_COCO_M - 1];
    const struct { const char *tag; double value; } figures[] = {
        {"Precision/mAP", s[0]},         {"Precision/mAP@.50IOU", s[1]},  {"Precision/mAP@.75IOU", s[2]}, {"Precision/mAP (medium)", s[4]},
        {"Precision/mAP (large)", s[5]}, {"Recall/AR@1", s[8]},           {"Recall/AR@10", recall[0][0]}, {"Recall/AR@100", recall[0][5]},
        {"Recall/AR@100 (medium)", s[10]}, {"Recall/AR@100 (large)", s[11]}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        OD_TRY(od_metric_list_add(out, err, figures[i].value, "Keypoints_%s ByCategory/%s", figures[i].tag, w->metric->class_name));
    return OD_OK;
}

od_status od_keypoint_metric_compute(const od_keypoint_metric *metric, const od_detection_set *set, od_metric_list *out, od_error *err)
{
    work w = {.metric = metric, .set = set, .points = {.count = metric->count, .sigmas = metric->sigmas}};
    od_status status = od_coco_eval_create(&w.coco, err);
    if (status == OD_OK) status = od_coco_eval_add_class(w.coco, metric->class_index + 1, metric->class_name, err);
    for (size_t i = 0; i < set->num_images && status == OD_OK; i++) status = add_image(&w, i, err);
    if (status == OD_OK) {
        w.coco->keypoints = &w.points;
        status = od_coco_eval_run(w.coco, 0, err);
    }
    if (status == OD_OK) status = report(&w, out, err);
    work_deinit(&w);
    return status;
}
