/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution, row by row: rings of the last few input and gradient rows, normalised on load, stay in cache.
 * The unit of work is a band of output rows of one image; a band owns the input-gradient rows that its output rows are
 * the last to reach. Where the input is a fused expansion (expand.h) its rows are computed into the ring, and their gradient goes on
 * to the expansion's input at once.
 */
#include "nn/chain.h"
#include "nn/expand.h"
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>
#include <string.h>

enum { MAX_KERNEL = 16, MAX_RING = 126 };

static od_status dw_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    const od_variable *w = &g->vars->items[node->var[0]];
    od_tensor_shape in = g->values[node->in[0]].shape;
    od_conv_attrs *a = &node->conv;
    if (w->rank != 4 || w->shape[0] != a->kernel_h || w->shape[1] != a->kernel_w || w->shape[2] != in.c || w->shape[3] != 1)
        return od_error_set(err, OD_ERR_MISMATCH, "the depthwise kernel's shape doesn't fit an input of %lld channels", (long long)in.c);
    if (a->kernel_h > MAX_KERNEL || a->kernel_w > MAX_KERNEL)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "depthwise kernels larger than %dx%d are not supported", MAX_KERNEL, MAX_KERNEL);
    if (a->dilation < 1) a->dilation = 1;
    if ((a->kernel_h - 1) * (int64_t)a->dilation >= MAX_RING)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "depthwise kernels that reach over more than %d rows are not supported", MAX_RING);
    od_conv_geometry(in.h, a->kernel_h, a->stride, a->dilation, a->padding, &out->h, &a->pad_top);
    od_conv_geometry(in.w, a->kernel_w, a->stride, a->dilation, a->padding, &out->w, &a->pad_left);
    out->n = in.n;
    out->c = in.c;
    if (out->h < 1 || out->w < 1)
        return od_error_set(err, OD_ERR_CONFIG, "the image is too small: %lldx%lld is left here; use a larger image_resizer", (long long)in.h, (long long)in.w);
    return OD_OK;
}

typedef struct dw {
    const od_conv_attrs *a;
    od_tensor_shape in, out;
    od_dw_shape row;
    int64_t in_ring, grad_ring;   /* rows kept */
    int64_t in_floats, out_floats; /* of a row */
    int64_t slot_floats;          /* of a place in the input ring */
    const od_expand *expand;      /* NULL: the input is stored */
    int64_t bands;                /* of an image */
} dw;

static dw dw_of(const od_net *net, const od_node *node)
{
    const od_conv_attrs *a = &node->conv;
    dw d = {.a = a, .in = net->graph->values[node->in[0]].shape, .out = net->graph->values[node->out].shape};
    d.row = (od_dw_shape){d.in.c, d.in.w, d.out.w, a->kernel_h, a->kernel_w, a->stride, a->dilation, a->pad_left};
    int64_t reach = (int64_t)(a->kernel_h - 1) * a->dilation;
    d.in_ring = reach + 1;
    d.grad_ring = reach / a->stride + 2;
    d.in_floats = d.in.w * d.in.c;
    d.out_floats = d.out.w * d.out.c;
    d.expand = od_expand_before(net, node);
    d.slot_floats = d.expand ? od_expand_slot_floats(d.expand, d.in.w, net->graph->nodes[d.expand->bn].bn.act > OD_ACT_RELU6) : d.in_floats;
    d.bands = d.in.n % net->threads == 0 ? 1 : d.out.h < 4 * net->threads ? 1 : net->threads;
    return d;
}

/* Layout: input ring, gradient ring, sums, this thread's weight and bias gradient. */
static size_t dw_scratch(const od_net *net, const od_node *node)
{
    dw d = dw_of(net, node);
    int64_t c = d.in.c, floats = d.in_ring * d.slot_floats + 4 * c;
    if (net->mode == OD_NET_TRAIN) floats += d.grad_ring * d.out_floats + (int64_t)d.a->kernel_h * d.a->kernel_w * c + c;
    return (size_t)floats;
}

/* A window on image rows: `last` rows have been loaded; row y lies in slot y % size when it had to be transformed. */
typedef struct ring {
    float *slots;
    const float **rows; /* [size] */
    int64_t size, floats, next; /* next: first row not loaded yet */
} ring;

/* Where input rows come from: memory, or a fused expansion. */
typedef struct dw_input {
    od_source source;
    od_expand_job expand; /* .e NULL: none */
} dw_input;

static void ring_load_input(ring *r, const dw_input *in, int64_t image_row0, int64_t width, int64_t upto)
{
    for (; r->next < upto; r->next++) {
        int64_t slot = r->next % r->size, row = (image_row0 + r->next) * width;
        float *at = r->slots + slot * r->floats;
        if (in->expand.e) od_expand_rows(&in->expand, row, width, at);
        r->rows[slot] = in->expand.e ? at : od_source_rows(&in->source, row, width, at);
    }
}

