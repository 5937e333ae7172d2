/* SPDX-License-Identifier: Apache-2.0
 *
 * Open Images: PART-annotations-bbox.csv, PART-images-with-rotation.csv (so that images without boxes are known),
 * class-descriptions-boxable.csv, and the images in PART/.
 */
#include "data/markup.h"
#include "data/number_text.h"
#include "data/text_writer.h"
#include "util/alloc.h"

#include <string.h>

typedef struct oi_writer {
    od_text_writer text; /* the boxes */
    char *path, *list_path;
    od_file_writer *list;
    od_strbuf line;
    const char *part;
    const od_label_map *map;
} oi_writer;

static void oi_free(od_writer *base)
{
    oi_writer *w = (oi_writer *)base;
    od_file_writer_abort(w->list);
    od_strbuf_deinit(&w->line);
    od_free(w->path);
    od_free(w->list_path);
    od_text_writer_free(base);
}

static const char *part_name(const char *split)
{
    return !split ? "train" : !strcmp(split, "val") ? "validation" : split;
}

static od_status open_files(oi_writer *w, const char *root, od_error *err)
{
    static const char header[] = "ImageID,Subset,OriginalURL,OriginalLandingURL,License,AuthorProfileURL,Author,Title,OriginalSize,OriginalMD5,"
                                 "Thumbnail300KURL,Rotation\n";
    w->path = od_asprintf("%s/%s-annotations-bbox.csv", root, w->part);
    w->list_path = od_asprintf("%s/%s-images-with-rotation.csv", root, w->part);
    if (!w->path || !w->list_path) return od_error_nomem(err, root);
    w->text.path = w->path;
    OD_TRY(od_file_writer_create(&w->text.file, w->path, err));
    OD_TRY(od_file_writer_create(&w->list, w->list_path, err));
    OD_TRY(od_file_writer_write(w->list, header, sizeof header - 1, err));
    od_strbuf_puts(&w->text.out, "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n");
    return OD_OK;
}

static od_status oi_open(od_writer **out, const od_write_job *job, od_error *err)
{
    oi_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, job->path);
    w->text.base.format = &od_writer_openimages;
    w->part = part_name(job->split);
    w->map = job->map;
    od_status status = open_files(w, job->root, err);
    if (status != OD_OK)
        oi_free(&w->text.base);
    else
        *out = &w->text.base;
    return status;
}

static void put_box(oi_writer *w, const char *id, const od_object *o)
{
    static const int sides[4] = {1, 3, 0, 2}; /* XMin, XMax, YMin, YMax */
    static const uint32_t flags[] = {OD_OBJECT_OCCLUDED, OD_OBJECT_TRUNCATED, OD_OBJECT_GROUP_OF, OD_OBJECT_DEPICTION, OD_OBJECT_INSIDE};
    od_strbuf *t = &w->text.out;
    od_put_csv_field(t, id);
    od_strbuf_puts(t, ",xclick,");
    od_put_csv_field(t, od_label_map_key(w->map, o->label));
    od_strbuf_puts(t, ",1");
    for (int k = 0; k < 4; k++) {
        char text[OD_NUMBER_TEXT];
        od_text_scaled(text, o->box[sides[k]], 1);
        od_strbuf_printf(t, ",%s", text);
    }
    for (int k = 0; k < 5; k++) od_strbuf_printf(t, ",%d", (o->flags & flags[k]) != 0);
    od_strbuf_puts(t, "\n");
}

static od_status oi_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    oi_writer *w = (oi_writer *)base;
    const char *dot = strrchr(image, '.');
    char *id = od_strndup(image, dot && dot != image ? (size_t)(dot - image) : strlen(image));
    if (!id) return od_error_nomem(err, image);
    for (int i = 0; i < e->object_count; i++) put_box(w, id, &e->objects[i]);
    w->line.size = 0;
    od_put_csv_field(&w->line, id);
    od_strbuf_printf(&w->line, ",%s,,,,,,,,,,\n", w->part);
    od_free(id);
    if (od_strbuf_failed(&w->line)) return od_error_nomem(err, image);
    OD_TRY(od_file_writer_write(w->list, w->line.data, w->line.size, err));
    return od_text_writer_flush(&w->text, err);
}

static od_status oi_commit(od_writer *base, od_error *err)
{
    oi_writer *w = (oi_writer *)base;
    od_file_writer *list = w->list;
    w->list = NULL;
    OD_TRY(od_file_writer_commit(list, err));
    return od_text_writer_commit(base, err);
}

/* The descriptions of all parts. */
static od_status oi_finish(const od_write_job *job, const char *const *splits, int count, od_error *err)
{
    (void)splits, (void)count;
    od_strbuf t = {0};
    for (int i = 0; i < od_label_map_count(job->map); i++) {
        int32_t id = od_label_map_id(job->map, i);
        od_put_csv_field(&t, od_label_map_key(job->map, id));
        od_strbuf_puts(&t, ",");
        od_put_csv_field(&t, od_label_map_name(job->map, id));
        od_strbuf_puts(&t, "\n");
    }
    char *path = od_path_join(job->root, "class-descriptions-boxable.csv");
    od_status status = path && !od_strbuf_failed(&t) ? od_file_write_all(path, t.data ? t.data : "", t.size, err) : od_error_nomem(err, job->root);
    od_free(path);
    od_strbuf_deinit(&t);
    return status;
}

#define BIT(kind) (1u << OD_DATA_KIND_##kind)

const od_writer_format od_writer_openimages = {
    .name = "openimages",
    .images = "%s",
    .prefix = "",
    .by_stem = 1,
    .holds = BIT(OCCLUDED) | BIT(TRUNCATED) | BIT(GROUP_OF) | BIT(DEPICTION) | BIT(INSIDE) | BIT(CLASS_ID) | BIT(OUTSIDE),
    .open = oi_open,
    .put = oi_put,
    .commit = oi_commit,
    .free = oi_free,
    .finish = oi_finish,
};
