/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution's backward pass, input row by input row: a ring of the output gradient's rows, batch norm's gradient taken on
 * load, stays in cache, and one kernel makes the row's gradient and its part of the weights'. An input row is thus needed once: stored
 * ones are normalised in the kernel's registers; those of a fused expansion (expand.h) are made, and their gradient is used up at once.
 */
#include "nn/depthwise.h"

#include <omp.h>

/* Where a thread's scratch holds what. */
typedef struct layout {
    size_t ring, sums, weights, bias, input, grad, product, total;
} layout;

static int64_t ring_rows(const od_dw *d)
{
    return d->reach / d->a->stride + 2;
}

/* input: a row, an expansion's with what it is made of; grad: the row's gradient. */
static layout layout_of(const od_dw *d)
{
    int64_t c = d->in.c;
    layout l = {0};
    l.sums = l.ring + (size_t)(ring_rows(d) * d->out_floats);
    l.weights = l.sums + (size_t)(2 * c);
    l.bias = l.weights + (size_t)(d->a->kernel_h * d->a->kernel_w * c);
    l.input = l.bias + (size_t)c;
    l.grad = l.input + (size_t)(d->expand ? od_expand_slot_floats(d->expand, d->in.w, d->keeps_z) : d->in_floats);
    l.product = l.grad + (size_t)d->in_floats;
    l.total = l.product + (size_t)(d->expand ? d->expand->k * c : 0);
    return l;
}

size_t od_dw_backward_scratch(const od_net *net, const od_node *node)
{
    od_dw d = od_dw_of(net, node);
    return layout_of(&d).total;
}

typedef struct backward_job {
    const od_net *net;
    od_dw d;
    layout at;
    od_source source;
    od_expand_job expand;
    od_grad_source grad;
    od_sink sink;
    const float *weights;
    int wants_input, wants_bias;
} backward_job;

/* One thread's place in a band. */
typedef struct band {
    od_dw_ring grads;
    float *scratch;
    int thread;
    int64_t image, from, to;                 /* input rows */
    const float *drows[OD_DW_MAX_KERNEL];    /* under each tap row of the input row at hand; NULL: none */
} band;

/* The output rows [first, end) that reach input row iy. */
static void outputs_reached(const od_dw *d, int64_t iy, int64_t *first, int64_t *end)
{
    int64_t stride = d->a->stride, bottom = iy + d->a->pad_top - d->reach;
    *first = bottom > 0 ? (bottom + stride - 1) / stride : 0;
    *end = od_dw_clamp((iy + d->a->pad_top) / stride + 1, 0, d->out.h);
}

/* Whether this band counts output row oy's gradient into the bias': the one with the first input row under its kernel. */
static int owns_output(const backward_job *job, const band *b, int64_t oy)
{
    int64_t iy = od_dw_clamp(oy * job->d.a->stride - job->d.a->pad_top, 0, job->d.in.h - 1);
    return iy >= b->from && iy < b->to;
}

static void load_grad_row(const backward_job *job, band *b)
{
    const od_dw *d = &job->d;
    od_dw_ring *r = &b->grads;
    int64_t slot = r->next % r->size;
    const float *row = od_grad_source_rows(&job->grad, (b->image * d->out.h + r->next) * d->out.w, d->out.w, r->slots + slot * r->floats);
    r->rows[slot] = row;
    for (int64_t x = 0; job->wants_bias && owns_output(job, b, r->next) && x < d->out.w; x++)
        job->net->k->add(d->in.c, row + x * d->in.c, b->scratch + job->at.bias);
    r->next++;
}

/* Loads what reaches input row iy and points drows at it; 0: nothing does. */
static int load_outputs(const backward_job *job, band *b, int64_t iy)
{
    const od_dw *d = &job->d;
    int64_t first, end;
    int any = 0;
    outputs_reached(d, iy, &first, &end);
    if (b->grads.next < first) b->grads.next = first;
    while (b->grads.next < end) load_grad_row(job, b);
    for (int ky = 0; ky < d->a->kernel_h; ky++) {
        int64_t t = iy + d->a->pad_top - (int64_t)ky * d->a->dilation, oy = t / d->a->stride;
        b->drows[ky] = t < 0 || t % d->a->stride || oy >= d->out.h ? NULL : b->grads.rows[oy % b->grads.size];
        any |= b->drows[ky] != NULL;
    }
    return any;
}

/* What loading for input row iy will read: the gradient, and what batch norm's needs of the output. The second may be empty. */
static void outputs_ahead(const backward_job *job, const band *b, int64_t iy, od_ahead ahead[2])
{
    const od_dw *d = &job->d;
    int64_t first, end, row = b->image * d->out.h + b->grads.next;
    ahead[0] = ahead[1] = (od_ahead){0};
    if (iy >= b->to) return;
    outputs_reached(d, iy, &first, &end);
    if (b->grads.next >= end) return;
    ahead[0] = (od_ahead){job->grad.dz + row * d->out_floats, d->out_floats};
    if (job->grad.x) ahead[1] = (od_ahead){job->grad.x + row * d->out_floats, d->out_floats};
}

/* The kernel's job, with what differs between stored and expanded inputs left out. */
static od_dw_grad grad_of(const backward_job *job, const band *b, float *dx)
{
    return (od_dw_grad){.drows = b->drows, .weights = job->weights, .dx = dx, .dweights = b->scratch + job->at.weights};
}

