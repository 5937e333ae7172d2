/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/robustness.h"

#include "checkpoint/model_dir.h"
#include "data/corruption.h"
#include "train/eval_session.h"
#include "train/robustness_text.h"
#include "train/variables_io.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RESAMPLES = 200, MAX_POINTS = 1 + OD_CORRUPTIONS * OD_CORRUPTION_LEVELS };

/* Scoring one change after the other. */
typedef struct study {
    od_eval_session session;
    const od_robustness_options *which;
    od_robustness *out;
    od_coco_eval *unchanged;
} study;

static od_bootstrap_options bootstrap_options(const study *s)
{
    od_bootstrap_options o = od_bootstrap_options_default();
    o.num_resamples = RESAMPLES;
    o.num_threads = s->session.o->num_threads;
    return o;
}

static od_status find_interval(const study *s, od_coco_eval *coco, od_robustness_point *p, od_error *err)
{
    od_bootstrap *b;
    od_bootstrap_options o = bootstrap_options(s);
    if (p->map < 0) return OD_OK;
    OD_TRY(od_bootstrap_run(&b, coco, &o, err));
    od_interval i = od_bootstrap_stat(b, OD_COCO_AP);
    p->map_low = i.low;
    p->map_high = i.high;
    od_bootstrap_free(b);
    return OD_OK;
}

static od_status find_change(const study *s, od_coco_eval *coco, od_robustness_point *p, od_error *err)
{
    od_compare *c;
    od_bootstrap_options o = bootstrap_options(s);
    if (p->map < 0) return OD_OK;
    OD_TRY(od_compare_run(&c, s->unchanged, coco, &o, err));
    od_difference d = od_compare_stat(c, OD_COCO_AP);
    p->change = d.difference.value;
    p->change_low = d.difference.low;
    p->change_high = d.difference.high;
    p->distinct = d.distinct;
    od_compare_free(c);
    return OD_OK;
}

static od_status score(study *s, od_corruption change, od_error *err)
{
    od_evaluation result;
    const od_eval_options *o = s->session.o;
    if (o->progress) od_log(OD_LOG_INFO, change.level ? "%d: %s, level %d" : "%d: unchanged", s->out->count, od_corruption_name(change.kind), change.level);
    od_robustness_point *p = &s->out->points[s->out->count];
    *p = (od_robustness_point){.name = od_corruption_name(change.kind), .level = change.level, .geometric = od_corruption_is_geometric(change.kind),
                               .map_low = NAN, .map_high = NAN, .change = NAN, .change_low = NAN, .change_high = NAN};
    od_evaluator_run run = {.step = s->out->step, .epoch = NAN, .stop = o->stop, .corruption = change};
    OD_TRY(od_evaluator_evaluate(s->session.evaluator, &run, &result, err));
    p->map = result.stats[OD_COCO_AP];
    p->map50 = result.stats[OD_COCO_AP50];
    p->description = od_corruption_describe(change);
    if (!p->description) return od_error_nomem(err, "the robustness");
    s->out->count++;
    s->out->images = result.images;
    od_coco_eval *coco = od_evaluator_take_coco(s->session.evaluator);
    od_status status = find_interval(s, coco, p, err);
    if (status == OD_OK && change.kind != OD_CORRUPT_NONE) status = find_change(s, coco, p, err);
    if (change.kind == OD_CORRUPT_NONE)
        s->unchanged = coco;
    else
        od_coco_eval_free(coco);
    return status;
}

/* 1 when a comma-separated list has the name. */
static int lists(const char *list, const char *name, size_t length)
{
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strcspn(at, ",") == length && !strncmp(at, name, length)) return 1;
    return 0;
}