static void ring_load_grad(ring *r, const od_grad_source *g, int64_t image_row0, int64_t width, int64_t upto)
{
    for (; r->next < upto; r->next++) {
        int64_t slot = r->next % r->size;
        r->rows[slot] = od_grad_source_rows(g, (image_row0 + r->next) * width, width, r->slots + slot * r->floats);
    }
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Loads what output row oy needs and points `taps` at it. */
static void input_taps(const dw *d, ring *r, const dw_input *in, int64_t n, int64_t oy, const float **taps)
{
    int64_t top = oy * d->a->stride - d->a->pad_top, bottom = top + d->in_ring;
    if (r->next < top) r->next = top;
    ring_load_input(r, in, n * d->in.h, d->in.w, clamp(bottom, 0, d->in.h));
    for (int ky = 0; ky < d->a->kernel_h; ky++) {
        int64_t y = top + (int64_t)ky * d->a->dilation;
        taps[ky] = y < 0 || y >= d->in.h ? NULL : r->rows[y % r->size];
    }
}

/* The input rows that output row oy is the first to need. */
static od_ahead input_ahead(const dw *d, const od_source *s, int64_t n, int64_t oy)
{
    int64_t bottom = oy * d->a->stride - d->a->pad_top + d->in_ring, from = clamp(bottom - d->a->stride, 0, d->in.h), to = clamp(bottom, 0, d->in.h);
    return od_source_ahead(s, (n * d->in.h + from) * d->in.w, (to - from) * d->in.w);
}

static void dw_forward(od_net *net, const od_node *node)
{
    dw d = dw_of(net, node);
    size_t index = (size_t)(node - net->graph->nodes);
    const od_fold *fold = &net->fold[index];
    dw_input input = {od_net_source(net, node->in[0]), od_expand_begin(net, node, 0)};
    od_stats stats = od_net_stats(net, node);
    const float *weights = fold->bn >= 0 ? net->packed[index] : od_variables_value(net->vars, node->var[0]);
    const float *bias = node->var[1] == OD_NO_VAR ? NULL : od_variables_value(net->vars, node->var[1]);
    if (fold->bn >= 0) bias = net->folded_bias[index];
    float *y = net->value[fold->out];
    int64_t units = d.in.n * d.bands, c = d.in.c;
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        const float *rows[MAX_RING + 2], *taps[MAX_KERNEL];
        float *scratch = od_net_scratch(net), *sums = scratch + d.in_ring * d.slot_floats;
        od_gemm_post post = {.bias = bias, .act = fold->act};
        if (stats.partial) post.sum = sums, post.sumsq = sums + c;
        memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
        int64_t begin, end;
        od_thread_range(units, net->threads, thread, &begin, &end);
        for (int64_t u = begin; u < end; u++) {
            int64_t n = u / d.bands, from, to;
            od_thread_range(d.out.h, (int)d.bands, (int)(u % d.bands), &from, &to);
            ring r = {scratch, rows, d.in_ring, d.slot_floats, clamp(from * d.a->stride - d.a->pad_top, 0, d.in.h)};
            for (int64_t oy = from; oy < to; oy++) {
                input_taps(&d, &r, &input, n, oy, taps);
                if (!d.expand && oy + 1 < to) post.ahead[0] = input_ahead(&d, &input.source, n, oy + 1);
                net->k->dw_row(&d.row, taps, weights, y + (n * d.out.h + oy) * d.out_floats, &post);
                if (stats.partial) od_fold_sums(stats.partial + thread * 2 * c, sums, 2 * c);
            }
        }
    }
}

/* The input-gradient rows whose last output row is `oy` (all the remaining ones for the image's last). */
static void owned_rows(const dw *d, int64_t oy, int64_t *from, int64_t *to)
{
    *from = oy == 0 ? 0 : clamp(oy * d->a->stride - d->a->pad_top, 0, d->in.h);
    *to = oy == d->out.h - 1 ? d->in.h : clamp((oy + 1) * d->a->stride - d->a->pad_top, 0, d->in.h);
}

/* `through`: the activation's gradient where the row isn't added to others, or NULL. */
static void input_grad_row(const dw *d, const od_net *net, const ring *grads, const float *weights, const od_sink *sink, int64_t n, int64_t iy,
                           float *spare, const od_act_grad *through)
{
    const float *taps[MAX_KERNEL];
    for (int ky = 0; ky < d->a->kernel_h; ky++) {
        int64_t t = iy + d->a->pad_top - (int64_t)ky * d->a->dilation, oy = t / d->a->stride;
        taps[ky] = t < 0 || t % d->a->stride || oy >= d->out.h ? NULL : grads->rows[oy % grads->size];
    }
    float *dx = sink->data + (n * d->in.h + iy) * d->in_floats;
    net->k->dw_row_grad_in(&d->row, taps, weights, sink->accumulate ? spare : dx, through);
    if (sink->accumulate) net->k->add(d->in_floats, spare, dx);
}

