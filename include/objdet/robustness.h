/* SPDX-License-Identifier: Apache-2.0
 *
 * How much a trained detector minds changes of its pictures: flips, turns, darkness, noise, blur, JPEG, in steps. Every change is held
 * against the unchanged pictures by paired resamples of the images.
 *
 *     od_robustness r;
 *     if (od_robustness_run(&options, &robustness_options, &r, &err) == OD_OK) puts(r.text);
 *     od_robustness_free(&r);
 */
#ifndef OBJDET_ROBUSTNESS_H
#define OBJDET_ROBUSTNESS_H

#include "objdet/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The unchanged pictures, or one change of them. */
typedef struct od_robustness_point {
    const char *name;  /* "blur"; "none" for the unchanged pictures; borrowed from the library */
    int level;         /* from 1, the mildest; 0 for "none" */
    int geometric;     /* 1: it moves what is in the picture. Boxes are mapped back, so that all points are scored on the same truth */
    char *description; /* "blurred, sigma 0.6 % of the longer side" */
    double map, map_low, map_high; /* mAP with its 95 % interval; NAN: none */
    double map50;
    double change, change_low, change_high; /* of mAP from the unchanged pictures', with its paired 95 % interval; NAN for "none" */
    int distinct;      /* 1: the change's interval excludes 0 */
} od_robustness_point;

typedef struct od_robustness {
    od_robustness_point *points; /* the first is the unchanged pictures */
    int count;
    char checkpoint[64];
    int64_t step, images;
    /* Mean over the kinds of changes that move nothing, of each the mean over its levels, and its share of the unchanged pictures' mAP: mPC
     * and rPC of Michaelis et al. (arXiv:1907.07484), over our own changes. NAN without such. */
    double mean_changed, relative;
    char *text; /* a table with its explanation */
} od_robustness;

typedef struct od_robustness_options {
    int levels;        /* of each kind, 1 to 3; 0: 3 */
    const char *kinds; /* "flip_horizontal,blur": only these; NULL: all */
} od_robustness_options;

/* Evaluates a checkpoint once for every change and writes <model_dir>/eval/robustness.json, which the report shows. OD_ERR_ARG for an
 * unknown kind. *out is freed with od_robustness_free. */
od_status od_robustness_run(const od_eval_options *options, const od_robustness_options *which, od_robustness *out, od_error *err);
void od_robustness_free(od_robustness *r);

#ifdef __cplusplus
}
#endif
#endif
