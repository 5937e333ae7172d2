/* SPDX-License-Identifier: Apache-2.0 */
#include "data/stratify.h"

#include "util/alloc.h"
#include "util/rng.h"

#include <stdlib.h>

typedef struct unit {
    int64_t index, rarest, size; /* rarest: in how much of the data its rarest class is; size: of all classes */
    uint64_t lot;
} unit;

static int by_need(const void *a, const void *b)
{
    const unit *x = a, *y = b;
    if (x->rarest != y->rarest) return x->rarest < y->rarest ? -1 : 1;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    if (x->lot != y->lot) return x->lot < y->lot ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void order_units(const od_stratify *s, const int64_t *totals, unit *units)
{
    for (int64_t i = 0; i < s->units; i++) {
        od_rng rng;
        od_rng_init(&rng, s->seed, (uint64_t)i);
        units[i] = (unit){.index = i, .rarest = INT64_MAX, .lot = od_rng_next(&rng)};
        for (int k = 0; k < s->classes; k++) {
            int64_t n = s->content[i * s->classes + k];
            units[i].size += n;
            if (n && totals[k] < units[i].rarest) units[i].rarest = totals[k];
        }
    }
    qsort(units, (size_t)s->units, sizeof *units, by_need);
}

/* The part that lacks most of what the unit has, relative to what there is of it; after that the emptiest. */
static int choose_part(const od_stratify *s, const int64_t *content, const int64_t *totals, const double *have, uint64_t lot)
{
    int best = 0;
    double most = 0;
    for (int p = 0; p < s->parts; p++) {
        double lack = 0;
        for (int k = 0; k < s->classes; k++) {
            if (!content[k]) continue;
            double share = (double)content[k] / (double)totals[k];
            lack += share * (s->fractions[p] - have[p * s->classes + k] / (double)totals[k] - share / 2) / s->fractions[p];
        }
        int better = !p || lack > most + 1e-12 || (lack > most - 1e-12 && (lot >> p & 1));
        if (better) best = p, most = lack;
    }
    return best;
}

od_status od_stratify_run(const od_stratify *s, uint8_t *part, od_error *err)
{
    size_t classes = (size_t)s->classes;
    unit *units = od_malloc((size_t)s->units, sizeof *units);
    int64_t *totals = od_calloc(classes, sizeof *totals);
    double *have = od_calloc(classes * (size_t)s->parts, sizeof *have);
    od_status status = units && totals && have ? OD_OK : od_error_nomem(err, "splitting");
    if (status == OD_OK) {
        for (int64_t i = 0; i < s->units; i++)
            for (int k = 0; k < s->classes; k++) totals[k] += s->content[i * s->classes + k];
        order_units(s, totals, units);
        for (int64_t i = 0; i < s->units; i++) {
            const int64_t *content = s->content + units[i].index * s->classes;
            int p = choose_part(s, content, totals, have, units[i].lot);
            part[units[i].index] = (uint8_t)p;
            for (int k = 0; k < s->classes; k++) have[p * s->classes + k] += (double)content[k];
        }
    }
    od_free(units);
    od_free(totals);
    od_free(have);
    return status;
}
