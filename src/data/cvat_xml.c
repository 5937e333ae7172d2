/* SPDX-License-Identifier: Apache-2.0 */
#include "data/cvat_xml.h"

#include "data/mask_tools.h"
#include "data/object_marks.h"
#include "util/alloc.h"
#include "util/strbuf.h"

#include <expat.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_VALUE = 65536, CHUNK = 1 << 24 };

typedef struct cvat_reader {
    XML_Parser xml;
    const char *path;
    long first_line;       /* of what is parsed */
    const char *subset;
    od_cvat_index *index;  /* when scanning */
    od_example *out;       /* the image being read */
    int masks;             /* masks are read, not only their boxes */
    int depth, image_depth, skipped; /* image_depth: of <image>, 0 outside; skipped: it is of another subset */
    char parents[MAX_DEPTH][12];     /* element names, cut */
    od_cvat_place place;
    size_t object_capacity;
    int object;            /* of the shape being read, or -1 */
    char attribute[64];    /* its attribute's name */
    od_strbuf value;
    float *outline;        /* of the shape being read: x, y in parts of the image */
    size_t outline_size, outline_capacity;
    od_status status;
    od_error *err;
} cvat_reader;

static void stop(cvat_reader *r, od_status status)
{
    if (r->status == OD_OK) r->status = status;
    XML_StopParser(r->xml, XML_FALSE);
}

static long line_of(const cvat_reader *r)
{
    return r->first_line + (long)XML_GetCurrentLineNumber(r->xml) - 1;
}

static void fail(cvat_reader *r, od_status status, const char *what, const char *value)
{
    stop(r, od_error_set(r->err, status, "%s:%ld: %s%s%.100s%s", r->path, line_of(r), what, value ? " \"" : "", value ? value : "",
                         value ? "\"" : ""));
}

static const char *find(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (!strcmp(attributes[0], name)) return attributes[1];
    return NULL;
}

/* 1, or 0 after an error. */
static int take_number(cvat_reader *r, const char **attributes, const char *name, double *out)
{
    const char *text = find(attributes, name);
    char *end;
    char what[80];
    *out = text ? strtod(text, &end) : 0;
    if (text && end != text && !*end && isfinite(*out)) return 1;
    snprintf(what, sizeof what, text ? "%s must be a number, but is" : "%s is missing", name);
    fail(r, OD_ERR_FORMAT, what, text);
    return 0;
}

static int take_side(cvat_reader *r, const char **attributes, const char *name, int *out)
{
    double v;
    if (!take_number(r, attributes, name, &v)) return 0;
    if (v < 1 || v > INT_MAX || v != floor(v)) return fail(r, OD_ERR_FORMAT, "the image's size must be whole pixels, found", find(attributes, name)), 0;
    *out = (int)v;
    return 1;
}

static void begin_image(cvat_reader *r, const char **attributes)
{
    const char *name = find(attributes, "name"), *id = find(attributes, "id"), *subset = find(attributes, "subset");
    od_example *e = r->out;
    r->image_depth = r->depth;
    r->skipped = r->subset && strcmp(subset ? subset : "", r->subset);
    r->object = -1;
    r->object_capacity = 0;
    r->place = (od_cvat_place){XML_GetCurrentByteIndex(r->xml), 0, (int32_t)line_of(r)};
    if (!name || !*name) return fail(r, OD_ERR_FORMAT, "an image has no name", NULL);
    if (!take_side(r, attributes, "width", &e->width) || !take_side(r, attributes, "height", &e->height)) return;
    e->filename = od_strdup(name);
    e->source_id = od_strdup(id ? id : name);
    if (!e->filename || !e->source_id) stop(r, od_error_nomem(r->err, r->path));
}

/* --- shapes ----------------------------------------------------------------------------------------------------------- */

/* Appends a point to the shape's outline; box grows to hold it. */
static int add_point(cvat_reader *r, double x, double y, double box[4])
{
    box[0] = fmin(box[0], y), box[2] = fmax(box[2], y);
    box[1] = fmin(box[1], x), box[3] = fmax(box[3], x);
    if (od_grow(&r->outline, &r->outline_capacity, r->outline_size + 2, sizeof *r->outline)) return stop(r, od_error_nomem(r->err, "an outline")), 0;
    r->outline[r->outline_size++] = (float)(x / r->out->width);
    r->outline[r->outline_size++] = (float)(y / r->out->height);
    return 1;
}

