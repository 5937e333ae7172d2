/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources: tensorflow/core/kernels/image/sample_distorted_bounding_box_op.cc (float32 arithmetic and rounding kept),
 * object_detection/core/{preprocessor,box_list_ops}.py.
 */
#include "data/crop.h"

#include "data/sample_keypoints.h"
#include "data/sample_pixels.h"
#include "util/points.h"

#include <float.h>
#include <math.h>

enum { MAX_ATTEMPTS = 100 };

/* Odd values that TensorFlow takes are taken too: covered above 1 or reversed areas never give a crop. */
const char *od_crop_params_problem(const od_crop_params *p)
{
    if (!(p->min_object_covered >= 0)) return "min_object_covered must not be negative";
    if (!(p->min_aspect > 0 && p->max_aspect > 0 && isfinite(p->min_aspect) && isfinite(p->max_aspect)))
        return "min_aspect_ratio and max_aspect_ratio must be positive";
    if (!(p->min_area > 0 && p->min_area <= 1 && p->max_area > 0 && p->max_area <= 1))
        return "min_area and max_area must be positive and at most 1";
    if (isnan(p->overlap_thresh) || isnan(p->random_coef)) return "overlap_thresh and random_coef must be numbers";
    return NULL;
}

static int round_to_int(float v)
{
    return (int)lrintf(v);
}

/* The largest height whose width round(height * aspect) still fits the picture. */
static int highest(int width, int height, float max_area, float aspect)
{
    int most = round_to_int(sqrtf(max_area / aspect));
    if (round_to_int((float)most * aspect) > width) {
        const float epsilon = 0.0000001f;
        most = (int)((float)((double)width + 0.5 - (double)epsilon) / aspect);
        if (round_to_int((float)most * aspect) > width) most -= 1;
    }
    return most < height ? most : height;
}

/* GenerateRandomCrop: 0 when this aspect ratio allows no crop within the areas. */
static int try_rect(const od_crop_params *p, int width, int height, float aspect, od_rng *rng, od_crop_rect *rect)
{
    if (p->min_area > p->max_area) return 0;
    float min_area = p->min_area * (float)width * (float)height, max_area = p->max_area * (float)width * (float)height;
    int h = round_to_int(sqrtf(min_area / aspect)), most = highest(width, height, max_area, aspect);
    if (h >= most)
        h = most;
    else
        h += (int)od_rng_int(rng, 0, most - h + 1);
    int w = round_to_int((float)h * aspect);
    float area = (float)(w * h);
    if (area < min_area) {
        h += 1;
        w = round_to_int((float)h * aspect);
        area = (float)(w * h);
    }
    if (area > max_area) {
        h -= 1;
        w = round_to_int((float)h * aspect);
        area = (float)(w * h);
    }
    if (area < min_area || area > max_area || w > width || h > height || w <= 0 || h <= 0) return 0;
    rect->y = h < height ? (int)od_rng_int(rng, 0, height - h) : 0;
    rect->x = w < width ? (int)od_rng_int(rng, 0, width - w) : 0;
    rect->height = h;
    rect->width = w;
    return 1;
}

static float clip01(float v)
{
    return fminf(fmaxf(v, 0.0f), 1.0f);
}

static od_crop_rect pixel_box(const float *box, int height, int width)
{
    int y = (int)(clip01(box[0]) * (float)height), x = (int)(clip01(box[1]) * (float)width);
    return (od_crop_rect){y, x, (int)(clip01(box[2]) * (float)height) - y, (int)(clip01(box[3]) * (float)width) - x};
}

static int overlap(int a, int a_size, int b, int b_size)
{
    int low = a > b ? a : b, high = a + a_size < b + b_size ? a + a_size : b + b_size;
    return high > low ? high - low : 0;
}

/* Whether the crop shows enough of the object; objects smaller than a pixel don't count. */
static int covers(const od_crop_rect *crop, const od_crop_rect *object, float min_covered)
{
    float area = object->height > 0 && object->width > 0 ? (float)((int64_t)object->height * object->width) : 0;
    if (area < 1) return 0;
    int64_t shared = (int64_t)overlap(crop->y, crop->height, object->y, object->height) *
                     overlap(crop->x, crop->width, object->x, object->width);
    return (float)shared / area >= min_covered;
}

