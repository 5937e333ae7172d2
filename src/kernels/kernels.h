/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of hot kernels. It is filled with the portable reference versions (ref/) and then overridden, at first
 * use, by the best instruction set that the processor has (x86/), or the one forced by OBJDET_ISA=ref|avx2|avx512.
 *
 * Every kernel works on one thread, on memory that the caller owns, and allocates nothing: the ops in src/nn cut
 * the work into blocks, hand a block and scratch memory to a kernel, and do the threading (OpenMP). Matrices are
 * row-major float32; `ld*` is the distance between rows in elements. Pointers need not be aligned unless said.
 * Activations are NHWC, so that an activation is a matrix [N*H*W rows, C channels]: "rows" below.
 * Outputs must not overlap inputs unless a kernel says so. Kernels read and write only the elements they own
 * (no access beyond a row's last channel, whatever its count).
 */
#ifndef OD_KERNELS_KERNELS_H
#define OD_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum od_act {
    OD_ACT_NONE,
    OD_ACT_RELU,
    OD_ACT_RELU6,
    OD_ACT_SWISH,   /* x * sigmoid(x) */
    OD_ACT_SIGMOID,
} od_act;

/* Memory that the caller reads next: a kernel brings it to the second-level cache bit by bit, while it calculates. */
typedef struct od_ahead {
    const float *data;
    int64_t floats; /* 0: none, and nothing after it in a list of them */
} od_ahead;

enum { OD_AHEADS = 3 };

/* Results of an earlier call, made in the caches, that belong elsewhere: a kernel writes them there bit by bit, past the caches. */
typedef struct od_behind {
    const float *from;
    float *to;      /* 64-byte aligned */
    int64_t floats; /* a multiple of 16; 0: none */
} od_behind;

/* What happens to a finished block of a matrix product, in this order, while it is in registers or cache.
 * All NULL and OD_ACT_NONE: a plain store. */
typedef struct od_gemm_post {
    const float *bias;     /* [N], added to each row; or NULL */
    od_act act;            /* of the biased value */
    const float *residual; /* [M,N] with row distance ldr, added after the activation; or NULL */
    int64_t ldr;
    od_act act_after;      /* of the sum with the residual; OD_ACT_NONE, RELU or RELU6 */
    float *sum, *sumsq;    /* [N], += column sums of the values stored and of their squares (batch-norm statistics);
                              both or neither. One call adds at most a few hundred rows: callers fold into doubles. */
    od_ahead ahead[OD_AHEADS]; /* fetched during the product, one after another */
    od_behind behind;      /* gemm and dw_row: written meanwhile */
    int claims;            /* the result goes to memory that the caches don't hold: its lines are claimed ahead of writing */
} od_gemm_post;

/* The first half of batch norm's (and the activation's) gradient: dz = dy * act'(x * scale + shift), and its sums. ReLU's derivative at
 * its corners is 0, ReLU6's is 0 at <= 0 and at >= 6, as TensorFlow's. */
typedef struct od_act_grad {
    const float *x; /* [rows, C], as the gradient's rows */
    int64_t ldx;
    const float *scale, *shift; /* [C]; either may be NULL: 1, 0 */
    const float *mean;          /* [C]; only for sum_dzx */
    od_act act;
    float *sum_dz, *sum_dzx;    /* [C], += Σ dz and += Σ dz * (x - mean); either may be NULL: not wanted */
} od_act_grad;

/* Where a 4x4 tile of Winograd's convolution goes. */
typedef struct od_winograd_out {
    float *y;             /* the tile's first pixel [C]; the next pixel follows */
    int64_t row_step;     /* floats from row to row */
    int rows, columns;    /* that exist: 1 to 4 */
    int accumulate;       /* y += (before post) */
    const float *scale;   /* [C] of the product, before the bias; NULL: 1. Needs post */
    const od_gemm_post *post; /* residual at the tile's first pixel, with y's steps (ldr is unused); NULL: none */
} od_winograd_out;

