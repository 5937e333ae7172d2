/* SPDX-License-Identifier: Apache-2.0
 *
 * BiFPN's combining node: act(Σ weight_i * in_i), with the OD API's ways of weighing (utils/bifpn_utils.py). Inputs may be
 * normalised on load; the sum before the activation is computed again in the backward pass rather than kept.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>

enum { ROW_BLOCK = 128 };

static od_status sum_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    if (node->in_count > OD_SUM_MAX) return od_error_set(err, OD_ERR_INTERNAL, "%d inputs; expected at most %d", node->in_count, OD_SUM_MAX);
    for (int i = 1; i < node->in_count; i++) {
        od_tensor_shape s = g->values[node->in[i]].shape;
        if (s.n != out->n || s.h != out->h || s.w != out->w || s.c != out->c)
            return od_error_set(err, OD_ERR_CONFIG,
                                "can't add [%lld,%lld,%lld,%lld] and [%lld,%lld,%lld,%lld]; an image size that is a multiple of the coarsest stride avoids this",
                                (long long)out->n, (long long)out->h, (long long)out->w, (long long)out->c, (long long)s.n, (long long)s.h,
                                (long long)s.w, (long long)s.c);
    }
    if (node->weights != OD_SUM_PLAIN && (node->var[0] == OD_NO_VAR || g->vars->items[node->var[0]].size != node->in_count))
        return od_error_set(err, OD_ERR_MISMATCH, "the combine weights don't fit %d inputs", node->in_count);
    return OD_OK;
}

/* The effective weights, and the normaliser of fast attention. */
static double effective_weights(const od_net *net, const od_node *node, float *w)
{
    double sum = 1e-4;
    for (int i = 0; i < node->in_count; i++) w[i] = 1;
    if (node->weights == OD_SUM_PLAIN || node->weights == OD_SUM_ATTENTION) return 1;
    const float *v = od_variables_value(net->vars, node->var[0]);
    for (int i = 0; i < node->in_count; i++) w[i] = v[i];
    if (node->weights == OD_SUM_WEIGHTED) return 1;
    for (int i = 0; i < node->in_count; i++) sum += v[i] > 0 ? v[i] : 0;
    for (int i = 0; i < node->in_count; i++) w[i] = v[i] > 0 ? (float)(v[i] / sum) : 0;
    return sum;
}

typedef struct sum_job {
    od_net *net;
    const od_node *node;
    int64_t rows, c;
    float w[OD_SUM_MAX];
    od_source source[OD_SUM_MAX];
    float *dx[OD_SUM_MAX];    /* NULL: not wanted */
    int accumulate[OD_SUM_MAX];
} sum_job;

static void job_init(sum_job *j, od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    *j = (sum_job){.net = net, .node = node, .rows = od_shape_rows(s), .c = s.c};
    for (int i = 0; i < node->in_count; i++) j->source[i] = od_net_source(net, node->in[i]);
}

/* Scratch: one vector of scales and one of shifts for each input (batch norm's times the weight), zeros and sums of two
 * vectors, then blocks. */
static size_t sum_scratch(const od_net *net, const od_node *node)
{
    int64_t c = net->graph->values[node->out].shape.c;
    return (size_t)(c * (2 * node->in_count + 4) + 2 * ROW_BLOCK * c);
}

static void fill(float *x, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++) x[i] = value;
}

/* Vectors [2 * in_count][c]: scale and shift of each input with its weight multiplied in, where it isn't activated on load. */
static void weighted_affine(const sum_job *j, float *vectors)
{
    for (int i = 0; i < j->node->in_count; i++) {
        float *scale = vectors + 2 * i * j->c, *shift = scale + j->c;
        const od_source *s = &j->source[i];
        int folds = s->scale && s->act == OD_ACT_NONE;
        for (int64_t k = 0; k < j->c; k++) {
            scale[k] = folds ? j->w[i] * s->scale[k] : j->w[i];
            shift[k] = folds ? j->w[i] * s->shift[k] : 0;
        }
    }
}

/* y = Σ weight_i * in_i of some rows; block: room for them. */
static void sum_rows(const sum_job *j, const float *vectors, int64_t row, int64_t rows, float *block, float *y)
{
    const od_kernels *k = j->net->k;
    for (int i = 0; i < j->node->in_count; i++) {
        const float *scale = vectors + 2 * i * j->c, *x = j->source[i].data + row * j->c;
        if (j->source[i].act != OD_ACT_NONE) x = od_source_rows(&j->source[i], row, rows, block);
        if (i)
            k->rows_affine_act_add(rows, j->c, x, j->c, scale, scale + j->c, OD_ACT_NONE, y, j->c, y, j->c);
        else
            k->rows_affine_act(rows, j->c, x, j->c, scale, scale + j->c, OD_ACT_NONE, y, j->c);
    }
}

static void sum_forward(od_net *net, const od_node *node)
{
    sum_job j;
    job_init(&j, net, node);
    effective_weights(net, node, j.w);
#pragma omp parallel num_threads(net->threads)
    {
        float *vectors = od_net_scratch(net), *block = vectors + j.c * (2 * node->in_count + 4);
        weighted_affine(&j, vectors);
        int64_t begin, end;
        od_thread_range((j.rows + ROW_BLOCK - 1) / ROW_BLOCK, net->threads, omp_get_thread_num(), &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * ROW_BLOCK, m = j.rows - row < ROW_BLOCK ? j.rows - row : ROW_BLOCK;
            float *y = net->value[node->out] + row * j.c;
            sum_rows(&j, vectors, row, m, block, y);
            if (node->act != OD_ACT_NONE) net->k->rows_affine_act(m, j.c, y, j.c, NULL, NULL, node->act, y, j.c);
        }
    }
}

