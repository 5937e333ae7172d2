/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch normalisation with its activation (Ioffe & Szegedy 2015; Keras' numerics): normalises by the biased batch variance,
 * keeps the unbiased one in the moving average. Statistics, normalisation and gradient are done by the neighbouring ops
 * where net.h's od_bn_state says so; what is left is finishing the sums.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <math.h>
#include <omp.h>

static od_status bn_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    od_var vars[] = {node->bn.gamma, node->bn.beta, node->bn.mean, node->bn.variance};
    for (int i = 0; i < 4; i++)
        if (vars[i] != OD_NO_VAR && g->vars->items[vars[i]].size != out->c)
            return od_error_set(err, OD_ERR_MISMATCH, "%s has %lld values for %lld channels", g->vars->items[vars[i]].name,
                                (long long)g->vars->items[vars[i]].size, (long long)out->c);
    return OD_OK;
}

enum { BN_BLOCK = 256 };

static size_t bn_scratch(const od_net *net, const od_node *node)
{
    int64_t c = net->graph->values[node->out].shape.c;
    return (size_t)(2 * c + (net->bn_after[node->in[0]] < 0 ? BN_BLOCK * c : 0)); /* sums; a block where others read the input, too */
}

typedef struct bn_job {
    od_net *net;
    const od_node *node;
    od_bn_state *state;
    int64_t rows, c;
    const float *x;
} bn_job;

static bn_job job_of(od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    return (bn_job){net, node, &net->bn[node - net->graph->nodes], od_shape_rows(s), s.c, net->value[node->in[0]]};
}

/* Calls `block` for blocks of rows on all threads; each folds its 2*c float sums into its own doubles. */
static void over_rows(const bn_job *j, void (*block)(const bn_job *, int64_t row, int64_t rows, float *sums))
{
    int threads = j->net->threads;
    memset(j->state->partial, 0, (size_t)(threads * 2 * j->c) * sizeof(double));
#pragma omp parallel num_threads(threads)
    {
        int thread = omp_get_thread_num();
        float *sums = od_net_scratch(j->net);
        memset(sums, 0, (size_t)(2 * j->c) * sizeof *sums);
        int64_t begin, end;
        od_thread_range((j->rows + BN_BLOCK - 1) / BN_BLOCK, threads, thread, &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * BN_BLOCK, m = j->rows - row < BN_BLOCK ? j->rows - row : BN_BLOCK;
            block(j, row, m, sums);
            od_fold_sums(j->state->partial + thread * 2 * j->c, sums, 2 * j->c);
        }
    }
}

static void stats_block(const bn_job *j, int64_t row, int64_t rows, float *sums)
{
    j->net->k->rows_stats(rows, j->c, j->x + row * j->c, j->c, sums, sums + j->c);
}

static void apply_block(const bn_job *j, int64_t row, int64_t rows, float *sums)
{
    (void)sums;
    j->net->k->rows_affine_act(rows, j->c, j->x + row * j->c, j->c, j->state->scale, j->state->shift, j->node->bn.act,
                               j->net->value[j->node->out] + row * j->c, j->c);
}

/* Thread sums of channel i, in order. */
static void total(const bn_job *j, int64_t i, double *first, double *second)
{
    *first = *second = 0;
    for (int t = 0; t < j->net->threads; t++) {
        const double *p = j->state->partial + t * 2 * j->c;
        *first += p[i];
        *second += p[j->c + i];
    }
}

static float value_or(const od_net *net, od_var v, int64_t i, float otherwise)
{
    return v == OD_NO_VAR ? otherwise : od_variables_value(net->vars, v)[i];
}

static void set_affine(const bn_job *j, int64_t i, double mean, double variance)
{
    const od_bn_attrs *a = &j->node->bn;
    double scale = value_or(j->net, a->gamma, i, 1) / sqrt(variance + a->epsilon);
    j->state->mean[i] = (float)mean;
    j->state->scale[i] = (float)scale;
    j->state->shift[i] = (float)(value_or(j->net, a->beta, i, 0) - scale * mean);
}

static int uses_batch(const bn_job *j)
{
    return j->net->mode == OD_NET_TRAIN && !j->node->bn.frozen;
}

