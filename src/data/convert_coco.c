/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing COCO JSON as a stream, so that memory holds an id and a name an image and no boxes: the data is read once for
 * the ids, once for "images" (image files from records are written then) and once for "annotations".
 */
#include "data/convert.h"

#include "data/markup.h"
#include "data/number_text.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_AT = 1 << 16 };

typedef struct coco_writer {
    od_convert *c;
    od_file_writer *file;
    od_strbuf out;        /* not yet written */
    int64_t *ids;         /* [size]; 0: left out */
    int64_t next_annotation;
} coco_writer;

static void writer_deinit(coco_writer *w)
{
    od_file_writer_abort(w->file);
    od_strbuf_deinit(&w->out);
    od_free(w->ids);
}

static od_status flush(coco_writer *w, size_t at, od_error *err)
{
    if (od_strbuf_failed(&w->out)) return od_error_nomem(err, w->c->path);
    if (w->out.size < at) return OD_OK;
    OD_TRY(od_file_writer_write(w->file, w->out.data, w->out.size, err));
    w->out.size = 0;
    return OD_OK;
}

/* The id that source_id is, when it is a whole number from 1 on in its plain form; else 0. */
static int64_t plain_id(const char *text)
{
    if (!text || *text < '1' || *text > '9') return 0;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    return *end || errno || v > (INT64_C(1) << 53) ? 0 : v;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Whether the ids of the readable images are all plain and distinct. */
static od_status ids_are_usable(const int64_t *ids, size_t n, int *usable, od_error *err)
{
    int64_t *sorted = od_malloc(n, sizeof *sorted);
    if (!sorted) return od_error_nomem(err, "image ids");
    size_t count = 0;
    *usable = 1;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == 0) *usable = 0;
        if (ids[i] > 0) sorted[count++] = ids[i];
    }
    if (count) qsort(sorted, count, sizeof *sorted, by_id);
    for (size_t i = 1; i < count; i++) *usable &= sorted[i] != sorted[i - 1];
    od_free(sorted);
    return OD_OK;
}

/* Keeps the images' own ids when they can serve, else counts from 1. */
static od_status choose_ids(coco_writer *w, od_error *err)
{
    size_t n = (size_t)od_dataset_size(w->c->ds);
    int usable = 0;
    w->ids = od_malloc(n, sizeof *w->ids);
    if (!w->ids) return od_error_nomem(err, "image ids");
    for (size_t i = 0; i < n; i++) {
        od_example e = {0};
        int skip;
        od_status status = od_convert_read(w->c, (int64_t)i, &e, &skip, err);
        if (status == OD_OK) w->ids[i] = skip ? -1 : plain_id(e.source_id);
        if (skip) od_convert_skip(w->c, (int64_t)i);
        od_example_deinit(&e);
        OD_TRY(status);
    }
    OD_TRY(ids_are_usable(w->ids, n, &usable, err));
    int64_t next = 1;
    for (size_t i = 0; i < n; i++) {
        if (w->ids[i] < 0)
            w->ids[i] = 0;
        else if (!usable)
            w->ids[i] = next++;
    }
    return OD_OK;
}

static od_status put_image(coco_writer *w, const od_example *e, int64_t id, od_error *err)
{
    char *name = NULL;
    od_status status = od_image_store_put(&w->c->images, e, id, &name, err);
    if (status == OD_OK) {
        od_strbuf_printf(&w->out, "%s\n  {\"id\": %lld, \"file_name\": ", w->c->result.images ? "," : "", (long long)id);
        od_put_json_text(&w->out, name);
        od_strbuf_printf(&w->out, ", \"width\": %d, \"height\": %d}", e->width, e->height);
        od_convert_count(w->c, e);
    }
    od_free(name);
    return status;
}

/* As the data had it, else as compressed run lengths. */
static void put_segmentation(coco_writer *w, const od_object *o)
{
    if (!o->mask) return;
    od_strbuf_puts(&w->out, ", \"segmentation\": ");
    if (o->segmentation)
        od_strbuf_puts(&w->out, o->segmentation);
    else
        od_mask_format_json(o->mask, &w->out);
}

