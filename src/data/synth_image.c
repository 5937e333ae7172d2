/* SPDX-License-Identifier: Apache-2.0
 *
 * Only +, -, *, / and square roots on floats, so that every machine draws the same bytes: rotations come from the rational
 * parametrisation of the circle, noise from integer hashes.
 */
#include "data/synth_image.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 4, MAX_SIDES = 5, TRIES = 60 };

typedef struct rgb {
    float v[3]; /* 0..1 */
} rgb;

typedef struct shape {
    od_synth_class label;
    int sides;
    float x[MAX_SIDES], y[MAX_SIDES]; /* corners in pixels, clockwise on the screen */
    float nx[MAX_SIDES], ny[MAX_SIDES]; /* outward unit normals of the sides */
    float cx, cy, radius;
    rgb colour, edge;
    float edge_width, texture, shade_x, shade_y, shadow;
    uint32_t noise;
} shape;

static float uniform(od_rng *rng, float low, float high)
{
    return od_rng_uniform_range(rng, low, high);
}

static int chance(od_rng *rng, double p)
{
    return od_rng_uniform(rng) < p;
}

/* A value in [0, 1) for a lattice point. */
static float lattice(uint32_t seed, int x, int y)
{
    uint32_t h = seed ^ (uint32_t)x * 0x9e3779b1u ^ (uint32_t)y * 0x85ebca77u;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    h ^= h >> 15;
    return (float)(h >> 8) * 0x1p-24f;
}

/* Smooth noise in [0, 1) with features of `cell` pixels (value noise). */
static float noise_at(uint32_t seed, float x, float y, float cell)
{
    float u = x / cell, v = y / cell;
    int i = (int)u - (u < 0), j = (int)v - (v < 0);
    float a = u - (float)i, b = v - (float)j;
    a = a * a * (3 - 2 * a);
    b = b * b * (3 - 2 * b);
    float top = lattice(seed, i, j) + a * (lattice(seed, i + 1, j) - lattice(seed, i, j));
    float bottom = lattice(seed, i, j + 1) + a * (lattice(seed, i + 1, j + 1) - lattice(seed, i, j + 1));
    return top + b * (bottom - top);
}