/* Without any object the whole picture stands for one. */
static int covers_any(const od_crop_params *p, const od_crop_rect *crop, int height, int width,
                      const od_object *objects, int count)
{
    if (count == 0) {
        od_crop_rect whole = {0, 0, height, width};
        return covers(crop, &whole, p->min_object_covered);
    }
    for (int i = 0; i < count; i++) {
        od_crop_rect object = pixel_box(objects[i].box, height, width);
        if (covers(crop, &object, p->min_object_covered)) return 1;
    }
    return 0;
}

od_crop_rect od_crop_sample(const od_crop_params *p, int height, int width, const od_object *objects, int count,
                            od_rng *rng)
{
    for (int i = 0; i < MAX_ATTEMPTS; i++) {
        od_crop_rect rect;
        float u = (float)(od_rng_next(rng) >> 40) * 0x1p-24f;
        float aspect = u * (p->max_aspect - p->min_aspect) + p->min_aspect;
        if (try_rect(p, width, height, aspect, rng, &rect) && covers_any(p, &rect, height, width, objects, count))
            return rect;
    }
    return (od_crop_rect){0, 0, height, width};
}

/* prune_completely_outside_window, then prune_non_overlapping_boxes: the part of the box's own area that is inside. */
static int is_kept(const float *box, const float *window, float overlap_thresh)
{
    if (box[0] >= window[2] || box[1] >= window[3] || box[2] <= window[0] || box[3] <= window[1]) return 0;
    float h = fmaxf(0, fminf(box[2], window[2]) - fmaxf(box[0], window[0]));
    float w = fmaxf(0, fminf(box[3], window[3]) - fmaxf(box[1], window[1]));
    return h * w / ((box[2] - box[0]) * (box[3] - box[1])) >= overlap_thresh; /* 0/0 is not kept */
}

static void reframe(float *box, const float *window, int clip)
{
    od_points_change_frame(box, 2, window);
    for (int k = 0; k < 4 && clip; k++) box[k] = clip01(box[k]);
}

void od_crop_apply(od_sample *sample, od_crop_rect r, float overlap_thresh, int clip_boxes)
{
    float h = (float)sample->view.height, w = (float)sample->view.width;
    const float window[4] = {(float)r.y / h, (float)r.x / w, (float)(r.y + r.height) / h, (float)(r.x + r.width) / w};
    int kept = 0;
    for (int i = 0; i < sample->object_count; i++) {
        if (!is_kept(sample->objects[i].box, window, overlap_thresh)) continue;
        sample->objects[kept] = sample->objects[i];
        reframe(sample->objects[kept++].box, window, clip_boxes);
    }
    sample->object_count = kept;
    od_sample_reframe_keypoints(sample, window, clip_boxes);
    od_sample_crop(sample, r.y, r.x, r.height, r.width);
}

void od_crop_random(const od_crop_params *p, od_sample *sample, od_rng *rng)
{
    if (p->random_coef >= FLT_MIN && !(od_rng_uniform(rng) > (double)p->random_coef)) return;
    od_crop_rect r =
        od_crop_sample(p, sample->view.height, sample->view.width, sample->objects, sample->object_count, rng);
    od_crop_apply(sample, r, p->overlap_thresh, p->clip_boxes);
}

/* Boxes wholly outside go as well: the OD API keeps them when overlap_thresh is 0 without clipping, which no training
 * wants. */
void od_crop_to_aspect_ratio(od_sample *sample, float aspect, float overlap_thresh, int clip_boxes, od_rng *rng)
{
    int h = sample->view.height, w = sample->view.width;
    float own = (float)w / (float)h;
    od_crop_rect r = {0, 0, own >= aspect ? h : (int)rintf((float)w / aspect),
                      own <= aspect ? w : (int)rintf((float)h * aspect)};
    if (r.height < 1) r.height = 1;
    if (r.width < 1) r.width = 1;
    if (r.height < h) r.y = (int)od_rng_int(rng, 0, h - r.height + 1);
    if (r.width < w) r.x = (int)od_rng_int(rng, 0, w - r.width + 1);
    od_crop_apply(sample, r, overlap_thresh, clip_boxes);
}
