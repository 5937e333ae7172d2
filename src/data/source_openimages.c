/* SPDX-License-Identifier: Apache-2.0
 *
 * Open Images' boxes (https://storage.googleapis.com/openimages/web/download_v7.html#data-formats) as a source of examples:
 * PART-annotations-bbox.csv, a line a box, with *class-descriptions*.csv beside it for what the labels (/m/...) are called, and
 * images by their ids in the folder itself, images/, PART/ or ../images/PART/. Images of PART-images-*.csv without boxes are null
 * images when their files are there. Memory holds some hundred bytes an image and no boxes.
 */
#include "data/csv_lines.h"
#include "data/image_file.h"
#include "data/paths.h"
#include "data/source.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

enum { COL_IMAGE, COL_LABEL, COL_XMIN, COL_XMAX, COL_YMIN, COL_YMAX, COL_OCCLUDED, COL_TRUNCATED, COL_GROUP, COL_DEPICTION, COL_INSIDE, COL_COUNT };
static const char *const column_names[COL_COUNT] = {"ImageID",    "LabelName",   "XMin",      "XMax",        "YMin",    "YMax",
                                                    "IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"};
static const uint32_t column_flags[COL_COUNT] = {[COL_OCCLUDED] = OD_OBJECT_OCCLUDED,
                                                 [COL_TRUNCATED] = OD_OBJECT_TRUNCATED,
                                                 [COL_GROUP] = OD_OBJECT_GROUP_OF,
                                                 [COL_DEPICTION] = OD_OBJECT_DEPICTION,
                                                 [COL_INSIDE] = OD_OBJECT_INSIDE};
static const char boxes_ending[] = "-annotations-bbox.csv";

/* Lines of one image that follow each other. */
typedef struct box_run {
    int64_t offset, line;
    int32_t lines, next; /* next: run of the same image, or -1 */
} box_run;

typedef struct box_image {
    char *id;
    int32_t first, last; /* runs, or -1 */
} box_image;

typedef struct oi_source {
    od_source base;
    char *dir, *image_dir, *part; /* "train" */
    od_file_view view;
    box_run *runs;
    size_t run_count, run_capacity;
    box_image *images;
    size_t image_count, image_capacity;
    od_hashmap by_id;
    od_class_list classes; /* labels with what they are called */
    int columns[COL_COUNT];
} oi_source;

