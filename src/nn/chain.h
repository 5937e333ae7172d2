/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference without memory passes: a chain is a row of ops (stages), each the only reader of the one before, that a thread runs
 * strip by strip of output rows. What lies between two stages is a ring of the last few rows, which stays in the second-level
 * cache: the expanded tensor of an inverted-residual block never goes to memory. Rows that two threads' strips both need are
 * computed by both.
 *
 * A schedule is the order in which an inference net runs: steps, each a set of chains that don't depend on one another, divided
 * among the threads by their cost, or one op that only works on whole values. schedule.c builds it, chain.c runs it.
 */
#ifndef OD_NN_CHAIN_H
#define OD_NN_CHAIN_H

#include "nn/net.h"

/* Rows of one image of a value, whole (capacity: its height) or the last few: row y is at base + y % capacity * floats. */
typedef struct od_rows {
    float *base;
    int64_t capacity, floats;
} od_rows;

static inline float *od_rows_at(const od_rows *r, int64_t y)
{
    return r->base + y % r->capacity * r->floats;
}

/* Rows from y on that lie behind one another. */
static inline int64_t od_rows_run(const od_rows *r, int64_t y)
{
    return r->capacity - y % r->capacity;
}

/* What an op's forward_rows is to do: output rows [from, to) of an image; `in` holds the input rows that these need. */
typedef struct od_rows_job {
    int64_t image, from, to;
    od_rows in, out;
    int part, parts;  /* columns of the output: a 1x1 convolution's packed weights come in as many parts */
    float *scratch;   /* op->rows_scratch floats */
} od_rows_job;

typedef struct od_stage {
    int node;
    int64_t go;                    /* most rows that are computed at once */
    int64_t in_height, in_floats;  /* of the input */
    int64_t stride, pad, reach;    /* output row y reads input rows [y * stride - pad, y * stride - pad + reach) that exist */
    int64_t ring, ring_offset;     /* rows kept of the output and their place in scratch; 0: the chain's last */
    int64_t out_floats;
} od_stage;

typedef struct od_chain {
    int first, count;         /* stages */
    int wave;                 /* chains of one wave don't depend on one another */
    int64_t images, height;   /* units of work: rows of the last stage. One 1x1 convolution counts all images as one */
    int parts;                /* > 1: every thread does some columns of all rows */
    int64_t scratch_offset;   /* of the stages' own scratch, behind the rings */
    double row_cost;
} od_chain;

/* A thread's share of a chain: rows [from, to) of an image, or a part of the columns. */
typedef struct od_piece {
    int chain, part;
    int64_t image, from, to;
} od_piece;

typedef struct od_step {
    int op;      /* a node that is run whole, or -1 */
    int pieces;  /* index into piece_begin: thread t has pieces [piece_begin[pieces + t], piece_begin[pieces + t + 1]) */
} od_step;

typedef struct od_schedule {
    od_stage *stages;
    od_chain *chains;
    od_step *steps;
    od_piece *pieces;
    int *piece_begin;
    int stage_count, chain_count, step_count, piece_count, begin_count, piece_capacity;
    int *time;                 /* by node: the step that runs it */
    int *parts;                /* by node: parts of the packed weights, 1 or the threads */
    unsigned char *interior;   /* by value: lives in a ring only */
    size_t scratch;            /* floats a thread */
    double *seconds;           /* [threads][nodes]: when profiling */
} od_schedule;

/* Builds net->schedule for an inference net, after its fusions are decided. */
od_status od_schedule_create(od_net *net, od_error *err);
void od_schedule_free(od_schedule *s);
void od_schedule_run(od_net *net);

/* The columns [begin, end) of `n` that part `part` of `parts` computes: whole vectors. */
void od_part_columns(int64_t n, int part, int parts, int64_t *begin, int64_t *end);

/* op_conv2d_rows.c, op_depthwise_rows.c */
int od_conv2d_rows_ok(const od_net *net, const od_node *node);
/* Whether it can add a residual of half its size (od_fold's residual_doubled). */
int od_conv2d_adds_doubled(const od_net *net, const od_node *node);
void od_conv2d_forward_rows(const od_net *net, const od_node *node, const od_rows_job *job);
size_t od_conv2d_rows_scratch(const od_net *net, const od_node *node, int64_t rows);
int od_depthwise_rows_ok(const od_net *net, const od_node *node);
void od_depthwise_forward_rows(const od_net *net, const od_node *node, const od_rows_job *job);

#endif
