/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's segmentations (polygons, run lengths): the first two bytes are the image's size. What is taken covers the image exactly and is
 * the same after writing and reading.
 */
#include "data/mask.h"
#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const od_mask *m)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        total += m->runs[i];
        if (i && !m->runs[i]) abort();
    }
    if (total != (uint64_t)m->height * (uint64_t)m->width) abort();
    int32_t b[4];
    od_mask_bounds(m, b);
    if ((int64_t)b[2] * b[3] < od_mask_area(m) || b[0] + b[2] > m->height || b[1] + b[3] > m->width) abort();
    if (od_mask_intersection(m, m) != od_mask_area(m)) abort();
    od_strbuf text = {0};
    od_mask *again;
    od_mask_format(m, &text);
    if (od_mask_from_text(&again, m->height, m->width, text.data, text.size, NULL) != OD_OK) abort();
    if (again->count != m->count || memcmp(again->runs, m->runs, m->count * sizeof *m->runs)) abort();
    od_free(again);
    od_strbuf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    od_mask *m = NULL;
    od_error err = {0};
    od_status status = od_mask_from_json(&m, data[0], data[1], (const char *)data + 2, size - 2, &err);
    if (status != OD_OK && (!err.message[0] || m)) abort();
    if (m) check(m);
    od_free(m);
    m = NULL;
    if (od_mask_from_text(&m, data[0], data[1], (const char *)data + 2, size - 2, NULL) == OD_OK) check(m);
    od_free(m);
    return 0;
}
