/* SPDX-License-Identifier: Apache-2.0 */
#include "data/near_search.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE = 48, BLOCK = 64, MAX_PER_IMAGE = 24 };
#define LIKELY 8.0f /* candidates of this strength are seldom left out in vain */

void od_near_candidates_deinit(od_near_candidates *c)
{
    od_free(c->items);
    *c = (od_near_candidates){0};
}

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

/* The strongest candidates of each image, sorted by pair. */
static od_status choose(od_near_candidates *c, int32_t images, od_error *err)
{
    uint8_t *taken = od_calloc((size_t)images, 1);
    if (!taken) return od_error_nomem(err, "the search for copies");
    size_t kept = 0, distinct = 0;
    if (c->count) qsort(c->items, c->count, sizeof *c->items, by_pair);
    for (size_t i = 0; i < c->count; i++) /* one band finds what another has found */
        if (!distinct || by_pair(&c->items[distinct - 1], &c->items[i])) c->items[distinct++] = c->items[i];
    c->count = distinct;
    if (c->count) qsort(c->items, c->count, sizeof *c->items, by_strength);
    for (size_t i = 0; i < c->count; i++) {
        const od_near_candidate *n = &c->items[i];
        if (taken[n->a] >= MAX_PER_IMAGE && taken[n->b] >= MAX_PER_IMAGE) {
            c->cut |= n->strength >= LIKELY;
            continue;
        }
        taken[n->a] += taken[n->a] < MAX_PER_IMAGE;
        taken[n->b] += taken[n->b] < MAX_PER_IMAGE;
        c->items[kept++] = *n;
    }
    c->count = kept;
    od_free(taken);
    if (kept) qsort(c->items, kept, sizeof *c->items, by_pair);
    return OD_OK;
}

typedef struct verdicts {
    const od_near_search *search;
    const od_near_candidates *candidates;
    od_picture_match *matches; /* [candidates]; the first of a pair gets the pair's best */
    uint8_t *same;             /* [candidates], likewise */
} verdicts;

/* Candidates from..to, which begin and end with whole pairs. */
static od_status judge_block(verdicts *v, picture_cache *cache, size_t from, size_t to, od_error *err)
{
    const od_near_candidate *items = v->candidates->items;
    for (size_t i = from; i < to; i++) {
        size_t first = i;
        while (first > from && items[first - 1].a == items[i].a && items[first - 1].b == items[i].b) first--;
        if (v->same[first]) continue;
        const od_picture *a, *b;
        OD_TRY(cache_get(cache, v->search, items[i].a, &a, err));
        OD_TRY(cache_get(cache, v->search, items[i].b, &b, err));
        if (!a || !b) continue;
        od_picture_match m;
        od_picture_align(a, b, &items[i].guess, &m);
        if (!od_picture_match_is_same(&m)) continue;
        v->matches[first] = m;
        v->same[first] = 1;
    }
    return OD_OK;
}

/* Ends of blocks of about BLOCK candidates that don't cut a pair. */
static size_t block_end(const od_near_candidates *c, size_t from)
{
    size_t to = from + BLOCK < c->count ? from + BLOCK : c->count;
    while (to < c->count && c->items[to].a == c->items[to - 1].a && c->items[to].b == c->items[to - 1].b) to++;
    return to;
}

static od_status judge(verdicts *v, od_error *err)
{
    const od_near_candidates *c = v->candidates;
    size_t *ends = od_malloc(c->count / BLOCK + 2, sizeof *ends), blocks = 0;
    if (!ends) return od_error_nomem(err, "the search for copies");
    ends[0] = 0;
    for (size_t at = 0; at < c->count; at = ends[blocks]) ends[++blocks] = block_end(c, at);
    od_status failed = OD_OK;
    int64_t done = 0;
#pragma omp parallel num_threads(v->search->threads)
    {
        picture_cache *cache = od_calloc(1, sizeof *cache);
#pragma omp for schedule(dynamic)
        for (size_t k = 0; k < blocks; k++) {
            od_error why = {0};
            od_status status = cache ? judge_block(v, cache, ends[k], ends[k + 1], &why) : od_error_nomem(&why, "pictures");
#pragma omp critical(od_near_search)
            {
                done += (int64_t)(ends[k + 1] - ends[k]);
                if (status != OD_OK && failed == OD_OK) failed = od_error_set(err, status, "%s", why.message);
                if (v->search->progress) v->search->progress(v->search->progress_user, done, (int64_t)c->count);
            }
        }
        cache_free(cache);
    }
    od_free(ends);
    return failed;
}

static od_status collect(const verdicts *v, od_near_pair **pairs, size_t *count, od_error *err)
{
    const od_near_candidates *c = v->candidates;
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) n += v->same[i];
    *pairs = od_malloc(n, sizeof **pairs);
    if (!*pairs) return od_error_nomem(err, "the search for copies");
    *count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!v->same[i]) continue;
        od_near_pair p = {c->items[i].a, c->items[i].b, v->matches[i]};
        if (*count && (*pairs)[*count - 1].a == p.a && (*pairs)[*count - 1].b == p.b) continue; /* found in two blocks' guesses */
        (*pairs)[(*count)++] = p;
    }
    return OD_OK;
}

od_status od_near_search_run(const od_near_search *s, od_near_pair **pairs, size_t *pair_count, int *cut, od_error *err)
{
    od_near_candidates c = {0};
    verdicts v = {.search = s, .candidates = &c};
    od_status status = od_near_candidates_whole(&c, s->prints, s->count, err);
    if (status == OD_OK) status = od_near_candidates_local(&c, s->prints, s->count, err);
    if (status == OD_OK) status = choose(&c, s->count, err);
    if (status == OD_OK) {
        v.matches = od_malloc(c.count, sizeof *v.matches);
        v.same = od_calloc(c.count, 1);
        if (!v.matches || !v.same) status = od_error_nomem(err, "the search for copies");
    }
    if (status == OD_OK) status = judge(&v, err);
    if (status == OD_OK) status = collect(&v, pairs, pair_count, err);
    *cut = c.cut;
    od_free(v.matches);
    od_free(v.same);
    od_near_candidates_deinit(&c);
    return status;
}
