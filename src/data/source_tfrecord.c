/* SPDX-License-Identifier: Apache-2.0
 *
 * A TFRecord file as a source of examples.
 */
#include "data/source.h"
#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "util/alloc.h"

#include <stdio.h>

typedef struct tfrecord_source {
    od_source base;
    od_tfrecord *file;
    char *group_fields;
    od_mask_loading masks;
    int class_scores, keypoints;
} tfrecord_source;

static void source_free(od_source *s)
{
    od_tfrecord_free(((tfrecord_source *)s)->file);
    od_free(((tfrecord_source *)s)->group_fields);
    od_free(s->path);
    od_free(s);
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    tfrecord_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_tfrecord;
    s->masks = options->masks;
    s->class_scores = options->class_scores;
    s->keypoints = options->keypoints;
    int copied = !options->group_fields || (s->group_fields = od_strdup(options->group_fields));
    od_status status = copied && (s->base.path = od_strdup(path)) ? od_tfrecord_open(&s->file, path, err) : od_error_nomem(err, path);
    if (status != OD_OK) {
        source_free(&s->base);
        return status;
    }
    s->base.count = od_tfrecord_count(s->file);
    *out = &s->base;
    return OD_OK;
}

static od_status read_record(const od_source *base, int64_t index, od_mask_loading masks, int keypoints, od_example *out, od_error *err)
{
    const tfrecord_source *s = (const tfrecord_source *)base;
    uint8_t *bytes;
    size_t size;
    OD_TRY(od_tfrecord_read(s->file, index, &bytes, &size, err));
    od_status status = od_tf_example_parse_with(bytes, size, &(od_tf_example_options){s->group_fields, s->class_scores, masks, keypoints}, out, err);
    od_free(bytes);
    if (status != OD_OK && status != OD_ERR_NOMEM) od_error_prefix(err, "%s: record %lld", base->path, (long long)index);
    return status;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    (void)with_image;
    const tfrecord_source *s = (const tfrecord_source *)base;
    return read_record(base, index, s->masks, s->keypoints, out, err);
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    for (int64_t i = 0; i < base->count; i++) {
        od_example e = {0};
        od_status status = read_record(base, i, OD_MASKS_NONE, OD_KEYPOINTS_NONE, &e, err);
        /* A damaged record is met again, and named, when it is read for its content. */
        int damaged = status == OD_ERR_FORMAT;
        if (damaged) status = OD_OK;
        for (int k = 0; !damaged && status == OD_OK && k < e.object_count; k++) {
            const od_object *o = &e.objects[k];
            char number[16];
            snprintf(number, sizeof number, "%d", (int)o->label);
            if (o->class_text || o->label > 0)
                status = od_class_list_add(classes, o->class_text ? o->class_text : number, o->label > 0 ? o->label : 0, err);
        }
        od_example_deinit(&e);
        OD_TRY(status);
    }
    return OD_OK;
}

const od_source_format od_source_tfrecord = {"tfrecord",  "TFRecord",          "record",   source_open,
                                             source_read, source_list_classes, source_free, 1, NULL};
