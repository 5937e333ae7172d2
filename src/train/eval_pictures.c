/* SPDX-License-Identifier: Apache-2.0 */
#include "train/eval_pictures.h"

#include "events/event_picture.h"
#include "events/tags.h"
#include "image/draw_mask.h"
#include "train/detection_masks.h"
#include "util/alloc.h"

#include <string.h>
#include <stdio.h>

enum { MAX_DRAWN = 200 };

int od_detections_to_draw(const od_detections *d, int64_t row, const od_label_map *labels, double min_score, int max_boxes, od_draw_box *out)
{
    int n = 0;
    for (int i = 0; i < d->count[row] && n < max_boxes; i++) {
        int64_t at = row * d->max + i;
        if (d->scores[at] < min_score) continue;
        out[n] = (od_draw_box){.label = labels ? od_label_map_name(labels, d->classes[at] + 1) : NULL, .score = d->scores[at], .class_index = d->classes[at]};
        if (d->keypoints) out[n].keypoints = d->keypoints + 2 * at * d->num_keypoints, out[n].keypoint_count = d->num_keypoints;
        memcpy(out[n++].box, d->boxes + 4 * at, sizeof out->box);
    }
    return n;
}

static od_status copy_image(const od_image *from, od_image *to, od_error *err)
{
    size_t bytes = (size_t)from->width * (size_t)from->height * 3;
    *to = (od_image){.width = from->width, .height = from->height, .pixels = od_malloc(bytes, 1)};
    if (!to->pixels) return od_error_nomem(err, "a picture");
    memcpy(to->pixels, from->pixels, bytes);
    return OD_OK;
}

static od_status draw_truth(od_image *image, const od_batch_item *item, const od_label_map *labels, od_error *err)
{
    od_draw_box boxes[MAX_DRAWN];
    int n = item->object_count < MAX_DRAWN ? item->object_count : MAX_DRAWN;
    for (int i = 0; i < n; i++) {
        const od_object *o = &item->objects[i];
        boxes[i] = (od_draw_box){.label = labels ? od_label_map_name(labels, o->label) : NULL, .score = -1, .class_index = o->label - 1, .keypoints = o->keypoints, .keypoint_count = o->keypoint_count};
        memcpy(boxes[i].box, o->box, sizeof boxes->box);
    }
    OD_TRY(od_objects_draw_masks(image, item->objects, n, err));
    return od_image_draw_boxes(image, boxes, n, err);
}

typedef struct picture_limits {
    double min_score;
    int max_boxes;
} picture_limits;

static od_status draw_pair(const od_batch *b, int i, const od_detections *d, const od_label_map *labels, picture_limits limits, od_image *out, od_error *err)
{
    od_image left = {0}, right = {0};
    od_draw_box boxes[MAX_DRAWN];
    int n = od_detections_to_draw(d, i, labels, limits.min_score, limits.max_boxes, boxes);
    od_status status = copy_image(&b->items[i].image, &left, err);
    if (status == OD_OK) status = copy_image(&b->items[i].image, &right, err);
    if (status == OD_OK) status = od_detections_draw_masks(&left, d, i, limits.min_score, NULL, limits.max_boxes, err);
    if (status == OD_OK) status = od_image_draw_boxes(&left, boxes, n, err);
    if (status == OD_OK) status = draw_truth(&right, &b->items[i], labels, err);
    if (status == OD_OK) status = od_image_side_by_side(&left, &right, out, err);
    od_free(left.pixels);
    od_free(right.pixels);
    return status;
}

od_status od_eval_pictures_write(od_events_writer *w, const ObjectDetection__Protos__EvalConfig *config, int64_t step, int64_t number,
                                 const od_batch *batch, const od_detections *detections, const od_label_map *labels, od_error *err)
{
    picture_limits limits = {config ? config->min_score_threshold : .5, config ? config->max_num_boxes_to_visualize : 20};
    if (limits.max_boxes > MAX_DRAWN) limits.max_boxes = MAX_DRAWN;
    if (number >= (config ? (int64_t)config->num_visualizations : 10)) return OD_OK;
    for (int i = 0; i < batch->count; i++) {
        if (!batch->items[i].image.pixels) continue;
        char tag[96];
        snprintf(tag, sizeof tag, OD_TAG_SIDE_BY_SIDE_FORMAT, (int)number, i);
        od_image pair = {0};
        od_status status = draw_pair(batch, i, detections, labels, limits, &pair, err);
        if (status == OD_OK) status = od_events_writer_pixels(w, tag, step, &pair, 1, err);
        od_free(pair.pixels);
        if (status != OD_OK) return status;
    }
    return OD_OK;
}

/* The normalised input, stretched from its own range (ImageNet means or -1..1) back to bytes. */
static od_status input_picture(const od_batch *b, int i, od_image *out, od_error *err)
{
    int64_t n = (int64_t)b->height * b->width * 3;
    const float *x = b->images + i * n;
    float low = x[0], high = x[0];
    for (int64_t j = 1; j < n; j++) {
        low = x[j] < low ? x[j] : low;
        high = x[j] > high ? x[j] : high;
    }
    *out = (od_image){.width = b->width, .height = b->height, .pixels = od_malloc((size_t)n, 1)};
    if (!out->pixels) return od_error_nomem(err, "a picture");
    float scale = high > low ? 255 / (high - low) : 0;
    for (int64_t j = 0; j < n; j++) out->pixels[j] = (uint8_t)((x[j] - low) * scale + .5f);
    return OD_OK;
}

static od_status draw_input(const od_batch *b, int i, const od_label_map *labels, od_image *out, od_error *err)
{
    od_draw_box boxes[MAX_DRAWN];
    int n = b->box_counts[i] < MAX_DRAWN ? b->box_counts[i] : MAX_DRAWN;
    for (int j = 0; j < n; j++) {
        int64_t at = (int64_t)i * b->max_boxes + j;
        boxes[j] = (od_draw_box){.label = labels ? od_label_map_name(labels, b->classes[at] + 1) : NULL, .score = -1, .class_index = b->classes[at]};
        if (b->keypoints) boxes[j].keypoints = b->keypoints + 2 * at * b->num_keypoints, boxes[j].keypoint_count = b->num_keypoints;
        memcpy(boxes[j].box, b->boxes + 4 * at, sizeof boxes->box);
    }
    OD_TRY(input_picture(b, i, out, err));
    const od_batch_item *item = &b->items[i];
    for (int j = n - 1; item->masks && j >= 0; j--) od_image_draw_mask(out, item->masks + (int64_t)j * b->height * b->width, boxes[j].class_index);
    return od_image_draw_boxes(out, boxes, n, err);
}

od_status od_train_pictures_write(od_events_writer *w, int64_t step, const od_batch *batch, const od_label_map *labels, od_error *err)
{
    od_image pictures[3] = {0};
    int n = batch->count < 3 ? batch->count : 3;
    od_status status = OD_OK;
    for (int i = 0; status == OD_OK && i < n; i++) status = draw_input(batch, i, labels, &pictures[i], err);
    if (status == OD_OK) status = od_events_writer_pixels(w, OD_TAG_TRAIN_IMAGES, step, pictures, (size_t)n, err);
    for (int i = 0; i < n; i++) od_free(pictures[i].pixels);
    return status;
}
