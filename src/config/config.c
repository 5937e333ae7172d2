/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"
#include "config/message.h"

#include "util/alloc.h"
#include "util/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct od_config {
    od_text_tree *tree;
    char *name;
};

od_status od_config_read(const char *text, size_t size, const char *name, od_config **out, od_problems *problems,
                         od_error *err)
{
    od_config *config = od_calloc(1, sizeof *config);
    if (!config) return od_error_nomem(err, "a config");
    config->name = od_strdup(name);
    config->tree = od_text_tree_create(&object_detection__protos__train_eval_pipeline_config__descriptor);
    od_status status = config->name && config->tree
                           ? od_text_tree_merge(config->tree, text, size, name, problems, err)
                           : od_error_nomem(err, "a config");
    if (status == OD_OK)
        *out = config;
    else
        od_config_free(config);
    return status;
}

od_status od_config_parse(const char *text, size_t size, const char *name, od_config **out, od_error *err)
{
    od_problems problems = {0};
    od_config *config = NULL;
    od_status status = od_config_read(text, size, name, &config, &problems, err);
    if (status == OD_OK && problems.errors) status = od_problems_to_error(&problems, OD_ERR_CONFIG, err);
    od_problems_deinit(&problems);
    if (status == OD_OK)
        *out = config;
    else
        od_config_free(config);
    return status;
}

od_status od_config_load(const char *path, od_config **out, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = od_config_parse((const char *)view.data, view.size, path, out, err);
    od_file_view_close(&view);
    return status;
}

od_status od_config_override(od_config *config, const char *text, const char *name, od_error *err)
{
    od_problems problems = {0};
    od_status status = od_text_tree_merge(config->tree, text, strlen(text), name, &problems, err);
    if (status == OD_OK && problems.errors) status = od_problems_to_error(&problems, OD_ERR_CONFIG, err);
    od_problems_deinit(&problems);
    return status;
}

void od_config_free(od_config *config)
{
    if (!config) return;
    od_text_tree_free(config->tree);
    od_free(config->name);
    od_free(config);
}

const char *od_config_name(const od_config *config)
{
    return config->name;
}

const od_text_tree *od_config_tree(const od_config *config)
{
    return config->tree;
}

const ObjectDetection__Protos__TrainEvalPipelineConfig *od_config_proto(const od_config *config)
{
    return (const ObjectDetection__Protos__TrainEvalPipelineConfig *)od_text_tree_root(config->tree);
}

int od_config_line(const od_config *config, const void *message, const char *field)
{
    return od_text_tree_line(config->tree, message, field, -1);
}

void od_config_place(const od_config *config, const void *message, const char *field, od_strbuf *out)
{
    int line = od_config_line(config, message, field);
    if (!line) line = od_config_line(config, message, NULL);
    od_strbuf_puts(out, config->name);
    if (line) od_strbuf_printf(out, ":%d", line);
    od_strbuf path = {0};
    od_text_tree_path(config->tree, message, field, &path);
    if (path.data) od_strbuf_printf(out, ": %s", path.data);
    if (od_strbuf_failed(&path)) out->failed = 1;
    od_strbuf_deinit(&path);
}

od_status od_config_error(const od_config *config, const void *message, const char *field, od_error *err, od_status status,
                          const char *format, ...)
{
    char text[OD_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    od_strbuf at = {0};
    od_config_place(config, message, field, &at);
    od_error_set(err, status, "%s: %s", od_strbuf_failed(&at) ? config->name : at.data, text);
    od_strbuf_deinit(&at);
    return status;
}

od_status od_config_format(const od_config *config, char **text, size_t *size, od_error *err)
{
    od_strbuf b = {0};
    od_text_format(od_text_tree_root(config->tree), &b);
    if (od_strbuf_failed(&b)) {
        od_strbuf_deinit(&b);
        return od_error_nomem(err, "a config's text");
    }
    *text = b.data;
    if (size) *size = b.size;
    return OD_OK;
}

void od_config_text_free(char *text)
{
    od_free(text);
}

od_status od_config_save(const od_config *config, const char *path, od_error *err)
{
    char *text = NULL;
    size_t size = 0;
    OD_TRY(od_config_format(config, &text, &size, err));
    od_status status = od_file_write_all(path, text, size, err);
    od_config_text_free(text);
    return status;
}

const char *od_config_fine_tune_type(const ObjectDetection__Protos__TrainConfig *train)
{
    if (train->fine_tune_checkpoint_type[0]) return train->fine_tune_checkpoint_type;
    const ProtobufCFieldDescriptor *field = od_message_field(train->base.descriptor, "from_detection_checkpoint"); /* deprecated: the compiler warns of the member */
    return *(const protobuf_c_boolean *)od_message_element(&train->base, field, 0) ? "detection" : "classification";
}
