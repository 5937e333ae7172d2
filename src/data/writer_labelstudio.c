/* SPDX-License-Identifier: Apache-2.0
 *
 * Label Studio's JSON (tasks with annotations; marks are choices of their regions) and JSON-MIN, and the labelling configuration
 * that a project needs for them (label_config.xml).
 */
#include "data/markup.h"
#include "data/mask_tools.h"
#include "data/number_text.h"
#include "data/object_marks.h"
#include "data/text_writer.h"
#include "util/alloc.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct task_writer {
    od_text_writer text;
    int64_t count;
} task_writer;

static od_status open_as(od_writer **out, const od_writer_format *format, const od_write_job *job, od_error *err)
{
    OD_TRY(od_text_writer_open(out, format, sizeof(task_writer), job, err));
    od_strbuf_puts(&((od_text_writer *)*out)->out, "[");
    return OD_OK;
}

static od_status full_open(od_writer **out, const od_write_job *job, od_error *err)
{
    return open_as(out, &od_writer_labelstudio, job, err);
}

static od_status min_open(od_writer **out, const od_write_job *job, od_error *err)
{
    return open_as(out, &od_writer_labelstudio_min, job, err);
}

/* The address of a file below the folder that Label Studio serves (LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT). */
static void put_address(od_strbuf *t, const char *image)
{
    od_strbuf address = {0};
    od_strbuf_puts(&address, "/data/local-files/?d=");
    for (const char *p = image; *p; p++) {
        if (isalnum((unsigned char)*p) || strchr("/._-~", *p))
            od_strbuf_append(&address, p, 1);
        else
            od_strbuf_printf(&address, "%%%02X", (unsigned char)*p);
    }
    if (od_strbuf_failed(&address))
        t->failed = 1;
    else
        od_put_json_text(t, address.data);
    od_strbuf_deinit(&address);
}

static void put_id(task_writer *w, const od_example *e)
{
    const char *id = e->source_id;
    int whole = id && *id >= '1' && *id <= '9' && strspn(id, "0123456789") == strlen(id) && strlen(id) < 16;
    if (whole)
        od_strbuf_printf(&w->text.out, "%s\n{\"id\": %s", w->count ? "," : "", id);
    else
        od_strbuf_printf(&w->text.out, "%s\n{\"id\": %lld", w->count ? "," : "", (long long)w->count + 1);
    w->count++;
}

/* "points": [[x, y], ...] in percent */
static void put_points(od_strbuf *t, const od_object *o)
{
    od_strbuf_puts(t, "\"points\": [");
    for (int i = 0; i < o->outline_points; i++)
        od_strbuf_printf(t, "%s[%.9g, %.9g]", i ? ", " : "", 100 * (double)o->outline[2 * i], 100 * (double)o->outline[2 * i + 1]);
    od_strbuf_puts(t, "], \"closed\": true");
}

/* "x": .., "y": .., "width": .., "height": .., "rotation": 0 */
static void put_frame(od_strbuf *t, const od_object *o)
{
    char x[OD_NUMBER_TEXT], y[OD_NUMBER_TEXT], width[OD_NUMBER_TEXT], height[OD_NUMBER_TEXT];
    od_text_span(x, width, o->box[1], o->box[3], 100);
    od_text_span(y, height, o->box[0], o->box[2], 100);
    od_strbuf_printf(t, "\"x\": %s, \"y\": %s, \"width\": %s, \"height\": %s, \"rotation\": 0", x, y, width, height);
}

/* What a region is called: its labels' key, and the element of the labelling configuration. */
typedef struct region_kind {
    const char *labels, *from;
} region_kind;

static region_kind kind_of(const od_object *o)
{
    if (od_writer_writes_mask(&od_writer_labelstudio, o)) return (region_kind){"brushlabels", "brush"};
    return o->outline ? (region_kind){"polygonlabels", "outline"} : (region_kind){"rectanglelabels", "label"};
}

/* The region's geometry. */
static od_status put_shape(od_strbuf *t, const od_object *o, od_error *err)
{
    if (od_writer_writes_mask(&od_writer_labelstudio, o)) {
        od_strbuf_puts(t, "\"format\": \"rle\", \"rle\": [");
        OD_TRY(od_mask_put_brush(o->mask, t, err));
        od_strbuf_puts(t, "]");
    } else if (o->outline) {
        put_points(t, o);
    } else {
        put_frame(t, o);
    }
    return OD_OK;
}

static void put_labels(od_strbuf *t, const od_object *o)
{
    od_strbuf_printf(t, ", \"%s\": [", kind_of(o).labels);
    od_put_json_text(t, o->class_text);
    od_strbuf_puts(t, "]");
}

static void put_region_head(od_strbuf *t, const od_example *e, int number, const char *type, const char *from)
{
    od_strbuf_printf(t,
                     "{\"id\": \"r%d\", \"type\": \"%s\", \"from_name\": \"%s\", \"to_name\": \"image\", \"original_width\": %d, "
                     "\"original_height\": %d, \"image_rotation\": 0, \"value\": {",
                     number + 1, type, from, e->width, e->height);
}

static void put_choice(od_strbuf *t, int *n, const char *name)
{
    od_strbuf_printf(t, "%s\"%s\"", (*n)++ ? ", " : "", name);
}

