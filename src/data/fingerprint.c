/* SPDX-License-Identifier: Apache-2.0 */
#include "data/fingerprint.h"

#include <math.h>
#include <string.h>

enum { DCT_SIDE = 32, FREQUENCIES = 8, SIDE = OD_FINGERPRINT_SIDE };

/* The 8 x 8 lowest frequencies of a 32 x 32 picture, as signs; bit 8 v + u; the mean (u = v = 0) is left 0. */
static uint64_t hash_of(const float *p)
{
    float cosines[FREQUENCIES][DCT_SIDE], rows[DCT_SIDE][FREQUENCIES];
    for (int u = 0; u < FREQUENCIES; u++)
        for (int x = 0; x < DCT_SIDE; x++) cosines[u][x] = cosf((float)M_PI * (float)u * ((float)x + 0.5f) / DCT_SIDE);
    for (int y = 0; y < DCT_SIDE; y++)
        for (int u = 0; u < FREQUENCIES; u++) {
            rows[y][u] = 0;
            for (int x = 0; x < DCT_SIDE; x++) rows[y][u] += cosines[u][x] * p[y * DCT_SIDE + x];
        }
    uint64_t hash = 0;
    for (int v = 0; v < FREQUENCIES; v++)
        for (int u = 0; u < FREQUENCIES; u++) {
            float sum = 0;
            for (int y = 0; y < DCT_SIDE; y++) sum += cosines[v][y] * rows[y][u];
            if (sum > 0 && (u || v)) hash |= (uint64_t)1 << (8 * v + u);
        }
    return hash;
}

uint64_t od_fingerprint_hash_variant(uint64_t hash, int variant)
{
    uint64_t out = 0;
    for (int v = 0; v < FREQUENCIES; v++)
        for (int u = 0; u < FREQUENCIES; u++) {
            uint64_t bit = variant & 4 ? hash >> (8 * u + v) & 1 : hash >> (8 * v + u) & 1;
            int odd = (variant & 1 && u & 1) ^ (variant & 2 && v & 1);
            if (u || v) out |= (bit ^ (uint64_t)odd) << (8 * v + u);
        }
    return out;
}

static void make_small(od_fingerprint *f, const float *p)
{
    enum { N = SIDE * SIDE };
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) sum += p[i], squares += (double)p[i] * p[i];
    double mean = sum / N, deviation = sqrt(fmax(squares / N - mean * mean, 0));
    f->flat = deviation < 1;
    for (int i = 0; i < N && !f->flat; i++) {
        double v = (p[i] - mean) / deviation * 32;
        f->small[i] = (int8_t)lround(v < -127 ? -127 : v > 127 ? 127 : v);
    }
}

double od_fingerprint_small_correlation(const od_fingerprint *a, const od_fingerprint *b, int variant)
{
    double aa = 0, bb = 0, ab = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int u = variant & 4 ? y : x, v = variant & 4 ? x : y;
            u = variant & 1 ? SIDE - 1 - u : u;
            v = variant & 2 ? SIDE - 1 - v : v;
            double p = a->small[y * SIDE + x], q = b->small[v * SIDE + u];
            aa += p * p, bb += q * q, ab += p * q;
        }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static uint16_t pack(float v)
{
    v = v * 128 + 0.5f;
    return (uint16_t)(v < 0 ? 0 : v > 65535 ? 65535 : v);
}

static od_status find_keypoints(od_fingerprint *f, const od_gray *gray, od_error *err)
{
    od_keypoint found[OD_FINGERPRINT_KEYPOINTS];
    OD_TRY(od_keypoints_find(gray, OD_FINGERPRINT_KEYPOINTS, found, &f->keypoint_count, err));
    for (int i = 0; i < f->keypoint_count; i++) {
        const od_keypoint *k = &found[i];
        double turn = k->angle / (2 * M_PI);
        f->keypoints[i] = (od_packed_keypoint){.bits = {k->bits[0], k->bits[1]},
                                               .x = pack(k->x),
                                               .y = pack(k->y),
                                               .scale = pack(k->scale),
                                               .angle = (uint16_t)((int64_t)lround((turn - floor(turn)) * 65536) & 65535)};
    }
    return OD_OK;
}

od_status od_fingerprint_make(od_fingerprint *f, const od_gray *gray, od_error *err)
{
    od_gray g = {0};
    *f = (od_fingerprint){.width = gray->width, .height = gray->height};
    OD_TRY(od_gray_resize(gray, DCT_SIDE, DCT_SIDE, &g, err));
    f->hash = hash_of(g.pixels);
    od_gray_deinit(&g);
    OD_TRY(od_gray_resize(gray, SIDE, SIDE, &g, err));
    make_small(f, g.pixels);
    od_gray_deinit(&g);
    return find_keypoints(f, gray, err);
}
