/* SPDX-License-Identifier: Apache-2.0 */
#include "data/batch.h"

#include "util/alloc.h"

#include <string.h>

od_status od_batch_init(od_batch *b, int size, od_error *err)
{
    size_t n = (size_t)size, boxes = n * (size_t)b->max_boxes;
    b->image_floats = n * (size_t)b->height * (size_t)b->width * 3;
    if (b->image_floats) b->images = od_aligned_malloc(b->image_floats, sizeof *b->images);
    b->true_shapes = od_calloc(n * 3, sizeof *b->true_shapes);
    b->boxes = od_calloc(boxes * 4, sizeof *b->boxes);
    b->classes = od_calloc(boxes, sizeof *b->classes);
    if (b->num_classes) b->class_targets = od_calloc(boxes, (size_t)b->num_classes * sizeof *b->class_targets);
    if (b->num_keypoints) b->keypoints = od_calloc(boxes, 2 * (size_t)b->num_keypoints * sizeof *b->keypoints);
    b->weights = od_calloc(boxes, sizeof *b->weights);
    b->flags = od_calloc(boxes, sizeof *b->flags);
    b->box_counts = od_calloc(n, sizeof *b->box_counts);
    b->items = od_calloc(n, sizeof *b->items);
    if ((b->images || !b->image_floats) && b->true_shapes && b->boxes && b->classes && (b->class_targets || !b->num_classes) && (b->keypoints || !b->num_keypoints) && b->weights && b->flags &&
        b->box_counts && b->items)
        return OD_OK;
    od_batch_deinit(b, size);
    return od_error_nomem(err, "a batch");
}

static void clear_item(od_batch_item *item)
{
    od_free(item->objects);
    od_example_deinit(&item->example);
    od_image_deinit(&item->image);
    od_free(item->pixels);
    od_free(item->masks);
    od_free(item->class_scores);
    od_free(item->keypoints);
    *item = (od_batch_item){0};
}

void od_batch_clear(od_batch *b, int size)
{
    for (int i = 0; b->items && i < size; i++) clear_item(b->items + i);
}

void od_batch_deinit(od_batch *b, int size)
{
    od_batch_clear(b, size);
    od_aligned_free(b->images);
    od_free(b->true_shapes);
    od_free(b->boxes);
    od_free(b->classes);
    od_free(b->class_targets);
    od_free(b->keypoints);
    od_free(b->weights);
    od_free(b->flags);
    od_free(b->box_counts);
    od_free(b->items);
    *b = (od_batch){0};
}

/* Moves the good items to the front; with fixed shapes their pictures lie in `images` and move along. */
static int leave_out_failed(od_batch *b, int size, int fixed)
{
    size_t floats = (size_t)b->height * (size_t)b->width * 3;
    int kept = 0;
    for (int i = 0; i < size; i++) {
        if (b->items[i].failed) {
            clear_item(b->items + i);
            continue;
        }
        if (kept < i) {
            b->items[kept] = b->items[i];
            b->items[i] = (od_batch_item){0};
            if (fixed)
                memcpy(b->images + (size_t)kept * floats, b->images + (size_t)i * floats, floats * sizeof *b->images);
        }
        kept++;
    }
    return kept;
}

static od_status find_room(od_batch *b, od_error *err)
{
    b->height = b->width = 0;
    for (int i = 0; i < b->count; i++) {
        if (b->items[i].shape.height > b->height) b->height = b->items[i].shape.height;
        if (b->items[i].shape.width > b->width) b->width = b->items[i].shape.width;
    }
    size_t need = (size_t)b->count * (size_t)b->height * (size_t)b->width * 3;
    if (need <= b->image_floats) return OD_OK;
    od_aligned_free(b->images);
    b->image_floats = 0;
    b->images = od_aligned_malloc(need, sizeof *b->images);
    if (!b->images) return od_error_nomem(err, "a batch");
    b->image_floats = need;
    return OD_OK;
}

/* Masks of one picture's size in the batch's, outside where it is padded. */
static od_status widen_masks(const od_batch *b, od_batch_item *item, od_error *err)
{
    size_t h = (size_t)item->shape.height, w = (size_t)item->shape.width, height = (size_t)b->height, width = (size_t)b->width;
    size_t count = (size_t)(item->object_count < b->max_boxes ? item->object_count : b->max_boxes);
    if (!item->masks || (h == height && w == width)) return OD_OK;
    uint8_t *wide = od_calloc(count * height * width, 1);
    if (!wide) return od_error_nomem(err, "masks");
    for (size_t i = 0; i < count; i++)
        for (size_t y = 0; y < h; y++) memcpy(wide + (i * height + y) * width, item->masks + (i * h + y) * w, w);
    od_free(item->masks);
    item->masks = wide;
    return OD_OK;
}

static void join_pictures(od_batch *b, const od_preprocess *p)
{
    for (int i = 0; i < b->count; i++) {
        od_batch_item *item = b->items + i;
        float *to = b->images + (size_t)i * (size_t)b->height * (size_t)b->width * 3;
        size_t row = (size_t)item->shape.width * 3;
        for (int y = 0; y < item->shape.height; y++)
            memcpy(to + (size_t)y * (size_t)b->width * 3, item->pixels + (size_t)y * row, row * sizeof *to);
        od_preprocess_pad(p, item->shape.height, item->shape.width, b->height, b->width, to);
        od_free(item->pixels);
        item->pixels = NULL;
    }
}

