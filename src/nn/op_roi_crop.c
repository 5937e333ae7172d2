/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions of interest: bilinear crops of feature maps, max pooled at once, so that the crops themselves (four times the result)
 * are never stored. The backward pass samples again to find each maximum; threads share out channels, so that what two boxes add
 * to one pixel is added in the boxes' order, whatever the threads.
 */
#include "nn/rows_io.h"
#include "nn/roi.h"

#include <omp.h>

static od_tensor_shape shape_of(const od_net *net, od_value v)
{
    return net->graph->values[v].shape;
}

static od_status roi_shape(od_graph *g, od_node *node, od_tensor_shape *out, od_error *err)
{
    const od_roi_attrs *a = &node->roi;
    od_tensor_shape boxes = g->values[node->in[0]].shape, first = g->values[node->in[1]].shape;
    if (a->crop < 1 || a->crop > OD_ROI_MAX_CROP || a->pool < 1 || a->pool > a->crop || a->pool_stride < 1)
        return od_error_set(err, OD_ERR_CONFIG, "initial_crop_size %d, maxpool_kernel_size %d, maxpool_stride %d; expected a crop of 1 to %d and a window within it",
                            a->crop, a->pool, a->pool_stride, OD_ROI_MAX_CROP);
    for (int i = 1; i < node->in_count; i++) {
        od_tensor_shape s = g->values[node->in[i]].shape;
        if (s.c != first.c || s.n != first.n || boxes.n != s.n * a->boxes_each || boxes.c != 4)
            return od_error_set(err, OD_ERR_INTERNAL, "regions: levels of different channels, or boxes that don't fit the batch");
    }
    int64_t side = (a->crop - a->pool) / a->pool_stride + 1;
    *out = (od_tensor_shape){boxes.n, side, side, first.c};
    return OD_OK;
}

/* One box: its level's image [H,W,C], and its samples. */
typedef struct region {
    od_value level;
    int64_t image; /* floats before the image */
    int64_t row, c; /* floats a row; channels */
    od_roi_tap y[OD_ROI_MAX_CROP], x[OD_ROI_MAX_CROP];
} region;

static void locate(const od_net *net, const od_node *node, int64_t box, region *r)
{
    const float *b = net->value[node->in[0]] + 4 * box;
    r->level = node->in[1 + od_roi_level(b, node->in_count - 1, node->roi.image_ratio)];
    od_tensor_shape s = shape_of(net, r->level);
    r->c = s.c;
    r->row = s.w * s.c;
    r->image = box / node->roi.boxes_each * s.h * r->row;
    od_roi_taps(b[0], b[2], s.h, node->roi.crop, node->roi.matmul, r->y);
    od_roi_taps(b[1], b[3], s.w, node->roi.crop, node->roi.matmul, r->x);
}

static void blend(int64_t n, const float *restrict a, const float *restrict b, const float *restrict c, const float *restrict d, const float w[4],
                  float *restrict to)
{
    float wa = w[0], wb = w[1], wc = w[2], wd = w[3];
    for (int64_t i = 0; i < n; i++) to[i] = (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
}

static void weights_of(const od_roi_tap *y, const od_roi_tap *x, float w[4])
{
    for (int k = 0; k < 4; k++) w[k] = y->weight[k / 2] * x->weight[k % 2];
}

static int64_t pixel(const region *r, const od_roi_tap *y, const od_roi_tap *x, int k)
{
    return r->image + y->at[k / 2] * r->row + x->at[k % 2] * r->c;
}

/* n channels of sample (y, x) from channel `first` on. */
static void sample(const region *r, const float *features, int y, int x, int64_t first, int64_t n, float *to)
{
    const od_roi_tap *ty = &r->y[y], *tx = &r->x[x];
    float w[4];
    weights_of(ty, tx, w);
    features += first;
    blend(n, features + pixel(r, ty, tx, 0), features + pixel(r, ty, tx, 1), features + pixel(r, ty, tx, 2), features + pixel(r, ty, tx, 3), w, to);
}

static void keep_larger(int64_t n, const float *restrict x, float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] = ((x[i] > y[i]) | (x[i] != x[i])) ? x[i] : y[i];
}

/* Room for a window's samples, their maximum and the gradient that is left. */
static size_t roi_scratch(const od_net *net, const od_node *node)
{
    return (size_t)(node->roi.pool * node->roi.pool + 2) * (size_t)shape_of(net, node->out).c;
}

