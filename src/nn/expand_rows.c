/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a fused expansion (expand.h) that runs inside the depthwise convolution's passes, row by row.
 */
#include "nn/expand.h"

#include <omp.h>
#include <string.h>

/* Weights times the batch norm's scale, packed as they are and, for the input's gradient, transposed: both in the forward pass. */
static void pack_scaled(od_net *net, size_t conv, const od_expand *e)
{
    const float *w = od_variables_value(net->vars, net->graph->nodes[conv].var[0]), *scale = net->bn[e->bn].scale;
    int64_t k = e->k, c = e->c;
#pragma omp parallel num_threads(net->threads)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < k; i++)
            for (int64_t j = 0; j < c; j++) e->product[i * c + j] = w[i * c + j] * scale[j];
#pragma omp sections
        {
#pragma omp section
            net->k->gemm_pack_b(k, c, e->product, c, 0, net->packed[conv]);
#pragma omp section
            if (net->packed_t[conv]) net->k->gemm_pack_b(c, k, e->product, c, 1, net->packed_t[conv]);
        }
    }
}

od_expand_job od_expand_begin(od_net *net, const od_node *depthwise, int backward)
{
    const od_expand *e = od_expand_before(net, depthwise);
    if (!e) return (od_expand_job){0};
    size_t conv = (size_t)(e - net->expand);
    const od_node *node = &net->graph->nodes[conv];
    od_act act = net->graph->nodes[e->bn].bn.act;
    od_expand_job j = {.net = net, .e = e, .conv = node, .source = od_net_source(net, node->in[0]), .packed = net->packed[conv],
                       .packed_t = net->packed_t[conv], .shift = net->bn[e->bn].shift, .act = act, .keeps_z = backward && act > OD_ACT_RELU6};
    if (!backward) {
        pack_scaled(net, conv, e);
        return j;
    }
    memset(net->bn[e->bn].partial, 0, (size_t)(net->threads * 2 * e->c) * sizeof(double));
    if (net->graph->values[node->in[0]].needs_grad) {
        j.input_grad = net->grad[node->in[0]];
        j.accumulate = net->grad_written[node->in[0]];
        net->grad_written[node->in[0]] = 1;
    }
    return j;
}

int64_t od_expand_slot_floats(const od_expand *e, int64_t rows, int keeps_z)
{
    return rows * (e->c * (1 + keeps_z) + e->k);
}

/* The narrow input of a slot: where it was gathered or normalised to, or the stored input itself. */
static const float *narrow_rows(const od_expand_job *j, int64_t row, int64_t rows, const float *slot, int again)
{
    float *room = (float *)slot + rows * j->e->c;
    int stored = !j->source.scale && j->e->k == j->source.c; /* K = Cin: one tap, stride 1 or a gathered copy that equals */
    if (again && !stored) return room;
    return od_conv_rows(j->net, j->conv, &j->source, row, rows, room);
}

static od_ahead next_rows(const od_expand_job *j, int64_t row, int64_t rows)
{
    return od_expand_ahead(j->net, j->conv, &j->source, row + rows, rows);
}

void od_expand_rows(const od_expand_job *j, int64_t row, int64_t rows, float *slot)
{
    const od_expand *e = j->e;
    od_gemm_post post = {.bias = j->shift, .act = j->keeps_z ? OD_ACT_NONE : j->act, .ahead = {j->ahead.floats ? j->ahead : next_rows(j, row, rows)}};
    const float *x = narrow_rows(j, row, rows, slot, 0);
    float *z = j->keeps_z ? slot + rows * (e->c + e->k) : slot;
    j->net->k->gemm(rows, e->c, e->k, x, e->k, j->packed, z, e->c, 0, &post);
    if (j->keeps_z) j->net->k->rows_affine_act(rows, e->c, z, e->c, NULL, NULL, j->act, slot, e->c);
}

od_act_grad od_expand_act_grad(const od_expand_job *j, int64_t rows, const float *slot, float *sums)
{
    const od_expand *e = j->e;
    const float *z = j->keeps_z ? slot + rows * (e->c + e->k) : slot; /* ReLUs have the same derivative at y as at z */
    return (od_act_grad){.x = z, .ldx = e->c, .act = j->act, .sum_dz = sums};
}

void od_expand_grad_rows(const od_expand_job *j, int64_t row, int64_t rows, const float *slot, const float *dz, float *product)
{
    const od_expand *e = j->e;
    const od_kernels *k = j->net->k;
    od_ahead next = next_rows(j, row, rows), ahead[OD_AHEADS] = {j->input_grad ? next : j->ahead_of_grad};
    k->gemm_tn(rows, e->k, e->c, narrow_rows(j, row, rows, slot, 1), e->k, dz, e->c, product, e->c, ahead);
    if (!j->input_grad) return;
    od_gemm_post post = {.ahead = {j->ahead_of_grad}, .claims = !j->accumulate};
    if (j->accumulate && next.floats) post.ahead[post.ahead[0].floats != 0] = (od_ahead){j->input_grad + (row + rows) * e->k, next.floats};
    k->gemm(rows, e->k, e->c, dz, e->c, j->packed_t, j->input_grad + row * e->k, e->k, j->accumulate, &post);
}

/* Columns [from, to) of the threads' products, added up, and of Σ dz (z - mean). */
static void end_columns(const od_net *net, const od_expand *e, const float *w, const float *products, size_t stride, int64_t from, int64_t to)
{
    const od_bn_state *bn = &net->bn[e->bn];
    int64_t c = e->c;
    double *dzx = bn->partial + c; /* the first thread's; the others' stay zero */
    for (int t = 0; t < net->threads; t++)
        for (int64_t j = from; j < to; j++) bn->partial[(2 * t + 1) * c + j] = 0;
    for (int64_t i = 0; i < e->k; i++) {
        float *p = e->product + i * c;
        const float *row = w + i * c;
        for (int64_t j = from; j < to; j++) p[j] = products[i * c + j];
        for (int t = 1; t < net->threads; t++)
            for (int64_t j = from; j < to; j++) p[j] += products[stride * (size_t)t + (size_t)(i * c + j)];
        for (int64_t j = from; j < to; j++) dzx[j] += (double)row[j] * p[j];
    }
    for (int64_t j = from; j < to; j++) {
        double dz = 0;
        for (int t = 0; t < net->threads; t++) dz += bn->partial[2 * t * c + j];
        dzx[j] -= dz * bn->mean[j];
    }
}

void od_expand_end_backward(od_net *net, const od_expand *e, const float *products, size_t stride)
{
    const float *w = od_variables_value(net->vars, net->graph->nodes[e - net->expand].var[0]);
#pragma omp parallel num_threads(net->threads)
    {
        int64_t from, to;
        od_thread_range(e->c, net->threads, omp_get_thread_num(), &from, &to);
        end_columns(net, e, w, products, stride, from, to);
    }
}
