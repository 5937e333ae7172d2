/* SPDX-License-Identifier: Apache-2.0 */
#include "data/shuffle.h"

#include "util/rng.h"

enum { ROUNDS = 8, FEWEST_HALF_BITS = 4 };

static uint64_t scramble(uint64_t key, uint64_t value)
{
    od_rng rng = {key + value * 0x9e3779b97f4a7c15u};
    return od_rng_next(&rng);
}

/* One pass of the network over numbers of 2 * bits bits: a permutation, whatever the round function. */
static uint64_t permute(const uint64_t keys[ROUNDS], unsigned bits, uint64_t value)
{
    uint64_t mask = ((uint64_t)1 << bits) - 1, left = value >> bits, right = value & mask;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t next = left ^ (scramble(keys[i], right) & mask);
        left = right;
        right = next;
    }
    return left << bits | right;
}

int64_t od_shuffle_at(uint64_t seed, int64_t epoch, int64_t n, int64_t place)
{
    const uint64_t purpose = 0x73687566666c6521u; /* keeps these streams apart from the augmentations' */
    unsigned bits = FEWEST_HALF_BITS;
    while (bits < 31 && (uint64_t)1 << 2 * bits < (uint64_t)n) bits++;
    uint64_t keys[ROUNDS], value = (uint64_t)place;
    od_rng rng;
    od_rng_init(&rng, seed ^ purpose, (uint64_t)epoch);
    for (int i = 0; i < ROUNDS; i++) keys[i] = od_rng_next(&rng);
    do value = permute(keys, bits, value);
    while (value >= (uint64_t)n);
    return (int64_t)value;
}
