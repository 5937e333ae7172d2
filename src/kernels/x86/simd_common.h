/* SPDX-License-Identifier: Apache-2.0
 *
 * What both vector vocabularies need around them: the table, forced inlining and forced unrolling.
 */
#ifndef OD_KERNELS_X86_SIMD_COMMON_H
#define OD_KERNELS_X86_SIMD_COMMON_H

#include "kernels/kernels_impl.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

/* Makes a loaded vector a register's value: the compiler would rather load it again at each of its uses. */
#define KEEP(v) __asm__("" : "+v"(v))

/* Before a loop of a constant number of rounds: all of them are written out, so that arrays indexed by the loop
 * become registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#endif
