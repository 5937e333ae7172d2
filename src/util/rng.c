/* SPDX-License-Identifier: Apache-2.0 */
#include "util/rng.h"

#include <math.h>

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t od_rng_next(od_rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15u;
    return mix(rng->state);
}

void od_rng_init(od_rng *rng, uint64_t seed, uint64_t stream)
{
    rng->state = mix(seed + 0x9e3779b97f4a7c15u) ^ mix(mix(stream) + 0xd1b54a32d192ed03u);
    od_rng_next(rng);
}

double od_rng_uniform(od_rng *rng)
{
    return (double)(od_rng_next(rng) >> 11) * 0x1p-53;
}

float od_rng_uniform_range(od_rng *rng, float low, float high)
{
    float v = (float)(low + od_rng_uniform(rng) * ((double)high - low));
    return v < high ? v : low; /* rounding to float may reach the open end */
}

int64_t od_rng_int(od_rng *rng, int64_t low, int64_t high)
{
    uint64_t range = (uint64_t)high - (uint64_t)low, limit = UINT64_MAX - UINT64_MAX % range, v;
    do v = od_rng_next(rng);
    while (v >= limit);
    return (int64_t)((uint64_t)low + v % range);
}

double od_rng_normal(od_rng *rng)
{
    double u = 1.0 - od_rng_uniform(rng), v = od_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
