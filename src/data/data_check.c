/* SPDX-License-Identifier: Apache-2.0
 *
 * od_data_check_run: opens the splits and goes through the checks.
 */
#include "data/data_checker.h"

#include "util/alloc.h"

#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *key; od_data_severity severity; } kinds[] = {
#define X(name, key, severity) {key, OD_DATA_##severity},
    OD_DATA_FINDINGS(X)
#undef X
};

od_data_check_fault *od_data_check_fault_of(const od_data_checker *c, int split, od_data_finding_kind kind)
{
    return &c->faults[split * OD_DATA_FINDING_COUNT + (int)kind];
}

void od_data_check_note(const od_data_checker *c, int split, od_data_finding_kind kind, const char *format, ...)
{
    od_data_check_fault *f = od_data_check_fault_of(c, split, kind);
    if (f->count++) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->first, sizeof f->first, format, args);
    va_end(args);
}

static char *format_text(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n >= 0 ? od_malloc((size_t)n + 1, 1) : NULL;
    if (text) vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

od_status od_data_check_add(od_data_checker *c, od_data_finding_kind kind, int split, int64_t count, const char *remedy, od_error *err,
                       const char *format, ...)
{
    od_data_check *out = c->out;
    if (od_grow(&out->findings, &c->finding_capacity, (size_t)out->finding_count + 1, sizeof *out->findings))
        return od_error_nomem(err, "findings");
    va_list args;
    va_start(args, format);
    od_data_finding f = {.kind = kind,
                         .severity = kinds[kind].severity,
                         .key = kinds[kind].key,
                         .split = split,
                         .count = count,
                         .message = format_text(format, args),
                         .remedy = od_strdup(remedy)};
    va_end(args);
    out->findings[out->finding_count++] = f;
    out->errors += f.severity == OD_DATA_ERROR;
    out->warnings += f.severity == OD_DATA_WARNING;
    return f.message && f.remedy ? OD_OK : od_error_nomem(err, "findings");
}

typedef ObjectDetection__Protos__InputReader input_reader;

static od_status add_reader(od_data_checker *c, const input_reader *reader, const char *field, const char *name, od_error *err)
{
    const ObjectDetection__Protos__TFRecordInputReader *records =
        reader && reader->input_reader_case == OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER_TF_RECORD_INPUT_READER
            ? reader->tf_record_input_reader
            : NULL;
    if (!records || !records->n_input_path)
        return od_config_error(c->config, reader, NULL, err, OD_ERR_CONFIG, "%s has no tf_record_input_reader { input_path: ... }", field);
    int has_map = reader->label_map_path && *reader->label_map_path;
    snprintf(c->config_names[c->splits], sizeof c->config_names[0], "%s", name);
    c->config_splits[c->splits] = (od_data_split){c->config_names[c->splits],
                                                  {.paths = (const char *const *)records->input_path,
                                                   .path_count = (int)records->n_input_path,
                                                   .label_map_path = has_map ? reader->label_map_path : NULL}};
    c->splits++;
    return OD_OK;
}

/* The config's readers as splits. */
static od_status take_config_splits(od_data_checker *c, od_error *err)
{
    const ObjectDetection__Protos__TrainEvalPipelineConfig *p = od_config_proto(c->config);
    OD_TRY(add_reader(c, p->train_input_reader, "train_input_reader", "train", err));
    for (size_t i = 0; i < p->n_eval_input_reader && c->splits < OD_DATA_CHECK_MAX_SPLITS; i++) {
        char name[16];
        snprintf(name, sizeof name, i ? "eval%u" : "eval", (unsigned)i + 1);
        OD_TRY(add_reader(c, p->eval_input_reader[i], "eval_input_reader", name, err));
    }
    c->split_list = c->config_splits;
    return OD_OK;
}

static od_status take_splits(od_data_checker *c, od_error *err)
{
    const od_data_check_options *o = c->options;
    if (o->pipeline_config_path) OD_TRY(od_config_load(o->pipeline_config_path, &c->config, err));
    if (!o->split_count && c->config) return take_config_splits(c, err);
    if (o->split_count < 1 || o->split_count > OD_DATA_CHECK_MAX_SPLITS)
        return od_error_set(err, OD_ERR_ARG, "%d splits; expected 1 to %d", o->split_count, OD_DATA_CHECK_MAX_SPLITS);
    for (int i = 0; i < o->split_count; i++) {
        if (!o->splits[i].name || !*o->splits[i].name) return od_error_set(err, OD_ERR_ARG, "split %d has no name", i);
        for (int k = 0; k < i; k++)
            if (!strcmp(o->splits[i].name, o->splits[k].name))
                return od_error_set(err, OD_ERR_ARG, "two splits are called %s; expected different names", o->splits[i].name);
    }
    c->split_list = o->splits;
    c->splits = o->split_count;
    return OD_OK;
}

static od_status open_split(od_data_checker *c, int i, od_error *err)
{
    const od_data_split *split = &c->split_list[i];
    od_data_split_stats *stats = &c->out->splits[i];
    if (split->input.label_map_path) OD_TRY(od_label_map_load(split->input.label_map_path, &c->maps[i], err));
    od_dataset_options options = {.label_map = c->maps[i],
                                  .image_dir = split->input.image_dir,
                                  .format = split->input.format,
                                  .group_fields = od_group_rule_fields(c->rule),
                                  .quiet = 1,
                                  .keep_invalid = 1};
    OD_TRY(od_dataset_open(&c->sets[i], split->input.paths, split->input.path_count, &options, err));
    OD_TRY(od_dataset_infer_label_map(c->sets[i], err));
    stats->name = od_strdup(split->name);
    stats->description = od_strdup(od_dataset_describe(c->sets[i]));
    return stats->name && stats->description ? OD_OK : od_error_nomem(err, "a split");
}

static od_status open_all(od_data_checker *c, od_error *err)
{
    const od_data_check_options *o = c->options;
    OD_TRY(take_splits(c, err));
    OD_TRY(od_group_rule_create(&c->rule, o->group_by, o->group_regex, err));
    c->out->split_count = c->splits;
    c->out->splits = od_calloc((size_t)c->splits, sizeof *c->out->splits);
    c->faults = od_calloc((size_t)c->splits * OD_DATA_FINDING_COUNT, sizeof *c->faults);
    if (!c->out->splits || !c->faults) return od_error_nomem(err, "splits");
    int64_t total = 0;
    for (int i = 0; i < c->splits; i++) {
        OD_TRY(open_split(c, i, err));
        total += od_dataset_size(c->sets[i]);
    }
    if (total > INT32_MAX / 64) return od_error_set(err, OD_ERR_ARG, "%lld images; expected at most %d", (long long)total, INT32_MAX / 64);
    c->image_count = (int32_t)total;
    c->images = od_calloc((size_t)total, sizeof *c->images);
    if (!c->images) return od_error_nomem(err, "images");
    return o->annotations_only ? OD_OK : od_fingerprint_store_create(&c->prints, c->image_count, OD_FINGERPRINT_STORE_MEMORY, err);
}

static int by_severity(const void *a, const void *b)
{
    const od_data_finding *x = a, *y = b;
    if (x->severity != y->severity) return x->severity > y->severity ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return x->split < y->split ? -1 : x->split > y->split;
}

static od_status run(od_data_checker *c, od_error *err)
{
    OD_TRY(open_all(c, err));
    OD_TRY(od_data_check_read(c, err));
    OD_TRY(od_data_check_find_copies(c, err));
    OD_TRY(od_data_check_find_group_leaks(c, err));
    OD_TRY(od_data_check_judge_boxes(c, err));
    OD_TRY(od_data_check_judge_classes(c, err));
    OD_TRY(od_data_check_judge_labels(c, err));
    if (c->out->finding_count)
        qsort(c->out->findings, (size_t)c->out->finding_count, sizeof *c->out->findings, by_severity);
    return OD_OK;
}

/* Images and groups change hands: the pairs' and leaks' names point there. */
static od_status hand_over(od_data_checker *c, od_error *err)
{
    od_data_check_private *p = od_calloc(1, sizeof *p);
    if (!p) return od_error_nomem(err, "a data check");
    *p = (od_data_check_private){c->images, c->image_count, c->groups, c->group_count};
    c->out->priv = p;
    c->images = NULL;
    c->groups = NULL;
    return OD_OK;
}

static void free_images(od_data_check_image *images, int32_t count)
{
    for (int32_t i = 0; images && i < count; i++) {
        od_free(images[i].name);
        od_free(images[i].original);
    }
    od_free(images);
}

static void free_texts(char **texts, int32_t count)
{
    for (int32_t i = 0; i < count; i++) od_free(texts[i]);
    od_free(texts);
}

static void check_deinit(od_data_checker *c)
{
    for (int i = 0; i < c->splits; i++) {
        od_dataset_free(c->sets[i]);
        od_label_map_free(c->maps[i]);
    }
    free_images(c->images, c->image_count);
    if (c->groups) free_texts(c->groups, c->group_count);
    od_group_rule_free(c->rule);
    od_config_free(c->config);
    od_hashmap_deinit(&c->class_index);
    od_free(c->faults);
    od_fingerprint_store_free(c->prints);
}

od_status od_data_check_run(const od_data_check_options *options, od_data_check **out, od_error *err)
{
    od_data_checker c = {.options = options, .threads = options->num_threads > 0 ? options->num_threads : omp_get_max_threads()};
    if (!(c.out = od_calloc(1, sizeof *c.out))) return od_error_nomem(err, "a data check");
    od_status status = run(&c, err);
    if (status == OD_OK) status = hand_over(&c, err);
    check_deinit(&c);
    if (status == OD_OK)
        *out = c.out;
    else
        od_data_check_free(c.out);
    return status;
}

void od_data_check_free(od_data_check *check)
{
    if (!check) return;
    for (int i = 0; check->splits && i < check->split_count; i++) {
        od_free(check->splits[i].name);
        od_free(check->splits[i].description);
    }
    for (int i = 0; i < check->class_count; i++) {
        od_free(check->classes[i].name);
        od_free(check->classes[i].boxes);
        od_free(check->classes[i].images);
    }
    for (int i = 0; i < check->finding_count; i++) {
        od_free(check->findings[i].message);
        od_free(check->findings[i].remedy);
    }
    for (int64_t i = 0; i < check->pair_count; i++) od_free(check->pairs[i].difference);
    for (int i = 0; i < check->group_leak_count; i++) od_free(check->group_leaks[i].images);
    if (check->priv) {
        free_images(check->priv->images, check->priv->image_count);
        free_texts(check->priv->groups, check->priv->group_count);
        od_free(check->priv);
    }
    od_free(check->splits);
    od_free(check->classes);
    od_free(check->findings);
    od_free(check->pairs);
    od_free(check->group_leaks);
    od_free(check->group_source);
    od_free(check);
}
