/* SPDX-License-Identifier: Apache-2.0
 *
 * Concatenation: predictions of several levels [N,h_i,w_i,A*code] as [N, anchors, 1, code]; channels of equally large values.
 */
#include "nn/op.h"
#include "nn/rows_io.h"

#include <omp.h>

static od_status concat_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    int64_t code = node->conv.kernel_h, anchors = 0;
    for (int i = 0; i < node->in_count; i++) {
        od_tensor_shape s = g->values[node->in[i]].shape;
        if (s.c % code) return od_error_set(err, OD_ERR_INTERNAL, "%lld channels are no multiple of %lld", (long long)s.c, (long long)code);
        anchors += s.h * s.w * (s.c / code);
    }
    *out = (od_tensor_shape){g->values[node->in[0]].shape.n, anchors, 1, code};
    return OD_OK;
}

/* Copies every level's part of every image, towards the output or back. */
static void copy_levels(od_net *net, const od_node *node, int backward)
{
    od_tensor_shape out = net->graph->values[node->out].shape;
    int64_t image = out.h * out.c, offset = 0;
    for (int i = 0; i < node->in_count; i++) {
        od_value v = node->in[i];
        int64_t part = od_shape_size(net->graph->values[v].shape) / out.n;
        for (int64_t n = 0; n < out.n; n++) {
            if (!backward)
                memcpy(net->value[node->out] + n * image + offset, net->value[v] + n * part, (size_t)part * sizeof(float));
            else if (net->grad_written[v])
                net->k->add(part, net->grad[node->out] + n * image + offset, net->grad[v] + n * part);
            else
                memcpy(net->grad[v] + n * part, net->grad[node->out] + n * image + offset, (size_t)part * sizeof(float));
        }
        if (backward) net->grad_written[v] = 1;
        offset += part;
    }
}

static void concat_forward(od_net *net, const od_node *node)
{
    copy_levels(net, node, 0);
}

static void concat_backward(od_net *net, const od_node *node)
{
    copy_levels(net, node, 1);
}

const od_op od_op_concat_predictions = {
    .name = "concat_predictions",
    .shape = concat_shape,
    .forward = concat_forward,
    .backward = concat_backward,
};

/* --- channels side by side: [N,H,W,c_i] as [N,H,W,sum of c_i] ---------------------------------------------------------- */

static od_status channels_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    *out = g->values[node->in[0]].shape;
    for (int i = 1; i < node->in_count; i++) {
        od_tensor_shape s = g->values[node->in[i]].shape;
        if (s.n != out->n || s.h != out->h || s.w != out->w)
            return od_error_set(err, OD_ERR_CONFIG, "can't put [%lld,%lld,%lld] and [%lld,%lld,%lld] pixels side by side", (long long)out->n, (long long)out->h,
                                (long long)out->w, (long long)s.n, (long long)s.h, (long long)s.w);
        out->c += s.c;
    }
    return OD_OK;
}

/* Rows [row, row + rows) of one input, normalised on load, into the output's channels from `offset`. */
static void gather_channels(const od_source *s, int64_t row, int64_t rows, float *out, int64_t width)
{
    const float *from = s->data + row * s->c;
    if (s->scale)
        s->k->rows_affine_act(rows, s->c, from, s->c, s->scale, s->shift, s->act, out + row * width, width);
    else
        for (int64_t r = 0; r < rows; r++) memcpy(out + (row + r) * width, from + r * s->c, (size_t)s->c * sizeof *out);
}

static void channels_forward(od_net *net, const od_node *node)
{
    od_tensor_shape out = net->graph->values[node->out].shape;
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end, offset = 0;
        od_thread_range(od_shape_rows(out), net->threads, omp_get_thread_num(), &begin, &end);
        for (int i = 0; i < node->in_count; i++) {
            od_source s = od_net_source(net, node->in[i]);
            gather_channels(&s, begin, end - begin, net->value[node->out] + offset, out.c);
            offset += s.c;
        }
    }
}

static void channels_backward(od_net *net, const od_node *node)
{
    od_tensor_shape out = net->graph->values[node->out].shape;
    const float *dy = net->grad[node->out];
    for (int i = 0; i < node->in_count; i++) {
        od_value v = node->in[i];
        int64_t c = net->graph->values[v].shape.c;
        float *dx = net->grad[v];
        int accumulate = net->grad_written[v];
        if (net->graph->values[v].needs_grad) {
#pragma omp parallel for schedule(static) num_threads(net->threads)
            for (int64_t r = 0; r < od_shape_rows(out); r++) {
                if (accumulate)
                    net->k->add(c, dy + r * out.c, dx + r * c);
                else
                    memcpy(dx + r * c, dy + r * out.c, (size_t)c * sizeof *dx);
            }
            net->grad_written[v] = 1;
        }
        dy += c;
    }
}

const od_op od_op_concat_channels = {
    .name = "concat_channels",
    .flags = OD_OP_AFFINE_IN,
    .shape = channels_shape,
    .forward = channels_forward,
    .backward = channels_backward,
};