typedef struct dw_backward_job {
    dw d;
    dw_input input;
    od_grad_source grad;
    od_sink sink;
    const float *weights;
    int wants_input, wants_bias;
} dw_backward_job;

/* Row iy of a stored input's gradient. sums: 2 * C floats, zero, left zero. */
static void stored_grad_row(const dw_backward_job *job, const od_net *net, const ring *grads, int64_t n, int64_t iy, int thread, float *sums, float *spare)
{
    const od_sink *sink = &job->sink;
    int64_t row = (n * job->d.in.h + iy) * job->d.in.w;
    int at_once = sink->x && !sink->accumulate;
    od_act_grad through = at_once ? od_sink_act_grad(sink, row, sums) : (od_act_grad){0};
    input_grad_row(&job->d, net, grads, job->weights, sink, n, iy, spare, at_once ? &through : NULL);
    if (at_once) od_fold_sums(sink->partial + thread * 2 * sink->c, sums, 2 * sink->c);
    else od_sink_finish(sink, row, job->d.in.w, thread, sums);
}

/* The same for a fused expansion: row iy's part of everything that its gradient goes into. `dy`: the spare row, then the expansion's weight
 * gradient [K, C] and zeros [C]. Rows that no output row reaches are not in the ring, and their gradient is zero. */
static void expand_grad_row(const dw_backward_job *job, const od_expand_job *e, const od_net *net, const ring *in, const ring *grads, int64_t n, int64_t iy, int thread,
                            float *sums, float *dy)
{
    const dw *d = &job->d;
    int64_t row = (n * d->in.h + iy) * d->in.w;
    od_sink spare = {.data = dy - row * d->in.c};
    if (iy >= in->next || iy < in->next - in->size) {
        if (e->input_grad && !e->accumulate) memset(e->input_grad + row * e->e->k, 0, (size_t)(d->in.w * e->e->k) * sizeof *dy);
        return;
    }
    float *product = dy + d->in_floats;
    od_act_grad through = od_expand_act_grad(e, d->in.w, in->rows[iy % in->size], sums);
    input_grad_row(d, net, grads, job->weights, &spare, n, iy, NULL, &through);
    od_expand_grad_rows(e, row, d->in.w, in->rows[iy % in->size], dy, product);
    od_fold_sums(net->bn[e->e->bn].partial + thread * 2 * d->in.c, sums, d->in.c);
}

/* The gradient of the next output row, which ring_load_grad reads, for the expansion's products of this one. */
static void fetch_grad_row(const dw_backward_job *job, int64_t row, int there, od_expand_job *e)
{
    const od_grad_source *g = &job->grad;
    int64_t at = row * job->d.out_floats, floats = there ? job->d.out_floats : 0;
    e->ahead = (od_ahead){g->dz + at, floats};
    e->ahead_of_grad = g->x ? (od_ahead){g->x + at, floats} : (od_ahead){0};
}

/* What the next output row reads: its gradient, what batch norm's needs of the output, the input rows under it that are new. */
static void fetch_next_row(const dw_backward_job *job, int64_t n, int64_t oy, int64_t end, od_ahead ahead[OD_AHEADS])
{
    const dw *d = &job->d;
    const od_grad_source *g = &job->grad;
    if (oy >= end) return;
    int64_t at = (n * d->out.h + oy) * d->out_floats;
    *ahead++ = (od_ahead){g->dz + at, d->out_floats};
    if (g->x) *ahead++ = (od_ahead){g->x + at, d->out_floats};
    *ahead = input_ahead(d, &job->input.source, n, oy);
}

