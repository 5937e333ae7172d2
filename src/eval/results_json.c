/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/results_json.h"

#include "eval/coco_json.h"
#include "util/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* Takes over `value`. Out of memory leaves the object without that key. */
static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

json_t *od_interval_to_json(const od_interval *i)
{
    json_t *out = json_object();
    set(out, "value", number(i->value));
    set(out, "low", number(i->low));
    set(out, "high", number(i->high));
    set(out, "se", number(i->se));
    set(out, "excess", number(i->excess));
    set(out, "method", text_or_null(i->method));
    if (i->total) {
        set(out, "count", json_integer((json_int_t)i->count));
        set(out, "total", json_integer((json_int_t)i->total));
    }
    if (i->why_not) set(out, "why_not", json_string(i->why_not));
    return out;
}

/* The name that per_class uses for a class of `e` in `used`. */
static const char *class_key(const od_coco_eval *e, int64_t k, const json_t *used, char fallback[40])
{
    const char *name = od_coco_eval_class_name(e, k);
    snprintf(fallback, 40, "id %" PRId64, od_coco_eval_class_id(e, k));
    return name[0] && !json_object_get(used, name) ? name : fallback;
}

static json_t *info_json(const od_bootstrap_info *info, char *warning)
{
    json_t *out = json_object();
    set(out, "method", json_string(info->method));
    set(out, "level", json_real(info->level));
    set(out, "resamples", json_integer((json_int_t)info->num_resamples));
    set(out, "seed", json_integer((json_int_t)info->seed));
    set(out, "units", json_integer((json_int_t)info->units));
    set(out, "unit", json_string(info->grouped ? "group" : "image"));
    set(out, "images", json_integer((json_int_t)info->images));
    set(out, "warning", json_string(warning ? warning : ""));
    free(warning);
    return out;
}

/* Adds "stats" and "per_class" to `out`: what `item` makes of each statistic of all classes (k = -1) and of each class. */
static void set_stats(json_t *out, const od_coco_eval *e, const void *of, json_t *(*item)(const void *of, int64_t k, od_coco_stat stat))
{
    json_t *classes = json_object();
    char fallback[40];
    for (int64_t k = -1; k < od_coco_eval_num_classes(e); k++) {
        json_t *stats = json_object();
        for (int s = 0; s < OD_COCO_NUM_STATS; s++) {
            od_coco_stat stat = (od_coco_stat)s;
            set(stats, od_coco_stat_name(stat), item(of, k, stat));
        }
        if (k < 0)
            set(out, "stats", stats);
        else
            set(classes, class_key(e, k, classes, fallback), stats);
    }
    set(out, "per_class", classes);
}

static json_t *interval_item(const void *of, int64_t k, od_coco_stat stat)
{
    const od_bootstrap *b = of;
    od_interval i = k < 0 ? od_bootstrap_stat(b, stat) : od_bootstrap_class_stat(b, k, stat);
    return od_interval_to_json(&i);
}

json_t *od_bootstrap_to_json(const od_bootstrap *b, const od_coco_eval *e)
{
    od_bootstrap_info info = od_bootstrap_describe(b);
    json_t *out = info_json(&info, od_bootstrap_warning(b));
    set_stats(out, e, b, interval_item);
    return out;
}

static json_t *binary_json(const od_binary_figures *f)
{
    json_t *out = json_object();
    set(out, "positives", json_integer((json_int_t)f->positives));
    set(out, "negatives", json_integer((json_int_t)f->negatives));
    set(out, "threshold", number(f->threshold));
    set(out, "tp", json_integer((json_int_t)f->tp));
    set(out, "fp", json_integer((json_int_t)f->fp));
    set(out, "tn", json_integer((json_int_t)f->tn));
    set(out, "fn", json_integer((json_int_t)f->fn));
#define X(member) set(out, #member, od_interval_to_json(&f->member));
    X(accuracy) X(balanced_accuracy) X(sensitivity) X(specificity) X(ppv) X(npv) X(f1) X(mcc) X(roc_auc) X(pr_auc) X(majority)
#undef X
    return out;
}

