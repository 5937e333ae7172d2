/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution rows in the vector vocabulary of the including file.
 *
 * 3x3 and 5x5 with stride 1 and 2 (no dilation) work on blocks of 8, 4 or 2 neighbouring columns: a
 * vector of channels at a time, a loaded column is used for every output that it reaches, and the outputs stay in registers
 * over all taps. Channels are innermost in memory, so a block reads a few whole pixels of each row. Blocks at the edges count what
 * lies outside as zero; what is left over makes smaller blocks. All other kernels go through one column at a time.
 */
#ifndef OD_KERNELS_X86_DW_IMPL_H
#define OD_KERNELS_X86_DW_IMPL_H

#include "kernels/x86/fetch.h"

enum { BLOCK = 8, KW_MAX = 5 };

INLINE vf ld(const int masked, const float *p, vmask m)
{
    return masked ? v_loadm(p, m) : v_load(p);
}

INLINE void st(const int masked, float *p, vf x, vmask m)
{
    if (masked) v_storem(p, x, m);
    else v_store(p, x);
}

/* p + n, opaque to the compiler: columns are reached from a base that moves on every four columns, instead of from one
 * register a column. */
INLINE const float *move(const float *p, int64_t n)
{
    p += n;
    __asm__("" : "+r"(p));
    return p;
}

/* Calls body(masked, channel, mask) for each vector of the c channels. */
#define FOR_CHANNELS(c, body)                                                                                          \
    do {                                                                                                               \
        int64_t ch_ = 0;                                                                                               \
        for (; ch_ + VL <= (c); ch_ += VL) body(0, ch_, v_first(VL));                                                  \
        if (ch_ < (c)) body(1, ch_, v_first((c) - ch_));                                                               \
    } while (0)