static float clamp01(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static rgb mix(rgb a, rgb b, float t)
{
    for (int k = 0; k < 3; k++) a.v[k] += t * (b.v[k] - a.v[k]);
    return a;
}

static rgb random_colour(od_rng *rng, float low, float high)
{
    rgb c;
    for (int k = 0; k < 3; k++) c.v[k] = uniform(rng, low, high);
    return c;
}

typedef struct ground {
    rgb a, b;
    uint32_t noise;
    float cell, stripe, stripe_x, stripe_y, grain;
} ground;

static ground random_ground(od_rng *rng)
{
    ground g;
    float light = uniform(rng, 0.2f, 0.8f), lighter = uniform(rng, 0.1f, 0.35f) * (light < 0.5f ? 1 : -1);
    rgb grey = {{light, light, light}};
    g.a = mix(grey, random_colour(rng, 0.1f, 0.9f), uniform(rng, 0.1f, 0.7f));
    /* Another shade of the tone, and a little of another tone. */
    rgb shade = g.a;
    for (int k = 0; k < 3; k++) shade.v[k] = clamp01(shade.v[k] + lighter);
    g.b = mix(shade, random_colour(rng, 0.1f, 0.9f), uniform(rng, 0, 0.5f));
    g.noise = (uint32_t)od_rng_next(rng);
    g.cell = uniform(rng, 15, 80);
    g.stripe = chance(rng, 0.4) ? uniform(rng, 0.03f, 0.12f) : 0;
    g.stripe_x = uniform(rng, -0.2f, 0.2f);
    g.stripe_y = uniform(rng, -0.2f, 0.2f);
    g.grain = uniform(rng, 0.01f, 0.06f);
    return g;
}

static rgb ground_at(const ground *g, float x, float y)
{
    float t = 0.5f * noise_at(g->noise, x, y, g->cell) + 0.3f * noise_at(g->noise + 1, x, y, g->cell / 3) +
              0.2f * noise_at(g->noise + 2, x, y, g->cell / 9);
    rgb c = mix(g->a, g->b, clamp01(1.8f * t - 0.4f)); /* averaging has drawn t to the middle */
    float phase = x * g->stripe_x + y * g->stripe_y, wave = phase - (float)(int)phase;
    if (wave < 0) wave += 1;
    float light = g->stripe * (wave < 0.5f ? 4 * wave - 1 : 3 - 4 * wave);
    for (int k = 0; k < 3; k++) c.v[k] += light;
    return c;
}

/* Corners of the regular polygon, first one up. */
static const float corners[3][MAX_SIDES][2] = {
    {{0, -1}, {0.8660254f, 0.5f}, {-0.8660254f, 0.5f}},
    {{0, -1}, {1, 0}, {0, 1}, {-1, 0}},
    {{0, -1}, {0.9510565f, -0.30901699f}, {0.58778525f, 0.80901699f}, {-0.58778525f, 0.80901699f}, {-0.9510565f, -0.30901699f}},
};

/* Uniform enough over the circle: up to 45 degrees either way, then quarter turns. */
static void random_rotation(od_rng *rng, float *c, float *s)
{
    float t = uniform(rng, -0.41421356f, 0.41421356f), d = 1 + t * t;
    *c = (1 - t * t) / d;
    *s = 2 * t / d;
    for (int64_t quarter = od_rng_int(rng, 0, 4); quarter > 0; quarter--) {
        float was = *c;
        *c = -*s;
        *s = was;
    }
}

static void place_corners(shape *p, float c, float s)
{
    for (int i = 0; i < p->sides; i++) {
        float u = corners[p->sides - 3][i][0] * p->radius, v = corners[p->sides - 3][i][1] * p->radius;
        p->x[i] = p->cx + c * u - s * v;
        p->y[i] = p->cy + s * u + c * v;
    }
    for (int i = 0; i < p->sides; i++) {
        int j = (i + 1) % p->sides;
        float dx = p->x[j] - p->x[i], dy = p->y[j] - p->y[i], length = sqrtf(dx * dx + dy * dy);
        p->nx[i] = dy / length;
        p->ny[i] = -dx / length;
    }
}

/* How deep inside the polygon a point lies, in pixels (negative: outside). */
static float depth_at(const shape *p, float x, float y)
{
    float depth = 1e9f;
    for (int i = 0; i < p->sides; i++) {
        float d = (p->x[i] - x) * p->nx[i] + (p->y[i] - y) * p->ny[i];
        if (d < depth) depth = d;
    }
    return depth;
}

/* Share of a pixel that lies inside. */
static float coverage(const shape *p, float x, float y)
{
    float middle = depth_at(p, x + 0.5f, y + 0.5f);
    if (middle > 0.75f) return 1;
    if (middle < -0.75f) return 0;
    int hits = 0;
    for (int i = 0; i < SAMPLES; i++)
        for (int j = 0; j < SAMPLES; j++)
            hits += depth_at(p, x + ((float)j + 0.5f) / SAMPLES, y + ((float)i + 0.5f) / SAMPLES) >= 0;
    return (float)hits / (SAMPLES * SAMPLES);
}

static od_synth_box extent(const shape *p)
{
    float low_x = p->x[0], high_x = low_x, low_y = p->y[0], high_y = low_y;
    for (int i = 1; i < p->sides; i++) {
        if (p->x[i] < low_x) low_x = p->x[i];
        if (p->x[i] > high_x) high_x = p->x[i];
        if (p->y[i] < low_y) low_y = p->y[i];
        if (p->y[i] > high_y) high_y = p->y[i];
    }
    /* To the nearest pixel edge: the box's error is at most half a pixel a side. */
    return (od_synth_box){(int)p->label, (int)(low_x + 0.5f), (int)(low_y + 0.5f), (int)(high_x + 0.5f), (int)(high_y + 0.5f)};
}

/* Sum of the channels' absolute differences. */
static float contrast(rgb a, rgb b)
{
    float sum = 0;
    for (int k = 0; k < 3; k++) sum += fabsf(a.v[k] - b.v[k]);
    return sum;
}

static void random_look(shape *p, od_rng *rng, const ground *g)
{
    rgb under = ground_at(g, p->cx, p->cy);
    float wanted = uniform(rng, 0.35f, 0.9f);
    for (int tries = 0; tries < TRIES; tries++) {
        p->colour = random_colour(rng, 0.03f, 0.97f);
        if (contrast(p->colour, under) >= wanted) break;
    }
    float darker = uniform(rng, 0.4f, 0.8f);
    for (int k = 0; k < 3; k++) p->edge.v[k] = p->colour.v[k] * darker;
    p->edge_width = chance(rng, 0.35) ? uniform(rng, 1, 1 + 0.08f * p->radius) : 0;
    p->texture = uniform(rng, 0, 0.12f);
    p->shade_x = uniform(rng, -0.1f, 0.1f) / p->radius;
    p->shade_y = uniform(rng, -0.1f, 0.1f) / p->radius;
    p->shadow = chance(rng, 0.3) ? uniform(rng, 0.15f, 0.45f) : 0;
    p->noise = (uint32_t)od_rng_next(rng);
}

static void random_shape(shape *p, od_rng *rng, od_synth_class label, int width, int height, const ground *g)
{
    static const int sides[] = {[OD_SYNTH_LOOKALIKE] = 5, [OD_SYNTH_SQUARE] = 4, [OD_SYNTH_TRIANGLE] = 3};
    int shorter = width < height ? width : height;
    *p = (shape){.label = label, .sides = sides[label]};
    /* Squaring favours small ones: radius from 3.5 % to 30 % of the shorter side. */
    float u = uniform(rng, 0, 1);
    p->radius = (float)shorter * (0.035f + 0.265f * u * u);
    if (p->radius < 6) p->radius = 6;
    p->cx = uniform(rng, p->radius + 1, (float)width - p->radius - 1);
    p->cy = uniform(rng, p->radius + 1, (float)height - p->radius - 1);
    float c, s;
    random_rotation(rng, &c, &s);
    place_corners(p, c, s);
    random_look(p, rng, g);
}

/* Whether `p` leaves every earlier shape mostly visible (three quarters of its pixels, by boxes' worth of samples). */
static int hides_too_much(const shape *p, const shape *earlier, int count)
{
    enum { GRID = 12 };
    for (int i = 0; i < count; i++) {
        const shape *q = &earlier[i];
        int inside = 0, hidden = 0;
        for (int a = 0; a < GRID * GRID; a++) {
            float x = q->cx + q->radius * (((float)(a % GRID) + 0.5f) * 2 / GRID - 1);
            float y = q->cy + q->radius * (((float)(a / GRID) + 0.5f) * 2 / GRID - 1);
            if (depth_at(q, x, y) < 0) continue;
            inside++;
            hidden += depth_at(p, x, y) >= 0;
        }
        /* A small shape drawn on top of a large one is fine; one that covers a quarter is not. */
        if (hidden * 4 > inside) return 1;
    }
    return 0;
}

static void blend(float *pixel, rgb colour, float share)
{
    for (int k = 0; k < 3; k++) pixel[k] += share * (colour.v[k] - pixel[k]);
}

static rgb colour_at(const shape *p, float x, float y)
{
    float depth = p->edge_width > 0 ? depth_at(p, x, y) : 1e9f;
    rgb c = depth < p->edge_width ? p->edge : p->colour;
    float light = (x - p->cx) * p->shade_x + (y - p->cy) * p->shade_y + p->texture * (noise_at(p->noise, x, y, 5) - 0.5f);
    for (int k = 0; k < 3; k++) c.v[k] += light;
    return c;
}

static void draw_shape(float *canvas, int width, int height, const shape *p)
{
    const rgb black = {{0, 0, 0}};
    float offset = 1 + 0.08f * p->radius;
    int x0 = (int)(p->cx - p->radius) - 1, x1 = (int)(p->cx + p->radius + offset) + 2;
    int y0 = (int)(p->cy - p->radius) - 1, y1 = (int)(p->cy + p->radius + offset) + 2;
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < height; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < width; x++) {
            float *pixel = canvas + 3 * ((size_t)y * (size_t)width + (size_t)x);
            float fx = (float)x, fy = (float)y;
            if (p->shadow > 0) blend(pixel, black, p->shadow * coverage(p, fx - offset, fy - offset));
            float share = coverage(p, fx, fy);
            if (share > 0) blend(pixel, colour_at(p, fx + 0.5f, fy + 0.5f), share);
        }
}