/* Adds Σ du * in_i over the rows to dot[i], and weight_i * du to the inputs' gradients. block: the rows of one input. */
static void spread_gradient(const sum_job *j, const float *zeros, float *sums, int64_t row, int64_t rows, float *du, float *block, double *dot)
{
    const od_kernels *k = j->net->k;
    int64_t c = j->c;
    for (int i = 0; i < j->node->in_count; i++) {
        const od_source *s = &j->source[i];
        const float *x = s->data + row * c;
        int folds = s->scale && s->act == OD_ACT_NONE;
        if (dot) {
            if (s->scale && !folds) x = od_source_rows(s, row, rows, block);
            fill(sums, 2 * c, 0);
            od_act_grad g = {.x = x, .ldx = c, .mean = zeros, .sum_dz = sums, .sum_dzx = sums + c};
            k->rows_act_grad(rows, c, du, c, &g, du, c);
            double total = 0;
            for (int64_t ch = 0; ch < c; ch++)
                total += folds ? (double)s->scale[ch] * sums[c + ch] + (double)s->shift[ch] * sums[ch] : (double)sums[c + ch];
            dot[i] += total;
        }
        if (!j->dx[i]) continue;
        float *dx = j->dx[i] + row * c;
        fill(sums, c, j->w[i]);
        if (j->accumulate[i])
            k->rows_affine_act_add(rows, c, du, c, sums, NULL, OD_ACT_NONE, dx, c, dx, c);
        else
            k->rows_affine_act(rows, c, du, c, sums, NULL, OD_ACT_NONE, dx, c);
    }
}

/* From d(loss)/d(effective weight) to the variable's. */
static void add_weight_gradient(od_net *net, const od_node *node, const float *w, double normaliser, const double *dot)
{
    if (node->weights == OD_SUM_PLAIN || node->weights == OD_SUM_ATTENTION) return;
    const float *v = od_variables_value(net->vars, node->var[0]);
    float *g = od_variables_grad(net->vars, node->var[0]);
    double mean = 0;
    for (int i = 0; i < node->in_count; i++) mean += dot[i] * w[i];
    for (int i = 0; i < node->in_count; i++) {
        if (node->weights == OD_SUM_WEIGHTED)
            g[i] += (float)dot[i];
        else if (v[i] > 0)
            g[i] += (float)((dot[i] - mean) / normaliser);
    }
}

static void sum_backward(od_net *net, const od_node *node)
{
    sum_job j;
    job_init(&j, net, node);
    double normaliser = effective_weights(net, node, j.w), parts[OD_SUM_MAX] = {0};
    int wants_dot = node->weights == OD_SUM_WEIGHTED || node->weights == OD_SUM_FAST_ATTENTION;
    for (int i = 0; i < node->in_count; i++) {
        od_value v = node->in[i];
        if (!net->graph->values[v].needs_grad) continue;
        j.dx[i] = net->grad[v];
        j.accumulate[i] = net->grad_written[v];
        net->grad_written[v] = 1;
    }
    double *dots = (double *)net->node_state[node - net->graph->nodes]; /* [threads][OD_SUM_MAX] */
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        double dot[OD_SUM_MAX] = {0};
        float *vectors = od_net_scratch(net), *zeros = vectors + 2 * node->in_count * j.c, *sums = zeros + j.c;
        float *block = vectors + j.c * (2 * node->in_count + 4), *du = block + ROW_BLOCK * j.c;
        weighted_affine(&j, vectors);
        fill(zeros, j.c, 0);
        int64_t begin, end;
        od_thread_range((j.rows + ROW_BLOCK - 1) / ROW_BLOCK, net->threads, thread, &begin, &end);
        for (int64_t b = begin; b < end; b++) {
            int64_t row = b * ROW_BLOCK, m = j.rows - row < ROW_BLOCK ? j.rows - row : ROW_BLOCK;
            const float *dy = net->grad[node->out] + row * j.c;
            if (node->act != OD_ACT_NONE) {
                sum_rows(&j, vectors, row, m, block, du);
                od_act_grad g = {.x = du, .ldx = j.c, .act = node->act};
                net->k->rows_act_grad(m, j.c, dy, j.c, &g, du, j.c);
            } else {
                memcpy(du, dy, (size_t)(m * j.c) * sizeof *du);
            }
            spread_gradient(&j, zeros, sums, row, m, du, block, wants_dot ? dot : NULL);
        }
        memcpy(dots + thread * OD_SUM_MAX, dot, sizeof dot);
    }
    for (int t = 0; t < net->threads; t++)
        for (int i = 0; i < node->in_count; i++) parts[i] += dots[t * OD_SUM_MAX + i];
    add_weight_gradient(net, node, j.w, normaliser, parts);
}

static size_t sum_state(const od_net *net, const od_node *node)
{
    (void)node;
    return net->mode == OD_NET_TRAIN ? (size_t)net->threads * OD_SUM_MAX * sizeof(double) / sizeof(float) : 0;
}

static double sum_flops(const od_graph *g, const od_node *node)
{
    return 2.0 * node->in_count * (double)od_shape_size(g->values[node->out].shape);
}

const od_op od_op_weighted_sum = {
    .name = "weighted_sum",
    .flags = OD_OP_AFFINE_IN | OD_OP_BACKWARD_READS_IN,
    .shape = sum_shape,
    .scratch = sum_scratch,
    .state = sum_state,
    .forward = sum_forward,
    .backward = sum_backward,
    .flops = sum_flops,
};
