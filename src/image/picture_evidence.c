/* SPDX-License-Identifier: Apache-2.0 */
#include "image/picture_evidence.h"

#include <math.h>
#include <stdlib.h>

#define DETAIL_AREA 16.0   /* pixels of one independent detail */
#define TENSOR_SIGMA 4.0f
#define MAP_NUMBERS 6      /* that were fitted */
#define MIN_DEVIATIONS 15.0 /* measured (docs/DATA.md): one to three flat shapes reach 13.8 on others', true copies have 15.9 and more */
#define REPEATS 0.5        /* part of the similarity that is there again a shift away when details repeat */
#define MIN_UNIQUE 0.3     /* similarity of what doesn't repeat, then: other pictures have 0 */
enum { NEAREST_SHIFT = 5, FURTHEST_SHIFT = 20 }; /* pixels at half the size; a detail reaches about 4 */

/* Details of both pictures where they overlap, on a's pixels; 0 elsewhere. */
typedef struct overlap {
    od_gray a, b, inside; /* inside: 1 or 0 */
    double count;
} overlap;

static void overlap_deinit(overlap *o)
{
    od_gray_deinit(&o->a);
    od_gray_deinit(&o->b);
    od_gray_deinit(&o->inside);
}

static od_status overlap_init(overlap *o, const od_gray *a, const od_gray *b, const od_affine *map, od_error *err)
{
    *o = (overlap){0};
    od_status status = od_gray_init(&o->a, a->width, a->height, err);
    if (status == OD_OK) status = od_gray_init(&o->b, a->width, a->height, err);
    if (status == OD_OK) status = od_gray_init(&o->inside, a->width, a->height, err);
    if (status != OD_OK) return status;
    const double *m = map->m;
    for (int y = 0, i = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++, i++) {
            float u = (float)(m[0] * x + m[1] * y + m[2]), v = (float)(m[3] * x + m[4] * y + m[5]);
            int in = u >= 0 && v >= 0 && u <= (float)(b->width - 1) && v <= (float)(b->height - 1);
            o->inside.pixels[i] = in ? 1 : 0;
            o->a.pixels[i] = in ? a->pixels[i] : 0;
            o->b.pixels[i] = in ? od_gray_at(b, u, v) : 0;
            o->count += in;
        }
    return OD_OK;
}

/* How much a's details look different in all directions: 0 on edges and stripes (which lie on any other edge), 1 where all directions are alike; from the
 * structure tensor, mean weighted by the details' strength. */
static od_status tell_roundness(const overlap *o, double *roundness, od_error *err)
{
    od_gray xx = {0}, yy = {0}, xy = {0};
    const od_gray *d = &o->a;
    od_status status = od_gray_init(&xx, d->width, d->height, err);
    if (status == OD_OK) status = od_gray_init(&yy, d->width, d->height, err);
    if (status == OD_OK) status = od_gray_init(&xy, d->width, d->height, err);
    for (int y = 0, i = 0; status == OD_OK && y < d->height; y++)
        for (int x = 0; x < d->width; x++, i++) {
            float gx = od_gray_at(d, (float)x + 1, (float)y) - od_gray_at(d, (float)x - 1, (float)y);
            float gy = od_gray_at(d, (float)x, (float)y + 1) - od_gray_at(d, (float)x, (float)y - 1);
            xx.pixels[i] = gx * gx, yy.pixels[i] = gy * gy, xy.pixels[i] = gx * gy;
        }
    if (status == OD_OK) status = od_gray_blur(&xx, TENSOR_SIGMA, &xx, err);
    if (status == OD_OK) status = od_gray_blur(&yy, TENSOR_SIGMA, &yy, err);
    if (status == OD_OK) status = od_gray_blur(&xy, TENSOR_SIGMA, &xy, err);
    double sum = 0, weights = 0;
    for (int i = 0; status == OD_OK && i < d->width * d->height; i++) {
        double p = (double)xx.pixels[i], q = (double)yy.pixels[i], r = (double)xy.pixels[i], weight = (double)d->pixels[i] * (double)d->pixels[i];
        if (p + q > 1e-9) sum += weight * 4 * (p * q - r * r) / ((p + q) * (p + q));
        weights += weight;
    }
    *roundness = weights > 0 ? sum / weights : 0;
    od_gray_deinit(&xx);
    od_gray_deinit(&yy);
    od_gray_deinit(&xy);
    return status;
}

/* Of as many independent pieces as there are where a has detail (3 is a normal distribution's kurtosis: an even texture counts whole). */
static double tell_deviations(const overlap *o, double similarity, double roundness)
{
    double second = 0, fourth = 0;
    for (int i = 0; i < o->a.width * o->a.height; i++) {
        double square = (double)o->a.pixels[i] * (double)o->a.pixels[i];
        second += square, fourth += square * square;
    }
    double detailed = fourth > 0 ? fmin(3 * second * second / fourth, o->count) : 0;
    double pieces = roundness * detailed / DETAIL_AREA - 3 - MAP_NUMBERS;
    return pieces > 0 ? atanh(fmin(similarity, 0.999999)) * sqrt(pieces) : 0;
}

typedef struct shift {
    int x, y; /* y >= 0 */
} shift;