static int fast_kernel(const od_dw_shape *s)
{
    return (s->kernel_w == 3 || s->kernel_w == 5) && (s->stride_w == 1 || s->stride_w == 2) && s->dilation_w == 1;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* a / b rounded up, b > 0. */
static int64_t divide_up(int64_t a, int64_t b)
{
    return a > 0 ? (a + b - 1) / b : -(-a / b);
}

/* The taps [first, end) of output column x that lie inside the image. */
static void taps_inside(const od_dw_shape *s, int64_t x, int64_t *first, int64_t *end)
{
    int64_t left = x * s->stride_w - s->pad_left;
    *first = max64(0, divide_up(-left, s->dilation_w));
    *end = min64(s->kernel_w, divide_up(s->in_width - left, s->dilation_w));
}

/* Of the columns that a block touches, those that exist: [first, end) from the block's first on. */
typedef struct column_span {
    int64_t first, end;
} column_span;

/* Of `count` columns from `from` on, in a row of `width`. */
static column_span columns_inside(int64_t from, int64_t count, int64_t width)
{
    return (column_span){max64(0, -from), min64(count, width - from)};
}

static int all_inside(column_span k, int64_t count)
{
    return k.first == 0 && k.end == count;
}

/* Column j of a block, at p. edge: some don't exist, which count as zero. */
INLINE vf ld_column(const int edge, const int masked, column_span inside, const int j, const float *p, vmask m)
{
    return !edge || (j >= inside.first && j < inside.end) ? ld(masked, p, m) : v_zero();
}

/* --- forward ---------------------------------------------------------------------------------------------------------- */

/* Bias, activation and sums of `columns` finished pixels y [columns, c]. */
NOINLINE void post_columns(int64_t columns, int64_t c, const od_gemm_post *post, float *y)
{
    for (int64_t j = 0; j < c; j += VL) {
        vmask m = v_first(c - j);
        vf bias = post->bias ? v_loadm(post->bias + j, m) : v_zero(), sum = v_zero(), sumsq = v_zero();
        for (int64_t x = 0; x < columns; x++) {
            vf v = v_act(v_add(v_loadm(y + x * c + j, m), bias), post->act);
            v_storem(y + x * c + j, v, m);
            sum = v_add(sum, v), sumsq = v_fma(v, v, sumsq);
        }
        if (!post->sum) continue;
        v_storem(post->sum + j, v_add(v_loadm(post->sum + j, m), sum), m);
        v_storem(post->sumsq + j, v_add(v_loadm(post->sumsq + j, m), sumsq), m);
    }
}

/* Bias, ReLUs and sums in registers. */
INLINE void post_block(const int n, const int masked, vf acc[BLOCK], const od_gemm_post *post, int64_t ch, vmask m)
{
    if (post->bias) {
        vf bias = ld(masked, post->bias + ch, m);
        UNROLL
        for (int o = 0; o < n; o++) acc[o] = v_add(acc[o], bias);
    }
    if (post->act != OD_ACT_NONE) {
        vf top = v_set1(post->act == OD_ACT_RELU6 ? 6.0f : INFINITY);
        UNROLL
        for (int o = 0; o < n; o++) acc[o] = v_min(top, v_max(v_zero(), acc[o]));
    }
    if (!post->sum) return;
    vf sum = ld(masked, post->sum + ch, m), sumsq = ld(masked, post->sumsq + ch, m), s = acc[0], q = v_mul(s, s);
    UNROLL
    for (int o = 1; o < n; o++) s = v_add(s, acc[o]), q = v_fma(acc[o], acc[o], q);
    st(masked, post->sum + ch, v_add(sum, s), m);
    st(masked, post->sumsq + ch, v_add(sumsq, q), m);
}

/* What a row does for its caller, spread over its blocks' vectors. */
typedef struct dw_errands {
    fetch ahead;
    write_on behind;
} dw_errands;

/* Outputs x .. x + n - 1, one vector of channels. */
INLINE void forward_vector(const int n, const int kw, const int stride, const int edge, column_span inside, const int masked, const od_dw_shape *s,
                           const float *const *rows, const float *weights, int64_t x, float *out,
                           const od_gemm_post *post, dw_errands *e, int64_t ch, vmask m)
{
    fetch_some(&e->ahead);
    if (e->behind.left.floats) write_lines(write_take(&e->behind));
    int64_t c = s->channels, from = (x * stride - s->pad_left) * c + ch;
    vf acc[BLOCK];
    UNROLL
    for (int o = 0; o < n; o++) acc[o] = v_zero();
    const float *w = weights + ch;
    for (int ky = 0; ky < s->kernel_h; ky++, w += kw * c) {
        if (!rows[ky]) continue;
        const float *p = rows[ky] + from;
        vf tap[KW_MAX];
        UNROLL
        for (int kx = 0; kx < kw; kx++) tap[kx] = ld(masked, w + kx * c, m);
        UNROLL
        for (int j = 0; j < (n - 1) * stride + kw; j++) {
            if (j && j % 4 == 0) p = move(p, 4 * c);
            vf v = ld_column(edge, masked, inside, j, p + j % 4 * c, m);
            KEEP(v);
            UNROLL
            for (int o = 0; o < n; o++)
                if (j - o * stride >= 0 && j - o * stride < kw) acc[o] = v_fma(v, tap[j - o * stride], acc[o]);
        }
    }
    if (post) post_block(n, masked, acc, post, ch, m);
    UNROLL
    for (int o = 0; o < n; o++) st(masked, out + (x + o) * c + ch, acc[o], m);
    if (!post || !post->claims) return;
    UNROLL
    for (int o = 0; o < n; o++) claim_line(out + (x + o) * c + ch + CLAIM_AHEAD);
}

INLINE void forward_block(const int n, const int kw, const int stride, const int edge, column_span inside, const od_dw_shape *s, const float *const *rows,
                          const float *weights, int64_t x, float *out, const od_gemm_post *post, dw_errands *e)
{
#define BODY(masked, ch, m) forward_vector(n, kw, stride, edge, inside, masked, s, rows, weights, x, out, post, e, ch, m)
    FOR_CHANNELS(s->channels, BODY);
#undef BODY
}

/* Blocks of n outputs from x on while they fit; returns where it stopped. */
INLINE int64_t forward_blocks(const int n, const int kw, const int stride, const od_dw_shape *s, const float *const *rows, const float *weights,
                              int64_t x, float *out, const od_gemm_post *post, dw_errands *e)
{
    const int count = (n - 1) * stride + kw;
    for (; x + n <= s->out_width; x += n) {
        column_span inside = columns_inside(x * stride - s->pad_left, count, s->in_width);
        if (all_inside(inside, count)) forward_block(n, kw, stride, 0, inside, s, rows, weights, x, out, post, e);
        else forward_block(n, kw, stride, 1, inside, s, rows, weights, x, out, post, e);
    }
    return x;
}

INLINE void forward_row(const int kw, const int stride, const od_dw_shape *s, const float *const *rows, const float *weights, float *out,
                        const od_gemm_post *post)
{
    int64_t steps = s->out_width / BLOCK * vectors_in(s->channels);
    dw_errands e = {0};
    if (post) e = (dw_errands){fetch_of(post->ahead, steps), write_on_of(post->behind, steps)};
    int64_t x = forward_blocks(8, kw, stride, s, rows, weights, 0, out, post, &e);
    x = forward_blocks(4, kw, stride, s, rows, weights, x, out, post, &e);
    x = forward_blocks(2, kw, stride, s, rows, weights, x, out, post, &e);
    forward_blocks(1, kw, stride, s, rows, weights, x, out, post, &e);
    write_lines(e.behind.left);
}

/* One output column, any kernel. */
static void forward_column(const od_dw_shape *s, const float *const *rows, const float *weights, int64_t x, float *out)
{
    int64_t c = s->channels, first, end, step = s->dilation_w * c, kernel_row = s->kernel_w * c;
    taps_inside(s, x, &first, &end);
    int64_t from = (x * s->stride_w - s->pad_left) * c + first * step;
    for (int64_t j = 0; j < c; j += VL) {
        vmask m = v_first(c - j);
        vf acc = v_zero();
        const float *weight_row = weights + first * c + j;
        for (int ky = 0; ky < s->kernel_h; ky++, weight_row += kernel_row) {
            if (!rows[ky]) continue;
            const float *p = rows[ky] + from + j, *w = weight_row;
            for (int64_t kx = first; kx < end; kx++, p += step, w += c) acc = v_fma(v_loadm(p, m), v_loadm(w, m), acc);
        }
        v_storem(out + x * c + j, acc, m);
    }
}

static void forward_fast(const od_dw_shape *s, const float *const *rows, const float *weights, float *out, const od_gemm_post *post)
{
    if (s->kernel_w == 3) {
        if (s->stride_w == 1) forward_row(3, 1, s, rows, weights, out, post);
        else forward_row(3, 2, s, rows, weights, out, post);
    } else {
        if (s->stride_w == 1) forward_row(5, 1, s, rows, weights, out, post);
        else forward_row(5, 2, s, rows, weights, out, post);
    }
}

static void dw_row(const od_dw_shape *s, const float *const *rows, const float *weights, float *out, const od_gemm_post *post)
{
    int64_t c = s->channels;
    const od_gemm_post *late = post && post->act > OD_ACT_RELU6 ? post : NULL; /* exponentials: after the row is done */
    const od_gemm_post *now = late ? NULL : post;
    if (fast_kernel(s)) forward_fast(s, rows, weights, out, now);
    else
        for (int64_t x = 0; x < s->out_width; x++) {
            forward_column(s, rows, weights, x, out);
            if (now) post_columns(1, c, now, out + x * c);
        }
    if (late) post_columns(s->out_width, c, late, out);
    if (post && (late || !fast_kernel(s))) write_lines(post->behind);
}

#endif
