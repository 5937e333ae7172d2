/* SPDX-License-Identifier: Apache-2.0
 *
 * Class predictions to scores: identity, sigmoid or softmax of logit / logit_scale (OD API builders/post_processing_builder.py), then
 * perhaps calibrated (builders/calibration_builder.py): by linear interpolation between points, or before it by a temperature.
 */
#ifndef OD_DETECTION_SCORE_CONVERTER_H
#define OD_DETECTION_SCORE_CONVERTER_H

#include "util/error.h"

#include "post_processing.pb-c.h"

#include <stdint.h>

typedef enum od_score_kind { OD_SCORE_IDENTITY, OD_SCORE_SIGMOID, OD_SCORE_SOFTMAX } od_score_kind;

typedef struct od_score_converter {
    od_score_kind kind;
    float inverse_scale; /* 1 / logit_scale */
    float temperature;   /* that logits are divided by before; 1: none */
    const ObjectDetection__Protos__CalibrationConfig *calibration; /* of points, borrowed from the config; or NULL */
} od_score_converter;

/* Keeps a pointer into `config`. OD_ERR_CONFIG for scales that aren't positive, and for points that don't ascend. */
od_status od_score_converter_init(od_score_converter *converter, const ObjectDetection__Protos__PostProcessing *config, od_error *err);

/* scores[rows, columns] of logits[rows, columns]; softmax over the columns. scores may be logits. */
void od_score_converter_apply(const od_score_converter *converter, int64_t rows, int columns, const float *logits, float *scores);

#endif
