/* SPDX-License-Identifier: Apache-2.0
 *
 * Target assignment: similarity, matcher and box coder together turn a batch's ground truth into od_targets
 * (OD API core/target_assigner.py, batch_assign).
 *
 *     od_target_assigner *assigner;
 *     OD_TRY(od_target_assigner_create_ssd(ssd, anchors->boxes, anchors->count, &assigner, err));
 *     od_targets targets = {0};
 *     OD_TRY(od_target_assigner_assign(assigner, truth, batch, &targets, err));   // every step
 */
#ifndef OD_DETECTION_TARGET_ASSIGNER_H
#define OD_DETECTION_TARGET_ASSIGNER_H

#include "detection/targets.h"

#include "ssd.pb-c.h"

typedef struct od_target_assigner od_target_assigner;

typedef struct od_target_assigner_params {
    od_similarity similarity;
    od_matcher matcher;
    od_box_coder coder;
    od_class_scheme scheme;
} od_target_assigner_params;

/* Copies params and anchors[count, 4]. The caller frees *out with od_target_assigner_free, after all od_targets made by it. */
od_status od_target_assigner_create(const od_target_assigner_params *params, const float *anchors, int64_t count,
                                    od_target_assigner **out, od_error *err);

/* From an SSD's config. */
od_status od_target_assigner_create_ssd(const ObjectDetection__Protos__Ssd *ssd, const float *anchors, int64_t count,
                                        od_target_assigner **out, od_error *err);

void od_target_assigner_free(od_target_assigner *assigner);

/* Assigns truth[batch]; images in parallel. The targets keep no pointer into `truth`.
 * OD_ERR_ARG for a class outside 0 .. num_classes-1, OD_ERR_NAN for boxes or weights that aren't finite, OD_ERR_NOMEM. */
od_status od_target_assigner_assign(const od_target_assigner *assigner, const od_groundtruth *truth, int64_t batch, od_targets *targets,
                                    od_error *err);

#endif