/* The points "x,y;x,y;..." and their bounds. */
static int take_points(cvat_reader *r, const char *text, double box[4])
{
    box[0] = box[1] = INFINITY;
    box[2] = box[3] = -INFINITY;
    for (const char *p = text; p && *p;) {
        char *comma, *end;
        double x = strtod(p, &comma), y = *comma == ',' ? strtod(comma + 1, &end) : 0;
        if (comma == p || *comma != ',' || end == comma + 1 || (*end && *end != ';') || !isfinite(x) || !isfinite(y))
            return fail(r, OD_ERR_FORMAT, "points must be x,y;x,y;..., found", p), 0;
        if (!add_point(r, x, y, box)) return 0;
        p = *end ? end + 1 : end;
    }
    return box[0] <= box[2] ? 1 : (fail(r, OD_ERR_FORMAT, "a polygon has no points", NULL), 0);
}

/* The outline of an ellipse: centre and radii y, x. */
static int take_ellipse(cvat_reader *r, const double ellipse[4])
{
    double point[2], unused[4] = {0};
    for (int k = 0; k < OD_ELLIPSE_CORNERS; k++) {
        od_ellipse_corner(k, ellipse[0], ellipse[1], ellipse[2], ellipse[3], point);
        if (!add_point(r, point[1], point[0], unused)) return 0;
    }
    return 1;
}

/* The mask of an object whose box is its frame in pixels. */
static void take_mask(cvat_reader *r, const char *runs, const double box[4], od_object *o)
{
    const double frame[4] = {box[0], box[1], box[2] - box[0], box[3] - box[1]};
    od_mask *mask;
    od_error problem = {0};
    od_status status = od_mask_from_frame_runs(&mask, r->out->height, r->out->width, frame, runs ? runs : "", &problem);
    if (status == OD_ERR_NOMEM) return stop(r, od_error_nomem(r->err, "a mask"));
    if (status != OD_OK) return fail(r, status, problem.message, NULL);
    o->flags &= ~(uint32_t)OD_OBJECT_OUTLINE;
    if (!(o->mask = od_example_keep_mask(r->out, mask))) stop(r, od_error_nomem(r->err, "a mask"));
}

/* The box around a shape in pixels (ymin, xmin, ymax, xmax): 1; 0 for a shape that has none, or after an error. */
static int take_bounds(cvat_reader *r, const char *shape, const char **attributes, double box[4], uint32_t *flags)
{
    static const char *const corners[] = {"ytl", "xtl", "ybr", "xbr"}, *const frame[] = {"top", "left", "height", "width"},
                      *const ellipse[] = {"cy", "cx", "ry", "rx"};
    *flags = strcmp(shape, "box") ? OD_OBJECT_OUTLINE : 0;
    if (!strcmp(shape, "polygon")) {
        const char *points = find(attributes, "points");
        return points ? take_points(r, points, box) : (fail(r, OD_ERR_FORMAT, "a polygon has no points", NULL), 0);
    }
    const char *const *names = !strcmp(shape, "box") ? corners : !strcmp(shape, "mask") ? frame : !strcmp(shape, "ellipse") ? ellipse : NULL;
    if (!names) return 0;
    for (int k = 0; k < 4; k++)
        if (!take_number(r, attributes, names[k], &box[k])) return 0;
    if (names == ellipse && !take_ellipse(r, box)) return 0;
    for (int k = 0; k < 2; k++) {
        double a = box[k], b = box[k + 2];
        if (names == frame) box[k + 2] = a + b;
        if (names == ellipse) box[k] = a - b, box[k + 2] = a + b;
    }
    return 1;
}

static int is_upright(cvat_reader *r, const char *shape, const char **attributes)
{
    const char *text = find(attributes, "rotation");
    if (!text || strtod(text, NULL) == 0) return 1;
    if (r->index) return r->index->rotated++, 0; /* its image is the one that can't be read */
    char what[120];
    snprintf(what, sizeof what, "a %.20s is rotated; only upright boxes are read: straighten it in CVAT, or export a polygon; rotation", shape);
    fail(r, OD_ERR_UNSUPPORTED, what, text);
    return 0;
}

