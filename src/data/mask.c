/* SPDX-License-Identifier: Apache-2.0 */
#include "data/mask.h"

#include "data/mask_runs.h"
#include "image/image.h"
#include "util/alloc.h"

#include <string.h>

void od_mask_runs_add(od_mask_runs *r, int inside, uint32_t length)
{
    if (r->failed || !length) return;
    int last = (int)(r->count % 2) ^ 1; /* runs 0, 2, ... are outside: what run count - 1 is */
    if (r->count && last == inside) {
        r->runs[r->count - 1] += length;
        return;
    }
    if (od_grow(&r->runs, &r->capacity, r->count + 2, sizeof *r->runs)) {
        r->failed = 1;
        return;
    }
    if (!r->count && inside) r->runs[r->count++] = 0;
    r->runs[r->count++] = length;
}

od_status od_mask_check_size(int64_t height, int64_t width, od_error *err)
{
    if (height >= 1 && width >= 1 && height <= OD_IMAGE_MAX_PIXELS / width) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "a mask of %lld x %lld pixels (width x height); expected sides from 1 and at most %lld pixels",
                        (long long)width, (long long)height, (long long)OD_IMAGE_MAX_PIXELS);
}

static od_mask *new_mask(int height, int width, size_t count)
{
    od_mask *m = od_malloc(1, sizeof *m + count * sizeof *m->runs);
    if (m) *m = (od_mask){height, width, (uint32_t)count};
    return m;
}

od_status od_mask_runs_finish(od_mask_runs *r, int height, int width, od_mask **out, od_error *err)
{
    od_mask *m = r->failed ? NULL : new_mask(height, width, r->count);
    if (m && r->count) memcpy(m->runs, r->runs, r->count * sizeof *m->runs);
    od_free(r->runs);
    *r = (od_mask_runs){0};
    if (!m) return od_error_nomem(err, "a mask");
    *out = m;
    return OD_OK;
}

od_status od_mask_from_pixels(od_mask **out, int height, int width, const uint8_t *pixels, ptrdiff_t row_step, ptrdiff_t column_step, od_error *err)
{
    OD_TRY(od_mask_check_size(height, width, err));
    od_mask_runs r = {0};
    for (int x = 0; x < width; x++) {
        const uint8_t *p = pixels + x * column_step;
        for (int y = 0, run; y < height; y += run) {
            int inside = p[y * row_step] != 0;
            for (run = 1; y + run < height && (p[(y + run) * row_step] != 0) == inside;) run++;
            od_mask_runs_add(&r, inside, (uint32_t)run);
        }
    }
    return od_mask_runs_finish(&r, height, width, out, err);
}

od_status od_mask_from_runs(od_mask **out, int height, int width, const uint32_t *runs, size_t count, od_error *err)
{
    OD_TRY(od_mask_check_size(height, width, err));
    uint64_t total = 0, pixels = (uint64_t)height * (uint64_t)width;
    for (size_t i = 0; i < count; i++) total += runs[i];
    if (total != pixels)
        return od_error_set(err, OD_ERR_FORMAT, "run lengths add up to %llu pixels; the image has %d x %d = %llu", (unsigned long long)total, width, height,
                            (unsigned long long)pixels);
    od_mask_runs r = {0};
    for (size_t i = 0; i < count; i++) od_mask_runs_add(&r, (int)(i % 2), runs[i]);
    return od_mask_runs_finish(&r, height, width, out, err);
}

od_status od_mask_copy(od_mask **out, const od_mask *mask, od_error *err)
{
    od_mask *m = new_mask(mask->height, mask->width, mask->count);
    if (!m) return od_error_nomem(err, "a mask");
    memcpy(m->runs, mask->runs, mask->count * sizeof *m->runs);
    *out = m;
    return OD_OK;
}

/* Two masks run by run: `left` pixels of run `at` are still to come. */
typedef struct cursor {
    const od_mask *mask;
    uint32_t at, left;
} cursor;

static void settle(cursor *c)
{
    while (!c->left && c->at + 1 < c->mask->count) c->left = c->mask->runs[++c->at];
}

static cursor start(const od_mask *m)
{
    cursor c = {m, 0, m->count ? m->runs[0] : 0};
    settle(&c);
    return c;
}

/* The next stretch in which neither mask changes; 0 at the end. */
static uint32_t step(cursor *a, cursor *b, int *in_a, int *in_b)
{
    uint32_t n = a->left < b->left ? a->left : b->left;
    *in_a = (int)(a->at & 1);
    *in_b = (int)(b->at & 1);
    a->left -= n;
    b->left -= n;
    settle(a);
    settle(b);
    return n;
}

od_status od_mask_union(od_mask **out, const od_mask *a, const od_mask *b, od_error *err)
{
    if (a->height != b->height || a->width != b->width)
        return od_error_set(err, OD_ERR_MISMATCH, "masks of %d x %d and %d x %d pixels can't be joined", a->width, a->height, b->width, b->height);
    od_mask_runs r = {0};
    cursor x = start(a), y = start(b);
    int in_a, in_b;
    for (uint32_t n; (n = step(&x, &y, &in_a, &in_b));) od_mask_runs_add(&r, in_a | in_b, n);
    return od_mask_runs_finish(&r, a->height, a->width, out, err);
}

int64_t od_mask_intersection(const od_mask *a, const od_mask *b)
{
    int64_t shared = 0;
    cursor x = start(a), y = start(b);
    int in_a, in_b;
    for (uint32_t n; (n = step(&x, &y, &in_a, &in_b));) shared += in_a & in_b ? n : 0;
    return shared;
}

int64_t od_mask_area(const od_mask *mask)
{
    int64_t area = 0;
    for (uint32_t i = 1; i < mask->count; i += 2) area += mask->runs[i];
    return area;
}

void od_mask_bounds(const od_mask *mask, int32_t bounds[4])
{
    int64_t at = mask->count ? mask->runs[0] : 0, h = mask->height;
    int32_t top = mask->height, left = mask->width, bottom = -1, right = -1;
    for (uint32_t i = 1; i < mask->count; i += 2) {
        int64_t last = at + mask->runs[i] - 1;
        int32_t x0 = (int32_t)(at / h), x1 = (int32_t)(last / h), y0 = (int32_t)(at % h), y1 = (int32_t)(last % h);
        if (x0 < x1) y0 = 0, y1 = mask->height - 1; /* from one column into the next: it touches both edges */
        left = x0 < left ? x0 : left;
        right = x1 > right ? x1 : right;
        top = y0 < top ? y0 : top;
        bottom = y1 > bottom ? y1 : bottom;
        at = last + 1 + (i + 1 < mask->count ? mask->runs[i + 1] : 0);
    }
    int empty = right < 0;
    bounds[0] = empty ? 0 : top;
    bounds[1] = empty ? 0 : left;
    bounds[2] = empty ? 0 : bottom - top + 1;
    bounds[3] = empty ? 0 : right - left + 1;
}

void od_mask_to_columns(const od_mask *mask, uint8_t *out)
{
    for (uint32_t i = 0; i < mask->count; i++) {
        memset(out, (int)(i & 1), mask->runs[i]);
        out += mask->runs[i];
    }
}
