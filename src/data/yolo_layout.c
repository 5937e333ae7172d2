/* SPDX-License-Identifier: Apache-2.0 */
#include "data/yolo_layout.h"

#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

enum { LEVELS_UP = 4, LOOK_AT = 1 << 16 };
static const char *const name_files[] = {"classes.txt", "obj.names", "_darknet.labels"};

/* Where the last folder "images" begins in a path, or NULL. */
static const char *last_images(const char *path)
{
    const char *found = !strncmp(path, "images/", 7) ? path : NULL;
    for (const char *p = path; (p = strstr(p, "/images/")); p++) found = p + 1;
    return found;
}

char *od_yolo_label_path(const char *image)
{
    const char *images = last_images(image), *dot = strrchr(od_path_base(image), '.');
    int stem = (int)((dot ? dot : image + strlen(image)) - image);
    if (!images) return od_asprintf("%.*s.txt", stem, image);
    int head = (int)(images - image), skip = head + (int)strlen("images");
    return od_asprintf("%.*slabels%.*s.txt", head, image, stem - skip, image + skip);
}

/* Whether a line of the file starts with `key`. */
static int has_key(const char *path, const char *key)
{
    od_file_view view;
    if (od_file_view_open(&view, path, NULL) != OD_OK) return 0;
    size_t n = view.size < LOOK_AT ? view.size : LOOK_AT, length = strlen(key);
    int found = 0;
    for (size_t i = 0; i + length <= n && !found; i++)
        found = (!i || view.data[i - 1] == '\n') && !memcmp(view.data + i, key, length);
    od_file_view_close(&view);
    return found;
}

od_status od_yolo_find_yaml(char **path, const char *dir, od_error *err)
{
    *path = NULL;
    od_path_list files = {0};
    od_status status = od_path_list_add_folder(&files, dir, ".yaml", err);
    if (status == OD_OK) status = od_path_list_add_folder(&files, dir, ".yml", err);
    int count = 0;
    const char *chosen = NULL;
    for (size_t i = 0; i < files.count; i++) {
        if (!has_key(files.items[i], "names:")) continue;
        int usual = !strcmp(od_path_base(files.items[i]), "data.yaml");
        if (usual || !chosen) chosen = files.items[i];
        count = usual ? 1 : count + 1;
        if (usual) break;
    }
    if (status == OD_OK && chosen && count == 1 && !(*path = od_strdup(chosen))) status = od_error_nomem(err, dir);
    if (status == OD_OK && count > 1)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: holds several .yaml files that name classes (%s, ...): name the one that is meant", dir,
                              od_path_base(chosen));
    od_path_list_deinit(&files);
    return status;
}

static od_status names_in(char **path, const char *dir, od_error *err)
{
    if (!od_path_is_dir(dir)) return OD_OK;
    OD_TRY(od_yolo_find_yaml(path, dir, err));
    for (size_t i = 0; i < sizeof name_files / sizeof *name_files && !*path; i++) {
        char *file = od_path_join(dir, name_files[i]);
        if (!file) return od_error_nomem(err, dir);
        if (od_path_exists(file))
            *path = file;
        else
            od_free(file);
    }
    return OD_OK;
}

od_status od_yolo_find_names(char **path, const char *dir, od_error *err)
{
    *path = NULL;
    char *above = od_strdup(dir);
    od_status status = above ? OD_OK : od_error_nomem(err, dir);
    for (int level = 0; level < LEVELS_UP && status == OD_OK && !*path; level++) {
        status = names_in(path, above, err);
        int plain = strchr(above, '/') && strcmp(od_path_base(above), "..") && *od_path_base(above);
        char *next = plain ? od_path_dir(above) : od_path_join(above, "..");
        od_free(above);
        above = next;
        if (!above && status == OD_OK) status = od_error_nomem(err, dir);
    }
    od_free(above);
    return status;
}

/* Label files beside images in one folder, with a file of class names (labelImg, Darknet). */
static int is_darknet(const char *dir)
{
    char *names = NULL;
    od_path_list labels = {0};
    int yes = names_in(&names, dir, NULL) == OD_OK && names && od_path_list_add_folder(&labels, dir, ".txt", NULL) == OD_OK &&
              labels.count > 1;
    od_free(names);
    od_path_list_deinit(&labels);
    return yes;
}

int od_yolo_is_folder(const char *dir)
{
    char *images = od_path_join(dir, "images"), *labels = od_path_join(dir, "labels"), *probe = od_path_join(dir, "x.jpg");
    int yes = images && labels && od_path_is_dir(images) && od_path_is_dir(labels);
    if (!yes && probe && last_images(probe)) {
        char *label = od_yolo_label_path(probe), *folder = label ? od_path_dir(label) : NULL;
        yes = folder && od_path_is_dir(folder);
        od_free(label);
        od_free(folder);
    }
    od_free(images);
    od_free(labels);
    od_free(probe);
    return yes || is_darknet(dir);
}
