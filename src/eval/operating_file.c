/* SPDX-License-Identifier: Apache-2.0
 *
 * operating_point.json: a threshold, its reason, a calibrator, and what they were fitted on.
 */
#include "eval/operating_file.h"

#include "eval/coco_json.h"
#include "eval/eval_json.h"
#include "util/alloc.h"
#include "util/error.h"
#include "util/file.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

const char *od_threshold_rule_name(od_threshold_rule rule)
{
    static const char *const names[] = {"f1", "cost", "min_sensitivity", "max_fp_per_image"};
    return (unsigned)rule < 4 ? names[rule] : "?";
}

/* What is only written, for people: which rule, and what it gave. */
static json_t *choice_json(const od_threshold_choice *c, const od_operating_options *o)
{
    json_t *out = json_pack("{s:s,s:s,s:f,s:f,s:f,s:s,s:f}", "rule", od_threshold_rule_name(c->rule), "level",
                            c->level == OD_LEVEL_BOX ? "box" : "image", "bound", c->bound, "cost_fp", o->cost_fp, "cost_fn", o->cost_fn,
                            "hit", o->match.hit == OD_HIT_IOU ? "iou" : "centre", "iou", o->match.iou);
    if (!out) return NULL;
    json_object_set_new(out, "threshold_interval", od_json_interval(&c->interval));
    json_object_set_new(out, "on_fit", od_operating_point_to_json(&c->at));
    return out;
}

od_status od_operating_file_create(od_operating_file **out, const od_coco_eval *fit, const char *fit_gt, const char *fit_dt,
                                   const od_threshold_choice *choice, const od_operating_options *o,
                                   const od_calibrator *calibrator, od_error *err)
{
    od_operating_options standard = od_operating_options_default();
    if (!(choice->threshold >= 0 && choice->threshold <= 1))
        return od_error_set(err, OD_ERR_UNSUPPORTED, "the threshold is %g; only scores from 0 to 1 can be kept with a model", choice->threshold);
    od_operating_file *f = od_calloc(1, sizeof *f);
    if (!f) return od_error_nomem(err, "the operating point");
    f->threshold = choice->threshold;
    f->reason = od_strdup(choice->reason);
    f->fit_gt = od_strdup(fit_gt ? fit_gt : "");
    f->fit_dt = od_strdup(fit_dt ? fit_dt : "");
    f->num_images = od_coco_eval_num_images(fit);
    f->choice = choice_json(choice, o ? o : &standard);
    int ok = f->reason && f->fit_gt && f->fit_dt && f->choice;
    od_status status = ok ? OD_OK : od_error_nomem(err, "the operating point");
    if (status == OD_OK) status = od_image_sketch(&f->images, fit, &f->by_id, err);
    if (status == OD_OK) status = od_group_sketch(&f->groups, fit, err);
    if (status == OD_OK && calibrator) { /* a copy */
        json_t *j = od_calibrator_to_json(calibrator);
        status = j ? od_calibrator_from_json(&f->calibrator, j, "the calibrator", err) : od_error_nomem(err, "the calibrator");
        json_decref(j);
    }
    if (status == OD_OK)
        *out = f;
    else
        od_operating_file_free(f);
    return status;
}

void od_operating_file_free(od_operating_file *f)
{
    if (!f) return;
    od_free(f->reason);
    od_free(f->fit_gt);
    od_free(f->fit_dt);
    od_free(f->checkpoint);
    json_decref(f->choice);
    od_name_sketch_deinit(&f->images);
    od_name_sketch_deinit(&f->groups);
    od_calibrator_free(f->calibrator);
    for (size_t i = 0; i < f->num_classes; i++) od_free(f->classes[i].name);
    od_free(f->classes);
    od_free(f);
}

static struct od_named_threshold *find_class(const od_operating_file *f, const char *class_name)
{
    for (size_t i = 0; i < f->num_classes; i++)
        if (!strcmp(f->classes[i].name, class_name)) return &f->classes[i];
    return NULL;
}