/* A depthwise convolution's geometry along x; rows are handed over one by one, so y is the caller's affair. */
typedef struct od_dw_shape {
    int64_t channels;
    int64_t in_width, out_width;
    int kernel_h, kernel_w;    /* 3x3 and 5x5 with stride 1 and 2 are the hot ones; any other size must work */
    int stride_w, dilation_w;
    int pad_left;              /* input column of output x, tap kx: x*stride_w - pad_left + kx*dilation_w; outside: zero */
} od_dw_shape;

/* An input row of a depthwise convolution and the gradients that it takes part in. */
typedef struct od_dw_grad {
    const float *const *drows; /* [kernel_h] rows of the output's gradient [out_width, C] for which the input row is under tap row ky, or NULL */
    const float *weights;      /* [kernel_h, kernel_w, C] */
    od_act_grad in;            /* the convolution's input: act(x * scale + shift), act NONE, RELU or RELU6; x [in_width, C], ldx = C */
    int through;               /* dx goes on to the gradient before the activation, and into in's sums */
    float *dx;                 /* [in_width, C], overwritten */
    float *dweights;           /* [kernel_h, kernel_w, C], += */
    const od_ahead *ahead;     /* [OD_AHEADS] or NULL */
    int claims;                /* of dx, as od_gemm_post.claims */
} od_dw_grad;