/* x, y in pixels and visibility of each. */
static void put_keypoints(coco_writer *w, const od_example *e, const od_object *o)
{
    int labelled = 0;
    if (!o->keypoint_count) return;
    od_strbuf_puts(&w->out, ", \"keypoints\": [");
    for (int k = 0; k < o->keypoint_count; k++) {
        char x[OD_NUMBER_TEXT] = "0", y[OD_NUMBER_TEXT] = "0";
        int seen = od_object_visibility(o, k);
        if (seen) od_text_scaled(x, o->keypoints[2 * k + 1], e->width), od_text_scaled(y, o->keypoints[2 * k], e->height);
        od_strbuf_printf(&w->out, "%s%s, %s, %d", k ? ", " : "", x, y, seen);
        labelled += seen > 0;
    }
    od_strbuf_printf(&w->out, "], \"num_keypoints\": %d", labelled);
}

static od_status put_annotations(coco_writer *w, const od_example *e, int64_t id, od_error *err)
{
    (void)err;
    for (int i = 0; i < e->object_count; i++) {
        const od_object *o = &e->objects[i];
        char x[OD_NUMBER_TEXT], y[OD_NUMBER_TEXT], width[OD_NUMBER_TEXT], height[OD_NUMBER_TEXT];
        od_text_span(x, width, o->box[1], o->box[3], e->width);
        od_text_span(y, height, o->box[0], o->box[2], e->height);
        double area = o->area > 0 ? (double)o->area : o->mask ? (double)od_mask_area(o->mask) : strtod(width, NULL) * strtod(height, NULL);
        int64_t number = ++w->next_annotation;
        od_strbuf_printf(&w->out,
                         "%s\n  {\"id\": %lld, \"image_id\": %lld, \"category_id\": %d, \"bbox\": [%s, %s, %s, %s], "
                         "\"area\": %.9g, \"iscrowd\": %d",
                         number > 1 ? "," : "", (long long)number, (long long)id, (int)o->label, x, y, width, height, area,
                         (o->flags & OD_OBJECT_CROWD) != 0);
        put_segmentation(w, o);
        put_keypoints(w, e, o);
        od_strbuf_puts(&w->out, "}");
    }
    return OD_OK;
}

/* One pass over the images that have an id. */
static od_status each(coco_writer *w, od_status (*put)(coco_writer *, const od_example *, int64_t, od_error *), od_error *err)
{
    for (int64_t i = 0; i < od_dataset_size(w->c->ds); i++) {
        if (!w->ids[i]) continue;
        od_example e = {0};
        od_error why = {0};
        od_status status = od_dataset_read(w->c->ds, i, &e, &why);
        if (status != OD_OK) od_error_set(err, status, "%s", why.message);
        if (status == OD_OK && (e.width < 1 || e.height < 1))
            status = od_error_set(err, OD_ERR_FORMAT, "%s: the image's size is not known (its header can't be read)", e.filename);
        if (status == OD_OK && put == put_image) status = od_convert_window(w->c, &e, err);
        if (status == OD_OK) status = put(w, &e, w->ids[i], err);
        if (status == OD_OK) status = flush(w, FLUSH_AT, err);
        od_example_deinit(&e);
        OD_TRY(status);
    }
    return OD_OK;
}

static void put_categories(coco_writer *w)
{
    const od_label_map *map = od_dataset_label_map(w->c->ds);
    for (int i = 0; i < od_label_map_count(map); i++) {
        int32_t id = od_label_map_id(map, i);
        od_strbuf_printf(&w->out, "%s\n  {\"id\": %d, \"name\": ", i ? "," : "", (int)id);
        od_put_json_text(&w->out, od_label_map_name(map, id));
        od_strbuf_puts(&w->out, "}");
    }
}

static od_status write_all(coco_writer *w, od_error *err)
{
    OD_TRY(choose_ids(w, err));
    OD_TRY(od_file_writer_create(&w->file, w->c->path, err));
    od_strbuf_puts(&w->out, "{\n \"categories\": [");
    put_categories(w);
    od_strbuf_puts(&w->out, "],\n \"images\": [");
    OD_TRY(each(w, put_image, err));
    if (!w->c->result.images) return od_error_set(err, OD_ERR_FORMAT, "none of the images could be read");
    od_strbuf_puts(&w->out, "],\n \"annotations\": [");
    OD_TRY(each(w, put_annotations, err));
    od_strbuf_puts(&w->out, "]\n}\n");
    return flush(w, 0, err);
}

od_status od_convert_to_coco(od_convert *c, od_error *err)
{
    coco_writer w = {.c = c};
    od_status status = write_all(&w, err);
    if (status == OD_OK) {
        od_file_writer *file = w.file;
        w.file = NULL;
        status = od_file_writer_commit(file, err);
    }
    writer_deinit(&w);
    return status;
}
