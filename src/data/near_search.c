/* SPDX-License-Identifier: Apache-2.0 */
#include "data/near_search.h"

#include "image/picture_evidence.h"
#include "util/alloc.h"

#include <omp.h>
#include <string.h>

enum { CACHE = 48, BLOCK = 64, BLOCKS = 64, MAX_PER_IMAGE = 24, MEMORY = 16 << 20 };
#define LIKELY 8.0f /* candidates of this strength are seldom left out in vain */

/* Pictures in use by one thread; the one used longest ago makes room. */
typedef struct picture_cache {
    od_picture pictures[CACHE];
    int32_t images[CACHE];
    int64_t used[CACHE], clock;
    int filled;
} picture_cache;

static void cache_free(picture_cache *cache)
{
    if (!cache) return;
    for (int i = 0; i < cache->filled; i++) od_picture_deinit(&cache->pictures[i]);
    od_free(cache);
}

/* NULL (with OD_OK) for an image that can't be loaded. */
static od_status cache_get(picture_cache *cache, const od_near_search *s, int32_t image, const od_picture **out, od_error *err)
{
    int slot = 0;
    for (int i = 0; i < cache->filled; i++) {
        if (cache->images[i] == image) {
            cache->used[i] = ++cache->clock;
            *out = cache->pictures[i].gray.pixels ? &cache->pictures[i] : NULL;
            return OD_OK;
        }
        if (cache->used[i] < cache->used[slot]) slot = i;
    }
    if (cache->filled < CACHE)
        slot = cache->filled++;
    else
        od_picture_deinit(&cache->pictures[slot]);
    cache->pictures[slot] = (od_picture){0};
    cache->images[slot] = image;
    cache->used[slot] = ++cache->clock;
    od_status status = s->load(s->user, image, &cache->pictures[slot], err);
    if (status != OD_OK) cache->pictures[slot] = (od_picture){0};
    *out = status == OD_OK ? &cache->pictures[slot] : NULL;
    return status == OD_ERR_NOMEM ? status : OD_OK;
}

static int by_pair(const void *a, const void *b)
{
    const od_near_candidate *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    if (x->strength != y->strength) return x->strength > y->strength ? -1 : 1;
    return memcmp(x->guess.m, y->guess.m, sizeof x->guess.m);
}

static int by_strength(const void *a, const void *b)
{
    const od_near_candidate *x = a, *y = b;
    if (x->strength != y->strength) return x->strength > y->strength ? -1 : 1;
    return by_pair(a, b);
}

/* The strongest candidates of each image go from `all` to `chosen`; *count of them. */
static od_status choose(od_near_candidates *all, int32_t images, od_record_sort *chosen, int64_t *count, od_error *err)
{
    uint8_t *taken = od_calloc((size_t)images, 1);
    if (!taken) return od_error_nomem(err, "the search for copies");
    od_near_candidate n;
    int more = 1;
    *count = 0;
    od_status status = od_record_sort_finish(all->sort, err);
    while (status == OD_OK && (status = od_record_sort_next(all->sort, &n, &more, err)) == OD_OK && more) {
        if (taken[n.a] >= MAX_PER_IMAGE && taken[n.b] >= MAX_PER_IMAGE) {
            all->cut |= n.strength >= LIKELY;
            continue;
        }
        taken[n.a] += taken[n.a] < MAX_PER_IMAGE;
        taken[n.b] += taken[n.b] < MAX_PER_IMAGE;
        status = od_record_sort_add(chosen, &n, err);
        *count += 1;
    }
    od_free(taken);
    return status == OD_OK ? od_record_sort_finish(chosen, err) : status;
}

/* --- judging: some thousand candidates at a time --------------------------------------------------------------------------- */

typedef struct verdicts {
    const od_near_search *search;
    od_record_sort *chosen;
    od_near_candidate *items; /* whole pairs */
    size_t count, capacity;
    od_near_candidate after; /* the one behind them, when there is one */
    int more;
    uint8_t *same;             /* [capacity]; the first of a pair gets the pair's verdict */
    od_picture_match *matches; /* [capacity], likewise */
    picture_cache **caches;    /* [threads] */
    int64_t done, total;
    od_near_pair *pairs;
    size_t pair_count, pair_capacity;
} verdicts;

static int same_pair(const od_near_candidate *a, const od_near_candidate *b)
{
    return a->a == b->a && a->b == b->b;
}

/* The next BLOCK * BLOCKS candidates, and what is left of the last pair (a pair has a few). */
static od_status read_candidates(verdicts *v, od_error *err)
{
    size_t room = v->capacity;
    for (v->count = 0; v->more && (v->count < BLOCK * BLOCKS || same_pair(&v->after, &v->items[v->count - 1]));) {
        if (od_grow(&v->items, &v->capacity, v->count + 1, sizeof *v->items)) return od_error_nomem(err, "the search for copies");
        v->items[v->count++] = v->after;
        OD_TRY(od_record_sort_next(v->chosen, &v->after, &v->more, err));
    }
    if (room != v->capacity) {
        od_free(v->same);
        od_free(v->matches);
        v->same = od_malloc(v->capacity, sizeof *v->same);
        v->matches = od_malloc(v->capacity, sizeof *v->matches);
        if (!v->same || !v->matches) return od_error_nomem(err, "the search for copies");
    }
    memset(v->same, 0, v->count * sizeof *v->same);
    return OD_OK;
}

