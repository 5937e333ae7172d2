/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything the report needs, in order: which files, the evaluations, then each part.
 */
#include "report/mask_overlay.h"
#include "report/report_data.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* `given`, else <model_dir>/<name> when that exists; *out stays NULL for neither. */
static od_status choose_path(char **out, const char *given, const char *model_dir, const char *name, od_error *err)
{
    if (given) {
        *out = od_strdup(given);
        return *out ? OD_OK : od_error_nomem(err, name);
    }
    if (!model_dir) return OD_OK;
    char *path = od_path_join(model_dir, name);
    if (!path) return od_error_nomem(err, name);
    if (od_path_exists(path))
        *out = path;
    else
        od_free(path);
    return OD_OK;
}

/* Before minutes of work, not after them. */
static od_status check_folder(const char *path, od_error *err)
{
    if (!path) return OD_OK;
    char *dir = od_path_dir(path);
    if (!dir) return od_error_nomem(err, "the report");
    od_status status = od_path_exists(dir) ? OD_OK : od_error_set(err, OD_ERR_NOT_FOUND, "%s: its folder %s doesn't exist; make it first, or write elsewhere", path, dir);
    od_free(dir);
    return status;
}

static od_status choose_files(od_report *r, od_error *err)
{
    const od_report_options *o = r->o;
    if (!o->output && !o->json) return od_error_set(err, OD_ERR_ARG, "nowhere to write: give --output=report.html, or --json=FILE");
    OD_TRY(check_folder(o->output, err));
    OD_TRY(check_folder(o->json, err));
    if (o->gt && !o->dt) return od_error_set(err, OD_ERR_ARG, "--gt without --dt: the detections to hold against it are missing");
    if (o->dt && !o->gt) return od_error_set(err, OD_ERR_ARG, "--dt without --gt: the ground truth to hold it against is missing");
    if (!o->model_dir && !(o->gt && o->dt))
        return od_error_set(err, OD_ERR_ARG, "nothing to report on: give --gt=GT.json and --dt=DETECTIONS.json, or --model_dir=FOLDER of a training");
    if (!o->val_gt != !o->val_dt) return od_error_set(err, OD_ERR_ARG, "--val_gt and --val_dt belong together: give both or neither");
    OD_TRY(choose_path(&r->gt, o->gt, o->model_dir, "eval/groundtruth.json", err));
    OD_TRY(choose_path(&r->dt, o->dt, o->model_dir, "eval/detections.json", err));
    if (!r->gt != !r->dt) { /* half of an evaluation is none */
        od_free(r->gt);
        od_free(r->dt);
        r->gt = r->dt = NULL;
    }
    OD_TRY(choose_path(&r->val_gt, o->val_gt, NULL, "val_gt", err));
    OD_TRY(choose_path(&r->val_dt, o->val_dt, NULL, "val_dt", err));
    OD_TRY(choose_path(&r->train_gt, o->train_gt, NULL, "train_gt", err));
    return choose_path(&r->config_path, NULL, o->model_dir, "pipeline.config", err);
}

static od_status choose_title(od_report *r, od_error *err)
{
    const char *from = r->o->title ? r->o->title : r->o->model_dir ? r->o->model_dir : od_path_base(r->dt);
    r->title = r->o->title ? od_strdup(from) : od_asprintf("%s", from);
    return r->title ? OD_OK : od_error_nomem(err, "the title");
}

static od_status evaluate(od_coco_eval **out, const od_report_options *o, const char *gt, const char *dt, od_error *err)
{
    od_coco_load_options load = o->load;
    load.keep_masks = od_mask_overlay_wanted(dt);
    OD_TRY(od_coco_eval_create(out, err));
    OD_TRY(od_coco_eval_load_truth(*out, gt, &load, err));
    OD_TRY(od_coco_eval_load_detections(*out, dt, &load, err));
    return od_coco_eval_run(*out, o->num_threads, err);
}

