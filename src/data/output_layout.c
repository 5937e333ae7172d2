/* SPDX-License-Identifier: Apache-2.0 */
#include "data/output_layout.h"

#include "data/paths.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <stdio.h>
#include <string.h>

#define BIT(kind) (1u << OD_DATA_KIND_##kind)

/* These two have code of their own (convert.c, convert_coco.c). */
static const od_writer_format tfrecord = {
    .name = "tfrecord", .file = "data.record", .prefix = "",
    .holds = ~(BIT(INSIDE) | BIT(OUTLINE) | BIT(CLASS_LIST))};
static const od_writer_format coco = {
    .name = "coco", .file = "annotations.json", .images = "images", .prefix = "images/", .keep_images = 1,
    .holds = BIT(CROWD) | BIT(MASK) | BIT(KEYPOINTS) | BIT(AREA) | BIT(IMAGE_ID) | BIT(CLASS_ID) | BIT(OUTSIDE)};

static const od_writer_format *const formats[] = {&tfrecord,       &coco,           &od_writer_voc,         &od_writer_csv,
                                                  &od_writer_yolo, &od_writer_cvat, &od_writer_labelstudio, &od_writer_labelstudio_min,
                                                  &od_writer_openimages};
enum { FORMATS = sizeof formats / sizeof *formats };

/* The annotation file of a part in Roboflow's exports; NULL: the format has none. */
static const struct { const char *format, *file; } roboflow[] = {
    {"coco", "_annotations.coco.json"}, {"csv", "_annotations.csv"}, {"tfrecord", "data.tfrecord"}, {"voc", NULL}, {"yolo", NULL}};
enum { ROBOFLOW = sizeof roboflow / sizeof *roboflow };

static od_status unknown(const char *name, od_error *err)
{
    od_strbuf known = {0};
    for (size_t i = 0; i < FORMATS; i++) od_strbuf_printf(&known, "%s, ", formats[i]->name);
    for (size_t i = 0; i < ROBOFLOW; i++)
        od_strbuf_printf(&known, "%sroboflow-%s", i == 0 ? "" : i + 1 < ROBOFLOW ? ", " : " or ", roboflow[i].format);
    od_status status = od_strbuf_failed(&known)
                           ? od_error_nomem(err, "formats")
                           : od_error_set(err, OD_ERR_ARG, "cannot write the data format \"%s\"; expected %s", name ? name : "", known.data);
    od_strbuf_deinit(&known);
    return status;
}

static od_status find_format(od_output_layout *l, const char *name, od_error *err)
{
    static const char prefix[] = "roboflow-";
    if (!name) return unknown(name, err);
    l->beside = !strncmp(name, prefix, sizeof prefix - 1);
    const char *base = l->beside ? name + sizeof prefix - 1 : name;
    for (size_t i = 0; i < FORMATS; i++)
        if (!strcmp(base, formats[i]->name)) l->format = formats[i];
    int known = l->format && !l->beside;
    for (size_t i = 0; i < ROBOFLOW && l->beside && l->format; i++) known |= !strcmp(base, roboflow[i].format);
    return known ? OD_OK : unknown(name, err);
}

static const char *ending_of(const od_writer_format *f)
{
    return f->file ? strrchr(f->file, '.') : "";
}

/* Whether the output's path is the annotation file itself. TFRecords may have any name. */
static int is_file(const od_writer_format *f, const char *path)
{
    return f->file && (f == &tfrecord || od_path_has_ending(path, ending_of(f)));
}

static int is_usual_part(const char *split)
{
    return !strcmp(split, "train") || !strcmp(split, "val") || !strcmp(split, "test");
}

static od_status check_split(const od_output_layout *l, const od_data_output *output, od_error *err)
{
    const char *split = l->split;
    if (!split) return OD_OK;
    if (l->format->file && od_path_has_ending(output->path, ending_of(l->format)))
        return od_error_set(err, OD_ERR_ARG, "%s: the data has several parts, which need a folder as the output (it gets %s%s, ...)",
                            output->path, split, ending_of(l->format));
    if ((l->beside || !strcmp(l->format->name, "yolo")) && !is_usual_part(split))
        return od_error_set(err, OD_ERR_ARG, "the format %s has the parts train, val and test only; found \"%s\"", output->format, split);
    return OD_OK;
}

/* Roboflow: OUT/train, OUT/valid, OUT/test with everything of a part. */
static od_status lay_beside(od_output_layout *l, const char *out, od_error *err)
{
    const char *part = !l->split ? "train" : !strcmp(l->split, "val") ? "valid" : l->split, *file = NULL;
    for (size_t i = 0; i < ROBOFLOW; i++)
        if (!strcmp(roboflow[i].format, l->format->name)) file = roboflow[i].file;
    int yolo = !strcmp(l->format->name, "yolo");
    l->root = od_strdup(out);
    l->image_dir = od_asprintf("%s/%s%s", out, part, yolo ? "/images" : "");
    l->path = od_asprintf("%s/%s%s%s", out, part, file ? "/" : "", file ? file : "");
    l->image_prefix = "";
    return l->root && l->image_dir && l->path ? OD_OK : od_error_nomem(err, out);
}

static char *image_folder(const od_output_layout *l)
{
    const char *pattern = l->format->images ? l->format->images : "images", *mark = strstr(pattern, "%s");
    const char *part = !l->split ? "train" : l->format == &od_writer_openimages && !strcmp(l->split, "val") ? "validation" : l->split;
    if (!mark) return od_path_join(l->root, pattern);
    return od_asprintf("%s/%.*s%s", l->root, (int)(mark - pattern), pattern, part);
}

od_status od_output_layout_init(od_output_layout *l, const od_data_output *output, const char *split, od_error *err)
{
    *l = (od_output_layout){.split = split};
    if (!output->path || !*output->path) return od_error_set(err, OD_ERR_ARG, "no output path is given");
    OD_TRY(find_format(l, output->format, err));
    OD_TRY(check_split(l, output, err));
    if (l->beside) return lay_beside(l, output->path, err);
    const char *out = output->path;
    if (!split && is_file(l->format, out)) {
        l->path = od_strdup(out);
        l->root = od_path_dir(out);
    } else {
        l->root = od_strdup(out);
        l->path = !l->format->file ? od_strdup(out) : split ? od_asprintf("%s/%s%s", out, split, ending_of(l->format)) : od_path_join(out, l->format->file);
    }
    l->image_dir = l->root ? image_folder(l) : NULL;
    l->image_prefix = l->format->prefix;
    return l->root && l->path && l->image_dir ? OD_OK : od_error_nomem(err, out);
}

int od_output_is_file(const od_data_output *output)
{
    od_output_layout l = {0};
    return find_format(&l, output->format, NULL) == OD_OK && !l.beside && is_file(l.format, output->path);
}

void od_output_layout_deinit(od_output_layout *l)
{
    od_free(l->root);
    od_free(l->path);
    od_free(l->image_dir);
    *l = (od_output_layout){0};
}
