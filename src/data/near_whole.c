/* SPDX-License-Identifier: Apache-2.0
 *
 * Near copies of whole pictures: their 63-bit hashes are cut into four bands; pictures that agree in one band, in any of the
 * eight mirrored and turned variants, are compared further.
 */
#include "data/near_search.h"

#include "util/alloc.h"

#include <stdlib.h>

enum { BANDS = 4, BAND_BITS = 16, MAX_DISTANCE = 8, MAX_RUN = 512 };
#define MIN_CORRELATION 0.95

typedef struct entry {
    uint64_t hash; /* of the variant */
    int32_t image;
    uint16_t key;
    uint8_t variant;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    return x->variant - y->variant;
}

/* x is compared with the untransformed y; a pair is kept the way round that has the smaller number first. */
static int try_pair(od_near_candidates *c, const od_fingerprint *prints, const entry *x, const entry *y)
{
    if (y->variant || x->image >= y->image || __builtin_popcountll(x->hash ^ y->hash) > MAX_DISTANCE) return 0;
    const od_fingerprint *a = &prints[x->image], *b = &prints[y->image];
    double correlation = od_fingerprint_small_correlation(a, b, x->variant);
    if (correlation < MIN_CORRELATION) return 0;
    if (od_grow(&c->items, &c->capacity, c->count + 1, sizeof *c->items)) return -1;
    c->items[c->count++] = (od_near_candidate){x->image, y->image, (float)(200 * (correlation - MIN_CORRELATION)),
                                               od_affine_whole(a->width, a->height, b->width, b->height, x->variant)};
    return 0;
}

static int search_run(od_near_candidates *c, const od_fingerprint *prints, const entry *run, size_t n)
{
    if (n > MAX_RUN) c->cut = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && j - i < MAX_RUN; j++)
            if (try_pair(c, prints, &run[i], &run[j]) || try_pair(c, prints, &run[j], &run[i])) return -1;
    return 0;
}

static int search_band(od_near_candidates *c, const od_fingerprint *prints, entry *entries, size_t n, int band)
{
    for (size_t i = 0; i < n; i++) entries[i].key = (uint16_t)(entries[i].hash >> (band * BAND_BITS));
    if (n) qsort(entries, n, sizeof *entries, by_key);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && entries[end].key == entries[i].key;) end++;
        if (search_run(c, prints, entries + i, end - i)) return -1;
    }
    return 0;
}

od_status od_near_candidates_whole(od_near_candidates *c, const od_fingerprint *prints, int32_t count, od_error *err)
{
    entry *entries = od_malloc((size_t)count * OD_FINGERPRINT_VARIANTS, sizeof *entries);
    size_t n = 0;
    if (!entries) return od_error_nomem(err, "the search for copies");
    for (int32_t i = 0; i < count; i++)
        for (int k = 0; k < OD_FINGERPRINT_VARIANTS && !prints[i].flat; k++)
            entries[n++] = (entry){od_fingerprint_hash_variant(prints[i].hash, k), i, 0, (uint8_t)k};
    int failed = 0;
    for (int band = 0; band < BANDS && !failed; band++) failed = search_band(c, prints, entries, n, band);
    od_free(entries);
    return failed ? od_error_nomem(err, "the search for copies") : OD_OK;
}
