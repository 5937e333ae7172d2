/* SPDX-License-Identifier: Apache-2.0
 *
 * How well objects are found, and what is invented where there are none: FROC, JAFROC, false detections on images
 * without objects, LRP.
 *
 *     od_localisation_options o = od_localisation_options_default();
 *     od_froc froc;
 *     od_froc_compute(&froc, e, -1, &o, &err);                // after od_coco_eval_run(e, ...); -1: all classes
 *     froc.sensitivity[3].value;                              // at OD_FROC_RATES[3] = 1 false detection an image
 *     od_froc_deinit(&froc);
 *
 * All use the first 100 detections of an image and class, as COCO does, and match them greedily by score; each object is
 * found at most once. Detections on crowds count neither way. A class of -1 takes all classes together: a detection
 * counts only when its class is right. Intervals are bootstrapped over images, or over groups where there are groups.
 */
#ifndef OBJDET_LOCALISATION_H
#define OBJDET_LOCALISATION_H

#include "objdet/eval.h"
#include "objdet/interval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When a detection hits an object: their IoU is at least `iou`; or its centre lies within the object's box. */
typedef enum od_hit { OD_HIT_IOU, OD_HIT_CENTRE } od_hit;

typedef struct od_localisation_options {
    od_hit hit;             /* OD_HIT_IOU */
    double iou;             /* .5; above 0 */
    int ignore_duplicates;  /* 1: further detections of a found object aren't counted (LUNA16, CAMELYON16, MONAI);
                               0: they count as false, as in COCO */
    double score_threshold; /* .5: of what is counted at a threshold */
    int64_t num_resamples;  /* 1000; 0: no intervals */
    double level;           /* .95 */
    uint64_t seed;
    int num_threads;        /* 0: OpenMP's number */
} od_localisation_options;

od_localisation_options od_localisation_options_default(void);

/* --- FROC: sensitivity against false detections per image (Bunch et al., 1978) ---------------------------------------- */

enum { OD_FROC_NUM_RATES = 7 };
extern const double od_froc_rates[OD_FROC_NUM_RATES]; /* 1/8, 1/4, 1/2, 1, 2, 4, 8 */

typedef struct od_froc_point {
    double threshold;       /* scores of at least this count */
    double false_per_image, sensitivity;
} od_froc_point;

typedef struct od_froc {
    int64_t class_index; /* -1: all */
    int64_t images, objects;
    od_froc_point *points; /* by falling threshold; at most about 400 of them, each on the curve */
    size_t num_points;
    /* The highest sensitivity that a threshold reaches with no more than od_froc_rates[i] false detections an image, and
     * that threshold (NAN: none, the sensitivity is 0). */
    od_interval sensitivity[OD_FROC_NUM_RATES];
    double threshold[OD_FROC_NUM_RATES];
    double interpolated[OD_FROC_NUM_RATES]; /* the same read between the points of the curve, as LUNA16 and MONAI do */
    od_interval mean;                       /* of the seven sensitivities */
    double interpolated_mean;               /* of the seven interpolated ones: LUNA16's score (CPM) */
} od_froc;

od_status od_froc_compute(od_froc *out, const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                          od_error *err);
void od_froc_deinit(od_froc *f);

/* --- JAFROC: one figure for finding objects and leaving the rest alone ----------------------------------------------- */

/* The chance that an object is marked with a higher score than the highest false mark of an image; equal ones, and an
 * unmarked object beside an unmarked image, count half (Chakraborty and Berbaum, Med. Phys. 31, 2004; Chakraborty and
 * Zhai, Med. Phys. 43, 2016). 1: every object is above every false mark; what guessing gives depends on the number of
 * marks. Further marks of a found object are not false marks. */
typedef struct od_jafroc {
    int64_t class_index;
    int64_t images, null_images, objects;
    od_interval jafroc;  /* false marks of images without objects of the class alone (AFROC) */
    od_interval jafroc1; /* false marks of all images (AFROC1): also when none is without objects */
    od_interval wafroc;  /* as jafroc, each image with objects counting once however many it has */
    od_interval wafroc1;
} od_jafroc;

