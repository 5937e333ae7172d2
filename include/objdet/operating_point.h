/* SPDX-License-Identifier: Apache-2.0
 *
 * The score from which a detection is believed: what each threshold gives, which one to take and why, and the choice saved
 * beside the model.
 *
 *     od_operating_options o = od_operating_options_default();
 *     od_operating_curve c;
 *     od_operating_curve_compute(&c, e, -1, OD_LEVEL_BOX, &o, &err);  // after od_coco_eval_run
 *     od_threshold_choice choice;
 *     od_threshold_choose(&choice, e, -1, OD_LEVEL_BOX, &rule, &o, &err);
 *     choice.threshold, choice.reason
 *
 * At box level a detection is right when it finds an object (see objdet/localisation.h); at image level an image is called
 * positive when a detection of the class has at least the threshold, and is positive when it holds an object of it. Class -1:
 * all classes together; at image level any object.
 */
#ifndef OBJDET_OPERATING_POINT_H
#define OBJDET_OPERATING_POINT_H

#include "objdet/calibration.h"
#include "objdet/eval.h"
#include "objdet/interval.h"
#include "objdet/localisation.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum od_level { OD_LEVEL_BOX, OD_LEVEL_IMAGE } od_level;

typedef struct od_operating_options {
    od_localisation_options match; /* hit, iou, ignore_duplicates, resamples, level, seed, threads */
    double cost_fp, cost_fn;       /* 1, 1: what a false detection (image) and a missed object (image) cost */
} od_operating_options;
od_operating_options od_operating_options_default(void);

/* What a threshold gives. */
typedef struct od_operating_point {
    double threshold;           /* scores of at least this count; NAN: none does */
    int64_t tp, fp, fn, tn;     /* tn: -1 at box level */
    od_interval precision;      /* NAN when nothing is detected */
    od_interval recall;         /* sensitivity; NAN without objects */
    od_interval f1;             /* 2 tp / (2 tp + fp + fn) */
    od_interval specificity;    /* image level alone; NAN without negative images */
    double false_per_image;     /* at image level: share of all images that are false alarms */
    double cost;                /* (cost_fp fp + cost_fn fn) / images */
} od_operating_point;

typedef struct od_operating_curve {
    int64_t class_index;
    od_level level;
    int64_t images, objects; /* at image level: positive images */
    double cost_fp, cost_fn;
    od_operating_point *points; /* thresholds 0, .01 ... 1 */
    size_t num_points;
} od_operating_curve;

/* Intervals: Wilson's, or of clusters (images at box level; groups where there are groups); see objdet/interval.h. */
od_status od_operating_curve_compute(od_operating_curve *out, const od_coco_eval *e, int64_t class_index, od_level level,
                                     const od_operating_options *o, od_error *err);
void od_operating_curve_deinit(od_operating_curve *c);
/* One threshold. */
od_status od_operating_point_compute(od_operating_point *out, const od_coco_eval *e, int64_t class_index, od_level level,
                                     double threshold, const od_operating_options *o, od_error *err);

/* --- choosing -------------------------------------------------------------------------------------------------------- */

typedef enum od_threshold_rule {
    OD_RULE_F1,                  /* the highest F1 */
    OD_RULE_COST,                /* the lowest cost, with options.cost_fp and cost_fn */
    OD_RULE_MIN_SENSITIVITY,     /* the highest threshold with a sensitivity of at least `bound` */
    OD_RULE_MAX_FALSE_PER_IMAGE, /* the lowest threshold with at most `bound` false detections an image (image level: false
                                    alarms per negative image) */
} od_threshold_rule;

typedef struct od_threshold_choice {
    od_threshold_rule rule;
    od_level level;
    int64_t class_index;
    double bound;
    int reached;            /* 0: no threshold keeps the bound; the nearest was taken, and `reason` says so */
    double threshold;       /* the shortest decimal that separates the scores it separates */
    od_interval interval;   /* of the threshold: what other samples of such images would have chosen (percentile bootstrap) */
    od_operating_point at;  /* on the data it was chosen on: optimistic */
    char reason[512];       /* a sentence */
} od_threshold_choice;

od_status od_threshold_choose(od_threshold_choice *out, const od_coco_eval *e, int64_t class_index, od_level level,
                              od_threshold_rule rule, double bound, const od_operating_options *o, od_error *err);

/* --- what is saved with a model -------------------------------------------------------------------------------------- */

#define OD_OPERATING_FILE "operating_point.json" /* in the model_dir */

typedef struct od_operating_file od_operating_file;

/* The images (and groups) that a threshold and calibrator were fitted on are kept as hashes of their names (the 20,000 lowest),
 * so that a later evaluation on the same images is found out. `calibrator` is copied and may be NULL. */
od_status od_operating_file_create(od_operating_file **out, const od_coco_eval *fit, const char *fit_gt, const char *fit_dt,
                                   const od_threshold_choice *choice, const od_operating_options *o,
                                   const od_calibrator *calibrator, od_error *err);
