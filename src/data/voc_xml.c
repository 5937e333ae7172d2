/* SPDX-License-Identifier: Apache-2.0
 *
 * An element counts by its exact place (annotation/object/bndbox/xmin): VOC 2007 nests parts, with boxes of their own,
 * in objects.
 */
#include "data/voc_xml.h"

#include "data/group_fields.h"
#include "util/alloc.h"
#include "util/strbuf.h"

#include <expat.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PATH_TEXT = 256, MAX_DEPTH = 64, MAX_VALUE = 65536 };

typedef struct voc_reader {
    XML_Parser xml;
    od_example *out;
    const char *file;
    char path[MAX_PATH_TEXT]; /* "annotation/object/name" */
    size_t lengths[MAX_DEPTH]; /* of `path` before each open element */
    int depth;
    od_strbuf value; /* text of the element */
    size_t object_capacity;
    double (*pixels)[4]; /* [object_count] ymin, xmin, ymax, xmax */
    size_t pixel_capacity;
    const char *group_fields;
    int group_rank; /* of the element in out->group */
    unsigned sides; /* bits: which of the current object's four sides were given */
    od_status status;
    od_error *err;
} voc_reader;

static void stop(voc_reader *r, od_status status)
{
    if (r->status == OD_OK) r->status = status;
    XML_StopParser(r->xml, XML_FALSE);
}

static void fail(voc_reader *r, const char *what, const char *value)
{
    stop(r, od_error_set(r->err, OD_ERR_FORMAT, "%s:%lu: %s%s%.100s%s", r->file,
                         (unsigned long)XML_GetCurrentLineNumber(r->xml), what, value ? " \"" : "", value ? value : "",
                         value ? "\"" : ""));
}

static int at(const voc_reader *r, const char *path)
{
    return !strcmp(r->path, path);
}

static void begin_object(voc_reader *r)
{
    od_example *e = r->out;
    if (e->object_count == INT_MAX ||
        od_grow(&e->objects, &r->object_capacity, (size_t)e->object_count + 1, sizeof *e->objects) ||
        od_grow(&r->pixels, &r->pixel_capacity, (size_t)e->object_count + 1, sizeof *r->pixels)) {
        stop(r, od_error_nomem(r->err, "boxes"));
        return;
    }
    e->objects[e->object_count++] = (od_object){.weight = 1};
    r->sides = 0;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    (void)attributes;
    voc_reader *r = user;
    if (r->status != OD_OK) return;
    size_t used = strlen(r->path), n = strlen(name);
    if (r->depth == MAX_DEPTH) {
        fail(r, "elements are nested too deeply at", name);
        return;
    }
    r->lengths[r->depth++] = used;
    if (used + n + 2 > sizeof r->path)
        n = 0; /* a path this long is none of ours, nor are those below it */
    else
        snprintf(r->path + used, sizeof r->path - used, "%s%s", used ? "/" : "", name);
    if (r->depth == 1 && strcmp(name, "annotation")) fail(r, "the root element must be annotation, as in VOC; it is", name);
    r->value.size = 0;
    if (at(r, "annotation/object")) begin_object(r);
}

static void XMLCALL on_text(void *user, const char *text, int size)
{
    voc_reader *r = user;
    if (r->value.size + (size_t)size > MAX_VALUE) {
        fail(r, "the text of an element is too long", NULL);
        return;
    }
    od_strbuf_append(&r->value, text, (size_t)size);
}

/* The element's text without white space around it. */
static const char *trimmed(voc_reader *r)
{
    if (!r->value.size) return "";
    char *text = r->value.data, *end = text + r->value.size;
    while (end > text && strchr(" \t\r\n", end[-1])) end--;
    *end = 0;
    return text + strspn(text, " \t\r\n");
}

static void take_size(voc_reader *r, int *out)
{
    const char *text = trimmed(r);
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= 0 && v <= INT_MAX))
        fail(r, "expected the image's size in pixels, found", text);
    else
        *out = (int)v;
}

static void take_side(voc_reader *r, int side)
{
    const char *text = trimmed(r);
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end) {
        fail(r, "expected a number of pixels, found", text);
        return;
    }
    r->pixels[r->out->object_count - 1][side] = v;
    r->sides |= 1u << side;
}

static void take_flag(voc_reader *r, uint32_t flag)
{
    const char *text = trimmed(r);
    int yes = !strcmp(text, "1") || !strcmp(text, "true") || !strcmp(text, "True");
    if (yes) r->out->objects[r->out->object_count - 1].flags |= flag;
}

static void take_text(voc_reader *r, const char **to)
{
    const char *text = trimmed(r);
    *to = od_example_keep_text(r->out, text, strlen(text));
    if (!*to) stop(r, od_error_nomem(r->err, r->file));
}

static void take_filename(voc_reader *r)
{
    od_free(r->out->filename);
    r->out->filename = od_strdup(trimmed(r));
    if (!r->out->filename) stop(r, od_error_nomem(r->err, r->file));
}

