/* SPDX-License-Identifier: Apache-2.0
 *
 * A TensorFlow Object Detection API pipeline.config (protobuf text format), read and checked.
 *
 *     od_config *config;
 *     od_error err = {0};
 *     if (od_config_load("pipeline.config", &config, &err) != OD_OK) ...err.message: "pipeline.config:12:5: ..."
 *     od_config_free(config);
 *
 * A config is read as the OD API reads it: a scalar given twice counts with its last value, a message given twice
 * is merged, the last member of a oneof wins. Each of these is a problem that od_config_check tells about.
 */
#ifndef OBJDET_CONFIG_H
#define OBJDET_CONFIG_H

#include "objdet/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_config od_config;

/* Reads a file. OD_ERR_CONFIG with "path:line:column: ..." for what the OD API's text format doesn't allow,
 * OD_ERR_NOT_FOUND or OD_ERR_IO when the file can't be read. The caller frees *out with od_config_free. */
od_status od_config_load(const char *path, od_config **out, od_error *err);

/* The same from memory; `text` needs no final NUL, `name` stands for the path in messages. */
od_status od_config_parse(const char *text, size_t size, const char *name, od_config **out, od_error *err);

/* Merges more text on top, as the OD API's config_override does: "train_config { num_steps: 5 }". `name` says in
 * messages where the text is from. On failure the config is as good as lost: free it. */
od_status od_config_override(od_config *config, const char *text, const char *name, od_error *err);

/* NULL is fine. */
void od_config_free(od_config *config);

/* The path (or name) that it was read from; lives as long as the config. */
const char *od_config_name(const od_config *config);

/* The whole config as text that the OD API reads back to an equal message: fields in the order of their numbers, no
 * comments. Freed with od_config_text_free. */
od_status od_config_format(const od_config *config, char **text, size_t *size, od_error *err);
void od_config_text_free(char *text);
/* od_config_format into a file, atomically. */
od_status od_config_save(const od_config *config, const char *path, od_error *err);

typedef enum od_config_severity { OD_CONFIG_NOTE, OD_CONFIG_WARNING, OD_CONFIG_ERROR } od_config_severity;

/* One thing that is wrong, or worth knowing. Strings are never NULL; "" means there is nothing to say. */
typedef struct od_config_problem {
    od_config_severity severity;
    const char *file;
    int line, column;     /* from 1; 0: the thing is missing, or its column isn't known */
    const char *field;    /* "train_config.batch_size" */
    const char *value;    /* as it stands in the file */
    const char *message;  /* what is wrong */
    const char *expected; /* what would be right */
    const char *fix;      /* what to do */
} od_config_problem;

typedef struct od_config_problems od_config_problems;

typedef struct od_config_check_options {
    int skip_files; /* 1: don't look whether the files that it names exist, nor into label maps and checkpoints */
} od_config_check_options;

/* Everything that is wrong with a config at once, by line: syntax, values, missing parts, files, schedules, things that
 * TensorFlow 2 ignores, and what objdet doesn't support yet. `options` may be NULL. Fails only when the file can't be
 * read or memory runs out; the caller frees *out. */
od_status od_config_check_file(const char *path, const od_config_check_options *options, od_config_problems **out,
                               od_error *err);
/* The same for a config that was parsed: without syntax errors and repetitions. */
od_status od_config_check(const od_config *config, const od_config_check_options *options, od_config_problems **out,
                          od_error *err);

size_t od_config_problems_count(const od_config_problems *problems);
/* Lives as long as the list. */
const od_config_problem *od_config_problems_get(const od_config_problems *problems, size_t index);
/* How many are of this severity. */
int od_config_problems_of(const od_config_problems *problems, od_config_severity severity);
/* NULL is fine. */
void od_config_problems_free(od_config_problems *problems);

/* What is known of fields: what they do here and in TensorFlow 2. `path` is a field ("model.ssd.loss"; when it holds a message, the
 * message's fields follow), NULL: the page docs/CONFIG.md in Markdown. *text is freed with od_config_text_free. OD_ERR_NOT_FOUND. */
od_status od_config_describe_fields(const char *path, char **text, size_t *size, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
