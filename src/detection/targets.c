/* SPDX-License-Identifier: Apache-2.0
 *
 * From matches to the dense tensors.
 */
#include "detection/targets.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

od_status od_groundtruth_check(const od_groundtruth *truth, int64_t image, int num_classes, od_error *err)
{
    for (int64_t i = 0; i < truth->count; i++) {
        if (truth->classes[i] < 0 || truth->classes[i] >= num_classes)
            return od_error_set(err, OD_ERR_ARG, "image %lld of the batch, box %lld: class %d, but num_classes is %d", (long long)image, (long long)i,
                                (int)truth->classes[i] + 1, num_classes);
        const float *b = truth->boxes + 4 * i;
        if (!isfinite(b[0] + b[1] + b[2] + b[3]) || (truth->weights && !isfinite(truth->weights[i])))
            return od_error_set(err, OD_ERR_NAN, "image %lld of the batch, box %lld: %g %g %g %g is not finite", (long long)image, (long long)i,
                                (double)b[0], (double)b[1], (double)b[2], (double)b[3]);
    }
    return OD_OK;
}

int od_class_scheme_columns(const od_class_scheme *scheme)
{
    return scheme->num_classes + (scheme->add_background_class ? 1 : 0);
}

void od_targets_deinit(od_targets *targets)
{
    od_free(targets->match);
    od_free(targets->box_first);
    od_free(targets->image_box_weight);
    od_free(targets->boxes);
    od_free(targets->classes);
    od_free(targets->class_room);
    od_free(targets->weights);
    od_free(targets->keypoints);
    *targets = (od_targets){0};
}

/* What class `class_id` of a box is to be. */
static float class_target(const od_targets *t, int64_t box, int class_id)
{
    if (t->class_targets) return t->class_targets[box * t->scheme.num_classes + class_id];
    return t->classes[box] == class_id ? 1.0f : 0.0f;
}

/* One row of class targets, of a box or (-1) of background. The OD API's unmatched row has its 1 in column 0 even without a background
 * column. */
static void class_row(const od_targets *t, int columns, int64_t box, float *row)
{
    const od_class_scheme *s = &t->scheme;
    int first = s->add_background_class ? 1 : 0;
    for (int k = 0; k < columns; k++) row[k] = 0.0f;
    if (box < 0) {
        if (!s->encode_background_as_zeros) row[0] = 1.0f;
    } else if (t->class_targets) {
        memcpy(row + first, t->class_targets + box * s->num_classes, (size_t)s->num_classes * sizeof *row);
    } else {
        row[t->classes[box] + first] = 1.0f;
    }
}

/* target_assigner.py's batch_assign_confidences. */
static int has_class(const od_targets *t, int64_t box)
{
    for (int k = 0; k < t->scheme.num_classes; k++)
        if (class_target(t, box, k) > 0) return 1;
    return 0;
}

static void confidence_row(const od_targets *t, int columns, int64_t box, float *row, float *weights)
{
    const od_class_scheme *s = &t->scheme;
    int first = s->add_background_class ? 1 : 0, positive = box >= 0 && has_class(t, box);
    for (int k = 0; k < columns; k++) {
        int background = first && k == 0;
        float target = box >= 0 && !background ? class_target(t, box, k - first) : 0.0f;
        int explicit = background ? positive : target != 0;
        if (row) row[k] = background ? (positive ? 0.0f : 1.0f) : fmaxf(target, 0.0f);
        if (weights) weights[k] = explicit ? 1.0f : s->implicit_weight;
    }
}

float od_targets_box_weight(const od_targets *targets, int64_t image, int32_t match)
{
    int64_t box = targets->box_first[image] + match;
    return targets->scheme.by_confidence ? (float)has_class(targets, box) : targets->weights[box];
}

void od_targets_expand_classes(const od_targets *targets, int64_t image, int64_t first, int64_t n, float *classes, float *weights)
{
    const od_class_scheme *s = &targets->scheme;
    int columns = od_class_scheme_columns(s);
    const int32_t *match = targets->match + image * targets->anchor_count + first;
    int64_t box = targets->box_first[image];
    for (int64_t i = 0; i < n; i++) {
        int32_t m = match[i];
        if (s->by_confidence) {
            confidence_row(targets, columns, m >= 0 ? box + m : -1, classes ? classes + i * columns : NULL, weights ? weights + i * columns : NULL);
            continue;
        }
        if (classes) class_row(targets, columns, m >= 0 ? box + m : -1, classes + i * columns);
        if (!weights) continue;
        float w = m >= 0 ? targets->weights[box + m] : m == OD_MATCH_BACKGROUND ? s->negative_class_weight : 0.0f;
        for (int k = 0; k < columns; k++) weights[i * columns + k] = w;
    }
}

void od_targets_encode(const od_targets *targets, int64_t image, int64_t anchor, float *code)
{
    int32_t m = targets->match[image * targets->anchor_count + anchor];
    int64_t box = targets->box_first[image] + m;
    const od_box_coder *coder = &targets->coder;
    const float *a = targets->anchors + 4 * anchor;
    od_box_coder_encode(coder, 1, targets->boxes + 4 * box, a, code);
    if (coder->keypoints) od_box_coder_encode_keypoints(coder, 1, targets->keypoints + 2 * coder->keypoints * box, a, code);
}

void od_targets_expand_boxes(const od_targets *targets, int64_t image, int64_t first, int64_t n, float *codes, float *weights)
{
    int size = targets->coder.code_size;
    const int32_t *match = targets->match + image * targets->anchor_count + first;
    if (codes) memset(codes, 0, (size_t)(n * size) * sizeof *codes);
    for (int64_t i = 0; i < n; i++) {
        if (codes && match[i] >= 0) od_targets_encode(targets, image, first + i, codes + i * size);
        if (weights) weights[i] = match[i] >= 0 ? od_targets_box_weight(targets, image, match[i]) : 0.0f;
    }
}
