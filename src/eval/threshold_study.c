/* SPDX-License-Identifier: Apache-2.0
 *
 * A threshold and a calibrator fitted on one set, and what they are worth on another.
 */
#include "eval/calibrator.h"
#include "eval/coco_eval.h"
#include "eval/coco_json.h"
#include "eval/eval_json.h"
#include "eval/operating_file.h"
#include "util/alloc.h"
#include "util/error.h"
#include "util/strbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ISOTONIC_FROM = 200 };

od_threshold_study_options od_threshold_study_options_default(void)
{
    return (od_threshold_study_options){.operating = od_operating_options_default(), .class_index = -1,
                                        .calibrator = OD_CALIBRATOR_AUTO};
}

static od_calibration_options calibration_options(const od_threshold_study_options *o)
{
    od_calibration_options c = od_calibration_options_default();
    c.match = o->operating.match;
    return c;
}

/* Too few detections are no error: the study goes on without a calibrator. */
static od_status fit_calibrator(od_threshold_study *s, const od_coco_eval *fit, const od_threshold_study_options *o, od_error *err)
{
    od_calibration_options options = calibration_options(o);
    od_error why = {0};
    if (o->calibrator == OD_CALIBRATOR_NONE) {
        snprintf(s->no_calibrator, sizeof s->no_calibrator, "none was asked for");
        return OD_OK;
    }
    od_calibrator_kind kind = o->calibrator == OD_CALIBRATOR_AUTO ? OD_CALIBRATOR_PLATT : (od_calibrator_kind)o->calibrator;
    od_status status = od_calibrator_fit(&s->calibrator, fit, kind, &options, &why);
    if (status == OD_OK && o->calibrator == OD_CALIBRATOR_AUTO && s->calibrator->all.right >= ISOTONIC_FROM &&
        s->calibrator->all.wrong >= ISOTONIC_FROM) {
        od_calibrator_free(s->calibrator);
        s->calibrator = NULL;
        status = od_calibrator_fit(&s->calibrator, fit, OD_CALIBRATOR_ISOTONIC, &options, &why);
    }
    if (status == OD_OK) return OD_OK;
    if (status != OD_ERR_MISMATCH) return od_error_set(err, status, "%s", why.message);
    snprintf(s->no_calibrator, sizeof s->no_calibrator, "%.*s", (int)sizeof s->no_calibrator - 1, why.message);
    return OD_OK;
}

static od_status calibrate(const od_threshold_study *s, const od_coco_eval *e, const od_threshold_study_options *o, od_calibration *raw,
                           od_calibration *calibrated, od_error *err)
{
    od_calibration_options options = calibration_options(o);
    OD_TRY(od_calibration_compute(raw, e, NULL, &options, err));
    return od_calibration_compute(calibrated, e, s->calibrator, &options, err);
}

/* The class of `test` that is called as the one of `fit`. */
static od_status find_class(const od_coco_eval *fit, const od_coco_eval *test, int64_t class_index, int64_t *out, od_error *err)
{
    *out = -1;
    if (class_index < 0) return OD_OK;
    const char *name = od_coco_eval_class_name(fit, class_index);
    for (int64_t k = 0; k < od_coco_eval_num_classes(test); k++)
        if (name[0] ? !strcmp(name, od_coco_eval_class_name(test, k)) : od_coco_eval_class_id(fit, class_index) == od_coco_eval_class_id(test, k)) {
            *out = k;
            return OD_OK;
        }
    return od_error_set(err, OD_ERR_MISMATCH, "the test set has no class '%s'", name);
}

static od_status judge(od_threshold_study *s, const od_coco_eval *fit, const od_coco_eval *test, const od_threshold_study_options *o,
                       od_error *err)
{
    int64_t class_index;
    OD_TRY(find_class(fit, test, o->class_index, &class_index, err));
    OD_TRY(od_coco_eval_overlap(fit, test, &s->overlap, err));
    s->has_test = 1;
    s->held_out = !s->overlap.images_seen && !s->overlap.groups_seen;
    OD_TRY(od_operating_point_compute(&s->test, test, class_index, o->level, s->choice.threshold, &o->operating, err));
    return calibrate(s, test, o, &s->test_raw, &s->test_calibrated, err);
}

/* A class without objects or detections has none of its own. */
static od_status choose_class(od_class_threshold *c, const od_coco_eval *fit, const od_coco_eval *test, int64_t k, const od_threshold_study_options *o,
                              od_error *err)
{
    od_error why = {0};
    int64_t there;
    c->name = od_coco_eval_class_name(fit, k);
    od_status status = od_threshold_choose(&c->choice, fit, k, o->level, o->rule, o->bound, &o->operating, &why);
    if (status == OD_ERR_MISMATCH) {
        snprintf(c->why_not, sizeof c->why_not, "%.255s", why.message);
        return OD_OK;
    }
    if (status != OD_OK) return od_error_set(err, status, "%s", why.message);
    c->chosen = 1;
    if (!test || find_class(fit, test, k, &there, NULL) != OD_OK) return OD_OK;
    c->has_test = 1;
    return od_operating_point_compute(&c->test, test, there, o->level, c->choice.threshold, &o->operating, err);
}

static od_status choose_classes(od_threshold_study *s, const od_coco_eval *fit, const od_coco_eval *test, const od_threshold_study_options *o, od_error *err)
{
    int64_t n = od_coco_eval_num_classes(fit);
    if (!o->per_class || !n) return OD_OK;
    s->classes = od_calloc((size_t)n, sizeof *s->classes);
    if (!s->classes) return od_error_nomem(err, "the classes' thresholds");
    for (; s->num_classes < n; s->num_classes++) OD_TRY(choose_class(&s->classes[s->num_classes], fit, test, s->num_classes, o, err));
    return OD_OK;
}

