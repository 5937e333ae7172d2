/* SPDX-License-Identifier: Apache-2.0
 *
 * Localisation, errors, operating curves and calibration of all classes together and of each, as one document.
 */
#include "eval/coco_eval.h"
#include "eval/coco_json.h"
#include "eval/eval_json.h"
#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct details {
    const od_coco_eval *e;
    const od_localisation_options *o;
    json_t *document;
} details;

/* "all", or the class's name; "id N" where that is empty, taken or "all". */
static const char *key_of(const details *d, const json_t *object, int64_t k, char buffer[40])
{
    if (k < 0) return "all";
    const char *name = od_coco_eval_class_name(d->e, k);
    snprintf(buffer, 40, "id %" PRId64, od_coco_eval_class_id(d->e, k));
    return name[0] && !json_object_get(object, name) ? name : buffer;
}

static od_status set(json_t *object, const char *key, json_t *value, od_error *err)
{
    return json_object_set_new(object, key, value) ? od_error_nomem(err, "the details") : OD_OK;
}

static od_status froc_of(const details *d, int64_t k, json_t **out, od_error *err)
{
    od_froc f;
    OD_TRY(od_froc_compute(&f, d->e, k, d->o, err));
    *out = od_froc_to_json(&f);
    od_froc_deinit(&f);
    return OD_OK;
}

static od_status jafroc_of(const details *d, int64_t k, json_t **out, od_error *err)
{
    od_jafroc j;
    OD_TRY(od_jafroc_compute(&j, d->e, k, d->o, err));
    *out = od_jafroc_to_json(&j);
    return OD_OK;
}

static od_status null_images_of(const details *d, int64_t k, json_t **out, od_error *err)
{
    od_null_images n;
    OD_TRY(od_null_images_compute(&n, d->e, k, d->o, err));
    *out = od_null_images_to_json(&n, d->e);
    od_null_images_deinit(&n);
    return OD_OK;
}

/* With many classes each one's curve has every fifth point: 21 thresholds instead of 101. */
static void thin(const details *d, int64_t k, od_operating_curve *c)
{
    enum { MANY = 20, STEP = 5 };
    if (k < 0 || od_coco_eval_num_classes(d->e) <= MANY) return;
    size_t n = 0;
    for (size_t i = 0; i < c->num_points; i += STEP) c->points[n++] = c->points[i];
    c->num_points = n;
}

static od_status curve_of(const details *d, int64_t k, od_level level, json_t *into, od_error *err)
{
    od_operating_options options = od_operating_options_default();
    options.match = *d->o;
    od_operating_curve c;
    OD_TRY(od_operating_curve_compute(&c, d->e, k, level, &options, err));
    thin(d, k, &c);
    json_t *j = od_operating_curve_to_json(&c);
    od_operating_curve_deinit(&c);
    return set(into, level == OD_LEVEL_BOX ? "box" : "image", j, err);
}

static od_status operating_of(const details *d, int64_t k, json_t **out, od_error *err)
{
    od_operating_options options = od_operating_options_default();
    options.match = *d->o;
    od_threshold_choice choice;
    od_error why = {0};
    json_t *both = json_object();
    od_status status = both ? curve_of(d, k, OD_LEVEL_BOX, both, err) : od_error_nomem(err, "the details");
    if (status == OD_OK) status = curve_of(d, k, OD_LEVEL_IMAGE, both, err);
    if (status == OD_OK) { /* a class without objects has no best threshold */
        od_status chosen = od_threshold_choose(&choice, d->e, k, OD_LEVEL_BOX, OD_RULE_F1, 0, &options, &why);
        if (chosen == OD_OK)
            status = set(both, "best_f1", od_threshold_choice_to_json(&choice), err);
        else if (chosen != OD_ERR_MISMATCH)
            status = od_error_set(err, chosen, "%s", why.message);
    }
    if (status == OD_OK)
        *out = both;
    else
        json_decref(both);
    return status;
}

typedef od_status (*part_fn)(const details *d, int64_t k, json_t **out, od_error *err);

static od_status add_part(details *d, const char *name, part_fn part, od_error *err)
{
    json_t *object = json_object();
    OD_TRY(set(d->document, name, object, err));
    int64_t classes = od_coco_eval_num_classes(d->e);
    for (int64_t k = -1; k < classes; k++) {
        char buffer[40];
        json_t *value = NULL;
        OD_TRY(part(d, k, &value, err));
        OD_TRY(set(object, key_of(d, object, k, buffer), value, err));
    }
    return OD_OK;
}

static od_status add_whole(details *d, od_error *err)
{
    od_lrps l;
    od_tide t;
    od_tide_options tide = od_tide_options_default();
    if (d->o->hit == OD_HIT_IOU && d->o->iou < 1) {
        OD_TRY(od_lrp_compute(&l, d->e, d->o, err));
        json_t *j = od_lrps_to_json(&l, d->e);
        od_lrps_deinit(&l);
        OD_TRY(set(d->document, "lrp", j, err));
        tide.iou = d->o->iou;
        if (tide.background_iou > tide.iou) tide.background_iou = tide.iou;
    }
    tide.num_threads = d->o->num_threads;
    tide.num_resamples = d->o->num_resamples;
    tide.level = d->o->level;
    tide.seed = d->o->seed;
    OD_TRY(od_tide_compute(&t, d->e, &tide, err));
    OD_TRY(set(d->document, "tide", od_tide_to_json(&t), err));
    od_calibration_options options = od_calibration_options_default();
    options.match = *d->o;
    od_calibration *c = od_malloc(1, sizeof *c);
    od_status status = c ? od_calibration_compute(c, d->e, NULL, &options, err) : od_error_nomem(err, "the details");
    if (status == OD_OK) status = set(d->document, "calibration", od_calibration_to_json(c), err);
    od_free(c);
    return status;
}

od_status od_coco_eval_write_details(const od_coco_eval *e, const od_localisation_options *options, const char *path, od_error *err)
{
    od_localisation_options standard = od_localisation_options_default();
    details d = {e, options ? options : &standard, json_object()};
    if (!d.document) return od_error_nomem(err, path);
    od_status status;
    OD_TRY_GOTO(add_part(&d, "froc", froc_of, err));
    OD_TRY_GOTO(add_part(&d, "jafroc", jafroc_of, err));
    OD_TRY_GOTO(add_part(&d, "null_images", null_images_of, err));
    OD_TRY_GOTO(add_part(&d, "operating", operating_of, err));
    OD_TRY_GOTO(add_whole(&d, err));
    status = od_json_write_compact(d.document, path, err);
    d.document = NULL;
done:
    json_decref(d.document);
    return status;
}
