/* SPDX-License-Identifier: Apache-2.0
 *
 * A mask while it is made: runs are joined as they come. Private to src/data/mask*.c.
 */
#ifndef OD_DATA_MASK_RUNS_H
#define OD_DATA_MASK_RUNS_H

#include "data/mask.h"

/* Zero-initialise. After a failed allocation further runs are ignored and od_mask_runs_finish tells. */
typedef struct od_mask_runs {
    uint32_t *runs;
    size_t count, capacity;
    int failed;
} od_mask_runs;

void od_mask_runs_add(od_mask_runs *r, int inside, uint32_t length);
/* Makes the mask of what was added, which must be height * width pixels, and frees the runs whatever happens. */
od_status od_mask_runs_finish(od_mask_runs *r, int height, int width, od_mask **out, od_error *err);
od_status od_mask_check_size(int64_t height, int64_t width, od_error *err);

#endif
