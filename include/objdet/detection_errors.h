/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong, of which kind, what it costs, and where: TIDE (Bolya et al., ECCV 2020), equal to tidecv's numbers; and
 * the list of failures at an operating threshold, from which galleries are drawn.
 *
 *     od_tide tide;
 *     od_tide_compute(&tide, e, NULL, &err);                        // after od_coco_eval_run
 *     tide.cost[OD_FAILURE_MISSED];                                 // AP50 that the missed objects cost
 *
 *     od_failures *f;
 *     od_failures_find(&f, e, .47, NULL, &err);
 *     for (size_t i = 0; i < od_failures_count(f); i++) draw(od_failures_get(f, i));   // worst first
 *     od_failures_free(f);
 */
#ifndef OBJDET_DETECTION_ERRORS_H
#define OBJDET_DETECTION_ERRORS_H

#include "objdet/eval.h"
#include "objdet/interval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A false detection is of the first kind that fits, in TIDE's order: mislocated, confused, duplicated, invented, both. In
 * TIDE's names: Loc, Cls, Dupe, Bkg, Both, Miss. An object is missed when it isn't found and no mislocated or confused
 * detection stands for it.
 * kind, name, sentence */
#define OD_FAILURE_KINDS(X) \
    X(OD_FAILURE_CONFUSED, "confused", "Cls", "in the right place, of the wrong class") \
    X(OD_FAILURE_MISLOCATED, "mislocated", "Loc", "of the right class, overlapping the object too little") \
    X(OD_FAILURE_BOTH, "both", "Both", "overlapping an object too little, and of another class") \
    X(OD_FAILURE_DUPLICATED, "duplicated", "Dupe", "a second detection of an object that is found already") \
    X(OD_FAILURE_INVENTED, "invented", "Bkg", "where there is no object") \
    X(OD_FAILURE_MISSED, "missed", "Miss", "an object that nothing found")

typedef enum od_failure_kind {
#define X(name, text, tide, sentence) name,
    OD_FAILURE_KINDS(X)
#undef X
    OD_FAILURE_NUM_KINDS
} od_failure_kind;

const char *od_failure_kind_name(od_failure_kind kind);     /* "confused" */
const char *od_failure_kind_tide(od_failure_kind kind);     /* "Cls" */
const char *od_failure_kind_sentence(od_failure_kind kind); /* "in the right place, of the wrong class" */

typedef struct od_tide_options {
    double iou;            /* .5: of a hit */
    double background_iou; /* .1: less than this with every object is background */
    int max_detections;    /* 100 of an image, of all classes together; 0: all */
    int num_threads;       /* 0: OpenMP's number */
    int64_t num_resamples; /* 0: no intervals; 40 to 1000000: of images, or groups where there are groups */
    double level;          /* .95 */
    uint64_t seed;
} od_tide_options;
od_tide_options od_tide_options_default(void);

/* All in 0..1 (tidecv prints them times 100). `ap` is the mean over the classes that have objects or detections (a class with
 * detections but no objects counts 0, unlike in COCO), so it can differ from COCO's AP50. cost: how much `ap` would rise if
 * the failures of a kind alone were put right. Costs don't add up. NAN without objects and detections. */
typedef struct od_tide {
    double ap;
    double cost[OD_FAILURE_NUM_KINDS];
    od_interval cost_interval[OD_FAILURE_NUM_KINDS]; /* with num_resamples; otherwise they say why not */
    int64_t count[OD_FAILURE_NUM_KINDS];
    double false_positive_cost; /* if every false detection scored below every true one */
    double false_negative_cost; /* if the missed objects were not there to be found */
    od_interval false_positive_interval, false_negative_interval;
} od_tide;

/* `e` must have been run; `options` NULL: the default. */
od_status od_tide_compute(od_tide *out, const od_coco_eval *e, const od_tide_options *options, od_error *err);

/* One failure. Boxes are x, y, width, height in pixels of the original image. */
typedef struct od_failure {
    od_failure_kind kind;
    int64_t image;        /* index */
    int64_t detection;    /* index in the order of adding; -1: none (missed) */
    int64_t object;       /* likewise of the ground truth: the one missed, mislocated, confused, hit twice; -1: none */
    int64_t class_index;  /* of the detection; of the object when missed */
    int64_t object_class; /* -1: none */
    double box[4], object_box[4]; /* box: the object's when missed; object_box: zeros without object */
    double score;         /* of the detection; of a missed object: the highest below the threshold that would have found it, or 0 */
    double iou;           /* of detection and object; invented: the highest with any object; missed: 0 */
    double area;          /* of `box`, square pixels */
    int size;             /* 1 small, 2 medium, 3 large: COCO's ranges, of the object's area where there is one */
    double severity;      /* 0..1, what "worst" means: a false detection's score; of a missed object 1 - score */
} od_failure;

/* The failures of an image together. */
typedef struct od_image_failures {
    int64_t image;
    int64_t count[OD_FAILURE_NUM_KINDS];
    double severity; /* sum */
} od_image_failures;

typedef struct od_failures od_failures;

/* Of the detections with a score of at least `threshold`. Sorted by severity, then by image and index. */
od_status od_failures_find(od_failures **out, const od_coco_eval *e, double threshold, const od_tide_options *options,
                           od_error *err);
void od_failures_free(od_failures *f);
size_t od_failures_count(const od_failures *f);
const od_failure *od_failures_get(const od_failures *f, size_t index); /* borrowed */
int64_t od_failures_count_kind(const od_failures *f, od_failure_kind kind);
double od_failures_threshold(const od_failures *f);
/* Images with failures, worst first. */
size_t od_failures_num_images(const od_failures *f);
const od_image_failures *od_failures_image(const od_failures *f, size_t index);
/* How often an object of class `object` (row) was taken for class `detected` (column) at the threshold, found ones on the
 * diagonal; the last row holds invented detections, the last column missed objects. [(K + 1) * (K + 1)]; duplicated,
 * mislocated and both aren't in it. Borrowed. */
const int64_t *od_failures_confusion(const od_failures *f);

/* Writes {"threshold", "counts", "cost", "failures": [...], "images": [...]}; at most `most` failures (negative: all). */
od_status od_failures_write_json(const od_failures *f, const od_coco_eval *e, int64_t most, const char *path, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
