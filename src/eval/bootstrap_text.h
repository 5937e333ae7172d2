/* SPDX-License-Identifier: Apache-2.0
 *
 * The warning that goes with intervals of small samples.
 */
#ifndef OD_EVAL_BOOTSTRAP_TEXT_H
#define OD_EVAL_BOOTSTRAP_TEXT_H

#include "objdet/bootstrap.h"

/* "" when the sample is large enough. Caller frees with free(); NULL when out of memory. */
char *od_resample_warning(const od_bootstrap_info *info);

#endif
