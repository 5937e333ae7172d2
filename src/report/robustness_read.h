/* SPDX-License-Identifier: Apache-2.0
 *
 * A study of robustness (objdet eval --robustness) that a model_dir keeps, for the report.
 */
#ifndef OD_REPORT_ROBUSTNESS_READ_H
#define OD_REPORT_ROBUSTNESS_READ_H

#include "objdet/eval.h"
#include "objdet/interval.h"
#include "report/texts.h"

typedef struct od_robust_row {
    char name[32];         /* "blur"; "none": the unchanged pictures */
    char description[128]; /* "blurred, sigma 0.6 % of the longer side" */
    int level, geometric, distinct;
    od_interval map, change; /* change: from the unchanged pictures, paired */
} od_robust_row;

typedef struct od_robust_study {
    od_robust_row *rows; /* the first is the unchanged pictures; NULL: no study */
    size_t count;
    char checkpoint[64];
    double images, mean_changed, relative;
    char problem[256]; /* why the file could not be used; "" */
} od_robust_study;

/* Of <dir>/robustness.json, where there is one. OD_ERR_NOMEM only. */
od_status od_robust_study_read(od_robust_study *out, const char *dir, od_error *err);
void od_robust_study_deinit(od_robust_study *s);
/* The row of a change at a level, or NULL. */
const od_robust_row *od_robust_study_find(const od_robust_study *s, const char *name, int level);

#endif
