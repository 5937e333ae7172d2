/* SPDX-License-Identifier: Apache-2.0
 *
 * Random minibatches with a share of positives (OD API core/balanced_positive_negative_sampler.py): at most fraction * size of the
 * positives, the rest from the negatives; fewer than `size` when there aren't as many.
 */
#ifndef OD_DETECTION_MINIBATCH_SAMPLER_H
#define OD_DETECTION_MINIBATCH_SAMPLER_H

#include "util/error.h"
#include "util/rng.h"

#include <stdint.h>

typedef struct od_minibatch_sampler {
    float positive_fraction;
    int is_static; /* the variant for fixed shapes (use_static_balanced_label_sampler): takes others too where candidates are missing */
} od_minibatch_sampler;

/* OD_ERR_CONFIG for a fraction outside 0 to 1; `field` names it. */
od_status od_minibatch_sampler_init(od_minibatch_sampler *sampler, float positive_fraction, int is_static, const char *field, od_error *err);

/* chosen[n] = 1 for what is drawn, else 0, of those that are `candidate`; positive[n]: which count as positive. OD_ERR_NOMEM. */
od_status od_minibatch_sampler_select(const od_minibatch_sampler *sampler, int64_t n, const uint8_t *candidate, const uint8_t *positive, int64_t size,
                                      od_rng *rng, uint8_t *chosen, od_error *err);

#endif
