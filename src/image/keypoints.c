/* SPDX-License-Identifier: Apache-2.0 */
#include "image/keypoints.h"

#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALES = 3, LEVELS = SCALES + 3, MAX_OCTAVES = 4, MIN_SIDE = 16, CELLS = 4, BINS = 8, DIRECTIONS = 36 };
#define BASE_SIGMA 1.6f  /* of the first level of an octave */
#define INPUT_SIGMA 0.5f /* blur that a picture is taken to have */
#define MIN_RESPONSE 0.8f /* difference of Gaussians in grey levels: below is noise */
#define EDGE_RATIO 10.0f

typedef struct candidate {
    float x, y, scale, level_sigma; /* in the octave's pixels */
    float response;
    int octave, level;
} candidate;

typedef struct finder {
    od_gray levels[MAX_OCTAVES][LEVELS], differences[MAX_OCTAVES][LEVELS - 1];
    int octaves;
    candidate *found;
    size_t count, capacity;
} finder;

static void finder_deinit(finder *f)
{
    for (int o = 0; o < MAX_OCTAVES; o++) {
        for (int l = 0; l < LEVELS; l++) od_gray_deinit(&f->levels[o][l]);
        for (int l = 0; l < LEVELS - 1; l++) od_gray_deinit(&f->differences[o][l]);
    }
    od_free(f->found);
}

static float level_sigma(int level)
{
    return BASE_SIGMA * exp2f((float)level / SCALES);
}

static od_status blur_from(const od_gray *from, float have, float want, od_gray *to, od_error *err)
{
    OD_TRY(od_gray_init(to, from->width, from->height, err));
    return od_gray_blur(from, sqrtf(want * want - have * have), to, err);
}

/* The level with twice the base's blur, every second pixel. */
static od_status halve(const od_gray *from, od_gray *to, od_error *err)
{
    OD_TRY(od_gray_init(to, from->width / 2, from->height / 2, err));
    for (int y = 0; y < to->height; y++)
        for (int x = 0; x < to->width; x++)
            to->pixels[y * to->width + x] = from->pixels[(size_t)(2 * y) * (size_t)from->width + (size_t)(2 * x)];
    return OD_OK;
}

static od_status build_octave(finder *f, int o, const od_gray *picture, od_error *err)
{
    od_gray *levels = f->levels[o];
    if (o == 0)
        OD_TRY(blur_from(picture, INPUT_SIGMA, BASE_SIGMA, &levels[0], err));
    else
        OD_TRY(halve(&f->levels[o - 1][SCALES], &levels[0], err));
    for (int l = 1; l < LEVELS; l++) OD_TRY(blur_from(&levels[l - 1], level_sigma(l - 1), level_sigma(l), &levels[l], err));
    for (int l = 0; l < LEVELS - 1; l++) {
        od_gray *d = &f->differences[o][l];
        OD_TRY(od_gray_init(d, levels[0].width, levels[0].height, err));
        for (size_t i = 0; i < (size_t)d->width * (size_t)d->height; i++) d->pixels[i] = levels[l + 1].pixels[i] - levels[l].pixels[i];
    }
    return OD_OK;
}

static od_status build(finder *f, const od_gray *picture, od_error *err)
{
    int side = picture->width < picture->height ? picture->width : picture->height;
    while (f->octaves < MAX_OCTAVES && side >= MIN_SIDE) {
        OD_TRY(build_octave(f, f->octaves, picture, err));
        f->octaves++;
        side /= 2;
    }
    return OD_OK;
}

/* Whether p is above (sign 1) or below (sign -1) its 26 neighbours in place and scale. */
static int is_extremum(const od_gray *d, int x, int y, float sign)
{
    ptrdiff_t w = d->width, at = y * w + x;
    float v = sign * d[0].pixels[at];
    for (int l = -1; l <= 1; l++)
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++)
                if ((l || dy || dx) && sign * d[l].pixels[at + dy * w + dx] >= v) return 0;
    return 1;
}

/* Offset of a parabola's vertex through three points, in -.5..5. */
static float vertex(float before, float at, float after)
{
    float bend = before - 2 * at + after;
    float offset = bend != 0 ? (before - after) / (2 * bend) : 0;
    return offset < -0.5f ? -0.5f : offset > 0.5f ? 0.5f : offset;
}

static int on_edge(const float *p, ptrdiff_t w)
{
    float xx = p[-1] - 2 * p[0] + p[1], yy = p[-w] - 2 * p[0] + p[w], xy = (p[w + 1] - p[w - 1] - p[-w + 1] + p[-w - 1]) / 4;
    float trace = xx + yy, determinant = xx * yy - xy * xy;
    return determinant <= 0 || trace * trace * EDGE_RATIO >= (EDGE_RATIO + 1) * (EDGE_RATIO + 1) * determinant;
}