static json_t *confusion_json(const od_label_figures *f)
{
    json_t *rows = json_array();
    for (int64_t i = 0; i < f->num_labels; i++) {
        json_t *row = json_array();
        for (int64_t j = 0; j < f->num_labels; j++)
            json_array_append_new(row, json_integer((json_int_t)f->confusion[i * f->num_labels + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *labels_json(const od_label_figures *f)
{
    json_t *out = json_object(), *names = json_array(), *each = json_array();
    set(out, "images", json_integer((json_int_t)f->images));
    set(out, "left_out", json_integer((json_int_t)f->left_out));
    if (f->why_not) set(out, "why_not", json_string(f->why_not));
    set(out, "threshold", number(f->threshold));
#define X(member) set(out, #member, od_interval_to_json(&f->member));
    X(accuracy) X(balanced_accuracy) X(macro_f1) X(mcc) X(majority)
#undef X
    set(out, "majority_name", text_or_null(f->majority_name));
    for (int64_t k = 0; k < f->num_labels; k++) {
        json_array_append_new(names, json_string(f->labels[k].name));
        json_array_append_new(each, binary_json(&f->labels[k]));
    }
    set(out, "labels", names);
    set(out, "confusion", confusion_json(f));
    set(out, "per_label", each);
    return out;
}

json_t *od_image_level_to_json(const od_image_level *l)
{
    json_t *out = json_object(), *classes = json_object();
    set(out, "images", json_integer((json_int_t)l->images));
    set(out, "null_images", json_integer((json_int_t)l->null_images));
    set(out, "units", json_integer((json_int_t)l->units));
    set(out, "unit", json_string(l->grouped ? "group" : "image"));
    set(out, "level", json_real(l->level));
    set(out, "all_classes", labels_json(&l->labels));
    for (int64_t k = 0; k < l->num_classes; k++) {
        const char *name = l->classes[k].name;
        char fallback[40];
        snprintf(fallback, sizeof fallback, "class %" PRId64, k);
        set(classes, json_object_get(classes, name) ? fallback : name, binary_json(&l->classes[k]));
    }
    set(out, "per_class", classes);
    set(out, "any_object", binary_json(&l->any));
    return out;
}

static json_t *difference_json(const od_difference *d)
{
    json_t *out = json_object();
    set(out, "a", number(d->a));
    set(out, "b", number(d->b));
    set(out, "difference", od_interval_to_json(&d->difference));
    set(out, "distinct", json_boolean(d->distinct));
    return out;
}

static json_t *image_differences_json(const od_image_comparison *images)
{
    json_t *out = json_array();
    for (int64_t i = 0; images && i < images->count; i++) {
        const od_image_difference *d = &images->items[i];
        json_t *item = json_object();
        set(item, "class", json_string(d->name));
        set(item, "figure", json_string(d->figure));
        set(item, "a", number(d->a));
        set(item, "b", number(d->b));
        set(item, "difference", od_interval_to_json(&d->difference));
        set(item, "only_a", json_integer((json_int_t)d->only_a));
        set(item, "only_b", json_integer((json_int_t)d->only_b));
        set(item, "p", number(d->p));
        set(item, "test", text_or_null(d->test));
        set(item, "distinct", json_boolean(d->distinct));
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *difference_item(const void *of, int64_t k, od_coco_stat stat)
{
    const od_compare *c = of;
    od_difference d = k < 0 ? od_compare_stat(c, stat) : od_compare_class_stat(c, k, stat);
    return difference_json(&d);
}

json_t *od_compare_to_json(const od_compare *c, const od_coco_eval *e, const od_image_comparison *images)
{
    od_bootstrap_info info = od_compare_describe(c);
    json_t *out = info_json(&info, od_compare_warning(c));
    set_stats(out, e, c, difference_item);
    set(out, "images", image_differences_json(images));
    return out;
}

od_status od_eval_write_json(const od_coco_eval *e, const od_bootstrap *b, const od_image_level *l, const char *path,
                             od_error *err)
{
    if (!od_coco_eval_stats(e)) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run");
    json_t *out = od_coco_eval_to_json(e);
    if (out && b) set(out, "intervals", od_bootstrap_to_json(b, e));
    if (out && l) set(out, "image_level", od_image_level_to_json(l));
    return od_json_write(out, path, err);
}

od_status od_compare_write_json(const od_compare *c, const od_coco_eval *e, const od_image_comparison *images,
                                const char *path, od_error *err)
{
    return od_json_write(od_compare_to_json(c, e, images), path, err);
}
