/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution: its shape and its forward pass, output row by output row. A ring of the last few input rows, normalised on
 * load or made by a fused expansion (expand.h), stays in cache. The backward pass: op_depthwise_backward.c.
 */
#include "nn/chain.h"
#include "nn/depthwise.h"
#include "nn/outlet.h"

#include <omp.h>
#include <string.h>

static od_status dw_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    const od_variable *w = &g->vars->items[node->var[0]];
    od_tensor_shape in = g->values[node->in[0]].shape;
    od_conv_attrs *a = &node->conv;
    if (w->rank != 4 || w->shape[0] != a->kernel_h || w->shape[1] != a->kernel_w || w->shape[2] != in.c || w->shape[3] != 1)
        return od_error_set(err, OD_ERR_MISMATCH, "the depthwise kernel's shape doesn't fit an input of %lld channels", (long long)in.c);
    if (a->kernel_h > OD_DW_MAX_KERNEL || a->kernel_w > OD_DW_MAX_KERNEL)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "depthwise kernels larger than %dx%d are not supported", OD_DW_MAX_KERNEL, OD_DW_MAX_KERNEL);
    if (a->dilation < 1) a->dilation = 1;
    if ((a->kernel_h - 1) * (int64_t)a->dilation >= OD_DW_MAX_RING)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "depthwise kernels that reach over more than %d rows are not supported", OD_DW_MAX_RING);
    od_conv_geometry(in.h, a->kernel_h, a->stride, a->dilation, a->padding, &out->h, &a->pad_top);
    od_conv_geometry(in.w, a->kernel_w, a->stride, a->dilation, a->padding, &out->w, &a->pad_left);
    out->n = in.n;
    out->c = in.c;
    if (out->h < 1 || out->w < 1)
        return od_error_set(err, OD_ERR_CONFIG, "the image is too small: %lldx%lld is left here; use a larger image_resizer", (long long)in.h, (long long)in.w);
    return OD_OK;
}

od_dw od_dw_of(const od_net *net, const od_node *node)
{
    const od_conv_attrs *a = &node->conv;
    od_dw d = {.a = a, .in = net->graph->values[node->in[0]].shape, .out = net->graph->values[node->out].shape};
    d.row = (od_dw_shape){d.in.c, d.in.w, d.out.w, a->kernel_h, a->kernel_w, a->stride, a->dilation, a->pad_left};
    d.reach = (int64_t)(a->kernel_h - 1) * a->dilation;
    d.in_floats = d.in.w * d.in.c;
    d.out_floats = d.out.w * d.out.c;
    d.expand = od_expand_before(net, node);
    d.keeps_z = d.expand && net->graph->nodes[d.expand->bn].bn.act > OD_ACT_RELU6;
    d.bands = d.in.n % net->threads == 0 ? 1 : d.out.h < 4 * net->threads ? 1 : net->threads;
    return d;
}

/* --- forward ---------------------------------------------------------------------------------------------------------------- */

/* The window's places: activated rows, behind an expansion's with the narrow ones that they are made of. */
static int64_t slot_floats(const od_dw *d)
{
    return d->expand ? od_expand_slot_floats(d->expand, d->in.w, 0) : d->in_floats;
}

static int64_t outlet_at(const od_dw *d)
{
    return ((d->reach + 1) * slot_floats(d) + 2 * d->in.c + 15) / 16 * 16;
}

/* Layout: window, sums, an outlet's two rows. */
static size_t dw_forward_scratch(const od_net *net, const od_node *node)
{
    od_dw d = od_dw_of(net, node);
    return (size_t)(outlet_at(&d) + od_outlet_scratch(net, od_shape_size(d.out), d.out_floats));
}

/* Where input rows come from: memory, or a fused expansion. */
typedef struct dw_input {
    od_source source;
    od_expand_job expand; /* .e NULL: none */
} dw_input;

static void load_inputs(od_dw_ring *r, const dw_input *in, int64_t image_row0, int64_t width, int64_t upto)
{
    for (; r->next < upto; r->next++) {
        int64_t slot = r->next % r->size, row = (image_row0 + r->next) * width;
        float *at = r->slots + slot * r->floats;
        if (in->expand.e) od_expand_rows(&in->expand, row, width, at);
        r->rows[slot] = in->expand.e ? at : od_source_rows(&in->source, row, width, at);
    }
}

