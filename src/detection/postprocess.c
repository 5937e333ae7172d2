/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/postprocess.h"

#include "util/alloc.h"
#include "util/points.h"

#include <math.h>
#include <string.h>

struct od_postprocess {
    od_nms_params nms;
    od_score_converter converter;
    od_box_coder coder;
    int num_classes, has_background;
    int64_t count;
    float *anchors; /* [count, 4] */
};

od_status od_nms_params_init(od_nms_params *params, const ObjectDetection__Protos__BatchNonMaxSuppression *config, od_error *err)
{
    static const ObjectDetection__Protos__BatchNonMaxSuppression defaults = OBJECT_DETECTION__PROTOS__BATCH_NON_MAX_SUPPRESSION__INIT;
    const ObjectDetection__Protos__BatchNonMaxSuppression *c = config ? config : &defaults;
    static const char name[] = "batch_non_max_suppression";
    *params = (od_nms_params){c->score_threshold, c->iou_threshold, c->soft_nms_sigma, c->max_detections_per_class, c->max_total_detections,
                              c->use_class_agnostic_nms, c->change_coordinate_frame, c->use_combined_nms};
    if (!(c->iou_threshold >= 0 && c->iou_threshold <= 1))
        return od_error_set(err, OD_ERR_CONFIG, "%s: iou_threshold %g; expected 0 to 1", name, (double)c->iou_threshold);
    if (c->max_detections_per_class > c->max_total_detections || c->max_detections_per_class < 1)
        return od_error_set(err, OD_ERR_CONFIG, "%s: max_detections_per_class %d and max_total_detections %d; expected 1 or more, and no more a class than in all",
                            name, (int)c->max_detections_per_class, (int)c->max_total_detections);
    if (c->max_total_detections > 1000000) return od_error_set(err, OD_ERR_CONFIG, "%s: max_total_detections %d; expected at most 1000000", name, (int)c->max_total_detections);
    if (!(c->soft_nms_sigma >= 0)) return od_error_set(err, OD_ERR_CONFIG, "%s: soft_nms_sigma %g; expected 0 or more", name, (double)c->soft_nms_sigma);
    if (c->soft_nms_sigma > 0 && (c->use_hard_nms || c->use_static_shapes))
        return od_error_set(err, OD_ERR_CONFIG, "%s: soft_nms_sigma together with use_hard_nms or use_static_shapes; set one of them", name);
    if (c->use_class_agnostic_nms && c->max_classes_per_detection > 1)
        return od_error_set(err, OD_ERR_CONFIG, "%s: max_classes_per_detection %d; only 1 works with use_class_agnostic_nms", name, (int)c->max_classes_per_detection);
    if (c->use_combined_nms && (c->use_class_agnostic_nms || c->soft_nms_sigma > 0 || c->change_coordinate_frame))
        return od_error_set(err, OD_ERR_CONFIG, "%s: use_combined_nms together with use_class_agnostic_nms, soft_nms_sigma or change_coordinate_frame "
                                                "(whose default is true), which TensorFlow 2 refuses; set change_coordinate_frame: false or remove use_combined_nms", name);
    /* The partitioned suppression, which only static shapes call, compares with >= where the usual one has >. */
    if (c->use_partitioned_nms && c->use_static_shapes && !c->use_combined_nms) params->iou_threshold = nextafterf(c->iou_threshold, -1);
    return OD_OK;
}

od_status od_postprocess_create(const ObjectDetection__Protos__PostProcessing *config, int num_classes, int has_background,
                                const od_box_coder *coder, const float *anchors, int64_t count, od_postprocess **out, od_error *err)
{
    static const ObjectDetection__Protos__PostProcessing defaults = OBJECT_DETECTION__PROTOS__POST_PROCESSING__INIT;
    const ObjectDetection__Protos__PostProcessing *c = config ? config : &defaults;
    od_postprocess p = {.coder = *coder, .num_classes = num_classes, .has_background = has_background != 0, .count = count};
    if (num_classes < 1) return od_error_set(err, OD_ERR_CONFIG, "num_classes is %d; expected 1 or more", num_classes);
    if (count < 1 || count > INT32_MAX) return od_error_set(err, OD_ERR_ARG, "post-processing of %lld anchors", (long long)count);
    OD_TRY(od_nms_params_init(&p.nms, c->batch_non_max_suppression, err));
    OD_TRY(od_score_converter_init(&p.converter, c, err));
    p.anchors = od_malloc((size_t)count, 4 * sizeof(float));
    od_postprocess *made = od_malloc(1, sizeof *made);
    if (!p.anchors || !made) {
        od_free(p.anchors);
        od_free(made);
        return od_error_nomem(err, "post-processing");
    }
    memcpy(p.anchors, anchors, (size_t)count * 4 * sizeof(float));
    *made = p;
    *out = made;
    return OD_OK;
}

