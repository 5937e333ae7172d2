/* SPDX-License-Identifier: Apache-2.0
 *
 * The transforms of Winograd's convolution F(4x4, 3x3) (Lavin & Gray, CVPR 2016) in the vector vocabulary of the including
 * file. Y = A^T [(G w G^T) * (B^T x B)] A for a 4x4 tile of outputs, a 6x6 tile of inputs and a 3x3 kernel; the product is
 * element by element in 36 places, and over channels a matrix product in each place.
 *
 * The interpolation points are 0, +-3/4, +-3/2 and infinity: with the usual 0, +-1, +-2 rounding errors are two to five times as
 * large; with these they are 3.5 times those of a direct sum (root mean square, 256 channels).
 */
#ifndef OD_KERNELS_WINOGRAD_IMPL_H
#define OD_KERNELS_WINOGRAD_IMPL_H

#define WA 0.75f
#define WB 1.5f
#define WA2 (WA * WA)
#define WB2 (WB * WB)
/* 1 / M'(p) of the points 0, +-a, +-b for M(x) = x (x^2 - a^2) (x^2 - b^2) */
#define WN0 (1.0f / (WA2 * WB2))
#define WNA (1.0f / (2 * WA2 * (WA2 - WB2)))
#define WNB (1.0f / (2 * WB2 * (WB2 - WA2)))

/* o = B^T d */
INLINE void wino_bt(const vf d[6], vf o[6])
{
    vf a2 = v_set1(WA2), b2 = v_set1(WB2), both = v_set1(WA2 + WB2), product = v_set1(WA2 * WB2);
    o[0] = v_fma(product, d[0], v_fnma(both, d[2], d[4]));
    o[5] = v_fma(product, d[1], v_fnma(both, d[3], d[5]));
    vf e = v_fnma(b2, d[2], d[4]), f = v_mul(v_set1(WA), v_fnma(b2, d[1], d[3]));
    o[1] = v_add(e, f);
    o[2] = v_sub(e, f);
    e = v_fnma(a2, d[2], d[4]);
    f = v_mul(v_set1(WB), v_fnma(a2, d[1], d[3]));
    o[3] = v_add(e, f);
    o[4] = v_sub(e, f);
}

/* y = A^T m */
INLINE void wino_at(const vf m[6], vf y[4])
{
    vf s1 = v_add(m[1], m[2]), d1 = v_sub(m[1], m[2]), s2 = v_add(m[3], m[4]), d2 = v_sub(m[3], m[4]);
    y[0] = v_add(m[0], v_add(s1, s2));
    y[1] = v_fma(v_set1(WA), d1, v_mul(v_set1(WB), d2));
    y[2] = v_fma(v_set1(WA2), s1, v_mul(v_set1(WB2), s2));
    y[3] = v_fma(v_set1(WA2 * WA), d1, v_fma(v_set1(WB2 * WB), d2, m[5]));
}

/* o = A y */
INLINE void wino_a(const vf y[4], vf o[6])
{
    o[0] = y[0];
    o[5] = y[3];
    vf e = v_fma(v_set1(WA2), y[2], y[0]), f = v_fma(v_set1(WA2 * WA), y[3], v_mul(v_set1(WA), y[1]));
    o[1] = v_add(e, f);
    o[2] = v_sub(e, f);
    e = v_fma(v_set1(WB2), y[2], y[0]);
    f = v_fma(v_set1(WB2 * WB), y[3], v_mul(v_set1(WB), y[1]));
    o[3] = v_add(e, f);
    o[4] = v_sub(e, f);
}

/* o = G w */
INLINE void wino_g(const vf w[3], vf o[6])
{
    o[0] = v_mul(v_set1(WN0), w[0]);
    o[5] = w[2];
    vf e = v_fma(v_set1(WNA * WA2), w[2], v_mul(v_set1(WNA), w[0])), f = v_mul(v_set1(WNA * WA), w[1]);
    o[1] = v_add(e, f);
    o[2] = v_sub(e, f);
    e = v_fma(v_set1(WNB * WB2), w[2], v_mul(v_set1(WNB), w[0]));
    f = v_mul(v_set1(WNB * WB), w[1]);
    o[3] = v_add(e, f);
    o[4] = v_sub(e, f);
}

