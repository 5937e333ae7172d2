/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/box_classifier_postprocess.h"

#include "detection/postprocess.h"
#include "util/alloc.h"

#include <string.h>

od_status od_box_classifier_postprocess_init(od_box_classifier_postprocess *p, const ObjectDetection__Protos__FasterRcnn *c, od_error *err)
{
    static const ObjectDetection__Protos__PostProcessing defaults = OBJECT_DETECTION__PROTOS__POST_PROCESSING__INIT;
    const ObjectDetection__Protos__PostProcessing *post = c->second_stage_post_processing ? c->second_stage_post_processing : &defaults;
    const ObjectDetection__Protos__BoxPredictor *b = c->second_stage_box_predictor;
    int mask_rcnn = b && b->box_predictor_oneof_case == OBJECT_DETECTION__PROTOS__BOX_PREDICTOR__BOX_PREDICTOR_ONEOF_MASK_RCNN_BOX_PREDICTOR;
    *p = (od_box_classifier_postprocess){.coder = od_box_coder_default(),
                                         .num_classes = c->num_classes,
                                         .boxes_each = mask_rcnn && b->mask_rcnn_box_predictor->share_box_across_classes ? 1 : c->num_classes};
    OD_TRY(od_nms_params_init(&p->nms, post->batch_non_max_suppression, err));
    if (p->nms.combined)
        return od_error_set(err, OD_ERR_CONFIG, "second_stage_post_processing: use_combined_nms, which TensorFlow 2 refuses in a second stage; remove it");
    p->nms.change_frame = 1;
    return od_score_converter_init(&p->converter, post, err);
}

static void decode(const od_box_classifier_postprocess *p, int64_t count, const float *proposals, const float *codes, float *boxes)
{
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < p->boxes_each; k++) {
            int64_t at = 4 * (i * p->boxes_each + k);
            od_box_coder_decode(&p->coder, 1, codes + at, proposals + 4 * i, boxes + at);
        }
}

od_status od_box_classifier_postprocess_image(const od_box_classifier_postprocess *p, int64_t count, const float *proposals, const float *codes,
                                              const float *logits, const float window[4], int64_t image, od_detections *d, od_error *err)
{
    int columns = p->num_classes + 1;
    float *scores = od_malloc((size_t)count * (size_t)columns + 1, sizeof *scores), *boxes = od_malloc((size_t)(count * p->boxes_each) + 1, 4 * sizeof *boxes);
    od_status status = scores && boxes ? OD_OK : od_error_nomem(err, "detections");
    if (status == OD_OK) {
        decode(p, count, proposals, codes, boxes);
        od_score_converter_apply(&p->converter, count, columns, logits, scores);
        od_nms_input in = {.count = count, .classes = p->num_classes, .scores = scores + 1, .score_stride = columns, .boxes = boxes, .boxes_each = p->boxes_each};
        memcpy(in.window, window, sizeof in.window);
        int64_t first = image * d->max;
        od_nms_output out = {d->boxes + 4 * first, d->scores + first, d->classes + first, d->anchors + first, 0};
        status = od_multiclass_nms(&p->nms, &in, &out, err);
        d->count[image] = out.count;
    }
    od_free(scores);
    od_free(boxes);
    return status;
}