static void begin_shape(cvat_reader *r, const char *shape, const char **attributes)
{
    od_example *e = r->out;
    const char *label = find(attributes, "label"), *occluded = find(attributes, "occluded");
    double box[4];
    uint32_t flags;
    if (!strcmp(shape, "tag")) {
        if (r->index) r->index->tags++;
        return;
    }
    r->outline_size = 0;
    if (!is_upright(r, shape, attributes)) return;
    if (!take_bounds(r, shape, attributes, box, &flags)) {
        if (r->index && r->status == OD_OK) r->index->shapes++;
        return;
    }
    if (!label || !*label) return fail(r, OD_ERR_FORMAT, "a shape has no label:", shape);
    if (e->object_count == INT_MAX || od_grow(&e->objects, &r->object_capacity, (size_t)e->object_count + 1, sizeof *e->objects))
        return stop(r, od_error_nomem(r->err, "boxes"));
    od_object *o = &e->objects[r->object = e->object_count++];
    *o = (od_object){.weight = 1, .flags = flags | (occluded && !strcmp(occluded, "1") ? OD_OBJECT_OCCLUDED : 0)};
    for (int k = 0; k < 4; k++) o->box[k] = (float)(box[k] / (k % 2 ? e->width : e->height));
    if (!(o->class_text = od_example_keep_text(e, label, strlen(label)))) stop(r, od_error_nomem(r->err, "class names"));
    if (r->masks && !strcmp(shape, "mask")) take_mask(r, find(attributes, "rle"), box, o);
    o->outline_points = (int)(r->outline_size / 2);
    if (r->outline_size && !(o->outline = od_example_keep_floats(e, r->outline, r->outline_size))) stop(r, od_error_nomem(r->err, "an outline"));
}

static void end_attribute(cvat_reader *r)
{
    const char *text = r->value.size ? r->value.data : "";
    int known = od_object_take_mark(r->out, &r->out->objects[r->object], r->attribute, text);
    if (known < 0) stop(r, od_error_nomem(r->err, r->path));
    if (!known && r->index) r->index->attributes++;
}

/* --- elements --------------------------------------------------------------------------------------------------------- */

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    cvat_reader *r = user;
    if (r->status != OD_OK) return;
    if (++r->depth >= MAX_DEPTH) return fail(r, OD_ERR_FORMAT, "elements are nested too deeply at", name);
    snprintf(r->parents[r->depth], sizeof r->parents[0], "%s", name);
    r->value.size = 0;
    int whole = r->index != NULL; /* else one image's element */
    if (whole && r->depth == 1 && strcmp(name, "annotations")) return fail(r, OD_ERR_FORMAT, "the root element must be annotations, as in CVAT; it is", name);
    if (whole && r->depth == 2 && !strcmp(name, "track"))
        return fail(r, OD_ERR_UNSUPPORTED, "these are CVAT's annotations for video (track); export the task as \"CVAT for images 1.1\"", NULL);
    if (!r->image_depth) {
        if (!strcmp(name, "image") && r->depth == (whole ? 2 : 1)) begin_image(r, attributes);
    } else if (r->depth == r->image_depth + 1) {
        begin_shape(r, name, attributes);
    } else if (r->depth == r->image_depth + 2 && r->object >= 0 && !strcmp(name, "attribute")) {
        const char *attribute = find(attributes, "name");
        snprintf(r->attribute, sizeof r->attribute, "%s", attribute ? attribute : "");
    }
}

static void XMLCALL on_text(void *user, const char *text, int size)
{
    cvat_reader *r = user;
    if (r->value.size + (size_t)size > MAX_VALUE && r->image_depth) return fail(r, OD_ERR_FORMAT, "the text of an element is too long", NULL);
    if (r->value.size + (size_t)size <= MAX_VALUE) od_strbuf_append(&r->value, text, (size_t)size);
}

/* Keeps where the image lies, counts what it has, and starts anew. */
static void end_scanned_image(cvat_reader *r)
{
    od_cvat_index *x = r->index;
    int64_t size = XML_GetCurrentByteIndex(r->xml) + XML_GetCurrentByteCount(r->xml) - r->place.offset;
    if (size > INT32_MAX) return fail(r, OD_ERR_FORMAT, "an image's element is too long", NULL);
    r->place.size = (int32_t)size;
    od_status status = OD_OK;
    for (int i = 0; i < r->out->object_count && !r->skipped && status == OD_OK; i++)
        status = od_class_list_add(&x->classes, r->out->objects[i].class_text, 0, r->err);
    if (status == OD_OK && !r->skipped) {
        if (od_grow(&x->images, &x->capacity, x->count + 1, sizeof *x->images))
            status = od_error_nomem(r->err, "images");
        else
            x->images[x->count++] = r->place;
    }
    od_example_deinit(r->out);
    if (status != OD_OK) stop(r, status);
}

