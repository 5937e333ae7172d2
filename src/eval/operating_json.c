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

/* A curve's columns: a hundred points as objects would repeat every name a hundred times. */
static const char *const columns[] = {"threshold", "tp", "fp", "fn", "tn", "precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high", "f1",
                                      "f1_low", "f1_high", "specificity", "specificity_low", "specificity_high", "false_per_image", "cost"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void add_interval(json_t *row, const od_interval *i)
{
    json_array_append_new(row, od_json_real(i->value));
    json_array_append_new(row, od_json_real(i->low));
    json_array_append_new(row, od_json_real(i->high));
}

static json_t *row_of(const od_operating_point *p)
{
    json_t *row = json_pack("[o,I,I,I]", od_json_real(p->threshold), (json_int_t)p->tp, (json_int_t)p->fp, (json_int_t)p->fn);
    if (!row) return NULL;
    json_array_append_new(row, p->tn >= 0 ? json_integer(p->tn) : json_null());
    add_interval(row, &p->precision);
    add_interval(row, &p->recall);
    add_interval(row, &p->f1);
    add_interval(row, &p->specificity);
    json_array_append_new(row, od_json_real(p->false_per_image));
    json_array_append_new(row, od_json_real(p->cost));
    return row;
}

/* Columns that have nothing anywhere (true negatives of boxes) are left out. */
static json_t *without_empty(json_t *rows, json_t *names)
{
    json_t *row;
    size_t i;
    for (size_t k = COLUMNS; k-- > 0;) {
        int used = 0;
        json_array_foreach(rows, i, row) used |= !json_is_null(json_array_get(row, k));
        if (used) continue;
        json_array_foreach(rows, i, row) json_array_remove(row, k);
        json_array_remove(names, k);
    }
    return rows;
}

json_t *od_operating_curve_to_json(const od_operating_curve *c)
{
    json_t *rows = json_array(), *names = json_array();
    for (size_t k = 0; names && k < COLUMNS; k++) json_array_append_new(names, json_string(columns[k]));
    for (size_t i = 0; rows && i < c->num_points; i++) json_array_append_new(rows, row_of(&c->points[i]));
    if (rows && names) without_empty(rows, names);
    return json_pack("{s:s,s:I,s:I,s:f,s:f,s:o,s:o}", "level", c->level == OD_LEVEL_BOX ? "box" : "image", "images", (json_int_t)c->images,
                     "objects", (json_int_t)c->objects, "cost_fp", c->cost_fp, "cost_fn", c->cost_fn, "columns", names, "rows", rows);
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