static void stored_row(const backward_job *job, band *b, int64_t iy)
{
    const od_dw *d = &job->d;
    const od_sink *sink = &job->sink;
    int64_t c = d->in.c, row = (b->image * d->in.h + iy) * d->in.w;
    float *sums = b->scratch + job->at.sums, *spare = b->scratch + job->at.grad, *into = job->wants_input ? sink->data + row * c : spare;
    od_dw_grad g = grad_of(job, b, job->wants_input && sink->accumulate ? spare : into);
    od_ahead ahead[OD_AHEADS] = {{0}};
    outputs_ahead(job, b, iy + 1, ahead);
    ahead[ahead[0].floats ? ahead[1].floats ? 2 : 1 : 0] = od_source_ahead(&job->source, row + d->in.w, iy + 1 < b->to ? d->in.w : 0);
    g.ahead = ahead;
    g.claims = g.dx != spare;
    if (job->source.scale && job->source.act <= OD_ACT_RELU6) { /* then the sink's batch norm, if it has one, is the source's */
        g.through = job->wants_input && sink->x && !sink->accumulate;
        g.in = g.through ? od_sink_act_grad(sink, row, sums) : (od_act_grad){.scale = job->source.scale, .shift = job->source.shift, .act = job->source.act};
        g.in.x = job->source.data + row * c;
    } else {
        g.in.x = od_source_rows(&job->source, row, d->in.w, b->scratch + job->at.input);
    }
    g.in.ldx = c;
    job->net->k->dw_row_grad(&d->row, &g);
    if (!job->wants_input) return;
    if (sink->accumulate) job->net->k->add(d->in_floats, spare, into);
    if (g.through) od_fold_sums(sink->partial + b->thread * 2 * c, sums, 2 * c);
    else od_sink_finish(sink, row, d->in.w, b->thread, sums);
}

static void expanded_row(const backward_job *job, const band *b, int64_t iy, int reached)
{
    const od_dw *d = &job->d;
    od_expand_job e = job->expand;
    int64_t row = (b->image * d->in.h + iy) * d->in.w, c = d->in.c;
    float *slot = b->scratch + job->at.input, *dy = b->scratch + job->at.grad, *sums = b->scratch + job->at.sums;
    od_ahead ahead[2];
    if (!reached) {
        if (e.input_grad && !e.accumulate) memset(e.input_grad + row * e.e->k, 0, (size_t)(d->in.w * e.e->k) * sizeof(float));
        return;
    }
    outputs_ahead(job, b, iy + 1, ahead);
    e.ahead = ahead[0];
    e.ahead_of_grad = ahead[1];
    od_expand_rows(&e, row, d->in.w, slot);
    od_act_grad through = od_expand_act_grad(&e, d->in.w, slot, sums);
    od_dw_grad g = grad_of(job, b, dy);
    g.through = !e.keeps_z;
    g.in = g.through ? through : (od_act_grad){.x = slot, .ldx = c};
    job->net->k->dw_row_grad(&d->row, &g);
    if (!g.through) job->net->k->rows_act_grad(d->in.w, c, dy, c, &through, dy, c);
    od_expand_grad_rows(&e, row, d->in.w, slot, dy, b->scratch + job->at.product);
    od_fold_sums(job->net->bn[e.e->bn].partial + b->thread * 2 * c, sums, c);
}

static void backward_band(const backward_job *job, int64_t unit, int thread, float *scratch)
{
    const od_dw *d = &job->d;
    const float *rows[OD_DW_MAX_RING + 2];
    band b = {.grads = {scratch + job->at.ring, rows, ring_rows(d), d->out_floats, 0}, .scratch = scratch, .thread = thread, .image = unit / d->bands};
    od_thread_range(d->in.h, (int)d->bands, (int)(unit % d->bands), &b.from, &b.to);
    for (int64_t iy = b.from; iy < b.to; iy++) {
        int reached = load_outputs(job, &b, iy);
        if (d->expand) expanded_row(job, &b, iy, reached);
        else stored_row(job, &b, iy);
    }
}

static void backward_units(const backward_job *job, int thread, float *scratch)
{
    const od_dw *d = &job->d;
    int64_t begin, end;
    memset(scratch + job->at.sums, 0, (job->at.input - job->at.sums) * sizeof *scratch);
    memset(scratch + job->at.product, 0, (job->at.total - job->at.product) * sizeof *scratch);
    od_thread_range(d->in.n * d->bands, job->net->threads, thread, &begin, &end);
    for (int64_t u = begin; u < end; u++) backward_band(job, u, thread, scratch);
}

void od_dw_backward(od_net *net, const od_node *node)
{
    backward_job job = {.net = net, .d = od_dw_of(net, node), .source = od_net_source(net, node->in[0]), .expand = od_expand_begin(net, node, 1),
                        .grad = od_net_grad_source(net, node->out), .weights = od_variables_value(net->vars, node->var[0]),
                        .wants_bias = node->var[1] != OD_NO_VAR};
    const od_dw *d = &job.d;
    job.at = layout_of(d);
    job.wants_input = net->graph->values[node->in[0]].needs_grad && !d->expand;
    if (job.wants_input) job.sink = od_net_sink(net, node->in[0]);
#pragma omp parallel num_threads(net->threads)
    backward_units(&job, omp_get_thread_num(), od_net_scratch(net));
    for (int t = 0; t < net->threads; t++) {
        const float *part = net->scratch + net->scratch_stride * (size_t)t;
        net->k->add((int64_t)(job.at.bias - job.at.weights), part + job.at.weights, od_variables_grad(net->vars, node->var[0]));
        if (job.wants_bias) net->k->add(d->in.c, part + job.at.bias, od_variables_grad(net->vars, node->var[1]));
    }
    if (d->expand) od_expand_end_backward(net, d->expand, net->scratch + job.at.product, net->scratch_stride);
}
