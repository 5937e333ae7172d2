/* SPDX-License-Identifier: Apache-2.0
 *
 * Squeeze and excitation (Hu et al., CVPR 2018) as EfficientNet has it: y = x * sigmoid(expand(swish(reduce(mean(x))))), the
 * mean over an image's pixels. One op rather than five, so that the big tensor is passed over twice in either direction:
 * once for the mean (or the gate's gradient), once for the product; a batch norm before it is normalised on load.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <math.h>
#include <omp.h>

static od_status check_variable(const od_graph *g, od_var v, int64_t in, int64_t out, const char *what, od_error *err)
{
    const od_variable *w = v == OD_NO_VAR ? NULL : &g->vars->items[v];
    if (w && w->size == in * out && w->shape[w->rank - 1] == out) return OD_OK;
    return od_error_set(err, OD_ERR_MISMATCH, "the squeeze-excite %s doesn't fit %lld inputs and %lld outputs", what, (long long)in, (long long)out);
}

static int64_t reduced(const od_graph *g, const od_node *node)
{
    return g->vars->items[node->var[1]].size;
}

static od_status se_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    if (node->var[1] == OD_NO_VAR) return od_error_set(err, OD_ERR_MISMATCH, "squeeze-excite needs biases");
    int64_t r = reduced(g, node);
    OD_TRY(check_variable(g, node->var[0], out->c, r, "reduce kernel", err));
    OD_TRY(check_variable(g, node->var[2], r, out->c, "expand kernel", err));
    return check_variable(g, node->var[3], 1, out->c, "expand bias", err);
}

typedef struct se {
    od_net *net;
    const od_node *node;
    od_source source;
    od_tensor_shape s;
    int64_t r, pixels, block, blocks;          /* pixels of an image; rows of a block; blocks of an image */
    float *mean, *hidden, *gate, *dgate, *dmean; /* [N,C], [N,R] before swish, [N,C]; gradients [N,C] */
} se;

static int64_t block_rows(int64_t c)
{
    int64_t rows = 24576 / c; /* two blocks in half of a usual L2 */
    return rows < 16 ? 16 : rows > 512 ? 512 : rows;
}

static se se_of(od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    se e = {.net = net, .node = node, .s = s, .r = reduced(net->graph, node), .pixels = s.h * s.w, .block = block_rows(s.c)};
    e.blocks = (e.pixels + e.block - 1) / e.block;
    e.source = od_net_source(net, node->in[0]);
    e.mean = net->node_state[node - net->graph->nodes];
    e.gate = e.mean + s.n * s.c;
    e.dgate = e.gate + s.n * s.c;
    e.dmean = e.dgate + s.n * s.c;
    e.hidden = e.dmean + s.n * s.c;
    return e;
}

static size_t se_state(const od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    return (size_t)(s.n * (4 * s.c + reduced(net->graph, node)));
}

/* Layout: two blocks, sums [2C], zeros [C], [N,C] doubles. */
static size_t se_scratch(const od_net *net, const od_node *node)
{
    od_tensor_shape s = net->graph->values[node->out].shape;
    return (size_t)(2 * block_rows(s.c) * s.c + 3 * s.c + 2 * s.n * s.c + 16);
}

typedef struct se_room {
    float *a, *b, *sums, *zeros;
    double *totals; /* [N,C] */
} se_room;

static se_room room_of(const se *e, int thread)
{
    int64_t floats = e->block * e->s.c;
    se_room m = {.a = e->net->scratch + e->net->scratch_stride * (size_t)thread};
    m.b = m.a + floats;
    m.sums = m.b + floats;
    m.zeros = m.sums + 2 * e->s.c;
    m.totals = (double *)(m.a + (2 * floats + 3 * e->s.c + 15) / 16 * 16);
    return m;
}

