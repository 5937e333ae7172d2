/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/conv_winograd.h"

#include "nn/rows_io.h"

#include <omp.h>
#include <string.h>

enum { PLACES = OD_WINOGRAD_PLACES };
#define BAND_FLOATS ((int64_t)6 << 20) /* of transformed inputs and products: 24 MB, which a third-level cache holds */

typedef struct wino {
    od_net *net;
    const od_node *node;
    od_tensor_shape in, out;      /* the same height and width */
    int64_t tiles_h, tiles_w;     /* of an image */
    int64_t tile_rows, band;      /* tile rows of all images, and of one band */
    int64_t strip_w;              /* pixels of a strip: the tiles' columns and one on both sides */
} wino;

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static wino wino_of(const od_net *net, const od_node *node)
{
    wino w = {.net = (od_net *)net, .node = node, .in = net->graph->values[node->in[0]].shape, .out = net->graph->values[node->out].shape};
    w.tiles_h = (w.out.h + 3) / 4;
    w.tiles_w = (w.out.w + 3) / 4;
    w.tile_rows = w.out.n * w.tiles_h;
    w.strip_w = 4 * w.tiles_w + 2;
    int64_t most = max64(BAND_FLOATS / (PLACES * w.tiles_w * (w.in.c + w.out.c)), net->threads);
    int64_t bands = (w.tile_rows + most - 1) / most;
    w.band = (w.tile_rows + bands - 1) / bands;
    return w;
}

/* Distance between the 36 places of a band's tiles of c channels; a cache line more than a power of two could be, so that
 * a tile's places don't share one set of the cache. */
static int64_t plane(const wino *w, int64_t c)
{
    return (w->band * w->tiles_w * c + 15) / 16 * 16 + 16;
}

static int64_t weight_plane(const wino *w)
{
    return (w->in.c * w->out.c + 15) / 16 * 16 + 16;
}

/* A strip of six rows, then sums: 2 * channels of either side, then the bias gradient. */
size_t od_conv_winograd_scratch(const od_net *net, const od_node *node)
{
    wino w = wino_of(net, node);
    int64_t c = max64(w.in.c, w.out.c);
    return (size_t)(6 * w.strip_w * c + 4 * c + 64 + w.out.c);
}

size_t od_conv_winograd_workspace(const od_net *net, const od_node *node, int backward)
{
    wino w = wino_of(net, node);
    int64_t both = plane(&w, w.in.c) + plane(&w, w.out.c);
    return (size_t)(PLACES * (backward ? 2 * both + weight_plane(&w) : both));
}

/* --- strips of rows --------------------------------------------------------------------------------------------------------- */

typedef const float *(*rows_fn)(const void *source, int64_t row, int64_t rows, float *scratch);

static const float *source_rows(const void *s, int64_t row, int64_t rows, float *scratch)
{
    return od_source_rows(s, row, rows, scratch);
}

static const float *grad_rows(const void *s, int64_t row, int64_t rows, float *scratch)
{
    return od_grad_source_rows(s, row, rows, scratch);
}

/* Image rows 4 * ty - 1 to 4 * ty + 4 of tile row `tile_row`, zero outside the image: [6, strip_w, c], column 0 left of the image. */
static void fill_strip(const wino *w, rows_fn rows, const void *source, int64_t c, int64_t tile_row, float *strip)
{
    int64_t n = tile_row / w->tiles_h, top = 4 * (tile_row % w->tiles_h) - 1, width = w->in.w;
    for (int64_t i = 0; i < 6; i++, strip += w->strip_w * c) {
        if (top + i < 0 || top + i >= w->in.h) {
            memset(strip, 0, (size_t)(w->strip_w * c) * sizeof *strip);
            continue;
        }
        memset(strip, 0, (size_t)c * sizeof *strip);
        memset(strip + (1 + width) * c, 0, (size_t)((w->strip_w - 1 - width) * c) * sizeof *strip);
        const float *x = rows(source, (n * w->in.h + top + i) * width, width, strip + c);
        if (x != strip + c) memcpy(strip + c, x, (size_t)(width * c) * sizeof *strip);
    }
}

/* The share of a band's `count` tile rows that the calling thread works on. */
static void my_rows(const wino *w, int64_t count, int64_t *begin, int64_t *end)
{
    od_thread_range(count, w->net->threads, omp_get_thread_num(), begin, end);
}

/* v[place][tile of the band][c] */
static void transform_strip(const wino *w, const float *strip, int64_t c, int64_t band_row, float *v)
{
    for (int64_t tx = 0; tx < w->tiles_w; tx++)
        w->net->k->winograd_input(c, strip + 4 * tx * c, w->strip_w * c, v + (band_row * w->tiles_w + tx) * c, plane(w, c));
}

/* --- products ------------------------------------------------------------------------------------------------------------------ */