static void XMLCALL on_end(void *user, const char *name)
{
    cvat_reader *r = user;
    if (r->status != OD_OK) return;
    if (od_strbuf_failed(&r->value)) return stop(r, od_error_nomem(r->err, r->path));
    int label = !strcmp(name, "name") && r->depth > 2 && !strcmp(r->parents[r->depth - 1], "label");
    if (label && r->index && r->value.size) {
        od_status status = od_class_list_add(&r->index->classes, r->value.data, 0, r->err);
        if (status != OD_OK) stop(r, status);
    }
    if (r->image_depth && r->depth == r->image_depth + 2 && r->object >= 0 && !strcmp(name, "attribute")) end_attribute(r);
    if (r->image_depth && r->depth == r->image_depth + 1) r->object = -1;
    if (r->depth == r->image_depth) {
        r->image_depth = 0;
        if (r->index) end_scanned_image(r);
    }
    r->value.size = 0;
    r->depth--;
}

/* Entities could multiply a small file into gigabytes; CVAT has none. */
static void XMLCALL on_entity(void *user, const XML_Char *name, int parameter, const XML_Char *value, int length, const XML_Char *base,
                              const XML_Char *system, const XML_Char *public, const XML_Char *notation)
{
    (void)parameter, (void)value, (void)length, (void)base, (void)system, (void)public, (void)notation;
    fail(user, OD_ERR_FORMAT, "entity declarations are refused:", name);
}

static void XMLCALL on_declaration(void *user, const XML_Char *version, const XML_Char *encoding, int standalone)
{
    (void)version, (void)standalone;
    cvat_reader *r = user;
    if (!encoding || !r->index || r->index->encoding) return;
    r->index->encoding = od_strdup(encoding);
    if (!r->index->encoding) stop(r, od_error_nomem(r->err, r->path));
}

static void *xml_malloc(size_t size)
{
    return od_malloc(size, 1);
}

static void *xml_realloc(void *p, size_t size)
{
    return od_realloc(p, size, 1);
}

static od_status run(cvat_reader *r, const char *encoding, const char *bytes, size_t size)
{
    static const XML_Memory_Handling_Suite memory = {xml_malloc, xml_realloc, od_free};
    r->xml = XML_ParserCreate_MM(encoding, &memory, NULL);
    if (!r->xml) return od_error_nomem(r->err, r->path);
    XML_SetUserData(r->xml, r);
    XML_SetElementHandler(r->xml, on_start, on_end);
    XML_SetCharacterDataHandler(r->xml, on_text);
    XML_SetEntityDeclHandler(r->xml, on_entity);
    XML_SetXmlDeclHandler(r->xml, on_declaration);
    int ok = 1;
    for (size_t at = 0; ok && (at < size || !at); at += CHUNK) {
        size_t n = size - at < CHUNK ? size - at : CHUNK;
        ok = XML_Parse(r->xml, bytes + at, (int)n, at + n == size) != XML_STATUS_ERROR;
    }
    if (!ok && r->status == OD_OK) {
        enum XML_Error code = XML_GetErrorCode(r->xml);
        r->status = code == XML_ERROR_NO_MEMORY
                        ? od_error_nomem(r->err, r->path)
                        : od_error_set(r->err, OD_ERR_FORMAT, "%s:%ld: not well-formed XML: %s", r->path, line_of(r), XML_ErrorString(code));
    }
    XML_ParserFree(r->xml);
    od_strbuf_deinit(&r->value);
    od_free(r->outline);
    return r->status;
}

od_status od_cvat_scan(od_cvat_index *out, const char *bytes, size_t size, const char *path, const char *subset, od_error *err)
{
    od_example e = {0};
    cvat_reader r = {.path = path, .first_line = 1, .subset = subset, .index = out, .out = &e, .object = -1, .err = err};
    od_status status = run(&r, NULL, bytes, size);
    od_example_deinit(&e);
    return status;
}

void od_cvat_index_deinit(od_cvat_index *index)
{
    od_free(index->images);
    od_free(index->encoding);
    od_class_list_deinit(&index->classes);
    *index = (od_cvat_index){0};
}

od_status od_cvat_read(const od_cvat_index *index, size_t number, const char *bytes, const char *path, int masks, od_example *out, od_error *err)
{
    const od_cvat_place *p = &index->images[number];
    cvat_reader r = {.path = path, .first_line = p->line, .out = out, .masks = masks, .object = -1, .err = err};
    return run(&r, index->encoding, bytes + p->offset, (size_t)p->size);
}
