/* SPDX-License-Identifier: Apache-2.0
 *
 * Class predictions to scores: identity, sigmoid or softmax of logit / logit_scale (OD API builders/post_processing_builder.py).
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
} od_score_converter;

/* OD_ERR_UNSUPPORTED for a calibration_config. */
od_status od_score_converter_init(od_score_converter *converter, const ObjectDetection__Protos__PostProcessing *config, od_error *err);

/* scores[rows, columns] of logits[rows, columns]; softmax over the columns. scores may be logits. */
void od_score_converter_apply(const od_score_converter *converter, int64_t rows, int columns, const float *logits, float *scores);

#endif
