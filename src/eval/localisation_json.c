/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/eval_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

json_t *od_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *od_json_interval(const od_interval *i)
{
    json_t *out = json_pack("{s:o,s:o,s:o}", "value", od_json_real(i->value), "low", od_json_real(i->low), "high", od_json_real(i->high));
    if (!out) return NULL;
    if (i->method) json_object_set_new(out, "method", json_string(i->method));
    if (i->why_not) json_object_set_new(out, "why_not", json_string(i->why_not));
    if (i->total > 0) {
        json_object_set_new(out, "count", json_integer(i->count));
        json_object_set_new(out, "total", json_integer(i->total));
    }
    return out;
}

static json_t *rate_json(const od_froc *f, int i)
{
    return json_pack("{s:f,s:o,s:o,s:o}", "false_per_image", od_froc_rates[i], "sensitivity", od_json_interval(&f->sensitivity[i]),
                     "threshold", od_json_real(f->threshold[i]), "interpolated", od_json_real(f->interpolated[i]));
}

json_t *od_froc_to_json(const od_froc *f)
{
    json_t *points = json_array(), *rates = json_array();
    for (size_t i = 0; points && i < f->num_points; i++)
        json_array_append_new(points, json_pack("[o,o,o]", od_json_real(f->points[i].threshold), od_json_real(f->points[i].false_per_image),
                                                od_json_real(f->points[i].sensitivity)));
    for (int i = 0; rates && i < OD_FROC_NUM_RATES; i++) json_array_append_new(rates, rate_json(f, i));
    return json_pack("{s:I,s:I,s:o,s:o,s:o,s:o}", "images", (json_int_t)f->images, "objects", (json_int_t)f->objects, "at", rates, "mean",
                     od_json_interval(&f->mean), "interpolated_mean", od_json_real(f->interpolated_mean), "points", points);
}

json_t *od_jafroc_to_json(const od_jafroc *j)
{
    return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "images", (json_int_t)j->images, "null_images", (json_int_t)j->null_images, "objects",
                     (json_int_t)j->objects, "jafroc", od_json_interval(&j->jafroc), "jafroc1", od_json_interval(&j->jafroc1), "wafroc",
                     od_json_interval(&j->wafroc), "wafroc1", od_json_interval(&j->wafroc1));
}

static json_t *spread_json(const od_score_spread *s)
{
    json_t *histogram = json_array(), *quantiles = json_array(), *rates = json_array();
    for (int i = 0; i < OD_SCORE_BINS; i++) {
        json_array_append_new(histogram, json_integer(s->histogram[i]));
        json_array_append_new(rates, od_json_real(s->false_per_image_at[i]));
    }
    for (int i = 0; i < OD_SCORE_QUANTILES; i++) json_array_append_new(quantiles, od_json_real(s->quantile[i]));
    return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "images", (json_int_t)s->images, "unmarked", (json_int_t)s->unmarked,
                     "false_detections", (json_int_t)s->false_detections, "false_per_image", od_json_interval(&s->false_per_image),
                     "images_with_false", od_json_interval(&s->images_with_false), "highest_score_histogram", histogram,
                     "highest_score_quantiles", quantiles, "false_per_image_at", rates);
}

json_t *od_null_images_to_json(const od_null_images *n, const od_coco_eval *e)
{
    enum { MOST = 100 };
    json_t *out = json_pack("{s:f}", "score_threshold", n->score_threshold), *worst = json_array();
    for (int k = 0; out && k < OD_IMAGE_NUM_KINDS; k++)
        json_object_set_new(out, od_image_kind_name((od_image_kind)k), spread_json(&n->of[k]));
    for (size_t i = 0; worst && i < n->num_worst && i < MOST; i++)
        json_array_append_new(worst, json_pack("{s:s,s:I,s:f}", "file_name", od_coco_eval_image_name(e, n->worst[i]), "image_id",
                                               (json_int_t)od_coco_eval_image_id(e, n->worst[i]), "score", n->worst_score[i]));
    if (out) json_object_set_new(out, "worst", worst);
    return out;
}

static json_t *lrp_json(const od_lrp *l)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "lrp", od_json_interval(&l->lrp), "localisation", od_json_real(l->localisation),
                     "false_share", od_json_real(l->false_share), "missed_share", od_json_real(l->missed_share), "threshold",
                     od_json_real(l->threshold), "found", (json_int_t)l->found, "false_detections", (json_int_t)l->false_detections,
                     "missed", (json_int_t)l->missed);
}

json_t *od_lrps_to_json(const od_lrps *l, const od_coco_eval *e)
{
    json_t *classes = json_object();
    for (size_t k = 0; classes && k < l->num_classes; k++) {
        const char *name = od_coco_eval_class_name(e, (int64_t)k);
        char fallback[40];
        snprintf(fallback, sizeof fallback, "id %" PRId64, od_coco_eval_class_id(e, (int64_t)k));
        json_object_set_new(classes, name[0] && !json_object_get(classes, name) ? name : fallback, lrp_json(&l->classes[k]));
    }
    return json_pack("{s:o,s:o,s:o}", "mean", lrp_json(&l->mean), "together", lrp_json(&l->together), "classes", classes);
}

json_t *od_tide_to_json(const od_tide *t)
{
    json_t *kinds = json_object();
    for (int k = 0; kinds && k < OD_FAILURE_NUM_KINDS; k++)
        json_object_set_new(kinds, od_failure_kind_name((od_failure_kind)k),
                            json_pack("{s:s,s:I,s:o,s:o}", "tide", od_failure_kind_tide((od_failure_kind)k), "count", (json_int_t)t->count[k],
                                      "ap_cost", od_json_real(t->cost[k]), "interval", od_json_interval(&t->cost_interval[k])));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "ap", od_json_real(t->ap), "kinds", kinds, "false_positive_cost", od_json_real(t->false_positive_cost),
                     "false_positive_interval", od_json_interval(&t->false_positive_interval), "false_negative_cost", od_json_real(t->false_negative_cost),
                     "false_negative_interval", od_json_interval(&t->false_negative_interval));
}
