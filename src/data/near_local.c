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
#include <string.h>

enum {
    TABLES = 16,
    MAX_DISTANCE = 26, /* different bits of 128 */
    MIN_AGREEING = 4,  /* matches of a candidate */
    MAX_RUN = 128,     /* features with one sample: each is compared with so many before it */
    BLOCK = 64,        /* fingerprints read at a time */
    POINTS = OD_FINGERPRINT_KEYPOINTS
};

enum { MAX_SAMPLE_BITS = 32 }; /* a key is a uint32_t */

/* A feature in a table, with its bits, so that comparing reads nothing else. */
typedef struct entry {
    uint32_t sample, feature; /* a feature is (image * POINTS + point) * 2 + mirrored */
    uint64_t bits[2];
} entry;

typedef struct match {
    int32_t a, b;
    uint8_t point_a, point_b, mirrored;
} match;

typedef struct local_search {
    const od_fingerprint_store *prints;
    od_near_candidates *candidates;
    int sample_bits;
    uint8_t sample[MAX_SAMPLE_BITS]; /* bit numbers */
    od_record_sort *matches;
    od_fingerprint *block; /* [BLOCK] */
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

static int by_sample(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->sample != y->sample) return x->sample < y->sample ? -1 : 1;
    return x->feature < y->feature ? -1 : x->feature > y->feature;
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

/* x may be mirrored, y is not; kept when x's image has the smaller number. */
static od_status try_match(local_search *s, const entry *x, const entry *y, od_error *err)
{
    uint32_t px = x->feature / 2, py = y->feature / 2;
    if (y->feature & 1 || px / POINTS >= py / POINTS || od_keypoint_distance(x->bits, y->bits) > MAX_DISTANCE) return OD_OK;
    match m = {(int32_t)(px / POINTS), (int32_t)(py / POINTS), (uint8_t)(px % POINTS), (uint8_t)(py % POINTS), x->feature & 1};
    return od_record_sort_add(s->matches, &m, err);
}

/* Entries in order; each is compared with the MAX_RUN - 1 before it that have its sample. */
static od_status search_sorted(local_search *s, od_record_sort *sorted, od_error *err)
{
    entry ring[MAX_RUN], e;
    size_t run = 0; /* entries of the sample so far */
    for (int more;;) {
        OD_TRY(od_record_sort_next(sorted, &e, &more, err));
        if (!more) return OD_OK;
        if (run && ring[(run - 1) % MAX_RUN].sample != e.sample) run = 0;
        for (size_t i = run < MAX_RUN ? 0 : run - MAX_RUN + 1; i < run; i++) {
            OD_TRY(try_match(s, &ring[i % MAX_RUN], &e, err));
            OD_TRY(try_match(s, &e, &ring[i % MAX_RUN], err));
        }
        ring[run++ % MAX_RUN] = e;
        if (run > 8 * MAX_RUN) s->candidates->cut = 1;
    }
}

/* An image's features, plain and mirrored. */
static od_status add_features(const local_search *s, int32_t image, const od_fingerprint *f, od_record_sort *sort, od_error *err)
{
    for (int k = 0; k < od_fingerprint_store_head(s->prints, image)->keypoint_count; k++)
        for (uint32_t mirrored = 0; mirrored < 2; mirrored++) {
            entry e = {.feature = ((uint32_t)image * POINTS + (uint32_t)k) * 2 + mirrored};
            if (mirrored)
                od_keypoint_mirror_bits(f->keypoints[k].bits, e.bits);
            else
                memcpy(e.bits, f->keypoints[k].bits, sizeof e.bits);
            e.sample = sample_of(s, e.bits);
            OD_TRY(od_record_sort_add(sort, &e, err));
        }
    return OD_OK;
}

static od_status add_entries(const local_search *s, od_record_sort *sort, od_error *err)
{
    int32_t count = od_fingerprint_store_count(s->prints);
    for (int32_t first = 0; first < count; first += BLOCK) {
        int32_t n = count - first < BLOCK ? count - first : BLOCK;
        OD_TRY(od_fingerprint_store_get(s->prints, first, n, s->block, err));
        for (int32_t i = 0; i < n; i++) OD_TRY(add_features(s, first + i, &s->block[i], sort, err));
    }
    return od_record_sort_finish(sort, err);
}

static od_status search_table(local_search *s, int table, od_error *err)
{
    od_record_sort *sort;
    choose_sample(s, table);
    OD_TRY(od_record_sort_create(&sort, sizeof(entry), by_sample, s->candidates->memory, err));
    od_status status = add_entries(s, sort, err);
    if (status == OD_OK) status = search_sorted(s, sort, err);
    od_record_sort_free(sort);
    return status;
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

/* A pair of images with its n matches in order. */
static od_status judge_pair(const local_search *s, const match *m, int n, const od_fingerprint *fa, od_error *err)
{
    od_fingerprint fb[1];
    place a[MAX_PAIR], b[MAX_PAIR];
    uint8_t in[MAX_PAIR];
    int most = 0, best = 0;
    OD_TRY(od_fingerprint_store_get(s->prints, m->b, 1, fb, err));
    for (int i = 0; i < n; i++) a[i] = place_of(fa, m[i].point_a, m[i].mirrored), b[i] = place_of(fb, m[i].point_b, 0);
    double tolerance = 0.05 * (fb->width > fb->height ? fb->width : fb->height);
    for (int i = 0; i < n; i++) {
        similarity guess = from_match(&a[i], &b[i]);
        int agreeing = count_agreeing(&guess, m, a, b, n, tolerance, in);
        if (agreeing > most) most = agreeing, best = i;
    }
    if (most < MIN_AGREEING) return OD_OK;
    similarity guess = from_match(&a[best], &b[best]);
    count_agreeing(&guess, m, a, b, n, tolerance, in);
    guess = fit(a, b, in, n);
    od_near_candidate found = {m->a, m->b, (float)most, {{guess.c, -guess.d, guess.e, guess.d, guess.c, guess.f}}};
    if (m->mirrored) { /* a' = width - 1 - x comes first */
        double *t = found.guess.m;
        t[2] += t[0] * (fa->width - 1), t[5] += t[3] * (fa->width - 1);
        t[0] = -t[0], t[3] = -t[3];
    }
    return od_record_sort_add(s->candidates->sort, &found, err);
}

/* Matches in order: those of a pair (the first MAX_PAIR, when there are more) are judged together. */
static od_status judge_matches(local_search *s, od_error *err)
{
    match pair[MAX_PAIR], m;
    od_fingerprint *a = s->block; /* of image `image` */
    int32_t image = -1;
    int n = 0;
    OD_TRY(od_record_sort_finish(s->matches, err));
    for (int more = 1; more;) {
        OD_TRY(od_record_sort_next(s->matches, &m, &more, err));
        if (n && (!more || pair->a != m.a || pair->b != m.b || pair->mirrored != m.mirrored)) {
            if (n >= MIN_AGREEING && image != pair->a) OD_TRY(od_fingerprint_store_get(s->prints, image = pair->a, 1, a, err));
            if (n >= MIN_AGREEING) OD_TRY(judge_pair(s, pair, n, a, err));
            n = 0;
        }
        if (more && n < MAX_PAIR) pair[n++] = m;
    }
    return OD_OK;
}

od_status od_near_candidates_local(od_near_candidates *c, const od_fingerprint_store *prints, od_error *err)
{
    local_search s = {.prints = prints, .candidates = c};
    size_t features = 0;
    int32_t count = od_fingerprint_store_count(prints);
    if (count > INT32_MAX / POINTS)
        return od_error_set(err, OD_ERR_ARG, "%d images are too many to search for copies; expected at most %d", (int)count,
                            INT32_MAX / POINTS);
    for (int32_t i = 0; i < count; i++) features += od_fingerprint_store_head(prints, i)->keypoint_count;
    for (s.sample_bits = 12; s.sample_bits < 26 && (size_t)1 << s.sample_bits < 8 * features;) s.sample_bits++;
    s.block = od_malloc(BLOCK, sizeof *s.block);
    od_status status = s.block ? OD_OK : od_error_nomem(err, "the search for copies");
    if (status == OD_OK) status = od_record_sort_create(&s.matches, sizeof(match), by_pair, c->memory, err);
    for (int table = 0; table < TABLES && status == OD_OK; table++) status = search_table(&s, table, err);
    if (status == OD_OK) status = judge_matches(&s, err);
    od_record_sort_free(s.matches);
    od_free(s.block);
    return status;
}
