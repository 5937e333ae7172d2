/* SPDX-License-Identifier: Apache-2.0
 *
 * All that the report knows, gathered first; the page and the JSON are both written from it.
 *
 * gather_*.c fill it, answers*.c draw the conclusions, section_*.c write them as HTML and JSON.
 */
#ifndef OD_REPORT_REPORT_DATA_H
#define OD_REPORT_REPORT_DATA_H

#include "eval/coco_eval.h"
#include "objdet/bootstrap.h"
#include "objdet/data_check.h"
#include "objdet/detection_errors.h"
#include "objdet/image_level.h"
#include "objdet/interval.h"
#include "objdet/localisation.h"
#include "objdet/operating_point.h"
#include "objdet/report.h"
#include "report/answer.h"
#include "report/checkpoints.h"
#include "report/config_facts.h"
#include "report/gallery.h"
#include "report/robustness_read.h"
#include "report/training.h"

/* A class of the evaluated set. */
typedef struct od_report_class {
    char name[128]; /* "id 7" for one without a name */
    int64_t id;
    od_coco_counts counts;
    od_interval stats[OD_COCO_NUM_STATS];
} od_report_class;

typedef struct od_report_coco {
    int present;
    int from_events;    /* the last evaluation in the event files: no detections, no intervals, no classes */
    double events_step;
    od_interval stats[OD_COCO_NUM_STATS];
    od_coco_counts counts;
    od_report_class *classes;
    int64_t num_classes;
    od_bootstrap *bootstrap; /* NULL: none */
    char *interval_text, *interval_warning;
    char *absent; /* a line for each -1 */
} od_report_coco;

/* Accuracies that others' papers report, with which the user will compare. */
enum { OD_REPORT_PAPERS = 2 };
extern const double od_report_papers[OD_REPORT_PAPERS];

/* With more classes than this, tables and charts of each class alone are left out. */
enum { OD_REPORT_MAX_CLASS_DETAILS = 12 };

typedef struct od_report_localisation {
    int present;
    od_froc froc;           /* all classes */
    od_jafroc jafroc;
    od_null_images nulls;
    od_lrps lrp;
    od_tide tide;
    od_null_images *class_nulls; /* [num_class_parts] by class index */
    od_froc *class_frocs;
    int64_t num_class_parts; /* 0: one class, or too many */
} od_report_localisation;

typedef enum od_threshold_source { OD_THRESHOLD_GIVEN, OD_THRESHOLD_SAVED, OD_THRESHOLD_VALIDATION, OD_THRESHOLD_TEST } od_threshold_source;

enum { OD_REPORT_RULES = 4 };

typedef struct od_report_operating {
    int present;
    od_threshold_source source;   /* of the report's threshold */
    od_threshold_choice choice;   /* what the rule chooses on validation, or on the test set without one */
    od_operating_file *saved;     /* of the model_dir; NULL: none */
    od_overlap overlap;           /* of the evaluated images with those it was fitted on */
    int has_overlap;              /* 0: nothing was fitted elsewhere */
    od_operating_curve curve;     /* boxes of all classes, on the test set */
    od_operating_point at;        /* at the report's threshold, on the test set */
    od_threshold_choice rules[OD_REPORT_RULES];
    od_operating_point rule_points[OD_REPORT_RULES]; /* on the test set */
    od_calibration raw, calibrated;
    int has_calibrated;
    od_threshold_source calibrated_by;
    od_calibrator *fitted;        /* on validation, by this report; NULL: none */
    char *calibrator_text;        /* NULL: none */
} od_report_operating;

typedef struct od_report_data {
    od_data_split splits[3]; /* train, val, test, as far as there */
    int num_splits, has_train;
    int without_pictures;    /* those of a split could not be found: no duplicates are looked for */
    od_data_check *check;    /* NULL: none */
} od_report_data;

typedef struct od_report {
    const od_report_options *o;
    char *title;
    char *gt, *dt, *val_gt, *val_dt, *train_gt; /* paths in use; NULL: none */
    od_config_facts config;                     /* of the model_dir's pipeline.config */
    char *config_path;                          /* the model_dir's pipeline.config; NULL: none */
    od_coco_eval *test, *val;                   /* NULL: none */
    int grouped;                                /* images of `test` have groups */
    od_report_coco coco;
    double threshold;      /* scores that count as a detection */
    od_report_operating operating;
    od_image_level *image_level; /* NULL: none */
    char *image_level_words;
    od_report_localisation localisation;
    od_failures *failures; /* of `test` at the threshold; NULL: none */
    od_gallery gallery;
    size_t gallery_shown;  /* of its items, as many as the file's size allows */
    od_training training;
    od_checkpoints checkpoints;
    od_robust_study robustness; /* rows NULL: none */
    od_report_data data;
    od_answer answers[OD_NUM_ANSWERS];
    od_texts notes; /* what went wrong without stopping the report */
} od_report;

od_status od_report_gather(od_report *r, const od_report_options *o, od_error *err);
void od_report_deinit(od_report *r);

/* The parts of gathering. */
od_status od_gather_coco(od_report *r, od_error *err);
void od_gather_coco_deinit(od_report_coco *c);
/* Also chooses the report's threshold. */
od_status od_gather_operating_point(od_report *r, od_error *err);
void od_gather_operating_point_deinit(od_report_operating *p);
/* After the threshold has been chosen. */
od_status od_gather_image_level(od_report *r, od_error *err);
void od_gather_image_level_deinit(od_report *r);
od_status od_gather_localisation(od_report *r, od_error *err);
void od_gather_localisation_deinit(od_report *r);
od_status od_gather_data(od_report *r, od_error *err);
/* The first finding of a kind, or NULL. */
const od_data_finding *od_report_finding(const od_report *r, od_data_finding_kind kind);
od_status od_gather_gallery(od_report *r, od_error *err);

#endif
