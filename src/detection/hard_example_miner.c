/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/hard_example_miner.h"

#include "detection/matcher.h"
#include "detection/nms.h"
#include "util/alloc.h"

#include <string.h>

od_status od_hard_example_miner_init(od_hard_example_miner *miner, const ObjectDetection__Protos__HardExampleMiner *config,
                                     float class_weight, float box_weight, od_error *err)
{
    typedef ObjectDetection__Protos__HardExampleMiner__LossType loss_type;
    loss_type type = config->loss_type;
    if (type == OBJECT_DETECTION__PROTOS__HARD_EXAMPLE_MINER__LOSS_TYPE__CLASSIFICATION) class_weight = 1, box_weight = 0;
    if (type == OBJECT_DETECTION__PROTOS__HARD_EXAMPLE_MINER__LOSS_TYPE__LOCALIZATION) class_weight = 0, box_weight = 1;
    *miner = (od_hard_example_miner){
        .max_examples = config->num_hard_examples > 0 ? config->num_hard_examples : 0,
        .iou_threshold = config->iou_threshold,
        .class_weight = class_weight,
        .box_weight = box_weight,
        .max_negatives_per_positive = config->max_negatives_per_positive > 0 ? config->max_negatives_per_positive : 0,
        .min_negatives = config->min_negatives_per_image,
    };
    if (!(config->iou_threshold >= 0 && config->iou_threshold <= 1))
        return od_error_set(err, OD_ERR_CONFIG, "hard_example_miner: iou_threshold %g; expected 0 to 1", (double)config->iou_threshold);
    return OD_OK;
}

/* Of `selected` (by falling loss) all matched anchors, and unmatched ones while their number allows; ignored anchors count
 * as long as the negatives before them do, as in the OD API's cumulative sum. */
static void keep_ratio(const od_hard_example_miner *m, const int32_t *selected, int64_t n, const int32_t *match, uint8_t *keep)
{
    int64_t positives = 0, negatives = 0;
    for (int64_t i = 0; i < n; i++) positives += match[selected[i]] >= 0;
    int64_t most = (int64_t)m->max_negatives_per_positive * positives;
    if (most < m->min_negatives) most = m->min_negatives;
    for (int64_t i = 0; i < n; i++) {
        int32_t a = selected[i];
        negatives += match[a] == OD_MATCH_BACKGROUND;
        keep[a] = match[a] >= 0 || negatives <= most;
    }
}

od_status od_hard_example_miner_select(const od_hard_example_miner *miner, int64_t count, const float *boxes, const float *class_losses,
                                       const float *box_losses, const int32_t *match, uint8_t *keep, od_error *err)
{
    int64_t most = miner->max_examples && miner->max_examples < count ? miner->max_examples : count, found = 0;
    float *scores = od_malloc((size_t)count, sizeof *scores);
    int32_t *selected = od_malloc((size_t)count, sizeof *selected);
    od_status status = scores && selected ? OD_OK : od_error_nomem(err, "hard-example mining");
    if (status == OD_OK) {
        for (int64_t i = 0; i < count; i++) scores[i] = class_losses[i] * miner->class_weight + box_losses[i] * miner->box_weight;
        status = od_nms_select(count, boxes, scores, miner->iou_threshold, most, selected, &found, err);
    }
    if (status == OD_OK) {
        memset(keep, 0, (size_t)count);
        if (miner->max_negatives_per_positive) keep_ratio(miner, selected, found, match, keep);
        else for (int64_t i = 0; i < found; i++) keep[selected[i]] = 1;
    }
    od_free(scores);
    od_free(selected);
    return status;
}
