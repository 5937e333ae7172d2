/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rest of the library sees of an od_config: the protobuf-c structs (ssd.pb-c.h and so on, generated from
 * proto/) and the lines of their fields.
 *
 *     const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(config);
 *     proto->train_config->batch_size          unset scalars hold their defaults; has_batch_size tells them apart
 *     proto->model->ssd                        sub-messages are NULL when they weren't given
 *     proto->model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD       for oneofs
 */
#ifndef OD_CONFIG_CONFIG_H
#define OD_CONFIG_CONFIG_H

#include "objdet/config.h"
#include "config/text_format.h"
#include "util/error.h"

#include "pipeline.pb-c.h"

/* Lives as long as the config. */
const ObjectDetection__Protos__TrainEvalPipelineConfig *od_config_proto(const od_config *config);

/* Line (from 1) of a field of a message of the config; 0 when it wasn't given. NULL field: where the message begins. */
int od_config_line(const od_config *config, const void *message, const char *field);

/* "pipeline.config:12: model.ssd.num_classes" for messages; the line of the nearest enclosing message when the field
 * wasn't given. Appends; check od_strbuf_failed. */
void od_config_place(const od_config *config, const void *message, const char *field, od_strbuf *out);

/* Fills *err with "<place>: <formatted message>". */
od_status od_config_error(const od_config *config, const void *message, const char *field, od_error *err, od_status status,
                          const char *format, ...) __attribute__((format(printf, 6, 7)));

/* fine_tune_checkpoint_type, or what it means when it isn't given (from_detection_checkpoint, utils/config_util.py). */
const char *od_config_fine_tune_type(const ObjectDetection__Protos__TrainConfig *train);

/* For the checks: what od_config_load turns into an error. *out is set even when there are syntax errors, which are in
 * `problems` with the warnings. */
od_status od_config_read(const char *text, size_t size, const char *name, od_config **out, od_problems *problems,
                         od_error *err);
const od_text_tree *od_config_tree(const od_config *config);

#endif
