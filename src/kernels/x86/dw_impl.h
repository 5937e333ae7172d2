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

/* Outputs x .. x + n - 1, one vector of channels. */
INLINE void forward_vector(const int n, const int kw, const int stride, const int edge, column_span inside, const int masked, const od_dw_shape *s,
                           const float *const *rows, const float *weights, int64_t x, float *out,
                           const od_gemm_post *post, int64_t ch, vmask m)
{
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
}

INLINE void forward_block(const int n, const int kw, const int stride, const int edge, column_span inside, const od_dw_shape *s, const float *const *rows,
                          const float *weights, int64_t x, float *out, const od_gemm_post *post)
{
#define BODY(masked, ch, m) forward_vector(n, kw, stride, edge, inside, masked, s, rows, weights, x, out, post, ch, m)
    FOR_CHANNELS(s->channels, BODY);
#undef BODY
}

/* Blocks of n outputs from x on while they fit; returns where it stopped. */
INLINE int64_t forward_blocks(const int n, const int kw, const int stride, const od_dw_shape *s, const float *const *rows, const float *weights,
                              int64_t x, float *out, const od_gemm_post *post, fetch *ahead)
{
    const int count = (n - 1) * stride + kw;
    for (; x + n <= s->out_width; x += n) {
        fetch_some(ahead);
        column_span inside = columns_inside(x * stride - s->pad_left, count, s->in_width);
        if (all_inside(inside, count)) forward_block(n, kw, stride, 0, inside, s, rows, weights, x, out, post);
        else forward_block(n, kw, stride, 1, inside, s, rows, weights, x, out, post);
    }
    return x;
}

INLINE void forward_row(const int kw, const int stride, const od_dw_shape *s, const float *const *rows, const float *weights, float *out,
                        const od_gemm_post *post)
{
    fetch ahead = post ? fetch_of(post->ahead, s->out_width / BLOCK) : (fetch){0};
    int64_t x = forward_blocks(8, kw, stride, s, rows, weights, 0, out, post, &ahead);
    x = forward_blocks(4, kw, stride, s, rows, weights, x, out, post, &ahead);
    x = forward_blocks(2, kw, stride, s, rows, weights, x, out, post, &ahead);
    forward_blocks(1, kw, stride, s, rows, weights, x, out, post, &ahead);
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
}

/* --- the input's gradient ------------------------------------------------------------------------------------------------ */

/* The activation's gradient at `columns` finished pixels dx [columns, c] from input column `column` on. */
NOINLINE void through_columns(int64_t columns, int64_t c, int64_t column, const od_act_grad *g, float *dx)
{
    const float *x = g->x + column * c;
    for (int64_t j = 0; j < c; j += VL) {
        vmask m = v_first(c - j);
        vf scale = g->scale ? v_loadm(g->scale + j, m) : v_set1(1.0f), shift = g->shift ? v_loadm(g->shift + j, m) : v_zero();
        vf mean = g->sum_dzx ? v_loadm(g->mean + j, m) : v_zero(), sum = v_zero(), sum_x = v_zero();
        for (int64_t i = 0; i < columns; i++) {
            vf v = v_loadm(x + i * c + j, m), d = v_act_grad(v_loadm(dx + i * c + j, m), v_fma(v, scale, shift), g->act);
            v_storem(dx + i * c + j, d, m);
            sum = v_add(sum, d), sum_x = v_fma(d, v_sub(v, mean), sum_x);
        }
        if (g->sum_dz) v_storem(g->sum_dz + j, v_add(v_loadm(g->sum_dz + j, m), sum), m);
        if (g->sum_dzx) v_storem(g->sum_dzx + j, v_add(v_loadm(g->sum_dzx + j, m), sum_x), m);
    }
}

