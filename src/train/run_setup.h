/* SPDX-License-Identifier: Apache-2.0
 *
 * What every command opens first: the config, checked for what the command needs, the model built from it, its preprocessing,
 * its label map.
 */
#ifndef OD_TRAIN_RUN_SETUP_H
#define OD_TRAIN_RUN_SETUP_H

#include "config/config.h"
#include "config/label_map.h"
#include "config/support.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "models/model.h"

typedef struct od_run_setup {
    od_config *config;
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto;
    od_model *model;
    od_preprocess preprocess;
} od_run_setup;

/* The caller deinits, also after an error. */
od_status od_run_setup_init(od_run_setup *s, const char *config_path, od_config_use use, od_error *err);
void od_run_setup_deinit(od_run_setup *s);

/* A label map for this model: OD_ERR_CONFIG with the line when it has an id above num_classes. Of a model whose boxes have no class any will do. */
od_status od_run_labels_load(const od_run_setup *s, const char *path, od_label_map **out, od_error *err);

/* A reader's data and label map. `paths` replaces the reader's input_path when not NULL. */
typedef struct od_run_input {
    od_label_map *labels;
    od_label_map *data_labels; /* of a model whose boxes have no class: what the data's classes are called; else NULL */
    od_dataset *dataset;
    int max_boxes;
    float *path_weights; /* sample_from_datasets_weights of the paths that are read, or NULL */
    size_t path_count;
} od_run_input;

typedef struct od_run_input_options {
    const char *input_path, *label_map_path, *image_dir; /* each NULL: the config's */
    int64_t sample_1_of_n;                               /* 0: the config's */
    int training;                                        /* frame_index counts: one frame of each sequence */
} od_run_input_options;

/* `name` ("train_input_reader") stands in errors. OD_ERR_CONFIG when labels exceed num_classes. The caller deinits. */
od_status od_run_input_open(od_run_input *in, const od_run_setup *s, const ObjectDetection__Protos__InputReader *reader, const char *name,
                            const od_run_input_options *options, od_error *err);
/* How often each image is to be drawn, as od_sampling_weights. */
od_status od_run_input_weights(const od_run_input *in, double **weights, od_error *err);
void od_run_input_deinit(od_run_input *in);

#endif
