/* SPDX-License-Identifier: Apache-2.0
 *
 * od_eval_all: a curve over all checkpoints instead of a dot, and which of its points differ from the best beyond noise.
 */
#include "checkpoint/model_dir.h"
#include "events/tags.h"
#include "train/detections_file.h"
#include "train/eval_session.h"
#include "train/history.h"
#include "train/variables_io.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 1000, NAME_SIZE = 64 };

static void detections_name(int64_t step, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "detections-%lld.json", (long long)step);
}

static double total_loss(const od_evaluation *e)
{
    for (int i = 0; i < e->losses.count; i++)
        if (!strcmp(e->losses.item[i].tag, OD_TAG_LOSS_TOTAL)) return e->losses.item[i].value;
    return NAN;
}

static od_status evaluate_point(od_eval_session *s, od_history *h, const char *prefix, od_eval_point *point, od_error *err)
{
    int64_t step;
    char name[NAME_SIZE];
    od_evaluation result;
    OD_TRY(od_variables_restore_evaluated(prefix, s->setup.config, s->setup.model, &step, err));
    if (step < 0) step = od_model_dir_number(prefix);
    if (step < 0) step = 0;
    detections_name(step, name);
    od_evaluator_run run = {.step = step, .epoch = NAN, .progress = s->o->progress, .progress_user = s->o->progress_user, .stop = s->o->stop,
                            .events = s->events, .output_dir = s->output_dir, .detections_name = name};
    OD_TRY(od_evaluator_evaluate(s->evaluator, &run, &result, err));
    *point = (od_eval_point){.step = step, .map_low = result.map.low, .map_high = result.map.high, .total_loss = total_loss(&result),
                             .to_best = NAN, .to_best_low = NAN, .to_best_high = NAN};
    snprintf(point->checkpoint, sizeof point->checkpoint, "%.63s", od_path_base(prefix));
    memcpy(point->stats, result.stats, sizeof point->stats);
    return od_history_put(h, step, point->checkpoint, &result, name, err);
}

static int by_step(const void *a, const void *b)
{
    const od_eval_point *x = a, *y = b;
    return x->step < y->step ? -1 : x->step > y->step;
}

static od_status evaluate_points(od_eval_session *s, const od_model_dir *dir, od_eval_curve *c, od_error *err)
{
    size_t n = od_model_dir_count(dir);
    const char *where = s->o->checkpoint_dir ? s->o->checkpoint_dir : s->o->model_dir;
    if (!n) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no checkpoint (ckpt-N.index) in this folder; train first or give --checkpoint_dir", where);
    od_history *h;
    OD_TRY(od_history_open(&h, s->o->model_dir, err));
    c->points = od_calloc(n, sizeof *c->points);
    od_status status = c->points ? OD_OK : od_error_nomem(err, "the curve");
    for (size_t i = 0; i < n && status == OD_OK; i++) {
        status = evaluate_point(s, h, od_model_dir_at(dir, i), &c->points[i], err);
        if (status == OD_OK) c->count++;
    }
    od_history_free(h);
    if (status == OD_OK) qsort(c->points, (size_t)c->count, sizeof *c->points, by_step);
    c->best = -1;
    for (int i = 0; i < c->count; i++) {
        double map = c->points[i].stats[OD_COCO_AP];
        if (map >= 0 && (c->best < 0 || map > c->points[c->best].stats[OD_COCO_AP])) c->best = i;
    }
    return status;
}

/* The evaluation of a point again, from the files that were kept. */
static od_status load_point(const od_eval_session *s, const od_eval_point *point, od_coco_eval **out, od_error *err)
{
    char name[NAME_SIZE];
    detections_name(point->step, name);
    od_coco_load_options options = od_coco_load_options_default();
    char *gt = od_path_join(s->output_dir, "groundtruth.json"), *dt = od_path_join(s->output_dir, name);
    od_status status = gt && dt ? od_coco_eval_create(out, err) : od_error_nomem(err, "the curve");
    if (status == OD_OK) status = od_coco_eval_load_truth(*out, gt, &options, err);
    if (status == OD_OK) status = od_coco_eval_load_detections(*out, dt, &options, err);
    if (status == OD_OK) status = od_coco_eval_run(*out, s->o->num_threads, err);
    od_free(gt);
    od_free(dt);
    return status;
}

