/* SPDX-License-Identifier: Apache-2.0
 *
 * LVIS (metrics/lvis_evaluation.py; lvis-api's eval.py): COCO's matching by masks on a federated set. A detection counts in an image
 * only where its class has objects or is listed as absent; where a class isn't exhaustively annotated, unmatched ones are no errors.
 * AP besides of rare, common and frequent classes. At most 300 detections an image.
 */
#include "eval/coco_types.h"
#include "eval/metric_sets.h"
#include "eval/score_sort.h"
#include "util/alloc.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST_DETECTIONS = 300 };

/* A detection of the class, with what it was in each area range at each IoU threshold: bit t. */
typedef struct found {
    double score;
    uint16_t right[OD_COCO_A], ignored[OD_COCO_A];
} found;

/* Sums over the classes: values above -1. */
typedef struct mean {
    double sum;
    int64_t n;
} mean;

enum { AP, AP50, AP75, AP_SMALL, AP_MEDIUM, AP_LARGE, AP_RARE, AP_COMMON, AP_FREQUENT, AR, AR_SMALL, AR_MEDIUM, AR_LARGE, FIGURES };
static const char *const keys[FIGURES] = {"AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf", "AR@300", "ARs@300", "ARm@300", "ARl@300"};

typedef struct work {
    const od_metric_input *in;
    uint8_t *kept; /* [detections of the set]: among the best of its image */
    found *found;  /* of one class */
    size_t num_found, found_capacity;
    size_t num_truths[OD_COCO_A]; /* not ignored */
    /* Of one image and class. */
    const od_set_truth **truths;
    const od_set_detection **dets;
    size_t truths_capacity, dets_capacity, num_truths_here, num_dets_here;
    double *ious; /* [dets, truths] */
    size_t ious_capacity;
    uint8_t *taken; /* [truths] */
    size_t taken_capacity;
    od_scored *order, *scratch;
    size_t order_capacity, scratch_capacity;
    double *precision; /* of one class, by score */
    size_t precision_capacity;
    mean figures[FIGURES];
} work;

static void work_deinit(work *w)
{
    od_free(w->kept);
    od_free(w->found);
    od_free(w->truths);
    od_free(w->dets);
    od_free(w->ious);
    od_free(w->taken);
    od_free(w->order);
    od_free(w->scratch);
    od_free(w->precision);
}

static od_status out_of_memory(od_error *err)
{
    return od_error_nomem(err, "LVIS metrics");
}

static int grow_order(work *w, size_t n)
{
    return od_grow(&w->order, &w->order_capacity, n, sizeof *w->order) || od_grow(&w->scratch, &w->scratch_capacity, n, sizeof *w->scratch);
}

static od_status keep_best(work *w, od_error *err)
{
    const od_detection_set *set = w->in->set;
    w->kept = od_calloc(set->num_detections, 1);
    if (!w->kept) return out_of_memory(err);
    for (size_t i = 0; i < set->num_images; i++) {
        const od_set_image *image = &set->images[i];
        size_t n = image->num_detections;
        if (grow_order(w, n)) return out_of_memory(err);
        for (size_t d = 0; d < n; d++) w->order[d] = (od_scored){set->detections[image->detections + d].score, (uint32_t)d};
        if (n > MOST_DETECTIONS) od_score_sort(w->order, w->scratch, n);
        for (size_t d = 0; d < n && d < MOST_DETECTIONS; d++) w->kept[image->detections + w->order[d].index] = 1;
    }
    return OD_OK;
}

static double truth_area(const od_set_truth *t)
{
    return t->area > 0 ? t->area : (t->box[2] - t->box[0]) * (t->box[3] - t->box[1]);
}

static double det_area(const od_set_detection *d)
{
    return d->mask ? (double)od_mask_area(d->mask) : 0;
}

/* The image's objects of the class, and its detections from high to low where they count. Those of area 0 are left out, as lvis.py's
 * get_ann_ids does. */