static void roi_forward(od_net *net, const od_node *node)
{
    od_tensor_shape out = shape_of(net, node->out);
    const od_roi_attrs *a = &node->roi;
#pragma omp parallel for schedule(static) num_threads(net->threads)
    for (int64_t box = 0; box < out.n; box++) {
        region r;
        locate(net, node, box, &r);
        float *to = net->value[node->out] + box * out.h * out.w * out.c, *extra = od_net_scratch(net);
        for (int64_t p = 0; p < out.h * out.w; p++, to += out.c)
            for (int k = 0; k < a->pool * a->pool; k++) {
                int y = (int)(p / out.w) * a->pool_stride + k / a->pool, x = (int)(p % out.w) * a->pool_stride + k % a->pool;
                sample(&r, net->value[r.level], y, x, 0, out.c, k ? extra : to);
                if (k) keep_larger(out.c, extra, to);
            }
    }
}

/* Where x is the maximum, it becomes the gradient in `rest`, which becomes 0; elsewhere it becomes 0. */
static void take(int64_t n, const float *restrict most, float *restrict rest, float *restrict x)
{
    for (int64_t i = 0; i < n; i++) {
        int is = x[i] == most[i];
        x[i] = is ? rest[i] : 0;
        rest[i] = is ? 0 : rest[i];
    }
}

static void add_scaled(int64_t n, float w, const float *restrict x, float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] += w * x[i];
}

static void scatter(const region *r, float *dx, int y, int x, int64_t first, int64_t n, const float *d)
{
    const od_roi_tap *ty = &r->y[y], *tx = &r->x[x];
    float w[4];
    weights_of(ty, tx, w);
    for (int k = 0; k < 4; k++)
        if (w[k] != 0) add_scaled(n, w[k], d, dx + first + pixel(r, ty, tx, k));
}

/* One result pixel's gradient dy[n] to where its channels' maxima came from. */
static void pixel_backward(const od_net *net, const od_node *node, const region *r, int top, int left, int64_t first, int64_t n, const float *dy, float *scratch)
{
    int pool = node->roi.pool, taps = pool * pool;
    if (taps == 1) {
        scatter(r, net->grad[r->level], top, left, first, n, dy);
        return;
    }
    float *most = scratch + taps * n, *rest = most + n;
    for (int k = 0; k < taps; k++) {
        sample(r, net->value[r->level], top + k / pool, left + k % pool, first, n, scratch + k * n);
        if (k) keep_larger(n, scratch + k * n, most);
        else memcpy(most, scratch, (size_t)n * sizeof *most);
    }
    memcpy(rest, dy, (size_t)n * sizeof *rest);
    for (int k = 0; k < taps; k++) {
        take(n, most, rest, scratch + k * n);
        scatter(r, net->grad[r->level], top + k / pool, left + k % pool, first, n, scratch + k * n);
    }
}

static void channels_backward(const od_net *net, const od_node *node, int64_t first, int64_t n)
{
    od_tensor_shape out = shape_of(net, node->out);
    int stride = node->roi.pool_stride;
    for (int64_t box = 0; n > 0 && box < out.n; box++) {
        region r;
        locate(net, node, box, &r);
        if (!net->graph->values[r.level].needs_grad) continue;
        const float *dy = net->grad[node->out] + box * out.h * out.w * out.c + first;
        for (int64_t p = 0; p < out.h * out.w; p++, dy += out.c)
            pixel_backward(net, node, &r, (int)(p / out.w) * stride, (int)(p % out.w) * stride, first, n, dy, od_net_scratch(net));
    }
}

static void roi_backward(od_net *net, const od_node *node)
{
    for (int i = 1; i < node->in_count; i++) {
        od_value v = node->in[i];
        if (!net->graph->values[v].needs_grad) continue;
        if (!net->grad_written[v]) memset(net->grad[v], 0, (size_t)od_shape_size(shape_of(net, v)) * sizeof(float));
        net->grad_written[v] = 1;
    }
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        od_thread_range_floats(shape_of(net, node->out).c, net->threads, omp_get_thread_num(), &begin, &end);
        channels_backward(net, node, begin, end - begin);
    }
}

static double roi_flops(const od_graph *g, const od_node *node)
{
    return 7.0 * (double)od_shape_size(g->values[node->out].shape) * node->roi.pool * node->roi.pool;
}

const od_op od_op_roi_crop = {
    .name = "roi_crop",
    .flags = OD_OP_BACKWARD_READS_IN,
    .shape = roi_shape,
    .scratch = roi_scratch,
    .forward = roi_forward,
    .backward = roi_backward,
    .flops = roi_flops,
};