static od_status check_kinds(const char *kinds, od_error *err)
{
    char known[400] = "";
    for (int k = 1; k < OD_CORRUPTIONS; k++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", k > 1 ? "," : "", od_corruption_name((od_corruption_kind)k));
    for (const char *at = kinds; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        if (!lists(known, at, n)) return od_error_set(err, OD_ERR_ARG, "unknown change \"%.*s\"; expected some of %s", (int)n, at, known);
    }
    return OD_OK;
}

static od_status score_all(study *s, od_error *err)
{
    int most = s->which && s->which->levels > 0 ? s->which->levels : OD_CORRUPTION_LEVELS;
    const char *kinds = s->which ? s->which->kinds : NULL;
    s->out->points = od_calloc(MAX_POINTS, sizeof *s->out->points);
    if (!s->out->points) return od_error_nomem(err, "the robustness");
    OD_TRY(score(s, (od_corruption){OD_CORRUPT_NONE, 0}, err));
    for (int k = 1; k < OD_CORRUPTIONS; k++) {
        const char *name = od_corruption_name((od_corruption_kind)k);
        if (kinds && !lists(kinds, name, strlen(name))) continue;
        for (int level = 1; level <= od_corruption_levels((od_corruption_kind)k) && level <= most; level++)
            OD_TRY(score(s, (od_corruption){(od_corruption_kind)k, level}, err));
    }
    return OD_OK;
}

/* mPC: the mean of the kinds' means. Levels of a kind stand one after the other. */
static void find_means(od_robustness *r)
{
    double sum = 0;
    int kinds = 0;
    r->mean_changed = r->relative = NAN;
    for (int i = 1; i < r->count;) {
        double of_kind = 0;
        int n = 0, first = i;
        for (; i < r->count && !strcmp(r->points[i].name, r->points[first].name); i++, n++) of_kind += r->points[i].map;
        if (r->points[first].geometric || r->points[first].map < 0) continue;
        sum += of_kind / n;
        kinds++;
    }
    if (!kinds) return;
    r->mean_changed = sum / kinds;
    if (r->points[0].map > 0) r->relative = r->mean_changed / r->points[0].map;
}

static od_status find_checkpoint(study *s, char *prefix, size_t size, od_error *err)
{
    const od_eval_options *o = s->session.o;
    const char *where = o->checkpoint_dir ? o->checkpoint_dir : o->model_dir;
    if (o->checkpoint) {
        snprintf(prefix, size, "%s", o->checkpoint);
        return OD_OK;
    }
    od_model_dir *dir;
    OD_TRY(od_model_dir_open(&dir, where, err));
    const char *newest = od_model_dir_newest(dir);
    if (newest) snprintf(prefix, size, "%s", newest);
    od_model_dir_close(dir);
    return newest ? OD_OK : od_error_set(err, OD_ERR_NOT_FOUND, "%s: no checkpoint (ckpt-N.index) in this folder; train first or give --checkpoint", where);
}

static od_status run(study *s, od_error *err)
{
    char prefix[4096];
    OD_TRY(check_kinds(s->which ? s->which->kinds : NULL, err));
    OD_TRY(od_eval_session_open(&s->session, err));
    OD_TRY(find_checkpoint(s, prefix, sizeof prefix, err));
    OD_TRY(od_variables_restore(prefix, s->session.setup.model, NULL, &s->out->step, err));
    snprintf(s->out->checkpoint, sizeof s->out->checkpoint, "%.63s", od_path_base(prefix));
    OD_TRY(score_all(s, err));
    find_means(s->out);
    s->out->text = od_robustness_table(s->out);
    if (!s->out->text) return od_error_nomem(err, "the robustness");
    return od_robustness_write(s->out, s->session.output_dir, err);
}

od_status od_robustness_run(const od_eval_options *options, const od_robustness_options *which, od_robustness *out, od_error *err)
{
    study s = {.session = {.o = options, .without_events = 1}, .which = which, .out = out};
    *out = (od_robustness){.mean_changed = NAN, .relative = NAN};
    od_status status = run(&s, err);
    od_coco_eval_free(s.unchanged);
    od_eval_session_close(&s.session);
    if (status != OD_OK) od_robustness_free(out);
    return status;
}

void od_robustness_free(od_robustness *r)
{
    for (int i = 0; i < r->count; i++) od_free(r->points[i].description);
    od_free(r->points);
    od_free(r->text);
    *r = (od_robustness){.mean_changed = NAN, .relative = NAN};
}