/* ReLUs' gradient and sums in registers: n columns of one vector of channels, of which the first one's input is at x. */
INLINE void through_block(const int n, const int masked, vf acc[BLOCK], const od_act_grad *g, const float *x, int64_t c, int64_t ch, vmask m)
{
    vf scale = g->scale ? ld(masked, g->scale + ch, m) : v_set1(1.0f), shift = g->shift ? ld(masked, g->shift + ch, m) : v_zero();
    vf top = v_set1(g->act == OD_ACT_RELU6 ? 6.0f : INFINITY), sum = v_zero(), sum_x = v_zero();
    vf mean = g->sum_dzx ? ld(masked, g->mean + ch, m) : v_zero();
    UNROLL
    for (int i = 0; i < n; i++) {
        if (i && i % 4 == 0) x = move(x, 4 * c);
        vf v = ld(masked, x + i % 4 * c, m);
        if (g->act != OD_ACT_NONE) acc[i] = v_where_between(acc[i], v_fma(v, scale, shift), v_zero(), top);
        sum = v_add(sum, acc[i]), sum_x = v_fma(acc[i], v_sub(v, mean), sum_x);
    }
    if (g->sum_dz) st(masked, g->sum_dz + ch, v_add(ld(masked, g->sum_dz + ch, m), sum), m);
    if (g->sum_dzx) st(masked, g->sum_dzx + ch, v_add(ld(masked, g->sum_dzx + ch, m), sum_x), m);
}

/* Input columns i .. i + n * stride - 1, where i + pad_left = ox * stride. reached: of the outputs under their taps; inside: of the
 * columns themselves. edge: not all of both exist; then the activation comes afterwards. */
INLINE void grad_in_vector(const int n, const int kw, const int stride, const int edge, column_span reached, column_span inside, const int masked, const od_dw_shape *s,
                           const float *const *drows, const float *weights, int64_t ox, float *dx, const od_act_grad *through, int64_t ch, vmask m)
{
    const int reach = (kw - 1) / stride; /* outputs before ox that use column i */
    int64_t c = s->channels, from = (ox - reach) * c + ch;
    vf acc[BLOCK];
    UNROLL
    for (int i = 0; i < n * stride; i++) acc[i] = v_zero();
    const float *w = weights + ch;
    for (int ky = 0; ky < s->kernel_h; ky++, w += kw * c) {
        if (!drows[ky]) continue;
        const float *p = drows[ky] + from;
        vf tap[KW_MAX];
        UNROLL
        for (int kx = 0; kx < kw; kx++) tap[kx] = ld(masked, w + kx * c, m);
        UNROLL
        for (int j = 0; j < n + reach; j++) {
            if (j && j % 4 == 0) p = move(p, 4 * c);
            vf v = ld_column(edge, masked, reached, j, p + j % 4 * c, m);
            KEEP(v);
            UNROLL
            for (int i = 0; i < n * stride; i++) {
                const int kx = i - (j - reach) * stride;
                if (kx >= 0 && kx < kw) acc[i] = v_fma(v, tap[kx], acc[i]);
            }
        }
    }
    int64_t first = (ox * stride - s->pad_left) * c + ch;
    if (!edge && through) through_block(n * stride, masked, acc, through, through->x + first, c, ch, m);
    UNROLL
    for (int i = 0; i < n * stride; i++)
        if (!edge || (i >= inside.first && i < inside.end)) st(masked, dx + first + i * c, acc[i], m);
}

INLINE void grad_in_block(const int n, const int kw, const int stride, const int edge, column_span reached, column_span inside, const od_dw_shape *s,
                          const float *const *drows, const float *weights, int64_t ox, float *dx, const od_act_grad *through)
{
#define BODY(masked, ch, m) grad_in_vector(n, kw, stride, edge, reached, inside, masked, s, drows, weights, ox, dx, through, ch, m)
    FOR_CHANNELS(s->channels, BODY);
#undef BODY
}

/* Blocks of n * stride columns while they fit, from the one at ox on; last: one more for what is left. Returns where it stopped. */
INLINE int64_t grad_in_blocks(const int n, const int kw, const int stride, const int last, const od_dw_shape *s, const float *const *drows,
                              const float *weights, int64_t ox, float *dx, const od_act_grad *through)
{
    const int reach = (kw - 1) / stride, count = n * stride;
    for (int64_t i = ox * stride - s->pad_left; last ? i < s->in_width : i + count <= s->in_width; i += count, ox += n) {
        column_span reached = columns_inside(ox - reach, n + reach, s->out_width), inside = columns_inside(i, count, s->in_width);
        if (all_inside(reached, n + reach) && all_inside(inside, count)) {
            grad_in_block(n, kw, stride, 0, reached, inside, s, drows, weights, ox, dx, through);
            continue;
        }
        grad_in_block(n, kw, stride, 1, reached, inside, s, drows, weights, ox, dx, through);
        int64_t first = i + inside.first;
        if (through) through_columns(inside.end - inside.first, s->channels, first, through, dx + first * s->channels);
    }
    return ox;
}