static od_status evaluate_all(od_report *r, od_error *err)
{
    if (r->gt) OD_TRY(evaluate(&r->test, r->o, r->gt, r->dt, err));
    if (r->val_gt) OD_TRY(evaluate(&r->val, r->o, r->val_gt, r->val_dt, err));
    for (size_t i = 0; r->test && i < r->test->num_images; i++) r->grouped |= r->test->images[i].group != NULL;
    return OD_OK;
}

/* A config that can't be read is only noted. */
static od_status read_config(od_report *r, od_error *err)
{
    od_error why = {0};
    if (!r->config_path) return OD_OK;
    od_status status = od_config_facts_read(&r->config, r->config_path, &why);
    if (status == OD_ERR_NOMEM) return od_error_nomem(err, "the config");
    if (status != OD_OK) od_texts_add(&r->notes, "The training's config could not be read: %s", why.message);
    r->training.batch_size = r->config.batch_size;
    return OD_OK;
}

static od_status read_checkpoints(od_report *r, od_error *err)
{
    if (!r->o->model_dir) return OD_OK;
    od_bootstrap_options o = od_bootstrap_options_default();
    o.num_resamples = r->o->num_resamples;
    o.seed = r->o->seed;
    o.num_threads = r->o->num_threads;
    OD_TRY(od_checkpoints_read(&r->checkpoints, r->o->model_dir, &o, err));
    if (r->checkpoints.problem[0]) od_texts_add(&r->notes, "Checkpoints could not be compared: %s", r->checkpoints.problem);
    return OD_OK;
}

static od_status read_robustness(od_report *r, od_error *err)
{
    if (!r->dt) return OD_OK;
    char *dir = od_path_dir(r->dt);
    if (!dir) return od_error_nomem(err, "the robustness");
    od_status status = od_robust_study_read(&r->robustness, dir, err);
    od_free(dir);
    OD_TRY(status);
    if (r->robustness.problem[0]) od_texts_add(&r->notes, "The study of robustness could not be read: %s", r->robustness.problem);
    return OD_OK;
}

od_status od_report_gather(od_report *r, const od_report_options *o, od_error *err)
{
    memset(r, 0, sizeof *r);
    r->o = o;
    OD_TRY(choose_files(r, err));
    OD_TRY(choose_title(r, err));
    if (o->model_dir) OD_TRY(od_training_read(&r->training, o->model_dir, err));
    OD_TRY(read_config(r, err));
    OD_TRY(read_checkpoints(r, err));
    OD_TRY(read_robustness(r, err));
    if (!r->gt && !r->training.present)
        return od_error_set(err, OD_ERR_NOT_FOUND, "%s: neither event files nor eval/detections.json are in this folder, so there is nothing to report on", o->model_dir);
    OD_TRY(evaluate_all(r, err));
    OD_TRY(od_gather_coco(r, err));
    OD_TRY(od_gather_operating_point(r, err));
    OD_TRY(od_gather_image_level(r, err));
    OD_TRY(od_gather_localisation(r, err));
    OD_TRY(od_gather_gallery(r, err));
    OD_TRY(od_gather_data(r, err));
    if (r->data.check && r->data.has_train) r->training.train_images = r->data.check->splits[0].images;
    od_training_set_epochs(&r->training);
    return od_answers_draw(r) ? od_error_nomem(err, "the answers") : OD_OK;
}

void od_report_deinit(od_report *r)
{
    char *texts[] = {r->title, r->gt, r->dt, r->val_gt, r->val_dt, r->train_gt, r->config_path};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) od_free(texts[i]);
    od_gather_localisation_deinit(r);
    od_gather_image_level_deinit(r);
    od_gather_operating_point_deinit(&r->operating);
    od_gather_coco_deinit(&r->coco);
    od_training_deinit(&r->training);
    od_checkpoints_deinit(&r->checkpoints);
    od_robust_study_deinit(&r->robustness);
    od_coco_eval_free(r->test);
    od_coco_eval_free(r->val);
    for (int i = 0; i < OD_NUM_ANSWERS; i++) od_answer_deinit(&r->answers[i]);
    od_texts_deinit(&r->notes);
    od_config_facts_deinit(&r->config);
    od_data_check_free(r->data.check);
    memset(r, 0, sizeof *r);
}