typedef struct sums {
    double n, a, b, aa, bb, ab;
} sums;

static double correlation(const sums *s)
{
    if (s->n < 16) return 0;
    double aa = s->aa - s->a * s->a / s->n, bb = s->bb - s->b * s->b / s->n, ab = s->ab - s->a * s->b / s->n;
    return aa > 1e-9 && bb > 1e-9 ? ab / sqrt(aa * bb) : 0;
}

/* Rows and columns of which both a pixel and the one shifted by `by` exist. */
static void common(const od_gray *g, shift by, int *x0, int *x1, int *y1)
{
    *x0 = by.x < 0 ? -by.x : 0;
    *x1 = by.x > 0 ? g->width - by.x : g->width;
    *y1 = g->height - by.y;
}

/* Of a with b shifted. */
static double shifted_correlation(const overlap *o, shift by)
{
    int x0, x1, y1;
    sums s = {0};
    common(&o->a, by, &x0, &x1, &y1);
    for (int y = 0; y < y1; y++) {
        ptrdiff_t from = (ptrdiff_t)y * o->a.width, to = (ptrdiff_t)(y + by.y) * o->a.width + by.x;
        const float *a = o->a.pixels + from, *b = o->b.pixels + to, *in = o->inside.pixels + from, *also = o->inside.pixels + to;
        float n = 0, sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
#pragma omp simd reduction(+ : n, sa, sb, aa, bb, ab)
        for (int x = x0; x < x1; x++) {
            float p = a[x] * also[x], q = b[x] * in[x];
            n += in[x] * also[x], sa += p, sb += q, aa += p * p, bb += q * q, ab += p * q;
        }
        s.n += (double)n, s.a += (double)sa, s.b += (double)sb, s.aa += (double)aa, s.bb += (double)bb, s.ab += (double)ab;
    }
    return s.n * 4 > o->count ? correlation(&s) : 0;
}

/* Of the differences of each picture from itself, shifted: what repeats falls out. */
static double difference_correlation(const overlap *o, shift by)
{
    int x0, x1, y1;
    sums s = {0};
    common(&o->a, by, &x0, &x1, &y1);
    for (int y = 0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            ptrdiff_t i = (ptrdiff_t)y * o->a.width + x, k = i + (ptrdiff_t)by.y * o->a.width + by.x;
            if (o->inside.pixels[i] == 0.0f || o->inside.pixels[k] == 0.0f) continue;
            double p = (double)(o->a.pixels[i] - o->a.pixels[k]), q = (double)(o->b.pixels[i] - o->b.pixels[k]);
            s.n++, s.a += p, s.b += q, s.aa += p * p, s.bb += q * q, s.ab += p * q;
        }
    return correlation(&s);
}

/* The shift of highest correlation within `furthest` of `around`, but not within `nearest` of none. */
static double find_shift(const overlap *o, shift around, int furthest, int nearest, shift *best)
{
    double highest = -1;
    for (int dy = around.y - furthest; dy <= around.y + furthest; dy++)
        for (int dx = around.x - furthest; dx <= around.x + furthest; dx++) {
            int off_x = dx - around.x, off_y = dy - around.y;
            if (dy < 0 || (!dy && dx <= 0) || dx * dx + dy * dy < nearest * nearest || off_x * off_x + off_y * off_y > furthest * furthest) continue;
            if (abs(dx) >= o->a.width || dy >= o->a.height) continue;
            double c = shifted_correlation(o, (shift){dx, dy});
            if (c > highest) highest = c, *best = (shift){dx, dy};
        }
    return highest;
}

od_status od_picture_evidence_find(const od_picture *a, const od_picture *b, const od_picture_match *m, od_picture_evidence *out, od_error *err)
{
    overlap half = {0}, full = {0};
    od_affine map = od_affine_half(&m->map);
    *out = (od_picture_evidence){0};
    od_status status = overlap_init(&half, &a->detail[1], &b->detail[1], &map, err);
    if (status == OD_OK) status = overlap_init(&full, &a->detail[0], &b->detail[0], &m->map, err);
    if (status == OD_OK) {
        /* In a small overlap nearer ones, so that enough of it is left. */
        int third = (int)(sqrt(half.count) / 3), furthest = third < FURTHEST_SHIFT ? third : FURTHEST_SHIFT;
        int nearest = furthest / 2 < NEAREST_SHIFT ? furthest / 2 : NEAREST_SHIFT;
        shift coarse = {0, 0}, by = {0, 0};
        find_shift(&half, coarse, furthest, nearest, &coarse);
        out->repeated = find_shift(&full, (shift){2 * coarse.x, 2 * coarse.y}, 2, 1, &by);
        out->unique = difference_correlation(&full, by);
        double roundness = 0;
        status = tell_roundness(&full, &roundness, err);
        out->deviations = tell_deviations(&full, m->similarity, roundness);
    }
    overlap_deinit(&half);
    overlap_deinit(&full);
    return status;
}

int od_picture_evidence_suffices(const od_picture_evidence *e, const od_picture_match *m)
{
    return e->deviations >= MIN_DEVIATIONS && (e->repeated < REPEATS * m->similarity || e->unique >= MIN_UNIQUE);
}
