/* SPDX-License-Identifier: Apache-2.0 */
#include "train/eval_metrics.h"

#include "eval/coco_class_metrics.h"
#include "train/detection_masks.h"
#include "train/mask_metrics.h"
#include "util/alloc.h"

#include <string.h>

#define COCO_SET "coco_detection_metrics" /* always computed */
#define MASK_SET "coco_mask_metrics"      /* train/mask_metrics.h */

void od_eval_scale_box(const float box[4], int width, int height, float out[4])
{
    out[0] = box[0] * (float)height;
    out[1] = box[1] * (float)width;
    out[2] = box[2] * (float)height;
    out[3] = box[3] * (float)width;
}

od_status od_eval_metrics_init(od_eval_metrics *m, const ObjectDetection__Protos__EvalConfig *config, const od_label_map *labels, int num_classes,
                               int num_keypoints, od_error *err)
{
    *m = (od_eval_metrics){.config = config, .labels = labels, .num_classes = num_classes};
    size_t n = config ? config->n_metrics_set : 0;
    OD_TRY(od_keypoint_metrics_init(&m->keypoints, config, labels, num_keypoints, err));
    if (!n) return OD_OK;
    m->sets = od_malloc(n, sizeof *m->sets);
    if (!m->sets) return od_error_nomem(err, "metrics");
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(config->metrics_set[i], COCO_SET) || !strcmp(config->metrics_set[i], MASK_SET)) continue;
        const od_metric_set *set = od_metric_set_find(config->metrics_set[i]);
        if (!set) return od_error_set(err, OD_ERR_UNSUPPORTED, "eval_config: metrics_set %s is not supported yet", config->metrics_set[i]);
        m->sets[m->num_sets++] = set;
    }
    return OD_OK;
}

void od_eval_metrics_clear(od_eval_metrics *m)
{
    od_detection_set_deinit(&m->set);
    od_metric_list_deinit(&m->values);
}

void od_eval_metrics_deinit(od_eval_metrics *m)
{
    od_eval_metrics_clear(m);
    od_free(m->sets);
    od_keypoint_metrics_deinit(&m->keypoints);
    *m = (od_eval_metrics){0};
}

/* An empty list of verified classes means that all are (unless image_classes_field_map_empty_to_ones is false). */
static int lists_everything(const od_eval_metrics *m, const od_example *e)
{
    return !e->class_list_counts[OD_EXAMPLE_LABELED] && m->config->image_classes_field_map_empty_to_ones;
}

int od_eval_metrics_keeps(const od_eval_metrics *m, const od_batch_item *item, int32_t class_index)
{
    const od_example *e = &item->example;
    if (!m->config || !m->config->skip_predictions_for_unlabeled_class || lists_everything(m, e)) return 1;
    for (int i = 0; i < e->class_list_counts[OD_EXAMPLE_LABELED]; i++)
        if (e->class_lists[OD_EXAMPLE_LABELED][i] == class_index + 1) return 1;
    return 0;
}

/* The image's lists of classes, from label ids to indices. */
static od_status add_lists(od_eval_metrics *m, const od_example *e, od_error *err)
{
    static const od_class_list lists[OD_EXAMPLE_LISTS] = {OD_CLASSES_LABELED, OD_CLASSES_NEGATIVE, OD_CLASSES_NOT_EXHAUSTIVE};
    od_status status = OD_OK;
    for (int k = 0; k < OD_EXAMPLE_LISTS && status == OD_OK; k++) {
        int everything = k == OD_EXAMPLE_LABELED && lists_everything(m, e), n = everything ? m->num_classes : e->class_list_counts[k];
        if (!n) continue;
        int32_t *indices = od_malloc((size_t)n, sizeof *indices);
        if (!indices) return od_error_nomem(err, "image labels");
        for (int i = 0; i < n; i++) indices[i] = everything ? i : e->class_lists[k][i] - 1;
        status = od_detection_set_add_classes(&m->set, lists[k], indices, (size_t)n, err);
        od_free(indices);
    }
    return status;
}

/* A wanted set that compares masks, or NULL. */
static const char *set_of_masks(const od_eval_metrics *m)
{
    for (size_t i = 0; i < m->num_sets; i++)
        if (m->sets[i]->needs_masks) return m->sets[i]->name;
    return NULL;
}

static uint32_t truth_flags(uint32_t flags)
{
    return (flags & OD_OBJECT_CROWD ? OD_TRUTH_CROWD : 0u) | (flags & OD_OBJECT_DIFFICULT ? OD_TRUTH_DIFFICULT : 0u) |
           (flags & OD_OBJECT_GROUP_OF ? OD_TRUTH_GROUP_OF : 0u);
}

