/* SPDX-License-Identifier: Apache-2.0
 *
 * Polygons to masks with maskApi.c's rounding (rleFrPoly): the outline is walked on a grid five times as fine; where it crosses the
 * middle of a column of pixels, inside and outside change.
 */
#include "data/mask.h"
#include "data/mask_runs.h"
#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>

enum { FINE = 5, MAX_OUTLINE = 20000000 };
static const double max_coordinate = 1e6;

typedef struct crossings {
    uint32_t *at; /* column * height + row */
    size_t count, capacity;
    int height, width, failed;
} crossings;

/* Both end points on the fine grid. */
typedef struct edge {
    int x0, y0, x1, y1;
} edge;

typedef struct point {
    int x, y;
} point;

static point fine(const double *xy)
{
    return (point){(int)(FINE * xy[0] + .5), (int)(FINE * xy[1] + .5)};
}

/* Between two neighbouring points of the walk. */
static void cross(crossings *c, point before, point now)
{
    if (now.x == before.x) return;
    double x = ((double)(now.x < before.x ? now.x : now.x - 1) + .5) / FINE - .5;
    if (floor(x) != x || x < 0 || x > c->width - 1) return;
    double y = ((double)(now.y < before.y ? now.y : before.y) + .5) / FINE - .5;
    y = ceil(y < 0 ? 0 : y > c->height ? c->height : y);
    if (od_grow(&c->at, &c->capacity, c->count + 1, sizeof *c->at))
        c->failed = 1;
    else
        c->at[c->count++] = (uint32_t)x * (uint32_t)c->height + (uint32_t)y;
}

/* The points of an edge in its direction; each is computed from the end with the smaller coordinate, as upstream. */
static void walk(crossings *c, edge e, point *last, int *started)
{
    int dx = abs(e.x1 - e.x0), dy = abs(e.y1 - e.y0), flat = dx >= dy, length = flat ? dx : dy;
    int flip = flat ? e.x0 > e.x1 : e.y0 > e.y1;
    if (flip) e = (edge){e.x1, e.y1, e.x0, e.y0};
    double slope = !length ? 0 : flat ? (double)(e.y1 - e.y0) / dx : (double)(e.x1 - e.x0) / dy;
    for (int d = 0; d <= length && !c->failed; d++) {
        int t = flip ? length - d : d;
        point now = flat ? (point){e.x0 + t, (int)(e.y0 + slope * t + .5)} : (point){(int)(e.x0 + slope * t + .5), e.y0 + t};
        if (*started) cross(c, *last, now);
        *last = now;
        *started = 1;
    }
}

static od_status check_polygon(const double *xy, size_t count, od_error *err)
{
    double outline = 0;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(xy[i]) <= max_coordinate))
            return od_error_set(err, OD_ERR_FORMAT, "a polygon has the coordinate %g; expected pixels of the image", xy[i]);
    for (size_t i = 0; i < count; i += 2) {
        const double *next = xy + (i + 2) % count;
        outline += FINE * fmax(fabs(next[0] - xy[i]), fabs(next[1] - xy[i + 1])) + 1;
    }
    if (outline > MAX_OUTLINE) return od_error_set(err, OD_ERR_FORMAT, "a polygon's outline is %.0f pixels long; expected at most %d", outline / FINE, MAX_OUTLINE / FINE);
    return OD_OK;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static od_status mask_of_crossings(od_mask **out, crossings *c, od_error *err)
{
    if (c->failed) return od_error_nomem(err, "a mask");
    uint32_t total = (uint32_t)c->height * (uint32_t)c->width, before = 0;
    if (c->count) qsort(c->at, c->count, sizeof *c->at, ascending);
    od_mask_runs r = {0};
    for (size_t i = 0; i <= c->count; i++) {
        uint32_t at = i < c->count ? c->at[i] : total;
        od_mask_runs_add(&r, (int)(i % 2), at - before);
        before = at;
    }
    return od_mask_runs_finish(&r, c->height, c->width, out, err);
}

static od_status one_polygon(od_mask **out, int height, int width, const double *xy, size_t count, od_error *err)
{
    OD_TRY(check_polygon(xy, count, err));
    crossings c = {.height = height, .width = width};
    point last = {0};
    int started = 0;
    for (size_t i = 0; i < count; i += 2) {
        point a = fine(xy + i), b = fine(xy + (i + 2) % count);
        walk(&c, (edge){a.x, a.y, b.x, b.y}, &last, &started);
    }
    od_status status = mask_of_crossings(out, &c, err);
    od_free(c.at);
    return status;
}

od_status od_mask_from_polygons(od_mask **out, int height, int width, const double *xy, const size_t *counts, size_t polygons, od_error *err)
{
    OD_TRY(od_mask_check_size(height, width, err));
    od_mask *all = NULL;
    for (size_t i = 0; i < polygons; xy += counts[i++]) {
        od_mask *one = NULL, *joined = NULL;
        od_status status = one_polygon(&one, height, width, xy, counts[i] / 2 * 2, err);
        if (status == OD_OK && all) status = od_mask_union(&joined, all, one, err);
        if (status != OD_OK || all) od_free(one);
        if (status != OD_OK || all) od_free(all);
        if (status != OD_OK) return status;
        all = joined ? joined : one;
    }
    if (!all) return od_error_set(err, OD_ERR_FORMAT, "no polygon is given");
    *out = all;
    return OD_OK;
}
