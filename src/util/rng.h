/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers that depend only on a seed and a stream number, so that results don't depend on which
 * thread draws them. A generator is a small value that the caller owns (splitmix64: Steele et al., OOPSLA 2014).
 */
#ifndef OD_UTIL_RNG_H
#define OD_UTIL_RNG_H

#include <stdint.h>

typedef struct od_rng {
    uint64_t state;
} od_rng;

/* A generator of its own for each (seed, stream); e.g. stream = example number. */
void od_rng_init(od_rng *rng, uint64_t seed, uint64_t stream);
uint64_t od_rng_next(od_rng *rng);
double od_rng_uniform(od_rng *rng);                              /* [0, 1), 53 bits */
float od_rng_uniform_range(od_rng *rng, float low, float high);  /* [low, high) */
int64_t od_rng_int(od_rng *rng, int64_t low, int64_t high);      /* [low, high), unbiased; high > low */
double od_rng_normal(od_rng *rng);                               /* mean 0, deviation 1 */

#endif
