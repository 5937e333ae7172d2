/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a score of .8 means right in 8 of 10 cases, and making it so.
 *
 *     od_calibration c;
 *     od_calibration_compute(&c, test, NULL, &options, &err);                 // of the scores as they are
 *     od_calibrator *platt;
 *     od_calibrator_fit(&platt, validation, OD_CALIBRATOR_PLATT, &options, &err);
 *     od_calibration_compute(&c, test, platt, &options, &err);                // calibrated
 *
 * Fit on validation data, never on the data that the calibration is judged on.
 */
#ifndef OBJDET_CALIBRATION_H
#define OBJDET_CALIBRATION_H

#include "objdet/eval.h"
#include "objdet/interval.h"
#include "objdet/localisation.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_calibration_options {
    od_localisation_options match; /* hit, iou: when a detection is right; level of the intervals */
    double min_score;              /* 0: detections below are left out */
    int num_bins;                  /* 15, at most OD_RELIABILITY_MOST_BINS; of equal width */
} od_calibration_options;
od_calibration_options od_calibration_options_default(void);

enum { OD_RELIABILITY_MOST_BINS = 100, OD_LAECE_BINS = 25 };

typedef struct od_reliability_bin {
    double low, high;  /* scores above low, up to high; the first bin includes 0 */
    int64_t count;
    double mean_score; /* NAN when empty, like right.value */
    od_interval right; /* share of right ones, Wilson's interval */
} od_reliability_bin;

typedef struct od_reliability {
    od_reliability_bin bins[OD_RELIABILITY_MOST_BINS];
    int num_bins;
    int64_t count;     /* NAN figures when 0 */
    double ece;        /* sum over bins of count / all * |mean score - share right| (Naeini et al., AAAI 2015) */
    double mce;        /* the largest of those differences (Guo et al., ICML 2017) */
    double brier;      /* mean squared difference of score and right (1) or wrong (0) */
} od_reliability;

typedef struct od_calibration {
    od_reliability boxes;  /* detections of all classes; its ece is D-ECE by confidence (Küppers et al., CVPRW 2020) */
    od_reliability images; /* images' highest scores of each class against whether the class is there; its ece is the usual ECE */
    /* Mean over classes with detections of: sum over 25 bins of count / all * |mean score - precision * mean IoU of the right
     * ones| (LaECE: Oksuz et al., CVPR 2023); and with any overlap being right and the IoU itself the aim (LaECE0), each
     * detection for itself in LaACE0 (Kuzucu et al., ECCV 2024). */
    double laece, laece0, laace0;
    int64_t outside; /* scores outside 0..1, taken as 0 or 1 */
} od_calibration;

typedef enum od_calibrator_kind {
    OD_CALIBRATOR_PLATT,    /* 1 / (1 + exp(a * logit(score) + b)), Platt's smoothed targets (1999) */
    OD_CALIBRATOR_ISOTONIC, /* the rising step function of least squares, between its steps straight */
} od_calibrator_kind;
const char *od_calibrator_kind_name(od_calibrator_kind kind); /* "platt", "isotonic" */

/* Maps a class's score to the share of such detections that were right. A class with fewer than 20 right or 20 wrong
 * detections takes the map of all classes. */
typedef struct od_calibrator od_calibrator;

/* OD_ERR_MISMATCH when there are not at least 5 right and 5 wrong detections. */
od_status od_calibrator_fit(od_calibrator **out, const od_coco_eval *e, od_calibrator_kind kind,
                            const od_calibration_options *o, od_error *err);
void od_calibrator_free(od_calibrator *c);
od_calibrator_kind od_calibrator_kind_of(const od_calibrator *c);
/* `class_name` NULL: of all classes. */
double od_calibrator_apply(const od_calibrator *c, const char *class_name, double score);
/* "isotonic, fitted on 120 right and 3880 wrong detections; classes of their own: raccoon". Caller frees with free(). */
char *od_calibrator_describe(const od_calibrator *c);

/* `calibrator` NULL: the scores as they are. `o` NULL: the default. Calibrated scores of images: the highest calibrated. */
od_status od_calibration_compute(od_calibration *out, const od_coco_eval *e, const od_calibrator *calibrator,
                                 const od_calibration_options *o, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
