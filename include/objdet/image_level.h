/* SPDX-License-Identifier: Apache-2.0
 *
 * What detections say about whole images: is a class there or not? These are the figures that papers on classification
 * report (accuracy, sensitivity, specificity, ROC-AUC), each with its interval.
 *
 *     od_image_level *l;
 *     od_image_level_run(&l, e, NULL, &err);                           // `e` filled or loaded, run or not
 *     printf("%.3f [%.3f, %.3f]\n", l->labels.accuracy.value, l->labels.accuracy.low, l->labels.accuracy.high);
 *     od_image_level_free(l);
 *
 * An image's score for a class is the highest score of its detections of that class; without one it ranks below every
 * score. An image has a class when the ground truth has a box of it there (a crowd box counts). What the data can't give
 * has value NAN and says why (why_not).
 *
 * Intervals: proportions Wilson's (or Clopper and Pearson's); F1 Wilson's of TP / (TP + FP + FN), of which it is a
 * function; balanced accuracy from its parts' intervals (MOVER: Zou and Donner, Stat. Med. 27, 2008); ROC-AUC DeLong's
 * (Biometrics 44, 1988) on the logit scale; PR-AUC, MCC and macro F1 as od_bootstrap does it. Where images have groups
 * (patients) their cluster versions: od_interval_clustered, Obuchowski's (Biometrics 53, 1997), resampled groups.
 */
#ifndef OBJDET_IMAGE_LEVEL_H
#define OBJDET_IMAGE_LEVEL_H

#include "objdet/bootstrap.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_image_options {
    double threshold;      /* .5: a class is said to be there when its score is at least this */
    double level;          /* .95 */
    int exact;             /* 1: Clopper and Pearson's intervals instead of Wilson's (not for groups) */
    int64_t num_resamples; /* 1000 */
    uint64_t seed;
    int num_threads;
} od_image_options;
od_image_options od_image_options_default(void);

/* Yes or no for each image. */
typedef struct od_binary_figures {
    const char *name;             /* of the class; "any object" */
    int64_t positives, negatives; /* images that have it, and that don't */
    double threshold;             /* NAN: the class of the highest score is the answer */
    int64_t tp, fp, tn, fn;
    od_interval accuracy, balanced_accuracy, sensitivity, specificity, ppv, npv, f1, mcc;
    od_interval roc_auc, pr_auc;  /* independent of the threshold; pr_auc is average precision */
    od_interval majority;         /* accuracy of always giving the more frequent answer */
} od_binary_figures;

/* One answer out of several for each image: the class of the highest score. Of equal scores the class that was added
 * first wins. Only images with exactly one class, or with none, have one right answer; others are left out. */
typedef struct od_label_figures {
    const char *why_not;     /* NULL, or why there are no such figures */
    int64_t images, left_out; /* images used; images of several classes */
    double threshold;        /* below it the answer is "nothing"; 0 when every image has a class */
    int64_t num_labels;      /* classes, and last "nothing" */
    int64_t *confusion;      /* [num_labels, num_labels]: row truth, column answer */
    od_interval accuracy, balanced_accuracy, macro_f1, mcc, majority;
    const char *majority_name;
    od_binary_figures *labels; /* [num_labels]: each against the rest, by these answers; no AUC */
} od_label_figures;

typedef struct od_image_level {
    int64_t images, null_images, num_classes; /* null: without any box */
    int64_t units;                            /* groups, or images */
    int grouped;
    double level, threshold;
    od_binary_figures *classes; /* [num_classes] by class index: at the threshold, whatever the other classes say */
    od_binary_figures any;      /* any object at all; has negatives when there are null images */
    od_label_figures labels;
    struct od_image_scores *scores; /* private */
} od_image_level;

/* OD_ERR_ARG for options out of range or without images. */
od_status od_image_level_run(od_image_level **out, const od_coco_eval *e, const od_image_options *options, od_error *err);
void od_image_level_free(od_image_level *l);

/* Scores and truth of all images for a class (-1: any object): [images] each, borrowed. -INFINITY: no detection. */
const double *od_image_level_scores(const od_image_level *l, int64_t class_index);
const uint8_t *od_image_level_truth(const od_image_level *l, int64_t class_index);

/* The ROC and precision-recall curves of a class (-1: any object): a point for each different score, from the highest down,
 * after a first point at threshold INFINITY. `out`: [images + 1]; returns how many. Rates are NAN without such images. */
typedef struct od_roc_point {
    double threshold, sensitivity, specificity, ppv;
} od_roc_point;
int64_t od_image_level_curve(const od_image_level *l, int64_t class_index, od_roc_point *out);

/* What another study's accuracy is worth: its interval at `images` images, and whether it overlaps ours. */
typedef struct od_paper {
    double accuracy;
    int64_t images; /* 0: as many as here */
    od_interval interval;
    int overlaps;
} od_paper;
od_paper od_image_level_paper(const od_image_level *l, double accuracy, int64_t images);

/* In words: what was counted, which figure a paper's accuracy may be compared with and which not, what the data can't give.
 * `papers`: accuracies to compare with, in 0..1; may be NULL. Caller frees with free(); NULL when out of memory. */
char *od_image_level_explain(const od_image_level *l, const double *papers, int64_t num_papers);
/* A table of the figures, and the confusion matrix when there are at most 12 labels. Caller frees. */
char *od_image_level_table(const od_image_level *l);

/* Two detectors on the same images. */
typedef struct od_image_difference {
    const char *name, *figure; /* class or "all classes"; "accuracy", "sensitivity", "specificity", "ROC-AUC" */
    double a, b;
    od_interval difference;    /* of b - a */
    int64_t only_a, only_b;    /* images that one gets right and the other doesn't; 0 for ROC-AUC */
    double p;                  /* McNemar's mid-p test, its cluster version, or DeLong's; NAN without test */
    const char *test;
    int distinct;              /* 1: p < 1 - level; 0: they cannot be told apart */
} od_image_difference;

typedef struct od_image_comparison {
    int64_t count;
    od_image_difference *items;
} od_image_comparison;

/* OD_ERR_MISMATCH when they differ in images, truth or groups. The strings belong to `a`. */
od_status od_image_level_compare(od_image_comparison *out, const od_image_level *a, const od_image_level *b, od_error *err);
void od_image_comparison_deinit(od_image_comparison *c);

/* All results as JSON: that of od_coco_eval_write_json, and with `b` "intervals", with `l` "image_level"; either may be NULL.
 * Numbers that the data can't give are null, beside "why_not". */
od_status od_eval_write_json(const od_coco_eval *e, const od_bootstrap *b, const od_image_level *l, const char *path,
                             od_error *err);
/* {"method", "level", ..., "stats": {name: {"a", "b", "difference", "distinct"}}, "per_class", "images"}. `e` is either of
 * the two; `images` may be NULL. */
od_status od_compare_write_json(const od_compare *c, const od_coco_eval *e, const od_image_comparison *images,
                                const char *path, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
