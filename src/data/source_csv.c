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
#include "data/group_fields.h"
#include "data/image_file.h"
#include "data/source.h"
#include "util/alloc.h"
#include "util/file.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COL_FILENAME, COL_CLASS, COL_XMIN, COL_YMIN, COL_XMAX, COL_YMAX, COL_WIDTH, COL_HEIGHT, COL_COUNT };
enum { MAX_COLUMNS = 64 };
static const char *const column_names[COL_COUNT] = {"filename", "class", "xmin", "ymin", "xmax", "ymax", "width", "height"};

typedef struct csv_box {
    float pixels[4]; /* ymin, xmin, ymax, xmax; doubles are not needed below 2^24 pixels */
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
    const char *p, *end;
    int64_t line; /* from 1 */
    char *text;   /* the fields of one line, unquoted */
    size_t text_capacity;
    char *fields[MAX_COLUMNS];
    int field_count;
    int columns[COL_COUNT]; /* which field, or -1 */
    int group_column;       /* or -1 */
    const char *group_fields;
    od_error *err;
} reader;

static od_status fail(const reader *r, const char *what, const char *value)
{
    return od_error_set(r->err, OD_ERR_FORMAT, "%s:%lld: %s%s%.100s%s", r->s->base.path, (long long)r->line, what,
                        value ? " \"" : "", value ? value : "", value ? "\"" : "");
}

/* One field into `to` (which has room for the rest of the line); moves r->p behind its comma or to the line's end. */
static od_status take_field(reader *r, char **to)
{
    char *w = *to;
    if (r->p < r->end && *r->p == '"') {
        for (r->p++;; r->p++) {
            if (r->p == r->end) return fail(r, "a quotation mark is not closed", NULL);
            if (*r->p == '"') {
                if (r->p + 1 == r->end || r->p[1] != '"') break;
                r->p++;
            }
            if (*r->p == '\n') r->line++;
            *w++ = *r->p;
        }
        r->p++;
    } else {
        while (r->p < r->end && *r->p != ',' && *r->p != '\n') *w++ = *r->p++;
        while (w > *to && isspace((unsigned char)w[-1])) w--;
    }
    *w++ = 0;
    *to = w;
    while (r->p < r->end && (*r->p == '\r' || *r->p == ' ')) r->p++;
    if (r->p < r->end && *r->p != ',' && *r->p != '\n') return fail(r, "text follows a closing quotation mark", NULL);
    return OD_OK;
}

/* Splits the next line into r->fields. A blank line has no fields. */
static od_status take_line(reader *r)
{
    r->field_count = 0;
    char *to = r->text;
    while (r->p < r->end) {
        if (r->field_count == MAX_COLUMNS) return fail(r, "more than 64 columns", NULL);
        char *field = to;
        OD_TRY(take_field(r, &to));
        if (memchr(field, 0, (size_t)(to - field - 1))) return fail(r, "a zero byte in the text", NULL);
        r->fields[r->field_count++] = field;
        if (r->p == r->end || *r->p++ == '\n') break;
    }
    if (r->field_count == 1 && !*r->fields[0]) r->field_count = 0;
    return OD_OK;
}

/* The column of the first group field that the header has. */
static void find_group_column(reader *r)
{
    int best = -1;
    r->group_column = -1;
    for (int f = 0; f < r->field_count; f++) {
        int rank = od_group_field_rank(r->group_fields, r->fields[f], strlen(r->fields[f]));
        if (rank < 0 || (best >= 0 && rank >= best)) continue;
        best = rank;
        r->group_column = f;
    }
}

static od_status take_header(reader *r)
{
    OD_TRY(take_line(r));
    find_group_column(r);
    for (int c = 0; c < COL_COUNT; c++) {
        r->columns[c] = -1;
        for (int f = 0; f < r->field_count; f++)
            if (!strcasecmp(r->fields[f], column_names[c])) r->columns[c] = f;
        if (r->columns[c] < 0 && c < COL_WIDTH)
            return od_error_set(r->err, OD_ERR_FORMAT,
                                "%s:1: the header has no column \"%s\"; expected filename,width,height,class,xmin,ymin,xmax,ymax",
                                r->s->base.path, column_names[c]);
    }
    return OD_OK;
}

static const char *field(const reader *r, int column)
{
    int f = r->columns[column];
    return f >= 0 && f < r->field_count ? r->fields[f] : "";
}

static od_status take_number(const reader *r, int column, double *out)
{
    const char *text = field(r, column);
    char *end;
    *out = strtod(text, &end);
    if (end != text && !*end) return OD_OK;
    return od_error_set(r->err, OD_ERR_FORMAT, "%s:%lld: %s is \"%.60s\"; expected a number", r->s->base.path,
                        (long long)r->line, column_names[column], text);
}

static od_status find_image(reader *r, int64_t *out)
{
    csv_source *s = r->s;
    const char *name = field(r, COL_FILENAME);
    if (!*name) return fail(r, "the file name is empty", NULL);
    if (od_hashmap_get(&s->by_name, name, out)) return OD_OK;
    if (od_grow(&s->images, &s->image_capacity, s->image_count + 1, sizeof *s->images)) return od_error_nomem(r->err, "images");
    const char *group = r->group_column >= 0 && r->group_column < r->field_count ? r->fields[r->group_column] : "";
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
    csv_box box = {.line = r->line};
    const char *name = field(r, COL_CLASS);
    OD_TRY(find_image(r, &box.image));
    int blank = !*name;
    for (int k = 0; k < 4; k++) blank &= !*field(r, order[k]);
    if (blank) return OD_OK; /* a null image */
    if (!*name) return fail(r, "the class is empty", NULL);
    for (int k = 0; k < 4; k++) {
        double v;
        OD_TRY(take_number(r, order[k], &v));
        box.pixels[k] = (float)v;
    }
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
    reader r = {.s = s, .p = bytes, .end = bytes + size, .line = 1, .group_fields = group_fields, .err = err};
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) r.p += 3;
    r.text = od_malloc(size + MAX_COLUMNS + 1, 1);
    if (!r.text) return od_error_nomem(err, s->base.path);
    od_status status = take_header(&r);
    while (status == OD_OK && r.p < r.end) {
        r.line++;
        status = take_line(&r);
        if (status == OD_OK && r.field_count) status = take_box(&r);
    }
    od_free(r.text);
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
        for (int k = 0; k < 4; k++) o->box[k] = (float)((double)box->pixels[k] / (k % 2 ? width : height));
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
    for (size_t i = 0; i < s->classes.count; i++) OD_TRY(od_class_list_add(classes, s->classes.entries[i].name, 0, err));
    return OD_OK;
}

const od_source_format od_source_csv = {"csv", "CSV", "image", source_open, source_read, source_list_classes, source_free};