/* Candidates from..to, which begin and end with whole pairs. */
static od_status judge_block(verdicts *v, picture_cache *cache, size_t from, size_t to, od_error *err)
{
    const od_near_candidate *items = v->items;
    for (size_t i = from, first = from; i < to; i++) {
        if (!same_pair(&items[first], &items[i])) first = i;
        if (v->same[first]) continue;
        const od_picture *a, *b;
        OD_TRY(cache_get(cache, v->search, items[i].a, &a, err));
        OD_TRY(cache_get(cache, v->search, items[i].b, &b, err));
        if (!a || !b) continue;
        od_picture_match m;
        od_picture_align(a, b, &items[i].guess, &m);
        if (!od_picture_match_looks_same(&m)) continue;
        od_picture_evidence e;
        OD_TRY(od_picture_evidence_find(a, b, &m, &e, err));
        if (!od_picture_evidence_suffices(&e, &m)) continue;
        v->matches[first] = m;
        v->same[first] = 1;
    }
    return OD_OK;
}

/* Where block k begins: at about k * BLOCK, with a whole pair. */
static size_t block_start(const verdicts *v, size_t k)
{
    size_t at = k * BLOCK < v->count ? k * BLOCK : v->count;
    while (at && at < v->count && same_pair(&v->items[at], &v->items[at - 1])) at++;
    return at;
}

static od_status judge_read(verdicts *v, od_error *err)
{
    size_t blocks = (v->count + BLOCK - 1) / BLOCK;
    od_status failed = OD_OK;
#pragma omp parallel for schedule(dynamic) num_threads(v->search->threads)
    for (size_t k = 0; k < blocks; k++) {
        od_error why = {0};
        size_t from = block_start(v, k), to = block_start(v, k + 1);
        od_status status = judge_block(v, v->caches[omp_get_thread_num()], from, to, &why);
#pragma omp critical(od_near_search)
        {
            v->done += (int64_t)(to - from);
            if (status != OD_OK && failed == OD_OK) failed = od_error_set(err, status, "%s", why.message);
            if (v->search->progress) v->search->progress(v->search->progress_user, v->done, v->total);
        }
    }
    return failed;
}

static od_status collect(verdicts *v, od_error *err)
{
    for (size_t i = 0; i < v->count; i++) {
        if (!v->same[i]) continue;
        if (od_grow(&v->pairs, &v->pair_capacity, v->pair_count + 1, sizeof *v->pairs)) return od_error_nomem(err, "the search for copies");
        v->pairs[v->pair_count++] = (od_near_pair){v->items[i].a, v->items[i].b, v->matches[i]};
    }
    return OD_OK;
}

static od_status judge(verdicts *v, od_error *err)
{
    int threads = v->search->threads;
    v->caches = od_calloc((size_t)threads, sizeof *v->caches);
    if (!v->caches) return od_error_nomem(err, "the search for copies");
    for (int i = 0; i < threads; i++)
        if (!(v->caches[i] = od_calloc(1, sizeof *v->caches[i]))) return od_error_nomem(err, "pictures");
    OD_TRY(od_record_sort_next(v->chosen, &v->after, &v->more, err));
    while (v->more) {
        OD_TRY(read_candidates(v, err));
        OD_TRY(judge_read(v, err));
        OD_TRY(collect(v, err));
    }
    return OD_OK;
}

static void verdicts_deinit(verdicts *v)
{
    for (int i = 0; v->caches && i < v->search->threads; i++) cache_free(v->caches[i]);
    od_free(v->caches);
    od_record_sort_free(v->chosen);
    od_free(v->items);
    od_free(v->same);
    od_free(v->matches);
}

/* All candidates, the strongest first, to those that are judged, by pair. */
static od_status find_candidates(const od_near_search *s, verdicts *v, int *cut, od_error *err)
{
    od_near_candidates all = {.memory = s->memory ? s->memory : MEMORY};
    od_status status = od_record_sort_create(&all.sort, sizeof(od_near_candidate), by_strength, all.memory, err);
    if (status == OD_OK) status = od_near_candidates_whole(&all, s->prints, err);
    if (status == OD_OK) status = od_near_candidates_local(&all, s->prints, err);
    if (status == OD_OK) status = od_record_sort_create(&v->chosen, sizeof(od_near_candidate), by_pair, all.memory, err);
    if (status == OD_OK) status = choose(&all, od_fingerprint_store_count(s->prints), v->chosen, &v->total, err);
    *cut = all.cut;
    od_record_sort_free(all.sort);
    return status;
}

od_status od_near_search_run(const od_near_search *s, od_near_pair **pairs, size_t *pair_count, int *cut, od_error *err)
{
    verdicts v = {.search = s};
    od_status status = find_candidates(s, &v, cut, err);
    if (status == OD_OK) status = judge(&v, err);
    verdicts_deinit(&v);
    if (status == OD_OK)
        *pairs = v.pairs, *pair_count = v.pair_count;
    else
        od_free(v.pairs);
    return status;
}
