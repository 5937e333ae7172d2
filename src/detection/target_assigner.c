/* SPDX-License-Identifier: Apache-2.0
 *
 * Ground truth is checked and copied, then each image is matched on its own.
 */
#include "detection/target_assigner.h"

#include "util/alloc.h"

#include <string.h>

struct od_target_assigner {
    od_target_assigner_params params;
    od_anchor_columns columns;
    float *anchors; /* [columns.count, 4] */
};

od_status od_target_assigner_create(const od_target_assigner_params *params, const float *anchors, int64_t count,
                                    od_target_assigner **out, od_error *err)
{
    od_target_assigner *a = od_calloc(1, sizeof *a);
    if (!a) return od_error_nomem(err, "target assigner");
    a->params = *params;
    od_status status = OD_OK;
    if (params->scheme.num_classes < 1) status = od_error_set(err, OD_ERR_CONFIG, "num_classes is %d; expected 1 or more", params->scheme.num_classes);
    if (status == OD_OK) status = od_anchor_columns_init(&a->columns, anchors, count, err);
    if (status == OD_OK && !(a->anchors = od_malloc((size_t)count, 4 * sizeof(float)))) status = od_error_nomem(err, "anchors");
    if (status != OD_OK) {
        od_target_assigner_free(a);
        return status;
    }
    memcpy(a->anchors, anchors, (size_t)count * 4 * sizeof(float));
    *out = a;
    return OD_OK;
}

od_status od_target_assigner_create_ssd(const ObjectDetection__Protos__Ssd *ssd, const float *anchors, int64_t count,
                                        od_target_assigner **out, od_error *err)
{
    od_target_assigner_params p = {.scheme = {ssd->num_classes, ssd->add_background_class, ssd->encode_background_as_zeros, ssd->negative_class_weight,
                                            ssd->use_confidences_as_targets, ssd->implicit_example_weight}};
    OD_TRY(od_similarity_init(&p.similarity, ssd->similarity_calculator, err));
    OD_TRY(od_matcher_init(&p.matcher, ssd->matcher, err));
    OD_TRY(od_box_coder_init(&p.coder, ssd->box_coder, err));
    return od_target_assigner_create(&p, anchors, count, out, err);
}

void od_target_assigner_free(od_target_assigner *assigner)
{
    if (!assigner) return;
    od_anchor_columns_deinit(&assigner->columns);
    od_free(assigner->anchors);
    od_free(assigner);
}

static int grow_boxes(od_targets *t, size_t need)
{
    if (need <= t->capacity_boxes && t->boxes) return 0;
    size_t capacity = need + need / 2 + 16;
    float *boxes = od_realloc(t->boxes, capacity, 4 * sizeof *boxes);
    if (boxes) t->boxes = boxes;
    int32_t *classes = od_realloc(t->classes, capacity, sizeof *classes);
    if (classes) t->classes = classes;
    float *weights = od_realloc(t->weights, capacity, sizeof *weights);
    if (weights) t->weights = weights;
    if (!boxes || !classes || !weights) return -1;
    t->capacity_boxes = capacity;
    return 0;
}

/* Where any image says what its classes are to be, all boxes' rows are kept. */
static od_status copy_class_targets(const od_groundtruth *truth, int64_t batch, int num_classes, od_targets *t, od_error *err)
{
    int64_t at = 0;
    int any = 0;
    for (int64_t i = 0; i < batch; i++) any |= truth[i].class_targets != NULL && truth[i].count > 0;
    t->class_targets = NULL;
    if (!any) return OD_OK;
    size_t classes = (size_t)num_classes;
    if (od_grow(&t->class_room, &t->capacity_class_targets, (size_t)t->box_first[batch] * classes, sizeof *t->class_room)) return od_error_nomem(err, "targets");
    for (int64_t i = 0; i < batch; i++) {
        for (int64_t k = 0; k < truth[i].count; k++, at++) {
            float *row = t->class_room + (size_t)at * classes;
            if (truth[i].class_targets)
                memcpy(row, truth[i].class_targets + (size_t)k * classes, classes * sizeof *row);
            else
                memset(row, 0, classes * sizeof *row), row[truth[i].classes[k]] = 1;
        }
    }
    t->class_targets = t->class_room;
    return OD_OK;
}

