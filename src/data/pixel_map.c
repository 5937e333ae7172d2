/* SPDX-License-Identifier: Apache-2.0 */
#include "data/pixel_map.h"

#include "data/mask_runs.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

/* The source index of output index i, as resize_nearest_neighbor_op.cc computes it in float32. */
static int32_t nearest(int i, int in, int out, int align_corners)
{
    float scale = align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    float position = (float)i * scale;
    int32_t index = (int32_t)(align_corners ? roundf(position) : floorf(position));
    return index < in - 1 ? index : in - 1;
}

static void stretch(int32_t *to, int out, int in)
{
    for (int i = 0; i < out; i++) to[i] = nearest(i, in, out, 0);
}

od_status od_pixel_map_init(od_pixel_map *map, int height, int width, int source_height, int source_width, od_error *err)
{
    od_pixel_map m = {.height = height, .width = width, .source_height = source_height, .source_width = source_width};
    m.rows = od_malloc((size_t)height, sizeof *m.rows);
    m.columns = od_malloc((size_t)width, sizeof *m.columns);
    if (!m.rows || !m.columns) {
        od_pixel_map_deinit(&m);
        return od_error_nomem(err, "a map of masks");
    }
    stretch(m.rows, height, source_height);
    stretch(m.columns, width, source_width);
    *map = m;
    return OD_OK;
}

void od_pixel_map_deinit(od_pixel_map *map)
{
    od_free(map->rows);
    od_free(map->columns);
    *map = (od_pixel_map){0};
}

void od_pixel_map_crop(od_pixel_map *map, int y, int x, int height, int width)
{
    if (!map->rows) return;
    memmove(map->rows, map->rows + y, (size_t)height * sizeof *map->rows);
    memmove(map->columns, map->columns + x, (size_t)width * sizeof *map->columns);
    map->height = height;
    map->width = width;
}

static void reverse(int32_t *a, int n)
{
    for (int i = 0; a && i < n / 2; i++) {
        int32_t swap = a[i];
        a[i] = a[n - 1 - i];
        a[n - 1 - i] = swap;
    }
}

void od_pixel_map_flip_horizontal(od_pixel_map *map)
{
    reverse(map->columns, map->width);
}

void od_pixel_map_flip_vertical(od_pixel_map *map)
{
    reverse(map->rows, map->height);
}

/* out(i, j) = in(j, width - 1 - i) */
void od_pixel_map_rotate(od_pixel_map *map)
{
    int32_t *rows = map->rows;
    int height = map->height;
    reverse(map->columns, map->width);
    map->rows = map->columns;
    map->columns = rows;
    map->height = map->width;
    map->width = height;
    map->turned = !map->turned;
}

/* Replaces both lists by new ones of height and width: element i is old[from_y[i]] ... computed by `pick`. */
static od_status replace(od_pixel_map *map, int height, int width, od_error *err, int32_t (*pick)(const int *, int, int, const int32_t *), const int *y, const int *x)
{
    int32_t *rows = od_malloc((size_t)height, sizeof *rows), *columns = od_malloc((size_t)width, sizeof *columns);
    if (!rows || !columns) {
        od_free(rows);
        od_free(columns);
        return od_error_nomem(err, "a map of masks");
    }
    for (int i = 0; i < height; i++) rows[i] = pick(y, i, map->height, map->rows);
    for (int i = 0; i < width; i++) columns[i] = pick(x, i, map->width, map->columns);
    od_free(map->rows);
    od_free(map->columns);
    map->rows = rows;
    map->columns = columns;
    map->height = height;
    map->width = width;
    return OD_OK;
}

static int32_t pick_placed(const int *offset, int i, int size, const int32_t *old)
{
    return i >= *offset && i - *offset < size ? old[i - *offset] : -1;
}

od_status od_pixel_map_place(od_pixel_map *map, int y, int x, int height, int width, od_error *err)
{
    if (!map->rows) return OD_OK;
    return replace(map, height, width, err, pick_placed, &y, &x);
}

/* resized[0]: the new size, [1]: align_corners. */
static int32_t pick_resized(const int *resized, int i, int size, const int32_t *old)
{
    return old[nearest(i, size, resized[0], resized[1])];
}

od_status od_pixel_map_resize(od_pixel_map *map, int align_corners, int height, int width, od_error *err)
{
    if (!map->rows || (height == map->height && width == map->width)) return OD_OK;
    return replace(map, height, width, err, pick_resized, (int[]){height, align_corners}, (int[]){width, align_corners});
}

/* First and last index whose source lies in [low, low + size); *last < *first: none. */
static void reached(const int32_t *from, int count, int32_t low, int32_t size, int *first, int *last)
{
    *first = count;
    *last = -1;
    for (int i = 0; i < count; i++) {
        if (from[i] < low || from[i] >= low + size) continue;
        if (i < *first) *first = i;
        *last = i;
    }
}

od_status od_pixel_map_render(const od_pixel_map *map, const od_mask *mask, uint8_t *out, od_error *err)
{
    if (mask->height != map->source_height || mask->width != map->source_width)
        return od_error_set(err, OD_ERR_INTERNAL, "a mask of %d x %d pixels where the picture has %d x %d", mask->width, mask->height, map->source_width,
                            map->source_height);
    memset(out, 0, (size_t)map->height * (size_t)map->width);
    int32_t bounds[4];
    int y0, y1, x0, x1, turned = map->turned;
    od_mask_bounds(mask, bounds);
    reached(map->rows, map->height, bounds[turned], bounds[turned + 2], &y0, &y1);
    reached(map->columns, map->width, bounds[!turned], bounds[!turned + 2], &x0, &x1);
    if (y1 < y0 || x1 < x0) return OD_OK;
    uint8_t *columns = od_malloc((size_t)mask->height * (size_t)mask->width, 1);
    if (!columns) return od_error_nomem(err, "a mask's pixels");
    od_mask_to_columns(mask, columns);
    size_t by_row = turned ? (size_t)mask->height : 1, by_column = turned ? 1 : (size_t)mask->height;
    for (int y = y0; y <= y1; y++) {
        uint8_t *to = out + (size_t)y * (size_t)map->width;
        if (map->rows[y] < 0) continue;
        const uint8_t *from = columns + (size_t)map->rows[y] * by_row;
        for (int x = x0; x <= x1; x++)
            if (map->columns[x] >= 0) to[x] = from[(size_t)map->columns[x] * by_column];
    }
    od_free(columns);
    return OD_OK;
}

od_status od_mask_stretch(od_mask **out, const od_mask *mask, int height, int width, od_error *err)
{
    OD_TRY(od_mask_check_size(height, width, err));
    od_pixel_map map;
    OD_TRY(od_pixel_map_init(&map, height, width, mask->height, mask->width, err));
    uint8_t *pixels = od_malloc((size_t)height * (size_t)width, 1);
    od_status status = pixels ? od_pixel_map_render(&map, mask, pixels, err) : od_error_nomem(err, "a mask");
    if (status == OD_OK) status = od_mask_from_pixels(out, height, width, pixels, width, 1, err);
    od_free(pixels);
    od_pixel_map_deinit(&map);
    return status;
}
