/* SPDX-License-Identifier: Apache-2.0
 *
 * The CSV of the OD API tutorials (xml_to_csv.py, generate_tfrecord.py): a header, then a line a box:
 *
 *     filename,width,height,class,xmin,ymin,xmax,ymax
 *
 * in pixels; columns in any order, found by name; width and height may be missing. A line with a file name and nothing else
 * is a null image. As generate_tfrecord.py does, pixels are divided by the image file's own size; the lines' size only
 * stands in when the file's header can't be read. Images come in the order of their first line.
 */
#include "data/csv_lines.h"
#include "data/group_fields.h"
#include "data/image_file.h"
#include "data/source.h"
#include "util/alloc.h"
#include "util/file.h"

#include <stdlib.h>
#include <string.h>

enum { COL_FILENAME, COL_CLASS, COL_XMIN, COL_YMIN, COL_XMAX, COL_YMAX, COL_WIDTH, COL_HEIGHT, COL_COUNT };
static const char *const column_names[COL_COUNT] = {"filename", "class", "xmin", "ymin", "xmax", "ymax", "width", "height"};

typedef struct csv_box {
    double pixels[4]; /* ymin, xmin, ymax, xmax */
    int32_t class_index;
    int64_t image, line;
} csv_box;

typedef struct csv_image {
    char *name;
    char *group; /* or NULL */
    int width, height;
    size_t first, count; /* of boxes, once they are sorted */
} csv_image;

typedef struct csv_source {
    od_source base;
    char *dir, *image_dir;
    csv_image *images;
    size_t image_count, image_capacity;
    csv_box *boxes;
    size_t box_count, box_capacity;
    od_class_list classes; /* without ids; a box's class_index points here */
    od_hashmap by_name;    /* file name -> image */
} csv_source;

static void source_free(od_source *base)
{
    csv_source *s = (csv_source *)base;
    for (size_t i = 0; i < s->image_count; i++) {
        od_free(s->images[i].name);
        od_free(s->images[i].group);
    }
    od_free(s->images);
    od_free(s->boxes);
    od_class_list_deinit(&s->classes);
    od_hashmap_deinit(&s->by_name);
    od_free(s->dir);
    od_free(s->image_dir);
    od_free(s->base.path);
    od_free(s);
}

typedef struct reader {
    csv_source *s;
    od_csv csv;
    int columns[COL_COUNT]; /* which field, or -1 */
    int group_column;       /* or -1 */
    const char *group_fields;
    od_error *err;
} reader;

/* The column of the first group field that the header has. */
static void find_group_column(reader *r)
{
    int best = -1;
    r->group_column = -1;
    for (int f = 0; f < r->csv.field_count; f++) {
        int rank = od_group_field_rank(r->group_fields, r->csv.fields[f], strlen(r->csv.fields[f]));
        if (rank < 0 || (best >= 0 && rank >= best)) continue;
        best = rank;
        r->group_column = f;
    }
}

static od_status take_header(reader *r)
{
    int more;
    OD_TRY(od_csv_next(&r->csv, &more, r->err));
    find_group_column(r);
    for (int c = 0; c < COL_COUNT; c++) {
        r->columns[c] = od_csv_find(&r->csv, column_names[c]);
        if (r->columns[c] < 0 && c < COL_WIDTH)
            return od_error_set(r->err, OD_ERR_FORMAT,
                                "%s:1: the header has no column \"%s\"; expected filename,width,height,class,xmin,ymin,xmax,ymax",
                                r->s->base.path, column_names[c]);
    }
    return OD_OK;
}

static const char *field(const reader *r, int column)
{
    return od_csv_field(&r->csv, r->columns[column]);
}

static od_status find_image(reader *r, int64_t *out)
{
    csv_source *s = r->s;
    const char *name = field(r, COL_FILENAME);
    if (!*name) return od_csv_fail(&r->csv, "the file name is empty", NULL, r->err);
    if (od_hashmap_get(&s->by_name, name, out)) return OD_OK;
    if (od_grow(&s->images, &s->image_capacity, s->image_count + 1, sizeof *s->images)) return od_error_nomem(r->err, "images");
    const char *group = od_csv_field(&r->csv, r->group_column);
    csv_image image = {.name = od_strdup(name), .group = *group ? od_strdup(group) : NULL};
    if (!image.name || (*group && !image.group) || od_hashmap_set(&s->by_name, name, (int64_t)s->image_count)) {
        od_free(image.name);
        od_free(image.group);
        return od_error_nomem(r->err, "images");
    }
    int *sizes[] = {&image.width, &image.height};
    for (int k = 0; k < 2; k++) {
        double v = strtod(field(r, COL_WIDTH + k), NULL);
        if (v >= 1 && v <= 1e9) *sizes[k] = (int)v;
    }
    *out = (int64_t)s->image_count;
    s->images[s->image_count++] = image;
    return OD_OK;
}

