/* SPDX-License-Identifier: Apache-2.0
 *
 * How well objects are found: FROC, JAFROC, images without objects, LRP, TIDE, and the list of failures.
 */
#include "report/mask_overlay.h"
#include "report/report_data.h"
#include "util/alloc.h"

#include <string.h>

static od_localisation_options options_of(const od_report *r, int with_intervals)
{
    od_localisation_options o = od_localisation_options_default();
    o.score_threshold = r->threshold;
    o.num_resamples = with_intervals ? r->o->num_resamples : 0;
    o.seed = r->o->seed;
    o.num_threads = r->o->num_threads;
    return o;
}

static od_status gather_class_parts(od_report *r, od_error *err)
{
    od_report_localisation *l = &r->localisation;
    int64_t n = od_coco_eval_num_classes(r->test);
    if (n > OD_REPORT_MAX_CLASS_DETAILS || n < 2) return OD_OK;
    od_localisation_options o = options_of(r, 1);
    l->class_nulls = od_calloc((size_t)n, sizeof *l->class_nulls);
    l->class_frocs = od_calloc((size_t)n, sizeof *l->class_frocs);
    if (!l->class_nulls || !l->class_frocs) return od_error_nomem(err, "the report");
    for (; l->num_class_parts < n; l->num_class_parts++) {
        OD_TRY(od_null_images_compute(&l->class_nulls[l->num_class_parts], r->test, l->num_class_parts, &o, err));
        od_status status = od_froc_compute(&l->class_frocs[l->num_class_parts], r->test, l->num_class_parts, &o, err);
        if (status != OD_OK) {
            od_null_images_deinit(&l->class_nulls[l->num_class_parts]);
            return status;
        }
    }
    return OD_OK;
}

/* Intervals of the costs need the walk through all detections again and again, so not of very many. They come from the jackknife
 * and the splits: resamples only tell what doesn't vary. */
static od_status gather_tide(od_report *r, const od_localisation_options *o, od_error *err)
{
    enum { MOST_DETECTIONS = 1000000, RESAMPLES = 40 };
    od_tide_options t = od_tide_options_default();
    t.num_threads = o->num_threads;
    t.seed = o->seed;
    t.level = o->level;
    t.num_resamples = o->num_resamples && od_coco_eval_num_detections(r->test) <= MOST_DETECTIONS ? RESAMPLES : 0;
    return od_tide_compute(&r->localisation.tide, r->test, &t, err);
}

od_status od_gather_localisation(od_report *r, od_error *err)
{
    od_report_localisation *l = &r->localisation;
    if (!r->test || !r->coco.counts.images) return OD_OK;
    od_localisation_options o = options_of(r, 1), plain = options_of(r, r->coco.num_classes <= OD_REPORT_MAX_CLASS_DETAILS);
    OD_TRY(od_froc_compute(&l->froc, r->test, -1, &o, err));
    l->present = 1;
    OD_TRY(od_jafroc_compute(&l->jafroc, r->test, -1, &o, err));
    OD_TRY(od_null_images_compute(&l->nulls, r->test, -1, &o, err));
    OD_TRY(od_lrp_compute(&l->lrp, r->test, &plain, err));
    OD_TRY(gather_tide(r, &o, err));
    OD_TRY(od_failures_find(&r->failures, r->test, r->threshold, NULL, err));
    return gather_class_parts(r, err);
}

static const char *name_of(void *user, int64_t image)
{
    const od_coco_image *i = &((const od_report *)user)->test->images[image];
    return i->name ? i->name : i->text_id ? i->text_id : "";
}

static od_status draw_masks(void *user, int64_t image, od_image *picture, od_error *err)
{
    const od_report *r = user;
    return od_mask_overlay_draw(r->test, image, r->threshold, picture, err);
}

od_status od_gather_gallery(od_report *r, od_error *err)
{
    if (!r->failures || r->o->gallery <= 0) return OD_OK;
    /* Three quarters of the file, as base64 takes four letters for three bytes; the page leaves out what is still too much. */
    const od_gallery_options options = {.most = r->o->gallery, .budget = (size_t)(r->o->max_size_mb * 1e6 * .75),
                                        .places = {.annotations = r->gt, .image_dir = r->o->image_dir, .config_path = r->config_path},
                                        .overlay = r->test->masks ? draw_masks : NULL};
    OD_TRY(od_gallery_make(&r->gallery, r->failures, name_of, r, &options, err));
    r->gallery_shown = r->gallery.num_items;
    return OD_OK;
}

void od_gather_localisation_deinit(od_report *r)
{
    od_report_localisation *l = &r->localisation;
    od_froc_deinit(&l->froc);
    od_null_images_deinit(&l->nulls);
    od_lrps_deinit(&l->lrp);
    for (int64_t k = 0; k < l->num_class_parts; k++) {
        od_null_images_deinit(&l->class_nulls[k]);
        od_froc_deinit(&l->class_frocs[k]);
    }
    od_free(l->class_nulls);
    od_free(l->class_frocs);
    od_gallery_deinit(&r->gallery);
    od_failures_free(r->failures);
    memset(l, 0, sizeof *l);
    r->failures = NULL;
}
