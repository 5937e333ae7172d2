/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/pascal_match.h"

#include "eval/score_sort.h"
#include "util/alloc.h"

#include <string.h>

enum { MAX_DETECTIONS = 10000 }; /* of an image and class (nms_max_output_boxes) */

/* One image and class at a time. */
typedef struct matcher {
    const od_detection_set *set;
    const od_pascal_rules *rules;
    const od_set_image *image;
    int32_t class_index;
    od_scored *order, *scratch; /* detections by score; index from the image's first */
    size_t order_capacity, scratch_capacity, num_detections;
    uint8_t *found;   /* [truths of the image] */
    double *group_score;
    size_t found_capacity, group_capacity;
} matcher;

static void matcher_deinit(matcher *m)
{
    od_free(m->order);
    od_free(m->scratch);
    od_free(m->found);
    od_free(m->group_score);
}

/* As np_box_ops computes them: areas in float32, the intersection in float64. */
static double intersection(const float a[4], const float b[4])
{
    float h = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
    float w = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
    return h > 0 && w > 0 ? (double)h * (double)w : 0;
}

static float area(const float b[4])
{
    return (b[2] - b[0]) * (b[3] - b[1]);
}

static double iou(const float a[4], const float b[4])
{
    double inter = intersection(a, b);
    float sum = area(a) + area(b);
    return inter / ((double)sum - inter);
}

static const od_set_truth *truth_at(const matcher *m, size_t i)
{
    return &m->set->truths[m->image->truths + i];
}

static const od_set_detection *detection_at(const matcher *m, size_t rank)
{
    return &m->set->detections[m->image->detections + m->order[rank].index];
}

static int is_group(const matcher *m, const od_set_truth *t)
{
    return m->rules->group_of && (t->flags & OD_TRUTH_GROUP_OF);
}

static int is_difficult(const matcher *m, const od_set_truth *t)
{
    return m->rules->difficult && (t->flags & OD_TRUTH_DIFFICULT);
}

static int image_has_class(const matcher *m, int32_t class_index)
{
    for (size_t i = 0; i < m->image->num_truths; i++)
        if (truth_at(m, i)->class_index == class_index) return 1;
    return 0;
}

static int class_counts(const matcher *m)
{
    int labeled = od_set_image_lists(m->set, m->image, OD_CLASSES_LABELED, m->class_index);
    switch (m->rules->filter) {
    case OD_PASCAL_LABELED: return labeled;
    case OD_PASCAL_LABELED_OR_TRUTH: return labeled || image_has_class(m, m->class_index);
    default: return 1;
    }
}

/* The class's detections from high to low. Of equal scores the later comes first, as in numpy's reversed ascending sort. */
static od_status sort_detections(matcher *m, od_error *err)
{
    size_t n = m->image->num_detections;
    m->num_detections = 0;
    if (od_grow(&m->order, &m->order_capacity, n, sizeof *m->order) || od_grow(&m->scratch, &m->scratch_capacity, n, sizeof *m->scratch))
        return od_error_nomem(err, "matching");
    if (!class_counts(m)) return OD_OK;
    for (size_t i = n; i-- > 0;) {
        const od_set_detection *d = &m->set->detections[m->image->detections + i];
        int valid = d->box[0] < d->box[2] && d->box[1] < d->box[3];
        if (d->class_index == m->class_index && valid) m->order[m->num_detections++] = (od_scored){d->score, (uint32_t)i};
    }
    od_score_sort(m->order, m->scratch, m->num_detections);
    if (m->num_detections > MAX_DETECTIONS) m->num_detections = MAX_DETECTIONS;
    return OD_OK;
}

/* Compared by its mask. */
static int by_mask(const matcher *m, const od_set_truth *t)
{
    return m->rules->masks && t->mask && od_mask_area(t->mask) > 0;
}

/* np_mask_ops: IoU, or the share of the detection that lies inside; in float32. */
static double mask_overlap(const od_set_truth *t, const od_set_detection *d, int share)
{
    if (!d->mask) return 0;
    float inter = (float)od_mask_intersection(t->mask, d->mask), of_det = (float)od_mask_area(d->mask), whole = (float)od_mask_area(t->mask) + of_det - inter;
    float denominator = share ? of_det : whole;
    return denominator > 0 ? inter / denominator : 0;
}

static double overlap_of(const matcher *m, const od_set_truth *t, const od_set_detection *d, int share)
{
    if (by_mask(m, t)) return mask_overlap(t, d, share);
    return share ? intersection(t->box, d->box) / (double)area(d->box) : iou(d->box, t->box);
}

/* What of the class the detection overlaps most, of groups or of single things, of those with or without mask; the first of equals. -1:
 * there is none. */
