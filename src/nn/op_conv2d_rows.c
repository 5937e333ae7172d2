/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution as a stage of a chain: 1x1 as one product over all rows that lie behind one another, larger kernels row by row
 * straight from the input rows (gemm_segments), copied first where the kernel reaches over the image's sides.
 */
#include "nn/chain.h"
#include "nn/conv_winograd.h"

#include <string.h>

/* Taps times input channels up to which a larger kernel counts as a stem: beyond, the whole-value forward pass is better. */
enum { MAX_KERNEL = 16, MAX_K = 256 };

void od_part_columns(int64_t n, int part, int parts, int64_t *begin, int64_t *end)
{
    int64_t vectors = (n + 15) / 16;
    *begin = vectors * part / parts * 16;
    *end = vectors * (part + 1) / parts * 16;
    if (*end > n) *end = n;
}

static int pointwise(const od_conv_attrs *a)
{
    return a->kernel_h == 1 && a->kernel_w == 1 && a->stride == 1 && !a->pad_top && !a->pad_left;
}

int od_conv2d_rows_ok(const od_net *net, const od_node *node)
{
    if (od_conv_winograd_used(net, node)) return 0; /* works on bands of the whole value */
    const od_conv_attrs *a = &node->conv;
    int64_t k = (int64_t)a->kernel_h * a->kernel_w * net->graph->values[node->in[0]].shape.c;
    return pointwise(a) || (a->kernel_h <= MAX_KERNEL && a->dilation == 1 && k <= MAX_K);
}

int od_conv2d_adds_doubled(const od_net *net, const od_node *node)
{
    return od_conv2d_rows_ok(net, node) && pointwise(&node->conv);
}

typedef struct conv {
    const od_conv_attrs *a;
    od_tensor_shape in, out;
    const float *packed, *residual; /* residual: of the job's image */
    const float *doubled;           /* all of a residual of half the size, and its shape; NULL: none */
    od_tensor_shape half;
    od_gemm_post post;
} conv;

static conv conv_of(const od_net *net, const od_node *node, int64_t image)
{
    size_t index = (size_t)(node - net->graph->nodes);
    const od_fold *fold = &net->fold[index];
    conv c = {.a = &node->conv, .in = net->graph->values[node->in[0]].shape, .out = net->graph->values[node->out].shape, .packed = net->packed[index]};
    c.post = (od_gemm_post){.act = fold->act, .act_after = fold->act_after, .ldr = c.out.c};
    if (fold->bn >= 0) c.post.bias = net->folded_bias[index];
    else if (node->var[1] != OD_NO_VAR) c.post.bias = od_variables_value(net->vars, node->var[1]);
    if (fold->residual_doubled) {
        c.doubled = net->value[fold->residual];
        c.half = net->graph->values[fold->residual].shape;
    } else if (fold->residual != OD_NO_VALUE) c.residual = net->value[fold->residual] + image * c.out.h * c.out.w * c.out.c;
    return c;
}

static void post_at(conv *c, int64_t row, int64_t column)
{
    if (c->residual) c->post.residual = c->residual + row * c->out.w * c->out.c + column;
}

/* One output row [begin, end) of the columns, with half the rows and columns of the residual. A chain of this node alone counts the
 * rows of all images. */
static void doubled_row(const od_net *net, conv *c, const od_rows_job *job, int64_t y, int64_t begin, int64_t end)
{
    int64_t ch = c->out.c, row = job->image * c->out.h + y, image = row / c->out.h, from = row % c->out.h / 2;
    const float *half = c->doubled + (image * c->half.h + from) * c->half.w * ch;
    for (int64_t x = 0; x < c->out.w; x++) memcpy(job->scratch + x * ch, half + x / 2 * ch, (size_t)ch * sizeof *half);
    c->post.residual = job->scratch + begin;
    net->k->gemm(c->out.w, end - begin, c->in.c, od_rows_at(&job->in, y), c->in.c, c->packed, od_rows_at(&job->out, y) + begin, ch, 0,
                 &c->post);
}

