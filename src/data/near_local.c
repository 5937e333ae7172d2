/* SPDX-License-Identifier: Apache-2.0
 *
 * Near copies of parts of pictures. Features are sorted by a sample of their bits, once a table; those with equal samples and few
 * different bits in all are a match; a pair of images is a candidate when several of its matches agree on one scale, angle and
 * place (each match alone tells them).
 */
#include "data/near_search.h"

#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TABLES = 16,
    MAX_DISTANCE = 26,       /* different bits of 128 */
    MIN_AGREEING = 4,        /* matches of a candidate */
    MAX_RUN = 128,           /* features with one sample that are compared with each other */
    CHUNK = 4 << 20,         /* entries that are sorted at a time */
    MAX_MATCHES = 24 << 20,
    MATCHES_SORTED = 1 << 20, /* so many, and from then on twice what is left, are gathered before those found twice go */
    POINTS = OD_FINGERPRINT_KEYPOINTS
};

enum { MAX_SAMPLE_BITS = 32 }; /* a key is a uint32_t */

typedef struct match {
    int32_t a, b;
    uint8_t point_a, point_b, mirrored;
} match;

typedef struct local_search {
    const od_fingerprint *prints;
    int32_t count;
    int sample_bits;
    uint8_t sample[MAX_SAMPLE_BITS]; /* bit numbers */
    uint64_t *entries, *scratch; /* sample << 32 | feature; a feature is (image * POINTS + point) * 2 + mirrored */
    size_t entry_count;
    match *matches;
    size_t match_count, match_capacity;
    size_t sort_at; /* how many matches are gathered before those found twice go */
    int cut;
} local_search;

static void choose_sample(local_search *s, int table)
{
    od_rng rng;
    uint8_t all[128];
    od_rng_init(&rng, 0x6e656172, (uint64_t)table);
    for (int i = 0; i < 128; i++) all[i] = (uint8_t)i;
    for (int i = 0; i < s->sample_bits; i++) {
        int k = (int)od_rng_int(&rng, i, 128);
        uint8_t t = all[i];
        all[i] = all[k], all[k] = t;
        s->sample[i] = all[i];
    }
}

static uint32_t sample_of(const local_search *s, const uint64_t bits[2])
{
    uint32_t key = 0;
    for (int i = 0; i < s->sample_bits && i < MAX_SAMPLE_BITS; i++) key |= (uint32_t)(bits[s->sample[i] / 64] >> s->sample[i] % 64 & 1) << i;
    return key;
}

static void get_bits(const local_search *s, uint32_t feature, uint64_t bits[2])
{
    uint32_t point = feature / 2;
    const uint64_t *plain = s->prints[point / POINTS].keypoints[point % POINTS].bits;
    if (feature & 1)
        od_keypoint_mirror_bits(plain, bits);
    else
        memcpy(bits, plain, 2 * sizeof *bits);
}

/* Sorts entries by their upper half: two passes of 16 bits. */
static void sort_entries(local_search *s)
{
    uint64_t *from = s->entries, *to = s->scratch;
    for (int pass = 0; pass < 2; pass++) {
        size_t starts[65537] = {0};
        int shift = 32 + 16 * pass;
        for (size_t i = 0; i < s->entry_count; i++) starts[(from[i] >> shift & 65535) + 1]++;
        for (int k = 0; k < 65536; k++) starts[k + 1] += starts[k];
        for (size_t i = 0; i < s->entry_count; i++) to[starts[from[i] >> shift & 65535]++] = from[i];
        uint64_t *t = from;
        from = to, to = t;
    }
}

static int by_pair(const void *a, const void *b)
{
    const match *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    if (x->mirrored != y->mirrored) return x->mirrored - y->mirrored;
    if (x->point_a != y->point_a) return x->point_a - y->point_a;
    return x->point_b - y->point_b;
}

/* Sorts matches by pair of images, each once: other tables have found them, too. */
static void sort_matches(local_search *s)
{
    size_t kept = 0;
    if (s->match_count) qsort(s->matches, s->match_count, sizeof *s->matches, by_pair);
    for (size_t i = 0; i < s->match_count; i++)
        if (!kept || by_pair(&s->matches[kept - 1], &s->matches[i])) s->matches[kept++] = s->matches[i];
    s->match_count = kept;
}

/* Before there is more room, what is there twice goes. */
static int make_room(local_search *s)
{
    if (s->match_count < s->sort_at) return 0;
    sort_matches(s);
    s->sort_at = s->match_count < MATCHES_SORTED / 2 ? MATCHES_SORTED : 2 * s->match_count;
    if (s->sort_at > MAX_MATCHES) s->sort_at = MAX_MATCHES + 1;
    return od_grow(&s->matches, &s->match_capacity, s->sort_at, sizeof *s->matches);
}

