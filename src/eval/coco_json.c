/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_json.h"

#include "eval/coco_eval.h"
#include "util/alloc.h"
#include "util/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static json_t *counts_json(const od_coco_counts *c, const od_coco_oddities *odd)
{
    json_t *boxes = json_pack("{s:I,s:I,s:I,s:I}", "all", (json_int_t)c->truths[0], "small", (json_int_t)c->truths[1],
                              "medium", (json_int_t)c->truths[2], "large", (json_int_t)c->truths[3]);
    json_t *out = json_pack("{s:I,s:I,s:I,s:I,s:o,s:I,s:I,s:I}", "images", (json_int_t)c->images, "images_without_boxes",
                            (json_int_t)c->images_without_truth, "classes", (json_int_t)c->classes,
                            "classes_without_boxes", (json_int_t)c->classes_without_truth, "boxes", boxes, "crowd_boxes",
                            (json_int_t)c->crowds, "detections", (json_int_t)c->detections, "detections_beyond_100",
                            (json_int_t)c->detections_beyond_limit);
    json_t *strange = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "boxes_of_unknown_image", (json_int_t)odd->truths_of_unknown_image,
        "boxes_of_unknown_class", (json_int_t)odd->truths_of_unknown_class, "boxes_empty", (json_int_t)odd->truths_empty_box,
        "boxes_without_area", (json_int_t)odd->truths_without_area, "boxes_negative_area",
        (json_int_t)odd->truths_negative_area, "boxes_with_id_0", (json_int_t)odd->truths_zero_id,
        "detections_of_unknown_class", (json_int_t)odd->detections_of_unknown_class, "detections_empty",
        (json_int_t)odd->detections_empty_box, "detections_score_outside_0_1", (json_int_t)odd->detections_score_outside);
    if (!out || json_object_set_new(out, "odd", strange)) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *stats_object(const double stats[OD_COCO_NUM_STATS])
{
    json_t *out = json_object();
    for (int i = 0; out && i < OD_COCO_NUM_STATS; i++)
        json_object_set_new(out, od_coco_stat_name((od_coco_stat)i), json_real(stats[i]));
    return out;
}

static json_t *class_json(const od_coco_eval *e, int64_t k)
{
    od_coco_counts c;
    od_coco_eval_class_counts(e, k, &c);
    json_t *out = stats_object(od_coco_eval_class_stats(e, k));
    if (!out) return NULL;
    json_object_set_new(out, "id", json_integer((json_int_t)od_coco_eval_class_id(e, k)));
    json_object_set_new(out, "boxes", json_pack("{s:I,s:I,s:I,s:I}", "all", (json_int_t)c.truths[0], "small",
                                                (json_int_t)c.truths[1], "medium", (json_int_t)c.truths[2], "large",
                                                (json_int_t)c.truths[3]));
    json_object_set_new(out, "detections", json_integer((json_int_t)c.detections));
    return out;
}

static json_t *per_class_json(const od_coco_eval *e)
{
    json_t *out = json_object();
    for (int64_t k = 0; out && k < od_coco_eval_num_classes(e); k++) {
        const char *name = od_coco_eval_class_name(e, k);
        char fallback[40];
        snprintf(fallback, sizeof fallback, "id %" PRId64, od_coco_eval_class_id(e, k));
        if (!name[0] || json_object_get(out, name)) name = fallback;
        if (json_object_set_new(out, name, class_json(e, k))) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

json_t *od_coco_eval_to_json(const od_coco_eval *e)
{
    const double *stats = od_coco_eval_stats(e);
    od_coco_counts counts;
    od_coco_eval_counts(e, &counts);
    json_t *values = json_array(), *names = json_array(), *out = json_object();
    int failed = !values || !names || !out;
    for (int i = 0; !failed && i < OD_COCO_NUM_STATS; i++)
        failed = json_array_append_new(values, json_real(stats[i])) ||
                 json_array_append_new(names, json_string(od_coco_stat_name((od_coco_stat)i)));
    /* Each call takes its value also when it fails. */
    failed |= json_object_set_new(out, "stats", values) != 0;
    failed |= json_object_set_new(out, "stat_names", names) != 0;
    failed |= json_object_set_new(out, "counts", counts_json(&counts, od_coco_eval_oddities(e))) != 0;
    failed |= json_object_set_new(out, "per_class", per_class_json(e)) != 0;
    if (!failed) return out;
    json_decref(out);
    return NULL;
}

od_status od_json_write(json_t *document, const char *path, od_error *err)
{
    char *text = document ? json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(document);
    if (!text) return od_error_nomem(err, path);
    od_status status = od_file_write_all(path, text, strlen(text), err);
    free(text);
    return status;
}

od_status od_json_write_compact(json_t *document, const char *path, od_error *err)
{
    char *text = document ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(document);
    if (!text) return od_error_nomem(err, path);
    od_status status = od_file_write_all(path, text, strlen(text), err);
    free(text);
    return status;
}

od_status od_coco_eval_write_json(const od_coco_eval *e, const char *path, od_error *err)
{
    if (!od_coco_eval_stats(e)) return od_error_set(err, OD_ERR_ARG, "the evaluation has not been run");
    return od_json_write(od_coco_eval_to_json(e), path, err);
}
