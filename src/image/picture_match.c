/* SPDX-License-Identifier: Apache-2.0
 *
 * Alignment by Gauss-Newton on the six numbers of an affine map, coarse to fine, as in Lucas and Kanade (IJCAI 1981), with a
 * free factor between the pictures.
 */
#include "image/picture_match.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

#define DETAIL_SIGMA 4.0f   /* slower changes than this many pixels are no detail */
#define NOISE_LEVEL 3.0f    /* local contrast, in grey levels, that is not amplified */
#define MIN_OVERLAP 0.02    /* of a */
#define PROMISING 0.4       /* correlation at half size that is worth the full size */
#define HOPELESS 0.1        /* correlation after a few rounds that leads nowhere */

static od_status make_detail(const od_gray *gray, od_gray *out, od_error *err)
{
    od_gray mean = {0}, spread = {0};
    size_t n = (size_t)gray->width * (size_t)gray->height;
    od_status status = od_gray_init(&mean, gray->width, gray->height, err);
    if (status == OD_OK) status = od_gray_init(&spread, gray->width, gray->height, err);
    if (status == OD_OK) status = od_gray_init(out, gray->width, gray->height, err);
    if (status == OD_OK) status = od_gray_blur(gray, DETAIL_SIGMA, &mean, err);
    for (size_t i = 0; status == OD_OK && i < n; i++) {
        out->pixels[i] = gray->pixels[i] - mean.pixels[i];
        spread.pixels[i] = out->pixels[i] * out->pixels[i];
    }
    if (status == OD_OK) status = od_gray_blur(&spread, 2 * DETAIL_SIGMA, &spread, err);
    for (size_t i = 0; status == OD_OK && i < n; i++) out->pixels[i] /= sqrtf(spread.pixels[i] + NOISE_LEVEL * NOISE_LEVEL);
    od_gray_deinit(&mean);
    od_gray_deinit(&spread);
    return status;
}

void od_picture_deinit(od_picture *p)
{
    od_gray_deinit(&p->gray);
    od_gray_deinit(&p->detail[0]);
    od_gray_deinit(&p->detail[1]);
}

od_status od_picture_init(od_picture *p, const od_image *image, od_error *err)
{
    od_gray half = {0};
    *p = (od_picture){.original_width = image->width, .original_height = image->height};
    od_status status = od_gray_thumbnail(image, OD_PICTURE_SIDE, &p->gray, err);
    if (status == OD_OK) status = od_gray_resize(&p->gray, (p->gray.width + 1) / 2, (p->gray.height + 1) / 2, &half, err);
    if (status == OD_OK) status = make_detail(&p->gray, &p->detail[0], err);
    if (status == OD_OK) status = make_detail(&half, &p->detail[1], err);
    od_gray_deinit(&half);
    if (status != OD_OK) od_picture_deinit(p);
    return status;
}

od_affine od_affine_half(const od_affine *a)
{
    const double *m = a->m;
    /* full = 2 half + .5 */
    return (od_affine){{m[0], m[1], (m[2] + 0.5 * (m[0] + m[1]) - 0.5) / 2, m[3], m[4], (m[5] + 0.5 * (m[3] + m[4]) - 0.5) / 2}};
}

static od_affine to_full(const od_affine *a)
{
    const double *m = a->m;
    return (od_affine){{m[0], m[1], 2 * m[2] + 0.5 - 0.5 * (m[0] + m[1]), m[3], m[4], 2 * m[5] + 0.5 - 0.5 * (m[3] + m[4])}};
}

static int maps_inside(const od_affine *map, int x, int y, const od_gray *b, float *u, float *v)
{
    *u = (float)(map->m[0] * x + map->m[1] * y + map->m[2]);
    *v = (float)(map->m[3] * x + map->m[4] * y + map->m[5]);
    return *u >= 0 && *v >= 0 && *u <= (float)(b->width - 1) && *v <= (float)(b->height - 1);
}

typedef struct sums {
    double n, a, b, aa, bb, ab;
} sums;