static od_status run(od_threshold_study *s, const od_coco_eval *fit, const od_coco_eval *test, const od_threshold_study_options *o,
                     od_error *err)
{
    OD_TRY(od_threshold_choose(&s->choice, fit, o->class_index, o->level, o->rule, o->bound, &o->operating, err));
    OD_TRY(choose_classes(s, fit, test, o, err));
    OD_TRY(fit_calibrator(s, fit, o, err));
    OD_TRY(calibrate(s, fit, o, &s->fit_raw, &s->fit_calibrated, err));
    return test ? judge(s, fit, test, o, err) : OD_OK;
}

od_status od_threshold_study_run(od_threshold_study **out, const od_coco_eval *fit, const od_coco_eval *test,
                                 const od_threshold_study_options *options, od_error *err)
{
    od_threshold_study_options standard = od_threshold_study_options_default();
    od_threshold_study *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, "the choice of a threshold");
    od_status status = run(s, fit, test, options ? options : &standard, err);
    if (status == OD_OK)
        *out = s;
    else
        od_threshold_study_free(s);
    return status;
}

void od_threshold_study_free(od_threshold_study *s)
{
    if (!s) return;
    od_calibrator_free(s->calibrator);
    od_free(s->classes);
    od_free(s);
}

static void explain_overlap(od_strbuf *b, const od_threshold_study *s, const od_coco_eval *test, const char *fit_name, const char *test_name)
{
    const od_overlap *o = &s->overlap;
    if (o->images_seen) {
        const char *first = od_coco_eval_image_name(test, o->first_image);
        char id[40];
        snprintf(id, sizeof id, "id %" PRId64, od_coco_eval_image_id(test, o->first_image));
        od_strbuf_printf(b, "%" PRId64 " of the %" PRId64 " images of %s were used for fitting too (they are in %s; first: %s%s): its figures "
                            "are NOT held out; they are too good.\n", o->images_seen, o->images, test_name, fit_name, first[0] ? first : id,
                         o->by_id ? "; by id, since there are no file names" : "");
    }
    if (o->groups_seen)
        od_strbuf_printf(b, "%" PRId64 " of the %" PRId64 " groups of %s were used for fitting too (they are in %s; first: %s): its figures "
                            "are NOT held out.\n", o->groups_seen, o->groups, test_name, fit_name, o->first_group);
    if (s->held_out)
        od_strbuf_printf(b, "The figures of %s are held out: none of its %" PRId64 " images%s was used to choose the threshold or to fit the "
                            "calibrator (by file name; copies under other names are found by objdet data check).\n",
                         test_name, o->images, o->groups ? " and groups" : "");
}

char *od_threshold_study_explain(const od_threshold_study *s, const od_coco_eval *test, const char *fit_name, const char *test_name)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "The figures of %s are of the images that the threshold%s, so they are too good.\n", fit_name,
                     s->calibrator ? " was chosen and the calibrator fitted on" : " was chosen on");
    if (s->has_test)
        explain_overlap(&b, s, test, fit_name, test_name);
    else
        od_strbuf_puts(&b, "Nothing was held out: what to expect of other images needs the ground truth and detections of a test set "
                           "(--gt, --dt).\n");
    if (!s->calibrator) od_strbuf_printf(&b, "No calibrator: %s.\n", s->no_calibrator);
    if (!od_strbuf_failed(&b)) return b.data;
    od_strbuf_deinit(&b);
    return NULL;
}

static json_t *classes_json(const od_threshold_study *s)
{
    json_t *out = json_object();
    for (int64_t k = 0; out && k < s->num_classes; k++) {
        const od_class_threshold *c = &s->classes[k];
        json_t *one = c->chosen ? json_pack("{s:o,s:o}", "choice", od_threshold_choice_to_json(&c->choice), "test",
                                            c->has_test ? od_operating_point_to_json(&c->test) : json_null())
                                : json_pack("{s:s}", "why_not", c->why_not);
        json_object_set_new(out, c->name, one);
    }
    return out;
}

od_status od_threshold_study_write_json(const od_threshold_study *s, const char *path, od_error *err)
{
    json_t *fit = json_pack("{s:o,s:o}", "calibration", od_calibration_to_json(&s->fit_raw), "calibrated",
                            s->calibrator ? od_calibration_to_json(&s->fit_calibrated) : json_null());
    json_t *test = json_null();
    if (s->has_test)
        test = json_pack("{s:b,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "held_out", s->held_out, "images", (json_int_t)s->overlap.images, "images_seen",
                         (json_int_t)s->overlap.images_seen, "groups", (json_int_t)s->overlap.groups, "groups_seen",
                         (json_int_t)s->overlap.groups_seen, "at", od_operating_point_to_json(&s->test), "calibration",
                         od_calibration_to_json(&s->test_raw), "calibrated",
                         s->calibrator ? od_calibration_to_json(&s->test_calibrated) : json_null());
    json_t *out = json_pack("{s:o,s:o,s:o,s:o}", "choice", od_threshold_choice_to_json(&s->choice), "calibrator",
                            s->calibrator ? od_calibrator_to_json(s->calibrator) : json_null(), "fit", fit, "test", test);
    if (out && s->classes) json_object_set_new(out, "classes", classes_json(s));
    return od_json_write(out, path, err);
}
