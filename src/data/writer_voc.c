/* SPDX-License-Identifier: Apache-2.0
 *
 * PASCAL VOC: Annotations/NAME.xml an image, JPEGImages/, ImageSets/Main/PART.txt; or, as Roboflow has it, the .xml files beside
 * the images of each part.
 */
#include "data/markup.h"
#include "data/number_text.h"
#include "data/writer.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <string.h>

typedef struct voc_writer {
    od_writer base;
    char *dir;            /* of the .xml files */
    char *folder;         /* as the files call the images' folder */
    od_file_writer *list; /* ImageSets/Main/PART.txt, or NULL */
    od_strbuf text;
} voc_writer;

static void voc_free(od_writer *base)
{
    voc_writer *w = (voc_writer *)base;
    od_file_writer_abort(w->list);
    od_strbuf_deinit(&w->text);
    od_free(w->dir);
    od_free(w->folder);
    od_free(w);
}

static od_status open_list(voc_writer *w, const od_write_job *job, od_error *err)
{
    char *dir = od_path_join(job->root, "ImageSets/Main");
    char *path = dir ? od_asprintf("%s/%s.txt", dir, job->split) : NULL;
    od_status status = path ? od_dir_create(dir, err) : od_error_nomem(err, job->root);
    if (status == OD_OK) status = od_file_writer_create(&w->list, path, err);
    od_free(path);
    od_free(dir);
    return status;
}

static od_status voc_open(od_writer **out, const od_write_job *job, od_error *err)
{
    voc_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, job->path);
    w->base.format = &od_writer_voc;
    w->dir = job->beside ? od_strdup(job->path) : od_path_join(job->path, "Annotations");
    w->folder = od_strdup(job->beside ? "" : "JPEGImages");
    od_status status = w->dir && w->folder ? od_dir_create(w->dir, err) : od_error_nomem(err, job->path);
    if (status == OD_OK && job->split && !job->beside) status = open_list(w, job, err);
    if (status != OD_OK)
        voc_free(&w->base);
    else
        *out = &w->base;
    return status;
}

static void put_element(od_strbuf *t, const char *indent, const char *name, const char *text)
{
    od_strbuf_printf(t, "%s<%s>", indent, name);
    od_put_xml_text(t, text);
    od_strbuf_printf(t, "</%s>\n", name);
}

static void put_object(od_strbuf *t, const od_example *e, const od_object *o)
{
    static const struct { const char *name; int side; } sides[] = {{"xmin", 1}, {"ymin", 0}, {"xmax", 3}, {"ymax", 2}};
    od_strbuf_puts(t, "\t<object>\n");
    put_element(t, "\t\t", "name", o->class_text);
    put_element(t, "\t\t", "pose", o->pose && *o->pose ? o->pose : "Unspecified");
    od_strbuf_printf(t, "\t\t<truncated>%d</truncated>\n", (o->flags & OD_OBJECT_TRUNCATED) != 0);
    od_strbuf_printf(t, "\t\t<difficult>%d</difficult>\n", (o->flags & OD_OBJECT_DIFFICULT) != 0);
    od_strbuf_printf(t, "\t\t<occluded>%d</occluded>\n\t\t<bndbox>\n", (o->flags & OD_OBJECT_OCCLUDED) != 0);
    for (int k = 0; k < 4; k++) {
        char text[OD_NUMBER_TEXT];
        od_text_scaled(text, o->box[sides[k].side], sides[k].side % 2 ? e->width : e->height);
        put_element(t, "\t\t\t", sides[k].name, text);
    }
    od_strbuf_puts(t, "\t\t</bndbox>\n\t</object>\n");
}

static void put_annotation(voc_writer *w, const od_example *e, const char *image)
{
    od_strbuf *t = &w->text;
    t->size = 0;
    od_strbuf_puts(t, "<annotation>\n");
    put_element(t, "\t", "folder", w->folder);
    put_element(t, "\t", "filename", image);
    od_strbuf_printf(t, "\t<size>\n\t\t<width>%d</width>\n\t\t<height>%d</height>\n\t\t<depth>3</depth>\n\t</size>\n", e->width, e->height);
    od_strbuf_puts(t, "\t<segmented>0</segmented>\n");
    for (int i = 0; i < e->object_count; i++) put_object(t, e, &e->objects[i]);
    od_strbuf_puts(t, "</annotation>\n");
}

static od_status voc_put(od_writer *base, const od_example *e, const char *image, od_error *err)
{
    voc_writer *w = (voc_writer *)base;
    const char *dot = strrchr(image, '.');
    int stem = (int)(dot && dot != image ? dot - image : (long)strlen(image));
    char *path = od_asprintf("%s/%.*s.xml", w->dir, stem, image);
    put_annotation(w, e, image);
    od_status status = path && !od_strbuf_failed(&w->text) ? OD_OK : od_error_nomem(err, image);
    if (status == OD_OK) status = od_file_write_many(path, w->text.data, w->text.size, err);
    if (status == OD_OK && w->list) status = od_file_writer_write(w->list, image, (size_t)stem, err);
    if (status == OD_OK && w->list) status = od_file_writer_write(w->list, "\n", 1, err);
    od_free(path);
    return status;
}

static od_status voc_commit(od_writer *base, od_error *err)
{
    voc_writer *w = (voc_writer *)base;
    od_file_writer *list = w->list;
    w->list = NULL;
    return list ? od_file_writer_commit(list, err) : OD_OK;
}

const od_writer_format od_writer_voc = {
    .name = "voc",
    .images = "JPEGImages",
    .prefix = "",
    .by_stem = 1,
    .holds = 1u << OD_DATA_KIND_DIFFICULT | 1u << OD_DATA_KIND_TRUNCATED | 1u << OD_DATA_KIND_OCCLUDED | 1u << OD_DATA_KIND_POSE |
             1u << OD_DATA_KIND_CLASS_ID | 1u << OD_DATA_KIND_OUTSIDE,
    .open = voc_open,
    .put = voc_put,
    .commit = voc_commit,
    .free = voc_free,
};
