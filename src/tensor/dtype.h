/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types of stored tensors: in memory always little-endian and packed. OD_STRING elements have no fixed
 * size (od_dtype_size gives 0); who stores them says how.
 */
#ifndef OD_TENSOR_DTYPE_H
#define OD_TENSOR_DTYPE_H

#include <stddef.h>
#include <stdint.h>

/* name, text (as safetensors writes it), bytes an element */
#define OD_DTYPE_LIST(X) \
    X(OD_F32, "F32", 4) \
    X(OD_F64, "F64", 8) \
    X(OD_I8, "I8", 1) \
    X(OD_I16, "I16", 2) \
    X(OD_I32, "I32", 4) \
    X(OD_I64, "I64", 8) \
    X(OD_U8, "U8", 1) \
    X(OD_U16, "U16", 2) \
    X(OD_U32, "U32", 4) \
    X(OD_U64, "U64", 8) \
    X(OD_BOOL, "BOOL", 1) \
    X(OD_F16, "F16", 2) \
    X(OD_BF16, "BF16", 2) \
    X(OD_STRING, "STRING", 0)

typedef enum od_dtype {
#define X(name, text, bytes) name,
    OD_DTYPE_LIST(X)
#undef X
    OD_DTYPE_COUNT
} od_dtype;

/* The most dimensions a stored tensor may have. */
#define OD_DTYPE_MAX_RANK 8

/* "F32", ...; "?" for a number that is no od_dtype. */
const char *od_dtype_name(od_dtype dtype);
/* Bytes an element; 0 for OD_STRING. */
size_t od_dtype_size(od_dtype dtype);
/* The dtype called `name` in *out and 1; 0 when there is none. */
int od_dtype_parse(const char *name, od_dtype *out);

/* Product of the dimensions (1 for rank 0) in *count; -1 when the rank is not 0..OD_DTYPE_MAX_RANK, a dimension
 * is negative or the product overflows int64, else 0. */
int od_shape_count(int rank, const int64_t *shape, int64_t *count);
/* count * size of dtype in *bytes; -1 as above, for OD_STRING, and when more than PTRDIFF_MAX. */
int od_shape_bytes(od_dtype dtype, int rank, const int64_t *shape, size_t *bytes);
/* "[3,3,32,1]" into out (cut to size); returns out. */
char *od_shape_text(int rank, const int64_t *shape, char *out, size_t size);

#endif
