/* SPDX-License-Identifier: Apache-2.0
 *
 * Denormal numbers cost a hundred cycles each and mean nothing in a network: a thread may take them as zero, in and out,
 * and put its mode back afterwards. (TensorFlow and OpenVINO run their kernels in this mode.)
 */
#ifndef OD_UTIL_DENORMALS_H
#define OD_UTIL_DENORMALS_H

#include <stdint.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* Sets the calling thread's mode; returns the one before, for od_denormals_restore. */
static inline uint64_t od_denormals_flush(void)
{
#if defined(__x86_64__)
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u); /* flush to zero, denormals are zero */
    return before;
#elif defined(__aarch64__)
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (uint64_t)1 << 24));
    return before;
#else
    return 0;
#endif
}

static inline void od_denormals_restore(uint64_t mode)
{
#if defined(__x86_64__)
    _mm_setcsr((unsigned)mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

#endif
