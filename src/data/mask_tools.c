/* SPDX-License-Identifier: Apache-2.0 */
#include "data/mask_tools.h"

#include "data/mask_runs.h"
#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static od_status no_pixels(uint8_t **out, int height, int width, od_error *err)
{
    OD_TRY(od_mask_check_size(height, width, err));
    *out = od_calloc((size_t)height * (size_t)width, 1);
    return *out ? OD_OK : od_error_nomem(err, "a mask");
}

/* --- CVAT ------------------------------------------------------------------------------------------------------------------ */

/* Writes the runs into pixels[height, step] of the frame; 0 when they don't fill it. */
static int fill_frame(uint8_t *pixels, int64_t step, int64_t height, int64_t width, const char *runs)
{
    int64_t at = 0, area = height * width;
    int inside = 0;
    while (*runs) {
        char *end;
        long long n = strtoll(runs, &end, 10);
        if (end == runs || n < 0 || n > area - at) return 0;
        for (; n > 0; n--, at++) pixels[at / width * step + at % width] = (uint8_t)inside;
        inside = !inside;
        runs = end + strspn(end, " \t\r\n");
        if (*runs && *runs++ != ',') return 0;
    }
    return at == area;
}

od_status od_mask_from_frame_runs(od_mask **out, int height, int width, const double frame[4], const char *runs, od_error *err)
{
    uint8_t *pixels;
    for (int k = 0; k < 2; k++) {
        double from = frame[k], size = frame[k + 2];
        if (!(from >= 0 && size >= 1 && from == floor(from) && size == floor(size) && from + size <= (k ? width : height)))
            return od_error_set(err, OD_ERR_FORMAT, "a mask's %s %g and %s %g don't lie in the image of %d x %d pixels", k ? "left" : "top", from, k ? "width" : "height", size, width,
                                height);
    }
    OD_TRY(no_pixels(&pixels, height, width, err));
    int64_t first = (int64_t)frame[0] * width + (int64_t)frame[1];
    int filled = fill_frame(pixels + first, width, (int64_t)frame[2], (int64_t)frame[3], runs);
    od_status status = filled ? od_mask_from_pixels(out, height, width, pixels, width, 1, err)
                              : od_error_set(err, OD_ERR_FORMAT, "a mask's rle must be lengths of runs that fill its %g x %g pixels: \"%.60s\"", frame[3], frame[2], runs);
    od_free(pixels);
    return status;
}

/* The mask's runs row by row within its rectangle, outside first; `put` gets one after the other. */
static od_status each_row_run(const od_mask *mask, const int32_t frame[4], void (*put)(void *user, int64_t run, int inside), void *user, od_error *err)
{
    uint8_t *columns = od_malloc((size_t)mask->height * (size_t)mask->width, 1);
    if (!columns) return od_error_nomem(err, "a mask");
    od_mask_to_columns(mask, columns);
    int64_t run = 0;
    int inside = 0;
    for (int64_t y = frame[0]; y < (int64_t)frame[0] + frame[2]; y++)
        for (int64_t x = frame[1]; x < (int64_t)frame[1] + frame[3]; x++) {
            if (columns[x * mask->height + y] != inside) {
                put(user, run, inside);
                run = 0;
                inside = !inside;
            }
            run++;
        }
    put(user, run, inside);
    od_free(columns);
    return OD_OK;
}

static void put_length(void *user, int64_t run, int inside)
{
    (void)inside;
    od_strbuf *out = user;
    od_strbuf_printf(out, "%s%lld", out->size ? ", " : "", (long long)run);
}

od_status od_mask_put_frame_runs(const od_mask *mask, int32_t frame[4], od_strbuf *out, od_error *err)
{
    od_strbuf text = {0};
    od_mask_bounds(mask, frame);
    od_status status = each_row_run(mask, frame, put_length, &text, err);
    if (od_strbuf_failed(&text)) out->failed = 1;
    if (status == OD_OK && text.data) od_strbuf_append(out, text.data, text.size);
    od_strbuf_deinit(&text);
    return status;
}

/* --- Label Studio ------------------------------------------------------------------------------------------------------------ */

typedef struct bit_reader {
    const uint8_t *bytes;
    uint64_t at, end; /* bits */
    int cut;          /* something was read behind the end */
} bit_reader;

