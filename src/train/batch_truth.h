/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch of the input pipeline as the ground truth that models take.
 */
#ifndef OD_TRAIN_BATCH_TRUTH_H
#define OD_TRAIN_BATCH_TRUTH_H

#include "data/batch.h"
#include "detection/targets.h"

/* Fills truth[batch->count], which points into the batch. */
void od_batch_truth(const od_batch *batch, od_groundtruth *truth);

#endif