od_status od_operating_file_set_class(od_operating_file *f, const char *class_name, double threshold, od_error *err)
{
    struct od_named_threshold *old = find_class(f, class_name);
    if (!(threshold >= 0 && threshold <= 1))
        return od_error_set(err, OD_ERR_UNSUPPORTED, "the threshold of class '%s' is %g; only scores from 0 to 1 can be kept with a model", class_name, threshold);
    if (old) {
        old->threshold = threshold;
        return OD_OK;
    }
    if (od_grow(&f->classes, &f->classes_capacity, f->num_classes + 1, sizeof *f->classes)) return od_error_nomem(err, "the operating point");
    char *name = od_strdup(class_name);
    if (!name) return od_error_nomem(err, "the operating point");
    f->classes[f->num_classes++] = (struct od_named_threshold){name, threshold};
    return OD_OK;
}

double od_operating_file_class_threshold(const od_operating_file *f, const char *class_name)
{
    const struct od_named_threshold *own = class_name ? find_class(f, class_name) : NULL;
    return own ? own->threshold : f->threshold;
}

int64_t od_operating_file_num_class_thresholds(const od_operating_file *f)
{
    return (int64_t)f->num_classes;
}

static json_t *classes_json(const od_operating_file *f)
{
    json_t *out = json_object();
    for (size_t i = 0; out && i < f->num_classes; i++) json_object_set_new(out, f->classes[i].name, json_real(f->classes[i].threshold));
    return out;
}

od_status od_operating_file_set_checkpoint(od_operating_file *f, const char *checkpoint, od_error *err)
{
    char *copy = checkpoint ? od_strdup(checkpoint) : NULL;
    if (checkpoint && !copy) return od_error_nomem(err, "the operating point");
    od_free(f->checkpoint);
    f->checkpoint = copy;
    return OD_OK;
}