static void pointwise_rows(const od_net *net, conv *c, const od_rows_job *job)
{
    int64_t begin = 0, end = c->out.c, k = c->in.c;
    if (job->parts > 1) {
        for (int p = 0; p < job->part; p++) {
            od_part_columns(c->out.c, p, job->parts, &begin, &end);
            c->packed += net->k->gemm_packed_size(k, end - begin);
        }
        od_part_columns(c->out.c, job->part, job->parts, &begin, &end);
        if (begin == end) return;
        if (c->post.bias) c->post.bias += begin;
    }
    if (c->doubled) {
        for (int64_t y = job->from; y < job->to; y++) doubled_row(net, c, job, y, begin, end);
        return;
    }
    for (int64_t y = job->from; y < job->to;) {
        int64_t rows = job->to - y, in_run = od_rows_run(&job->in, y), out_run = od_rows_run(&job->out, y);
        rows = rows < in_run ? rows : in_run;
        rows = rows < out_run ? rows : out_run;
        post_at(c, y, begin);
        net->k->gemm(rows * c->out.w, end - begin, k, od_rows_at(&job->in, y), k, c->packed, od_rows_at(&job->out, y) + begin, c->out.c, 0,
                     &c->post);
        y += rows;
    }
}

/* Pixels that an output row's taps reach, from the padding on the left on. */
static int64_t reached_width(const conv *c)
{
    return (c->out.w - 1) * c->a->stride + c->a->kernel_w;
}

size_t od_conv2d_rows_scratch(const od_net *net, const od_node *node, int64_t rows)
{
    od_tensor_shape out = net->graph->values[node->out].shape;
    if (pointwise(&node->conv)) return net->fold[node - net->graph->nodes].residual_doubled ? (size_t)(out.w * out.c) : 0;
    conv c = conv_of(net, node, 0);
    return (size_t)(((rows - 1) * c.a->stride + c.a->kernel_h) * reached_width(&c) * c.in.c);
}

/* Row y with zeros left and right, at `to`. */
static const float *padded_row(const conv *c, const od_rows *in, int64_t y, float *to)
{
    int64_t ch = c->in.c, width = reached_width(c), left = c->a->pad_left, right = width - left - c->in.w;
    if (left == 0 && right <= 0) return od_rows_at(in, y);
    int64_t inside = right > 0 ? c->in.w : width - left;
    memset(to, 0, (size_t)(left * ch) * sizeof *to);
    memcpy(to + left * ch, od_rows_at(in, y), (size_t)(inside * ch) * sizeof *to);
    if (right > 0) memset(to + (left + inside) * ch, 0, (size_t)(right * ch) * sizeof *to);
    return to;
}

static void kernel_rows(const od_net *net, conv *c, const od_rows_job *job)
{
    const od_conv_attrs *a = c->a;
    int64_t floats = reached_width(c) * c->in.c, top = job->from * a->stride - a->pad_top, ready = top;
    for (int64_t oy = job->from; oy < job->to; oy++) {
        const float *segments[MAX_KERNEL];
        int64_t first = oy * a->stride - a->pad_top;
        for (int ky = 0; ky < a->kernel_h; ky++) {
            int64_t y = first + ky;
            float *to = job->scratch + (y - top) * floats;
            int inside = y >= 0 && y < c->in.h;
            if (y >= ready && inside) segments[ky] = padded_row(c, &job->in, y, to);
            else segments[ky] = inside ? a->pad_left || floats > c->in.w * c->in.c ? to : od_rows_at(&job->in, y) : NULL;
        }
        ready = first + a->kernel_h;
        post_at(c, oy, 0);
        net->k->gemm_segments(c->out.w, c->out.c, a->kernel_w * c->in.c, a->kernel_h, segments, a->stride * c->in.c, c->packed,
                              od_rows_at(&job->out, oy), c->out.c, &c->post);
    }
}

void od_conv2d_forward_rows(const od_net *net, const od_node *node, const od_rows_job *job)
{
    conv c = conv_of(net, node, job->image);
    if (pointwise(c.a)) pointwise_rows(net, &c, job);
    else kernel_rows(net, &c, job);
}
