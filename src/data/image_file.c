/* SPDX-License-Identifier: Apache-2.0 */
#include "data/image_file.h"

#include "image/image.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

/* 1 found, 0 not there, -1 out of memory. */
static int try_path(char **path, const char *dir, const char *below, const char *name)
{
    char *folder = od_path_join(dir, below);
    char *candidate = folder ? od_path_join(*below ? folder : dir, name) : NULL;
    od_free(folder);
    if (!candidate) return -1;
    if (od_path_exists(candidate) && !od_path_is_dir(candidate)) return *path = candidate, 1;
    od_free(candidate);
    return 0;
}

od_status od_image_file_find(char **path, const char *dir, const char *image_dir, const char *name, od_error *err)
{
    static const char *const below[] = {"", "images", "JPEGImages"};
    const char *names[] = {name, od_path_base(name)};
    if (!*names[1]) return od_error_set(err, OD_ERR_FORMAT, "an image has no file name");
    for (int n = 0; n < 2; n++) {
        for (int i = 0; i < (image_dir ? 1 : 3); i++) {
            int found = try_path(path, image_dir ? image_dir : dir, below[i], names[n]);
            if (found < 0) return od_error_nomem(err, name);
            if (found) return OD_OK;
        }
    }
    if (image_dir) return od_error_set(err, OD_ERR_NOT_FOUND, "image %s not found in %s", name, image_dir);
    return od_error_set(err, OD_ERR_NOT_FOUND, "image %s not found in %s, %s/images or %s/JPEGImages; --image_dir says where it is",
                        name, dir, dir, dir);
}

static od_status load(const char *path, int with_image, od_example *e, int *width, int *height, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = OD_OK;
    *width = *height = 0;
    if (od_image_read_size(view.data, view.size, width, height, NULL) != OD_OK) *width = *height = 0;
    if (with_image && !view.size)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: the file is empty; expected an image", path);
    else if (with_image && !(e->encoded = od_malloc(view.size, 1)))
        status = od_error_nomem(err, path);
    else if (with_image) {
        memcpy(e->encoded, view.data, view.size);
        e->encoded_size = view.size;
    }
    od_file_view_close(&view);
    return status;
}

od_status od_image_file_load(const char *dir, const char *image_dir, const char *name, int with_image, od_example *e,
                             int *width, int *height, od_error *err)
{
    char *path = NULL;
    OD_TRY(od_image_file_find(&path, dir, image_dir, name, err));
    od_status status = load(path, with_image, e, width, height, err);
    od_free(e->image_path);
    e->image_path = path;
    return status;
}

od_status od_image_file_read(const char *path, int with_image, od_example *e, int *width, int *height, od_error *err)
{
    char *copy = od_strdup(path);
    if (!copy) return od_error_nomem(err, path);
    od_free(e->image_path);
    e->image_path = copy;
    return load(path, with_image, e, width, height, err);
}