od_status od_operating_file_save(const od_operating_file *f, const char *path, od_error *err)
{
    json_t *fit = json_pack("{s:s,s:s,s:I,s:b,s:o,s:I,s:o}", "gt", f->fit_gt, "dt", f->fit_dt, "images", (json_int_t)f->num_images,
                            "by_id", f->by_id, "image_hashes", od_name_sketch_to_json(&f->images), "groups",
                            (json_int_t)f->groups.total, "group_hashes", od_name_sketch_to_json(&f->groups));
    json_t *out = json_pack("{s:s,s:i,s:f,s:s,s:O,s:s?,s:o,s:o}", "format", OD_OPERATING_FORMAT, "version", 1, "threshold",
                            f->threshold, "reason", f->reason, "choice", f->choice, "checkpoint", f->checkpoint, "calibrator",
                            f->calibrator ? od_calibrator_to_json(f->calibrator) : json_null(), "fit", fit);
    if (out && f->num_classes) json_object_set_new(out, "class_thresholds", classes_json(f));
    return od_json_write(out, path, err);
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

static od_status read_string(const json_t *j, const char *field, const char *path, char **out, od_error *err)
{
    const char *text = json_string_value(json_object_get(j, field));
    if (!text) return od_error_set(err, OD_ERR_FORMAT, "%s: %s is missing or not a string", path, field);
    *out = od_strdup(text);
    return *out ? OD_OK : od_error_nomem(err, path);
}

static od_status read_count(const json_t *j, const char *field, const char *path, int64_t *out, od_error *err)
{
    const json_t *v = json_object_get(j, field);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return od_error_set(err, OD_ERR_FORMAT, "%s: fit: %s is missing or not a whole number of 0 or more", path, field);
    *out = json_integer_value(v);
    return OD_OK;
}

static od_status read_fit(od_operating_file *f, const json_t *fit, const char *path, od_error *err)
{
    int64_t groups = 0;
    char where[600];
    if (!json_is_object(fit)) return od_error_set(err, OD_ERR_FORMAT, "%s: fit is missing or not an object", path);
    OD_TRY(read_string(fit, "gt", path, &f->fit_gt, err));
    OD_TRY(read_string(fit, "dt", path, &f->fit_dt, err));
    OD_TRY(read_count(fit, "images", path, &f->num_images, err));
    OD_TRY(read_count(fit, "groups", path, &groups, err));
    f->by_id = json_is_true(json_object_get(fit, "by_id"));
    snprintf(where, sizeof where, "%.500s: fit: image_hashes", path);
    OD_TRY(od_name_sketch_from_json(&f->images, json_object_get(fit, "image_hashes"), f->num_images, where, err));
    snprintf(where, sizeof where, "%.500s: fit: group_hashes", path);
    return od_name_sketch_from_json(&f->groups, json_object_get(fit, "group_hashes"), groups, where, err);
}

static od_status read_threshold(od_operating_file *f, const json_t *j, const char *path, od_error *err)
{
    const json_t *v = json_object_get(j, "threshold");
    if (!json_is_number(v)) return od_error_set(err, OD_ERR_FORMAT, "%s: threshold is missing or not a number", path);
    f->threshold = json_number_value(v);
    if (f->threshold >= 0 && f->threshold <= 1) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s: threshold is %g; expected 0 to 1", path, f->threshold);
}

/* {"cat": .4}; may be missing. */
static od_status read_classes(od_operating_file *f, const json_t *classes, const char *path, od_error *err)
{
    const char *name;
    json_t *value;
    if (!classes) return OD_OK;
    if (!json_is_object(classes)) return od_error_set(err, OD_ERR_FORMAT, "%s: class_thresholds is not an object", path);
    json_object_foreach((json_t *)(uintptr_t)classes, name, value) {
        double threshold = json_is_number(value) ? json_number_value(value) : -1;
        if (!(threshold >= 0 && threshold <= 1))
            return od_error_set(err, OD_ERR_FORMAT, "%s: class_thresholds: that of '%.100s' is not a number from 0 to 1", path, name);
        OD_TRY(od_operating_file_set_class(f, name, threshold, err));
    }
    return OD_OK;
}

static od_status read_all(od_operating_file *f, const json_t *j, const char *path, od_error *err)
{
    const char *format = json_string_value(json_object_get(j, "format"));
    json_int_t version = json_integer_value(json_object_get(j, "version"));
    if (!format || strcmp(format, OD_OPERATING_FORMAT))
        return od_error_set(err, OD_ERR_FORMAT, "%s: format is '%s'; expected '%s', as objdet threshold --save_to writes it", path,
                            format ? format : "", OD_OPERATING_FORMAT);
    if (version != 1)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "%s: version is %lld; this objdet reads version 1", path, (long long)version);
    OD_TRY(read_threshold(f, j, path, err));
    OD_TRY(read_classes(f, json_object_get(j, "class_thresholds"), path, err));
    OD_TRY(read_string(j, "reason", path, &f->reason, err));
    const char *checkpoint = json_string_value(json_object_get(j, "checkpoint"));
    if (checkpoint && !(f->checkpoint = od_strdup(checkpoint))) return od_error_nomem(err, path);
    f->choice = json_incref(json_object_get(j, "choice"));
    if (!json_is_object(f->choice)) return od_error_set(err, OD_ERR_FORMAT, "%s: choice is missing or not an object", path);
    json_t *calibrator = json_object_get(j, "calibrator");
    if (calibrator && !json_is_null(calibrator)) OD_TRY(od_calibrator_from_json(&f->calibrator, calibrator, path, err));
    return read_fit(f, json_object_get(j, "fit"), path, err);
}

od_status od_operating_file_load(od_operating_file **out, const char *path, od_error *err)
{
    od_file_view view;
    json_error_t why;
    OD_TRY(od_file_view_open(&view, path, err));
    json_t *j = json_loadb((const char *)view.data, view.size, JSON_REJECT_DUPLICATES, &why);
    od_file_view_close(&view);
    if (!j) return od_error_set(err, OD_ERR_FORMAT, "%s: line %d: %s", path, why.line, why.text);
    od_operating_file *f = od_calloc(1, sizeof *f);
    od_status status = f ? read_all(f, j, path, err) : od_error_nomem(err, path);
    json_decref(j);
    if (status == OD_OK)
        *out = f;
    else
        od_operating_file_free(f);
    return status;
}

double od_operating_file_threshold(const od_operating_file *f)
{
    return f->threshold;
}

const char *od_operating_file_reason(const od_operating_file *f)
{
    return f->reason;
}

const char *od_operating_file_fit_gt(const od_operating_file *f)
{
    return f->fit_gt;
}

const char *od_operating_file_fit_dt(const od_operating_file *f)
{
    return f->fit_dt;
}

int64_t od_operating_file_num_images(const od_operating_file *f)
{
    return f->num_images;
}

const char *od_operating_file_checkpoint(const od_operating_file *f)
{
    return f->checkpoint;
}

const od_calibrator *od_operating_file_calibrator(const od_operating_file *f)
{
    return f->calibrator;
}
