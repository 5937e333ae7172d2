/* SPDX-License-Identifier: Apache-2.0 */
#include "train/operating_point.h"

#include "checkpoint/model_dir.h"
#include "objdet/predict.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

/* "ckpt-12"; NULL when there is no checkpoint (or no memory: it is only noted). */
static char *newest_name(const char *model_dir)
{
    od_model_dir *dir = NULL;
    if (od_model_dir_open(&dir, model_dir, NULL) != OD_OK) return NULL;
    const char *newest = od_model_dir_newest(dir);
    char *name = newest ? od_strdup(od_path_base(newest)) : NULL;
    od_model_dir_close(dir);
    return name;
}

od_status od_predict_save_operating_point(const char *model_dir, od_operating_file *f, od_error *err)
{
    if (!od_path_is_dir(model_dir))
        return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no such folder; expected the model_dir of a training", model_dir);
    char *newest = newest_name(model_dir), *path = od_path_join(model_dir, OD_OPERATING_FILE);
    od_status status = path ? od_operating_file_set_checkpoint(f, newest, err) : od_error_nomem(err, model_dir);
    if (status == OD_OK) status = od_operating_file_save(f, path, err);
    od_free(newest);
    od_free(path);
    return status;
}

od_status od_model_operating_point_load(od_operating_file **out, const char *model_dir, od_error *err)
{
    char *path = od_path_join(model_dir, OD_OPERATING_FILE);
    *out = NULL;
    if (!path) return od_error_nomem(err, model_dir);
    od_status status = od_path_exists(path) ? od_operating_file_load(out, path, err) : OD_OK;
    od_free(path);
    if (status != OD_OK || !*out) return status;
    char *newest = newest_name(model_dir);
    const char *made_with = od_operating_file_checkpoint(*out);
    if (newest && made_with && strcmp(newest, made_with))
        od_log(OD_LOG_WARNING, "%s/%s: was saved when %s was the newest checkpoint; now %s is: choose the threshold again with objdet threshold",
               model_dir, OD_OPERATING_FILE, made_with, newest);
    od_free(newest);
    return OD_OK;
}
