/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorFlow's DataType numbers (tensorflow/core/framework/types.proto) and ours.
 */
#ifndef OD_CHECKPOINT_BUNDLE_DTYPE_H
#define OD_CHECKPOINT_BUNDLE_DTYPE_H

#include "tensor/dtype.h"

/* OD_DTYPE_COUNT for a type that we don't have. */
od_dtype od_bundle_dtype_from_tf(int tf_dtype);
int od_bundle_dtype_to_tf(od_dtype dtype);

#endif