static od_status gather(work *w, const od_set_image *image, int32_t c, od_error *err)
{
    const od_detection_set *set = w->in->set;
    size_t n = 0;
    w->num_truths_here = w->num_dets_here = 0;
    if (od_grow(&w->truths, &w->truths_capacity, image->num_truths, sizeof *w->truths) ||
        od_grow(&w->dets, &w->dets_capacity, image->num_detections, sizeof *w->dets) || grow_order(w, image->num_detections))
        return out_of_memory(err);
    for (size_t i = 0; i < image->num_truths; i++) {
        const od_set_truth *t = &set->truths[image->truths + i];
        if (t->class_index == c && truth_area(t) > 0) w->truths[w->num_truths_here++] = t;
    }
    if (!w->num_truths_here && !od_set_image_lists(set, image, OD_CLASSES_NEGATIVE, c)) return OD_OK;
    for (size_t i = 0; i < image->num_detections; i++) {
        const od_set_detection *d = &set->detections[image->detections + i];
        if (d->class_index == c && w->kept[image->detections + i] && det_area(d) > 0) w->order[n++] = (od_scored){d->score, (uint32_t)i};
    }
    od_score_sort(w->order, w->scratch, n);
    for (size_t i = 0; i < n; i++) w->dets[w->num_dets_here++] = &set->detections[image->detections + w->order[i].index];
    return OD_OK;
}

/* As maskApi.c has it. */
static double iou_of(const od_mask *a, const od_mask *b)
{
    int64_t inter = a && b ? od_mask_intersection(a, b) : 0;
    return inter ? (double)inter / (double)(od_mask_area(a) + od_mask_area(b) - inter) : 0;
}

static od_status find_ious(work *w, od_error *err)
{
    size_t n = w->num_truths_here;
    if (od_grow(&w->ious, &w->ious_capacity, n * w->num_dets_here, sizeof *w->ious) || od_grow(&w->taken, &w->taken_capacity, n, 1)) return out_of_memory(err);
    for (size_t d = 0; d < w->num_dets_here; d++)
        for (size_t t = 0; t < n; t++) w->ious[d * n + t] = iou_of(w->dets[d]->mask, w->truths[t]->mask);
    return OD_OK;
}

static int in_range(double area, int a)
{
    return od_coco_area_bits(area) >> a & 1;
}

static int truth_ignored(const od_set_truth *t, int a)
{
    return !in_range(truth_area(t), a);
}

/* The object that detection d gets: the best free one, of those that count before the ignored; the last of equals. -1: none. */
static int64_t best_truth(const work *w, size_t d, int a, double threshold)
{
    for (int ignored = 0; ignored < 2; ignored++) {
        int64_t best = -1;
        double iou = fmin(threshold, 1 - 1e-10);
        for (size_t t = 0; t < w->num_truths_here; t++) {
            double here = w->ious[d * w->num_truths_here + t];
            if (w->taken[t] || truth_ignored(w->truths[t], a) != ignored || here < iou) continue;
            iou = here;
            best = (int64_t)t;
        }
        if (best >= 0) return best;
    }
    return -1;
}

static void match(work *w, found *out, int a, int t, int not_exhaustive)
{
    for (size_t i = 0; i < w->num_truths_here; i++) w->taken[i] = 0;
    for (size_t d = 0; d < w->num_dets_here; d++) {
        int64_t best = best_truth(w, d, a, od_coco_iou_threshold(t));
        uint16_t bit = (uint16_t)(1u << t);
        if (best >= 0) {
            w->taken[best] = 1;
            if (truth_ignored(w->truths[best], a))
                out[d].ignored[a] |= bit;
            else
                out[d].right[a] |= bit;
        } else if (not_exhaustive || !in_range(det_area(w->dets[d]), a)) {
            out[d].ignored[a] |= bit;
        }
    }
}

static od_status add_image(work *w, const od_set_image *image, int32_t c, od_error *err)
{
    OD_TRY(gather(w, image, c, err));
    for (size_t t = 0; t < w->num_truths_here; t++)
        for (int a = 0; a < OD_COCO_A; a++) w->num_truths[a] += !truth_ignored(w->truths[t], a);
    if (!w->num_dets_here) return OD_OK;
    OD_TRY(find_ious(w, err));
    if (od_grow(&w->found, &w->found_capacity, w->num_found + w->num_dets_here, sizeof *w->found)) return out_of_memory(err);
    found *out = w->found + w->num_found;
    int not_exhaustive = od_set_image_lists(w->in->set, image, OD_CLASSES_NOT_EXHAUSTIVE, c);
    for (size_t d = 0; d < w->num_dets_here; d++) out[d] = (found){.score = w->dets[d]->score};
    for (int a = 0; a < OD_COCO_A; a++)
        for (int t = 0; t < OD_COCO_T; t++) match(w, out, a, t, not_exhaustive);
    w->num_found += w->num_dets_here;
    return OD_OK;
}