/* w = G^T u */
INLINE void wino_gt(const vf u[6], vf w[3])
{
    vf s1 = v_add(u[1], u[2]), d1 = v_sub(u[1], u[2]), s2 = v_add(u[3], u[4]), d2 = v_sub(u[3], u[4]);
    w[0] = v_fma(v_set1(WN0), u[0], v_fma(v_set1(WNA), s1, v_mul(v_set1(WNB), s2)));
    w[1] = v_fma(v_set1(WNA * WA), d1, v_mul(v_set1(WNB * WB), d2));
    w[2] = v_fma(v_set1(WNA * WA2), s1, v_fma(v_set1(WNB * WB2), s2, u[5]));
}

INLINE vf wino_load(const float *p, const int whole, vmask m)
{
    return whole ? v_load(p) : v_loadm(p, m);
}

INLINE void wino_store(float *p, vf x, const int whole, vmask m)
{
    if (whole) v_store(p, x);
    else v_storem(p, x, m);
}

/* Runs `body(whole, mask)` over channels [0, c): j is the first of a vector. */
#define WINO_CHANNELS(body)                             \
    int64_t j = 0;                                      \
    vmask all = v_first(VL);                            \
    for (; j + VL <= c; j += VL) body(1, all);          \
    if (j < c) {                                        \
        vmask rest = v_first(c - j);                    \
        body(0, rest);                                  \
    }