static int add_match(local_search *s, uint32_t x, uint32_t y)
{
    if (make_room(s)) return -1;
    if (s->match_count >= MAX_MATCHES) return s->cut = 1, 0;
    s->matches[s->match_count++] =
        (match){(int32_t)(x / 2 / POINTS), (int32_t)(y / 2 / POINTS), (uint8_t)(x / 2 % POINTS), (uint8_t)(y / 2 % POINTS), x & 1};
    return 0;
}

/* x may be mirrored, y is not; kept when x's image has the smaller number. */
static int try_match(local_search *s, uint32_t x, uint32_t y)
{
    if (y & 1 || x / 2 / POINTS >= y / 2 / POINTS) return 0;
    uint64_t a[2], b[2];
    get_bits(s, x, a);
    get_bits(s, y, b);
    return od_keypoint_distance(a, b) <= MAX_DISTANCE ? add_match(s, x, y) : 0;
}

static int search_entries(local_search *s)
{
    for (size_t i = 0, end; i < s->entry_count; i = end) {
        for (end = i + 1; end < s->entry_count && s->entries[end] >> 32 == s->entries[i] >> 32;) end++;
        if (end - i > MAX_RUN) s->cut |= end - i > 8 * MAX_RUN;
        for (size_t p = i; p < end; p++)
            for (size_t q = p + 1; q < end && q - p < MAX_RUN; q++) {
                uint32_t x = (uint32_t)s->entries[p], y = (uint32_t)s->entries[q];
                if (try_match(s, x, y) || try_match(s, y, x)) return -1;
            }
    }
    return 0;
}

/* One table, its entries `part` of `parts` by sample, so that memory stays bounded. */
static int search_part(local_search *s, uint32_t part, uint32_t parts)
{
    s->entry_count = 0;
    for (int32_t i = 0; i < s->count; i++)
        for (int k = 0; k < s->prints[i].keypoint_count; k++)
            for (uint32_t mirrored = 0; mirrored < 2; mirrored++) {
                uint32_t feature = ((uint32_t)i * POINTS + (uint32_t)k) * 2 + mirrored;
                uint64_t bits[2];
                get_bits(s, feature, bits);
                uint32_t sample = sample_of(s, bits);
                if ((sample * 2654435761u >> 8) % parts != part) continue;
                if (s->entry_count == CHUNK + CHUNK / 4) return s->cut = 1, 0;
                s->entries[s->entry_count++] = (uint64_t)sample << 32 | feature;
            }
    sort_entries(s);
    return search_entries(s);
}

/* A feature's place as numbers; of the mirrored picture when asked. */
typedef struct place {
    double x, y, scale, angle;
} place;

static place place_of(const od_fingerprint *f, int point, int mirrored)
{
    const od_packed_keypoint *k = &f->keypoints[point];
    place p = {k->x / 128.0, k->y / 128.0, k->scale / 128.0, k->angle * 2 * M_PI / 65536};
    if (mirrored) p.x = f->width - 1 - p.x, p.angle = M_PI - p.angle;
    return p;
}

/* b = s R a + t as x' = c x - d y + e, y' = d x + c y + f. */
typedef struct similarity {
    double c, d, e, f;
} similarity;

static similarity from_match(const place *a, const place *b)
{
    double scale = b->scale / a->scale, turn = b->angle - a->angle;
    similarity s = {scale * cos(turn), scale * sin(turn), 0, 0};
    s.e = b->x - s.c * a->x + s.d * a->y;
    s.f = b->y - s.d * a->x - s.c * a->y;
    return s;
}

static int agrees(const similarity *s, const place *a, const place *b, double tolerance)
{
    double dx = s->c * a->x - s->d * a->y + s->e - b->x, dy = s->d * a->x + s->c * a->y + s->f - b->y;
    if (dx * dx + dy * dy > tolerance * tolerance) return 0;
    double scale = hypot(s->c, s->d), ratio = b->scale / (a->scale * scale);
    double turn = remainder(b->angle - a->angle - atan2(s->d, s->c), 2 * M_PI);
    return ratio > 0.66 && ratio < 1.5 && fabs(turn) < 0.35;
}

enum { MAX_PAIR = 256 };

/* Least squares over the matches that agree. */
static similarity fit(const place *a, const place *b, const uint8_t *in, int n)
{
    double ax = 0, ay = 0, bx = 0, by = 0, dot = 0, cross = 0, aa = 0;
    int m = 0;
    for (int i = 0; i < n; i++)
        if (in[i]) ax += a[i].x, ay += a[i].y, bx += b[i].x, by += b[i].y, m++;
    ax /= m, ay /= m, bx /= m, by /= m;
    for (int i = 0; i < n; i++) {
        if (!in[i]) continue;
        double px = a[i].x - ax, py = a[i].y - ay, qx = b[i].x - bx, qy = b[i].y - by;
        dot += px * qx + py * qy, cross += px * qy - py * qx, aa += px * px + py * py;
    }
    similarity s = {aa > 0 ? dot / aa : 1, aa > 0 ? cross / aa : 0, 0, 0};
    s.e = bx - s.c * ax + s.d * ay;
    s.f = by - s.d * ax - s.c * ay;
    return s;
}

