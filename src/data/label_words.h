/* SPDX-License-Identifier: Apache-2.0
 *
 * Class names that say how the picture lies: a flip or a turn makes another class of the object, or none ("left lung", "L",
 * "number plate", "7").
 */
#ifndef OD_DATA_LABEL_WORDS_H
#define OD_DATA_LABEL_WORDS_H

#include "objdet/data_check.h"

/* For each of `count` names the bits OD_DATA_FLIP_* of what would falsify it. Single letters count as left and right only when the
 * names have both, and as text only when there are several single characters. */
void od_label_words_judge(const char *const *names, int count, int *sensitive);

#endif
