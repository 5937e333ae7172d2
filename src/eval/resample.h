/* SPDX-License-Identifier: Apache-2.0
 *
 * The units of resampling, images or groups of images, and the weights that a resample gives each image.
 */
#ifndef OD_EVAL_RESAMPLE_H
#define OD_EVAL_RESAMPLE_H

#include "eval/coco_eval.h"

typedef struct od_units {
    size_t count, num_images;
    uint32_t *of_image; /* [num_images]: the unit it belongs to */
    int grouped;
} od_units;

/* One unit per group where images have groups, otherwise one per image. */
od_status od_units_init(od_units *u, const od_coco_image *images, size_t num_images, od_error *err);
void od_units_deinit(od_units *u);

/* Draws `count` units with replacement. unit_weights: [count], scratch; weights: [num_images]. Depends on seed and
 * resample only. */
void od_units_draw(const od_units *u, uint64_t seed, uint64_t resample, uint32_t *unit_weights, uint32_t *weights);

/* Grouped jackknife: the units are dealt out to this many parts, at most 200; part `part` is left out. */
size_t od_units_jackknife_parts(const od_units *u);
void od_units_leave_out(const od_units *u, size_t part, uint32_t *weights);

/* Random splits of the units into four parts of equal size (to one unit). Columns of a split: its two halves, then its
 * four quarters; together the halves hold every unit once, and so do the quarters. `part_of`: [count], scratch. */
enum { OD_RESAMPLE_SPLITS = 50, OD_SPLIT_COLUMNS = 6 };
void od_units_split(const od_units *u, uint64_t seed, uint64_t column, uint32_t *part_of, uint32_t *weights);

#endif
