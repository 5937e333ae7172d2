/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's "segmentation": polygons [[x, y, ...], ...], run lengths {"counts": [...], "size": [height, width]} or the same with
 * compressed counts, a text.
 */
#include "data/mask.h"
#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

typedef enum member { MEMBER_OTHER, MEMBER_COUNTS, MEMBER_SIZE } member;

typedef struct reader {
    int depth, is_object;
    member member;
    double *numbers;          /* polygons' coordinates, or run lengths */
    size_t number_count, number_capacity;
    size_t *lengths;          /* numbers of each polygon */
    size_t polygon_count, length_capacity;
    char *text;               /* compressed run lengths, or NULL */
    size_t text_size;
    double size[2];
    int size_count, has_counts;
    od_status status;
    od_error *err;
} reader;

static int fail(reader *r, const char *what)
{
    r->status = od_error_set(r->err, OD_ERR_FORMAT, "segmentation: %s; expected polygons [[x, y, ...]] or {\"counts\": ..., \"size\": [height, width]}", what);
    return 0;
}

static int out_of_memory(reader *r)
{
    r->status = od_error_nomem(r->err, "a segmentation");
    return 0;
}

static int add_number(reader *r, double v)
{
    if (od_grow(&r->numbers, &r->number_capacity, r->number_count + 1, sizeof *r->numbers)) return out_of_memory(r);
    r->numbers[r->number_count++] = v;
    return 1;
}

static int begin_polygon(reader *r)
{
    if (od_grow(&r->lengths, &r->length_capacity, r->polygon_count + 1, sizeof *r->lengths)) return out_of_memory(r);
    r->lengths[r->polygon_count++] = 0;
    return 1;
}

static int on_number(void *user, const char *digits, size_t size)
{
    reader *r = user;
    char text[64];
    if (size >= sizeof text) size = sizeof text - 1;
    memcpy(text, digits, size);
    text[size] = 0;
    double v = strtod(text, NULL);
    if (!r->is_object) {
        if (!r->depth) return fail(r, "is a number");
        if (r->depth == 1 && r->polygon_count > 1) return fail(r, "mixes numbers and lists"); /* [x, y, ...]: one polygon */
        if (r->depth == 1 && !r->polygon_count && !begin_polygon(r)) return 0;
        r->lengths[r->polygon_count - 1]++;
        return add_number(r, v);
    }
    if (r->depth == 2 && r->member == MEMBER_SIZE) {
        if (r->size_count < 2) r->size[r->size_count] = v;
        r->size_count++;
    }
    return r->depth == 2 && r->member == MEMBER_COUNTS ? add_number(r, v) : 1;
}

static int on_string(void *user, const unsigned char *bytes, size_t size)
{
    reader *r = user;
    if (!r->is_object) return fail(r, "holds a text");
    if (r->depth != 1 || r->member != MEMBER_COUNTS) return 1;
    od_free(r->text);
    r->text = od_strndup((const char *)bytes, size);
    r->text_size = size;
    r->has_counts = 1;
    return r->text ? 1 : out_of_memory(r);
}

static int on_key(void *user, const unsigned char *key, size_t size)
{
    reader *r = user;
    if (r->depth != 1) return 1;
    r->member = size == 6 && !memcmp(key, "counts", 6) ? MEMBER_COUNTS : size == 4 && !memcmp(key, "size", 4) ? MEMBER_SIZE : MEMBER_OTHER;
    if (r->member == MEMBER_COUNTS && r->has_counts) return fail(r, "gives counts twice");
    return 1;
}

static int on_start_map(void *user)
{
    reader *r = user;
    if (r->depth && !r->is_object) return fail(r, "holds an object in a list");
    if (!r->depth++) r->is_object = 1;
    return 1;
}

static int on_start_array(void *user)
{
    reader *r = user;
    r->depth++;
    if (r->is_object) {
        if (r->depth > 2) return r->member == MEMBER_OTHER ? 1 : fail(r, "has a list in a list");
        if (r->member == MEMBER_COUNTS) r->has_counts = 1;
        return 1;
    }
    if (r->depth > 2) return fail(r, "has lists three deep");
    return r->depth == 2 ? begin_polygon(r) : 1;
}

/* Some write [[]] for no mask: a polygon of nothing is none. */
static int on_end(void *user)
{
    reader *r = user;
    if (!r->is_object && r->depth == 2 && !r->lengths[r->polygon_count - 1]) r->polygon_count--;
    r->depth--;
    return 1;
}

static int on_null(void *user)
{
    (void)user;
    return 1;
}

static int on_boolean(void *user, int value)
{
    (void)value;
    reader *r = user;
    return r->is_object && r->member == MEMBER_OTHER ? 1 : fail(r, "holds true or false");
}

