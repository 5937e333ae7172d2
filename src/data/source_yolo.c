/* SPDX-License-Identifier: Apache-2.0
 *
 * YOLO's data sets (https://docs.ultralytics.com/datasets/detect/) as a source of examples: a part of a data.yaml
 * ("data.yaml#val"), a folder of images whose labels lie in a folder labels beside images (or beside the images themselves), or
 * a .txt that names images. An image without a label file is a null image.
 */
#include "data/data_yaml.h"
#include "data/image_file.h"
#include "data/source.h"
#include "data/yolo_labels.h"
#include "data/yolo_layout.h"
#include "util/alloc.h"
#include "util/file.h"

#include <dirent.h>
#include <string.h>

enum { MAX_DEPTH = 16 };

typedef struct yolo_source {
    od_source base;
    od_path_list images;
    char *names_path; /* where the names come from */
    od_path_list names;
    int keypoints;
} yolo_source;

static void source_free(od_source *base)
{
    yolo_source *s = (yolo_source *)base;
    od_path_list_deinit(&s->images);
    od_path_list_deinit(&s->names);
    od_free(s->names_path);
    od_free(s->base.path);
    od_free(s);
}

/* A line of a text file: moves *p behind it. White space around it is left out. */
static char *take_line(const char **p, const char *end)
{
    const char *start = *p, *stop = memchr(start, '\n', (size_t)(end - start));
    if (!stop) stop = end;
    *p = stop < end ? stop + 1 : end;
    while (start < stop && strchr(" \t\r", *start)) start++;
    while (stop > start && strchr(" \t\r", stop[-1])) stop--;
    return od_strndup(start, (size_t)(stop - start));
}

/* Lines that aren't empty, each made a path below `dir` when there is one. */
static od_status add_lines(od_path_list *list, const char *path, const char *dir, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    const char *p = (const char *)view.data, *end = p + view.size;
    od_status status = OD_OK;
    while (p < end && status == OD_OK) {
        char *line = take_line(&p, end);
        const char *name = line && !strncmp(line, "./", 2) ? line + 2 : line;
        char *item = !line ? NULL : dir && *name ? od_path_join(dir, name) : od_strdup(name);
        if (!item || (*item && od_path_list_add(list, item))) status = od_error_nomem(err, path);
        od_free(line);
        od_free(item);
    }
    od_file_view_close(&view);
    return status;
}

/* The images of a folder and of those below it, sorted by the whole path. */
static od_status add_images(od_path_list *list, const char *dir, int depth, od_error *err)
{
    DIR *d = opendir(dir);
    if (!d) return od_error_errno(err, dir, "read");
    od_status status = OD_OK;
    for (struct dirent *entry; status == OD_OK && (entry = readdir(d));) {
        if (entry->d_name[0] == '.') continue;
        char *path = od_path_join(dir, entry->d_name);
        if (!path || (od_path_is_image(path) && od_path_list_add(list, path)))
            status = od_error_nomem(err, dir);
        else if (!od_path_is_image(path) && depth < MAX_DEPTH && od_path_is_dir(path))
            status = add_images(list, path, depth + 1, err);
        od_free(path);
    }
    closedir(d);
    return status;
}

static od_status add_place(yolo_source *s, const char *path, od_error *err)
{
    if (!od_path_is_dir(path)) {
        char *dir = od_path_dir(path);
        od_status status = dir ? add_lines(&s->images, path, dir, err) : od_error_nomem(err, path);
        od_free(dir);
        return status;
    }
    size_t first = s->images.count;
    char *images = od_path_join(path, "images"), *labels = od_path_join(path, "labels");
    int root = images && labels && od_path_is_dir(images) && od_path_is_dir(labels);
    od_status status = images && labels ? add_images(&s->images, root ? images : path, 0, err) : od_error_nomem(err, path);
    od_free(images);
    od_free(labels);
    od_path_list_sort(&s->images, first);
    return status;
}

static od_status take_names(yolo_source *s, const od_data_yaml *yaml, od_error *err)
{
    for (int i = 0; i < yaml->name_count; i++) {
        if (!yaml->names[i])
            return od_error_set(err, OD_ERR_FORMAT, "%s: names has no class %d; number the classes from 0 without gaps", s->names_path, i);
        if (od_path_list_add(&s->names, yaml->names[i])) return od_error_nomem(err, "class names");
    }
    s->keypoints = yaml->keypoints;
    return OD_OK;
}

