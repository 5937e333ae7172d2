/* SPDX-License-Identifier: Apache-2.0
 *
 * Results that are too large for any cache go to memory past them: a block is made in one of two places in scratch, which the second-level
 * cache holds, and written on by the next block's kernel, line by line, while it calculates (od_behind). A plain store would first read
 * the line from memory. Smaller results are made where they belong: the caches may still hold them when they are read.
 */
#ifndef OD_NN_OUTLET_H
#define OD_NN_OUTLET_H

#include "nn/net.h"

/* od_net_options.past_caches' default: 48 MB. Measured on two cores whose third-level cache serves others, too. */
enum { OD_OUTLET_FLOATS = 12 << 20 };

typedef struct od_outlet {
    const od_kernels *k;
    float *places;    /* two of `floats`; NULL: blocks are made in memory */
    int64_t floats;
    int turn;
    od_behind behind; /* a complete block that isn't in memory yet */
} od_outlet;

/* Scratch floats for blocks of `block` floats of a tensor of `all`; 0: not worth it, or lines wouldn't be whole. */
static inline int64_t od_outlet_scratch(const od_net *net, int64_t all, int64_t block)
{
    enum { LINE = 16 };
    return net->mode == OD_NET_TRAIN && all >= net->past_caches && all % LINE == 0 && block % LINE == 0 ? 2 * block : 0;
}

/* scratch: od_outlet_scratch floats. */
static inline od_outlet od_outlet_open(const od_net *net, int64_t all, int64_t block, float *scratch)
{
    return (od_outlet){.k = net->k, .places = od_outlet_scratch(net, all, block) ? scratch : NULL, .floats = block};
}

/* Where the block that belongs at `memory` is made. */
static inline float *od_outlet_place(const od_outlet *o, float *memory)
{
    return o->places ? o->places + o->turn * o->floats : memory;
}

/* It is complete; the next kernel gets o->behind. */
static inline void od_outlet_done(od_outlet *o, float *memory, int64_t floats)
{
    if (!o->places) return;
    o->behind = (od_behind){od_outlet_place(o, memory), memory, floats};
    o->turn = !o->turn;
}

/* The last one, for which no kernel follows. */
static inline void od_outlet_close(od_outlet *o)
{
    if (o->behind.floats) o->k->copy_past(o->behind.floats, o->behind.from, o->behind.to);
}

#endif