static od_status parse(reader *r, const char *text, size_t size)
{
    static const yajl_callbacks callbacks = {on_null,      on_boolean, NULL,   NULL,           on_number, on_string,
                                             on_start_map, on_key,     on_end, on_start_array, on_end};
    yajl_handle h = yajl_alloc(&callbacks, NULL, r);
    if (!h) return od_error_nomem(r->err, "a segmentation");
    yajl_status code = yajl_parse(h, (const unsigned char *)text, size);
    if (code == yajl_status_ok) code = yajl_complete_parse(h);
    yajl_free(h);
    if (r->status == OD_OK && code != yajl_status_ok) r->status = od_error_set(r->err, OD_ERR_FORMAT, "segmentation: not valid JSON");
    return r->status;
}

static od_status runs_from_numbers(od_mask **out, int height, int width, const reader *r)
{
    uint32_t *runs = od_malloc(r->number_count, sizeof *runs);
    if (!runs) return od_error_nomem(r->err, "a mask");
    od_status status = OD_OK;
    for (size_t i = 0; i < r->number_count && status == OD_OK; i++) {
        if (!(r->numbers[i] >= 0 && r->numbers[i] <= UINT32_MAX) || r->numbers[i] != floor(r->numbers[i]))
            status = od_error_set(r->err, OD_ERR_FORMAT, "segmentation: counts[%zu] is %g; expected a number of pixels", i, r->numbers[i]);
        else
            runs[i] = (uint32_t)r->numbers[i];
    }
    if (status == OD_OK) status = od_mask_from_runs(out, height, width, runs, r->number_count, r->err);
    od_free(runs);
    return status;
}

/* The size that an object states, which must be whole numbers. */
static od_status stated_size(reader *r, int *height, int *width)
{
    if (!r->has_counts || r->size_count != 2) {
        fail(r, "is an object without counts or size");
        return r->status;
    }
    for (int k = 0; k < 2; k++)
        if (!(r->size[k] >= 1 && r->size[k] <= 1e9) || r->size[k] != floor(r->size[k]))
            return od_error_set(r->err, OD_ERR_FORMAT, "segmentation: size is [%g, %g]; expected height and width in pixels", r->size[0], r->size[1]);
    *height = (int)r->size[0];
    *width = (int)r->size[1];
    return OD_OK;
}

static od_status mask_of_object(od_mask **out, int height, int width, const reader *r)
{
    return r->text ? od_mask_from_text(out, height, width, r->text, r->text_size, r->err) : runs_from_numbers(out, height, width, r);
}

static od_status mask_of_polygons(od_mask **out, int height, int width, const reader *r)
{
    for (size_t i = 0; i < r->polygon_count; i++) {
        size_t n = r->lengths[i];
        if (n < 4 || n % 2)
            return od_error_set(r->err, OD_ERR_FORMAT, "segmentation: polygon %zu has %zu numbers; expected x and y of at least three corners", i + 1, n);
    }
    return od_mask_from_polygons(out, height, width, r->numbers, r->lengths, r->polygon_count, r->err);
}

static void reader_deinit(reader *r)
{
    od_free(r->numbers);
    od_free(r->lengths);
    od_free(r->text);
}

od_status od_mask_from_json(od_mask **out, int height, int width, const char *text, size_t size, od_error *err)
{
    reader r = {.err = err};
    int own_height = height, own_width = width;
    od_mask *made = NULL;
    od_status status = parse(&r, text, size);
    if (status == OD_OK && r.is_object) status = stated_size(&r, &own_height, &own_width);
    if (status == OD_OK && (own_height != height || own_width != width))
        status = od_error_set(err, OD_ERR_FORMAT, "segmentation: its size is %d x %d (width x height), the image's %d x %d", own_width, own_height, width, height);
    if (status == OD_OK && r.is_object) status = mask_of_object(&made, height, width, &r);
    if (status == OD_OK && !r.is_object && r.polygon_count) status = mask_of_polygons(&made, height, width, &r);
    if (status == OD_OK) *out = made;
    reader_deinit(&r);
    return status;
}

od_status od_mask_from_json_sized(od_mask **out, const char *text, size_t size, od_error *err)
{
    reader r = {.err = err};
    int height = 0, width = 0;
    od_status status = parse(&r, text, size);
    if (status == OD_OK && !r.is_object) fail(&r, "is not an object");
    if (status == OD_OK) status = r.status;
    if (status == OD_OK) status = stated_size(&r, &height, &width);
    if (status == OD_OK) status = mask_of_object(out, height, width, &r);
    reader_deinit(&r);
    return status;
}