static od_status load_names(yolo_source *s, od_error *err)
{
    if (!od_path_has_ending(s->names_path, ".yaml") && !od_path_has_ending(s->names_path, ".yml")) {
        OD_TRY(add_lines(&s->names, s->names_path, NULL, err));
        return s->names.count ? OD_OK : od_error_set(err, OD_ERR_FORMAT, "%s: names no classes; expected a name a line", s->names_path);
    }
    od_data_yaml yaml = {0};
    od_status status = od_data_yaml_load(&yaml, s->names_path, err);
    if (status == OD_OK) status = take_names(s, &yaml, err);
    od_data_yaml_deinit(&yaml);
    return status;
}

/* A folder or list of images. */
static od_status open_place(yolo_source *s, const char *path, od_error *err)
{
    char *dir = od_path_is_dir(path) ? od_strdup(path) : od_path_dir(path);
    od_status status = dir ? od_yolo_find_names(&s->names_path, dir, err) : od_error_nomem(err, path);
    if (status == OD_OK && !s->names_path)
        status = od_error_set(err, OD_ERR_NOT_FOUND,
                              "%s: nothing names YOLO's classes; expected a data.yaml (names: [...]) or classes.txt there or above", path);
    od_free(dir);
    if (status == OD_OK) status = load_names(s, err);
    return status == OD_OK ? add_place(s, path, err) : status;
}

/* "data.yaml#val". */
static od_status open_part(yolo_source *s, const char *path, const char *part, od_error *err)
{
    od_data_yaml yaml = {0};
    od_path_list places = {0};
    int number = -1;
    s->names_path = od_strndup(path, (size_t)(part - 1 - path));
    od_status status = s->names_path ? od_data_yaml_load(&yaml, s->names_path, err) : od_error_nomem(err, path);
    for (int k = 0; k < OD_YAML_PARTS; k++)
        if (!strcmp(part, od_data_yaml_part_names[k])) number = k;
    if (status == OD_OK && (number < 0 || !yaml.parts[number].count))
        status = od_error_set(err, OD_ERR_NOT_FOUND, "%s: has no part \"%s\"; expected train, val or test, as the file names them", s->names_path, part);
    if (status == OD_OK) status = take_names(s, &yaml, err);
    if (status == OD_OK) status = od_data_yaml_resolve(&yaml, s->names_path, number, &places, err);
    for (size_t i = 0; i < places.count && status == OD_OK; i++) status = add_place(s, places.items[i], err);
    od_path_list_deinit(&places);
    od_data_yaml_deinit(&yaml);
    return status;
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    (void)options;
    yolo_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_yolo;
    const char *part = od_path_part(path);
    od_status status = (s->base.path = od_strdup(path)) ? OD_OK : od_error_nomem(err, path);
    if (status == OD_OK) status = part ? open_part(s, path, part, err) : open_place(s, path, err);
    if (status == OD_OK && !s->images.count) status = od_error_set(err, OD_ERR_FORMAT, "%s: holds no images", path);
    if (status != OD_OK) {
        source_free(&s->base);
        return status;
    }
    if (s->keypoints) od_log(OD_LOG_WARNING, "%s: has keypoints (kpt_shape); only the boxes are read", s->names_path);
    s->base.count = (int64_t)s->images.count;
    *out = &s->base;
    return OD_OK;
}

static od_status read_labels(const yolo_source *s, const char *image, od_example *out, od_error *err)
{
    char *path = od_yolo_label_path(image);
    if (!path) return od_error_nomem(err, image);
    od_file_view view;
    od_status status = OD_OK;
    if (od_path_exists(path)) {
        status = od_file_view_open(&view, path, err);
        if (status == OD_OK) {
            status = od_yolo_labels_parse((const char *)view.data, view.size, path, (int)s->names.count, s->keypoints, out, err);
            od_file_view_close(&view);
        }
    }
    od_free(path);
    for (int i = 0; i < out->object_count && status == OD_OK; i++) {
        const char *name = s->names.items[out->objects[i].label - 1];
        out->objects[i].class_text = od_example_keep_text(out, name, strlen(name));
        if (!out->objects[i].class_text) status = od_error_nomem(err, "class names");
    }
    return status;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const yolo_source *s = (const yolo_source *)base;
    const char *image = s->images.items[index];
    if (!(out->filename = od_strdup(od_path_base(image))) || !(out->source_id = od_strdup(od_path_base(image))))
        return od_error_nomem(err, "an example");
    OD_TRY(od_image_file_read(image, with_image, out, &out->width, &out->height, err));
    return read_labels(s, image, out, err);
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    const yolo_source *s = (const yolo_source *)base;
    for (size_t i = 0; i < s->names.count; i++) OD_TRY(od_class_list_add(classes, s->names.items[i], (int32_t)i + 1, err));
    return OD_OK;
}

const od_source_format od_source_yolo = {"yolo",      "YOLO",              "image",     source_open,
                                         source_read, source_list_classes, source_free, 1, NULL};
