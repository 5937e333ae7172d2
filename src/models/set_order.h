/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which CPython iterates over a small set of positive ints (Objects/setobject.c), on which the OD API's choice between equally
 * frequent widths of feature maps depends.
 */
#ifndef OD_MODELS_SET_ORDER_H
#define OD_MODELS_SET_ORDER_H

#include <stdint.h>

enum { OD_SET_ORDER_MAX = 16 };

/* list(set(values[0 .. count-1])), count at most OD_SET_ORDER_MAX, values above 0. Returns how many are different. */
int od_set_order(const int64_t *values, int count, int64_t *order);

#endif
