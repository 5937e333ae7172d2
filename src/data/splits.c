/* SPDX-License-Identifier: Apache-2.0 */
#include "data/splits.h"

#include "data/data_yaml.h"
#include "data/yolo_layout.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>
#include <strings.h>

/* Folder names of a part, the usual one first. */
static const char *const folder_names[][4] = {
    {"train", "training", "Train", NULL}, {"valid", "val", "validation", NULL}, {"test", "testing", "Test", NULL}};
static const char *const part_names[] = {"train", "val", "test"};

const char *od_split_name(const char *name)
{
    for (size_t p = 0; p < 3; p++) {
        if (!strcasecmp(name, part_names[p])) return part_names[p];
        for (size_t i = 0; i < 4 && folder_names[p][i]; i++)
            if (!strcasecmp(name, folder_names[p][i])) return part_names[p];
    }
    return name;
}

void od_split_list_deinit(od_split_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        od_free(list->items[i].name);
        od_free(list->items[i].path);
    }
    od_free(list->items);
    *list = (od_split_list){0};
}

/* Takes ownership of path (NULL: out of memory). */
static od_status add(od_split_list *list, const char *name, char *path, od_error *err)
{
    char *copy = od_strdup(name);
    if (!copy || !path || od_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        od_free(copy);
        od_free(path);
        return od_error_nomem(err, "the parts of a data set");
    }
    list->items[list->count++] = (od_split_item){copy, path};
    return OD_OK;
}

static od_status find_in_yaml(od_split_list *out, const char *path, od_error *err)
{
    od_data_yaml yaml = {0};
    od_status status = od_data_yaml_load(&yaml, path, err);
    for (int part = 0; part < OD_YAML_PARTS && status == OD_OK; part++)
        if (yaml.parts[part].count)
            status = add(out, od_data_yaml_part_names[part], od_asprintf("%s#%s", path, od_data_yaml_part_names[part]), err);
    if (status == OD_OK && !out->count)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: names no images; add train: FOLDER and val: FOLDER", path);
    od_data_yaml_deinit(&yaml);
    return status;
}

static od_status find_folders(od_split_list *out, const char *dir, od_error *err)
{
    for (size_t p = 0; p < 3; p++) {
        size_t before = out->count;
        for (size_t i = 0; i < 4 && folder_names[p][i] && out->count == before; i++) {
            char *path = od_path_join(dir, folder_names[p][i]);
            if (!path) return od_error_nomem(err, dir);
            if (od_path_is_dir(path))
                OD_TRY(add(out, part_names[p], path, err));
            else
                od_free(path);
        }
    }
    return OD_OK;
}

/* Open Images: a PART-annotations-bbox.csv a part. */
static od_status find_box_lists(od_split_list *out, const char *dir, od_error *err)
{
    static const char ending[] = "-annotations-bbox.csv";
    od_path_list files = {0};
    od_status status = od_path_list_add_folder(&files, dir, ending, err);
    for (size_t i = 0; i < files.count && status == OD_OK; i++) {
        const char *base = od_path_base(files.items[i]);
        char *name = od_strndup(base, strlen(base) - (sizeof ending - 1)), *dash = name ? strrchr(name, '-') : NULL;
        status = name ? add(out, od_split_name(dash ? dash + 1 : name), od_strdup(files.items[i]), err) : od_error_nomem(err, dir);
        od_free(name);
    }
    od_path_list_deinit(&files);
    return status;
}

/* Roboflow's train/, valid/, test/; or images/train, ... of YOLO without a data.yaml. */
static od_status find_in_folder(od_split_list *out, const char *dir, const char *format, od_error *err)
{
    char *yaml = NULL;
    OD_TRY(od_yolo_find_yaml(&yaml, dir, err));
    if (yaml && (!format || !strcmp(format, "yolo"))) {
        od_status status = find_in_yaml(out, yaml, err);
        od_free(yaml);
        return status;
    }
    od_free(yaml);
    if (!format || !strcmp(format, "openimages")) OD_TRY(find_box_lists(out, dir, err));
    if (out->count) return OD_OK;
    OD_TRY(find_folders(out, dir, err));
    if (out->count || !od_yolo_is_folder(dir)) return OD_OK;
    char *images = od_path_join(dir, "images");
    od_status status = images ? find_folders(out, images, err) : od_error_nomem(err, dir);
    od_free(images);
    return status;
}

od_status od_split_list_find(od_split_list *out, const char *path, const char *format, od_error *err)
{
    int yolo = !format || !strcmp(format, "yolo");
    if (od_path_is_dir(path)) return find_in_folder(out, path, format, err);
    if (yolo && !od_path_part(path) && (od_path_has_ending(path, ".yaml") || od_path_has_ending(path, ".yml"))) return find_in_yaml(out, path, err);
    return OD_OK;
}
