/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/bundle_dtype.h"

static const int tf_numbers[OD_DTYPE_COUNT] = {
    [OD_F32] = 1, [OD_F64] = 2, [OD_I32] = 3, [OD_U8] = 4, [OD_I16] = 5, [OD_I8] = 6, [OD_STRING] = 7, [OD_I64] = 9,
    [OD_BOOL] = 10, [OD_BF16] = 14, [OD_U16] = 17, [OD_F16] = 19, [OD_U32] = 22, [OD_U64] = 23,
};

od_dtype od_bundle_dtype_from_tf(int tf_dtype)
{
    for (int i = 0; i < OD_DTYPE_COUNT; i++)
        if (tf_numbers[i] == tf_dtype) return (od_dtype)i;
    return OD_DTYPE_COUNT;
}

int od_bundle_dtype_to_tf(od_dtype dtype)
{
    return (unsigned)dtype < OD_DTYPE_COUNT ? tf_numbers[dtype] : 0;
}