/* How many different features of both images agree; in[] marks the matches. */
static int count_agreeing(const similarity *s, const match *m, const place *a, const place *b, int n, double tolerance, uint8_t *in)
{
    uint64_t seen_a = 0, seen_b = 0;
    for (int i = 0; i < n; i++) {
        in[i] = (uint8_t)agrees(s, &a[i], &b[i], tolerance);
        if (!in[i]) continue;
        seen_a |= (uint64_t)1 << m[i].point_a;
        seen_b |= (uint64_t)1 << m[i].point_b;
    }
    int na = __builtin_popcountll(seen_a), nb = __builtin_popcountll(seen_b);
    return na < nb ? na : nb;
}

static int judge_pair(const local_search *s, const match *m, int n, od_near_candidates *c)
{
    const od_fingerprint *fa = &s->prints[m->a], *fb = &s->prints[m->b];
    place a[MAX_PAIR], b[MAX_PAIR];
    uint8_t in[MAX_PAIR];
    int most = 0, best = 0;
    if (n > MAX_PAIR) n = MAX_PAIR;
    for (int i = 0; i < n; i++) a[i] = place_of(fa, m[i].point_a, m[i].mirrored), b[i] = place_of(fb, m[i].point_b, 0);
    double tolerance = 0.05 * (fb->width > fb->height ? fb->width : fb->height);
    for (int i = 0; i < n; i++) {
        similarity guess = from_match(&a[i], &b[i]);
        int agreeing = count_agreeing(&guess, m, a, b, n, tolerance, in);
        if (agreeing > most) most = agreeing, best = i;
    }
    if (most < MIN_AGREEING) return 0;
    similarity guess = from_match(&a[best], &b[best]);
    count_agreeing(&guess, m, a, b, n, tolerance, in);
    guess = fit(a, b, in, n);
    od_near_candidate found = {m->a, m->b, (float)most, {{guess.c, -guess.d, guess.e, guess.d, guess.c, guess.f}}};
    if (m->mirrored) { /* a' = width - 1 - x comes first */
        double *t = found.guess.m;
        t[2] += t[0] * (fa->width - 1), t[5] += t[3] * (fa->width - 1);
        t[0] = -t[0], t[3] = -t[3];
    }
    if (od_grow(&c->items, &c->capacity, c->count + 1, sizeof *c->items)) return -1;
    c->items[c->count++] = found;
    return 0;
}

static int judge_matches(local_search *s, od_near_candidates *c)
{
    sort_matches(s);
    for (size_t i = 0, end, kept = s->match_count; i < kept; i = end) {
        const match *m = &s->matches[i];
        for (end = i + 1; end < kept && s->matches[end].a == m->a && s->matches[end].b == m->b && s->matches[end].mirrored == m->mirrored;)
            end++;
        if (end - i >= MIN_AGREEING && judge_pair(s, m, (int)(end - i < MAX_PAIR ? end - i : MAX_PAIR), c)) return -1;
    }
    return 0;
}

static int search_tables(local_search *s, size_t features)
{
    uint32_t parts = (uint32_t)((2 * features + CHUNK - 1) / CHUNK);
    size_t room = 2 * features < CHUNK ? 2 * features : CHUNK + CHUNK / 4;
    s->entries = od_malloc(room, sizeof *s->entries);
    s->scratch = od_malloc(room, sizeof *s->scratch);
    if (!s->entries || !s->scratch) return -1;
    for (s->sample_bits = 12; s->sample_bits < 26 && (size_t)1 << s->sample_bits < 8 * features;) s->sample_bits++;
    for (int table = 0; table < TABLES; table++) {
        choose_sample(s, table);
        for (uint32_t part = 0; part < parts; part++)
            if (search_part(s, part, parts)) return -1;
    }
    return 0;
}

od_status od_near_candidates_local(od_near_candidates *c, const od_fingerprint *prints, int32_t count, od_error *err)
{
    local_search s = {.prints = prints, .count = count};
    size_t features = 0;
    for (int32_t i = 0; i < count; i++) features += (size_t)prints[i].keypoint_count;
    if (!features) return OD_OK;
    if (count > INT32_MAX / POINTS)
        return od_error_set(err, OD_ERR_ARG, "%d images are too many to search for copies; expected at most %d", (int)count,
                            INT32_MAX / POINTS);
    int failed = search_tables(&s, features) || judge_matches(&s, c);
    c->cut |= s.cut;
    od_free(s.entries);
    od_free(s.scratch);
    od_free(s.matches);
    return failed ? od_error_nomem(err, "the search for copies") : OD_OK;
}