od_status od_postprocess_create_ssd(const ObjectDetection__Protos__Ssd *ssd, const float *anchors, int64_t count, od_postprocess **out,
                                    od_error *err)
{
    od_box_coder coder;
    OD_TRY(od_box_coder_init(&coder, ssd->box_coder, err));
    if (ssd->explicit_background_class && ssd->add_background_class)
        return od_error_set(err, OD_ERR_CONFIG, "ssd: explicit_background_class together with add_background_class (whose default is true); set one of them to false");
    int classes = ssd->num_classes - (ssd->explicit_background_class ? 1 : 0); /* the first of num_classes is the background */
    return od_postprocess_create(ssd->post_processing, classes, ssd->add_background_class || ssd->explicit_background_class, &coder, anchors, count, out, err);
}

void od_postprocess_free(od_postprocess *post)
{
    if (!post) return;
    od_free(post->anchors);
    od_free(post);
}

/* Those of the anchors that detections come from. */
static void locate_keypoints(const od_postprocess *p, const float *encodings, const float window[4], int64_t image, od_detections *d)
{
    for (int32_t i = 0; i < d->count[image]; i++) {
        int64_t row = image * d->max + i, anchor = d->anchors[row];
        float *points = d->keypoints + row * 2 * p->coder.keypoints;
        od_box_coder_decode_keypoints(&p->coder, 1, encodings + anchor * p->coder.code_size, p->anchors + 4 * anchor, points);
        if (p->nms.change_frame) od_points_change_frame(points, p->coder.keypoints, window);
    }
}

static od_status run_image(const od_postprocess *p, const float *encodings, const float *logits, const float window[4], int64_t image,
                           od_detections *d)
{
    int columns = p->num_classes + p->has_background;
    float *scores = od_malloc((size_t)p->count * (size_t)columns, sizeof *scores);
    if (!scores) return OD_ERR_NOMEM;
    od_score_converter_apply(&p->converter, p->count, columns, logits, scores);
    od_nms_input in = {.count = p->count, .classes = p->num_classes, .scores = scores + p->has_background, .score_stride = columns,
                       .boxes = encodings, .boxes_each = 1, .coder = &p->coder, .anchors = p->anchors,
                       .window = {window[0], window[1], window[2], window[3]}};
    int64_t first = image * d->max;
    od_nms_output out = {d->boxes + 4 * first, d->scores + first, d->classes + first, d->anchors + first, 0};
    od_status status = od_multiclass_nms(&p->nms, &in, &out, NULL);
    d->count[image] = out.count;
    if (status == OD_OK && p->coder.keypoints) locate_keypoints(p, encodings, window, image, d);
    od_free(scores);
    return status;
}

od_status od_postprocess_run(const od_postprocess *post, int64_t batch, const float *box_encodings, const float *class_logits,
                             const float (*windows)[4], od_detections *detections, od_error *err)
{
    static const float whole[4] = {0, 0, 1, 1};
    int64_t codes = post->count * post->coder.code_size, logits = post->count * (post->num_classes + post->has_background);
    OD_TRY(od_detections_reset(detections, batch, post->nms.max_total, err));
    if (post->coder.keypoints) OD_TRY(od_detections_add_keypoints(detections, post->coder.keypoints, err));
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) if (batch > 1)
    for (int64_t i = 0; i < batch; i++)
        failed |= run_image(post, box_encodings + i * codes, class_logits + i * logits, windows ? windows[i] : whole, i, detections) != OD_OK;
    return failed ? od_error_nomem(err, "post-processing") : OD_OK;
}

void od_postprocess_raw(const od_postprocess *post, int64_t batch, const float *box_encodings, const float *class_logits, float *boxes,
                        float *scores)
{
    int columns = post->num_classes + post->has_background;
    int64_t codes = post->count * post->coder.code_size;
    for (int64_t i = 0; boxes && i < batch; i++)
        od_box_coder_decode(&post->coder, post->count, box_encodings + i * codes, post->anchors, boxes + 4 * i * post->count);
    if (scores) od_score_converter_apply(&post->converter, batch * post->count, columns, class_logits, scores);
}
