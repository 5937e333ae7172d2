/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluation of checkpoints from the outside: one, or each as it appears (objdet/train.h).
 */
#include "objdet/train.h"

#include "checkpoint/model_dir.h"
#include "events/tags.h"
#include "train/eval_session.h"
#include "train/evaluator.h"
#include "train/run_files.h"
#include "train/variables_io.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

od_eval_options od_eval_options_default(void)
{
    return (od_eval_options){0};
}

typedef struct od_eval_session evaluation;

static const ObjectDetection__Protos__InputReader *eval_reader(const evaluation *e)
{
    return e->setup.proto->n_eval_input_reader ? e->setup.proto->eval_input_reader[0] : NULL;
}

/* "on_test" for data/test.record. */
static void choose_folder(evaluation *e)
{
    const char *input = e->o->eval_input_path;
    if (!input) {
        snprintf(e->folder, sizeof e->folder, "%s", OD_EVENTS_EVAL_DIR);
        return;
    }
    char name[64];
    size_t n = 0, length = strlen(input);
    while (length && input[length - 1] == '/') length--;
    size_t begin = length;
    while (begin && input[begin - 1] != '/') begin--;
    for (size_t i = begin; i < length && n + 1 < sizeof name && (input[i] != '.' || i == begin); i++) {
        char c = input[i];
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        name[n++] = plain ? c : '_';
    }
    name[n] = 0;
    snprintf(e->folder, sizeof e->folder, "on_%s", name);
}

od_status od_eval_session_open(evaluation *e, od_error *err)
{
    const od_eval_options *o = e->o;
    if (!o->model_dir) return od_error_set(err, OD_ERR_ARG, "no model_dir: give --model_dir");
    e->config_path = o->pipeline_config_path ? od_strdup(o->pipeline_config_path) : od_path_join(o->model_dir, "pipeline.config");
    choose_folder(e);
    e->output_dir = od_path_join(o->model_dir, e->folder);
    if (!e->config_path || !e->output_dir) return od_error_nomem(err, "evaluation");
    OD_TRY(od_run_setup_init(&e->setup, e->config_path, OD_USE_EVAL, err));
    od_run_input_options options = {o->eval_input_path, o->label_map_path, o->image_dir, o->sample_1_of_n, 0};
    OD_TRY(od_run_input_open(&e->input, &e->setup, eval_reader(e), "eval_input_reader", &options, err));
    OD_TRY(od_evaluator_create(&e->evaluator, &e->setup, &e->input, o->num_threads > 0 ? o->num_threads : omp_get_num_procs(), err));
    OD_TRY(od_dir_create(o->model_dir, err));
    if (e->without_events) return OD_OK;
    const char *name = eval_reader(e) && !o->eval_input_path ? eval_reader(e)->name : NULL;
    return od_run_events_open(o->model_dir, e->folder, name, &e->events, err);
}

void od_eval_session_close(evaluation *e)
{
    od_events_writer_close(e->events, NULL);
    od_evaluator_free(e->evaluator);
    od_run_input_deinit(&e->input);
    od_run_setup_deinit(&e->setup);
    od_free(e->config_path);
    od_free(e->output_dir);
}

static const char *checkpoint_dir(const od_eval_options *o)
{
    return o->checkpoint_dir ? o->checkpoint_dir : o->model_dir;
}

static char *make_table(od_coco_eval *coco)
{
    char *table = od_coco_stats_table(od_coco_eval_stats(coco)), *absent = od_coco_eval_explain_absent(coco), *all = NULL;
    if (table && absent) {
        size_t n = strlen(table) + strlen(absent) + 1;
        all = malloc(n);
        if (all) snprintf(all, n, "%s%s", table, absent);
    }
    free(table);
    free(absent);
    return all;
}

