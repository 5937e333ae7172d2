/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO detection metrics, equal to pycocotools' to the bit, from ground truth and detections in memory or in files.
 *
 *     od_coco_eval *e;
 *     od_coco_eval_create(&e, &err);
 *     od_coco_eval_add_class(e, 1, "cat", &err);                       // index 0
 *     od_coco_eval_add_image(e, 17, "a.jpg", &image, &err);            // image = 0
 *     od_coco_eval_add_truth(e, image, 0, box, area, 0, &err);
 *     od_coco_eval_add_detection(e, image, 0, box, score, &err);
 *     od_coco_eval_run(e, 0, &err);
 *     double map = od_coco_eval_stats(e)[OD_COCO_AP];
 *     od_coco_eval_free(e);
 *
 * Boxes are x, y, width, height in pixels of the original image. A handle belongs to one thread at a time.
 */
#ifndef OBJDET_EVAL_H
#define OBJDET_EVAL_H

#include "objdet/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* name, short name, the OD API's tag; in pycocotools' order */
#define OD_COCO_STATS(X) \
    X(OD_COCO_AP, "AP", "DetectionBoxes_Precision/mAP") \
    X(OD_COCO_AP50, "AP50", "DetectionBoxes_Precision/mAP@.50IOU") \
    X(OD_COCO_AP75, "AP75", "DetectionBoxes_Precision/mAP@.75IOU") \
    X(OD_COCO_AP_SMALL, "AP_small", "DetectionBoxes_Precision/mAP (small)") \
    X(OD_COCO_AP_MEDIUM, "AP_medium", "DetectionBoxes_Precision/mAP (medium)") \
    X(OD_COCO_AP_LARGE, "AP_large", "DetectionBoxes_Precision/mAP (large)") \
    X(OD_COCO_AR1, "AR1", "DetectionBoxes_Recall/AR@1") \
    X(OD_COCO_AR10, "AR10", "DetectionBoxes_Recall/AR@10") \
    X(OD_COCO_AR100, "AR100", "DetectionBoxes_Recall/AR@100") \
    X(OD_COCO_AR_SMALL, "AR_small", "DetectionBoxes_Recall/AR@100 (small)") \
    X(OD_COCO_AR_MEDIUM, "AR_medium", "DetectionBoxes_Recall/AR@100 (medium)") \
    X(OD_COCO_AR_LARGE, "AR_large", "DetectionBoxes_Recall/AR@100 (large)")

typedef enum od_coco_stat {
#define X(name, text, tag) name,
    OD_COCO_STATS(X)
#undef X
    OD_COCO_NUM_STATS
} od_coco_stat;

/* "AP50", "DetectionBoxes_Precision/mAP@.50IOU", and of an evaluation by masks "DetectionMasks_Precision/mAP@.50IOU". */
const char *od_coco_stat_name(od_coco_stat stat);
const char *od_coco_stat_tag(od_coco_stat stat);
const char *od_coco_stat_mask_tag(od_coco_stat stat);

/* What the number says, in one sentence. */
const char *od_coco_stat_explain(od_coco_stat stat);

typedef struct od_coco_eval od_coco_eval;

od_status od_coco_eval_create(od_coco_eval **out, od_error *err);
void od_coco_eval_free(od_coco_eval *e);

/* Classes and images get indices 0, 1, ... in the order of adding. Ids must differ (OD_ERR_ARG). `name` is copied and
 * may be NULL; `index` may be NULL. Results don't depend on the order of adding classes or images: they are sorted by
 * id, as pycocotools does. */
od_status od_coco_eval_add_class(od_coco_eval *e, int64_t id, const char *name, od_error *err);
od_status od_coco_eval_add_image(od_coco_eval *e, int64_t id, const char *name, int64_t *index, od_error *err);

/* A ground-truth box. `area` in square pixels decides small, medium, large; a negative one means width * height.
 * A crowd box (iscrowd) is ignored where it isn't matched. OD_ERR_ARG for an index out of range, OD_ERR_NAN for a box
 * that isn't finite. */
