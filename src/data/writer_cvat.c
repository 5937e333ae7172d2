/* SPDX-License-Identifier: Apache-2.0
 *
 * CVAT's XML 1.1 for images: annotations.xml with the images in images/ beside it. Marks that CVAT itself doesn't have are
 * attributes, which the labels declare.
 */
#include "data/markup.h"
#include "data/mask_tools.h"
#include "data/number_text.h"
#include "data/object_marks.h"
#include "data/text_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cvat_writer {
    od_text_writer text;
    int64_t next_id;
} cvat_writer;

static void put_declaration(od_strbuf *t, const char *name, const char *type, const char *preset, const char *values)
{
    od_strbuf_printf(t,
                     "          <attribute>\n            <name>%s</name>\n            <mutable>False</mutable>\n"
                     "            <input_type>%s</input_type>\n            <default_value>%s</default_value>\n"
                     "            <values>%s</values>\n          </attribute>\n",
                     name, type, preset, values);
}

static void put_labels(od_strbuf *t, const od_label_map *map)
{
    for (int i = 0; i < od_label_map_count(map); i++) {
        od_strbuf_puts(t, "        <label>\n          <name>");
        od_put_xml_text(t, od_label_map_name(map, od_label_map_id(map, i)));
        od_strbuf_puts(t, "</name>\n          <type>any</type>\n          <attributes>\n");
        for (int k = 0; k < OD_MARKS; k++) put_declaration(t, od_object_marks[k].name, "checkbox", "false", "false");
        put_declaration(t, "pose", "text", "", "");
        put_declaration(t, "weight", "text", "1", "1");
        od_strbuf_puts(t, "          </attributes>\n        </label>\n");
    }
}

static od_status cvat_open(od_writer **out, const od_write_job *job, od_error *err)
{
    OD_TRY(od_text_writer_open(out, &od_writer_cvat, sizeof(cvat_writer), job, err));
    od_strbuf *t = &((od_text_writer *)*out)->out;
    od_strbuf_puts(t, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n"
                      "      <name>objdet</name>\n      <mode>annotation</mode>\n      <labels>\n");
    put_labels(t, job->map);
    od_strbuf_puts(t, "      </labels>\n    </task>\n  </meta>\n");
    return OD_OK;
}

/* Pixels with two decimals, as CVAT has them, where these say the same. */
static void put_side(od_strbuf *t, const char *name, float value, int of)
{
    char text[OD_NUMBER_TEXT];
    snprintf(text, sizeof text, "%.2f", (double)value * of);
    if ((float)(strtod(text, NULL) / of) != value) od_text_scaled(text, value, of);
    od_strbuf_printf(t, " %s=\"%s\"", name, text);
}

static void put_points(od_strbuf *t, const od_example *e, const od_object *o)
{
    od_strbuf_puts(t, " points=\"");
    for (int i = 0; i < o->outline_points; i++)
        od_strbuf_printf(t, "%s%.9g,%.9g", i ? ";" : "", (double)o->outline[2 * i] * e->width, (double)o->outline[2 * i + 1] * e->height);
    od_strbuf_puts(t, "\"");
}

static od_status put_mask(od_strbuf *t, const od_mask *mask, od_error *err)
{
    int32_t frame[4]; /* top, left, height, width */
    od_strbuf_puts(t, " rle=\"");
    OD_TRY(od_mask_put_frame_runs(mask, frame, t, err));
    od_strbuf_printf(t, "\" left=\"%d\" top=\"%d\" width=\"%d\" height=\"%d\"", (int)frame[1], (int)frame[0], (int)frame[3], (int)frame[2]);
    return OD_OK;
}

static od_status put_shape(od_strbuf *t, const od_example *e, const od_object *o, od_error *err)
{
    int by_mask = od_writer_writes_mask(&od_writer_cvat, o);
    const char *shape = by_mask ? "mask" : o->outline ? "polygon" : "box";
    od_strbuf_printf(t, "    <%s label=\"", shape);
    od_put_xml_text(t, o->class_text);
    od_strbuf_printf(t, "\" source=\"manual\" occluded=\"%d\"", (o->flags & OD_OBJECT_OCCLUDED) != 0);
    if (by_mask) {
        OD_TRY(put_mask(t, o->mask, err));
    } else if (o->outline) {
        put_points(t, e, o);
    } else {
        put_side(t, "xtl", o->box[1], e->width);
        put_side(t, "ytl", o->box[0], e->height);
        put_side(t, "xbr", o->box[3], e->width);
        put_side(t, "ybr", o->box[2], e->height);
    }
    od_strbuf_puts(t, " z_order=\"0\">\n");
    for (int k = 0; k < OD_MARKS; k++)
        if (o->flags & od_object_marks[k].flag) od_strbuf_printf(t, "      <attribute name=\"%s\">true</attribute>\n", od_object_marks[k].name);
    if (o->weight != 1) od_strbuf_printf(t, "      <attribute name=\"weight\">%.9g</attribute>\n", (double)o->weight);
    if (o->pose && *o->pose) {
        od_strbuf_puts(t, "      <attribute name=\"pose\">");
        od_put_xml_text(t, o->pose);
        od_strbuf_puts(t, "</attribute>\n");
    }
    od_strbuf_printf(t, "    </%s>\n", shape);
    return OD_OK;
}

static int is_number(const char *text)
{
    return text && *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 19;
}

static od_status cvat_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    cvat_writer *w = (cvat_writer *)base;
    od_strbuf *t = &w->text.out;
    if (is_number(e->source_id))
        od_strbuf_printf(t, "  <image id=\"%s\" name=\"", e->source_id);
    else
        od_strbuf_printf(t, "  <image id=\"%lld\" name=\"", (long long)w->next_id);
    w->next_id++;
    od_put_xml_text(t, image);
    od_strbuf_printf(t, "\" width=\"%d\" height=\"%d\">\n", e->width, e->height);
    for (int i = 0; i < e->object_count; i++) OD_TRY(put_shape(t, e, &e->objects[i], err));
    od_strbuf_puts(t, "  </image>\n");
    return od_text_writer_flush(&w->text, err);
}

static od_status cvat_commit(od_writer *base, od_error *err)
{
    od_strbuf_puts(&((cvat_writer *)base)->text.out, "</annotations>\n");
    return od_text_writer_commit(base, err);
}

const od_writer_format od_writer_cvat = {
    .name = "cvat",
    .file = "annotations.xml",
    .images = "images",
    .prefix = "",
    .outlines = 1,
    .masks = 1,
    .holds = ~(1u << OD_DATA_KIND_OUTLINE | 1u << OD_DATA_KIND_AREA | 1u << OD_DATA_KIND_MASK | 1u << OD_DATA_KIND_KEYPOINTS | 1u << OD_DATA_KIND_CLASS_LIST),
    .open = cvat_open,
    .put = cvat_put,
    .commit = cvat_commit,
    .free = od_text_writer_free,
};
