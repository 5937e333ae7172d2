/* SPDX-License-Identifier: Apache-2.0
 *
 * Open Images Challenge by masks: detections inside a group don't count, nor do those of objects whose mask nobody has drawn, nor
 * classes that nobody has verified in an image.
 */
#include "eval/pascal_metrics.h"

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_metric metric = {.prefix = "OpenImagesInstanceSegmentationChallenge", .rules = {.group_of = 1, .filter = OD_PASCAL_LABELED_OR_TRUTH, .masks = 1},
                               .recall_high = 1};
    return od_pascal_metric_compute(&metric, in, out, err);
}

const od_metric_set od_metric_set_oid_challenge_masks = {"oid_challenge_segmentation_metrics", 1, compute};