static od_status take_box(reader *r)
{
    static const int order[4] = {COL_YMIN, COL_XMIN, COL_YMAX, COL_XMAX};
    csv_source *s = r->s;
    csv_box box = {.line = r->csv.line};
    const char *name = field(r, COL_CLASS);
    OD_TRY(find_image(r, &box.image));
    int blank = !*name;
    for (int k = 0; k < 4; k++) blank &= !*field(r, order[k]);
    if (blank) return OD_OK; /* a null image */
    if (!*name) return od_csv_fail(&r->csv, "the class is empty", NULL, r->err);
    for (int k = 0; k < 4; k++)
        OD_TRY(od_csv_number(&r->csv, r->columns[order[k]], column_names[order[k]], &box.pixels[k], r->err));
    OD_TRY(od_class_list_add(&s->classes, name, 0, r->err));
    int64_t at = 0;
    od_hashmap_get(&s->classes.by_name, name, &at);
    box.class_index = (int32_t)at;
    if (od_grow(&s->boxes, &s->box_capacity, s->box_count + 1, sizeof *s->boxes)) return od_error_nomem(r->err, "boxes");
    s->boxes[s->box_count++] = box;
    return OD_OK;
}

static int by_image(const void *a, const void *b)
{
    const csv_box *x = a, *y = b;
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void group_boxes(csv_source *s)
{
    if (!s->box_count) return;
    qsort(s->boxes, s->box_count, sizeof *s->boxes, by_image);
    for (size_t i = 0; i < s->box_count; i++) {
        csv_image *image = &s->images[s->boxes[i].image];
        if (!image->count++) image->first = i;
    }
}

static od_status parse(csv_source *s, const char *bytes, size_t size, const char *group_fields, od_error *err)
{
    reader r = {.s = s, .group_fields = group_fields, .err = err};
    od_csv_init(&r.csv, bytes, size, s->base.path);
    int more = 1;
    od_status status = take_header(&r);
    while (status == OD_OK && more) {
        status = od_csv_next(&r.csv, &more, err);
        if (status == OD_OK && r.csv.field_count) status = take_box(&r);
    }
    od_csv_deinit(&r.csv);
    if (status == OD_OK) group_boxes(s);
    return status;
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    const char *image_dir = options->image_dir;
    csv_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_csv;
    od_status status = OD_OK;
    od_file_view view;
    if (!(s->base.path = od_strdup(path)) || !(s->dir = od_path_dir(path)) ||
        (image_dir && !(s->image_dir = od_strdup(image_dir))))
        status = od_error_nomem(err, path);
    else if ((status = od_file_view_open(&view, path, err)) == OD_OK) {
        status = parse(s, (const char *)view.data, view.size, options->group_fields, err);
        od_file_view_close(&view);
    }
    if (status != OD_OK) {
        source_free(&s->base);
        return status;
    }
    s->base.count = (int64_t)s->image_count;
    *out = &s->base;
    return OD_OK;
}

static od_status fill_objects(const csv_source *s, const csv_image *image, int width, int height, od_example *out,
                              od_error *err)
{
    if (!image->count) return OD_OK;
    if (width < 1 || height < 1)
        return od_error_set(err, OD_ERR_FORMAT, "%s: the size of image %s is not known", s->base.path, image->name);
    out->objects = od_calloc(image->count, sizeof *out->objects);
    if (!out->objects) return od_error_nomem(err, "boxes");
    out->object_count = (int)image->count;
    for (size_t i = 0; i < image->count; i++) {
        const csv_box *box = &s->boxes[image->first + i];
        const char *name = s->classes.entries[box->class_index].name;
        od_object *o = &out->objects[i];
        for (int k = 0; k < 4; k++) o->box[k] = (float)(box->pixels[k] / (k % 2 ? width : height));
        o->weight = 1;
        o->class_text = od_example_keep_text(out, name, strlen(name));
        if (!o->class_text) return od_error_nomem(err, "class names");
    }
    return OD_OK;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const csv_source *s = (const csv_source *)base;
    const csv_image *image = &s->images[index];
    int width, height;
    if (!(out->filename = od_strdup(image->name)) || !(out->source_id = od_strdup(image->name)) ||
        (image->group && !(out->group = od_strdup(image->group))))
        return od_error_nomem(err, "an example");
    od_status status = od_image_file_load(s->dir, s->image_dir, image->name, with_image, out, &width, &height, err);
    if (status != OD_OK) {
        od_error_prefix(err, "%s", base->path);
        return status;
    }
    out->width = image->width ? image->width : width;
    out->height = image->height ? image->height : height;
    return fill_objects(s, image, width ? width : image->width, height ? height : image->height, out, err);
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    const csv_source *s = (const csv_source *)base;
    return od_class_list_add_names(classes, &s->classes, err);
}

const od_source_format od_source_csv = {"csv", "CSV", "image", source_open, source_read, source_list_classes, source_free, 0, NULL};
