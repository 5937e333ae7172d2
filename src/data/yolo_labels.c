/* SPDX-License-Identifier: Apache-2.0 */
#include "data/yolo_labels.h"

#include "util/alloc.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 40 };
#define SLACK 0.01 /* rounding beyond the edge that Ultralytics' reader lets pass, too */

typedef struct row_reader {
    const char *p, *end; /* of the row */
    const char *path;
    int line, keypoints, class_count;
    od_example *out;
    size_t capacity;
    float *corners; /* of the row's outline: x, y */
    size_t corner_capacity;
    od_error *err;
} row_reader;

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next number of the row: 1, 0 at its end, -1 with an error. */
static int next_number(row_reader *r, double *out, char text[MAX_NUMBER])
{
    while (r->p < r->end && is_space(*r->p)) r->p++;
    if (r->p == r->end) return 0;
    const char *start = r->p;
    while (r->p < r->end && !is_space(*r->p)) r->p++;
    size_t n = (size_t)(r->p - start);
    snprintf(text, MAX_NUMBER, "%.*s", (int)(n < MAX_NUMBER ? n : MAX_NUMBER - 1), start);
    char *stop;
    *out = strtod(text, &stop);
    if (n < MAX_NUMBER && *stop == 0 && stop != text && isfinite(*out)) return 1;
    od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: \"%s\" is not a number; expected class x_center y_center width height", r->path, r->line, text);
    return -1;
}

static od_status take_class(row_reader *r, int32_t *label)
{
    char text[MAX_NUMBER];
    double v = 0;
    if (next_number(r, &v, text) < 0) return OD_ERR_FORMAT;
    if (v < 0 || v != floor(v) || v > 1e6)
        return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: the class is %s; expected a whole number from 0 on", r->path, r->line, text);
    if (v >= r->class_count)
        return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: the class is %s, but names has only the classes 0 to %d; add it to names", r->path,
                            r->line, text, r->class_count - 1);
    *label = (int32_t)v + 1;
    return OD_OK;
}

static od_status check_fraction(const row_reader *r, double v, const char *text)
{
    if (v >= -SLACK && v <= 1 + SLACK) return OD_OK;
    return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: %s is no part of the image (0 to 1); pixels must be divided by its width and height",
                        r->path, r->line, text);
}

/* The numbers behind the class: a box when there are four, else the bounds of an outline. */
static od_status take_values(row_reader *r, od_object *o)
{
    double box[4] = {0}, low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY}, v;
    char text[MAX_NUMBER];
    int n = 0, more;
    while ((more = next_number(r, &v, text)) > 0) {
        if (!r->keypoints || n < 4) OD_TRY(check_fraction(r, v, text));
        if (n < 4) box[n] = v;
        low[n % 2] = fmin(low[n % 2], v);
        high[n % 2] = fmax(high[n % 2], v);
        if (od_grow(&r->corners, &r->corner_capacity, (size_t)n + 1, sizeof *r->corners)) return od_error_nomem(r->err, "an outline");
        r->corners[n++] = (float)v;
    }
    if (more < 0) return OD_ERR_FORMAT;
    if (n < 4 || (n > 4 && !r->keypoints && (n < 6 || n % 2)))
        return od_error_set(r->err, OD_ERR_FORMAT,
                            "%s:%d: %d values; expected 5 (class x_center y_center width height) or the class and 3 or more corners of an "
                            "outline%s",
                            r->path, r->line, n + 1, n == 5 ? ". Is the sixth a score? Then these are detections, not annotations" : "");
    if (n == 4 || r->keypoints) {
        const double bounds[4] = {box[1] - box[3] / 2, box[0] - box[2] / 2, box[1] + box[3] / 2, box[0] + box[2] / 2};
        for (int k = 0; k < 4; k++) o->box[k] = (float)bounds[k];
    } else {
        const double bounds[4] = {low[1], low[0], high[1], high[0]};
        for (int k = 0; k < 4; k++) o->box[k] = (float)bounds[k];
        o->flags |= OD_OBJECT_OUTLINE;
        o->outline = od_example_keep_floats(r->out, r->corners, (size_t)n);
        o->outline_points = n / 2;
        if (!o->outline) return od_error_nomem(r->err, "an outline");
    }
    return OD_OK;
}

static od_status take_row(row_reader *r)
{
    while (r->p < r->end && is_space(*r->p)) r->p++;
    if (r->p == r->end) return OD_OK;
    od_example *e = r->out;
    if (e->object_count == INT_MAX || od_grow(&e->objects, &r->capacity, (size_t)e->object_count + 1, sizeof *e->objects))
        return od_error_nomem(r->err, "boxes");
    od_object o = {.weight = 1};
    OD_TRY(take_class(r, &o.label));
    OD_TRY(take_values(r, &o));
    e->objects[e->object_count++] = o;
    return OD_OK;
}

od_status od_yolo_labels_parse(const char *text, size_t size, const char *path, int class_count, int keypoints, od_example *out,
                               od_error *err)
{
    row_reader r = {.path = path, .line = 1, .keypoints = keypoints, .class_count = class_count, .out = out, .err = err};
    const char *end = text + size;
    od_status status = OD_OK;
    for (const char *p = text; p < end && status == OD_OK; r.line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        r.p = p;
        r.end = stop ? stop : end;
        status = take_row(&r);
        p = r.end + 1;
    }
    od_free(r.corners);
    return status;
}
