/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/score_converter.h"

#include "detection/vector_math.h"

typedef ObjectDetection__Protos__CalibrationConfig calibration_proto;
typedef ObjectDetection__Protos__XYPairs pairs_proto;

static od_status check_pairs(const pairs_proto *pairs, od_error *err)
{
    if (!pairs || !pairs->n_x_y_pair) return od_error_set(err, OD_ERR_CONFIG, "calibration_config: no points; expected x_y_pair { x: 0.1 y: 0.2 } ...");
    for (size_t i = 0; i < pairs->n_x_y_pair; i++)
        if (i && !(pairs->x_y_pair[i]->x > pairs->x_y_pair[i - 1]->x))
            return od_error_set(err, OD_ERR_CONFIG, "calibration_config: x %g follows x %g; expected ascending x", (double)pairs->x_y_pair[i]->x,
                                (double)pairs->x_y_pair[i - 1]->x);
    return OD_OK;
}

static od_status read_calibration(od_score_converter *converter, const calibration_proto *c, od_error *err)
{
    if (!c) return OD_OK;
    switch (c->calibrator_case) {
    case OBJECT_DETECTION__PROTOS__CALIBRATION_CONFIG__CALIBRATOR_FUNCTION_APPROXIMATION:
        converter->calibration = c;
        return check_pairs(c->function_approximation->x_y_pairs, err);
    case OBJECT_DETECTION__PROTOS__CALIBRATION_CONFIG__CALIBRATOR_CLASS_ID_FUNCTION_APPROXIMATIONS:
        converter->calibration = c;
        for (size_t i = 0; i < c->class_id_function_approximations->n_class_id_xy_pairs_map; i++)
            OD_TRY(check_pairs(c->class_id_function_approximations->class_id_xy_pairs_map[i]->value, err));
        return OD_OK;
    case OBJECT_DETECTION__PROTOS__CALIBRATION_CONFIG__CALIBRATOR_TEMPERATURE_SCALING_CALIBRATION:
        converter->temperature = c->temperature_scaling_calibration->scaler;
        if (converter->temperature > 0) return OD_OK;
        return od_error_set(err, OD_ERR_CONFIG, "temperature_scaling_calibration: scaler %g; expected a positive number", (double)converter->temperature);
    default:
        return od_error_set(err, OD_ERR_CONFIG, "calibration_config: expected function_approximation, class_id_function_approximations or "
                                                "temperature_scaling_calibration");
    }
}

/* Between the points; before the first and behind the last its y (the OD API pads a point at a distance of 1 on both sides). */
static float interpolate(const pairs_proto *pairs, float x)
{
    size_t n = pairs->n_x_y_pair, low = 0, high = n;
    while (low < high) { /* the first point beyond x */
        size_t middle = (low + high) / 2;
        if (x >= pairs->x_y_pair[middle]->x) low = middle + 1;
        else high = middle;
    }
    if (low == 0) return pairs->x_y_pair[0]->y;
    const ObjectDetection__Protos__XYPairs__XYPair *a = pairs->x_y_pair[low - 1];
    if (low == n) return a->y;
    const ObjectDetection__Protos__XYPairs__XYPair *b = pairs->x_y_pair[low];
    float part = (x - a->x) / (b->x - a->x);
    return (1 - part) * a->y + part * b->y;
}

static void calibrate_column(const pairs_proto *pairs, int64_t rows, int columns, int column, float *scores)
{
    for (int64_t i = 0; i < rows; i++) scores[i * columns + column] = interpolate(pairs, scores[i * columns + column]);
}

static void calibrate(const calibration_proto *c, int64_t rows, int columns, float *scores)
{
    if (c->calibrator_case == OBJECT_DETECTION__PROTOS__CALIBRATION_CONFIG__CALIBRATOR_FUNCTION_APPROXIMATION) {
        for (int k = 0; k < columns; k++) calibrate_column(c->function_approximation->x_y_pairs, rows, columns, k, scores);
        return;
    }
    const ObjectDetection__Protos__ClassIdFunctionApproximations *map = c->class_id_function_approximations;
    for (int k = 0; k < columns; k++) {
        const pairs_proto *pairs = NULL; /* the last entry of a key counts, as in any protobuf map */
        for (size_t i = 0; i < map->n_class_id_xy_pairs_map; i++)
            if (map->class_id_xy_pairs_map[i]->key == k) pairs = map->class_id_xy_pairs_map[i]->value;
        if (pairs) calibrate_column(pairs, rows, columns, k, scores);
    }
}

od_status od_score_converter_init(od_score_converter *converter, const ObjectDetection__Protos__PostProcessing *config, od_error *err)
{
    *converter = (od_score_converter){.temperature = 1};
    OD_TRY(read_calibration(converter, config->calibration_config, err));
    if (!(config->logit_scale > 0))
        return od_error_set(err, OD_ERR_CONFIG, "post_processing: logit_scale %g; expected a positive number", (double)config->logit_scale);
    switch (config->score_converter) {
    case OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__IDENTITY: converter->kind = OD_SCORE_IDENTITY; break;
    case OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__SIGMOID: converter->kind = OD_SCORE_SIGMOID; break;
    case OBJECT_DETECTION__PROTOS__POST_PROCESSING__SCORE_CONVERTER__SOFTMAX: converter->kind = OD_SCORE_SOFTMAX; break;
    default: return od_error_set(err, OD_ERR_CONFIG, "post_processing: score_converter %d is unknown", (int)config->score_converter);
    }
    converter->inverse_scale = (float)(1.0 / (double)config->logit_scale) / converter->temperature;
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
    if (converter->calibration) calibrate(converter->calibration, rows, columns, scores);
}
