/* SPDX-License-Identifier: Apache-2.0 */
#include "report/config_facts.h"

#include "config/config.h"
#include "util/alloc.h"
#include "util/strbuf.h"

#include <string.h>

typedef ObjectDetection__Protos__TrainEvalPipelineConfig pipeline;

static void add_paths(od_texts *paths, const ObjectDetection__Protos__InputReader *reader)
{
    if (!reader || !reader->tf_record_input_reader) return;
    for (size_t i = 0; i < reader->tf_record_input_reader->n_input_path; i++) od_texts_add(paths, "%s", reader->tf_record_input_reader->input_path[i]);
}

/* Name of the member of a oneof that is set. */
static const char *case_name(const ProtobufCMessage *message, unsigned number)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(message->descriptor, number);
    return field ? field->name : "?";
}

static char *describe_model(const pipeline *p)
{
    const ObjectDetection__Protos__DetectionModel *m = p->model;
    if (!m) return od_strdup("unknown");
    const char *kind = case_name(&m->base, (unsigned)m->model_case), *extractor = "";
    if (m->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD && m->ssd->feature_extractor) extractor = m->ssd->feature_extractor->type;
    if (m->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_FASTER_RCNN && m->faster_rcnn->feature_extractor) extractor = m->faster_rcnn->feature_extractor->type;
    if (m->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_CENTER_NET && m->center_net->feature_extractor) extractor = m->center_net->feature_extractor->type;
    return od_asprintf("%s%s%s, as pipeline.config describes it", kind, extractor && extractor[0] ? " with " : "", extractor ? extractor : "");
}

static char *describe_initial(const ObjectDetection__Protos__TrainConfig *t)
{
    if (!t || !t->fine_tune_checkpoint || !t->fine_tune_checkpoint[0]) return od_strdup("Random initial values (no fine_tune_checkpoint)");
    return od_asprintf("From %s (%s)", t->fine_tune_checkpoint, t->fine_tune_checkpoint_type && t->fine_tune_checkpoint_type[0] ? t->fine_tune_checkpoint_type : "detection");
}

static char *describe_training(const ObjectDetection__Protos__TrainConfig *t)
{
    if (!t) return od_strdup("unknown");
    const char *optimizer = t->optimizer ? case_name(&t->optimizer->base, (unsigned)t->optimizer->optimizer_case) : "unknown optimizer";
    return od_asprintf("%u steps of %u images, %s", (unsigned)t->num_steps, (unsigned)t->batch_size, optimizer);
}

/* The augmentations in their order. */
static char *describe_preprocessing(const ObjectDetection__Protos__TrainConfig *t)
{
    od_strbuf b = {0};
    od_strbuf_puts(&b, "Augmentation in training: ");
    for (size_t i = 0; t && i < t->n_data_augmentation_options; i++)
        od_strbuf_printf(&b, "%s%s", i ? ", " : "", case_name(&t->data_augmentation_options[i]->base, (unsigned)t->data_augmentation_options[i]->preprocessing_step_case));
    if (!t || !t->n_data_augmentation_options) od_strbuf_puts(&b, "none");
    char *out = od_strbuf_failed(&b) ? NULL : od_strdup(b.data);
    od_strbuf_deinit(&b);
    return out;
}

od_status od_config_facts_read(od_config_facts *f, const char *path, od_error *err)
{
    od_config *config;
    memset(f, 0, sizeof *f);
    OD_TRY(od_config_load(path, &config, err));
    const pipeline *p = od_config_proto(config);
    f->model = describe_model(p);
    f->initial = describe_initial(p->train_config);
    f->training = describe_training(p->train_config);
    f->preprocessing = describe_preprocessing(p->train_config);
    if (p->train_config) f->batch_size = (int64_t)p->train_config->batch_size;
    add_paths(&f->train_paths, p->train_input_reader);
    if (p->n_eval_input_reader) add_paths(&f->eval_paths, p->eval_input_reader[0]);
    od_config_free(config);
    if (f->model && f->initial && f->training && f->preprocessing && !f->train_paths.failed && !f->eval_paths.failed) return OD_OK;
    od_config_facts_deinit(f);
    return od_error_nomem(err, "the config");
}

void od_config_facts_deinit(od_config_facts *f)
{
    od_free(f->model);
    od_free(f->initial);
    od_free(f->training);
    od_free(f->preprocessing);
    od_texts_deinit(&f->train_paths);
    od_texts_deinit(&f->eval_paths);
    memset(f, 0, sizeof *f);
}
