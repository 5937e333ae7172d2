/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/dtype.h"

#include <stdio.h>
#include <string.h>

const char *od_dtype_name(od_dtype dtype)
{
    static const char *const names[] = {
#define X(name, text, bytes) text,
        OD_DTYPE_LIST(X)
#undef X
    };
    return (unsigned)dtype < OD_DTYPE_COUNT ? names[dtype] : "?";
}

size_t od_dtype_size(od_dtype dtype)
{
    static const unsigned char sizes[] = {
#define X(name, text, bytes) bytes,
        OD_DTYPE_LIST(X)
#undef X
    };
    return (unsigned)dtype < OD_DTYPE_COUNT ? sizes[dtype] : 0;
}

int od_dtype_parse(const char *name, od_dtype *out)
{
    for (int i = 0; i < OD_DTYPE_COUNT; i++) {
        if (strcmp(name, od_dtype_name((od_dtype)i))) continue;
        *out = (od_dtype)i;
        return 1;
    }
    return 0;
}

int od_shape_count(int rank, const int64_t *shape, int64_t *count)
{
    if (rank < 0 || rank > OD_DTYPE_MAX_RANK) return -1;
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(n, shape[i], &n)) return -1;
    *count = n;
    return 0;
}

int od_shape_bytes(od_dtype dtype, int rank, const int64_t *shape, size_t *bytes)
{
    int64_t n;
    int64_t size = (int64_t)od_dtype_size(dtype);
    if (!size || od_shape_count(rank, shape, &n) || __builtin_mul_overflow(n, size, &n) || n > PTRDIFF_MAX) return -1;
    *bytes = (size_t)n;
    return 0;
}

char *od_shape_text(int rank, const int64_t *shape, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, i ? ",%lld" : "%lld", (long long)shape[i]);
    if (used < size) snprintf(out + used, size - used, "]");
    return out;
}
