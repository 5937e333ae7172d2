/* SPDX-License-Identifier: Apache-2.0
 *
 * Both gradients of a depthwise convolution, input row by input row, in the vector vocabulary of the including file: what each of the
 * row's columns takes from the outputs that it reaches, and what it gives to the taps that it reaches them through. One pass: the
 * gradient's columns are loaded once for both, the input's activation happens on load and its derivative before the store. Blocks as
 * in dw_impl.h: 8, 4 or 2 input columns, a vector of channels at a time; all else one column at a time.
 */
#ifndef OD_KERNELS_X86_DW_GRAD_IMPL_H
#define OD_KERNELS_X86_DW_GRAD_IMPL_H

#include "kernels/x86/dw_impl.h"

/* The ceiling of NONE, which has none, and of the ReLUs; their floor. */
static float act_top(od_act act)
{
    return act == OD_ACT_RELU6 ? 6.0f : INFINITY;
}

static float act_floor(od_act act)
{
    return act == OD_ACT_NONE ? -INFINITY : 0.0f;
}

/* The convolution's input in `count` columns from x on; 0 where there is none. */
INLINE void input_vectors(const int count, const int edge, column_span inside, const int masked, const od_act_grad *in, const float *x,
                          int64_t c, int64_t ch, vmask m, vf *u)
{
    vf scale = in->scale ? ld(masked, in->scale + ch, m) : v_set1(1.0f), shift = in->shift ? ld(masked, in->shift + ch, m) : v_zero();
    vf low = v_set1(act_floor(in->act)), top = v_set1(act_top(in->act));
    UNROLL
    for (int i = 0; i < count; i++) {
        if (i && i % 4 == 0) x = move(x, 4 * c);
        int there = !edge || (i >= inside.first && i < inside.end);
        u[i] = there ? v_min(top, v_max(low, v_fma(ld(masked, x + i % 4 * c, m), scale, shift))) : v_zero();
    }
}

/* The gradient of u becomes that before the activation, and is summed. x: as above. */
INLINE void through_vectors(const int count, const int edge, column_span inside, const int masked, const od_act_grad *in, const float *x,
                            int64_t c, int64_t ch, vmask m, const vf *u, vf *acc)
{
    vf top = v_set1(act_top(in->act)), sum = v_zero(), sum_x = v_zero();
    UNROLL
    for (int i = 0; i < count; i++) {
        if (in->act != OD_ACT_NONE) acc[i] = v_where_between(acc[i], u[i], v_zero(), top);
        if (!edge || (i >= inside.first && i < inside.end)) sum = v_add(sum, acc[i]);
    }
    if (in->sum_dz) st(masked, in->sum_dz + ch, v_add(ld(masked, in->sum_dz + ch, m), sum), m);
    if (!in->sum_dzx) return;
    vf mean = ld(masked, in->mean + ch, m);
    UNROLL
    for (int i = 0; i < count; i++) {
        if (i && i % 4 == 0) x = move(x, 4 * c);
        if (!edge || (i >= inside.first && i < inside.end)) sum_x = v_fma(acc[i], v_sub(ld(masked, x + i % 4 * c, m), mean), sum_x);
    }
    st(masked, in->sum_dzx + ch, v_add(ld(masked, in->sum_dzx + ch, m), sum_x), m);
}

/* A block of n * stride input columns, the first of which is under tap 0 of output `output`. reached: of the outputs from
 * output - (kw - 1) / stride on, inside: of the columns, those that exist. */
typedef struct grad_block {
    int64_t output, column;
    column_span reached, inside;
} grad_block;

INLINE void grad_vector(const int n, const int kw, const int stride, const int edge, const int masked, const od_dw_shape *s, const od_dw_grad *g,
                        grad_block b, fetch *ahead, int64_t ch, vmask m)
{
    fetch_some(ahead);
    const int reach = (kw - 1) / stride, count = n * stride;
    int64_t c = s->channels, from = (b.output - reach) * c + ch, at = b.column * c + ch;
    vf acc[BLOCK], u[BLOCK];
    input_vectors(count, edge, b.inside, masked, &g->in, g->in.x + at, c, ch, m, u);
    UNROLL
    for (int i = 0; i < count; i++) acc[i] = v_zero();
    const float *w = g->weights + ch;
    float *dw = g->dweights + ch;
    for (int ky = 0; ky < s->kernel_h; ky++, w += kw * c, dw += kw * c) {
        if (!g->drows[ky]) continue;
        const float *p = g->drows[ky] + from;
        vf tap[KW_MAX], sum[KW_MAX];
        UNROLL
        for (int kx = 0; kx < kw; kx++) tap[kx] = ld(masked, w + kx * c, m), sum[kx] = ld(masked, dw + kx * c, m);
        UNROLL
        for (int j = 0; j < n + reach; j++) {
            if (j && j % 4 == 0) p = move(p, 4 * c);
            vf d = ld_column(edge, masked, b.reached, j, p + j % 4 * c, m);
            KEEP(d);
            UNROLL
            for (int i = 0; i < count; i++) {
                const int kx = i - (j - reach) * stride;
                if (kx >= 0 && kx < kw) acc[i] = v_fma(d, tap[kx], acc[i]), sum[kx] = v_fma(d, u[i], sum[kx]);
            }
        }
        UNROLL
        for (int kx = 0; kx < kw; kx++) st(masked, dw + kx * c, sum[kx], m);
    }
    if (g->through) through_vectors(count, edge, b.inside, masked, &g->in, g->in.x + at, c, ch, m, u, acc);
    UNROLL
    for (int i = 0; i < count; i++)
        if (!edge || (i >= b.inside.first && i < b.inside.end)) st(masked, g->dx + at + i * c, acc[i], m);
    if (!g->claims) return;
    UNROLL
    for (int i = 0; i < count; i++) claim_line(g->dx + at + i * c + CLAIM_AHEAD);
}