static int add_candidate(finder *f, int o, int l, int x, int y)
{
    const od_gray *d = &f->differences[o][l];
    ptrdiff_t w = d->width, at = y * w + x;
    const float *p = d->pixels + at;
    if (on_edge(p, w)) return 0;
    if (od_grow(&f->found, &f->capacity, f->count + 1, sizeof *f->found)) return -1;
    float step = vertex(d[-1].pixels[at], p[0], d[1].pixels[at]);
    f->found[f->count++] = (candidate){.x = (float)x + vertex(p[-1], p[0], p[1]),
                                       .y = (float)y + vertex(p[-w], p[0], p[w]),
                                       .scale = level_sigma(l) * exp2f(step / SCALES),
                                       .level_sigma = level_sigma(l),
                                       .response = fabsf(p[0]),
                                       .octave = o,
                                       .level = l};
    return 0;
}

static od_status find_extrema(finder *f, od_error *err)
{
    for (int o = 0; o < f->octaves; o++)
        for (int l = 1; l <= SCALES; l++) {
            const od_gray *d = &f->differences[o][l];
            for (int y = 1; y + 1 < d->height; y++)
                for (int x = 1; x + 1 < d->width; x++) {
                    float v = d->pixels[y * d->width + x];
                    if (fabsf(v) < MIN_RESPONSE || !is_extremum(d, x, y, v > 0 ? 1.0f : -1.0f)) continue;
                    if (add_candidate(f, o, l, x, y)) return od_error_nomem(err, "keypoints");
                }
        }
    return OD_OK;
}

static int by_response(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->response != y->response) return x->response > y->response ? -1 : 1;
    if (x->octave != y->octave) return x->octave - y->octave;
    if (x->y != y->y) return x->y < y->y ? -1 : 1;
    return x->x < y->x ? -1 : x->x > y->x;
}

static void gradient(const od_gray *g, int x, int y, float *dx, float *dy)
{
    int left = x > 0 ? x - 1 : 0, right = x + 1 < g->width ? x + 1 : x, up = y > 0 ? y - 1 : 0, down = y + 1 < g->height ? y + 1 : y;
    const float *p = g->pixels;
    size_t w = (size_t)g->width;
    *dx = p[(size_t)y * w + (size_t)right] - p[(size_t)y * w + (size_t)left];
    *dy = p[(size_t)down * w + (size_t)x] - p[(size_t)up * w + (size_t)x];
}

/* Gradient directions around the candidate, weighted by length and distance, smoothed. */
static void direction_histogram(const od_gray *g, const candidate *c, float histogram[DIRECTIONS])
{
    float sigma = 1.5f * c->scale, raw[DIRECTIONS] = {0};
    int radius = (int)lroundf(3 * sigma), cx = (int)lroundf(c->x), cy = (int)lroundf(c->y);
    for (int y = cy - radius; y <= cy + radius; y++)
        for (int x = cx - radius; x <= cx + radius; x++) {
            if (x < 0 || y < 0 || x >= g->width || y >= g->height) continue;
            float dx, dy, ox = (float)x - c->x, oy = (float)y - c->y;
            gradient(g, x, y, &dx, &dy);
            int bin = (int)floorf((atan2f(dy, dx) / (2 * (float)M_PI) + 1) * DIRECTIONS + 0.5f) % DIRECTIONS;
            raw[bin] += sqrtf(dx * dx + dy * dy) * expf(-(ox * ox + oy * oy) / (2 * sigma * sigma));
        }
    for (int i = 0; i < DIRECTIONS; i++) {
        int a = (i + DIRECTIONS - 1) % DIRECTIONS, b = (i + 1) % DIRECTIONS;
        int aa = (i + DIRECTIONS - 2) % DIRECTIONS, bb = (i + 2) % DIRECTIONS;
        histogram[i] = (raw[aa] + raw[bb]) / 16 + (raw[a] + raw[b]) / 4 + raw[i] * 3 / 8;
    }
}