INLINE void input_vector(const float *x, int64_t c, int64_t row, float *v, int64_t plane, const int whole, vmask m)
{
    vf t[6][6], d[6], o[6];
    UNROLL
    for (int k = 0; k < 6; k++) {
        UNROLL
        for (int i = 0; i < 6; i++) d[i] = wino_load(x + i * row + k * c, whole, m);
        wino_bt(d, o);
        UNROLL
        for (int i = 0; i < 6; i++) t[i][k] = o[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        wino_bt(t[i], o);
        UNROLL
        for (int k = 0; k < 6; k++) wino_store(v + (i * 6 + k) * plane, o[k], whole, m);
    }
}

static void winograd_input(int64_t c, const float *x, int64_t row, float *v, int64_t plane)
{
#define BODY(whole, m) input_vector(x + j, c, row, v + j, plane, whole, m)
    WINO_CHANNELS(BODY)
#undef BODY
}

INLINE void output_grad_vector(const float *dy, int64_t c, int64_t row, float *d, int64_t plane, const int whole, vmask m)
{
    vf t[6][4], y[4], o[6];
    UNROLL
    for (int k = 0; k < 4; k++) {
        UNROLL
        for (int i = 0; i < 4; i++) y[i] = wino_load(dy + i * row + k * c, whole, m);
        wino_a(y, o);
        UNROLL
        for (int i = 0; i < 6; i++) t[i][k] = o[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        wino_a(t[i], o);
        UNROLL
        for (int k = 0; k < 6; k++) wino_store(d + (i * 6 + k) * plane, o[k], whole, m);
    }
}

static void winograd_output_grad(int64_t c, const float *dy, int64_t row, float *d, int64_t plane)
{
#define BODY(whole, m) output_grad_vector(dy + j, c, row, d + j, plane, whole, m)
    WINO_CHANNELS(BODY)
#undef BODY
}

/* The 4x4 results of one vector of channels, t[row][column]. */
INLINE void output_tile(const float *mm, int64_t plane, vf t[4][4], const int whole, vmask m)
{
    vf half[4][6], d[6], o[4];
    UNROLL
    for (int k = 0; k < 6; k++) {
        UNROLL
        for (int i = 0; i < 6; i++) d[i] = wino_load(mm + (i * 6 + k) * plane, whole, m);
        wino_at(d, o);
        UNROLL
        for (int i = 0; i < 4; i++) half[i][k] = o[i];
    }
    UNROLL
    for (int i = 0; i < 4; i++) wino_at(half[i], t[i]);
}

INLINE void output_vector(const float *mm, int64_t c, int64_t plane, const od_winograd_out *out, int64_t j, const int whole, vmask m)
{
    const od_gemm_post *post = out->post;
    vf t[4][4], sum = v_zero(), sumsq = v_zero();
    output_tile(mm + j, plane, t, whole, m);
    vf scale = out->scale ? wino_load(out->scale + j, whole, m) : v_set1(1.0f);
    vf bias = post && post->bias ? wino_load(post->bias + j, whole, m) : v_zero();
    for (int i = 0; i < out->rows; i++)
        for (int k = 0; k < out->columns; k++) {
            int64_t at = i * out->row_step + k * c + j;
            vf x = t[i][k];
            if (out->accumulate) x = v_add(x, wino_load(out->y + at, whole, m));
            if (post) {
                x = v_act(v_fma(x, scale, bias), post->act);
                if (post->residual) x = v_act(v_add(x, wino_load(post->residual + at, whole, m)), post->act_after);
                sum = v_add(sum, x);
                sumsq = v_fma(x, x, sumsq);
            }
            wino_store(out->y + at, x, whole, m);
        }
    if (!post || !post->sum) return;
    wino_store(post->sum + j, v_add(wino_load(post->sum + j, whole, m), sum), whole, m);
    wino_store(post->sumsq + j, v_add(wino_load(post->sumsq + j, whole, m), sumsq), whole, m);
}

static void winograd_output(int64_t c, const float *mm, int64_t plane, const od_winograd_out *out)
{
#define BODY(whole, m) output_vector(mm, c, plane, out, j, whole, m)
    WINO_CHANNELS(BODY)
#undef BODY
}

INLINE void weights_vector(const float *w, int64_t tap, float *u, int64_t plane, const int whole, vmask m)
{
    vf t[6][3], d[3], o[6];
    UNROLL
    for (int k = 0; k < 3; k++) {
        UNROLL
        for (int i = 0; i < 3; i++) d[i] = wino_load(w + (i * 3 + k) * tap, whole, m);
        wino_g(d, o);
        UNROLL
        for (int i = 0; i < 6; i++) t[i][k] = o[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++) {
        wino_g(t[i], o);
        UNROLL
        for (int k = 0; k < 6; k++) wino_store(u + (i * 6 + k) * plane, o[k], whole, m);
    }
}

static void winograd_weights(int64_t c, const float *w, int64_t tap, float *u, int64_t plane)
{
#define BODY(whole, m) weights_vector(w + j, tap, u + j, plane, whole, m)
    WINO_CHANNELS(BODY)
#undef BODY
}

INLINE void weights_grad_vector(const float *du, int64_t plane, float *dw, int64_t tap, const int whole, vmask m)
{
    vf t[3][6], d[6], o[3];
    UNROLL
    for (int k = 0; k < 6; k++) {
        UNROLL
        for (int i = 0; i < 6; i++) d[i] = wino_load(du + (i * 6 + k) * plane, whole, m);
        wino_gt(d, o);
        UNROLL
        for (int i = 0; i < 3; i++) t[i][k] = o[i];
    }
    UNROLL
    for (int i = 0; i < 3; i++) {
        wino_gt(t[i], o);
        UNROLL
        for (int k = 0; k < 3; k++) {
            float *p = dw + (i * 3 + k) * tap;
            wino_store(p, v_add(wino_load(p, whole, m), o[k]), whole, m);
        }
    }
}

static void winograd_weights_grad(int64_t c, const float *du, int64_t plane, float *dw, int64_t tap)
{
#define BODY(whole, m) weights_grad_vector(du + j, plane, dw + j, tap, whole, m)
    WINO_CHANNELS(BODY)
#undef BODY
}

static void winograd_fill(od_kernels *t)
{
    t->winograd_input = winograd_input;
    t->winograd_output = winograd_output;
    t->winograd_output_grad = winograd_output_grad;
    t->winograd_weights = winograd_weights;
    t->winograd_weights_grad = winograd_weights_grad;
}

#endif
