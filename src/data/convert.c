/* SPDX-License-Identifier: Apache-2.0
 *
 * od_data_convert: what is common to both directions, and the TFRecord side. data/convert_coco.c writes COCO.
 */
#include "data/convert.h"

#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "util/alloc.h"
#include "util/file.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SHARDS = 9999, NAMED_SKIPS = 20 };

od_status od_convert_read(od_convert *c, int64_t index, od_example *e, int *skip, od_error *err)
{
    od_error why = {0};
    *skip = 0;
    od_status status = od_dataset_read(c->ds, index, e, &why);
    if (status == OD_OK) {
        const od_label_map *map = od_dataset_label_map(c->ds);
        for (int i = 0; i < e->object_count; i++)
            if (!e->objects[i].class_text) e->objects[i].class_text = od_label_map_name(map, e->objects[i].label);
        return OD_OK;
    }
    if (status == OD_ERR_NOMEM) return od_error_set(err, status, "%s", why.message);
    *skip = 1;
    return OD_OK;
}

void od_convert_count(od_convert *c, const od_example *e)
{
    c->result.images++;
    c->result.boxes += e->object_count;
    c->result.null_images += !e->object_count;
}

void od_convert_skip(od_convert *c, int64_t index)
{
    od_example e = {0};
    od_error why = {0};
    if (c->result.skipped++ < NAMED_SKIPS && od_dataset_read(c->ds, index, &e, &why) != OD_OK)
        od_log(OD_LOG_WARNING, "left out: %s", why.message);
    od_example_deinit(&e);
}

static od_status nothing_read(const od_convert *c, od_error *err)
{
    od_example e = {0};
    od_error why = {0};
    od_dataset_read(c->ds, 0, &e, &why);
    od_example_deinit(&e);
    return od_error_set(err, OD_ERR_FORMAT, "none of %lld images could be read; the first: %s",
                        (long long)od_dataset_size(c->ds), why.message);
}

static od_status write_examples(od_convert *c, od_tfrecord_writer **shards, int count, od_error *err)
{
    od_strbuf bytes = {0};
    od_status status = OD_OK;
    for (int64_t i = 0; i < od_dataset_size(c->ds) && status == OD_OK; i++) {
        od_example e = {0};
        int skip;
        status = od_convert_read(c, i, &e, &skip, err);
        if (status == OD_OK && skip) od_convert_skip(c, i);
        if (status == OD_OK && !skip) {
            bytes.size = 0;
            status = od_tf_example_format(&e, &bytes, err);
            if (status == OD_OK)
                status = od_tfrecord_writer_write(shards[c->result.images % count], bytes.data, bytes.size, err);
            od_convert_count(c, &e);
        }
        od_example_deinit(&e);
    }
    od_strbuf_deinit(&bytes);
    return status == OD_OK && !c->result.images ? nothing_read(c, err) : status;
}

static od_status open_shards(od_tfrecord_writer **shards, int count, const char *path, od_error *err)
{
    for (int i = 0; i < count; i++) {
        char *name = count == 1 ? od_strdup(path) : od_asprintf("%s-%05d-of-%05d", path, i, count);
        if (!name) return od_error_nomem(err, path);
        od_status status = od_tfrecord_writer_create(&shards[i], name, err);
        od_free(name);
        OD_TRY(status);
    }
    return OD_OK;
}

static od_status to_tfrecord(od_convert *c, int count, od_error *err)
{
    if (count < 1) count = 1;
    if (count > MAX_SHARDS) return od_error_set(err, OD_ERR_ARG, "shards is %d; expected at most %d", count, MAX_SHARDS);
    od_tfrecord_writer **shards = od_calloc((size_t)count, sizeof *shards);
    if (!shards) return od_error_nomem(err, c->path);
    od_status status = open_shards(shards, count, c->path, err);
    if (status == OD_OK) status = write_examples(c, shards, count, err);
    for (int i = 0; i < count; i++) {
        if (status == OD_OK)
            status = od_tfrecord_writer_commit(shards[i], err);
        else
            od_tfrecord_writer_abort(shards[i]);
    }
    od_free(shards);
    return status;
}

/* 1 when the file holds exactly `text`. */
static int holds(const char *path, const char *text, size_t size)
{
    od_file_view view;
    if (od_file_view_open(&view, path, NULL) != OD_OK) return 0;
    int same = view.size == size && !memcmp(view.data, text, size);
    od_file_view_close(&view);
    return same;
}

/* A label map of other classes beside the output would no longer fit the files that were made with it. */
static od_status check_label_map(const od_convert *c, const char *path, od_error *err)
{
    char *text;
    size_t size;
    OD_TRY(od_label_map_format(od_dataset_label_map(c->ds), &text, &size, err));
    int clash = od_path_exists(path) && !holds(path, text, size);
    od_free(text);
    if (!clash) return OD_OK;
    return od_error_set(err, OD_ERR_MISMATCH,
                        "%s is there already and has other classes than this data; pass --label_map_path=%s to use it, or write to another folder",
                        path, path);
}

/* Runs the conversion, then writes the label map unless the user gave one. */
static od_status run(od_convert *c, const od_data_output *output, int own_map, od_error *err)
{
    char *dir = od_path_dir(c->path), *map_path = dir ? od_path_join(dir, "label_map.pbtxt") : NULL;
    od_status status = map_path ? OD_OK : od_error_nomem(err, c->path);
    if (status == OD_OK && own_map) status = check_label_map(c, map_path, err);
    if (status == OD_OK) status = od_dir_create(dir, err);
    if (status == OD_OK) status = !strcmp(output->format, "coco") ? od_convert_to_coco(c, err) : to_tfrecord(c, output->shards, err);
    if (status == OD_OK && own_map) {
        status = od_label_map_save(od_dataset_label_map(c->ds), map_path, err);
        c->result.label_map_saved = status == OD_OK;
    }
    od_free(map_path);
    od_free(dir);
    return status;
}

/* A coco output that isn't named .json is a folder. */
static char *output_path(const od_data_output *output)
{
    size_t n = strlen(output->path);
    int folder = !strcmp(output->format, "coco") && !(n > 5 && !strcmp(output->path + n - 5, ".json"));
    return folder ? od_path_join(output->path, "annotations.json") : od_strdup(output->path);
}

od_status od_data_convert(const od_data_input *input, const od_data_output *output, od_data_converted *result, od_error *err)
{
    if (!output->path || !*output->path) return od_error_set(err, OD_ERR_ARG, "no output path is given");
    if (!output->format || (strcmp(output->format, "tfrecord") && strcmp(output->format, "coco")))
        return od_error_set(err, OD_ERR_ARG, "cannot write the data format \"%s\"; expected tfrecord or coco",
                            output->format ? output->format : "");
    od_opened_input in;
    od_status status = od_data_input_open(&in, input, 0, OD_MASKS_IF_ANY, err);
    if (status == OD_OK) status = od_convert_dataset(in.ds, output, !in.loaded, result, err);
    od_data_input_close(&in);
    return status;
}

od_status od_convert_dataset(const od_dataset *ds, const od_data_output *output, int own_map, od_data_converted *result, od_error *err)
{
    od_convert c = {.ds = ds, .path = output_path(output)};
    od_status status = c.path ? run(&c, output, own_map, err) : od_error_nomem(err, output->path);
    od_free(c.path);
    if (status == OD_OK && result) *result = c.result;
    return status;
}