od_status od_jafroc_compute(od_jafroc *out, const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                            od_error *err);

/* --- images without objects ------------------------------------------------------------------------------------------ */

/* Of a class: images with its objects; images without any object; images with objects of other classes only. */
typedef enum od_image_kind { OD_IMAGES_WITH, OD_IMAGES_NULL, OD_IMAGES_LOOKALIKE, OD_IMAGE_NUM_KINDS } od_image_kind;
const char *od_image_kind_name(od_image_kind kind); /* "with objects", "null", "look-alikes" */

enum { OD_SCORE_BINS = 20, OD_SCORE_QUANTILES = 7 };
extern const double od_score_quantiles[OD_SCORE_QUANTILES]; /* 0, .05, .25, .5, .75, .95, 1 */

typedef struct od_score_spread {
    int64_t images, unmarked;                /* unmarked: without any detection of the class; their score counts as 0 */
    int64_t histogram[OD_SCORE_BINS];        /* images by their highest score: bin i holds [i / 20, (i + 1) / 20) */
    double quantile[OD_SCORE_QUANTILES];     /* of the images' highest scores; NAN without images */
    int64_t false_detections;                /* of at least score_threshold */
    od_interval false_per_image;             /* of at least score_threshold */
    od_interval images_with_false;           /* share of images with such a one */
    double false_per_image_at[OD_SCORE_BINS]; /* of at least i / 20 */
} od_score_spread;

typedef struct od_null_images {
    int64_t class_index;
    double score_threshold;
    od_score_spread of[OD_IMAGE_NUM_KINDS]; /* look-alikes are empty when class_index is -1 */
    int64_t *worst;                         /* null and look-alike images with false detections, by their highest score */
    double *worst_score;
    size_t num_worst;
} od_null_images;

od_status od_null_images_compute(od_null_images *out, const od_coco_eval *e, int64_t class_index,
                                 const od_localisation_options *o, od_error *err);
void od_null_images_deinit(od_null_images *n);

/* --- LRP: localisation recall precision (Oksuz et al., ECCV 2018 and TPAMI 44, 2022) ---------------------------------- */

/* At a threshold on the score: (sum over found of (1 - IoU) / (1 - tau) + false + missed) / (found + false + missed), tau
 * being the IoU of a hit. 0 is perfect, 1 is nothing found. oLRP is the lowest over all thresholds. */
typedef struct od_lrp {
    od_interval lrp;               /* oLRP; NAN without objects */
    double localisation;           /* mean of 1 - IoU of what was found; NAN when nothing was */
    double false_share, missed_share; /* 1 - precision (NAN without detections), 1 - recall */
    double threshold;              /* where it is reached; NAN when nothing is found */
    int64_t found, false_detections, missed;
} od_lrp;

typedef struct od_lrps {
    od_lrp mean;     /* over the classes that have objects; counts are sums, the threshold NAN (each class has its own) */
    od_lrp together; /* one threshold for all classes */
    od_lrp *classes; /* [num_classes] by class index */
    size_t num_classes;
} od_lrps;

/* Needs OD_HIT_IOU with iou below 1. Duplicates count as false. */
od_status od_lrp_compute(od_lrps *out, const od_coco_eval *e, const od_localisation_options *o, od_error *err);
void od_lrps_deinit(od_lrps *l);

/* Writes all of this, and of objdet/detection_errors.h, objdet/operating_point.h and objdet/calibration.h, as one JSON document:
 * {"froc": {"all", class names}, "jafroc": {...}, "null_images": {...}, "lrp", "tide", "operating": {"all": {"box", "image",
 * "best_f1"}, ...}, "calibration"}; NAN is null. A curve of "box" or "image" is {"columns": [names], "rows": [[a point's numbers]]}; with more than 20 classes those of
 * single classes have 21 thresholds instead of 101. `o` NULL: the default. */
od_status od_coco_eval_write_details(const od_coco_eval *e, const od_localisation_options *o, const char *path, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
