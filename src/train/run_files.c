/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run_files.h"

#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

static od_status write_config(const char *model_dir, const od_config *config, od_error *err)
{
    char *path = od_path_join(model_dir, "pipeline.config");
    if (!path) return od_error_nomem(err, "pipeline.config");
    od_status status = od_config_save(config, path, err);
    od_free(path);
    return status;
}

od_status od_run_files_write(const char *model_dir, const od_config *config, const od_label_map *labels, od_error *err)
{
    OD_TRY(write_config(model_dir, config, err));
    if (!labels) return OD_OK;
    char *path = od_path_join(model_dir, "label_map.pbtxt");
    if (!path) return od_error_nomem(err, "label_map.pbtxt");
    od_status status = od_label_map_save(labels, path, err);
    od_free(path);
    return status;
}

od_status od_run_events_open(const char *model_dir, const char *folder, const char *name, od_events_writer **out, od_error *err)
{
    char *dir = od_path_join(model_dir, folder), *full = dir && name && name[0] ? od_path_join(dir, name) : dir ? od_strdup(dir) : NULL;
    od_status status = full ? od_dir_create(full, err) : od_error_nomem(err, folder);
    if (status == OD_OK) status = od_events_writer_open(out, full, NULL, err);
    od_free(dir);
    od_free(full);
    return status;
}
