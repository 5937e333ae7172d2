/* SPDX-License-Identifier: Apache-2.0
 *
 * How ops read activations and gradients, block of rows by block of rows, so that batch norm and activation happen on
 * load or right after a store, while the block is in cache (Jung et al., MLSys 2019, generalised):
 *
 *   od_source       an input's rows; normalised and activated on load when the value is virtual
 *   od_grad_source  the output's gradient rows; batch norm's dx = ga*dz + gb*x + gc on load when virtual
 *   od_sink         the input's gradient rows; multiplied by the activation's derivative and summed for batch norm
 *   od_stats        the output's batch statistics
 */
#ifndef OD_NN_ROWS_IO_H
#define OD_NN_ROWS_IO_H

#include "nn/net.h"

#include <string.h>

typedef struct od_source {
    const od_kernels *k;
    const float *data; /* [rows, c] */
    int64_t c;
    const float *scale, *shift; /* NULL: plain */
    od_act act;
} od_source;

typedef struct od_grad_source {
    const od_kernels *k;
    const float *dz;
    int64_t c;
    const float *x, *ga, *gb, *gc; /* x NULL: plain */
} od_grad_source;

typedef struct od_sink {
    const od_kernels *k;
    float *data;
    int64_t c;
    int accumulate;
    const float *x, *scale, *shift, *mean; /* x NULL: plain */
    od_act act;
    double *partial; /* [threads][2][c] */
} od_sink;

typedef struct od_stats {
    int64_t c;
    double *partial; /* [threads][2][c]; NULL: not wanted */
} od_stats;

/* Zeroes the partial sums that the op will add to, so call once before the parallel region. */
od_source od_net_source(const od_net *net, od_value v);
od_grad_source od_net_grad_source(const od_net *net, od_value v);
od_sink od_net_sink(od_net *net, od_value v);
od_stats od_net_stats(od_net *net, const od_node *node);

/* Scratch floats: rows * c for sources, 2 * c for sinks and stats. */

static inline const float *od_source_rows(const od_source *s, int64_t row, int64_t rows, float *scratch)
{
    const float *x = s->data + row * s->c;
    if (!s->scale) return x;
    s->k->rows_affine_act(rows, s->c, x, s->c, s->scale, s->shift, s->act, scratch, s->c);
    return scratch;
}

/* What od_source_rows will read of memory. */
static inline od_ahead od_source_ahead(const od_source *s, int64_t row, int64_t rows)
{
    return (od_ahead){s->data + row * s->c, rows * s->c};
}

static inline const float *od_grad_source_rows(const od_grad_source *g, int64_t row, int64_t rows, float *scratch)
{
    const float *dz = g->dz + row * g->c;
    if (!g->x) return dz;
    g->k->rows_bn_grad(rows, g->c, dz, g->c, g->x + row * g->c, g->c, g->ga, g->gb, g->gc, scratch, g->c);
    return scratch;
}

/* Adds float sums of a block to a thread's doubles and clears them. */
static inline void od_fold_sums(double *partial, float *sums, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        partial[i] += sums[i];
        sums[i] = 0;
    }
}

/* What turns gradient rows from `row` on into those before the activation, for kernels that do it as they go; sums: 2 * c floats. */
static inline od_act_grad od_sink_act_grad(const od_sink *s, int64_t row, float *sums)
{
    return (od_act_grad){s->x + row * s->c, s->c, s->scale, s->shift, s->mean, s->act, sums, sums + s->c};
}

/* After rows [row, row+rows) of the gradient have been made at dz. sums: 2 * c floats, zero, left zero. */
static inline void od_sink_finish_at(const od_sink *s, int64_t row, int64_t rows, float *dz, int thread, float *sums)
{
    if (!s->x) return;
    od_act_grad g = od_sink_act_grad(s, row, sums);
    s->k->rows_act_grad(rows, s->c, dz, s->c, &g, dz, s->c);
    od_fold_sums(s->partial + thread * 2 * s->c, sums, 2 * s->c);
}

/* Where they belong. */
static inline void od_sink_finish(const od_sink *s, int64_t row, int64_t rows, int thread, float *sums)
{
    od_sink_finish_at(s, row, rows, s->data + row * s->c, thread, sums);
}

/* The contiguous share of `total` units that a thread works on. */
static inline void od_thread_range(int64_t total, int threads, int thread, int64_t *begin, int64_t *end)
{
    *begin = total * thread / threads;
    *end = total * (thread + 1) / threads;
}

/* The same for floats, in whole vectors of the widest instruction set; begin == end: nothing. */
static inline void od_thread_range_floats(int64_t total, int threads, int thread, int64_t *begin, int64_t *end)
{
    enum { VECTOR = 16 };
    od_thread_range((total + VECTOR - 1) / VECTOR, threads, thread, begin, end);
    *begin = *begin * VECTOR < total ? *begin * VECTOR : total;
    *end = *end * VECTOR < total ? *end * VECTOR : total;
}

#endif
