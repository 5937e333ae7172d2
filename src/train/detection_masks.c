/* SPDX-License-Identifier: Apache-2.0 */
#include "train/detection_masks.h"

#include "data/pixel_map.h"
#include "detection/mask_paste.h"
#include "image/draw_mask.h"
#include "util/alloc.h"

static const float *mask_of(const od_detections *d, int64_t row, int i)
{
    return d->masks + (row * d->max + i) * d->mask_h * d->mask_w;
}

od_status od_detection_mask(od_mask **out, const od_detections *d, int64_t row, int i, int height, int width, od_error *err)
{
    uint8_t *columns = od_malloc((size_t)height * (size_t)width, 1);
    if (!columns) return od_error_nomem(err, "a mask");
    od_mask_paste(mask_of(d, row, i), d->mask_h, d->mask_w, d->boxes + 4 * (row * d->max + i), height, width, columns, 1, height);
    od_status status = od_mask_from_pixels(out, height, width, columns, 1, height, err);
    od_free(columns);
    return status;
}

/* Of the detection at `at`: is it drawn? */
static int is_drawn(const od_detections *d, int64_t at, double min_score, const double *class_scores)
{
    return !(d->scores[at] < (class_scores ? class_scores[d->classes[at]] : min_score));
}

od_status od_detections_draw_masks(od_image *image, const od_detections *d, int64_t row, double min_score, const double *class_scores, int max, od_error *err)
{
    if (!d->masks) return OD_OK;
    uint8_t *pixels = od_malloc((size_t)image->height * (size_t)image->width, 1);
    if (!pixels) return od_error_nomem(err, "a mask");
    int end = 0;
    for (int drawn = 0; end < d->count[row] && drawn < max; end++) drawn += is_drawn(d, row * d->max + end, min_score, class_scores);
    for (int i = end - 1; i >= 0; i--) {
        int64_t at = row * d->max + i;
        if (!is_drawn(d, at, min_score, class_scores)) continue;
        od_mask_paste(mask_of(d, row, i), d->mask_h, d->mask_w, d->boxes + 4 * at, image->height, image->width, pixels, image->width, 1);
        od_image_draw_mask(image, pixels, d->classes[at]);
    }
    od_free(pixels);
    return OD_OK;
}

od_status od_objects_draw_masks(od_image *image, const od_object *objects, int count, od_error *err)
{
    od_pixel_map map = {0};
    uint8_t *pixels = NULL;
    od_status status = OD_OK;
    for (int i = 0; i < count && status == OD_OK; i++) {
        const od_mask *m = objects[i].mask;
        if (!m) continue;
        if (!pixels && !(pixels = od_malloc((size_t)image->height * (size_t)image->width, 1))) status = od_error_nomem(err, "a mask");
        if (status == OD_OK) status = od_pixel_map_init(&map, image->height, image->width, m->height, m->width, err);
        if (status == OD_OK) status = od_pixel_map_render(&map, m, pixels, err);
        od_pixel_map_deinit(&map);
        if (status == OD_OK) od_image_draw_mask(image, pixels, objects[i].label - 1);
    }
    od_free(pixels);
    return status;
}