/* m[place] [tiles, n] = v[place] [tiles, k] * weights[place]; shared out by places and blocks of tiles. */
static void multiply(const wino *w, int64_t tiles, int64_t k, int64_t n, const float *v, const float *weights, float *m)
{
    enum { BLOCK = 256 };
    size_t size = w->net->k->gemm_packed_size(k, n);
    int64_t blocks = (tiles + BLOCK - 1) / BLOCK, step = (tiles + blocks - 1) / blocks, begin, end;
    my_rows(w, PLACES * blocks, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t p = i / blocks, first = i % blocks * step, rows = tiles - first < step ? tiles - first : step;
        if (rows < 1) continue;
        w->net->k->gemm(rows, n, k, v + p * plane(w, k) + first * k, k, weights + (size_t)p * size, m + p * plane(w, n) + first * n, n, 0, NULL);
    }
}

/* du[place] [Cin, Cout] += v[place]^T [Cin, tiles] * d[place] [tiles, Cout] */
static void multiply_gradient(const wino *w, int64_t tiles, const float *v, const float *d, float *du)
{
    enum { BLOCK = 128 };
    int64_t in = w->in.c, out = w->out.c, blocks = (in + BLOCK - 1) / BLOCK, begin, end;
    my_rows(w, PLACES * blocks, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        int64_t p = i / blocks, first = i % blocks * BLOCK, rows = in - first < BLOCK ? in - first : BLOCK;
        w->net->k->gemm_tn(tiles, rows, out, v + p * plane(w, in) + first, in, d + p * plane(w, out), out, du + p * weight_plane(w) + first * out, out, NULL);
    }
}

/* --- forward ---------------------------------------------------------------------------------------------------------------------- */

/* One tile row of results to y (c channels), whose first pixel row is `row`; post's residual is for y's first pixel. */
static void store_row(const wino *w, const float *m, int64_t c, int64_t band_row, int64_t tile_row, od_winograd_out o)
{
    int64_t top = tile_row % w->tiles_h * 4, row = (tile_row / w->tiles_h * w->out.h + top) * w->out.w;
    float *y = o.y;
    const float *residual = o.post ? o.post->residual : NULL;
    od_gemm_post post;
    if (o.post) post = *o.post, o.post = &post;
    o.row_step = w->out.w * c;
    o.rows = w->out.h - top < 4 ? (int)(w->out.h - top) : 4;
    for (int64_t tx = 0; tx < w->tiles_w; tx++) {
        int64_t at = (row + 4 * tx) * c;
        o.columns = w->out.w - 4 * tx < 4 ? (int)(w->out.w - 4 * tx) : 4;
        o.y = y + at;
        if (residual) post.residual = residual + at;
        w->net->k->winograd_output(c, m + (band_row * w->tiles_w + tx) * c, plane(w, c), &o);
    }
}

void od_conv_winograd_forward(od_net *net, const od_node *node)
{
    wino w = wino_of(net, node);
    size_t index = (size_t)(node - net->graph->nodes);
    const od_fold *fold = &net->fold[index];
    od_source source = od_net_source(net, node->in[0]);
    od_stats stats = od_net_stats(net, node);
    float *v = net->workspace, *m = v + PLACES * plane(&w, w.in.c);
    od_winograd_out o = {.y = net->value[fold->out], .scale = fold->bn >= 0 ? net->bn[fold->bn].scale : NULL};
    od_gemm_post post = {.act = fold->act, .act_after = fold->act_after};
    if (node->var[1] != OD_NO_VAR) post.bias = od_variables_value(net->vars, node->var[1]);
    if (fold->bn >= 0) post.bias = net->folded_bias[index];
    if (fold->residual != OD_NO_VALUE) post.residual = net->value[fold->residual];
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        float *strip = od_net_scratch(net), *sums = strip + 6 * w.strip_w * max64(w.in.c, w.out.c);
        od_gemm_post mine = post;
        od_winograd_out to = o;
        memset(sums, 0, (size_t)(2 * w.out.c) * sizeof *sums);
        if (stats.partial) mine.sum = sums, mine.sumsq = sums + w.out.c;
        to.post = &mine;
        for (int64_t first = 0; first < w.tile_rows; first += w.band) {
            int64_t count = w.tile_rows - first < w.band ? w.tile_rows - first : w.band;
            my_rows(&w, count, &begin, &end);
            for (int64_t r = begin; r < end; r++) {
                fill_strip(&w, source_rows, &source, w.in.c, first + r, strip);
                transform_strip(&w, strip, w.in.c, r, v);
            }
#pragma omp barrier
            multiply(&w, count * w.tiles_w, w.in.c, w.out.c, v, net->packed[index], m);
#pragma omp barrier
            for (int64_t r = begin; r < end; r++) {
                store_row(&w, m, w.out.c, r, first + r, to);
                if (stats.partial) od_fold_sums(stats.partial + omp_get_thread_num() * 2 * w.out.c, sums, 2 * w.out.c);
            }
#pragma omp barrier
        }
    }
}

/* --- backward ------------------------------------------------------------------------------------------------------------------------ */

typedef struct backward {
    wino w;
    od_source source;
    od_grad_source grad;
    od_sink sink;
    int wants_input, wants_bias;
    float *v, *d, *dv, *dm, *du; /* transformed inputs; gradients as 4x4 and as 6x6 tiles; products; weights */
} backward;