static od_status put_marks(od_strbuf *t, const od_example *e, int number, od_error *err)
{
    const od_object *o = &e->objects[number];
    uint32_t known = OD_OBJECT_OCCLUDED;
    for (int k = 0; k < OD_MARKS; k++) known |= od_object_marks[k].flag;
    if (!(o->flags & known)) return OD_OK;
    int n = 0;
    od_strbuf_puts(t, ",\n   ");
    put_region_head(t, e, number, "choices", "marks");
    OD_TRY(put_shape(t, o, err));
    od_strbuf_puts(t, ", \"choices\": [");
    for (int k = 0; k < OD_MARKS; k++)
        if (o->flags & od_object_marks[k].flag) put_choice(t, &n, od_object_marks[k].name);
    if (o->flags & OD_OBJECT_OCCLUDED) put_choice(t, &n, "occluded");
    od_strbuf_puts(t, "]}}");
    return OD_OK;
}

static od_status full_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    task_writer *w = (task_writer *)base;
    od_strbuf *t = &w->text.out;
    put_id(w, e);
    od_strbuf_puts(t, ", \"data\": {\"image\": ");
    put_address(t, image);
    od_strbuf_puts(t, "}, \"annotations\": [{\"was_cancelled\": false, \"ground_truth\": false, \"result\": [");
    for (int i = 0; i < e->object_count; i++) {
        od_strbuf_puts(t, i ? ",\n   " : "\n   ");
        put_region_head(t, e, i, kind_of(&e->objects[i]).labels, kind_of(&e->objects[i]).from);
        OD_TRY(put_shape(t, &e->objects[i], err));
        put_labels(t, &e->objects[i]);
        od_strbuf_puts(t, "}}");
        OD_TRY(put_marks(t, e, i, err));
    }
    od_strbuf_puts(t, "]}], \"predictions\": []}");
    return od_text_writer_flush(&w->text, err);
}

static od_status min_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    task_writer *w = (task_writer *)base;
    od_strbuf *t = &w->text.out;
    put_id(w, e);
    od_strbuf_puts(t, ", \"image\": ");
    put_address(t, image);
    for (int i = 0; i < e->object_count; i++) {
        od_strbuf_puts(t, i ? ",\n   {" : ", \"label\": [\n   {");
        OD_TRY(put_shape(t, &e->objects[i], err));
        put_labels(t, &e->objects[i]);
        od_strbuf_printf(t, ", \"original_width\": %d, \"original_height\": %d}", e->width, e->height);
    }
    od_strbuf_puts(t, e->object_count ? "]}" : "}");
    return od_text_writer_flush(&w->text, err);
}

static od_status commit(od_writer *base, od_error *err)
{
    od_strbuf_puts(&((od_text_writer *)base)->out, "\n]\n");
    return od_text_writer_commit(base, err);
}

static void put_label_names(od_strbuf *t, const od_label_map *map, const char *element, const char *name)
{
    od_strbuf_printf(t, "  <%s name=\"%s\" toName=\"image\">\n", element, name);
    for (int i = 0; i < od_label_map_count(map); i++) {
        od_strbuf_puts(t, "    <Label value=\"");
        od_put_xml_text(t, od_label_map_name(map, od_label_map_id(map, i)));
        od_strbuf_puts(t, "\"/>\n");
    }
    od_strbuf_printf(t, "  </%s>\n", element);
}

static od_status finish(const od_write_job *job, const char *const *splits, int count, od_error *err)
{
    (void)splits, (void)count;
    od_strbuf t = {0};
    od_strbuf_puts(&t, "<View>\n  <Image name=\"image\" value=\"$image\"/>\n");
    put_label_names(&t, job->map, "RectangleLabels", "label");
    put_label_names(&t, job->map, "PolygonLabels", "outline");
    put_label_names(&t, job->map, "BrushLabels", "brush");
    od_strbuf_puts(&t, "  <Choices name=\"marks\" toName=\"image\" perRegion=\"true\" choice=\"multiple\">\n");
    for (int k = 0; k < OD_MARKS; k++) od_strbuf_printf(&t, "    <Choice value=\"%s\"/>\n", od_object_marks[k].name);
    od_strbuf_puts(&t, "    <Choice value=\"occluded\"/>\n  </Choices>\n</View>\n");
    char *path = od_path_join(job->root, "label_config.xml");
    od_status status = path && !od_strbuf_failed(&t) ? od_file_write_all(path, t.data, t.size, err) : od_error_nomem(err, job->root);
    od_free(path);
    od_strbuf_deinit(&t);
    return status;
}

#define BIT(kind) (1u << OD_DATA_KIND_##kind)

const od_writer_format od_writer_labelstudio = {
    .name = "labelstudio",
    .file = "tasks.json",
    .images = "images",
    .prefix = "images/",
    .outlines = 1,
    .masks = 1,
    .holds = ~(BIT(OUTLINE) | BIT(AREA) | BIT(MASK) | BIT(KEYPOINTS) | BIT(CLASS_LIST) | BIT(POSE) | BIT(WEIGHT)),
    .open = full_open,
    .put = full_put,
    .commit = commit,
    .free = od_text_writer_free,
    .finish = finish,
};

const od_writer_format od_writer_labelstudio_min = {
    .name = "labelstudio-min",
    .file = "tasks.json",
    .images = "images",
    .prefix = "images/",
    .outlines = 1,
    .masks = 1,
    .holds = BIT(IMAGE_ID) | BIT(CLASS_ID) | BIT(OUTSIDE),
    .open = min_open,
    .put = min_put,
    .commit = commit,
    .free = od_text_writer_free,
    .finish = finish,
};