od_status od_eval_metrics_add_image(od_eval_metrics *m, const od_batch_item *item, int objects, const od_detections *d, int64_t row, od_error *err)
{
    if (!m->num_sets && !m->keypoints.count) return OD_OK;
    const char *masks = set_of_masks(m);
    if (masks) OD_TRY(od_mask_metrics_have(d, masks, err));
    int w = item->example.width, h = item->example.height;
    OD_TRY(od_detection_set_add_image(&m->set, err));
    OD_TRY(add_lists(m, &item->example, err));
    for (int i = 0; i < objects; i++) {
        const od_object *o = &item->objects[i];
        od_set_truth truth = {.area = o->area, .class_index = o->label - 1, .flags = truth_flags(o->flags)};
        od_eval_scale_box(o->box, w, h, truth.box);
        if (masks && o->mask) OD_TRY(od_mask_copy(&truth.mask, o->mask, err));
        if (m->keypoints.count) OD_TRY(od_keypoint_metrics_take_truth(o, w, h, &truth, err));
        OD_TRY(od_detection_set_add_truth(&m->set, &truth, err));
    }
    for (int i = 0; i < d->count[row]; i++) {
        int64_t at = row * d->max + i;
        od_set_detection found = {.score = d->scores[at], .class_index = d->classes[at]};
        od_eval_scale_box(d->boxes + 4 * at, w, h, found.box);
        if (m->keypoints.count) OD_TRY(od_keypoint_metrics_take_detection(d, at, w, h, &found, err));
        if (masks) OD_TRY(od_detection_mask(&found.mask, d, row, i, h, w, err));
        OD_TRY(od_detection_set_add_detection(&m->set, &found, err));
    }
    return OD_OK;
}

/* Ids from 1 to the label map's largest, as the OD API's evaluators take them; without a label map the model's classes. */
static od_status compute_sets(od_eval_metrics *m, const od_coco_eval *coco, od_error *err)
{
    int n = m->labels ? od_label_map_max_id(m->labels) : m->num_classes;
    const char **names = od_calloc((size_t)n, sizeof *names);
    char *frequency = od_calloc((size_t)n, 1);
    od_status status = n && (!names || !frequency) ? od_error_nomem(err, "metrics") : OD_OK;
    for (int c = 0; c < n && status == OD_OK; c++) {
        names[c] = m->labels ? od_label_map_name(m->labels, c + 1) : od_coco_eval_class_name(coco, c);
        frequency[c] = m->labels ? od_label_map_frequency(m->labels, c + 1) : 0;
    }
    od_metric_input in = {&m->set, n, names, (double)m->config->recall_lower_bound, (double)m->config->recall_upper_bound,
                          m->config->skip_predictions_for_unlabeled_class, frequency};
    for (size_t i = 0; i < m->num_sets && status == OD_OK; i++) status = m->sets[i]->compute(&in, &m->values, err);
    od_free(names);
    od_free(frequency);
    return status;
}

/* One class's mAP is always there; the rest when asked for. */
static od_status compute_classes(od_eval_metrics *m, const od_coco_eval *coco, od_error *err)
{
    const ObjectDetection__Protos__EvalConfig *c = m->config;
    int more = c && c->include_metrics_per_category;
    size_t n = more ? c->n_super_categories : 0;
    od_super_category *supers = od_malloc(n, sizeof *supers);
    if (!supers && n) return od_error_nomem(err, "metrics");
    for (size_t i = 0; i < n; i++) supers[i] = (od_super_category){c->super_categories[i]->key, c->super_categories[i]->value};
    od_coco_class_options options = {more && c->all_metrics_per_category, supers, n};
    od_status status = od_coco_class_metrics(coco, &options, &m->values, err);
    od_free(supers);
    return status;
}

od_status od_eval_metrics_compute(od_eval_metrics *m, const od_coco_eval *coco, od_error *err)
{
    if (m->num_sets) OD_TRY(compute_sets(m, coco, err));
    for (size_t i = 0; i < m->keypoints.count; i++) OD_TRY(od_keypoint_metric_compute(&m->keypoints.items[i], &m->set, &m->values, err));
    m->num_asked = m->values.count;
    OD_TRY(compute_classes(m, coco, err));
    if (m->config && m->config->include_metrics_per_category) m->num_asked = m->values.count;
    return OD_OK;
}
