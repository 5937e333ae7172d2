/* SPDX-License-Identifier: Apache-2.0 */
#include "weight_recipe.h"

#include "util/hashmap.h"

#include <math.h>
#include <string.h>

/* splitmix64 of the i-th draw, its top 24 bits as a number in [0, 1). */
static double uniform(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z = z ^ (z >> 31);
    return (double)(z >> 40) / (1 << 24);
}

static double fan_in(const char *leaf, int rank, const int64_t *shape)
{
    if (rank != 4) return (double)shape[0];
    return (double)(shape[0] * shape[1] * (strstr(leaf, "depthwise") ? 1 : shape[2]));
}

/* low + scale * u, or, centred, scale * (u - 0.5) or (2u - 1) * scale: golden.py's order of operations, so that the rounded
 * floats are the same. */
typedef struct distribution {
    enum { FROM_LOW, AROUND_ZERO, SYMMETRIC } kind;
    double low, scale;
} distribution;

static distribution choose(const char *leaf, int rank, const int64_t *shape)
{
    if (!strcmp(leaf, "gamma")) return (distribution){FROM_LOW, 0.6, 0.4};
    if (!strcmp(leaf, "beta")) return (distribution){FROM_LOW, 0.7, 0.6};
    if (!strcmp(leaf, "moving_variance")) return (distribution){FROM_LOW, 0.9, 0.2};
    if (!strcmp(leaf, "moving_mean") || !strcmp(leaf, "bias")) return (distribution){AROUND_ZERO, 0, 0.2};
    if (rank < 2 || !strcmp(leaf, "bifpn_combine_weights")) return (distribution){FROM_LOW, 0.5, 1};
    return (distribution){SYMMETRIC, 0, sqrt(3.0 / fan_in(leaf, rank, shape))};
}

void test_recipe_weight(const char *key, int rank, const int64_t *shape, float *out)
{
    const char *slash = strrchr(key, '/');
    distribution d = choose(slash ? slash + 1 : key, rank, shape);
    uint64_t seed = od_hash_fnv1a(key, strlen(key));
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= shape[i];
    for (int64_t i = 0; i < count; i++) {
        double u = uniform(seed, (uint64_t)i);
        if (d.kind == FROM_LOW) out[i] = (float)(d.low + d.scale * u);
        else if (d.kind == AROUND_ZERO) out[i] = (float)(d.scale * (u - 0.5));
        else out[i] = (float)((2 * u - 1) * d.scale);
    }
}