static void take_group(voc_reader *r, const char *name)
{
    int rank = od_group_field_rank(r->group_fields, name, strlen(name));
    const char *text = trimmed(r);
    if (rank < 0 || !*text || (r->out->group && r->group_rank <= rank)) return;
    od_free(r->out->group);
    r->out->group = od_strdup(text);
    r->group_rank = rank;
    if (!r->out->group) stop(r, od_error_nomem(r->err, r->file));
}

static void end_object(voc_reader *r)
{
    const od_object *o = &r->out->objects[r->out->object_count - 1];
    if (!o->class_text || !*o->class_text)
        fail(r, "an object has no name (its class)", NULL);
    else if (r->sides != 15)
        fail(r, "a bndbox needs xmin, ymin, xmax and ymax: one is missing in the object", o->class_text);
}

static void take_element(voc_reader *r)
{
    static const char *const sides[] = {"ymin", "xmin", "ymax", "xmax"};
    od_object *o = r->out->object_count ? &r->out->objects[r->out->object_count - 1] : NULL;
    if (at(r, "annotation/filename")) take_filename(r);
    if (at(r, "annotation/size/width")) take_size(r, &r->out->width);
    if (at(r, "annotation/size/height")) take_size(r, &r->out->height);
    if (r->group_fields && r->depth == 2) take_group(r, r->path + strlen("annotation/"));
    if (strncmp(r->path, "annotation/object", 17) || !o) return;
    if (at(r, "annotation/object")) end_object(r);
    if (at(r, "annotation/object/name")) take_text(r, &o->class_text);
    if (at(r, "annotation/object/pose")) take_text(r, &o->pose);
    if (at(r, "annotation/object/difficult")) take_flag(r, OD_OBJECT_DIFFICULT);
    if (at(r, "annotation/object/truncated")) take_flag(r, OD_OBJECT_TRUNCATED);
    if (at(r, "annotation/object/occluded")) take_flag(r, OD_OBJECT_OCCLUDED);
    if (at(r, "annotation/object/polygon")) o->flags |= OD_OBJECT_OUTLINE;
    for (int k = 0; k < 4; k++)
        if (!strncmp(r->path, "annotation/object/bndbox/", 25) && !strcmp(r->path + 25, sides[k])) take_side(r, k);
}

static void XMLCALL on_end(void *user, const char *name)
{
    (void)name;
    voc_reader *r = user;
    if (r->status != OD_OK) return;
    if (od_strbuf_failed(&r->value)) {
        stop(r, od_error_nomem(r->err, r->file));
        return;
    }
    take_element(r);
    r->value.size = 0;
    r->path[r->lengths[--r->depth]] = 0;
}

/* Entities could multiply a small file into gigabytes; VOC has none. */
static void XMLCALL on_entity(void *user, const XML_Char *name, int parameter, const XML_Char *value, int length,
                              const XML_Char *base, const XML_Char *system, const XML_Char *public, const XML_Char *notation)
{
    (void)parameter, (void)value, (void)length, (void)base, (void)system, (void)public, (void)notation;
    fail(user, "entity declarations are refused:", name);
}

static void *xml_malloc(size_t size)
{
    return od_malloc(size, 1);
}

static void *xml_realloc(void *p, size_t size)
{
    return od_realloc(p, size, 1);
}

static od_status run_parser(voc_reader *r, const char *bytes, size_t size)
{
    if (size > INT_MAX) return od_error_set(r->err, OD_ERR_FORMAT, "%s: too large for an annotation file", r->file);
    XML_SetUserData(r->xml, r);
    XML_SetElementHandler(r->xml, on_start, on_end);
    XML_SetCharacterDataHandler(r->xml, on_text);
    XML_SetEntityDeclHandler(r->xml, on_entity);
    if (XML_Parse(r->xml, bytes, (int)size, 1) == XML_STATUS_ERROR && r->status == OD_OK) {
        enum XML_Error code = XML_GetErrorCode(r->xml);
        if (code == XML_ERROR_NO_MEMORY) return od_error_nomem(r->err, r->file);
        return od_error_set(r->err, OD_ERR_FORMAT, "%s:%lu: not well-formed XML: %s", r->file,
                            (unsigned long)XML_GetCurrentLineNumber(r->xml), XML_ErrorString(code));
    }
    return r->status;
}

od_status od_voc_xml_parse(const char *bytes, size_t size, const char *path, const char *group_fields, od_example *out,
                           double (**pixels)[4], od_error *err)
{
    static const XML_Memory_Handling_Suite memory = {xml_malloc, xml_realloc, od_free};
    voc_reader r = {.out = out, .file = path, .group_fields = group_fields, .err = err};
    *pixels = NULL;
    r.xml = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!r.xml) return od_error_nomem(err, path);
    od_status status = run_parser(&r, bytes, size);
    XML_ParserFree(r.xml);
    od_strbuf_deinit(&r.value);
    if (status == OD_OK && !out->filename && !(out->filename = od_strdup(""))) status = od_error_nomem(err, path);
    if (status == OD_OK && !(out->source_id = od_strdup(out->filename))) status = od_error_nomem(err, path);
    if (status == OD_OK)
        *pixels = r.pixels;
    else
        od_free(r.pixels);
    return status;
}
