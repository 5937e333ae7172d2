/* SPDX-License-Identifier: Apache-2.0 */
#include "train/detections_file.h"

#include "train/detection_masks.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>

void od_json_append_string(od_strbuf *b, const char *text)
{
    od_strbuf_puts(b, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            od_strbuf_printf(b, "\\%c", *p);
        else if (*p < 0x20)
            od_strbuf_printf(b, "\\u%04x", *p);
        else
            od_strbuf_append(b, p, 1);
    }
    od_strbuf_puts(b, "\"");
}

void od_json_append_number(od_strbuf *b, double x)
{
    if (!isfinite(x))
        od_strbuf_puts(b, "null");
    else
        od_strbuf_printf(b, "%.17g", x);
}

void od_coco_files_deinit(od_coco_files *f)
{
    od_strbuf_deinit(&f->images);
    od_strbuf_deinit(&f->annotations);
    od_strbuf_deinit(&f->detections);
    *f = (od_coco_files){0};
}

/* A box relative to the image as COCO's x, y, width, height in pixels. */
static void append_box(od_strbuf *b, const float box[4], int width, int height)
{
    double y = (double)box[0] * height, x = (double)box[1] * width;
    od_strbuf_printf(b, "\"bbox\":[%.9g,%.9g,%.9g,%.9g]", x, y, (double)box[3] * width - x, (double)box[2] * height - y);
}

od_status od_json_append_detection_mask(od_strbuf *b, const od_detections *d, int64_t row, int i, int height, int width, od_error *err)
{
    od_mask *mask;
    OD_TRY(od_detection_mask(&mask, d, row, i, height, width, err));
    od_strbuf_puts(b, ",\"segmentation\":");
    od_mask_format_json(mask, b);
    od_free(mask);
    return OD_OK;
}

void od_json_append_keypoints(od_strbuf *b, const float *points, int count, const od_object *object, int height, int width)
{
    int labelled = 0;
    od_strbuf_puts(b, ",\"keypoints\":[");
    for (int k = 0; k < count; k++) {
        int seen = object ? od_object_visibility(object, k) : 1;
        double x = seen ? (double)points[2 * k + 1] * width : 0, y = seen ? (double)points[2 * k] * height : 0;
        od_strbuf_printf(b, "%s%.9g,%.9g,%d", k ? "," : "", isfinite(x) ? x : 0, isfinite(y) ? y : 0, seen);
        labelled += seen > 0;
    }
    od_strbuf_puts(b, "]");
    if (object) od_strbuf_printf(b, ",\"num_keypoints\":%d", labelled);
}

static void add_objects(od_coco_files *f, int64_t image_id, const od_batch_item *item, int object_count)
{
    int w = item->example.width, h = item->example.height;
    for (int i = 0; i < object_count; i++) {
        const od_object *o = &item->objects[i];
        double area = ((double)o->box[2] - o->box[0]) * h * ((double)o->box[3] - o->box[1]) * w;
        od_strbuf_printf(&f->annotations, "%s{\"id\":%lld,\"image_id\":%lld,\"category_id\":%d,", f->annotation_count ? ",\n" : "",
                         (long long)f->annotation_count + 1, (long long)image_id, o->label);
        append_box(&f->annotations, o->box, w, h);
        od_strbuf_printf(&f->annotations, ",\"area\":%.9g,\"iscrowd\":%d", area, (o->flags & OD_OBJECT_CROWD) != 0);
        if (o->mask) {
            od_strbuf_puts(&f->annotations, ",\"segmentation\":");
            od_mask_format_json(o->mask, &f->annotations);
        }
        if (o->keypoint_count) od_json_append_keypoints(&f->annotations, o->keypoints, o->keypoint_count, o, h, w);
        od_strbuf_puts(&f->annotations, "}");
        f->annotation_count++;
    }
}

od_status od_coco_files_add(od_coco_files *f, int64_t image_id, const od_batch_item *item, int object_count, const od_detections *d, int64_t row, od_error *err)
{
    const od_example *e = &item->example;
    od_strbuf_printf(&f->images, "%s{\"id\":%lld,\"width\":%d,\"height\":%d,\"file_name\":", f->image_count++ ? ",\n" : "", (long long)image_id, e->width, e->height);
    od_json_append_string(&f->images, e->filename ? e->filename : e->source_id ? e->source_id : "");
    od_strbuf_puts(&f->images, "}");
    add_objects(f, image_id, item, object_count);
    for (int i = 0; i < d->count[row]; i++) {
        int64_t at = row * d->max + i;
        od_strbuf_printf(&f->detections, "%s{\"image_id\":%lld,\"category_id\":%d,", f->detection_count++ ? ",\n" : "", (long long)image_id, d->classes[at] + 1);
        append_box(&f->detections, d->boxes + 4 * at, e->width, e->height);
        od_strbuf_printf(&f->detections, ",\"score\":%.9g,\"file_name\":", (double)d->scores[at]);
        od_json_append_string(&f->detections, e->filename ? e->filename : e->source_id ? e->source_id : "");
        if (d->keypoints) od_json_append_keypoints(&f->detections, d->keypoints + 2 * at * d->num_keypoints, d->num_keypoints, NULL, e->height, e->width);
        if (d->masks) OD_TRY(od_json_append_detection_mask(&f->detections, d, row, i, e->height, e->width, err));
        od_strbuf_puts(&f->detections, "}");
    }
    return OD_OK;
}

static void append_categories(od_strbuf *b, const od_label_map *labels, int num_classes)
{
    for (int id = 1; id <= num_classes; id++) {
        const char *name = labels ? od_label_map_name(labels, id) : NULL;
        char number[32];
        snprintf(number, sizeof number, "%d", id);
        od_strbuf_printf(b, "%s{\"id\":%d,\"name\":", id > 1 ? "," : "", id);
        od_json_append_string(b, name ? name : number);
        od_strbuf_puts(b, "}");
    }
}

static od_status write_buffer(const od_strbuf *b, const char *dir, const char *name, od_error *err)
{
    if (od_strbuf_failed(b)) return od_error_nomem(err, name);
    char *path = od_path_join(dir, name);
    if (!path) return od_error_nomem(err, name);
    od_status status = od_file_write_all(path, b->data, b->size, err);
    od_free(path);
    return status;
}

static const char *text_of(const od_strbuf *b)
{
    return b->data ? b->data : "";
}

od_status od_coco_files_write(const od_coco_files *f, const char *dir, const od_label_map *labels, int num_classes, od_error *err)
{
    if (od_strbuf_failed(&f->images) || od_strbuf_failed(&f->annotations) || od_strbuf_failed(&f->detections)) return od_error_nomem(err, "evaluation results");
    OD_TRY(od_dir_create(dir, err));
    od_strbuf b = {0};
    od_strbuf_printf(&b, "{\"images\":[%s],\n\"annotations\":[%s],\n\"categories\":[", text_of(&f->images), text_of(&f->annotations));
    append_categories(&b, labels, num_classes);
    od_strbuf_puts(&b, "]}\n");
    od_status status = write_buffer(&b, dir, "groundtruth.json", err);
    od_strbuf_deinit(&b);
    if (status != OD_OK) return status;
    return od_coco_files_write_detections(f, dir, "detections.json", err);
}

od_status od_coco_files_write_detections(const od_coco_files *f, const char *dir, const char *name, od_error *err)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "[%s]\n", text_of(&f->detections));
    od_status status = write_buffer(&b, dir, name, err);
    od_strbuf_deinit(&b);
    return status;
}