INLINE void grad_in_row(const int kw, const int stride, const od_dw_shape *s, const float *const *drows, const float *weights, float *dx,
                        const od_act_grad *through)
{
    const int n = BLOCK / stride; /* 8 input columns either way */
    int64_t ox = grad_in_blocks(n, kw, stride, 0, s, drows, weights, s->pad_left / stride, dx, through);
    ox = grad_in_blocks(n / 2, kw, stride, 0, s, drows, weights, ox, dx, through);
    if (n > 4) ox = grad_in_blocks(n / 4, kw, stride, 0, s, drows, weights, ox, dx, through);
    grad_in_blocks(1, kw, stride, 1, s, drows, weights, ox, dx, through);
}

static void grad_in_fast(const od_dw_shape *s, const float *const *drows, const float *weights, float *dx, const od_act_grad *through)
{
    if (s->kernel_w == 3) {
        if (s->stride_w == 1) grad_in_row(3, 1, s, drows, weights, dx, through);
        else grad_in_row(3, 2, s, drows, weights, dx, through);
    } else {
        if (s->stride_w == 1) grad_in_row(5, 1, s, drows, weights, dx, through);
        else grad_in_row(5, 2, s, drows, weights, dx, through);
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
static void grad_in_column(const od_dw_shape *s, const float *const *drows, const float *weights, int64_t i, float *dx)
{
    int64_t c = s->channels, first, end, step, ox, kernel_row = s->kernel_w * c;
    taps_reaching(s, i, &first, &end, &step, &ox);
    int64_t back = step * s->dilation_w / s->stride_w * c; /* from one tap's output to the next one's */
    for (int64_t j = 0; j < c; j += VL) {
        vmask m = v_first(c - j);
        vf acc = v_zero();
        const float *weight_row = weights + first * c + j;
        for (int ky = 0; ky < s->kernel_h; ky++, weight_row += kernel_row) {
            if (!drows[ky]) continue;
            const float *p = drows[ky] + ox * c + j, *w = weight_row;
            for (int64_t kx = first; kx < end; kx += step, p -= back, w += step * c)
                acc = v_fma(v_loadm(p, m), v_loadm(w, m), acc);
        }
        v_storem(dx + i * c + j, acc, m);
    }
}

static void dw_row_grad_in(const od_dw_shape *s, const float *const *drows, const float *weights, float *dx, const od_act_grad *through)
{
    int64_t c = s->channels;
    const od_act_grad *late = through && through->act > OD_ACT_RELU6 ? through : NULL; /* exponentials: after the row is done */
    const od_act_grad *now = late ? NULL : through;
    if (fast_kernel(s)) grad_in_fast(s, drows, weights, dx, now);
    else
        for (int64_t i = 0; i < s->in_width; i++) {
            grad_in_column(s, drows, weights, i, dx);
            if (now) through_columns(1, c, i, now, dx + i * c);
        }
    if (late) through_columns(s->in_width, c, 0, late, dx);
}

/* --- the weights' gradient ------------------------------------------------------------------------------------------------ */

/* Output columns x .. x + n - 1. */
INLINE void grad_weights_vector(const int n, const int kw, const int stride, const int edge, column_span inside, const int masked, const od_dw_shape *s,
                                const float *const *rows, const float *drow, int64_t x, float *g, int64_t ch, vmask m)
{
    int64_t c = s->channels, from = (x * stride - s->pad_left) * c + ch;
    vf d[BLOCK];
    UNROLL
    for (int o = 0; o < n; o++) d[o] = ld(masked, drow + (x + o) * c + ch, m);
    float *w = g + ch;
    for (int ky = 0; ky < s->kernel_h; ky++, w += kw * c) {
        if (!rows[ky]) continue;
        const float *p = rows[ky] + from;
        vf acc[KW_MAX];
        UNROLL
        for (int kx = 0; kx < kw; kx++) acc[kx] = ld(masked, w + kx * c, m);
        UNROLL
        for (int j = 0; j < (n - 1) * stride + kw; j++) {
            if (j && j % 4 == 0) p = move(p, 4 * c);
            vf v = ld_column(edge, masked, inside, j, p + j % 4 * c, m);
            KEEP(v);
            UNROLL
            for (int o = 0; o < n; o++)
                if (j - o * stride >= 0 && j - o * stride < kw) acc[j - o * stride] = v_fma(v, d[o], acc[j - o * stride]);
        }
        UNROLL
        for (int kx = 0; kx < kw; kx++) st(masked, w + kx * c, acc[kx], m);
    }
}

INLINE void grad_weights_block(const int n, const int kw, const int stride, const int edge, column_span inside, const od_dw_shape *s,
                               const float *const *rows, const float *drow, int64_t x, float *g)
{
#define BODY(masked, ch, m) grad_weights_vector(n, kw, stride, edge, inside, masked, s, rows, drow, x, g, ch, m)
    FOR_CHANNELS(s->channels, BODY);
#undef BODY
}

INLINE int64_t grad_weights_blocks(const int n, const int kw, const int stride, const od_dw_shape *s, const float *const *rows, const float *drow,
                                   int64_t x, float *g, fetch *ahead)
{
    const int count = (n - 1) * stride + kw;
    for (; x + n <= s->out_width; x += n) {
        fetch_some(ahead);
        column_span inside = columns_inside(x * stride - s->pad_left, count, s->in_width);
        if (all_inside(inside, count)) grad_weights_block(n, kw, stride, 0, inside, s, rows, drow, x, g);
        else grad_weights_block(n, kw, stride, 1, inside, s, rows, drow, x, g);
    }
    return x;
}

INLINE void grad_weights_row(const int kw, const int stride, const od_dw_shape *s, const float *const *rows, const float *drow, float *g, const od_ahead *list)
{
    fetch ahead = list ? fetch_of(list, s->out_width / BLOCK) : (fetch){0};
    int64_t x = grad_weights_blocks(8, kw, stride, s, rows, drow, 0, g, &ahead);
    x = grad_weights_blocks(4, kw, stride, s, rows, drow, x, g, &ahead);
    x = grad_weights_blocks(2, kw, stride, s, rows, drow, x, g, &ahead);
    grad_weights_blocks(1, kw, stride, s, rows, drow, x, g, &ahead);
}

static void grad_weights_fast(const od_dw_shape *s, const float *const *rows, const float *drow, float *g, const od_ahead *ahead)
{
    if (s->kernel_w == 3) {
        if (s->stride_w == 1) grad_weights_row(3, 1, s, rows, drow, g, ahead);
        else grad_weights_row(3, 2, s, rows, drow, g, ahead);
    } else {
        if (s->stride_w == 1) grad_weights_row(5, 1, s, rows, drow, g, ahead);
        else grad_weights_row(5, 2, s, rows, drow, g, ahead);
    }
}

/* One output column, any kernel. */
static void grad_weights_column(const od_dw_shape *s, const float *const *rows, const float *drow, int64_t x, float *g)
{
    int64_t c = s->channels, first, end, step = s->dilation_w * c, kernel_row = s->kernel_w * c;
    taps_inside(s, x, &first, &end);
    int64_t from = (x * s->stride_w - s->pad_left) * c + first * step;
    for (int64_t j = 0; j < c; j += VL) {
        vmask m = v_first(c - j);
        vf d = v_loadm(drow + x * c + j, m);
        float *g_row = g + first * c + j;
        for (int ky = 0; ky < s->kernel_h; ky++, g_row += kernel_row) {
            if (!rows[ky]) continue;
            const float *p = rows[ky] + from + j;
            float *w = g_row;
            for (int64_t kx = first; kx < end; kx++, p += step, w += c)
                v_storem(w, v_fma(v_loadm(p, m), d, v_loadm(w, m)), m);
        }
    }
}

static void dw_row_grad_weights(const od_dw_shape *s, const float *const *rows, const float *drow, float *g, const od_ahead *ahead)
{
    if (fast_kernel(s)) grad_weights_fast(s, rows, drow, g, ahead);
    else
        for (int64_t x = 0; x < s->out_width; x++) grad_weights_column(s, rows, drow, x, g);
}

#endif