static void source_free(od_source *base)
{
    oi_source *s = (oi_source *)base;
    for (size_t i = 0; i < s->image_count; i++) od_free(s->images[i].id);
    od_free(s->images);
    od_free(s->runs);
    od_hashmap_deinit(&s->by_id);
    od_class_list_deinit(&s->classes);
    if (s->view.data) od_file_view_close(&s->view);
    od_free(s->dir);
    od_free(s->image_dir);
    od_free(s->part);
    od_free(s->base.path);
    od_free(s);
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

static od_status take_header(oi_source *s, od_csv *csv, od_error *err)
{
    int more;
    OD_TRY(od_csv_next(csv, &more, err));
    for (int c = 0; c < COL_COUNT; c++) {
        s->columns[c] = od_csv_find(csv, column_names[c]);
        if (s->columns[c] < 0 && c < COL_OCCLUDED)
            return od_error_set(err, OD_ERR_FORMAT, "%s:1: the header has no column \"%s\"; expected ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,...",
                                s->base.path, column_names[c]);
    }
    return OD_OK;
}

static od_status find_image(oi_source *s, const char *id, int64_t *at, od_error *err)
{
    if (od_hashmap_get(&s->by_id, id, at)) return OD_OK;
    char *copy = od_strdup(id);
    if (!copy || s->image_count >= INT32_MAX || od_grow(&s->images, &s->image_capacity, s->image_count + 1, sizeof *s->images) ||
        od_hashmap_set(&s->by_id, id, (int64_t)s->image_count)) {
        od_free(copy);
        return od_error_nomem(err, "images");
    }
    *at = (int64_t)s->image_count;
    s->images[s->image_count++] = (box_image){copy, -1, -1};
    return OD_OK;
}

/* The line is the next of the image's last run, or begins another. */
static od_status add_line(oi_source *s, const od_csv *csv, int64_t offset, int64_t *previous, od_error *err)
{
    const char *id = od_csv_field(csv, s->columns[COL_IMAGE]);
    int64_t at;
    if (!*id) return od_csv_fail(csv, "ImageID is empty", NULL, err);
    OD_TRY(find_image(s, id, &at, err));
    box_image *image = &s->images[at];
    if (*previous == at) {
        s->runs[image->last].lines++;
        return OD_OK;
    }
    if (s->run_count >= INT32_MAX || od_grow(&s->runs, &s->run_capacity, s->run_count + 1, sizeof *s->runs)) return od_error_nomem(err, "boxes");
    int32_t number = (int32_t)s->run_count++;
    s->runs[number] = (box_run){offset, csv->line, 1, -1};
    if (image->last >= 0)
        s->runs[image->last].next = number;
    else
        image->first = number;
    image->last = number;
    *previous = at;
    return OD_OK;
}

static od_status take_line(const oi_source *s, const od_csv *csv, float box[4], uint32_t *flags, od_error *err)
{
    static const int sides[4] = {COL_YMIN, COL_XMIN, COL_YMAX, COL_XMAX};
    for (int k = 0; k < 4; k++) {
        double v;
        OD_TRY(od_csv_number(csv, s->columns[sides[k]], column_names[sides[k]], &v, err));
        box[k] = (float)v;
    }
    *flags = 0;
    for (int c = COL_OCCLUDED; c < COL_COUNT; c++) /* -1: nobody knows */
        if (!strcmp(od_csv_field(csv, s->columns[c]), "1")) *flags |= column_flags[c];
    return *od_csv_field(csv, s->columns[COL_LABEL]) ? OD_OK : od_csv_fail(csv, "LabelName is empty", NULL, err);
}

/* Every line is looked at once, so that a fault is told at once. */
static od_status index_boxes(oi_source *s, od_error *err)
{
    od_csv csv;
    const char *bytes = (const char *)s->view.data;
    od_csv_init(&csv, bytes, s->view.size, s->base.path);
    od_status status = take_header(s, &csv, err);
    int64_t previous = -1;
    int more = 1;
    while (status == OD_OK && more) {
        int64_t offset = csv.p - bytes;
        float box[4];
        uint32_t flags;
        status = od_csv_next(&csv, &more, err);
        if (status != OD_OK || !csv.field_count) continue;
        status = take_line(s, &csv, box, &flags, err);
        if (status == OD_OK) status = add_line(s, &csv, offset, &previous, err);
        if (status == OD_OK) status = od_class_list_add(&s->classes, od_csv_field(&csv, s->columns[COL_LABEL]), 0, err);
    }
    od_csv_deinit(&csv);
    return status;
}

/* Hands each line of a file to `take`, the first one as well. */
static od_status each_line(oi_source *s, const char *path, od_status (*take)(oi_source *s, const od_csv *csv, int column, od_error *err),
                           const char *column, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_csv csv;
    od_csv_init(&csv, (const char *)view.data, view.size, path);
    int more = 1, at = -1;
    od_status status = OD_OK;
    for (int header = column != NULL; status == OD_OK && more; header = 0) {
        status = od_csv_next(&csv, &more, err);
        if (status != OD_OK || !csv.field_count) continue;
        if (header)
            at = od_csv_find(&csv, column);
        else
            status = take(s, &csv, at, err);
    }
    od_csv_deinit(&csv);
    od_file_view_close(&view);
    return status;
}

/* /m/011k07,Tortoise */
static od_status take_description(oi_source *s, const od_csv *csv, int column, od_error *err)
{
    (void)column;
    if (csv->field_count < 2 || !od_hashmap_get(&s->classes.by_name, csv->fields[0], NULL)) return OD_OK; /* of no box */
    if (!strcmp(csv->fields[0], csv->fields[1])) return OD_OK; /* not a code */
    return od_class_list_set_display(&s->classes, csv->fields[0], csv->fields[1], err);
}

/* *path: the image's file, when it is there. */
static od_status find_file(const oi_source *s, const char *id, char **path, od_error *err)
{
    static const char *const image_endings[] = {".jpg", ".png", ".jpeg", ".JPG", ".bmp", ".webp"};
    od_status status = OD_ERR_NOT_FOUND;
    *path = NULL;
    for (size_t d = 0; d < (s->image_dir ? 1 : 4) && status == OD_ERR_NOT_FOUND; d++) {
        char *dir = d == 0   ? od_strdup(s->dir)
                    : d == 1 ? od_asprintf("%s/../images/%s", s->dir, s->part)
                    : d == 2 ? od_asprintf("%s/images/%s", s->dir, s->part)
                             : od_asprintf("%s/%s", s->dir, s->part);
        if (!dir) return od_error_nomem(err, id);
        for (size_t i = 0; i < sizeof image_endings / sizeof *image_endings && status == OD_ERR_NOT_FOUND; i++) {
            char *name = od_asprintf("%s%s", id, image_endings[i]);
            status = name ? od_image_file_find(path, dir, s->image_dir, name, NULL) : OD_ERR_NOMEM;
            od_free(name);
        }
        od_free(dir);
    }
    if (status == OD_ERR_NOT_FOUND)
        return od_error_set(err, status, "%s: image %s.jpg not found in %s%s%s%s; --image_dir says where it is", s->base.path, id,
                            s->image_dir ? s->image_dir : s->dir, s->image_dir ? "" : ", its images or ", s->image_dir ? "" : s->part,
                            s->image_dir ? "" : " folders");
    return status == OD_OK ? OD_OK : od_error_nomem(err, id);
}

/* An image that is listed and has no box counts when its file is there: lists name millions that nobody has downloaded. */
static od_status take_listed(oi_source *s, const od_csv *csv, int column, od_error *err)
{
    const char *id = od_csv_field(csv, column);
    if (!*id || od_hashmap_get(&s->by_id, id, NULL)) return OD_OK;
    char *path;
    int64_t at;
    od_status status = find_file(s, id, &path, err);
    if (status == OD_OK) status = find_image(s, id, &at, err);
    od_free(path);
    return status == OD_ERR_NOT_FOUND ? OD_OK : status;
}

static int starts_with_part(const oi_source *s, const char *path)
{
    const char *base = od_path_base(path);
    size_t n = (size_t)(od_path_base(s->base.path) - s->base.path), length = strlen(s->base.path) - n;
    size_t stem = length > sizeof boxes_ending - 1 ? length - (sizeof boxes_ending - 1) : length;
    return !strncmp(base, s->base.path + n, stem);
}

static od_status read_companions(oi_source *s, od_error *err)
{
    od_path_list files = {0};
    od_status status = od_path_list_add_folder(&files, s->dir, ".csv", err);
    for (size_t i = 0; i < files.count && status == OD_OK; i++) {
        const char *base = od_path_base(files.items[i]);
        if (strstr(base, "class-descriptions")) status = each_line(s, files.items[i], take_description, NULL, err);
        int listed = strstr(base, "-images-") || strstr(base, "-image_ids");
        if (listed && starts_with_part(s, files.items[i])) status = each_line(s, files.items[i], take_listed, "ImageID", err);
    }
    od_path_list_deinit(&files);
    return status;
}

/* "train" of "oidv6-train-annotations-bbox.csv". Caller frees. */
static char *part_of(const char *path)
{
    const char *base = od_path_base(path);
    size_t n = od_path_has_ending(base, boxes_ending) ? strlen(base) - (sizeof boxes_ending - 1) : 0, start = n;
    while (start && base[start - 1] != '-') start--;
    return od_strndup(base + start, n - start);
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    oi_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_openimages;
    int copied = (s->base.path = od_strdup(path)) && (s->dir = od_path_dir(path)) && (s->part = part_of(path)) &&
                 (!options->image_dir || (s->image_dir = od_strdup(options->image_dir)));
    od_status status = copied ? od_file_view_open(&s->view, path, err) : od_error_nomem(err, path);
    if (status == OD_OK) status = index_boxes(s, err);
    if (status == OD_OK) status = read_companions(s, err);
    if (status != OD_OK) {
        source_free(&s->base);
        return status;
    }
    s->base.count = (int64_t)s->image_count;
    *out = &s->base;
    return OD_OK;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static od_status read_run(const oi_source *s, const box_run *run, od_example *out, size_t *capacity, od_error *err)
{
    od_csv csv;
    const char *bytes = (const char *)s->view.data;
    od_csv_init(&csv, bytes + run->offset, s->view.size - (size_t)run->offset, s->base.path);
    csv.next_line = run->line;
    od_status status = OD_OK;
    for (int32_t left = run->lines; left && status == OD_OK;) {
        int more;
        status = od_csv_next(&csv, &more, err);
        if (status == OD_OK && !more) break;
        if (status != OD_OK || !csv.field_count) continue;
        left--;
        if (od_grow(&out->objects, capacity, (size_t)out->object_count + 1, sizeof *out->objects)) {
            status = od_error_nomem(err, "boxes");
            continue;
        }
        od_object *o = &out->objects[out->object_count++];
        *o = (od_object){.weight = 1};
        status = take_line(s, &csv, o->box, &o->flags, err);
        const char *label = od_csv_field(&csv, s->columns[COL_LABEL]);
        if (status == OD_OK && !(o->class_text = od_example_keep_text(out, label, strlen(label)))) status = od_error_nomem(err, "class names");
    }
    od_csv_deinit(&csv);
    return status;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const oi_source *s = (const oi_source *)base;
    const box_image *image = &s->images[index];
    char *path = NULL;
    size_t capacity = 0;
    if (!(out->source_id = od_strdup(image->id))) return od_error_nomem(err, "an example");
    OD_TRY(find_file(s, image->id, &path, err));
    od_status status = (out->filename = od_strdup(od_path_base(path))) ? OD_OK : od_error_nomem(err, "an example");
    if (status == OD_OK) status = od_image_file_read(path, with_image, out, &out->width, &out->height, err);
    od_free(path);
    for (int32_t run = image->first; run >= 0 && status == OD_OK; run = s->runs[run].next)
        status = read_run(s, &s->runs[run], out, &capacity, err);
    return status;
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    return od_class_list_add_names(classes, &((const oi_source *)base)->classes, err);
}

const od_source_format od_source_openimages = {"openimages", "Open Images CSV",   "image",     source_open,
                                               source_read,  source_list_classes, source_free, 0, NULL};