/* Calls `block` for every block of rows of every image (block never spans two), on all threads. */
typedef void (*se_block)(const se *e, const se_room *m, int64_t image, int64_t row, int64_t rows, int thread, void *extra);
static void over_blocks(const se *e, se_block block, void *extra)
{
#pragma omp parallel num_threads(e->net->threads)
    {
        int thread = omp_get_thread_num();
        se_room m = room_of(e, thread);
        memset(m.sums, 0, (size_t)(3 * e->s.c) * sizeof *m.sums);
        memset(m.totals, 0, (size_t)(e->s.n * e->s.c) * sizeof *m.totals);
        int64_t begin, end;
        od_thread_range(e->s.n * e->blocks, e->net->threads, thread, &begin, &end);
        for (int64_t u = begin; u < end; u++) {
            int64_t first = u % e->blocks * e->block, rows = e->pixels - first < e->block ? e->pixels - first : e->block;
            block(e, &m, u / e->blocks, u / e->blocks * e->pixels + first, rows, thread, extra);
        }
    }
}

/* The threads' totals of image n, channel c, times `factor`, in order. */
static void collect(const se *e, double factor, float *out)
{
    for (int64_t i = 0; i < e->s.n * e->s.c; i++) {
        double sum = 0;
        for (int t = 0; t < e->net->threads; t++) sum += room_of(e, t).totals[i];
        out[i] = (float)(sum * factor);
    }
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

/* y[out] = bias + x[in] * w[in,out] */
static void affine(int64_t in, int64_t out, const float *x, const float *w, const float *bias, float *y)
{
    memcpy(y, bias, (size_t)out * sizeof *y);
    for (int64_t i = 0; i < in; i++)
        for (int64_t o = 0; o < out; o++) y[o] += x[i] * w[i * out + o];
}

/* dx[in] = w[in,out] dy[out]; dw += x dy; db += dy */
static void affine_grad(int64_t in, int64_t out, const float *x, const float *w, const float *dy, float *dx, float *dw, float *db)
{
    for (int64_t i = 0; i < in; i++) {
        float sum = 0;
        for (int64_t o = 0; o < out; o++) {
            sum += w[i * out + o] * dy[o];
            dw[i * out + o] += x[i] * dy[o];
        }
        dx[i] = sum;
    }
    for (int64_t o = 0; o < out; o++) db[o] += dy[o];
}

static const float *variable(const se *e, int i)
{
    return od_variables_value(e->net->vars, e->node->var[i]);
}

static float *gradient(const se *e, int i)
{
    return od_variables_grad(e->net->vars, e->node->var[i]);
}

/* Room for one image's [R] and [C] in the scratch of thread 0. */
static void compute_gates(const se *e)
{
    float *activated = room_of(e, 0).a;
    for (int64_t n = 0; n < e->s.n; n++) {
        float *hidden = e->hidden + n * e->r, *gate = e->gate + n * e->s.c;
        affine(e->s.c, e->r, e->mean + n * e->s.c, variable(e, 0), variable(e, 1), hidden);
        for (int64_t i = 0; i < e->r; i++) activated[i] = hidden[i] * sigmoid(hidden[i]);
        affine(e->r, e->s.c, activated, variable(e, 2), variable(e, 3), gate);
        for (int64_t i = 0; i < e->s.c; i++) gate[i] = sigmoid(gate[i]);
    }
}

/* From dgate to dmean, and the variables' gradients. */
static void gates_backward(const se *e)
{
    int64_t c = e->s.c;
    float *activated = room_of(e, 0).a, *dactivated = activated + e->r;
    for (int64_t n = 0; n < e->s.n; n++) {
        const float *hidden = e->hidden + n * e->r, *gate = e->gate + n * c;
        float *dgate = e->dgate + n * c;
        for (int64_t i = 0; i < c; i++) dgate[i] *= gate[i] * (1 - gate[i]);
        for (int64_t i = 0; i < e->r; i++) activated[i] = hidden[i] * sigmoid(hidden[i]);
        affine_grad(e->r, c, activated, variable(e, 2), dgate, dactivated, gradient(e, 2), gradient(e, 3));
        for (int64_t i = 0; i < e->r; i++) {
            float s = sigmoid(hidden[i]);
            dactivated[i] *= s * (1 + hidden[i] * (1 - s));
        }
        affine_grad(c, e->r, e->mean + n * c, variable(e, 0), dactivated, e->dmean + n * c, gradient(e, 0), gradient(e, 1));
    }
}

static void mean_block(const se *e, const se_room *m, int64_t image, int64_t row, int64_t rows, int thread, void *extra)
{
    (void)thread, (void)extra;
    const float *x = od_source_rows(&e->source, row, rows, m->a);
    e->net->k->rows_stats(rows, e->s.c, x, e->s.c, m->sums, m->sums + e->s.c);
    od_fold_sums(m->totals + image * e->s.c, m->sums, e->s.c);
}

static void product_block(const se *e, const se_room *m, int64_t image, int64_t row, int64_t rows, int thread, void *extra)
{
    (void)thread, (void)extra;
    const float *x = od_source_rows(&e->source, row, rows, m->a);
    e->net->k->rows_affine_act(rows, e->s.c, x, e->s.c, e->gate + image * e->s.c, NULL, OD_ACT_NONE, e->net->value[e->node->out] + row * e->s.c, e->s.c);
}

static void se_forward(od_net *net, const od_node *node)
{
    se e = se_of(net, node);
    over_blocks(&e, mean_block, NULL);
    collect(&e, 1 / (double)e.pixels, e.mean);
    compute_gates(&e);
    over_blocks(&e, product_block, NULL);
}

/* dgate = Σ dy * x */
static void gate_grad_block(const se *e, const se_room *m, int64_t image, int64_t row, int64_t rows, int thread, void *extra)
{
    (void)thread, (void)extra;
    int64_t c = e->s.c;
    float *dy = e->net->grad[e->node->out] + row * c;
    od_act_grad g = {.x = od_source_rows(&e->source, row, rows, m->a), .ldx = c, .mean = m->zeros, .sum_dzx = m->sums + c};
    e->net->k->rows_act_grad(rows, c, dy, c, &g, m->b, c);
    od_fold_sums(m->totals + image * c, m->sums + c, c);
    memset(m->sums, 0, (size_t)c * sizeof *m->sums);
}

/* dx = dy * gate + dmean / pixels */
static void input_grad_block(const se *e, const se_room *m, int64_t image, int64_t row, int64_t rows, int thread, void *extra)
{
    od_sink *sink = extra;
    int64_t c = e->s.c;
    const float *dy = e->net->grad[e->node->out] + row * c, *gate = e->gate + image * c, *shift = e->dmean + image * c;
    float *dx = sink->data + row * c;
    if (sink->accumulate)
        e->net->k->rows_affine_act_add(rows, c, dy, c, gate, shift, OD_ACT_NONE, dx, c, dx, c);
    else
        e->net->k->rows_affine_act(rows, c, dy, c, gate, shift, OD_ACT_NONE, dx, c);
    od_sink_finish(sink, row, rows, thread, m->sums);
}

static void se_backward(od_net *net, const od_node *node)
{
    se e = se_of(net, node);
    over_blocks(&e, gate_grad_block, NULL);
    collect(&e, 1, e.dgate);
    gates_backward(&e);
    if (!net->graph->values[node->in[0]].needs_grad) return;
    for (int64_t i = 0; i < e.s.n * e.s.c; i++) e.dmean[i] /= (float)e.pixels;
    od_sink sink = od_net_sink(net, node->in[0]);
    over_blocks(&e, input_grad_block, &sink);
}

static double se_flops(const od_graph *g, const od_node *node)
{
    od_tensor_shape s = g->values[node->out].shape;
    return 2.0 * (double)od_shape_size(s) + 4.0 * (double)(s.n * s.c * reduced(g, node));
}

const od_op od_op_squeeze_excite = {
    .name = "squeeze_excite",
    .flags = OD_OP_AFFINE_IN | OD_OP_GRAD_SINK | OD_OP_BACKWARD_READS_IN,
    .shape = se_shape,
    .scratch = se_scratch,
    .state = se_state,
    .forward = se_forward,
    .backward = se_backward,
    .flops = se_flops,
};