static void backward_band(const od_net *net, dw_backward_job *job, int64_t unit, int thread, float *scratch)
{
    dw *d = &job->d;
    const float *in_rows[MAX_RING + 2], *grad_rows[MAX_RING + 2], *taps[MAX_KERNEL];
    int64_t n = unit / d->bands, from, to, c = d->in.c;
    float *grads_at = scratch + d->in_ring * d->slot_floats, *sums = grads_at + d->grad_ring * d->out_floats, *dweights = sums + 4 * c;
    float *dbias = dweights + (int64_t)d->a->kernel_h * d->a->kernel_w * c;
    od_thread_range(d->out.h, (int)d->bands, (int)(unit % d->bands), &from, &to);
    int64_t halo = (int64_t)(d->a->kernel_h - 1) * d->a->dilation / d->a->stride + 1;
    ring in = {scratch, in_rows, d->in_ring, d->slot_floats, clamp(from * d->a->stride - d->a->pad_top, 0, d->in.h)};
    ring grads = {grads_at, grad_rows, d->grad_ring, d->out_floats, clamp(from - halo + 1, 0, d->out.h)};
    dw_input input = job->input;
    for (int64_t oy = from; oy < to; oy++) {
        ring_load_grad(&grads, &job->grad, n * d->out.h, d->out.w, oy + 1);
        fetch_grad_row(job, n * d->out.h + oy + 1, oy + 1 < to, &input.expand);
        input_taps(d, &in, &input, n, oy, taps);
        const float *drow = grad_rows[oy % grads.size];
        od_ahead ahead[OD_AHEADS] = {{0}};
        if (!d->expand) fetch_next_row(job, n, oy + 1, to, ahead);
        net->k->dw_row_grad_weights(&d->row, taps, drow, dweights, ahead);
        for (int64_t x = 0; job->wants_bias && x < d->out.w; x++) net->k->add(c, drow + x * c, dbias);
        if (!job->wants_input && !d->expand) continue;
        int64_t first, last;
        owned_rows(d, oy, &first, &last);
        for (int64_t iy = first; iy < last; iy++) {
            if (d->expand) {
                expand_grad_row(job, &input.expand, net, &in, &grads, n, iy, thread, sums, dbias + c); /* the spare row lies behind the bias */
                continue;
            }
            stored_grad_row(job, net, &grads, n, iy, thread, sums, dbias + c);
        }
    }
}

/* Training scratch with one spare row at the end, for accumulated gradients, and what expand_grad_row needs. */
static size_t dw_scratch_all(const od_net *net, const od_node *node)
{
    dw d = dw_of(net, node);
    size_t expand = d.expand ? (size_t)(d.expand->k * d.expand->c + d.expand->c) : 0;
    return dw_scratch(net, node) + (net->mode == OD_NET_TRAIN ? (size_t)d.in_floats + expand : 0);
}

static void dw_backward(od_net *net, const od_node *node)
{
    dw_backward_job job = {.d = dw_of(net, node), .grad = od_net_grad_source(net, node->out)};
    job.input = (dw_input){od_net_source(net, node->in[0]), od_expand_begin(net, node, 1)};
    job.wants_input = net->graph->values[node->in[0]].needs_grad && !job.d.expand;
    job.wants_bias = node->var[1] != OD_NO_VAR;
    job.weights = od_variables_value(net->vars, node->var[0]);
    if (job.wants_input) job.sink = od_net_sink(net, node->in[0]);
    dw *d = &job.d;
    int64_t c = d->in.c, weights = (int64_t)d->a->kernel_h * d->a->kernel_w * c, units = d->in.n * d->bands;
    size_t sums_at = (size_t)(d->in_ring * d->slot_floats + d->grad_ring * d->out_floats), weights_at = sums_at + (size_t)(4 * c);
    size_t product_at = weights_at + (size_t)(weights + c + d->in_floats);
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        float *scratch = od_net_scratch(net);
        memset(scratch + sums_at, 0, (size_t)(4 * c + weights + c) * sizeof *scratch);
        if (d->expand) memset(scratch + product_at, 0, (size_t)(d->expand->k * c + c) * sizeof *scratch);
        int64_t begin, end;
        od_thread_range(units, net->threads, thread, &begin, &end);
        for (int64_t u = begin; u < end; u++) backward_band(net, &job, u, thread, scratch);
    }
    for (int t = 0; t < net->threads; t++) {
        const float *part = net->scratch + net->scratch_stride * (size_t)t + weights_at;
        net->k->add(weights, part, od_variables_grad(net->vars, node->var[0]));
        if (job.wants_bias) net->k->add(c, part + weights, od_variables_grad(net->vars, node->var[1]));
    }
    if (d->expand) od_expand_end_backward(net, d->expand, net->scratch + product_at, net->scratch_stride);
}

static double dw_flops(const od_graph *g, const od_node *node)
{
    return 2.0 * (double)od_shape_size(g->values[node->out].shape) * node->conv.kernel_h * node->conv.kernel_w;
}

const od_op od_op_depthwise = {
    .name = "depthwise_conv2d",
    .flags = OD_OP_AFFINE_IN | OD_OP_GRAD_SINK | OD_OP_VIRTUAL_GRAD | OD_OP_EMITS_STATS | OD_OP_BACKWARD_READS_IN | OD_OP_FOLDS,
    .shape = dw_shape,
    .scratch = dw_scratch_all,
    .forward = dw_forward,
    .backward = dw_backward,
    .flops = dw_flops,
    .rows_ok = od_depthwise_rows_ok,
    .forward_rows = od_depthwise_forward_rows,
};
