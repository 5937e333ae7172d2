/* SPDX-License-Identifier: Apache-2.0 */
#include "models/set_order.h"

#include <string.h>

enum { LARGEST = 64, LINEAR_PROBES = 9, PERTURB_SHIFT = 5 };

typedef struct table {
    int64_t slot[LARGEST]; /* 0: free */
    uint64_t mask;
    int used;
} table;

/* Where a value is, or would go. An int's hash is the int. */
static int64_t *find(table *t, int64_t value)
{
    uint64_t perturb = (uint64_t)value, i = perturb & t->mask;
    for (;;) {
        uint64_t last = i + LINEAR_PROBES <= t->mask ? i + LINEAR_PROBES : i;
        for (uint64_t k = i; k <= last; k++)
            if (!t->slot[k] || t->slot[k] == value) return &t->slot[k];
        perturb >>= PERTURB_SHIFT;
        i = (i * 5 + 1 + perturb) & t->mask;
    }
}

static void grow(table *t)
{
    table old = *t;
    uint64_t size = 8;
    while (size <= 4 * (uint64_t)t->used) size *= 2;
    *t = (table){.mask = size - 1, .used = old.used};
    for (uint64_t i = 0; i <= old.mask; i++)
        if (old.slot[i]) *find(t, old.slot[i]) = old.slot[i];
}

int od_set_order(const int64_t *values, int count, int64_t *order)
{
    table t = {.mask = 7};
    int n = 0;
    for (int i = 0; i < count; i++) {
        int64_t *slot = find(&t, values[i]);
        if (*slot) continue;
        *slot = values[i];
        if ((uint64_t)++t.used * 5 >= t.mask * 3) grow(&t);
    }
    for (uint64_t i = 0; i <= t.mask; i++)
        if (t.slot[i]) order[n++] = t.slot[i];
    return n;
}