od_status od_coco_eval_add_truth(od_coco_eval *e, int64_t image, int64_t class_index, const double box[4], double area,
                                 int crowd, od_error *err);
od_status od_coco_eval_add_detection(od_coco_eval *e, int64_t image, int64_t class_index, const double box[4],
                                     double score, od_error *err);

/* How the image_id of a detection names an image: AUTO takes strings as names and numbers as ids, or, when numbers don't
 * match the ids but do match the numbers that the files are called (Ultralytics), as those. */
typedef enum od_coco_image_ids { OD_COCO_IDS_AUTO, OD_COCO_IDS_ID, OD_COCO_IDS_NAME } od_coco_image_ids;

/* What overlap means: of boxes, or of masks ("segmentation": polygons or run lengths; of a detection without one, its box). */
typedef enum od_coco_iou_type { OD_COCO_BBOX, OD_COCO_SEGM } od_coco_iou_type;

typedef struct od_coco_load_options {
    od_coco_iou_type iou_type; /* the same for ground truth and detections */
    int keep_masks;            /* 1: of an evaluation by boxes, masks that are there and well-formed are kept for pictures */
    od_coco_image_ids image_ids;
    int64_t category_offset;  /* added to each detection's numeric category_id */
    const char *group_by;     /* field of the image entries that names the cluster (patient); NULL none */
    const char *group_regex;  /* POSIX extended regex on file_name; its first group, or the match, names the cluster */
    int match_zero_id;        /* 1: annotation id 0 is an id like any other; 0: as pycocotools, which counts a
                                 detection matched to it as a false positive */
    int area_from_box;        /* 1: width * height decides the area range, as in the OD API; 0: the area field */
    int num_threads;          /* 0: OpenMP's number */
} od_coco_load_options;

od_coco_load_options od_coco_load_options_default(void);

/* Reads a COCO annotation file into an evaluator without images. Errors name the file, the entry (counted from 0), the
 * value and what was expected; what is odd but acceptable is counted (od_coco_eval_oddities) and logged as warnings.
 * OD_ERR_FORMAT malformed, OD_ERR_MISMATCH ids that match nothing or twice. On failure `e` may only be freed. With OD_COCO_SEGM
 * localisation, failures and calibration, which explain boxes, are refused for `e`. */
od_status od_coco_eval_load_truth(od_coco_eval *e, const char *path, const od_coco_load_options *options, od_error *err);
/* Reads COCO results (an array of image_id, category_id, bbox, score; or an object with such an "annotations",
 * "predictions" or "detections") for the images and classes that `e` has. image_id may be a string that is a file
 * name, with or without folder and extension; category_id may be a class name (also in "category_name"). */
od_status od_coco_eval_load_detections(od_coco_eval *e, const char *path, const od_coco_load_options *options,
                                       od_error *err);

/* What was counted while loading. All are used as they are, except where it says ignored. */
typedef struct od_coco_oddities {
    int64_t truths_of_unknown_image, truths_of_unknown_class; /* ignored, as pycocotools does */
    int64_t truths_empty_box, truths_without_area, truths_negative_area, truths_zero_id;
    int64_t detections_of_unknown_class; /* ignored, as pycocotools does */
    int64_t detections_empty_box, detections_score_outside;
} od_coco_oddities;
const od_coco_oddities *od_coco_eval_oddities(const od_coco_eval *e);

/* The same from the OD API's float32 corners [ymin, xmin, ymax, xmax] in absolute pixels, converted with the float32
 * arithmetic of its coco_tools.py; the ground truth's area is that of the box. */
od_status od_coco_eval_add_truth_corners(od_coco_eval *e, int64_t image, int64_t class_index, const float corners[4],
                                         int crowd, od_error *err);
