/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/minibatch_sampler.h"

#include "util/alloc.h"

#include <string.h>

od_status od_minibatch_sampler_init(od_minibatch_sampler *sampler, float positive_fraction, int is_static, const char *field, od_error *err)
{
    *sampler = (od_minibatch_sampler){positive_fraction, is_static};
    if (positive_fraction >= 0 && positive_fraction <= 1) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "%s is %g; expected 0 to 1", field, (double)positive_fraction);
}

static int in_group(const uint8_t *candidate, const uint8_t *positive, int64_t i, int group)
{
    return candidate[i] && !positive[i] == !group;
}

/* `most` of the positive (or negative) candidates, every subset as likely as another (Knuth's algorithm S); how many. */
static int64_t draw(int64_t n, const uint8_t *candidate, const uint8_t *positive, int group, int64_t most, od_rng *rng, uint8_t *chosen)
{
    int64_t left = 0, need, taken = 0;
    for (int64_t i = 0; i < n; i++) left += in_group(candidate, positive, i, group);
    need = most < left ? most : left;
    for (int64_t i = 0; i < n && taken < need; i++) {
        if (!in_group(candidate, positive, i, group)) continue;
        if (need - taken >= left || od_rng_int(rng, 0, left) < need - taken) chosen[i] = 1, taken++;
        left--;
    }
    return taken;
}

/* The first candidates that aren't, until there are `size` of them. */
static void add_others(int64_t n, const uint8_t *candidate, int64_t size, uint8_t *marked)
{
    int64_t have = 0;
    for (int64_t i = 0; i < n; i++) have += marked[i] = candidate[i] != 0;
    for (int64_t i = 0; i < n && have < size; i++)
        if (!marked[i]) marked[i] = 1, have++;
}

/* A place in the shuffled order: marked positives from the last to the first, what isn't marked, marked negatives from the first to
 * the last. Number k of this order, of which `positives` are positive and `others` not marked. */
static int64_t ranked(const int64_t *order, int64_t n, const uint8_t *marked, const uint8_t *positive, int64_t k, int64_t positives, int64_t others)
{
    int positive_part = k < positives;
    if (!positive_part && k < positives + others) return -1;
    int64_t skip = positive_part ? positives - 1 - k : k - positives - others;
    for (int64_t i = 0; i < n; i++)
        if (marked[order[i]] && !positive[order[i]] == !positive_part && skip-- == 0) return order[i];
    return -1;
}

static void select_static(const od_minibatch_sampler *s, int64_t n, const uint8_t *candidate, const uint8_t *positive, int64_t size, od_rng *rng, uint8_t *marked,
                          int64_t *order, uint8_t *chosen)
{
    int64_t positives = 0, others = 0;
    add_others(n, candidate, size, marked);
    for (int64_t i = 0; i < n; i++) {
        positives += marked[i] && positive[i];
        others += !marked[i];
        order[i] = i;
    }
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = od_rng_int(rng, 0, i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    int64_t most = (int64_t)((double)s->positive_fraction * (double)size), head = most < positives ? most : positives, tail = n - (size - head);
    for (int64_t k = 0; k < n; k++) {
        if (k >= head && k < tail) continue;
        int64_t at = ranked(order, n, marked, positive, k, positives, others);
        chosen[at < 0 ? order[0] : at] = 1; /* an empty place stands for the first of the shuffled order */
    }
}

od_status od_minibatch_sampler_select(const od_minibatch_sampler *s, int64_t n, const uint8_t *candidate, const uint8_t *positive, int64_t size, od_rng *rng,
                                      uint8_t *chosen, od_error *err)
{
    memset(chosen, 0, (size_t)n);
    if (!s->is_static || n < 1) {
        int64_t taken = draw(n, candidate, positive, 1, (int64_t)((double)s->positive_fraction * (double)size), rng, chosen);
        draw(n, candidate, positive, 0, size - taken, rng, chosen);
        return OD_OK;
    }
    uint8_t *marked = od_calloc((size_t)n, 1);
    int64_t *order = od_malloc((size_t)n, sizeof *order);
    if (marked && order) select_static(s, n, candidate, positive, size, rng, marked, order, chosen);
    od_status status = marked && order ? OD_OK : od_error_nomem(err, "sampling");
    od_free(marked);
    od_free(order);
    return status;
}