static void draw_ground(float *canvas, int width, int height, const ground *g)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            rgb c = ground_at(g, (float)x, (float)y);
            memcpy(canvas + 3 * ((size_t)y * (size_t)width + (size_t)x), c.v, sizeof c.v);
        }
}

static void to_pixels(const float *canvas, const ground *g, od_image *image)
{
    size_t n = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < n; i++) {
        float grain = g->grain * (lattice(g->noise + 7, (int)i, 0) + lattice(g->noise + 8, (int)i, 1) - 1);
        for (int k = 0; k < 3; k++) image->pixels[3 * i + (size_t)k] = (uint8_t)(clamp01(canvas[3 * i + (size_t)k] + grain) * 255 + 0.5f);
    }
}

/* A tenth of the images hold no object; look-alikes come along in half. */
static int choose_shapes(shape shapes[OD_SYNTH_MAX_SHAPES], od_rng *rng, int width, int height, const ground *g)
{
    int objects = chance(rng, 0.1) ? 0 : (int)od_rng_int(rng, 1, 6), lookalikes = chance(rng, 0.5) ? (int)od_rng_int(rng, 1, 3) : 0;
    int count = 0;
    for (int i = 0; i < objects + lookalikes; i++) {
        od_synth_class label = i < lookalikes ? OD_SYNTH_LOOKALIKE : chance(rng, 0.5) ? OD_SYNTH_SQUARE : OD_SYNTH_TRIANGLE;
        for (int tries = 0; tries < TRIES; tries++) {
            random_shape(&shapes[count], rng, label, width, height, g);
            if (hides_too_much(&shapes[count], shapes, count)) continue;
            count++;
            break;
        }
    }
    return count;
}

od_status od_synth_picture_draw(od_synth_picture *out, od_rng *rng, int width, int height, od_error *err)
{
    OD_TRY(od_image_init(&out->image, width, height, err));
    float *canvas = od_malloc((size_t)width * (size_t)height, 3 * sizeof *canvas);
    if (!canvas) return od_error_nomem(err, "a picture");
    ground g = random_ground(rng);
    shape shapes[OD_SYNTH_MAX_SHAPES];
    int count = choose_shapes(shapes, rng, width, height, &g);
    draw_ground(canvas, width, height, &g);
    for (int i = 0; i < count; i++) {
        draw_shape(canvas, width, height, &shapes[i]);
        if (shapes[i].label != OD_SYNTH_LOOKALIKE) out->boxes[out->box_count++] = extent(&shapes[i]);
    }
    to_pixels(canvas, &g, &out->image);
    od_free(canvas);
    return OD_OK;
}