static void add_to_sums(sums *s, double a, double b)
{
    s->n++;
    s->a += a, s->b += b;
    s->aa += a * a, s->bb += b * b, s->ab += a * b;
}

static sums correlate(const od_gray *a, const od_gray *b, const od_affine *map)
{
    sums s = {0};
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++) {
            float u, v;
            if (maps_inside(map, x, y, b, &u, &v))
                add_to_sums(&s, (double)a->pixels[(size_t)y * (size_t)a->width + (size_t)x], (double)od_gray_at(b, u, v));
        }
    return s;
}

static double correlation(const sums *s)
{
    if (s->n < 16) return 0;
    double aa = s->aa - s->a * s->a / s->n, bb = s->bb - s->b * s->b / s->n, ab = s->ab - s->a * s->b / s->n;
    return aa > 1e-9 && bb > 1e-9 ? ab / sqrt(aa * bb) : 0;
}

/* Solves the symmetric 6 x 6 system in place; 0 when it is singular. */
static int solve(double h[6][6], double g[6])
{
    for (int i = 0; i < 6; i++) {
        int pivot = i;
        for (int r = i + 1; r < 6; r++)
            if (fabs(h[r][i]) > fabs(h[pivot][i])) pivot = r;
        if (fabs(h[pivot][i]) < 1e-9) return 0;
        if (pivot != i) {
            double t = g[i];
            g[i] = g[pivot], g[pivot] = t;
            for (int k = 0; k < 6; k++) t = h[i][k], h[i][k] = h[pivot][k], h[pivot][k] = t;
        }
        for (int r = i + 1; r < 6; r++) {
            double f = h[r][i] / h[i][i];
            for (int k = i; k < 6; k++) h[r][k] -= f * h[i][k];
            g[r] -= f * g[i];
        }
    }
    for (int i = 5; i >= 0; i--) {
        for (int k = i + 1; k < 6; k++) g[i] -= h[i][k] * g[k];
        g[i] /= h[i][i];
    }
    return 1;
}

/* One Gauss-Newton step with factor `gain` (a = gain * b); the largest movement of a corner, in pixels, or -1. */
static double refine_once(const od_gray *a, const od_gray *b, od_affine *map, double gain)
{
    double h[6][6] = {{0}}, g[6] = {0};
    const double cx = a->width / 2.0, cy = a->height / 2.0, unit = (cx > cy ? cx : cy) + 1;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++) {
            float u, v;
            if (!maps_inside(map, x, y, b, &u, &v)) continue;
            double r = (double)a->pixels[(size_t)y * (size_t)a->width + (size_t)x] - gain * (double)od_gray_at(b, u, v);
            double gu = gain * (double)(od_gray_at(b, u + 0.5f, v) - od_gray_at(b, u - 0.5f, v));
            double gv = gain * (double)(od_gray_at(b, u, v + 0.5f) - od_gray_at(b, u, v - 0.5f));
            double nx = (x - cx) / unit, ny = (y - cy) / unit;
            double j[6] = {gu * nx, gu * ny, gu, gv * nx, gv * ny, gv};
            for (int i = 0; i < 6; i++) {
                for (int k = i; k < 6; k++) h[i][k] += j[i] * j[k];
                g[i] += j[i] * r;
            }
        }
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < i; k++) h[i][k] = h[k][i];
        h[i][i] *= 1.001;
    }
    if (!solve(h, g)) return -1;
    double moved = 0;
    for (int row = 0; row < 2; row++) {
        double dx = g[3 * row] / unit, dy = g[3 * row + 1] / unit, shift = g[3 * row + 2] - dx * cx - dy * cy;
        map->m[3 * row] += dx;
        map->m[3 * row + 1] += dy;
        map->m[3 * row + 2] += shift;
        double most = fabs(g[3 * row]) + fabs(g[3 * row + 1]) + fabs(g[3 * row + 2]);
        moved = most > moved ? most : moved;
    }
    return moved;
}

