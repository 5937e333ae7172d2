/* SPDX-License-Identifier: Apache-2.0
 *
 * The loss of a single-stage anchor-based detector over one batch, and its gradient with respect to the raw predictions
 * (OD API meta_architectures/ssd_meta_arch.py, loss).
 *
 *     od_ssd_loss *loss;
 *     OD_TRY(od_ssd_loss_create(ssd, &loss, err));
 *     OD_TRY(od_ssd_loss_run(loss, &targets, box_encodings, class_logits, &values, d_box, d_class, err));   // every step
 */
#ifndef OD_DETECTION_SSD_LOSS_H
#define OD_DETECTION_SSD_LOSS_H

#include "detection/targets.h"

#include "ssd.pb-c.h"

typedef struct od_ssd_loss od_ssd_loss;

/* Weighted and normalised, as printed and logged: Loss/localization_loss and Loss/classification_loss. */
typedef struct od_ssd_loss_values {
    double localization, classification;
} od_ssd_loss_values;

/* From the config. OD_ERR_UNSUPPORTED names a loss or option that isn't supported, OD_ERR_CONFIG what the OD API refuses. */
od_status od_ssd_loss_create(const ObjectDetection__Protos__Ssd *ssd, od_ssd_loss **out, od_error *err);
void od_ssd_loss_free(od_ssd_loss *loss);

/* box_encodings [N, A, code_size], class_logits [N, A, columns] with N, A and columns those of `targets`.
 * d_box and d_class get the gradients of localization + classification (same shapes, overwritten); both NULL: only the values.
 * Values that aren't finite are no error here: the training loop reports them. Parallel over anchors; the same bits for
 * any number of threads. Predicted codes of unmatched anchors don't enter (not even as NaN). OD_ERR_NOMEM. */
od_status od_ssd_loss_run(const od_ssd_loss *loss, const od_targets *targets, const float *box_encodings, const float *class_logits,
                          od_ssd_loss_values *values, float *d_box, float *d_class, od_error *err);

#endif
