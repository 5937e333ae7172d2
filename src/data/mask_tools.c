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

void od_ellipse_corner(int k, double y, double x, double radius_y, double radius_x, double out[2])
{
    double angle = 2 * M_PI * k / OD_ELLIPSE_CORNERS;
    out[0] = y + radius_y * sin(angle);
    out[1] = x + radius_x * cos(angle);
}