/* Running precision, and where each recall threshold is reached first. `order`: of w->found by score. Returns the recall in the end. */
static double walk(const work *w, int a, int t, size_t first[OD_COCO_R])
{
    double n = (double)w->num_truths[a], right = 0, wrong = 0;
    int reached = 0;
    for (size_t i = 0; i < w->num_found; i++) {
        const found *f = &w->found[w->order[i].index];
        if (!(f->ignored[a] >> t & 1)) {
            right += f->right[a] >> t & 1;
            wrong += !(f->right[a] >> t & 1);
        }
        while (reached < OD_COCO_R && right / n >= od_coco_recall_threshold(reached)) first[reached++] = i;
        w->precision[i] = right / (wrong + right + DBL_EPSILON);
    }
    while (reached < OD_COCO_R) first[reached++] = SIZE_MAX;
    return right / n;
}

/* Mean of the highest precision at each recall threshold or a higher one. */
static double average_precision(const work *w, int a, int t, double *recall)
{
    size_t first[OD_COCO_R];
    double highest = 0, sum = 0;
    int r = OD_COCO_R - 1;
    *recall = walk(w, a, t, first);
    while (r >= 0 && first[r] == SIZE_MAX) r--;
    for (size_t i = w->num_found; i-- > 0;) {
        if (w->precision[i] > highest) highest = w->precision[i];
        for (; r >= 0 && first[r] == i; r--) sum += highest;
    }
    return sum / OD_COCO_R;
}

static void add(mean *m, double value)
{
    m->sum += value;
    m->n++;
}

static void add_class(work *w, int32_t c)
{
    static const int ap_of[OD_COCO_A] = {AP, AP_SMALL, AP_MEDIUM, AP_LARGE}, ar_of[OD_COCO_A] = {AR, AR_SMALL, AR_MEDIUM, AR_LARGE};
    char frequency = w->in->class_frequency[c];
    for (int a = 0; a < OD_COCO_A; a++) {
        if (!w->num_truths[a]) continue;
        for (int t = 0; t < OD_COCO_T; t++) {
            double recall, ap = average_precision(w, a, t, &recall);
            add(&w->figures[ap_of[a]], ap);
            add(&w->figures[ar_of[a]], recall);
            if (a > 0) continue;
            add(&w->figures[frequency == 'r' ? AP_RARE : frequency == 'c' ? AP_COMMON : AP_FREQUENT], ap);
            if (t == 0) add(&w->figures[AP50], ap);
            if (t == 5) add(&w->figures[AP75], ap);
        }
    }
}

static od_status evaluate_class(work *w, int32_t c, od_error *err)
{
    w->num_found = 0;
    memset(w->num_truths, 0, sizeof w->num_truths);
    for (size_t i = 0; i < w->in->set->num_images; i++) OD_TRY(add_image(w, &w->in->set->images[i], c, err));
    if (grow_order(w, w->num_found) || od_grow(&w->precision, &w->precision_capacity, w->num_found, sizeof *w->precision)) return out_of_memory(err);
    for (size_t i = 0; i < w->num_found; i++) w->order[i] = (od_scored){w->found[i].score, (uint32_t)i};
    od_score_sort(w->order, w->scratch, w->num_found);
    add_class(w, c);
    return OD_OK;
}

static od_status check(const od_metric_input *in, od_error *err)
{
    for (int c = 0; c < in->num_classes; c++)
        if (in->class_names[c] && !(in->class_frequency && in->class_frequency[c]))
            return od_error_set(err, OD_ERR_CONFIG, "lvis_mask_metrics: class %d (%s) has no frequency in the label map; give each item frequency: RARE, COMMON or FREQUENT",
                                c + 1, in->class_names[c]);
    return OD_OK;
}

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    work w = {.in = in};
    OD_TRY(check(in, err));
    od_status status = keep_best(&w, err);
    for (int32_t c = 0; c < in->num_classes && status == OD_OK; c++)
        if (in->class_names[c]) status = evaluate_class(&w, c, err);
    for (int f = 0; f < FIGURES && status == OD_OK; f++)
        status = od_metric_list_add(out, err, w.figures[f].n ? w.figures[f].sum / (double)w.figures[f].n : -1, "DetectionMasks_%s", keys[f]);
    work_deinit(&w);
    return status;
}

const od_metric_set od_metric_set_lvis = {"lvis_mask_metrics", 1, compute};