static int64_t best_truth(const matcher *m, const od_set_detection *d, int groups, int masks, double *overlap)
{
    int64_t best = -1;
    for (size_t i = 0; i < m->image->num_truths; i++) {
        const od_set_truth *t = truth_at(m, i);
        if (t->class_index != m->class_index || is_group(m, t) != groups || by_mask(m, t) != masks) continue;
        double o = overlap_of(m, t, d, groups);
        if (best >= 0 && o <= *overlap) continue;
        best = (int64_t)i;
        *overlap = o;
    }
    return best;
}

static od_status add_hit(od_pascal_class *c, double score, double weight, od_error *err)
{
    if (od_grow(&c->hits, &c->capacity, c->num_hits + 1, sizeof *c->hits)) return od_error_nomem(err, "matching");
    c->hits[c->num_hits++] = (od_pascal_hit){score, weight};
    return OD_OK;
}

/* A false positive inside a group: it doesn't count, its score is kept as the group's if it's the best. */
static int goes_to_group(matcher *m, const od_set_detection *d, int masks)
{
    double overlap = 0;
    int64_t group = best_truth(m, d, 1, masks, &overlap);
    if (group < 0 || !(overlap >= OD_PASCAL_IOU)) return 0;
    if ((double)d->score > m->group_score[group]) m->group_score[group] = d->score;
    return 1;
}

typedef enum fate { FALSE_POSITIVE, TRUE_POSITIVE, LEFT_OUT } fate;

static fate try_truths(matcher *m, const od_set_detection *d, int masks)
{
    double overlap = 0;
    int64_t i = best_truth(m, d, 0, masks, &overlap);
    if (i >= 0 && overlap >= OD_PASCAL_IOU) {
        if (is_difficult(m, truth_at(m, (size_t)i))) return LEFT_OUT;
        if (!m->found[i]) {
            m->found[i] = 1;
            return TRUE_POSITIVE;
        }
    }
    return goes_to_group(m, d, masks) ? LEFT_OUT : FALSE_POSITIVE;
}

static od_status match_detection(matcher *m, const od_set_detection *d, od_pascal_class *c, od_error *err)
{
    fate f = try_truths(m, d, m->rules->masks);
    /* Objects of which only the box is known: what finds them is neither right nor wrong. */
    if (f == FALSE_POSITIVE && m->rules->masks && try_truths(m, d, 0) != FALSE_POSITIVE) f = LEFT_OUT;
    return f == LEFT_OUT ? OD_OK : add_hit(c, d->score, f == TRUE_POSITIVE, err);
}

static od_status match_class(matcher *m, od_pascal_class *c, od_error *err)
{
    size_t truths = m->image->num_truths;
    OD_TRY(sort_detections(m, err));
    for (size_t i = 0; i < truths; i++) {
        const od_set_truth *t = truth_at(m, i);
        m->found[i] = 0;
        m->group_score[i] = 0;
        if (t->class_index != m->class_index || is_difficult(m, t) || by_mask(m, t) != m->rules->masks) continue;
        c->num_truths += is_group(m, t) ? m->rules->group_of_weight : 1;
    }
    for (size_t rank = 0; rank < m->num_detections; rank++) OD_TRY(match_detection(m, detection_at(m, rank), c, err));
    for (size_t i = 0; i < truths && m->rules->group_of_weight > 0; i++)
        if (m->group_score[i] > 0) OD_TRY(add_hit(c, m->group_score[i], m->rules->group_of_weight, err));
    return OD_OK;
}

/* 1 when the image has a box or a detection of the class. */
static int concerns(const matcher *m)
{
    if (image_has_class(m, m->class_index)) return 1;
    for (size_t i = 0; i < m->image->num_detections; i++)
        if (m->set->detections[m->image->detections + i].class_index == m->class_index) return 1;
    return 0;
}

static od_status match_image(matcher *m, od_pascal_class *classes, int num_classes, od_error *err)
{
    size_t truths = m->image->num_truths;
    if (od_grow(&m->found, &m->found_capacity, truths, sizeof *m->found) || od_grow(&m->group_score, &m->group_capacity, truths, sizeof *m->group_score))
        return od_error_nomem(err, "matching");
    for (int32_t c = 0; c < num_classes; c++) {
        m->class_index = c;
        if (concerns(m)) OD_TRY(match_class(m, &classes[c], err));
    }
    return OD_OK;
}

od_status od_pascal_match(od_pascal_class *classes, int num_classes, const od_detection_set *set, const od_pascal_rules *rules, od_error *err)
{
    matcher m = {.set = set, .rules = rules};
    od_status status = OD_OK;
    for (size_t i = 0; i < set->num_images && status == OD_OK; i++) {
        m.image = &set->images[i];
        status = match_image(&m, classes, num_classes, err);
    }
    matcher_deinit(&m);
    return status;
}

void od_pascal_classes_free(od_pascal_class *classes, int num_classes)
{
    if (!classes) return;
    for (int c = 0; c < num_classes; c++) od_free(classes[c].hits);
    od_free(classes);
}
