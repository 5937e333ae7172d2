/* SPDX-License-Identifier: Apache-2.0
 *
 * Where each pixel of a changed picture comes from. Flips, quarter turns, crops, padding and nearest-neighbour resizing all work on
 * rows and columns apart, so two lists say everything, and masks are moved once, at the end, with exactly the pixels that moving
 * them step by step would give them.
 */
#ifndef OD_DATA_PIXEL_MAP_H
#define OD_DATA_PIXEL_MAP_H

#include "data/mask.h"

/* Pixel (y, x) comes from source pixel (rows[y], columns[x]), or (columns[x], rows[y]) when turned; -1: padding. */
typedef struct od_pixel_map {
    int height, width;
    int source_height, source_width;
    int turned;
    int32_t *rows, *columns; /* NULL: no map is kept, and all changes below do nothing */
} od_pixel_map;

/* A source of another size than the picture is stretched to it. */
od_status od_pixel_map_init(od_pixel_map *map, int height, int width, int source_height, int source_width, od_error *err);
void od_pixel_map_deinit(od_pixel_map *map);

/* The caller keeps the part inside. */
void od_pixel_map_crop(od_pixel_map *map, int y, int x, int height, int width);
void od_pixel_map_flip_horizontal(od_pixel_map *map);
void od_pixel_map_flip_vertical(od_pixel_map *map);
/* A quarter turn counter-clockwise (tf.image.rot90). */
void od_pixel_map_rotate(od_pixel_map *map);
/* At (y, x) of a picture of height x width; what lies beyond is cut off. */
od_status od_pixel_map_place(od_pixel_map *map, int y, int x, int height, int width, od_error *err);
/* TensorFlow 1's resize_nearest_neighbor. */
od_status od_pixel_map_resize(od_pixel_map *map, int align_corners, int height, int width, od_error *err);

/* out [height, width]: 1 inside the moved mask, else 0. OD_ERR_NOMEM, OD_ERR_INTERNAL for a mask of another size than the source's. */
od_status od_pixel_map_render(const od_pixel_map *map, const od_mask *mask, uint8_t *out, od_error *err);

/* A mask for an image of another size (nearest neighbour). OD_ERR_FORMAT as od_mask's makers. */
od_status od_mask_stretch(od_mask **out, const od_mask *mask, int height, int width, od_error *err);

#endif
