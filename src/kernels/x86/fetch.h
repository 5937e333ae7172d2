/* SPDX-License-Identifier: Apache-2.0
 *
 * What a kernel fetches for its caller while it calculates (od_ahead), and what it writes (od_behind): evenly over its steps, for all at
 * once would only wait for each other.
 */
#ifndef OD_KERNELS_X86_FETCH_H
#define OD_KERNELS_X86_FETCH_H

#include "kernels/x86/simd_common.h"

enum { CACHE_LINE = 64, LINE_FLOATS = 16, CLAIM_AHEAD = 2048 /* floats: as far as memory takes to answer */ };

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

/* A kernel's step's share that lies together: its lines, from *from on, which count as fetched. */
INLINE int64_t fetch_take(fetch *f, const char **from)
{
    if (f->range >= f->end) return 0;
    int64_t bytes = f->range->floats * (int64_t)sizeof(float), left = (bytes - f->done + CACHE_LINE - 1) / CACHE_LINE;
    int64_t lines = left < f->a_step ? left : f->a_step;
    *from = (const char *)f->range->data + f->done;
    f->done += lines * CACHE_LINE;
    if (lines == left) f->range++, f->done = 0;
    return lines;
}

INLINE void fetch_line(const char *p)
{
    __builtin_prefetch(p, 0, 2);
}

/* A line that is written soon: what it holds has to be there before, and others' copies gone. It may lie beyond what is written. */
INLINE void claim_line(const float *p)
{
    __builtin_prefetch(p, 1, 3);
}

INLINE void fetch_some(fetch *f)
{
    for (int64_t i = 0; i < f->a_step && f->range < f->end; i++) {
        fetch_line((const char *)f->range->data + f->done);
        f->done += CACHE_LINE;
        if (f->done >= f->range->floats * (int64_t)sizeof(float)) f->range++, f->done = 0;
    }
}

/* What is to be written, and how much of it in a step. */
typedef struct write_on {
    od_behind left;
    int64_t a_step; /* floats */
} write_on;

static inline write_on write_on_of(od_behind behind, int64_t steps)
{
    return (write_on){behind, steps ? (behind.floats / LINE_FLOATS + steps - 1) / steps * LINE_FLOATS : 0};
}

/* A step's share. */
INLINE od_behind write_take(write_on *w)
{
    od_behind b = w->left;
    if (b.floats > w->a_step) b.floats = w->a_step;
    w->left.from += b.floats, w->left.to += b.floats, w->left.floats -= b.floats;
    return b;
}

INLINE void write_lines(od_behind b)
{
    for (; b.floats > 0; b.floats -= LINE_FLOATS, b.from += LINE_FLOATS, b.to += LINE_FLOATS) stream_line(b.to, b.from);
}

#endif