/* Adds weight to the cells and directions around (u, v, turn), in cells and bins. */
static void spread(float histogram[CELLS][CELLS][BINS], float u, float v, float turn, float weight)
{
    int u0 = (int)floorf(u), v0 = (int)floorf(v), t0 = (int)floorf(turn);
    float fu = u - (float)u0, fv = v - (float)v0, ft = turn - (float)t0;
    for (int k = 0; k < 8; k++) {
        int iu = u0 + (k & 1), iv = v0 + (k >> 1 & 1), it = t0 + (k >> 2);
        if (iu < 0 || iv < 0 || iu >= CELLS || iv >= CELLS) continue;
        histogram[iv][iu][(it % BINS + BINS) % BINS] +=
            weight * (k & 1 ? fu : 1 - fu) * (k >> 1 & 1 ? fv : 1 - fv) * (k >> 2 ? ft : 1 - ft);
    }
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* One bit a bin: above the median. */
static void cut_to_bits(const float *values, uint64_t bits[2])
{
    enum { N = CELLS * CELLS * BINS };
    float sorted[N];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, N, sizeof *sorted, by_float);
    float median = (sorted[N / 2 - 1] + sorted[N / 2]) / 2;
    bits[0] = bits[1] = 0;
    for (int i = 0; i < N; i++)
        if (values[i] > median) bits[i / 64] |= (uint64_t)1 << i % 64;
}

static void describe(const od_gray *g, const candidate *c, float angle, uint64_t bits[2])
{
    float histogram[CELLS][CELLS][BINS] = {{{0}}};
    float cell = 3 * c->scale, cosine = cosf(angle), sine = sinf(angle);
    int radius = (int)lroundf(cell * (CELLS + 1) * 0.70711f);
    int cx = (int)lroundf(c->x), cy = (int)lroundf(c->y);
    for (int y = cy - radius; y <= cy + radius; y++)
        for (int x = cx - radius; x <= cx + radius; x++) {
            if (x < 0 || y < 0 || x >= g->width || y >= g->height) continue;
            float ox = ((float)x - c->x) / cell, oy = ((float)y - c->y) / cell, dx, dy;
            float u = cosine * ox + sine * oy, v = -sine * ox + cosine * oy;
            if (fabsf(u) >= (CELLS + 1) / 2.0f || fabsf(v) >= (CELLS + 1) / 2.0f) continue;
            gradient(g, x, y, &dx, &dy);
            float turn = (atan2f(dy, dx) - angle) / (2 * (float)M_PI) * BINS;
            float weight = sqrtf(dx * dx + dy * dy) * expf(-(u * u + v * v) / (CELLS * CELLS / 2.0f));
            spread(histogram, u + CELLS / 2.0f - 0.5f, v + CELLS / 2.0f - 0.5f, turn, weight);
        }
    cut_to_bits(&histogram[0][0][0], bits);
}

/* A keypoint for each direction that is nearly as strong as the strongest. */
static int add_keypoints(const finder *f, const candidate *c, od_keypoint *out, int max)
{
    const od_gray *g = &f->levels[c->octave][c->level];
    float h[DIRECTIONS], highest = 0, unit = (float)(1 << c->octave);
    int n = 0;
    direction_histogram(g, c, h);
    for (int i = 0; i < DIRECTIONS; i++) highest = h[i] > highest ? h[i] : highest;
    for (int i = 0; i < DIRECTIONS && n < max && n < 2; i++) {
        float before = h[(i + DIRECTIONS - 1) % DIRECTIONS], after = h[(i + 1) % DIRECTIONS];
        if (h[i] < 0.85f * highest || h[i] <= before || h[i] < after) continue;
        float angle = ((float)i + vertex(before, h[i], after)) * 2 * (float)M_PI / DIRECTIONS;
        out[n] = (od_keypoint){.x = c->x * unit, .y = c->y * unit, .scale = c->scale * unit, .angle = angle};
        describe(g, c, angle, out[n++].bits);
    }
    return n;
}

od_status od_keypoints_find(const od_gray *g, int max, od_keypoint *out, int *count, od_error *err)
{
    finder f = {0};
    *count = 0;
    od_status status = build(&f, g, err);
    if (status == OD_OK) status = find_extrema(&f, err);
    if (status == OD_OK && f.count) {
        qsort(f.found, f.count, sizeof *f.found, by_response);
        for (size_t i = 0; i < f.count && *count < max; i++) *count += add_keypoints(&f, &f.found[i], out + *count, max - *count);
    }
    finder_deinit(&f);
    return status;
}

/* Mirroring turns the patch's second axis round: rows of cells in reverse, directions negated. */
void od_keypoint_mirror_bits(const uint64_t bits[2], uint64_t mirrored[2])
{
    mirrored[0] = mirrored[1] = 0;
    for (int v = 0; v < CELLS; v++)
        for (int u = 0; u < CELLS; u++)
            for (int t = 0; t < BINS; t++) {
                int from = (v * CELLS + u) * BINS + t, to = ((CELLS - 1 - v) * CELLS + u) * BINS + (BINS - t) % BINS;
                mirrored[to / 64] |= (bits[from / 64] >> from % 64 & 1) << to % 64;
            }
}
