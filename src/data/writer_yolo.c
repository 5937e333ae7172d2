/* SPDX-License-Identifier: Apache-2.0
 *
 * YOLO: images/PART and labels/PART (Roboflow: PART/images and PART/labels) with a label file an image, and a data.yaml. Classes
 * are counted from 0 in the order of the label map's ids.
 */
#include "data/markup.h"
#include "data/number_text.h"
#include "data/writer.h"
#include "data/yolo_layout.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

typedef struct yolo_writer {
    od_writer base;
    const od_label_map *map;
    char *image_dir;
    int made; /* the labels' folder */
    od_strbuf text;
} yolo_writer;

static void yolo_free(od_writer *base)
{
    yolo_writer *w = (yolo_writer *)base;
    od_strbuf_deinit(&w->text);
    od_free(w->image_dir);
    od_free(w);
}

static od_status yolo_open(od_writer **out, const od_write_job *job, od_error *err)
{
    yolo_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, job->path);
    w->base.format = &od_writer_yolo;
    w->map = job->map;
    if (!(w->image_dir = od_strdup(job->image_dir))) {
        yolo_free(&w->base);
        return od_error_nomem(err, job->path);
    }
    *out = &w->base;
    return OD_OK;
}

/* The place of an id among the label map's. */
static int class_index(const od_label_map *map, int32_t id)
{
    int low = 0, high = od_label_map_count(map);
    while (high - low > 1) {
        int mid = (low + high) / 2;
        if (od_label_map_id(map, mid) <= id)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static float clip(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* A row of YOLO's segmentation: the corners of the outline. */
static void put_outline(yolo_writer *w, const od_object *o)
{
    int cut = 0;
    od_strbuf_printf(&w->text, "%d", class_index(w->map, o->label));
    for (int k = 0; k < 2 * o->outline_points; k++) {
        float v = clip(o->outline[k]);
        cut |= v != o->outline[k];
        od_strbuf_printf(&w->text, " %.9g", (double)v);
    }
    od_strbuf_puts(&w->text, "\n");
    w->base.clipped += cut;
}

static void put_row(yolo_writer *w, const od_object *o)
{
    if (o->outline && o->outline_points >= 3) {
        put_outline(w, o);
        return;
    }
    char x[OD_NUMBER_TEXT], y[OD_NUMBER_TEXT], width[OD_NUMBER_TEXT], height[OD_NUMBER_TEXT];
    float box[4];
    int cut = 0;
    for (int k = 0; k < 4; k++) { /* Ultralytics leaves out images with values outside */
        box[k] = clip(o->box[k]);
        cut |= box[k] != o->box[k];
    }
    w->base.clipped += cut;
    od_text_centre(x, width, box[1], box[3]);
    od_text_centre(y, height, box[0], box[2]);
    od_strbuf_printf(&w->text, "%d %s %s %s %s\n", class_index(w->map, o->label), x, y, width, height);
}

static od_status write_labels(yolo_writer *w, const char *path, od_error *err)
{
    char *dir = w->made ? NULL : od_path_dir(path);
    if (!w->made && !dir) return od_error_nomem(err, path);
    od_status status = dir ? od_dir_create(dir, err) : OD_OK;
    w->made = 1;
    od_free(dir);
    return status == OD_OK ? od_file_write_many(path, w->text.data, w->text.size, err) : status;
}

static od_status yolo_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    yolo_writer *w = (yolo_writer *)base;
    w->text.size = 0;
    for (int i = 0; i < e->object_count; i++) put_row(w, &e->objects[i]);
    char *file = od_path_join(w->image_dir, image), *path = file ? od_yolo_label_path(file) : NULL;
    od_status status = path && !od_strbuf_failed(&w->text) ? write_labels(w, path, err) : od_error_nomem(err, image);
    od_free(path);
    od_free(file);
    return status;
}

static od_status yolo_commit(od_writer *base, od_error *err)
{
    (void)base, (void)err;
    return OD_OK;
}

/* data.yaml, whose folder is the root when it names none. */
static od_status yolo_finish(const od_write_job *job, const char *const *splits, int count, od_error *err)
{
    od_strbuf t = {0};
    for (int i = 0; i < count; i++) {
        const char *split = splits[i] ? splits[i] : "train";
        if (job->beside)
            od_strbuf_printf(&t, "%s: %s/images\n", split, !strcmp(split, "val") ? "valid" : split);
        else
            od_strbuf_printf(&t, "%s: images/%s\n", split, split);
    }
    od_strbuf_printf(&t, "\nnc: %d\nnames:\n", od_label_map_count(job->map));
    for (int i = 0; i < od_label_map_count(job->map); i++) {
        od_strbuf_printf(&t, "  %d: ", i);
        od_put_json_text(&t, od_label_map_name(job->map, od_label_map_id(job->map, i)));
        od_strbuf_puts(&t, "\n");
    }
    char *path = od_path_join(job->root, "data.yaml");
    od_status status = path && !od_strbuf_failed(&t) ? od_file_write_all(path, t.data, t.size, err) : od_error_nomem(err, job->root);
    od_free(path);
    od_strbuf_deinit(&t);
    return status;
}

const od_writer_format od_writer_yolo = {
    .name = "yolo",
    .images = "images/%s",
    .prefix = "",
    .outlines = 1,
    .by_stem = 1,
    .open = yolo_open,
    .put = yolo_put,
    .commit = yolo_commit,
    .free = yolo_free,
    .finish = yolo_finish,
};
