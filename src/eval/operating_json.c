/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/eval_json.h"


json_t *od_operating_point_to_json(const od_operating_point *p)
{
    json_t *out = json_pack("{s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "threshold", od_json_real(p->threshold), "tp", (json_int_t)p->tp, "fp",
                            (json_int_t)p->fp, "fn", (json_int_t)p->fn, "precision", od_json_interval(&p->precision), "recall",
                            od_json_interval(&p->recall), "f1", od_json_interval(&p->f1), "false_per_image",
                            od_json_real(p->false_per_image), "cost", od_json_real(p->cost));
    if (out && p->tn >= 0) {
        json_object_set_new(out, "tn", json_integer(p->tn));
        json_object_set_new(out, "specificity", od_json_interval(&p->specificity));
    }
    return out;
}

json_t *od_operating_curve_to_json(const od_operating_curve *c)
{
    json_t *points = json_array();
    for (size_t i = 0; points && i < c->num_points; i++) json_array_append_new(points, od_operating_point_to_json(&c->points[i]));
    return json_pack("{s:s,s:I,s:I,s:f,s:f,s:o}", "level", c->level == OD_LEVEL_BOX ? "box" : "image", "images", (json_int_t)c->images,
                     "objects", (json_int_t)c->objects, "cost_fp", c->cost_fp, "cost_fn", c->cost_fn, "points", points);
}

json_t *od_threshold_choice_to_json(const od_threshold_choice *c)
{
    return json_pack("{s:o,s:o,s:s,s:f,s:b,s:s,s:o}", "threshold", od_json_real(c->threshold), "interval", od_json_interval(&c->interval),
                     "rule", od_threshold_rule_name(c->rule), "bound", c->bound, "reached", c->reached, "reason", c->reason, "at",
                     od_operating_point_to_json(&c->at));
}

static json_t *reliability_json(const od_reliability *r)
{
    json_t *bins = json_array();
    for (int i = 0; bins && i < r->num_bins; i++)
        json_array_append_new(bins, json_pack("{s:f,s:f,s:I,s:o,s:o}", "low", r->bins[i].low, "high", r->bins[i].high, "count",
                                              (json_int_t)r->bins[i].count, "mean_score", od_json_real(r->bins[i].mean_score), "right",
                                              od_json_interval(&r->bins[i].right)));
    return json_pack("{s:I,s:o,s:o,s:o,s:o}", "count", (json_int_t)r->count, "ece", od_json_real(r->ece), "mce", od_json_real(r->mce), "brier",
                     od_json_real(r->brier), "bins", bins);
}

json_t *od_calibration_to_json(const od_calibration *c)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I}", "boxes", reliability_json(&c->boxes), "images", reliability_json(&c->images), "laece",
                     od_json_real(c->laece), "laece0", od_json_real(c->laece0), "laace0", od_json_real(c->laace0), "scores_outside_0_1",
                     (json_int_t)c->outside);
}