/* Refines while that helps; gives the best map and its correlation. */
static double refine(const od_gray *a, const od_gray *b, od_affine *map, int rounds)
{
    sums s = correlate(a, b, map);
    double best = correlation(&s);
    od_affine now = *map;
    for (int i = 0; i < rounds; i++) {
        double gain = s.bb > 1e-9 ? s.ab / s.bb : 0;
        if (gain < 0.1) gain = 0.1;
        double moved = refine_once(a, b, &now, gain);
        if (moved < 0) break;
        s = correlate(a, b, &now);
        double value = correlation(&s);
        if (s.n < MIN_OVERLAP * a->width * a->height) break;
        if (value > best)
            best = value, *map = now;
        else if (value < best - 0.1)
            break;
        if (moved < 0.02 || (i == 3 && best < HOPELESS)) break;
    }
    return best;
}

static double area(const od_gray *g)
{
    return (double)g->width * g->height;
}

static void tell_geometry(const od_picture *a, const od_picture *b, double overlap, od_picture_match *out)
{
    const double *m = out->map.m;
    double determinant = m[0] * m[4] - m[1] * m[3], size = fabs(determinant);
    double area_a = area(&a->gray), area_b = size > 1e-9 ? area(&b->gray) / size : 0;
    double smaller = area_a < area_b ? area_a : area_b, larger = area_a < area_b ? area_b : area_a;
    out->inside = smaller > 0 ? fmin(overlap / smaller, 1) : 0;
    out->covered = larger > 0 ? fmin(overlap / larger, 1) : 0;
    out->mirrored = determinant < 0;
    double sign = out->mirrored ? -1 : 1;
    out->degrees = atan2(m[1] - sign * m[3], sign * m[0] + m[4]) * 180 / M_PI;
    if (out->degrees < -179.5) out->degrees += 360;
    double original_a = (double)a->original_width / a->gray.width, original_b = (double)b->original_width / b->gray.width;
    out->scale = sqrt(size) * original_b / original_a;
}

static void tell_brightness(const od_picture *a, const od_picture *b, od_picture_match *out)
{
    sums s = correlate(&a->gray, &b->gray, &out->map);
    if (s.n < 1) return;
    double aa = s.aa - s.a * s.a / s.n, ab = s.ab - s.a * s.b / s.n;
    out->contrast = aa > 1e-9 ? ab / aa : 1;
    out->brightness = (s.b - out->contrast * s.a) / s.n;
    out->lighter = (s.b - s.a) / s.n;
}

void od_picture_align(const od_picture *a, const od_picture *b, const od_affine *guess, od_picture_match *out)
{
    *out = (od_picture_match){.contrast = 1, .scale = 1};
    od_affine map = od_affine_half(guess);
    double coarse = refine(&a->detail[1], &b->detail[1], &map, 12);
    out->map = to_full(&map);
    if (coarse > PROMISING) refine(&a->detail[0], &b->detail[0], &out->map, 6);
    sums s = correlate(&a->detail[0], &b->detail[0], &out->map);
    out->similarity = correlation(&s);
    tell_geometry(a, b, s.n, out);
    tell_brightness(a, b, out);
}

int od_picture_match_looks_same(const od_picture_match *m)
{
    return m->similarity >= 0.6 && m->inside >= 0.6 && m->covered >= 0.05;
}

od_affine od_affine_whole(int aw, int ah, int bw, int bh, int variant)
{
    double w = variant & 4 ? ah : aw, h = variant & 4 ? aw : ah, sx = bw / w, sy = bh / h;
    double mx = variant & 1 ? -sx : sx, my = variant & 2 ? -sy : sy;
    /* Centre to centre: pixel i has its centre at i, the picture reaches from -.5 to n - .5. */
    double cx = (bw - 1) / 2.0, cy = (bh - 1) / 2.0, ax = (aw - 1) / 2.0, ay = (ah - 1) / 2.0;
    if (variant & 4) return (od_affine){{0, mx, cx - mx * ay, my, 0, cy - my * ax}};
    return (od_affine){{mx, 0, cx - mx * ax, 0, my, cy - my * ay}};
}