static od_status compare_point(const od_eval_session *s, const od_coco_eval *best, od_eval_point *point, od_error *err)
{
    od_coco_eval *e = NULL;
    od_compare *compared = NULL;
    od_bootstrap_options options = od_bootstrap_options_default();
    options.num_resamples = RESAMPLES;
    options.num_threads = s->o->num_threads;
    od_status status = load_point(s, point, &e, err);
    if (status == OD_OK) status = od_compare_run(&compared, best, e, &options, err);
    if (status == OD_OK) {
        od_difference d = od_compare_stat(compared, OD_COCO_AP);
        point->to_best = d.difference.value;
        point->to_best_low = d.difference.low;
        point->to_best_high = d.difference.high;
        point->distinct = d.distinct;
    }
    od_compare_free(compared);
    od_coco_eval_free(e);
    return status;
}

static od_status compare_with_best(const od_eval_session *s, od_eval_curve *c, od_error *err)
{
    od_coco_eval *best = NULL;
    if (c->best < 0 || c->count < 2) return OD_OK;
    od_status status = load_point(s, &c->points[c->best], &best, err);
    for (int i = 0; i < c->count && status == OD_OK; i++)
        if (i != c->best) status = compare_point(s, best, &c->points[i], err);
    od_coco_eval_free(best);
    return status;
}

static void put_number(od_strbuf *b, const char *name, double value)
{
    od_strbuf_printf(b, ", \"%s\": ", name);
    od_json_append_number(b, value);
}

static od_status write_curve(const od_eval_session *s, const od_eval_curve *c, od_error *err)
{
    od_strbuf b = {0};
    od_strbuf_puts(&b, "{\"best\": ");
    if (c->best < 0)
        od_strbuf_puts(&b, "null");
    else
        od_json_append_string(&b, c->points[c->best].checkpoint);
    od_strbuf_puts(&b, ",\n \"checkpoints\": [");
    for (int i = 0; i < c->count; i++) {
        const od_eval_point *p = &c->points[i];
        char name[NAME_SIZE];
        detections_name(p->step, name);
        od_strbuf_printf(&b, "%s\n  {\"step\": %lld, \"checkpoint\": \"%s\", \"detections\": \"%s\"", i ? "," : "", (long long)p->step, p->checkpoint, name);
        put_number(&b, "mAP", p->stats[OD_COCO_AP]);
        put_number(&b, "mAP_low", p->map_low);
        put_number(&b, "mAP_high", p->map_high);
        put_number(&b, "total_loss", p->total_loss);
        put_number(&b, "to_best", p->to_best);
        put_number(&b, "to_best_low", p->to_best_low);
        put_number(&b, "to_best_high", p->to_best_high);
        od_strbuf_printf(&b, ", \"distinct_from_best\": %s}", p->distinct ? "true" : "false");
    }
    od_strbuf_puts(&b, "]}\n");
    char *path = od_path_join(s->output_dir, "checkpoints.json");
    od_status status = path && !od_strbuf_failed(&b) ? od_file_write_all(path, b.data, b.size, err) : od_error_nomem(err, "the curve");
    od_free(path);
    od_strbuf_deinit(&b);
    return status;
}

od_status od_eval_all(const od_eval_options *options, od_eval_curve *out, od_error *err)
{
    od_eval_session s = {.o = options};
    od_eval_curve curve = {.best = -1};
    od_model_dir *dir = NULL;
    od_status status = od_eval_session_open(&s, err);
    if (status == OD_OK) status = od_model_dir_open(&dir, options->checkpoint_dir ? options->checkpoint_dir : options->model_dir, err);
    if (status == OD_OK) status = evaluate_points(&s, dir, &curve, err);
    if (status == OD_OK) status = compare_with_best(&s, &curve, err);
    if (status == OD_OK) status = write_curve(&s, &curve, err);
    od_model_dir_close(dir);
    od_eval_session_close(&s);
    if (status == OD_OK)
        *out = curve;
    else
        od_eval_curve_free(&curve);
    return status;
}

void od_eval_curve_free(od_eval_curve *curve)
{
    od_free(curve->points);
    *curve = (od_eval_curve){.best = -1};
}
