/* SPDX-License-Identifier: Apache-2.0
 *
 * A study of robustness as a table and as a file. Private to src/train.
 */
#ifndef OD_TRAIN_ROBUSTNESS_TEXT_H
#define OD_TRAIN_ROBUSTNESS_TEXT_H

#include "objdet/robustness.h"

/* Freed with od_free; NULL when out of memory. */
char *od_robustness_table(const od_robustness *r);
/* <dir>/robustness.json. */
od_status od_robustness_write(const od_robustness *r, const char *dir, od_error *err);

#endif
