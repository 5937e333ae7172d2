/* SPDX-License-Identifier: Apache-2.0
 *
 * How often training draws each image: from data sets by their weights (InputReader.sample_from_datasets_weights,
 * builders/dataset_builder.py), from each set every record equally often, from a sequence any of its frames.
 */
#ifndef OD_DATA_SAMPLING_H
#define OD_DATA_SAMPLING_H

#include "data/dataset.h"

/* path_weights [path_count]: one for each path that the data set was opened with, or NULL: by their numbers of records. *weights
 * [od_dataset_size] is freed by the caller with od_free; NULL: all equally often. OD_ERR_FORMAT when a path with a weight has no images. */
od_status od_sampling_weights(const od_dataset *ds, const float *path_weights, size_t path_count, double **weights, od_error *err);

#endif