typedef struct od_kernels {
    const char *isa; /* "ref", "avx2", "avx512" */

    /* --- matrix products ------------------------------------------------------------------------------- */

    /* Elements that pack_b needs for a [K,N] matrix; the buffer is 64-byte aligned. */
    size_t (*gemm_packed_size)(int64_t k, int64_t n);
    /* Packs B [K,N] into this instruction set's own order. transposed: `b` holds B^T, i.e. [N,K] with row distance ldb. */
    void (*gemm_pack_b)(int64_t k, int64_t n, const float *b, int64_t ldb, int transposed, float *packed);
    /* The same for rows [first, first + count) of B alone; b: the first of them, i.e. transposed: the first column of B^T's. */
    void (*gemm_pack_rows)(int64_t k, int64_t n, int64_t first, int64_t count, const float *b, int64_t ldb, int transposed, float *packed);
    /* C[M,N] = A[M,K] * B (accumulate: +=), then `post` (NULL: nothing). Any M, N, K >= 1. Called with M from 1 up to
     * a few hundred; the hot shapes are 1x1 convolutions: K and N from 16 to 1280. */
    void (*gemm)(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed_b, float *c, int64_t ldc,
                 int accumulate, const od_gemm_post *post);
    /* C[m,N] = Σ A_s[m,k] * B_s over `count` segments, then `post`: a convolution's output row straight from its input rows. Row i of
     * A_s begins at a[s] + i * lda (a[s] NULL: zeros); B_s is rows [s*k, (s+1)*k) of the packed [count*k, N]. */
    void (*gemm_segments)(int64_t m, int64_t n, int64_t k, int count, const float *const *a, int64_t lda, const float *packed_b, float *c,
                          int64_t ldc, const od_gemm_post *post);
    /* G[K,N] += A[M,K]^T * D[M,N]: weight gradients. M is a block of rows (64 to 512), K and N as above. ahead: [OD_AHEADS] or NULL. */
    void (*gemm_tn)(int64_t m, int64_t k, int64_t n, const float *a, int64_t lda, const float *d, int64_t ldd, float *g, int64_t ldg, const od_ahead *ahead);

    /* --- passes over rows, with vectors of one value a channel ----------------------------------------------- */

    /* y = act(x * scale + shift); scale and shift [C], either may be NULL (1, 0). y may be x. */
    void (*rows_affine_act)(int64_t rows, int64_t c, const float *x, int64_t ldx, const float *scale, const float *shift, od_act act,
                            float *y, int64_t ldy);
    /* y = act(x * scale + shift) + residual. y may be x or residual. */
    void (*rows_affine_act_add)(int64_t rows, int64_t c, const float *x, int64_t ldx, const float *scale, const float *shift,
                                od_act act, const float *residual, int64_t ldr, float *y, int64_t ldy);
    /* sum += Σ x, sumsq += Σ x^2 over rows. */
    void (*rows_stats)(int64_t rows, int64_t c, const float *x, int64_t ldx, float *sum, float *sumsq);
    /* dz and its sums as od_act_grad says, in one pass. dz may be dy, or g->x. */
    void (*rows_act_grad)(int64_t rows, int64_t c, const float *dy, int64_t lddy, const od_act_grad *g, float *dz, int64_t lddz);
    /* The second half: dx = a * dz + b * x + c, a, b, c [C]. dx may be dz. */
    void (*rows_bn_grad)(int64_t rows, int64_t c, const float *dz, int64_t lddz, const float *x, int64_t ldx, const float *a, const float *b,
                         const float *cc, float *dx, int64_t lddx);
    /* to = from past the caches, as od_behind; all that earlier calls of this thread wrote so is there, too, for other threads. */
    void (*copy_past)(int64_t n, const float *from, float *to);
    /* y += x. */
    void (*add)(int64_t n, const float *x, float *y);

    /* --- depthwise convolution, channel multiplier 1 ---------------------------------------------------------- */

    /* One output row [out_width, C]. rows: kernel_h input rows [in_width, C], NULL where outside the image (zero).
     * weights [kernel_h, kernel_w, C]. post: bias, act and sums as in gemm (residual unused), or NULL. */
    void (*dw_row)(const od_dw_shape *s, const float *const *rows, const float *weights, float *out, const od_gemm_post *post);
    /* Both gradients of one input row: dx[x] = Σ over taps ky and kx that reach x of drows[ky][ox] * weights[ky,kx],
     * and dweights[ky,kx] += Σ drows[ky][ox] * input[x]. */
    void (*dw_row_grad)(const od_dw_shape *s, const od_dw_grad *g);

    /* --- Winograd F(4x4, 3x3): winograd_impl.h ------------------------------------------------------------------ */

    /* Tiles of pixels [C], the next pixel C floats on, the next row `row`; their 36 places [C] each `plane` floats apart. */

    /* v = B^T x B: a 6x6 tile of inputs. */
    void (*winograd_input)(int64_t c, const float *x, int64_t row, float *v, int64_t plane);
    /* y = A^T m A, 4x4. */
    void (*winograd_output)(int64_t c, const float *m, int64_t plane, const od_winograd_out *out);
    /* d = A dy A^T: the gradient of m, from a 4x4 tile. */
    void (*winograd_output_grad)(int64_t c, const float *dy, int64_t row, float *d, int64_t plane);
    /* u = G w G^T: nine taps [C], `tap` floats apart (negative: the kernel turned round). */
    void (*winograd_weights)(int64_t c, const float *w, int64_t tap, float *u, int64_t plane);
    /* dw += G^T du G. */
    void (*winograd_weights_grad)(int64_t c, const float *du, int64_t plane, float *dw, int64_t tap);

    /* --- sums in double ------------------------------------------------------------------------------------------ */

    /* C[M,N] = A[M,K] * B[K,N] with double sums: moments of batch norm, where float's would cancel. Small: M and K up to 64. */
    void (*matmul_double)(int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const float *b, int64_t ldb, double *c, int64_t ldc);

    /* --- optimiser ---------------------------------------------------------------------------------------------- */

    /* v = momentum * v - lr * (grad_scale * g); w += v  (Keras' legacy SGD; grad_scale carries the clipping). */
    void (*momentum_update)(int64_t n, float *w, float *v, const float *g, float lr, float momentum, float grad_scale);
    /* Σ x^2 in double. */
    double (*sum_squares)(int64_t n, const float *x);
} od_kernels;

/* The table in force; chosen once, thread-safe. */
const od_kernels *od_kernels_get(void);

/* For tests: the table of one instruction set, NULL when the build or the processor lacks it. */
const od_kernels *od_kernels_for(const char *isa);

#endif