static backward backward_of(od_net *net, const od_node *node)
{
    backward b = {.w = wino_of(net, node), .source = od_net_source(net, node->in[0]), .grad = od_net_grad_source(net, node->out)};
    b.wants_input = net->graph->values[node->in[0]].needs_grad;
    b.wants_bias = node->var[1] != OD_NO_VAR;
    if (b.wants_input) b.sink = od_net_sink(net, node->in[0]);
    b.v = net->workspace;
    b.d = b.v + PLACES * plane(&b.w, b.w.in.c);
    b.dv = b.d + PLACES * plane(&b.w, b.w.out.c);
    b.dm = b.dv + PLACES * plane(&b.w, b.w.out.c);
    b.du = b.dm + PLACES * plane(&b.w, b.w.in.c);
    return b;
}

/* Rows 1 to 4 of a strip of gradients, summed. */
static void add_bias_gradient(const wino *w, const float *strip, float *sum)
{
    int64_t c = w->out.c;
    for (int64_t i = 1; i < 5; i++)
        for (int64_t x = 1; x <= w->out.w; x++)
            for (int64_t k = 0; k < c; k++) sum[k] += strip[(i * w->strip_w + x) * c + k];
}

static void transform_gradient(const backward *b, const float *strip, int64_t band_row)
{
    const wino *w = &b->w;
    int64_t c = w->out.c;
    for (int64_t tx = 0; tx < w->tiles_w; tx++)
        w->net->k->winograd_output_grad(c, strip + (w->strip_w + 1 + 4 * tx) * c, w->strip_w * c, b->d + (band_row * w->tiles_w + tx) * c, plane(w, c));
    if (b->wants_input) transform_strip(w, strip, c, band_row, b->dv);
}

static void finish_input_rows(const backward *b, int64_t band_row, int64_t tile_row, float *sums)
{
    const wino *w = &b->w;
    int64_t top = tile_row % w->tiles_h * 4, rows = w->in.h - top < 4 ? w->in.h - top : 4;
    store_row(w, b->dm, w->in.c, band_row, tile_row, (od_winograd_out){.y = b->sink.data, .accumulate = b->sink.accumulate});
    od_sink_finish(&b->sink, (tile_row / w->tiles_h * w->in.h + top) * w->in.w, rows * w->in.w, omp_get_thread_num(), sums);
}

static void backward_band(const backward *b, int64_t first, int64_t count, float *strip, float *sums, float *bias)
{
    const wino *w = &b->w;
    size_t index = (size_t)(w->node - w->net->graph->nodes);
    int64_t begin, end, tiles = count * w->tiles_w;
    my_rows(w, count, &begin, &end);
    for (int64_t r = begin; r < end; r++) {
        fill_strip(w, source_rows, &b->source, w->in.c, first + r, strip);
        transform_strip(w, strip, w->in.c, r, b->v);
        fill_strip(w, grad_rows, &b->grad, w->out.c, first + r, strip);
        transform_gradient(b, strip, r);
        if (b->wants_bias) add_bias_gradient(w, strip, bias);
    }
#pragma omp barrier
    multiply_gradient(w, tiles, b->v, b->d, b->du);
    if (b->wants_input) multiply(w, tiles, w->out.c, w->in.c, b->dv, w->net->packed_t[index], b->dm);
#pragma omp barrier
    for (int64_t r = begin; r < end && b->wants_input; r++) finish_input_rows(b, r, first + r, sums);
#pragma omp barrier
}

void od_conv_winograd_backward(od_net *net, const od_node *node)
{
    backward b = backward_of(net, node);
    const wino *w = &b.w;
    int64_t c = max64(w->in.c, w->out.c), sums_at = 6 * w->strip_w * c, bias_at = sums_at + 4 * c + 64;
    float *dw = od_variables_grad(net->vars, node->var[0]);
#pragma omp parallel num_threads(net->threads)
    {
        int64_t begin, end;
        float *strip = od_net_scratch(net);
        memset(strip + sums_at, 0, (size_t)(bias_at - sums_at + w->out.c) * sizeof *strip);
        my_rows(w, PLACES, &begin, &end);
        if (end > begin) memset(b.du + begin * weight_plane(w), 0, (size_t)((end - begin) * weight_plane(w)) * sizeof *b.du);
#pragma omp barrier
        for (int64_t first = 0; first < w->tile_rows; first += w->band)
            backward_band(&b, first, w->tile_rows - first < w->band ? w->tile_rows - first : w->band, strip, strip + sums_at, strip + bias_at);
        my_rows(w, w->in.c, &begin, &end);
        for (int64_t i = begin; i < end; i++)
            net->k->winograd_weights_grad(w->out.c, b.du + i * w->out.c, weight_plane(w), dw + i * w->out.c, w->in.c * w->out.c);
    }
    for (int t = 0; t < net->threads && b.wants_bias; t++)
        net->k->add(w->out.c, net->scratch + net->scratch_stride * (size_t)t + bias_at, od_variables_grad(net->vars, node->var[1]));
}
