/* SPDX-License-Identifier: Apache-2.0
 *
 * The CSV of the OD API tutorials: a line a box, in pixels; a null image has a line without class and box.
 */
#include "data/markup.h"
#include "data/number_text.h"
#include "data/text_writer.h"

static od_status csv_open(od_writer **out, const od_write_job *job, od_error *err)
{
    OD_TRY(od_text_writer_open(out, &od_writer_csv, sizeof(od_text_writer), job, err));
    od_strbuf_puts(&((od_text_writer *)*out)->out, "filename,width,height,class,xmin,ymin,xmax,ymax\n");
    return OD_OK;
}

static od_status csv_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    static const int order[4] = {1, 0, 3, 2};
    od_text_writer *w = (od_text_writer *)base;
    for (int i = 0; i < e->object_count || (!i && !e->object_count); i++) {
        const od_object *o = e->object_count ? &e->objects[i] : NULL;
        od_put_csv_field(&w->out, image);
        od_strbuf_printf(&w->out, ",%d,%d,", e->width, e->height);
        if (o) od_put_csv_field(&w->out, o->class_text);
        for (int k = 0; k < 4; k++) {
            char text[OD_NUMBER_TEXT] = "";
            if (o) od_text_scaled(text, o->box[order[k]], k % 2 ? e->height : e->width);
            od_strbuf_printf(&w->out, ",%s", text);
        }
        od_strbuf_puts(&w->out, "\n");
    }
    return od_text_writer_flush(w, err);
}

const od_writer_format od_writer_csv = {
    .name = "csv",
    .file = "annotations.csv",
    .images = "images",
    .prefix = "images/",
    .keep_images = 1,
    .holds = 1u << OD_DATA_KIND_CLASS_ID | 1u << OD_DATA_KIND_OUTSIDE,
    .open = csv_open,
    .put = csv_put,
    .commit = od_text_writer_commit,
    .free = od_text_writer_free,
};
