/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of kernels share: every instruction set that this machine has against a version in double precision, on random shapes with odd
 * sizes, distant rows, unaligned pointers and absent options. Every matrix lies against a page that cannot be touched (before or behind it),
 * and what lies between its rows must come back unchanged.
 */
#ifndef KERNEL_CASE_H
#define KERNEL_CASE_H

#include "kernels/kernels.h"

#include <stddef.h>
#include <stdint.h>

enum { KERNEL_ISAS = 3 };
extern const char *const kernel_isas[KERNEL_ISAS];

/* A test of one instruction set's table; KERNEL_TEST makes a cmocka test of it that runs it on every one with the same random numbers. */
typedef void (*kernel_test)(const od_kernels *t);
void kernel_on_every_isa(void **state);
#define KERNEL_TEST(f) {#f, kernel_on_every_isa, NULL, NULL, (void *)&(kernel_test){f}}

int64_t kernel_pick(int64_t low, int64_t high); /* both included */
int kernel_coin(void);
od_act kernel_pick_act(void);
/* Some pieces of memory, which a kernel may fetch: fewer lines than it has steps, or many more. */
void kernel_aheads(od_ahead ahead[OD_AHEADS]);
void kernel_check_value(const char *what, double got, double want, double tolerance);
double kernel_act(double x, od_act act);
double kernel_act_derivative(double x, od_act act);

/* A matrix [rows, cols] with row distance ld, against an unreadable page; between its rows lie NaNs of one pattern. */
typedef struct mat {
    float *p;
    int64_t rows, cols, ld;
    void *map;
    size_t map_size;
} mat;

extern const uint32_t mat_canary;
int64_t mat_count(const mat *m);
mat mat_create(int64_t rows, int64_t cols, int64_t ld); /* random values */
mat mat_random(int64_t rows, int64_t cols);             /* and a random row distance */
mat vec_random(int64_t n);
/* The same matrix elsewhere, for what a kernel is going to overwrite. */
mat mat_copy(const mat *m);
void mat_free(mat *m);
void mat_check_gaps(const mat *m);
float mat_at(const mat *m, int64_t r, int64_t c);

/* Post-operations, shared by the products and the depthwise rows. */
typedef struct post_case {
    mat bias, residual, sum, sumsq, sum0, sumsq0, behind_from, behind_to;
    od_gemm_post post;
    int used;
} post_case;

post_case post_case_random(int64_t m, int64_t n, int with_residual);
double post_case_apply(const post_case *p, double x, int64_t r, int64_t c);
/* The sums are of the values stored: `c` is the kernel's own output. */
void post_case_check_sums(const post_case *p, const mat *c);
/* What the kernel was to write on is where it belongs. */
void post_case_check_behind(const post_case *p);
void post_case_free(post_case *p);

#endif
