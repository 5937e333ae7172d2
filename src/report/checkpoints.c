/* SPDX-License-Identifier: Apache-2.0 */
#include "report/checkpoints.h"

#include "util/alloc.h"
#include "util/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP "DetectionBoxes_Precision/mAP"

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int compare_steps(const void *a, const void *b)
{
    double x = ((const od_checkpoint_row *)a)->step, y = ((const od_checkpoint_row *)b)->step;
    return (x > y) - (x < y);
}

/* 0, or -1 when out of memory. Entries without step or mAP are passed over. */
static int read_row(od_checkpoints *c, const json_t *entry, const char *eval_dir)
{
    double step = number_of(entry, "step"), map = number_of(json_object_get(entry, "metrics"), MAP);
    const char *name = json_string_value(json_object_get(entry, "checkpoint")), *file = json_string_value(json_object_get(entry, "detections"));
    if (isnan(step) || isnan(map) || map < 0) return 0;
    const json_t *interval = json_object_get(entry, "interval");
    od_checkpoint_row *row = &c->rows[c->count];
    *row = (od_checkpoint_row){.step = step, .map = {.value = map, .low = number_of(interval, "low"), .high = number_of(interval, "high"), .se = (double)NAN}};
    row->name = od_strdup(name ? name : "");
    if (file && !strchr(file, '/')) row->detections = od_path_join(eval_dir, file);
    c->count++;
    return row->name && (!file || strchr(file, '/') || row->detections) ? 0 : -1;
}

static void forget_missing(od_checkpoints *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->rows[i].detections && !od_path_exists(c->rows[i].detections)) {
            od_free(c->rows[i].detections);
            c->rows[i].detections = NULL;
        }
}

static void find_best(od_checkpoints *c)
{
    int kept = 0;
    for (size_t i = 0; i < c->count; i++) kept |= c->rows[i].detections != NULL;
    c->best = c->count;
    for (size_t i = 0; i < c->count; i++)
        if ((!kept || c->rows[i].detections) && (c->best == c->count || c->rows[i].map.value > c->rows[c->best].map.value)) c->best = i;
}

static od_status load(od_coco_eval **out, const char *truth, const char *detections, int threads, od_error *err)
{
    od_coco_load_options o = od_coco_load_options_default();
    o.num_threads = threads;
    OD_TRY(od_coco_eval_create(out, err));
    OD_TRY(od_coco_eval_load_truth(*out, truth, &o, err));
    OD_TRY(od_coco_eval_load_detections(*out, detections, &o, err));
    return od_coco_eval_run(*out, threads, err);
}

static od_status compare(od_checkpoint_row *row, const char *truth, const od_coco_eval *best, const od_bootstrap_options *options, od_error *err)
{
    od_coco_eval *e = NULL;
    od_compare *compared = NULL;
    od_status status = load(&e, truth, row->detections, options->num_threads, err);
    if (status == OD_OK) status = od_compare_run(&compared, best, e, options, err);
    if (status == OD_OK) {
        row->difference = od_compare_stat(compared, OD_COCO_AP);
        row->compared = 1;
    }
    od_compare_free(compared);
    od_coco_eval_free(e);
    return status;
}

static od_status compare_all(od_checkpoints *c, const char *truth, const od_bootstrap_options *options, od_error *err)
{
    od_coco_eval *best = NULL;
    od_error why = {0};
    if (!c->rows[c->best].detections || !od_path_exists(truth)) return OD_OK;
    od_status status = load(&best, truth, c->rows[c->best].detections, options->num_threads, &why);
    for (size_t i = c->count; status == OD_OK && i-- > 0 && c->num_compared < OD_CHECKPOINTS_MOST;) {
        if (i == c->best || !c->rows[i].detections) continue;
        status = compare(&c->rows[i], truth, best, options, &why);
        c->num_compared += status == OD_OK;
    }
    od_coco_eval_free(best);
    if (status == OD_ERR_NOMEM) return od_error_nomem(err, "the checkpoints");
    if (status != OD_OK) snprintf(c->problem, sizeof c->problem, "%.500s", why.message);
    return OD_OK;
}

static od_status read_rows(od_checkpoints *c, const char *path, const char *eval_dir, od_error *err)
{
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    const json_t *list = json_object_get(root, "evaluations");
    if (!json_is_array(list)) snprintf(c->problem, sizeof c->problem, "%.200s: %.160s", path, root ? "no list of evaluations" : why.text);
    size_t n = json_array_size(list);
    c->rows = od_calloc(n, sizeof *c->rows);
    int failed = n && !c->rows;
    for (size_t i = 0; !failed && i < n; i++) failed = read_row(c, json_array_get(list, i), eval_dir);
    json_decref(root);
    if (failed) return od_error_nomem(err, "the checkpoints");
    if (c->count) qsort(c->rows, c->count, sizeof *c->rows, compare_steps);
    return OD_OK;
}

od_status od_checkpoints_read(od_checkpoints *c, const char *model_dir, const od_bootstrap_options *options, od_error *err)
{
    memset(c, 0, sizeof *c);
    char *dir = od_path_join(model_dir, "eval"), *path = dir ? od_path_join(dir, "history.json") : NULL, *truth = dir ? od_path_join(dir, "groundtruth.json") : NULL;
    od_status status = path && truth ? OD_OK : od_error_nomem(err, "the checkpoints");
    if (status == OD_OK && od_path_exists(path)) status = read_rows(c, path, dir, err);
    if (status == OD_OK && c->count) {
        forget_missing(c);
        find_best(c);
        status = compare_all(c, truth, options, err);
    }
    od_free(dir);
    od_free(path);
    od_free(truth);
    return status;
}

void od_checkpoints_deinit(od_checkpoints *c)
{
    for (size_t i = 0; i < c->count; i++) {
        od_free(c->rows[i].name);
        od_free(c->rows[i].detections);
    }
    od_free(c->rows);
    memset(c, 0, sizeof *c);
}
