/* SPDX-License-Identifier: Apache-2.0
 *
 * Open Images Challenge: a group is one thing to be found, and classes that nobody has verified in an image don't count there.
 */
#include "eval/pascal_metrics.h"

static od_status compute(const od_metric_input *in, od_metric_list *out, od_error *err)
{
    od_pascal_metric metric = {.prefix = "OpenImagesDetectionChallenge", .rules = {.group_of = 1, .group_of_weight = 1, .filter = OD_PASCAL_LABELED_OR_TRUTH},
                               .recall_high = 1};
    return od_pascal_metric_compute(&metric, in, out, err);
}

const od_metric_set od_metric_set_oid_challenge = {"oid_challenge_detection_metrics", 0, compute};
