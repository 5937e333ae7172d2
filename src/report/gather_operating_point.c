/* SPDX-License-Identifier: Apache-2.0
 *
 * The threshold: given, saved with the model, chosen on validation, or for want of that on the evaluated images
 * themselves; what it gives, and whether scores mean what they say.
 */
#include "report/report_data.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static od_operating_options options_of(const od_report *r)
{
    od_operating_options o = od_operating_options_default();
    o.match.num_resamples = r->o->num_resamples;
    o.match.seed = r->o->seed;
    o.match.num_threads = r->o->num_threads;
    o.cost_fp = r->o->cost_fp;
    o.cost_fn = r->o->cost_fn;
    return o;
}

/* operating_point.json of the model_dir; one that can't be read is noted and not used. */
static void load_saved(od_report *r)
{
    char *path = r->o->model_dir ? od_path_join(r->o->model_dir, OD_OPERATING_FILE) : NULL;
    od_error why = {0};
    if (path && od_path_exists(path) && od_operating_file_load(&r->operating.saved, path, &why) != OD_OK) {
        r->operating.saved = NULL;
        od_texts_add(&r->notes, "The threshold saved with the model was not used: %s", why.message);
    }
    od_free(path);
}

static od_threshold_rule rule_of(const od_report *r)
{
    return r->o->cost_fp == 1 && r->o->cost_fn == 1 ? OD_RULE_F1 : OD_RULE_COST;
}

static od_status choose_threshold(od_report *r, const od_operating_options *o, od_error *err)
{
    od_report_operating *p = &r->operating;
    const od_coco_eval *fit = r->val ? r->val : r->test;
    OD_TRY(od_threshold_choose(&p->choice, fit, -1, OD_LEVEL_BOX, rule_of(r), 0, o, err));
    if (!isnan(r->o->threshold)) {
        p->source = OD_THRESHOLD_GIVEN;
        r->threshold = r->o->threshold;
    } else if (p->saved) {
        p->source = OD_THRESHOLD_SAVED;
        r->threshold = od_operating_file_threshold(p->saved);
    } else {
        p->source = r->val ? OD_THRESHOLD_VALIDATION : OD_THRESHOLD_TEST;
        r->threshold = isnan(p->choice.threshold) ? .5 : p->choice.threshold;
    }
    return OD_OK;
}

/* What other rules would have chosen, and what that gives on the evaluated images. Their thresholds need no intervals. */
static od_status gather_rules(od_report *r, const od_operating_options *o, od_error *err)
{
    od_operating_options choose = *o;
    choose.match.num_resamples = 0;
    static const struct {
        od_threshold_rule rule;
        double bound;
    } rules[OD_REPORT_RULES] = {{OD_RULE_F1, 0}, {OD_RULE_COST, 0}, {OD_RULE_MIN_SENSITIVITY, .9}, {OD_RULE_MAX_FALSE_PER_IMAGE, .5}};
    const od_coco_eval *fit = r->val ? r->val : r->test;
    for (int i = 0; i < OD_REPORT_RULES; i++) {
        OD_TRY(od_threshold_choose(&r->operating.rules[i], fit, -1, OD_LEVEL_BOX, rules[i].rule, rules[i].bound, &choose, err));
        OD_TRY(od_operating_point_compute(&r->operating.rule_points[i], r->test, -1, OD_LEVEL_BOX, r->operating.rules[i].threshold, o, err));
    }
    return OD_OK;
}

static od_status gather_calibration(od_report *r, const od_operating_options *o, od_error *err)
{
    od_report_operating *p = &r->operating;
    od_calibration_options c = od_calibration_options_default();
    c.match = o->match;
    OD_TRY(od_calibration_compute(&p->raw, r->test, NULL, &c, err));
    const od_calibrator *calibrator = p->saved ? od_operating_file_calibrator(p->saved) : NULL;
    if (calibrator) {
        p->calibrated_by = OD_THRESHOLD_SAVED;
    } else if (r->val) {
        od_error why = {0};
        od_status status = od_calibrator_fit(&p->fitted, r->val, OD_CALIBRATOR_PLATT, &c, &why);
        if (status == OD_ERR_NOMEM) return od_error_nomem(err, "the calibration");
        if (status != OD_OK) od_texts_add(&r->notes, "No calibrator could be fitted on the validation set: %s", why.message);
        calibrator = status == OD_OK ? p->fitted : NULL;
        p->calibrated_by = OD_THRESHOLD_VALIDATION;
    }
    if (!calibrator) return OD_OK;
    p->has_calibrated = 1;
    p->calibrator_text = od_calibrator_describe(calibrator);
    if (!p->calibrator_text) return od_error_nomem(err, "the calibration");
    return od_calibration_compute(&p->calibrated, r->test, calibrator, &c, err);
}

od_status od_gather_operating_point(od_report *r, od_error *err)
{
    od_report_operating *p = &r->operating;
    r->threshold = isnan(r->o->threshold) ? .5 : r->o->threshold;
    if (!r->test || !r->coco.counts.images) return OD_OK;
    const od_operating_options o = options_of(r);
    load_saved(r);
    OD_TRY(choose_threshold(r, &o, err));
    if (p->saved) {
        OD_TRY(od_operating_file_overlap(p->saved, r->test, &p->overlap, err));
        p->has_overlap = 1;
    } else if (r->val) {
        OD_TRY(od_coco_eval_overlap(r->val, r->test, &p->overlap, err));
        p->has_overlap = 1;
    }
    OD_TRY(od_operating_curve_compute(&p->curve, r->test, -1, OD_LEVEL_BOX, &o, err));
    p->present = 1;
    OD_TRY(od_operating_point_compute(&p->at, r->test, -1, OD_LEVEL_BOX, r->threshold, &o, err));
    OD_TRY(gather_rules(r, &o, err));
    return gather_calibration(r, &o, err);
}

void od_gather_operating_point_deinit(od_report_operating *p)
{
    od_operating_curve_deinit(&p->curve);
    od_operating_file_free(p->saved);
    od_calibrator_free(p->fitted);
    free(p->calibrator_text);
    memset(p, 0, sizeof *p);
}