/* Points of the picture as points of the padded picture, as change_coordinate_frame computes them in float32; a box is two. */
static void pad_points(const od_batch *b, const od_batch_item *item, const float *points, int n, float *out)
{
    float scale[2] = {1.0f / ((float)b->height / (float)item->shape.true_height), 1.0f / ((float)b->width / (float)item->shape.true_width)};
    for (int c = 0; c < 2 * n; c++) out[c] = points[c] * scale[c % 2];
}

/* Where merge_boxes_with_multiple_labels (utils/ops.py) sees a box: two boxes are one when all four numbers are equal. */
static void box_place(const float box[4], int64_t place[4])
{
    for (int c = 0; c < 4; c++) place[c] = (int64_t)(box[c] * 9999.0f);
}

/* The box of the item, among the `count` that it has so far, in the same place; -1: none. */
static int find_same(const od_batch *b, size_t at, int count, const float box[4])
{
    int64_t place[4], other[4];
    box_place(box, place);
    for (int k = 0; k < count; k++) {
        box_place(b->boxes + (at + (size_t)k) * 4, other);
        if (!memcmp(place, other, sizeof place)) return k;
    }
    return -1;
}

static void clear_boxes(od_batch *b, size_t at)
{
    size_t n = (size_t)b->max_boxes;
    memset(b->boxes + at * 4, 0, n * 4 * sizeof *b->boxes);
    memset(b->classes + at, 0, n * sizeof *b->classes);
    memset(b->weights + at, 0, n * sizeof *b->weights);
    memset(b->flags + at, 0, n * sizeof *b->flags);
    if (b->keypoints) memset(b->keypoints + at * 2 * (size_t)b->num_keypoints, 0, n * 2 * (size_t)b->num_keypoints * sizeof *b->keypoints);
    if (b->class_targets) memset(b->class_targets + at * (size_t)b->num_classes, 0, n * (size_t)b->num_classes * sizeof *b->class_targets);
}

/* Moves the k-th object's mask to the to-th place. */
static void move_mask(const od_batch *b, od_batch_item *item, int k, int to)
{
    size_t pixels = (size_t)b->height * (size_t)b->width;
    if (item->masks && k != to && k < b->max_boxes) memcpy(item->masks + (size_t)to * pixels, item->masks + (size_t)k * pixels, pixels);
}

/* Where one class has to do, it is the one with the largest target, the first of equals, as tf.argmax. */
static void take_main_classes(od_batch *b, size_t at, int count)
{
    for (size_t k = at; k < at + (size_t)count; k++) {
        const float *targets = b->class_targets + k * (size_t)b->num_classes;
        b->classes[k] = 0;
        for (int c = 1; c < b->num_classes; c++)
            if (targets[c] > targets[b->classes[k]]) b->classes[k] = c;
    }
}

static void write_boxes(od_batch *b, int i)
{
    od_batch_item *item = b->items + i;
    int count = 0;
    size_t at = (size_t)i * (size_t)b->max_boxes;
    clear_boxes(b, at);
    for (int k = 0; k < item->object_count; k++) {
        const od_object *o = item->objects + k;
        float box[4];
        pad_points(b, item, o->box, 2, box);
        int to = b->merge_boxes ? find_same(b, at, count, box) : -1;
        if (to < 0 && count < b->max_boxes) {
            to = count++;
            memcpy(b->boxes + (at + (size_t)to) * 4, box, sizeof box);
            b->classes[at + (size_t)to] = o->label - 1;
            b->weights[at + (size_t)to] = o->weight;
            b->flags[at + (size_t)to] = o->flags;
            if (b->keypoints) pad_points(b, item, o->keypoints, b->num_keypoints, b->keypoints + (at + (size_t)to) * 2 * (size_t)b->num_keypoints);
            move_mask(b, item, k, to);
        }
        if (!b->class_targets || to < 0) continue;
        float *targets = b->class_targets + (at + (size_t)to) * (size_t)b->num_classes;
        if (o->class_scores && !b->merge_boxes) /* the OD API's merged boxes have their classes, whatever the scores */
            memcpy(targets, o->class_scores, (size_t)b->num_classes * sizeof *targets);
        else
            targets[o->label - 1] = 1;
    }
    if (b->class_targets) take_main_classes(b, at, count);
    b->box_counts[i] = count;
    int32_t *shape = b->true_shapes + (size_t)i * 3;
    shape[0] = item->shape.true_height;
    shape[1] = item->shape.true_width;
    shape[2] = 3;
}

od_status od_batch_finish(od_batch *b, const od_preprocess *p, int size, int fixed, od_error *err)
{
    b->count = leave_out_failed(b, size, fixed);
    if (!fixed && b->count) {
        OD_TRY(find_room(b, err));
        for (int i = 0; i < b->count; i++) OD_TRY(widen_masks(b, b->items + i, err));
        join_pictures(b, p);
    }
    for (int i = 0; i < b->count; i++) write_boxes(b, i);
    return OD_OK;
}
