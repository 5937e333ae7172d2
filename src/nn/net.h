/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph made ready to run: fusions decided, memory planned, buffers allocated. One od_net serves one batch and
 * image size in one mode; several may share a variable store.
 *
 *     od_net_create(&net, &graph, OD_NET_TRAIN, options, err);
 *     od_net_forward(net, images);
 *     ... write d(loss)/d(output) into od_net_grad(net, output) ...
 *     od_net_backward(net);                    gradients are added to the store's
 *
 * Threads: each op divides its rows among `threads` OpenMP threads by a static schedule and reduces in a fixed order, so
 * the same thread count gives the same bits.
 */
#ifndef OD_NN_NET_H
#define OD_NN_NET_H

#include "nn/graph.h"
#include "nn/op.h"

typedef enum od_net_mode { OD_NET_INFER, OD_NET_TRAIN } od_net_mode;

typedef struct od_net_options {
    int threads;          /* 0: OpenMP's default */
    int no_fusion;        /* every batch norm and activation makes its own pass: for tests */
    int no_chains;        /* inference op by op: for tests */
    int no_drop;          /* training without drop-connect: for comparisons */
    int profile;          /* keep seconds for each node */
    int64_t past_caches;  /* from how many floats on results go to memory past the caches (outlet.h); 0: the default, others for tests */
    const od_kernels *kernels; /* NULL: od_kernels_get() */
} od_net_options;

/* What batch norm needs at run time; vectors are [C]. */
typedef struct od_bn_state {
    float *scale, *shift;    /* normalised = x * scale + shift */
    float *mean;             /* that was subtracted */
    float *ga, *gb, *gc;     /* dx = ga * dz + gb * x + gc */
    double *partial;         /* [threads][2][C]: sums by thread */
    int stats_by_producer;   /* the op before adds the statistics up */
    int virtual_out;         /* the output isn't stored: consumers normalise on load */
    int sums_by_consumer;    /* the consumer's backward finishes dz and its sums */
    int virtual_grad;        /* the op before computes dx on load */
} od_bn_state;

/* What an inference convolution takes over from the nodes after it. */
typedef struct od_fold {
    int bn;             /* batch-norm node whose scale and shift go into weights and bias; -1 */
    od_act act;
    od_value residual;  /* added after the activation; OD_NO_VALUE */
    int residual_doubled; /* each of its pixels counts twice in both directions (upsample2x): chains only */
    od_act act_after;   /* of the sum with the residual */
    od_value out;       /* where the result goes */
    int64_t out_offset, out_image; /* its place there and the distance between images, when it is only a part: chains only; 0: all */
} od_fold;

/* Whose packed weights a convolution reads, and when they are packed (conv_weights.h). */
typedef struct od_packing {
    int owner;          /* the first node with the same weights in the same order; itself where nothing is shared */
    /* An owner's: */
    int first_backward; /* the node whose backward pass is the first to need them transposed; -1: no input's gradient is wanted */
    int late;           /* they lie in the arena, and only from the first to the last pass that reads them */
} od_packing;

typedef struct od_net {
    const od_graph *graph;
    od_variables *vars;
    const od_kernels *k;
    od_net_mode mode;
    int threads, fuse, chains, profile;
    int64_t past_caches;     /* floats, as in the options */
    uint64_t seed, step;     /* of what is drawn at random in training (drop-connect): set them before each step */
    float bn_momentum_limit; /* batch norms' moving averages use at most this momentum; 1: their own */

    float **value;        /* by value: its buffer; NULL: virtual, folded away or an input not yet given */
    float **grad;         /* by value; NULL: none needed. Batch norm's input and output share one */
    unsigned char *grad_written; /* by value: during backward, whether accumulation has begun */
    unsigned char *alias_grad;   /* by node (add): bit i: input i's gradient is the output's own buffer */
    od_bn_state *bn;      /* by node; unused but for batch norms */
    int *bn_after;        /* by value: the batch norm that is its only consumer, or -1 */
    od_fold *fold;        /* by node; inference */
    unsigned char *skip;  /* by node: folded into another */
    struct od_schedule *schedule; /* inference by chains of ops (chain.h); NULL: op by op */
    struct od_expand *expand; /* by node; training: expansions that are computed again instead of stored (expand.h) */

    float **packed, **packed_t; /* by node: weights and transposed weights in the kernels' order */
    od_packing *packing;        /* by node */
    int *pack_order;            /* nodes, in the order in which threads take them for packing (conv_weights.h) */
    float **folded_bias;        /* by node: inference */
    float **node_state;         /* by node: what op->state asked for */
    int64_t packed_version;

    float *arena;         /* planned values, gradients, workspaces and weights that are packed late */
    float *state;         /* batch-norm vectors, packed weights */
    double *partials;     /* batch-norm partial sums */
    float *scratch;       /* [threads][scratch_stride] */
    float **workspaces;   /* by node: of its forward pass; then, by node, of its backward pass */
    float *workspace;     /* shared by the threads of the op that runs */
    size_t scratch_stride, arena_bytes, state_bytes;
    int settled;          /* large pages asked for again */
    double *forward_seconds, *backward_seconds; /* by node, summed; when profiling */
} od_net;

od_status od_net_create(od_net **out, const od_graph *graph, od_net_mode mode, const od_net_options *options, od_error *err);
void od_net_free(od_net *net);

/* images: the graph's first input, borrowed until the backward pass is over. */
void od_net_forward(od_net *net, const float *images);
/* Needs every output's gradient in od_net_grad. Adds to the store's gradients. */
void od_net_backward(od_net *net);

const float *od_net_value(const od_net *net, od_value v);
float *od_net_grad(const od_net *net, od_value v);
/* All memory held, in bytes, without the variables. */
size_t od_net_memory(const od_net *net);

/* The scratch of the calling OpenMP thread. */
float *od_net_scratch(const od_net *net);

/* A node's forward pass as a whole. */
void od_net_run_forward(od_net *net, const od_node *node);

/* --- used by net.c: passes.c and plan.c ------------------------------------------------------------------- */
void od_net_fuse(od_net *net);
od_status od_net_plan(od_net *net, od_error *err);
int od_net_value_is_virtual(const od_net *net, od_value v);

#endif
