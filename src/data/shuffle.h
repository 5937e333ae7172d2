/* SPDX-License-Identifier: Apache-2.0
 *
 * A random order of 0..n-1 that is computed place by place: no memory, no state, any thread may ask for any place of
 * any epoch. A Feistel network on the next power of four, walked until it lands below n.
 */
#ifndef OD_DATA_SHUFFLE_H
#define OD_DATA_SHUFFLE_H

#include <stdint.h>

/* The element at `place` (0..n-1) of the order that belongs to (seed, epoch); n > 0. */
int64_t od_shuffle_at(uint64_t seed, int64_t epoch, int64_t n, int64_t place);

#endif
