/* SPDX-License-Identifier: Apache-2.0
 *
 * What a kernel fetches for its caller while it calculates (od_ahead): evenly over its steps, for all at once would only wait for
 * each other.
 */
#ifndef OD_KERNELS_X86_FETCH_H
#define OD_KERNELS_X86_FETCH_H

#include "kernels/x86/simd_common.h"

enum { CACHE_LINE = 64 };

typedef struct fetch {
    const od_ahead *range, *end; /* what is left */
    int64_t done, a_step;        /* bytes of the range; lines */
} fetch;

/* ahead: a list of OD_AHEADS. */
static inline fetch fetch_of(const od_ahead *ahead, int64_t steps)
{
    int64_t lines = 0;
    const od_ahead *end = ahead;
    for (; end < ahead + OD_AHEADS && end->floats; end++) lines += (end->floats * (int64_t)sizeof(float) + CACHE_LINE - 1) / CACHE_LINE;
    return (fetch){ahead, end, 0, steps ? (lines + steps - 1) / steps : 0};
}

INLINE void fetch_some(fetch *f)
{
    for (int64_t i = 0; i < f->a_step && f->range < f->end; i++) {
        __builtin_prefetch((const char *)f->range->data + f->done, 0, 2);
        f->done += CACHE_LINE;
        if (f->done >= f->range->floats * (int64_t)sizeof(float)) f->range++, f->done = 0;
    }
}

#endif
