/* SPDX-License-Identifier: Apache-2.0
 *
 * The values that the golden fixtures give each variable, from its checkpoint key alone (`weight` in
 * ../shared/oracle/golden.py). The fixtures then overwrite moving means and variances with moving.safetensors.
 */
#ifndef WEIGHT_RECIPE_H
#define WEIGHT_RECIPE_H

#include <stdint.h>

/* `key` is the object path, without "/.ATTRIBUTES/VARIABLE_VALUE"; out has room for the product of the dimensions. */
void test_recipe_weight(const char *key, int rank, const int64_t *shape, float *out);

#endif
