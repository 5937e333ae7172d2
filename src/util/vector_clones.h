/* SPDX-License-Identifier: Apache-2.0
 *
 * OD_VECTOR_CLONES before a function whose plain loops the compiler makes vectors of: it is compiled for wider vectors besides,
 * and the machine's widest is chosen when the program starts. Contraction is off, so that all give the same bits. Only gcc on
 * x86-64 with glibc does this; not under a sanitizer, whose checks the choice at start would come before.
 * OD_PART_OF_CLONE: a function that belongs into such a one.
 */
#ifndef OD_UTIL_VECTOR_CLONES_H
#define OD_UTIL_VECTOR_CLONES_H

#include <stdint.h> /* defines __GLIBC__ there */

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OD_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define OD_VECTOR_CLONES
#endif
#define OD_PART_OF_CLONE static inline __attribute__((always_inline))

#endif