static od_status copy_keypoints(const od_groundtruth *truth, int64_t batch, od_targets *t, od_error *err)
{
    int n = t->coder.keypoints;
    size_t row = 2 * (size_t)n;
    if (!n) return OD_OK;
    if (od_grow(&t->keypoints, &t->capacity_keypoints, (size_t)t->box_first[batch] * row + 1, sizeof *t->keypoints)) return od_error_nomem(err, "targets");
    for (int64_t i = 0; i < batch; i++) {
        const od_groundtruth *g = &truth[i];
        if (!g->count) continue;
        if (!g->keypoints || g->num_keypoints != n)
            return od_error_set(err, OD_ERR_CONFIG, "image %lld of the batch: %d keypoints a box, and keypoint_box_coder has %d; set num_keypoints: %d in the input reader",
                                (long long)i, g->keypoints ? g->num_keypoints : 0, n, n);
        memcpy(t->keypoints + (size_t)t->box_first[i] * row, g->keypoints, (size_t)g->count * row * sizeof(float));
    }
    return OD_OK;
}

static od_status copy_truth(const od_groundtruth *truth, int64_t batch, int num_classes, od_targets *t, od_error *err)
{
    int64_t total = 0;
    for (int64_t i = 0; i < batch; i++) {
        OD_TRY(od_groundtruth_check(&truth[i], i, num_classes, err));
        total += truth[i].count;
    }
    size_t entries = (size_t)batch * (size_t)t->anchor_count;
    if (od_grow(&t->match, &t->capacity_match, entries, sizeof *t->match) ||
        od_grow(&t->box_first, &t->capacity_first, (size_t)batch + 1, sizeof *t->box_first) ||
        od_grow(&t->image_box_weight, &t->capacity_images, (size_t)batch, sizeof *t->image_box_weight) || grow_boxes(t, (size_t)total))
        return od_error_nomem(err, "targets");
    int64_t at = 0;
    for (int64_t i = 0; i < batch; i++) {
        const od_groundtruth *g = &truth[i];
        t->box_first[i] = at;
        for (int64_t k = 0; k < g->count; k++, at++) {
            memcpy(t->boxes + 4 * at, g->boxes + 4 * k, 4 * sizeof(float));
            t->classes[at] = g->classes[k];
            t->weights[at] = g->weights ? g->weights[k] : 1.0f;
        }
    }
    t->box_first[batch] = at;
    OD_TRY(copy_keypoints(truth, batch, t, err));
    return copy_class_targets(truth, batch, num_classes, t, err);
}

/* thresholded_iou takes 1 - the first column of the class target: 0 for class 0 where there is no background column. */
static od_status match_image(const od_target_assigner *a, const od_targets *t, int64_t image, od_error *err)
{
    int64_t first = t->box_first[image];
    od_matcher_boxes truth = {t->boxes + 4 * first, t->weights + first, NULL, t->box_first[image + 1] - first};
    float *scores = NULL;
    if (a->params.similarity.kind == OD_SIMILARITY_THRESHOLDED_IOU && !a->params.scheme.add_background_class) {
        scores = od_malloc((size_t)truth.count + 1, sizeof *scores);
        if (!scores) return od_error_nomem(err, "matching");
        for (int64_t g = 0; g < truth.count; g++) scores[g] = 1.0f - (t->class_targets ? t->class_targets[(first + g) * t->scheme.num_classes] : (float)(t->classes[first + g] == 0));
        truth.scores = scores;
    }
    od_status status = od_matcher_match(&a->params.matcher, &a->params.similarity, &a->columns, &truth, t->match + image * t->anchor_count, err);
    od_free(scores);
    return status;
}

static double sum_box_weights(const od_targets *t, int64_t image)
{
    const int32_t *match = t->match + image * t->anchor_count;
    double sum = 0;
    for (int64_t k = 0; k < t->anchor_count; k++)
        if (match[k] >= 0) sum += (double)od_targets_box_weight(t, image, match[k]);
    return sum;
}

od_status od_target_assigner_assign(const od_target_assigner *assigner, const od_groundtruth *truth, int64_t batch, od_targets *targets,
                                    od_error *err)
{
    if (batch < 1) return od_error_set(err, OD_ERR_ARG, "target assignment for %lld images", (long long)batch);
    od_targets *t = targets;
    t->scheme = assigner->params.scheme;
    t->coder = assigner->params.coder;
    t->batch = batch;
    t->anchor_count = assigner->columns.count;
    t->anchors = assigner->anchors;
    OD_TRY(copy_truth(truth, batch, t->scheme.num_classes, t, err));
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) if (batch > 1)
    for (int64_t i = 0; i < batch; i++) {
        failed |= match_image(assigner, t, i, NULL) != OD_OK;
        if (!failed) t->image_box_weight[i] = sum_box_weights(t, i);
    }
    if (failed) return od_error_nomem(err, "matching");
    t->box_weight_sum = 0; /* image by image: the same bits whatever the threads */
    for (int64_t i = 0; i < batch; i++) t->box_weight_sum += t->image_box_weight[i];
    return OD_OK;
}
