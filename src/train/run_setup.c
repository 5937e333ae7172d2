/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run_setup.h"

#include "config/keypoints.h"
#include "data/reader_masks.h"
#include "data/sampling.h"
#include "util/alloc.h"

od_status od_run_setup_init(od_run_setup *s, const char *config_path, od_config_use use, od_error *err)
{
    *s = (od_run_setup){0};
    if (!config_path) return od_error_set(err, OD_ERR_ARG, "no config: give --pipeline_config_path");
    OD_TRY(od_config_load(config_path, &s->config, err));
    OD_TRY(od_config_require_supported(s->config, use, err));
    s->proto = od_config_proto(s->config);
    od_status status = od_model_create(&s->model, s->config, use == OD_USE_TRAIN, err);
    if (status == OD_OK) status = od_preprocess_init(&s->preprocess, s->proto->model, err);
    return status;
}

void od_run_setup_deinit(od_run_setup *s)
{
    od_model_free(s->model);
    od_config_free(s->config);
    *s = (od_run_setup){0};
}

od_status od_run_labels_load(const od_run_setup *s, const char *path, od_label_map **out, od_error *err)
{
    od_label_map *labels;
    OD_TRY(od_label_map_load(path, &labels, err));
    int32_t max_id = od_label_map_max_id(labels);
    int classes = od_model_num_classes(s->model);
    if (max_id <= classes || od_model_get_info(s->model)->one_class) {
        *out = labels;
        return OD_OK;
    }
    od_error_set(err, OD_ERR_CONFIG, "%s:%d: id %d (\"%s\") is above the config's num_classes %d; set num_classes to at least %d, or leave the class out",
                 path, od_label_map_line(labels, max_id), max_id, od_label_map_name(labels, max_id), classes, max_id);
    od_label_map_free(labels);
    return OD_ERR_CONFIG;
}

/* The config's paths but those of weight 0, which the OD API leaves out (read_dataset in dataset_builder.py). */
static od_status open_paths(od_run_input *in, const od_run_setup *s, const ObjectDetection__Protos__InputReader *reader, const od_dataset_options *options, od_error *err)
{
    const ObjectDetection__Protos__TFRecordInputReader *records = reader->tf_record_input_reader;
    size_t n = records->n_input_path, weights = reader->n_sample_from_datasets_weights, kept = 0;
    if (weights && weights != n)
        return od_config_error(s->config, reader, "sample_from_datasets_weights", err, OD_ERR_CONFIG, "%zu weights for %zu input_paths; expected one for each", weights, n);
    const char **paths = od_malloc(n, sizeof *paths);
    in->path_weights = weights ? od_malloc(n, sizeof *in->path_weights) : NULL;
    od_status status = paths && (in->path_weights || !weights) ? OD_OK : od_error_nomem(err, "input paths");
    for (size_t i = 0; i < n && status == OD_OK; i++) {
        if (weights && !(reader->sample_from_datasets_weights[i] > 0)) continue;
        if (weights) in->path_weights[kept] = reader->sample_from_datasets_weights[i];
        paths[kept++] = records->input_path[i];
    }
    in->path_count = kept;
    if (status == OD_OK && !kept) status = od_config_error(s->config, reader, "sample_from_datasets_weights", err, OD_ERR_CONFIG, "all weights are 0: there is no data");
    if (status == OD_OK) status = od_dataset_open(&in->dataset, paths, (int)kept, options, err);
    od_free(paths);
    return status;
}

/* For boxes without a class: the data's classes are one, "object", as the OD API calls it. */
static od_status join_classes(od_run_input *in, od_dataset_options *options, od_error *err)
{
    options->one_class = 1;
    options->class_scores = 0;
    in->data_labels = in->labels;
    in->labels = od_label_map_create();
    return in->labels ? od_label_map_add(in->labels, 1, "object", NULL, err) : od_error_nomem(err, "label map");
}

od_status od_run_input_open(od_run_input *in, const od_run_setup *s, const ObjectDetection__Protos__InputReader *reader, const char *name,
                            const od_run_input_options *o, od_error *err)
{
    *in = (od_run_input){.max_boxes = reader ? reader->max_number_of_boxes : 100};
    const char *label_map = o->label_map_path ? o->label_map_path : reader ? reader->label_map_path : NULL;
    if (label_map && label_map[0]) OD_TRY(od_run_labels_load(s, label_map, &in->labels, err));
    od_dataset_options options = {.label_map = in->labels, .image_dir = o->image_dir, .sample_1_of_n = o->sample_1_of_n, .masks = od_reader_masks(reader), .frame_index = OD_ALL_FRAMES};
    if (!options.sample_1_of_n && reader) options.sample_1_of_n = reader->sample_1_of_n_examples;
    if (reader) {
        options.class_scores = reader->load_multiclass_scores;
        options.keypoints = od_config_keypoints(s->proto);
        options.expand_hierarchy = reader->expand_labels_hierarchy;
        options.sequences = reader->input_type == OBJECT_DETECTION__PROTOS__INPUT_TYPE__TF_SEQUENCE_EXAMPLE;
        if (o->training && options.sequences) options.frame_index = reader->frame_index;
    }
    if (od_model_get_info(s->model)->one_class) OD_TRY(join_classes(in, &options, err));
    if (o->input_path) return od_dataset_open(&in->dataset, &o->input_path, 1, &options, err);
    const ObjectDetection__Protos__TFRecordInputReader *records =
        reader && reader->input_reader_case == OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER_TF_RECORD_INPUT_READER ? reader->tf_record_input_reader : NULL;
    if (!records || !records->n_input_path)
        return od_config_error(s->config, reader, NULL, err, OD_ERR_CONFIG, "%s has no tf_record_input_reader { input_path: ... }", name);
    od_status status = open_paths(in, s, reader, &options, err);
    if (status != OD_OK) od_error_prefix(err, "%s", name);
    return status;
}

od_status od_run_input_weights(const od_run_input *in, double **weights, od_error *err)
{
    return od_sampling_weights(in->dataset, in->path_weights, in->path_count, weights, err);
}

void od_run_input_deinit(od_run_input *in)
{
    od_free(in->path_weights);
    od_dataset_free(in->dataset);
    od_label_map_free(in->labels);
    od_label_map_free(in->data_labels);
    *in = (od_run_input){0};
}
