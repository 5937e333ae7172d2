/* SPDX-License-Identifier: Apache-2.0
 *
 * What the COCO evaluator's parts share: the grid of thresholds, the boxes, and the order in which detections and
 * ground truth are grouped. Boxes are x, y, width, height in pixels of the original image.
 *
 * Letters as in pycocotools: T IoU thresholds, R recall thresholds, K classes, A area ranges (all, small, medium,
 * large), M limits on detections per image and class (1, 10, 100).
 */
#ifndef OD_EVAL_COCO_TYPES_H
#define OD_EVAL_COCO_TYPES_H

#include <stddef.h>
#include <stdint.h>

enum { OD_COCO_T = 10, OD_COCO_R = 101, OD_COCO_A = 4, OD_COCO_M = 3, OD_COCO_TOP = 100 };

typedef struct od_coco_box {
    double x, y, w, h;
} od_coco_box;

typedef struct od_coco_image {
    int64_t id;
    char *text_id; /* when the file's ids are strings; NULL otherwise */
    char *name;    /* file name, or NULL */
    char *group;   /* cluster (patient), or NULL */
    int32_t height, width; /* read for masks; 0: not known */
} od_coco_image;

typedef struct od_coco_class {
    int64_t id;
    char *name;
} od_coco_class;

typedef struct od_coco_truth {
    od_coco_box box;
    double area;
    int32_t image, class_index; /* indices into images and classes */
    uint8_t crowd;
    uint8_t ignored; /* counts for nothing, as a crowd, but one detection at most is its */
    uint8_t zero_id; /* annotation id 0, which pycocotools can't tell from 'no match' */
} od_coco_truth;

typedef struct od_coco_det {
    od_coco_box box;
    double score;
    int32_t image, class_index;
} od_coco_det;

/* The grid. */
double od_coco_iou_threshold(int t);    /* .5, .55 ... .95: numpy.linspace(.5, .95, 10)[t], to the bit */
double od_coco_recall_threshold(int r); /* numpy.linspace(0, 1, 101)[r], to the bit */
extern const double od_coco_area_range[OD_COCO_A][2]; /* square pixels, both ends inclusive */
extern const int od_coco_max_dets[OD_COCO_M];

/* Which area ranges hold `area`: bit a. An area on a border is in both ranges, as in pycocotools. */
unsigned od_coco_area_bits(double area);

#endif
