/* SPDX-License-Identifier: Apache-2.0
 *
 * PASCAL VOC: a folder with Annotations/ (or annotations/, or the .xml files themselves), one .xml, or a list as in
 * ImageSets/Main/NAME.txt (its first words name the .xml files). As create_pascal_tf_record.py does, pixels are divided by
 * the size that the XML states (by the image's own where it states none) and the 1-based corners aren't shifted.
 */
#include "data/image_file.h"
#include "data/paths.h"
#include "data/source.h"
#include "data/voc_xml.h"
#include "util/alloc.h"
#include "util/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct voc_source {
    od_source base;
    char *group_fields;
    char *root, *image_dir; /* root: the folder that holds Annotations/ and JPEGImages/ */
    od_path_list files;     /* the .xml files */
} voc_source;

static void source_free(od_source *base)
{
    voc_source *s = (voc_source *)base;
    od_path_list_deinit(&s->files);
    od_free(s->root);
    od_free(s->image_dir);
    od_free(s->group_fields);
    od_free(s->base.path);
    od_free(s);
}

/* The folder of the .xml files below `root`: Annotations, annotations or root itself. Caller frees. */
static char *annotation_folder(const char *root)
{
    static const char *const names[] = {"Annotations", "annotations"};
    for (int i = 0; i < 2; i++) {
        char *dir = od_path_join(root, names[i]);
        if (!dir || od_path_is_dir(dir)) return dir;
        od_free(dir);
    }
    return od_strdup(root);
}

static od_status add_file(voc_source *s, const char *dir, const char *name, const char *ending, od_error *err)
{
    char *path = od_asprintf("%s/%s%s", dir, name, ending);
    int failed = !path || od_path_list_add(&s->files, path);
    od_free(path);
    return failed ? od_error_nomem(err, s->base.path) : OD_OK;
}

static od_status add_folder(voc_source *s, od_error *err)
{
    char *dir = annotation_folder(s->root);
    if (!dir) return od_error_nomem(err, s->base.path);
    DIR *d = opendir(dir);
    od_status status = d ? OD_OK : od_error_errno(err, dir, "read");
    for (struct dirent *entry; d && status == OD_OK && (entry = readdir(d));)
        if (entry->d_name[0] != '.' && od_path_has_ending(entry->d_name, ".xml")) status = add_file(s, dir, entry->d_name, "", err);
    if (d) closedir(d);
    if (status == OD_OK && !s->files.count)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: holds no VOC annotations (.xml files)", dir);
    od_free(dir);
    if (status == OD_OK) od_path_list_sort(&s->files, 0);
    return status;
}

/* Adds the file of each line's first word. */
static od_status add_lines(voc_source *s, const char *dir, const char *text, size_t size, od_error *err)
{
    const char *end = text + size;
    for (const char *p = text; p < end;) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        if (!line_end) line_end = end;
        while (p < line_end && strchr(" \t\r", *p)) p++;
        const char *word = p;
        while (p < line_end && *p && !strchr(" \t\r", *p)) p++;
        if (p > word) {
            char *name = od_strndup(word, (size_t)(p - word));
            if (!name) return od_error_nomem(err, s->base.path);
            od_status status = add_file(s, dir, name, ".xml", err);
            od_free(name);
            OD_TRY(status);
        }
        p = line_end + 1;
    }
    return OD_OK;
}

static od_status add_list(voc_source *s, od_error *err)
{
    char *dir = annotation_folder(s->root);
    if (!dir) return od_error_nomem(err, s->base.path);
    od_file_view view;
    od_status status = od_file_view_open(&view, s->base.path, err);
    if (status == OD_OK) {
        status = add_lines(s, dir, (const char *)view.data, view.size, err);
        od_file_view_close(&view);
    }
    od_free(dir);
    return status;
}

/* `dir` itself, or its parent `levels` up when that is where annotations lie. Caller frees. */
static char *root_of(const char *path)
{
    char *dir = od_path_dir(path);
    if (!dir) return NULL;
    char *root = NULL;
    if (od_path_has_ending(path, ".txt"))
        root = od_path_join(dir, "../.."); /* ImageSets/Main */
    else if (!strcasecmp(od_path_base(dir), "annotations"))
        root = od_path_dir(dir);
    else
        return dir;
    char *annotations = root ? annotation_folder(root) : NULL;
    int found = annotations && strcmp(annotations, root);
    od_free(annotations);
    if (root && !found) {
        od_free(root);
        return dir;
    }
    od_free(dir);
    return root;
}