/* The checkpoint that the detections were made with, by its name (ckpt-12); NULL: unknown. */
od_status od_operating_file_set_checkpoint(od_operating_file *f, const char *checkpoint, od_error *err);
/* Written atomically. */
od_status od_operating_file_save(const od_operating_file *f, const char *path, od_error *err);
/* OD_ERR_NOT_FOUND without the file; OD_ERR_FORMAT names the field, its value and what was expected. */
od_status od_operating_file_load(od_operating_file **out, const char *path, od_error *err);
void od_operating_file_free(od_operating_file *f);

/* A threshold of a class's own (0 to 1), by the class's name; again: another one. */
od_status od_operating_file_set_class(od_operating_file *f, const char *class_name, double threshold, od_error *err);

double od_operating_file_threshold(const od_operating_file *f);
/* The class's own threshold, or that of all. */
double od_operating_file_class_threshold(const od_operating_file *f, const char *class_name);
int64_t od_operating_file_num_class_thresholds(const od_operating_file *f);
const char *od_operating_file_reason(const od_operating_file *f);
const char *od_operating_file_fit_gt(const od_operating_file *f); /* file names as given */
const char *od_operating_file_fit_dt(const od_operating_file *f);
int64_t od_operating_file_num_images(const od_operating_file *f);
const char *od_operating_file_checkpoint(const od_operating_file *f); /* NULL: unknown */
const od_calibrator *od_operating_file_calibrator(const od_operating_file *f); /* NULL: none */
const char *od_threshold_rule_name(od_threshold_rule rule);                    /* "f1", "cost", "min_sensitivity", "max_fp_per_image" */

/* How much of a test set was seen when fitting. */
typedef struct od_overlap {
    int64_t images, images_seen; /* by file name, without folder and extension; by id where there are no names */
    int64_t groups, groups_seen; /* 0 groups: none are known */
    int64_t first_image;         /* index of the first seen; -1 */
    const char *first_group;     /* borrowed of `test`; NULL */
    int by_id;                   /* 1: images without names were compared by id, which says less */
} od_overlap;

od_status od_operating_file_overlap(const od_operating_file *f, const od_coco_eval *test, od_overlap *out, od_error *err);
/* The same between two sets. */
od_status od_coco_eval_overlap(const od_coco_eval *fit, const od_coco_eval *test, od_overlap *out, od_error *err);

/* --- all of it: chosen on one set, judged on another ---------------------------------------------------------------- */

/* A class's own threshold by the same rule. */
typedef struct od_class_threshold {
    const char *name;           /* borrowed of `fit` */
    int chosen;                 /* 0: none, `why_not` says why; the threshold of all serves */
    char why_not[256];
    od_threshold_choice choice; /* on `fit` */
    int has_test;
    od_operating_point test;    /* of the class on the test set at its own threshold */
} od_class_threshold;

typedef struct od_threshold_study {
    od_threshold_choice choice;      /* on `fit` */
    od_calibrator *calibrator;       /* fitted on `fit`; NULL: none, and `no_calibrator` says why */
    char no_calibrator[256];
    od_calibration fit_raw, fit_calibrated;
    int has_test;                    /* what follows is there */
    od_overlap overlap;              /* of the test set with `fit` */
    int held_out;                    /* 1: no image and no group of it was seen when fitting */
    od_operating_point test;         /* at the threshold chosen on `fit` */
    od_class_threshold *classes;     /* with options.per_class; NULL otherwise */
    int64_t num_classes;
    od_calibration test_raw, test_calibrated;
} od_threshold_study;

typedef struct od_threshold_study_options {
    od_operating_options operating;
    od_level level;
    int64_t class_index;    /* -1 */
    int per_class;          /* 1: besides that of all, one of each class's own; with class_index -1 */
    od_threshold_rule rule;
    double bound;
    int calibrator;         /* an od_calibrator_kind; OD_CALIBRATOR_AUTO: isotonic with at least 200 right and 200 wrong
                               detections, else Platt; OD_CALIBRATOR_NONE */
} od_threshold_study_options;
enum { OD_CALIBRATOR_AUTO = -1, OD_CALIBRATOR_NONE = -2 };
od_threshold_study_options od_threshold_study_options_default(void);

/* `test` may be NULL; its classes are matched to those of `fit` by name. Both have been run. */
od_status od_threshold_study_run(od_threshold_study **out, const od_coco_eval *fit, const od_coco_eval *test,
                                 const od_threshold_study_options *o, od_error *err);
void od_threshold_study_free(od_threshold_study *s);
/* What of this is held out and what isn't, in sentences. Caller frees with free(); NULL when out of memory. */
char *od_threshold_study_explain(const od_threshold_study *s, const od_coco_eval *test, const char *fit_name, const char *test_name);
od_status od_threshold_study_write_json(const od_threshold_study *s, const char *path, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