static od_status evaluate_checkpoint(evaluation *e, const char *prefix, od_eval_summary *out, od_error *err)
{
    int64_t step;
    od_evaluation result;
    OD_TRY(od_variables_restore_evaluated(prefix, e->setup.config, e->setup.model, &step, err));
    od_evaluator_run run = {.step = step < 0 ? 0 : step, .epoch = NAN, .progress = e->o->progress, .progress_user = e->o->progress_user, .stop = e->o->stop,
                            .events = e->events, .output_dir = e->output_dir};
    OD_TRY(od_evaluator_evaluate(e->evaluator, &run, &result, err));
    if (!out) return OD_OK;
    *out = (od_eval_summary){.step = step, .images = result.images, .broken_images = result.broken_images, .table = make_table(od_evaluator_coco(e->evaluator))};
    memcpy(out->stats, result.stats, sizeof out->stats);
    return out->table ? OD_OK : od_error_nomem(err, "the table");
}


static od_status evaluate_newest(evaluation *e, od_eval_summary *out, od_error *err)
{
    if (e->o->checkpoint) return evaluate_checkpoint(e, e->o->checkpoint, out, err);
    od_model_dir *dir;
    OD_TRY(od_model_dir_open(&dir, checkpoint_dir(e->o), err));
    const char *newest = od_model_dir_newest(dir);
    od_status status = newest ? evaluate_checkpoint(e, newest, out, err)
                              : od_error_set(err, OD_ERR_NOT_FOUND, "%s: no checkpoint (ckpt-N.index) in this folder; train first or give --checkpoint", checkpoint_dir(e->o));
    od_model_dir_close(dir);
    return status;
}

od_status od_eval_run(const od_eval_options *options, od_eval_summary *out, od_error *err)
{
    evaluation e = {.o = options};
    od_status status = od_eval_session_open(&e, err);
    if (status == OD_OK) status = evaluate_newest(&e, out, err);
    od_eval_session_close(&e);
    return status;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int stopped(const evaluation *e)
{
    return e->o->stop && *e->o->stop;
}

/* Waits for a newest checkpoint other than `seen`. 1: there is one, its prefix in `found`. */
static int wait_for_checkpoint(evaluation *e, const char *seen, double timeout, char *found, size_t size)
{
    double deadline = now() + timeout;
    do {
        od_model_dir *dir;
        if (od_model_dir_open(&dir, checkpoint_dir(e->o), NULL) == OD_OK) {
            const char *newest = od_model_dir_newest(dir);
            int fresh = newest && strcmp(newest, seen);
            if (fresh) snprintf(found, size, "%s", newest);
            od_model_dir_close(dir);
            if (fresh) return 1;
        }
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    } while (!stopped(e) && now() < deadline);
    return 0;
}

static od_status evaluate_stream(evaluation *e, double wait_interval, double timeout, od_error *err)
{
    char seen[4096] = "", found[4096];
    double next_start = 0;
    int64_t last_step = e->setup.proto->train_config ? (int64_t)e->setup.proto->train_config->num_steps : -1;
    for (;;) {
        od_log(OD_LOG_INFO, "Waiting for new checkpoint at %s", checkpoint_dir(e->o)); /* as tf.train.checkpoints_iterator */
        if (!wait_for_checkpoint(e, seen, timeout, found, sizeof found)) break;
        while (!stopped(e) && now() < next_start) nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        if (stopped(e)) break;
        wait_for_checkpoint(e, seen, 0, found, sizeof found); /* a newer one may have come meanwhile */
        double start = now();
        od_eval_summary summary;
        OD_TRY(evaluate_checkpoint(e, found, &summary, err));
        od_log(OD_LOG_INFO, "%s", summary.table);
        free(summary.table);
        snprintf(seen, sizeof seen, "%s", found);
        if (summary.step == last_step) return OD_OK;
        next_start = start + wait_interval;
    }
    if (stopped(e)) return od_error_set(err, OD_ERR_INTERRUPTED, "stopped");
    od_log(OD_LOG_INFO, "Timed out waiting for a checkpoint.");
    return OD_OK;
}

od_status od_eval_continuously(const od_eval_options *options, double wait_interval, double timeout, od_error *err)
{
    evaluation e = {.o = options};
    od_status status = od_eval_session_open(&e, err);
    if (status == OD_OK) status = evaluate_stream(&e, wait_interval, timeout, err);
    od_eval_session_close(&e);
    return status;
}
