/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps from scores to shares of right ones.
 */
#ifndef OD_EVAL_CALIBRATOR_H
#define OD_EVAL_CALIBRATOR_H

#include "objdet/calibration.h"

#include <jansson.h>

/* A score and whether it was right; sorted by score where a function says so. */
typedef struct od_score_outcome {
    double score;
    int right;
} od_score_outcome;

typedef struct od_score_map {
    double a, b;       /* Platt */
    double *x, *y;     /* isotonic: knots, x rising, y not falling */
    size_t num_knots;
    int64_t right, wrong; /* what it was fitted on */
} od_score_map;

typedef struct od_class_map {
    char *name;
    od_score_map map;
} od_class_map;

struct od_calibrator {
    od_calibrator_kind kind;
    od_score_map all;
    od_class_map *classes;
    size_t num_classes;
};

/* p = 1 / (1 + exp(a * f + b)) by maximum likelihood with Platt's targets, f the logit of the score (Lin, Lin and Weng, Mach.
 * Learn. 68, 2007). Any order. */
void od_platt_fit(const od_score_outcome *v, size_t n, double *a, double *b);
double od_platt_apply(double a, double b, double score);

/* v rises by score. Sets the knots; on failure map->x and y may be set too (od_score_map_deinit). */
od_status od_isotonic_fit(const od_score_outcome *v, size_t n, od_score_map *map, od_error *err);
double od_isotonic_apply(const od_score_map *map, double score);

void od_score_map_deinit(od_score_map *map);

/* {"kind", "all": {...}, "classes": {name: {...}}}; NULL when out of memory. */
json_t *od_calibrator_to_json(const od_calibrator *c);
/* OD_ERR_FORMAT naming `where` and the field. */
od_status od_calibrator_from_json(od_calibrator **out, const json_t *j, const char *where, od_error *err);

#endif