INLINE void grad_columns(const int n, const int kw, const int stride, const int edge, const od_dw_shape *s, const od_dw_grad *g, grad_block b, fetch *ahead)
{
#define BODY(masked, ch, m) grad_vector(n, kw, stride, edge, masked, s, g, b, ahead, ch, m)
    FOR_CHANNELS(s->channels, BODY);
#undef BODY
}

/* Blocks from the one at `output` on while they fit; last: one more for what is left. Returns where it stopped. */
INLINE int64_t grad_blocks(const int n, const int kw, const int stride, const int last, const od_dw_shape *s, const od_dw_grad *g, int64_t output, fetch *ahead)
{
    const int reach = (kw - 1) / stride, count = n * stride;
    for (int64_t i = output * stride - s->pad_left; last ? i < s->in_width : i + count <= s->in_width; i += count, output += n) {
        grad_block b = {output, i, columns_inside(output - reach, n + reach, s->out_width), columns_inside(i, count, s->in_width)};
        if (all_inside(b.reached, n + reach) && all_inside(b.inside, count)) grad_columns(n, kw, stride, 0, s, g, b, ahead);
        else grad_columns(n, kw, stride, 1, s, g, b, ahead);
    }
    return output;
}

INLINE void grad_row(const int kw, const int stride, const od_dw_shape *s, const od_dw_grad *g)
{
    const int n = GRAD_BLOCK(kw, stride) / stride;
    fetch ahead = g->ahead ? fetch_of(g->ahead, s->in_width / (n * stride) * vectors_in(s->channels)) : (fetch){0};
    int64_t output = grad_blocks(n, kw, stride, 0, s, g, s->pad_left / stride, &ahead);
    if (n > 2) output = grad_blocks(n / 2, kw, stride, 0, s, g, output, &ahead);
    if (n > 4) output = grad_blocks(n / 4, kw, stride, 0, s, g, output, &ahead);
    grad_blocks(1, kw, stride, 1, s, g, output, &ahead);
}

static void grad_fast(const od_dw_shape *s, const od_dw_grad *g)
{
    if (s->kernel_w == 3) {
        if (s->stride_w == 1) grad_row(3, 1, s, g);
        else grad_row(3, 2, s, g);
    } else {
        if (s->stride_w == 1) grad_row(5, 1, s, g);
        else grad_row(5, 2, s, g);
    }
}

/* The taps kx = first, first + step, ... < end through which input column i reaches an output, and the first output. */
static void taps_reaching(const od_dw_shape *s, int64_t i, int64_t *first, int64_t *end, int64_t *step, int64_t *output)
{
    int64_t at = i + s->pad_left, found[2], count = 0;
    *first = *end = *output = 0, *step = 1;
    for (int64_t kx = 0; kx < s->kernel_w; kx++) {
        int64_t left = at - kx * s->dilation_w, ox = left / s->stride_w;
        if (left < 0 || left % s->stride_w || ox >= s->out_width) continue;
        if (count < 2) found[count++] = kx;
        if (count == 1) *output = ox;
        *end = kx + 1;
    }
    if (count) *first = found[0];
    if (count == 2) *step = found[1] - found[0];
}

/* One input column, any kernel. */
static void grad_column(const od_dw_shape *s, const od_dw_grad *g, int64_t i)
{
    int64_t c = s->channels, first, end, step, ox, kernel_row = s->kernel_w * c, at = i * c;
    taps_reaching(s, i, &first, &end, &step, &ox);
    int64_t back = step * s->dilation_w / s->stride_w * c; /* from one tap's output to the next one's */
    column_span one = {0, 1};
    for (int64_t j = 0; j < c; j += VL) {
        vmask m = v_first(c - j);
        vf u, acc = v_zero();
        input_vectors(1, 0, one, 1, &g->in, g->in.x + at + j, c, j, m, &u);
        int64_t tap_row = first * c + j;
        for (int ky = 0; ky < s->kernel_h; ky++, tap_row += kernel_row) {
            if (!g->drows[ky]) continue;
            const float *p = g->drows[ky] + ox * c + j;
            int64_t tap = tap_row;
            for (int64_t kx = first; kx < end; kx += step, p -= back, tap += step * c) {
                vf d = v_loadm(p, m);
                acc = v_fma(d, v_loadm(g->weights + tap, m), acc);
                v_storem(g->dweights + tap, v_fma(d, u, v_loadm(g->dweights + tap, m)), m);
            }
        }
        if (g->through) through_vectors(1, 0, one, 1, &g->in, g->in.x + at + j, c, j, m, &u, &acc);
        v_storem(g->dx + at + j, acc, m);
    }
}

static void dw_row_grad(const od_dw_shape *s, const od_dw_grad *g)
{
    if (fast_kernel(s)) grad_fast(s, g);
    else
        for (int64_t i = 0; i < s->in_width; i++) grad_column(s, g, i);
}

#endif
