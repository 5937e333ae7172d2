/* SPDX-License-Identifier: Apache-2.0 */
#include "train/keypoint_metrics.h"

#include "config/keypoints.h"
#include "util/alloc.h"

static od_status take_metric(od_keypoint_metric *out, const ObjectDetection__Protos__CocoKeypointMetrics *proto, const od_label_map *labels, od_error *err)
{
    int32_t id = od_keypoint_metric_class(proto, labels);
    const od_label_keypoint *named = od_label_map_keypoints(labels, id, &out->count);
    int32_t *ids = od_malloc((size_t)out->count, sizeof *ids);
    double *sigmas = od_malloc((size_t)out->count, sizeof *sigmas);
    out->class_index = id - 1;
    out->class_name = od_label_map_name(labels, id);
    out->ids = ids;
    out->sigmas = sigmas;
    if (!ids || !sigmas) return od_error_nomem(err, "keypoint metrics");
    for (int i = 0; i < out->count; i++) {
        ids[i] = named[i].id;
        sigmas[i] = od_keypoint_metric_sigma(proto, named[i].name);
    }
    return OD_OK;
}

od_status od_keypoint_metrics_init(od_keypoint_metrics *k, const ObjectDetection__Protos__EvalConfig *config, const od_label_map *labels, int keypoints,
                                   od_error *err)
{
    size_t n = config ? config->n_parameterized_metric : 0;
    char text[300];
    *k = (od_keypoint_metrics){0};
    if (!n) return OD_OK;
    if (!(k->items = od_calloc(n, sizeof *k->items))) return od_error_nomem(err, "keypoint metrics");
    for (size_t i = 0; i < n; i++) {
        const ObjectDetection__Protos__ParameterizedMetric *p = config->parameterized_metric[i];
        int problem = od_keypoint_metric_problem(p, labels, keypoints, text, sizeof text);
        if (problem == OD_KEYPOINT_METRIC_WRONG) return od_error_set(err, OD_ERR_CONFIG, "eval_config: parameterized_metric: %s", text);
        if (problem == OD_KEYPOINT_METRIC_NONE)
            od_log(OD_LOG_WARNING, "eval_config: parameterized_metric: %s", text);
        else
            OD_TRY(take_metric(&k->items[k->count++], p->coco_keypoint_metrics, labels, err));
    }
    return OD_OK;
}

void od_keypoint_metrics_deinit(od_keypoint_metrics *k)
{
    for (size_t i = 0; i < k->count; i++) {
        od_free((void *)k->items[i].ids);
        od_free((void *)k->items[i].sigmas);
    }
    od_free(k->items);
    *k = (od_keypoint_metrics){0};
}

od_status od_keypoint_metrics_take_truth(const od_object *o, int width, int height, od_set_truth *out, od_error *err)
{
    if (!o->keypoint_count) return OD_OK;
    if (!(out->keypoints = od_malloc((size_t)o->keypoint_count * 3, sizeof *out->keypoints))) return od_error_nomem(err, "keypoint metrics");
    out->num_keypoints = o->keypoint_count;
    for (int i = 0; i < o->keypoint_count; i++) {
        float *p = out->keypoints + 3 * i;
        p[0] = o->keypoints[2 * i] * (float)height;
        p[1] = o->keypoints[2 * i + 1] * (float)width;
        p[2] = (float)od_object_visibility(o, i);
    }
    return OD_OK;
}

od_status od_keypoint_metrics_take_detection(const od_detections *d, int64_t at, int width, int height, od_set_detection *out, od_error *err)
{
    if (!d->keypoints) return OD_OK;
    const float *from = d->keypoints + 2 * at * d->num_keypoints;
    if (!(out->keypoints = od_malloc((size_t)d->num_keypoints * 2, sizeof *out->keypoints))) return od_error_nomem(err, "keypoint metrics");
    out->num_keypoints = d->num_keypoints;
    for (int i = 0; i < d->num_keypoints; i++) {
        out->keypoints[2 * i] = from[2 * i] * (float)height;
        out->keypoints[2 * i + 1] = from[2 * i + 1] * (float)width;
    }
    return OD_OK;
}
