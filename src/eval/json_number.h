/* SPDX-License-Identifier: Apache-2.0
 *
 * Decimal text to the nearest double, exactly as strtod but independent of the locale and without a terminating NUL.
 */
#ifndef OD_EVAL_JSON_NUMBER_H
#define OD_EVAL_JSON_NUMBER_H

#include <stdint.h>

/* digits * 10^exponent, rounded to nearest even. `text`, `size`: the number as written, used when the digits were too
 * many to be held (truncated). Returns 0 when out of memory. */
int od_decimal_to_double(uint64_t digits, int exponent, int truncated, const char *text, unsigned long size,
                         double *out);

#endif
