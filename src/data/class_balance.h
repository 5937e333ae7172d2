/* SPDX-License-Identifier: Apache-2.0
 *
 * How often each image is drawn so that every class is seen equally often: a draw takes one of the classes that have boxes, all with
 * the same probability, then one of the images with that class. So image i has the weight
 *
 *     w_i = (1 - N0 / N) * sum over its classes c of 1 / (C * n_c)        w_i = 1 / N for an image without boxes
 *
 * with N images, N0 of them without boxes (which keep their share), C classes and n_c images with class c. The weights' sum is 1.
 */
#ifndef OD_DATA_CLASS_BALANCE_H
#define OD_DATA_CLASS_BALANCE_H

#include "data/dataset.h"

/* *weights [size of the data set], freed with od_free. Images that can't be read get 0. Crowd boxes count as boxes. */
od_status od_class_balance_weights(const od_dataset *ds, double **weights, od_error *err);

/* "a,b" as *labels [num_classes + 1], 1 for the ids of these names. OD_ERR_ARG names one that the label map doesn't have. */
od_status od_class_balance_labels(const od_label_map *map, const char *names, int num_classes, uint8_t **labels, od_error *err);

#endif
