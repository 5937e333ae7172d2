/* SPDX-License-Identifier: Apache-2.0
 *
 * Training's fusion of an expansion: a convolution with few inputs a pixel (K = taps * Cin), its batch norm, and the depthwise
 * convolution that alone reads the result (the inverted residuals of MobileNet and EfficientNet, MobileNet V1's separable
 * convolutions, the stem). The expanded tensor [rows, C], the largest of the block, is never stored, nor is its gradient:
 * row by row it is computed again from the narrow input where the depthwise convolution needs it.
 *
 *   statistics   from the input's Gram matrix G = X^T X [K, K] and s = Σ x: with z = x W, Σ z = s W, Σ z^2 = diag(W^T G W)
 *   forward      act(x (W scale) + shift), a few rows at a time, into the depthwise convolution's window
 *   backward     the depthwise convolution's gives dz (times act'), a row at a time, from which at once
 *                P += x^T dz [K, C] and dx += dz (W scale)^T. Batch norm's dz' = ga dz + gb z + gc is linear, so that it is
 *                put right afterwards, when its sums are known, from the narrow input alone:
 *                dW = ga P + gb (G W) + gc s,   dx += x (W gb W^T) + W gc
 *                and Σ dz z = Σ_k W P: the sums cost no pass either.
 */
#ifndef OD_NN_EXPAND_H
#define OD_NN_EXPAND_H

#include "nn/conv_rows.h"
#include "nn/net.h"
#include "nn/rows_io.h"

/* State of one fused pair, by the convolution's node. */
typedef struct od_expand {
    int depthwise;     /* node index; -1: this node is no fused expansion */
    int bn;
    int64_t k, c;
    float *product;    /* [K, C]: P after the depthwise convolution's backward; before, room for scaled weights */
    float *mixing;     /* [K, K] = W gb W^T, then [K] = W gc, then the packed matrix */
    double *gram;      /* [threads][K*K + K]: G and s; after the statistics the first holds the totals G - s s^T / rows and s */
    double *gram_w;    /* [K, C] = (G - s s^T / rows) W */
} od_expand;

/* Behind the matrix and the vector in `mixing`. */
static inline float *od_expand_packed_mixing(const od_expand *e)
{
    size_t used = (size_t)(e->k * e->k + e->k);
    return e->mixing + (used + 15) / 16 * 16;
}

/* K up to which computing again is cheaper than storing. */
enum { OD_EXPAND_K_MAX = 32 };

void od_expand_fuse(od_net *net);
/* The fused expansion that feeds this depthwise node, or NULL. */
const od_expand *od_expand_before(const od_net *net, const od_node *depthwise);
/* This node's, or NULL when it isn't one. */
od_expand *od_expand_of(const od_net *net, const od_node *conv);
/* Floats and doubles of state. */
void od_expand_sizes(const od_net *net, const od_node *conv, size_t *product, size_t *mixing, size_t *gram, size_t *gram_w);
/* Scratch floats of the convolution's own two passes. */
size_t od_expand_scratch(const od_net *net, const od_node *conv);

/* The convolution's forward and backward: statistics; weight gradient and what is left of the input's. */
void od_expand_statistics(od_net *net, const od_node *conv);
void od_expand_finish_backward(od_net *net, const od_node *conv);

/* What pixels [row, row + rows) of the narrow input, as far as there are any, are read from, where they are stored as they are used. */
od_ahead od_expand_ahead(const od_net *net, const od_node *conv, const od_source *source, int64_t row, int64_t rows);

/* What the depthwise convolution's passes use. */
typedef struct od_expand_job {
    const od_net *net;
    const od_expand *e;
    const od_node *conv;
    od_source source;
    const float *packed, *packed_t, *shift;
    od_act act;
    int keeps_z;         /* act' needs the value before the activation */
    float *input_grad;   /* NULL: not wanted */
    int accumulate;
    od_ahead ahead, ahead_of_grad; /* what the products of od_expand_rows and of od_expand_grad_rows fetch meanwhile */
} od_expand_job;

/* Packs the weights. `backward`: also claims the input's gradient. */
od_expand_job od_expand_begin(od_net *net, const od_node *depthwise, int backward);
/* Floats of a window slot of `rows` pixels: activated values [rows, C], narrow input [rows, K], values before the activation. */
int64_t od_expand_slot_floats(const od_expand *e, int64_t rows, int keeps_z);
/* Fills a slot with pixels [row, row + rows). */
void od_expand_rows(const od_expand_job *j, int64_t row, int64_t rows, float *slot);
/* The activation's gradient for the slot's `rows` pixels, for the depthwise kernel; sums: C floats, += Σ dz. */
od_act_grad od_expand_act_grad(const od_expand_job *j, int64_t rows, const float *slot, float *sums);
/* dz [rows, C]: the gradient of the slot's values before the activation. product [K, C] +=. */
void od_expand_grad_rows(const od_expand_job *j, int64_t row, int64_t rows, const float *slot, const float *dz, float *product);
/* After all threads: products (one each, `stride` floats apart) and the sums Σ dz, already in the batch norm's partial sums. */
void od_expand_end_backward(od_net *net, const od_expand *e, const float *products, size_t stride);

#endif