static uint32_t read_bits(bit_reader *r, int count)
{
    uint32_t v = 0;
    if (r->end - r->at < (uint64_t)count) return r->cut = 1, 0;
    for (int i = 0; i < count; i++, r->at++) v = v << 1 | (r->bytes[r->at / 8] >> (7 - r->at % 8) & 1);
    return v;
}

od_status od_mask_from_brush(od_mask **out, int height, int width, const uint8_t *bytes, size_t size, od_error *err)
{
    enum { CHANNELS = 4, ALPHA = 3 };
    uint8_t *pixels;
    bit_reader r = {bytes, 0, 8 * (uint64_t)size, 0};
    OD_TRY(no_pixels(&pixels, height, width, err));
    int64_t total = (int64_t)height * width * CHANNELS, stated = read_bits(&r, 32);
    int word = (int)read_bits(&r, 5) + 1, lengths[4];
    for (int k = 0; k < 4; k++) lengths[k] = (int)read_bits(&r, 4) + 1;
    for (int64_t i = 0; i < total && stated == total && !r.cut;) {
        int same = (int)read_bits(&r, 1);
        int64_t end = i + 1 + read_bits(&r, lengths[read_bits(&r, 2)]);
        uint32_t value = same ? read_bits(&r, word) : 0;
        for (; i < end && i < total && !r.cut; i++) {
            if (!same) value = read_bits(&r, word);
            if (i % CHANNELS == ALPHA) pixels[i / CHANNELS] = value > 127;
        }
    }
    od_status status = OD_OK;
    if (stated != total)
        status = od_error_set(err, OD_ERR_FORMAT, "a brush's rle has %lld numbers; expected 4 for each of %d x %d pixels", (long long)stated, width, height);
    else if (r.cut)
        status = od_error_set(err, OD_ERR_FORMAT, "a brush's rle ends too early");
    else
        status = od_mask_from_pixels(out, height, width, pixels, width, 1, err);
    od_free(pixels);
    return status;
}

typedef struct bit_writer {
    od_strbuf *out;
    uint8_t byte;
    int filled, any; /* bits of the byte; something was written */
} bit_writer;

static void put_byte(bit_writer *w)
{
    od_strbuf_printf(w->out, "%s%d", w->any ? ", " : "", w->byte);
    w->any = 1;
    w->byte = 0;
    w->filled = 0;
}

static void write_bits(bit_writer *w, uint32_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        w->byte = (uint8_t)(w->byte << 1 | (value >> i & 1));
        if (++w->filled == 8) put_byte(w);
    }
}

static const int brush_lengths[4] = {3, 4, 8, 16}; /* bits of a run's length: label-studio-converter's choice */

/* A run of pixels is four times as many equal numbers. */
static void put_packed(void *user, int64_t run, int inside)
{
    for (int64_t left = 4 * run; left > 0;) {
        int k = 0;
        while (k < 3 && left > (int64_t)1 << brush_lengths[k]) k++;
        int64_t n = left < (int64_t)1 << brush_lengths[k] ? left : (int64_t)1 << brush_lengths[k];
        write_bits(user, 1, 1);
        write_bits(user, (uint32_t)k, 2);
        write_bits(user, (uint32_t)(n - 1), brush_lengths[k]);
        write_bits(user, inside ? 255 : 0, 8);
        left -= n;
    }
}

od_status od_mask_put_brush(const od_mask *mask, od_strbuf *out, od_error *err)
{
    bit_writer w = {.out = out};
    const int32_t all[4] = {0, 0, mask->height, mask->width};
    write_bits(&w, (uint32_t)((int64_t)mask->height * mask->width * 4), 32);
    write_bits(&w, 8 - 1, 5);
    for (int k = 0; k < 4; k++) write_bits(&w, (uint32_t)brush_lengths[k] - 1, 4);
    OD_TRY(each_row_run(mask, all, put_packed, &w, err));
    while (w.filled) write_bits(&w, 0, 1);
    return OD_OK;
}

void od_ellipse_corner(int k, double y, double x, double radius_y, double radius_x, double out[2])
{
    double angle = 2 * M_PI * k / OD_ELLIPSE_CORNERS;
    out[0] = y + radius_y * sin(angle);
    out[1] = x + radius_x * cos(angle);
}
