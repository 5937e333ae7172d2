/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's compressed run lengths: each run, from the fourth on as its difference to the one two before, in groups of five bits,
 * lowest first, as characters from '0'; bit 5 of a character says that more follow, bit 4 of the last is the sign.
 */
#include "data/mask.h"
#include "data/mask_runs.h"
#include "util/alloc.h"

enum { MAX_GROUPS = 8 };

/* The number at *at, which moves behind it. */
static od_status read_number(const char *text, size_t size, size_t *at, int64_t *out, od_error *err)
{
    uint64_t x = 0;
    for (int k = 0; k < MAX_GROUPS; k++) {
        if (*at == size) return od_error_set(err, OD_ERR_FORMAT, "the run lengths end inside a number, after %zu characters", size);
        int c = text[*at] - '0';
        if (c < 0 || c > 63) return od_error_set(err, OD_ERR_FORMAT, "character %zu of the run lengths is not one of COCO's ('0' to 'o')", *at + 1);
        (*at)++;
        x |= (uint64_t)(c & 0x1f) << 5 * k;
        if (c & 0x20) continue;
        if (c & 0x10) x |= ~(uint64_t)0 << 5 * (k + 1);
        *out = (int64_t)x;
        return OD_OK;
    }
    return od_error_set(err, OD_ERR_FORMAT, "a run length before character %zu has too many digits", *at + 1);
}

static od_status read_runs(uint32_t *runs, size_t *count, const char *text, size_t size, od_error *err)
{
    for (size_t at = 0, n = 0; at < size; *count = ++n) {
        int64_t x = 0;
        size_t first = at + 1;
        OD_TRY(read_number(text, size, &at, &x, err));
        if (n > 2) x += runs[n - 2];
        if (x < 0 || x > UINT32_MAX) return od_error_set(err, OD_ERR_FORMAT, "the run at character %zu has %lld pixels", first, (long long)x);
        runs[n] = (uint32_t)x;
    }
    return OD_OK;
}

od_status od_mask_from_text(od_mask **out, int height, int width, const char *text, size_t size, od_error *err)
{
    uint32_t *runs = od_malloc(size, sizeof *runs); /* a run is a character at least */
    if (!runs) return od_error_nomem(err, "a mask");
    size_t count = 0;
    od_status status = read_runs(runs, &count, text, size, err);
    if (status == OD_OK) status = od_mask_from_runs(out, height, width, runs, count, err);
    od_free(runs);
    return status;
}

void od_mask_format(const od_mask *mask, od_strbuf *out)
{
    for (uint32_t i = 0; i < mask->count; i++) {
        int64_t x = (int64_t)mask->runs[i] - (i > 2 ? mask->runs[i - 2] : 0);
        for (int more = 1; more;) {
            int c = (int)(x & 0x1f);
            x = x < 0 ? -((-x + 31) / 32) : x / 32; /* floor: an arithmetic shift by 5 */
            more = c & 0x10 ? x != -1 : x != 0;
            char digit = (char)(c + (more ? 0x20 : 0) + '0');
            od_strbuf_append(out, &digit, 1);
        }
    }
}

void od_mask_format_json(const od_mask *mask, od_strbuf *out)
{
    od_strbuf text = {0};
    od_mask_format(mask, &text);
    if (od_strbuf_failed(&text)) out->failed = 1;
    od_strbuf_printf(out, "{\"size\":[%d,%d],\"counts\":\"", mask->height, mask->width);
    for (size_t i = 0; i < text.size; i++) od_strbuf_append(out, text.data[i] == '\\' ? "\\\\" : &text.data[i], text.data[i] == '\\' ? 2 : 1);
    od_strbuf_puts(out, "\"}");
    od_strbuf_deinit(&text);
}
