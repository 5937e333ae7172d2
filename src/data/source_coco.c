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

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct coco_source {
    od_source base;
    char *dir, *image_dir;
    od_coco_json json;
    od_mask_loading masks;
    int keypoints; /* as od_source_options' */
    int fd; /* of the file, to read segmentations and keypoints from; -1: neither is wanted */
    atomic_int bad_masks; /* left out so far */
} coco_source;

static void source_free(od_source *base)
{
    coco_source *s = (coco_source *)base;
    od_coco_json_deinit(&s->json);
    if (s->fd >= 0) close(s->fd);
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
    s->masks = options->masks;
    s->fd = -1;
    s->keypoints = options->keypoints;
    s->json.want_segments = s->masks != OD_MASKS_NONE;
    s->json.want_keypoints = s->keypoints != OD_KEYPOINTS_NONE;
    s->json.group_fields = options->group_fields;
    od_status status = OD_OK;
    if (!(s->base.path = od_strdup(path)) || !(s->dir = od_path_dir(path)) ||
        (image_dir && !(s->image_dir = od_strdup(image_dir))))
        status = od_error_nomem(err, path);
    else
        status = od_coco_json_load(&s->json, path, err);
    if (status == OD_OK && (s->json.want_segments || s->json.want_keypoints) && (s->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) status = od_error_errno(err, path, "open");
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

/* Bytes `span` of the file as a text of the example's; NULL in *out when there are none. */
static od_status read_span(const coco_source *s, od_coco_span span, od_example *e, const char **out, od_error *err)
{
    *out = NULL;
    if (!span.size) return OD_OK;
    char *text = od_malloc(span.size, 1);
    if (!text) return od_error_nomem(err, "an annotation");
    size_t have = 0;
    while (have < span.size) {
        ssize_t n = pread(s->fd, text + have, span.size - have, (off_t)(span.at + have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += (size_t)n;
    }
    *out = have == span.size ? od_example_keep_text(e, text, span.size) : NULL;
    od_free(text);
    if (have < span.size) return od_error_set(err, OD_ERR_IO, "%s: has changed while it was read", s->base.path);
    return *out ? OD_OK : od_error_nomem(err, "an annotation");
}

/* Where masks are welcome but not asked for, a bad one is no reason to lose the image. The first is named. */
static od_status judge_bad_mask(const coco_source *s, od_status status, const od_error *problem, od_error *err)
{
    if (status != OD_ERR_FORMAT || s->masks != OD_MASKS_IF_ANY) return od_error_set(err, status, "%s", problem->message);
    if (!atomic_fetch_add(&((coco_source *)s)->bad_masks, 1)) od_log(OD_LOG_WARNING, "%s: the mask is left out, the box stays. Others like it are not named", problem->message);
    return OD_OK;
}

static od_status fill_mask(const coco_source *s, const od_coco_annotation *a, od_example *e, od_object *o, od_error *err)
{
    od_mask *mask = NULL;
    OD_TRY(read_span(s, s->json.segments[a->number], e, &o->segmentation, err));
    od_status status = OD_OK;
    od_error problem = {0};
    if (o->segmentation) status = od_mask_from_json(&mask, e->height, e->width, o->segmentation, strlen(o->segmentation), &problem);
    if (status == OD_OK && !mask && s->masks != OD_MASKS_IF_ANY)
        status = od_error_set(&problem, OD_ERR_CONFIG, "has no segmentation, which load_instance_masks asks for");
    if (status != OD_OK && status != OD_ERR_NOMEM) od_error_prefix(&problem, "%s: annotations[%zu]", s->base.path, a->number);
    if (status != OD_OK) OD_TRY(judge_bad_mask(s, status, &problem, err));
    if (!mask) {
        o->segmentation = NULL; /* it says nothing */
        return OD_OK;
    }
    o->mask = od_example_keep_mask(e, mask);
    return o->mask ? OD_OK : od_error_nomem(err, "a mask");
}

/* The numbers of "[x, y, v, ...]" into `out`, at most `room`; how many there are, or -1 when it isn't a list of numbers. */
static int read_numbers(const char *text, double *out, int room)
{
    int n = 0;
    if (*text++ != '[') return -1;
    for (;;) {
        char *end;
        double v = strtod(text, &end);
        text = end + strspn(end, " \t\r\n");
        if (end == text && !n && *text == ']') return 0;
        if (*text != ',' && *text != ']') return -1;
        if (n < room) out[n] = v;
        n++;
        if (*text++ == ']') return n;
    }
}

/* x, y in pixels and visibility of each. */
static od_status fill_keypoints(const coco_source *s, const od_coco_annotation *a, od_example *e, od_object *o, od_error *err)
{
    const char *text = NULL;
    if (a->number < s->json.keypoint_count) OD_TRY(read_span(s, s->json.keypoints[a->number], e, &text, err));
    if (!text) return OD_OK;
    int room = (int)strlen(text) / 2 + 1;
    double *v = od_malloc((size_t)room, sizeof *v);
    if (!v) return od_error_nomem(err, "keypoints");
    int n = read_numbers(text, v, room), wanted = s->keypoints > 0 ? 3 * s->keypoints : n;
    od_status status = OD_OK;
    if (n < 0 || n % 3)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: annotations[%zu]: keypoints is no list of x, y, visibility of each", s->base.path, a->number);
    else if (n != wanted)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: annotations[%zu]: has %d keypoints; expected the input reader's num_keypoints, %d", s->base.path, a->number, n / 3, s->keypoints);
    else if (n)
        status = od_example_keep_keypoints(e, o, n / 3, v, e->width, e->height, err);
    od_free(v);
    return status;
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
    for (size_t i = 0; i < image->count && s->masks != OD_MASKS_NONE; i++)
        OD_TRY(fill_mask(s, &s->json.annotations[image->first + i], out, &out->objects[i], err));
    for (size_t i = 0; i < image->count && s->keypoints != OD_KEYPOINTS_NONE; i++)
        OD_TRY(fill_keypoints(s, &s->json.annotations[image->first + i], out, &out->objects[i], err));
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

/* Some tools count categories from 0; others (Roboflow) have a category 0 that stands for the whole project and no box. */
static int is_used(const coco_source *s, int32_t category)
{
    for (size_t i = 0; i < s->json.annotation_count; i++)
        if (s->json.annotations[i].category_id == category) return 1;
    return 0;
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    const coco_source *s = (const coco_source *)base;
    for (size_t i = 0; i < s->json.category_count; i++) {
        const od_coco_category *c = &s->json.categories[i];
        if (c->name && (c->id > 0 || (!c->id && is_used(s, 0)))) OD_TRY(od_class_list_add(classes, c->name, c->id, err));
    }
    return OD_OK;
}

const od_source_format od_source_coco = {"coco", "COCO JSON", "image", source_open, source_read, source_list_classes,
                                         source_free, 1, NULL};
