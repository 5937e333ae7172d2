/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO JSON as a source of examples. Pixels are divided by the size that the JSON states, as create_coco_tf_record.py
 * does (by the image's own where it states none).
 */
#include "data/coco_json.h"
#include "data/image_file.h"
#include "data/source.h"
#include "util/alloc.h"
#include "util/file.h"

#include <stdio.h>
#include <string.h>

typedef struct coco_source {
    od_source base;
    char *dir, *image_dir;
    od_coco_json json;
} coco_source;

static void source_free(od_source *base)
{
    coco_source *s = (coco_source *)base;
    od_coco_json_deinit(&s->json);
    od_free(s->dir);
    od_free(s->image_dir);
    od_free(s->base.path);
    od_free(s);
}

static void report_left_out(const coco_source *s)
{
    if (s->json.orphans)
        od_log(OD_LOG_WARNING, "%s: %zu annotations name an image_id that isn't among the images; left out", s->base.path,
               s->json.orphans);
    if (s->json.boxless)
        od_log(OD_LOG_WARNING, "%s: %zu annotations have no bbox; left out", s->base.path, s->json.boxless);
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    const char *image_dir = options->image_dir;
    coco_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_coco;
    s->json.group_fields = options->group_fields;
    od_status status = OD_OK;
    if (!(s->base.path = od_strdup(path)) || !(s->dir = od_path_dir(path)) ||
        (image_dir && !(s->image_dir = od_strdup(image_dir))))
        status = od_error_nomem(err, path);
    else
        status = od_coco_json_load(&s->json, path, err);
    if (status != OD_OK) {
        source_free(&s->base);
        return status;
    }
    s->json.group_fields = NULL;
    report_left_out(s);
    s->base.count = (int64_t)s->json.image_count;
    *out = &s->base;
    return OD_OK;
}

static od_status fill_object(const coco_source *s, const od_coco_annotation *a, od_example *out, od_object *o, od_error *err)
{
    double x = a->bbox[0], y = a->bbox[1], w = out->width, h = out->height;
    const od_coco_category *category = od_coco_json_category(&s->json, a->category_id);
    *o = (od_object){.box = {(float)(y / h), (float)(x / w), (float)((y + a->bbox[3]) / h), (float)((x + a->bbox[2]) / w)},
                     .label = a->category_id,
                     .weight = 1,
                     .area = (float)a->area,
                     .flags = a->crowd ? OD_OBJECT_CROWD : 0};
    if (!category || !category->name) return OD_OK;
    o->class_text = od_example_keep_text(out, category->name, strlen(category->name));
    return o->class_text ? OD_OK : od_error_nomem(err, "class names");
}

static od_status fill_objects(const coco_source *s, const od_coco_image *image, od_example *out, od_error *err)
{
    if (!image->count) return OD_OK;
    if (!out->width || !out->height)
        return od_error_set(err, OD_ERR_FORMAT, "%s: states no size for image %s, and the image's own can't be read",
                            s->base.path, image->file_name);
    out->objects = od_calloc(image->count, sizeof *out->objects);
    if (!out->objects) return od_error_nomem(err, "boxes");
    out->object_count = (int)image->count;
    for (size_t i = 0; i < image->count; i++)
        OD_TRY(fill_object(s, &s->json.annotations[image->first + i], out, &out->objects[i], err));
    return OD_OK;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const coco_source *s = (const coco_source *)base;
    const od_coco_image *image = &s->json.images[index];
    out->filename = od_strdup(image->file_name);
    out->source_id = od_asprintf("%lld", (long long)image->id);
    if (image->group) out->group = od_strdup(image->group);
    if (!out->filename || !out->source_id || (image->group && !out->group)) return od_error_nomem(err, "an example");
    out->width = image->width;
    out->height = image->height;
    if (with_image || !image->width || !image->height) {
        int width, height;
        od_status status = od_image_file_load(s->dir, s->image_dir, image->file_name, with_image, out, &width, &height, err);
        if (status != OD_OK) {
            od_error_prefix(err, "%s", base->path);
            return status;
        }
        if (!out->width || !out->height) out->width = width, out->height = height;
    }
    return fill_objects(s, image, out, err);
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    const coco_source *s = (const coco_source *)base;
    for (size_t i = 0; i < s->json.category_count; i++) {
        const od_coco_category *c = &s->json.categories[i];
        if (c->name && c->id > 0) OD_TRY(od_class_list_add(classes, c->name, c->id, err));
    }
    return OD_OK;
}

const od_source_format od_source_coco = {"coco", "COCO JSON", "image", source_open, source_read, source_list_classes,
                                         source_free};
