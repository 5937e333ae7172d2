/* SPDX-License-Identifier: Apache-2.0
 *
 * Which values a number of a config may have.
 */
#ifndef OD_CONFIG_RANGES_H
#define OD_CONFIG_RANGES_H

#include <stddef.h>

/* Both ends included, unless `open` (then `low` itself isn't allowed); of lists each element. -INFINITY to INFINITY: any finite number. */
typedef struct od_field_range {
    const char *type, *field; /* message type and field */
    double low, high;
    int open;
} od_field_range;

/* NULL for a field without a row. */
const od_field_range *od_field_range_find(const char *type, const char *field);
/* By index; NULL behind the last. */
const od_field_range *od_field_range_at(size_t index);

#endif
