/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO's numbers with their intervals, of all classes and of each.
 */
#include "report/report_data.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const no_truth = "no ground truth of this kind";

/* COCO's -1 as what it means. */
static od_interval plain(double value)
{
    int absent = value < 0;
    return (od_interval){.value = absent ? (double)NAN : value, .low = (double)NAN, .high = (double)NAN, .se = (double)NAN, .why_not = absent ? no_truth : NULL};
}

static od_status gather_classes(od_report_coco *c, const od_coco_eval *e, od_error *err)
{
    c->num_classes = od_coco_eval_num_classes(e);
    c->classes = od_calloc((size_t)c->num_classes, sizeof *c->classes);
    if (!c->classes && c->num_classes) return od_error_nomem(err, "the report");
    for (int64_t k = 0; k < c->num_classes; k++) {
        od_report_class *class = &c->classes[k];
        const double *stats = od_coco_eval_class_stats(e, k);
        class->id = od_coco_eval_class_id(e, k);
        snprintf(class->name, sizeof class->name, "%s", od_coco_eval_class_name(e, k));
        if (!class->name[0]) snprintf(class->name, sizeof class->name, "id %" PRId64, class->id);
        od_coco_eval_class_counts(e, k, &class->counts);
        for (int i = 0; i < OD_COCO_NUM_STATS; i++) class->stats[i] = plain(stats[i]);
    }
    return OD_OK;
}

static od_status gather_intervals(od_report *r, od_error *err)
{
    od_report_coco *c = &r->coco;
    od_bootstrap_options o = od_bootstrap_options_default();
    o.num_resamples = r->o->num_resamples;
    o.seed = r->o->seed;
    o.num_threads = r->o->num_threads;
    OD_TRY(od_bootstrap_run(&c->bootstrap, r->test, &o, err));
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) {
        c->stats[i] = od_bootstrap_stat(c->bootstrap, (od_coco_stat)i);
        for (int64_t k = 0; k < c->num_classes; k++) c->classes[k].stats[i] = od_bootstrap_class_stat(c->bootstrap, k, (od_coco_stat)i);
    }
    c->interval_text = od_bootstrap_text(c->bootstrap);
    c->interval_warning = od_bootstrap_warning(c->bootstrap);
    if (c->interval_text) c->interval_text[strcspn(c->interval_text, "\n")] = 0; /* the warning follows there */
    if (c->interval_warning) c->interval_warning[strcspn(c->interval_warning, "\n")] = 0;
    return c->interval_text && c->interval_warning ? OD_OK : od_error_nomem(err, "the report");
}

/* Without detections: the last evaluation that the event files hold. */
static void gather_from_events(od_report *r)
{
    od_report_coco *c = &r->coco;
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) {
        const od_curve *curve = &r->training.stats[i];
        c->stats[i] = plain(curve->count ? curve->value[curve->count - 1] : -1);
        if (!curve->count) continue;
        c->present = c->from_events = 1;
        c->events_step = curve->step[curve->count - 1];
    }
}

od_status od_gather_coco(od_report *r, od_error *err)
{
    od_report_coco *c = &r->coco;
    if (!r->test) {
        gather_from_events(r);
        return OD_OK;
    }
    c->present = 1;
    const double *stats = od_coco_eval_stats(r->test);
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) c->stats[i] = plain(stats[i]);
    od_coco_eval_counts(r->test, &c->counts);
    OD_TRY(gather_classes(c, r->test, err));
    c->absent = od_coco_eval_explain_absent(r->test);
    if (!c->absent) return od_error_nomem(err, "the report");
    return c->counts.images ? gather_intervals(r, err) : OD_OK;
}

void od_gather_coco_deinit(od_report_coco *c)
{
    od_bootstrap_free(c->bootstrap);
    od_free(c->classes);
    free(c->interval_text);
    free(c->interval_warning);
    free(c->absent);
    memset(c, 0, sizeof *c);
}