od_status od_coco_eval_add_detection_corners(od_coco_eval *e, int64_t image, int64_t class_index,
                                             const float corners[4], float score, od_error *err);

/* Forgets the detections, and the results; the ground truth stays. */
void od_coco_eval_clear_detections(od_coco_eval *e);

/* Matches and accumulates. num_threads 0: as many as OpenMP gives; the results don't depend on it. */
od_status od_coco_eval_run(od_coco_eval *e, int num_threads, od_error *err);

/* After od_coco_eval_run (NULL before): [OD_COCO_NUM_STATS], in 0..1, or -1 where no ground truth exists. Borrowed. */
const double *od_coco_eval_stats(const od_coco_eval *e);
/* The same 12 of one class alone. */
const double *od_coco_eval_class_stats(const od_coco_eval *e, int64_t class_index);

/* What was evaluated. Areas: 0 all, 1 small (up to 32² pixels), 2 medium (to 96²), 3 large; an area on a border counts
 * in both. Crowds are counted apart and in no area. */
typedef struct od_coco_counts {
    int64_t images, images_without_truth;
    int64_t classes, classes_without_truth;
    int64_t truths[4], crowds;
    int64_t detections;
    int64_t detections_beyond_limit; /* after the first 100 of their image and class: not used */
} od_coco_counts;

void od_coco_eval_counts(const od_coco_eval *e, od_coco_counts *out);
/* One class: truths and crowds as above. */
void od_coco_eval_class_counts(const od_coco_eval *e, int64_t class_index, od_coco_counts *out);
int64_t od_coco_eval_num_classes(const od_coco_eval *e);
int64_t od_coco_eval_class_id(const od_coco_eval *e, int64_t class_index);
const char *od_coco_eval_class_name(const od_coco_eval *e, int64_t class_index); /* never NULL */

/* What it holds, by index in the order of adding. Names are never NULL ("" without one), except the group's. An image's text id
 * is the id of files whose ids are strings, NULL elsewhere. */
int64_t od_coco_eval_num_images(const od_coco_eval *e);
int64_t od_coco_eval_image_id(const od_coco_eval *e, int64_t image);
const char *od_coco_eval_image_text_id(const od_coco_eval *e, int64_t image);
const char *od_coco_eval_image_name(const od_coco_eval *e, int64_t image);  /* file name */
const char *od_coco_eval_image_group(const od_coco_eval *e, int64_t image); /* patient, or NULL */

typedef struct od_coco_entry {
    int64_t image, class_index;
    double box[4];
    double area;  /* what decides the size: of ground truth as given, of a detection width * height */
    double score; /* 0 for ground truth */
    int crowd;
} od_coco_entry;

int64_t od_coco_eval_num_truths(const od_coco_eval *e);
int64_t od_coco_eval_num_detections(const od_coco_eval *e);
od_coco_entry od_coco_eval_truth(const od_coco_eval *e, int64_t index);
od_coco_entry od_coco_eval_detection(const od_coco_eval *e, int64_t index);

/* Curves as pycocotools' eval dictionary has them. Fills `precision` and `scores` [T=10, R=101, K, A=4, M=3] and
 * `recall` [T, K, A, M], classes in order of id; any may be NULL. */
od_status od_coco_eval_arrays(od_coco_eval *e, double *precision, double *scores, double *recall, od_error *err);

/* Writes {"stats": [12 numbers], "stat_names", "per_class": {name: {...}}, "counts"} as JSON, numbers to 17 digits. A
 * class without a name, or with another's, is called "id N". */
od_status od_coco_eval_write_json(const od_coco_eval *e, const char *path, od_error *err);

/* pycocotools' twelve lines, each ending in a newline; and a line for each -1 telling why. Caller frees with free();
 * NULL when out of memory. */
char *od_coco_stats_table(const double stats[OD_COCO_NUM_STATS]);
char *od_coco_eval_explain_absent(const od_coco_eval *e);

#ifdef __cplusplus
}
#endif
#endif
