/* SPDX-License-Identifier: Apache-2.0
 *
 * An object's mask as COCO stores it: run lengths in column-major order, alternately of pixels outside and inside, the first
 * outside (perhaps 0). Made from pixels, polygons and COCO's texts with the pixels that pycocotools gives them
 * (github.com/cocodataset/cocoapi, common/maskApi.c). A mask is one block, freed with od_free, and doesn't change.
 */
#ifndef OD_DATA_MASK_H
#define OD_DATA_MASK_H

#include "util/error.h"
#include "util/strbuf.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_mask {
    int32_t height, width; /* of the image */
    uint32_t count;        /* runs; no run but the first is 0 */
    uint32_t runs[];       /* add up to height * width */
} od_mask;

/* Every maker writes *out on success only. Sides from 1, at most OD_IMAGE_MAX_PIXELS in all, else OD_ERR_FORMAT. */

/* From pixels, not 0: inside. `row_step`, `column_step`: elements from a pixel to the one below and to the right. */
od_status od_mask_from_pixels(od_mask **out, int height, int width, const uint8_t *pixels, ptrdiff_t row_step, ptrdiff_t column_step, od_error *err);
/* From run lengths as COCO's uncompressed RLE lists them (zeros in the middle are fine). OD_ERR_FORMAT unless they add up. */
od_status od_mask_from_runs(od_mask **out, int height, int width, const uint32_t *runs, size_t count, od_error *err);
/* From COCO's compressed text. */
od_status od_mask_from_text(od_mask **out, int height, int width, const char *text, size_t size, od_error *err);
/* The inside of any of the polygons; a polygon is `counts[i]` numbers x, y, x, y, ... in pixels. OD_ERR_FORMAT for coordinates that
 * aren't finite or outlines longer than any picture's. */
od_status od_mask_from_polygons(od_mask **out, int height, int width, const double *xy, const size_t *counts, size_t polygons, od_error *err);
/* From the JSON value of "segmentation": a list of polygons or an object {counts, size}, which must be height x width. *out is
 * NULL when it says nothing ([], null). Messages don't name the file. */
od_status od_mask_from_json(od_mask **out, int height, int width, const char *text, size_t size, od_error *err);
/* The same from an object {counts, size}, of whatever size it states (results files). */
od_status od_mask_from_json_sized(od_mask **out, const char *text, size_t size, od_error *err);
od_status od_mask_copy(od_mask **out, const od_mask *mask, od_error *err);
/* Pixels of either mask; OD_ERR_MISMATCH when their images' sizes differ. */
od_status od_mask_union(od_mask **out, const od_mask *a, const od_mask *b, od_error *err);

/* Appends COCO's compressed text. */
void od_mask_format(const od_mask *mask, od_strbuf *out);
/* Appends {"size":[height,width],"counts":"..."}. */
void od_mask_format_json(const od_mask *mask, od_strbuf *out);
/* out [width, height]: 1 inside, 0 outside, column by column. */
void od_mask_to_columns(const od_mask *mask, uint8_t *out);
int64_t od_mask_area(const od_mask *mask);
/* y, x, height, width of the smallest rectangle around the mask (pycocotools' toBbox in another order); zeros when empty. */
void od_mask_bounds(const od_mask *mask, int32_t bounds[4]);
/* Pixels in both; of masks of the same size. */
int64_t od_mask_intersection(const od_mask *a, const od_mask *b);

#endif
