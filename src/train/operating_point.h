/* SPDX-License-Identifier: Apache-2.0
 *
 * The operating point of a model_dir, for prediction.
 */
#ifndef OD_TRAIN_OPERATING_POINT_H
#define OD_TRAIN_OPERATING_POINT_H

#include "objdet/operating_point.h"

/* *out is NULL when the folder has none. Warns when the model's newest checkpoint isn't the one it was made with. */
od_status od_model_operating_point_load(od_operating_file **out, const char *model_dir, od_error *err);

#endif