static od_status find_files(voc_source *s, const char *path, od_error *err)
{
    int folder = od_path_is_dir(path);
    s->root = folder ? od_strdup(path) : root_of(path);
    if (!s->root) return od_error_nomem(err, path);
    if (folder) return add_folder(s, err);
    if (od_path_has_ending(path, ".txt")) return add_list(s, err);
    return od_path_list_add(&s->files, path) ? od_error_nomem(err, path) : OD_OK;
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    const char *image_dir = options->image_dir;
    voc_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_voc;
    od_status status = OD_OK;
    if (!(s->base.path = od_strdup(path)) || (image_dir && !(s->image_dir = od_strdup(image_dir))) ||
        (options->group_fields && !(s->group_fields = od_strdup(options->group_fields))))
        status = od_error_nomem(err, path);
    else
        status = find_files(s, path, err);
    if (status != OD_OK) {
        source_free(&s->base);
        return status;
    }
    s->base.count = (int64_t)s->files.count;
    *out = &s->base;
    return OD_OK;
}

static od_status parse_file(const voc_source *s, int64_t index, od_example *out, double (**pixels)[4], od_error *err)
{
    const char *path = s->files.items[index];
    od_file_view view;
    *pixels = NULL;
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = od_voc_xml_parse((const char *)view.data, view.size, path, s->group_fields, out, pixels, err);
    od_file_view_close(&view);
    return status;
}

/* The image that the XML names, else one called like the XML file. */
static od_status load_image(const voc_source *s, const char *xml, int with_image, od_example *out, int *width, int *height,
                            od_error *err)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".bmp", ".webp"};
    od_status status = OD_ERR_NOT_FOUND;
    if (*out->filename)
        status = od_image_file_load(s->root, s->image_dir, out->filename, with_image, out, width, height, err);
    else
        od_error_set(err, status, "no filename is given and no image is called like it");
    const char *base = od_path_base(xml);
    int stem = (int)(strlen(base) - (od_path_has_ending(base, ".xml") ? 4 : 0));
    for (size_t i = 0; status == OD_ERR_NOT_FOUND && i < sizeof endings / sizeof *endings; i++) {
        char *name = od_asprintf("%.*s%s", stem, base, endings[i]);
        if (!name) return od_error_nomem(err, xml);
        status = od_image_file_load(s->root, s->image_dir, name, with_image, out, width, height, NULL);
        if (status == OD_OK && !*out->filename) {
            od_free(out->filename);
            out->filename = name;
        } else {
            od_free(name);
        }
    }
    if (status != OD_OK) od_error_prefix(err, "%s", xml);
    return status;
}

/* Size, image and id of an example whose file was parsed. */
static od_status complete(const voc_source *s, const char *xml, int with_image, od_example *out, od_error *err)
{
    if (with_image || !out->width || !out->height) {
        int width, height;
        OD_TRY(load_image(s, xml, with_image, out, &width, &height, err));
        if (!out->width || !out->height) out->width = width, out->height = height;
    }
    if (!*out->source_id && *out->filename) {
        od_free(out->source_id);
        out->source_id = od_strdup(out->filename);
        if (!out->source_id) return od_error_nomem(err, xml);
    }
    if (out->object_count && (!out->width || !out->height))
        return od_error_set(err, OD_ERR_FORMAT, "%s: states no image size, and the image's own can't be read", xml);
    return OD_OK;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const voc_source *s = (const voc_source *)base;
    double (*pixels)[4];
    OD_TRY(parse_file(s, index, out, &pixels, err));
    od_status status = complete(s, s->files.items[index], with_image, out, err);
    for (int i = 0; i < out->object_count && status == OD_OK; i++)
        for (int k = 0; k < 4; k++) out->objects[i].box[k] = (float)(pixels[i][k] / (k % 2 ? out->width : out->height));
    od_free(pixels);
    return status;
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    const voc_source *s = (const voc_source *)base;
    for (int64_t i = 0; i < base->count; i++) {
        od_example e = {0};
        double (*pixels)[4];
        od_status status = parse_file(s, i, &e, &pixels, err);
        od_free(pixels);
        /* A bad file is named when its example is read. */
        int bad = status == OD_ERR_FORMAT || status == OD_ERR_NOT_FOUND || status == OD_ERR_IO;
        if (bad) status = OD_OK;
        for (int k = 0; !bad && status == OD_OK && k < e.object_count; k++)
            status = od_class_list_add(classes, e.objects[k].class_text, 0, err);
        od_example_deinit(&e);
        OD_TRY(status);
    }
    return OD_OK;
}

const od_source_format od_source_voc = {"voc", "VOC", "image", source_open, source_read, source_list_classes, source_free, 0, NULL};