static void finish_statistics(const bn_job *j)
{
    const od_bn_attrs *a = &j->node->bn;
    float *moving_mean = od_variables_value(j->net->vars, a->mean), *moving_variance = od_variables_value(j->net->vars, a->variance);
    double m = (double)j->rows;
    float momentum = a->momentum < j->net->bn_momentum_limit ? a->momentum : j->net->bn_momentum_limit;
    for (int64_t i = 0; i < j->c; i++) {
        if (!uses_batch(j)) {
            set_affine(j, i, moving_mean[i], moving_variance[i]);
            continue;
        }
        double sum, squares;
        total(j, i, &sum, &squares);
        double mean = sum / m, variance = squares / m - mean * mean;
        if (variance < 0) variance = 0; /* rounding; a NaN stays */
        set_affine(j, i, mean, variance);
        double unbiased = j->rows > 1 && !a->biased ? variance * m / (m - 1) : variance;
        moving_mean[i] = (float)((double)moving_mean[i] * momentum + mean * (1.0 - momentum));
        moving_variance[i] = (float)((double)moving_variance[i] * momentum + unbiased * (1.0 - momentum));
    }
}

static void bn_forward(od_net *net, const od_node *node)
{
    bn_job j = job_of(net, node);
    if (uses_batch(&j) && !j.state->stats_by_producer) over_rows(&j, stats_block);
    finish_statistics(&j);
    if (!j.state->virtual_out) over_rows(&j, apply_block);
}

static void dz_block(const bn_job *j, int64_t row, int64_t rows, float *sums)
{
    float *dz = j->net->grad[j->node->out] + row * j->c;
    const od_bn_state *s = j->state;
    /* in place; without an activation dz equals dy, which a residual addition may share */
    od_act_grad g = {j->x + row * j->c, j->c, s->scale, s->shift, s->mean, j->node->bn.act, sums, sums + j->c};
    j->net->k->rows_act_grad(rows, j->c, dz, j->c, &g, dz, j->c);
}

/* gamma's and beta's gradients, and the coefficients of dx = ga * dz + gb * x + gc. */
static void finish_gradient(const bn_job *j)
{
    const od_bn_attrs *a = &j->node->bn;
    const od_bn_state *s = j->state;
    float *dgamma = a->gamma == OD_NO_VAR ? NULL : od_variables_grad(j->net->vars, a->gamma);
    float *dbeta = a->beta == OD_NO_VAR ? NULL : od_variables_grad(j->net->vars, a->beta);
    double m = (double)j->rows;
    for (int64_t i = 0; i < j->c; i++) {
        double dz, dzx, gamma = value_or(j->net, a->gamma, i, 1);
        total(j, i, &dz, &dzx);
        double scale = s->scale[i], inverse = gamma != 0 ? scale / gamma : 0;
        if (gamma == 0) { /* scale carries nothing: the deviation comes from the moving statistics or is lost with the output */
            inverse = a->frozen ? 1 / sqrt((double)od_variables_value(j->net->vars, a->variance)[i] + a->epsilon) : 0;
        }
        if (dgamma) dgamma[i] += (float)(dzx * inverse);
        if (dbeta) dbeta[i] += (float)dz;
        double gb = a->frozen ? 0 : -scale * inverse * inverse * dzx / m, gc = a->frozen ? 0 : -scale * dz / m - gb * s->mean[i];
        s->ga[i] = (float)scale;
        s->gb[i] = (float)gb;
        s->gc[i] = (float)gc;
    }
}

/* Where the input has other readers (pre-activation ResNets), theirs are kept: room for a block lies behind the sums. */
static void dx_block(const bn_job *j, int64_t row, int64_t rows, float *sums)
{
    const od_bn_state *s = j->state;
    od_value in = j->node->in[0];
    const float *dz = j->net->grad[j->node->out] + row * j->c;
    float *dx = j->net->grad[in] + row * j->c;
    float *to = j->net->grad_written[in] ? sums + 2 * j->c : dx;
    j->net->k->rows_bn_grad(rows, j->c, dz, j->c, j->x + row * j->c, j->c, s->ga, s->gb, s->gc, to, j->c);
    if (to != dx) j->net->k->add(rows * j->c, to, dx);
}

static void bn_backward(od_net *net, const od_node *node)
{
    bn_job j = job_of(net, node);
    if (!j.state->sums_by_consumer) over_rows(&j, dz_block);
    finish_gradient(&j);
    od_value in = node->in[0];
    if (net->graph->values[in].needs_grad && !j.state->virtual_grad) over_rows(&j, dx_block);
    net->grad_written[in] = 1;
}

static double bn_flops(const od_graph *g, const od_node *node)
{
    return 2.0 * (double)od_shape_size(g->values[node->out].shape);
}

const od_op od_op_batch_norm = {
    .name = "batch_norm",
    .flags = OD_OP_BACKWARD_READS_IN,
    .shape = bn_shape,
    .scratch = bn_scratch,
    .forward = bn_forward,
    .backward = bn_backward,
    .flops = bn_flops,
};
