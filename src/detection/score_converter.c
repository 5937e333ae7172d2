/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/score_converter.h"

#include "detection/vector_math.h"

od_status od_score_converter_init(od_score_converter *converter, const ObjectDetection__Protos__PostProcessing *config, od_error *err)
{
    if (config->calibration_config)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "post_processing: calibration_config is not supported; remove it");
    if (!(config->logit_scale > 0))
        return od_error_set(err, OD_ERR_CONFIG, "post_processing: logit_scale %g; expected a positive number", (double)config->logit_scale);
    switch (config->score_converter) {
    case OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__IDENTITY: converter->kind = OD_SCORE_IDENTITY; break;
    case OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__SIGMOID: converter->kind = OD_SCORE_SIGMOID; break;
    case OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__SOFTMAX: converter->kind = OD_SCORE_SOFTMAX; break;
    default: return od_error_set(err, OD_ERR_CONFIG, "post_processing: score_converter %d is unknown", (int)config->score_converter);
    }
    converter->inverse_scale = (float)(1.0 / (double)config->logit_scale);
    return OD_OK;
}

static void softmax_row(int columns, float inverse_scale, const float *logits, float *scores)
{
    float most = logits[0] * inverse_scale, sum = 0;
    for (int k = 1; k < columns; k++) most = logits[k] * inverse_scale > most ? logits[k] * inverse_scale : most;
    for (int k = 0; k < columns; k++) sum += scores[k] = od_vm_exp(logits[k] * inverse_scale - most);
    for (int k = 0; k < columns; k++) scores[k] /= sum;
}

void od_score_converter_apply(const od_score_converter *converter, int64_t rows, int columns, const float *logits, float *scores)
{
    int64_t n = rows * columns;
    float inverse_scale = converter->inverse_scale;
    if (converter->kind == OD_SCORE_SOFTMAX)
        for (int64_t i = 0; i < rows; i++) softmax_row(columns, inverse_scale, logits + i * columns, scores + i * columns);
    else if (converter->kind == OD_SCORE_SIGMOID)
        for (int64_t i = 0; i < n; i++) scores[i] = od_vm_sigmoid(logits[i] * inverse_scale);
    else
        for (int64_t i = 0; i < n; i++) scores[i] = logits[i] * inverse_scale;
}
