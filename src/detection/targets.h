/* SPDX-License-Identifier: Apache-2.0
 *
 * The training targets of one batch, kept compact: per anchor only the ground-truth box it is matched to. Losses expand
 * what they need, block by block; od_targets_expand_* give the OD API's full tensors.
 */
#ifndef OD_DETECTION_TARGETS_H
#define OD_DETECTION_TARGETS_H

#include "detection/box_coder.h"
#include "detection/matcher.h"

/* One image's ground truth, borrowed from the caller. Null images have count 0. */
typedef struct od_groundtruth {
    const float *boxes;     /* [count, 4] ymin, xmin, ymax, xmax relative to the padded image */
    const int32_t *classes; /* [count] zero-based */
    const float *weights;   /* [count], or NULL: all 1 */
    int64_t count;
    const int32_t *true_shape; /* height and width in pixels of the image without its padding; NULL: it has none */
    const uint8_t *masks;   /* [count, mask_height, mask_width] 1 inside, 0 outside, at the padded image's size; NULL: none */
    int mask_height, mask_width;
    const float *class_targets; /* [count, num_classes] what each class is to be (several classes, or scores); NULL: 1 for `classes`, 0 for the rest */
    const float *keypoints; /* [count, num_keypoints, 2] y, x relative to the padded image, NaN where none is labelled; NULL: none */
    int num_keypoints;
} od_groundtruth;

/* OD_ERR_ARG for a class outside 0 .. num_classes-1, OD_ERR_NAN for a box or weight that isn't finite; `image` stands in messages. */
od_status od_groundtruth_check(const od_groundtruth *truth, int64_t image, int num_classes, od_error *err);

/* How matches become class targets and weights (OD API meta_architectures/ssd_meta_arch.py and core/target_assigner.py). */
typedef struct od_class_scheme {
    int num_classes;
    int add_background_class;       /* column 0 is background, class c is column c + 1 */
    int encode_background_as_zeros; /* else an unmatched anchor's column 0 is 1 */
    float negative_class_weight;
    int by_confidence;              /* use_confidences_as_targets, all confidences being 1: each matched class has weight 1, all else ... */
    float implicit_weight;          /* ... this, also anchors that the matcher ignores; column 0 is 1 where nothing is matched */
} od_class_scheme;

typedef struct od_targets {
    od_class_scheme scheme;
    od_box_coder coder;
    int64_t batch, anchor_count;
    const float *anchors; /* [anchor_count, 4], the target assigner's */
    int32_t *match;       /* [batch, anchor_count] index into the image's boxes, OD_MATCH_BACKGROUND or OD_MATCH_IGNORED */
    /* The batch's ground truth, one image after the other; image i has box_first[i] .. box_first[i+1]-1. */
    int64_t *box_first;   /* [batch + 1] */
    float *boxes;         /* [box_first[batch], 4] */
    int32_t *classes;
    float *class_targets;     /* [box_first[batch], num_classes], or NULL: see od_groundtruth */
    float *weights;
    float *keypoints;     /* [box_first[batch], coder.keypoints, 2], of a coder that has them */
    double *image_box_weight; /* [batch] sum of the anchors' box weights: the number of matches when all weights are 1 */
    double box_weight_sum;    /* of the whole batch */
    uint64_t draw; /* what losses' random choices depend on; the caller sets it anew each step */
    float *class_room;        /* class_targets, where any image has them */
    size_t capacity_match, capacity_first, capacity_images, capacity_boxes, capacity_class_targets, capacity_keypoints;
} od_targets;

/* Zero-initialise an od_targets before its first use; it grows as needed and can be used for every batch. */
void od_targets_deinit(od_targets *targets);

/* Columns of a class prediction: num_classes, and one more with add_background_class. */
int od_class_scheme_columns(const od_class_scheme *scheme);

/* For anchors first .. first+n-1 of an image: class targets [n, columns] and their weights [n, columns]
 * (targets->class, class_weight of the golden fixtures). Either may be NULL. */
void od_targets_expand_classes(const od_targets *targets, int64_t image, int64_t first, int64_t n, float *classes, float *weights);

/* The same for box codes [n, code_size] (0 where unmatched, NaN for keypoints that aren't labelled) and their weights [n]. Either may be NULL. */
void od_targets_expand_boxes(const od_targets *targets, int64_t image, int64_t first, int64_t n, float *codes, float *weights);

/* Weight of the box loss of an anchor that is matched to box `match` of an image. */
float od_targets_box_weight(const od_targets *targets, int64_t image, int32_t match);

/* The code [code_size] that matched anchor `anchor` of an image has to learn; a number that is NaN is nothing to learn. */
void od_targets_encode(const od_targets *targets, int64_t image, int64_t anchor, float *code);

#endif
