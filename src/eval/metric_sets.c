/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric_sets.h"

#include <string.h>

const od_metric_set *od_metric_set_find(const char *name)
{
    static const od_metric_set *const sets[] = {&od_metric_set_pascal, &od_metric_set_weighted_pascal, &od_metric_set_precision_at_recall,
                                                &od_metric_set_open_images, &od_metric_set_oid_challenge, &od_metric_set_pascal_masks,
                                                &od_metric_set_weighted_pascal_masks, &od_metric_set_oid_challenge_masks, &od_metric_set_lvis};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (!strcmp(sets[i]->name, name)) return sets[i];
    return NULL;
}