/* Loads what output row oy needs and points `taps` at it. */
static void input_taps(const od_dw *d, od_dw_ring *r, const dw_input *in, int64_t n, int64_t oy, const float **taps)
{
    int64_t top = oy * d->a->stride - d->a->pad_top, bottom = top + d->reach + 1;
    if (r->next < top) r->next = top;
    load_inputs(r, in, n * d->in.h, d->in.w, od_dw_clamp(bottom, 0, d->in.h));
    for (int ky = 0; ky < d->a->kernel_h; ky++) {
        int64_t y = top + (int64_t)ky * d->a->dilation;
        taps[ky] = y < 0 || y >= d->in.h ? NULL : r->rows[y % r->size];
    }
}

/* The input rows that output row oy is the first to need. */
static od_ahead input_ahead(const od_dw *d, const od_source *s, int64_t n, int64_t oy)
{
    int64_t bottom = oy * d->a->stride - d->a->pad_top + d->reach + 1, from = od_dw_clamp(bottom - d->a->stride, 0, d->in.h), to = od_dw_clamp(bottom, 0, d->in.h);
    return od_source_ahead(s, (n * d->in.h + from) * d->in.w, (to - from) * d->in.w);
}

static void dw_forward(od_net *net, const od_node *node)
{
    od_dw d = od_dw_of(net, node);
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
        const float *rows[OD_DW_MAX_RING + 2], *taps[OD_DW_MAX_KERNEL];
        float *scratch = od_net_scratch(net), *sums = scratch + (d.reach + 1) * slot_floats(&d);
        od_outlet outlet = od_outlet_open(net, od_shape_size(d.out), d.out_floats, scratch + outlet_at(&d));
        od_gemm_post post = {.bias = bias, .act = fold->act, .claims = net->mode == OD_NET_TRAIN && !outlet.places};
        if (stats.partial) post.sum = sums, post.sumsq = sums + c;
        memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
        int64_t begin, end;
        od_thread_range(units, net->threads, thread, &begin, &end);
        for (int64_t u = begin; u < end; u++) {
            int64_t n = u / d.bands, from, to;
            od_thread_range(d.out.h, (int)d.bands, (int)(u % d.bands), &from, &to);
            od_dw_ring r = {scratch, rows, d.reach + 1, slot_floats(&d), od_dw_clamp(from * d.a->stride - d.a->pad_top, 0, d.in.h)};
            for (int64_t oy = from; oy < to; oy++) {
                input_taps(&d, &r, &input, n, oy, taps);
                if (!d.expand && oy + 1 < to) post.ahead[0] = input_ahead(&d, &input.source, n, oy + 1);
                float *out = y + (n * d.out.h + oy) * d.out_floats;
                post.behind = outlet.behind;
                net->k->dw_row(&d.row, taps, weights, od_outlet_place(&outlet, out), &post);
                od_outlet_done(&outlet, out, d.out_floats);
                if (stats.partial) od_fold_sums(stats.partial + thread * 2 * c, sums, 2 * c);
            }
        }
        od_outlet_close(&outlet);
    }
}

static size_t dw_scratch(const od_net *net, const od_node *node)
{
    size_t forward = dw_forward_scratch(net, node), backward = net->mode == OD_NET_TRAIN ? od_dw_backward_scratch(net, node) : 0;
    return forward > backward ? forward : backward;
}

static double dw_flops(const od_graph *g, const od_node *node)
{
    return 2.0 * (double)od_shape_size(g->values[node->out].shape) * node->conv.kernel_h * node->conv.kernel_w;
}

const od_op od_op_depthwise = {
    .name = "depthwise_conv2d",
    .flags = OD_OP_AFFINE_IN | OD_OP_GRAD_SINK | OD_OP_VIRTUAL_GRAD | OD_OP_EMITS_STATS | OD_OP_BACKWARD_READS_IN | OD_OP_FOLDS,
    .shape = dw_shape,
    .scratch = dw_scratch,
    .forward = dw_forward,
    .backward = od_dw_backward,
    .flops = dw_flops,
    .rows_ok = od_depthwise_rows_ok,
    .forward_rows = od_depthwise_forward_rows,
};
