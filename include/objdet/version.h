/* SPDX-License-Identifier: Apache-2.0
 *
 * The library's version and what it found in the processor.
 */
#ifndef OBJDET_VERSION_H
#define OBJDET_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
const char *od_version(void);

/* The instruction set whose kernels run: "ref", "avx2" or "avx512". Chosen at first use from the processor, or
 * forced by the environment variable OBJDET_ISA. */
const char *od_kernels_isa(void);

#ifdef __cplusplus
}
#endif
#endif
