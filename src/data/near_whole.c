/* SPDX-License-Identifier: Apache-2.0
 *
 * Near copies of whole pictures: their 63-bit hashes are cut into four bands; pictures that agree in one band, in any of the
 * eight mirrored and turned variants, are compared further.
 */
#include "data/near_search.h"

enum { BANDS = 4, BAND_BITS = 16, MAX_DISTANCE = 8, MAX_RUN = 512 };
#define MIN_CORRELATION 0.95

typedef struct entry {
    uint64_t hash; /* of the variant */
    int32_t image;
    uint16_t key;
    uint16_t variant;
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
static od_status try_pair(od_near_candidates *c, const od_fingerprint_store *prints, const entry *x, const entry *y, od_error *err)
{
    if (y->variant || x->image >= y->image || __builtin_popcountll(x->hash ^ y->hash) > MAX_DISTANCE) return OD_OK;
    od_fingerprint a, b;
    OD_TRY(od_fingerprint_store_get(prints, x->image, 1, &a, err));
    OD_TRY(od_fingerprint_store_get(prints, y->image, 1, &b, err));
    double correlation = od_fingerprint_small_correlation(&a, &b, x->variant);
    if (correlation < MIN_CORRELATION) return OD_OK;
    od_near_candidate found = {x->image, y->image, (float)(200 * (correlation - MIN_CORRELATION)),
                               od_affine_whole(a.width, a.height, b.width, b.height, x->variant)};
    return od_record_sort_add(c->sort, &found, err);
}

/* Entries in order; each is compared with the MAX_RUN - 1 before it that have its key. */
static od_status search_sorted(od_near_candidates *c, const od_fingerprint_store *prints, od_record_sort *sorted, od_error *err)
{
    entry ring[MAX_RUN], e;
    size_t run = 0; /* entries of the key so far */
    for (int more;;) {
        OD_TRY(od_record_sort_next(sorted, &e, &more, err));
        if (!more) return OD_OK;
        if (run && ring[(run - 1) % MAX_RUN].key != e.key) run = 0;
        for (size_t i = run < MAX_RUN ? 0 : run - MAX_RUN + 1; i < run; i++) {
            OD_TRY(try_pair(c, prints, &ring[i % MAX_RUN], &e, err));
            OD_TRY(try_pair(c, prints, &e, &ring[i % MAX_RUN], err));
        }
        ring[run++ % MAX_RUN] = e;
        if (run > MAX_RUN) c->cut = 1;
    }
}

static od_status add_entries(const od_fingerprint_store *prints, int band, od_record_sort *sort, od_error *err)
{
    for (int32_t i = 0; i < od_fingerprint_store_count(prints); i++) {
        const od_fingerprint_head *head = od_fingerprint_store_head(prints, i);
        for (int k = 0; k < OD_FINGERPRINT_VARIANTS && head->width && !head->flat; k++) {
            entry e = {.hash = od_fingerprint_hash_variant(head->hash, k), .image = i, .variant = (uint16_t)k};
            e.key = (uint16_t)(e.hash >> (band * BAND_BITS));
            OD_TRY(od_record_sort_add(sort, &e, err));
        }
    }
    return od_record_sort_finish(sort, err);
}

od_status od_near_candidates_whole(od_near_candidates *c, const od_fingerprint_store *prints, od_error *err)
{
    od_status status = OD_OK;
    for (int band = 0; band < BANDS && status == OD_OK; band++) {
        od_record_sort *sort = NULL;
        status = od_record_sort_create(&sort, sizeof(entry), by_key, c->memory, err);
        if (status == OD_OK) status = add_entries(prints, band, sort, err);
        if (status == OD_OK) status = search_sorted(c, prints, sort, err);
        od_record_sort_free(sort);
    }
    return status;
}
