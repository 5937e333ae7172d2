/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluation results as COCO files: detections.json (COCO results) and groundtruth.json with the same image ids, so that any
 * COCO tool, and objdet's own, can be run on them; metrics.json with the OD API's tags.
 */
#ifndef OD_TRAIN_DETECTIONS_FILE_H
#define OD_TRAIN_DETECTIONS_FILE_H

#include "config/label_map.h"
#include "data/batch.h"
#include "detection/detections.h"
#include "util/strbuf.h"

/* Texts that grow image by image. */
typedef struct od_coco_files {
    od_strbuf images, annotations, detections;
    int64_t annotation_count, detection_count, image_count;
} od_coco_files;

void od_coco_files_deinit(od_coco_files *f);
/* One image with its objects (boxes relative to the image) and detections [row of the batch], and both's masks where there are any. */
od_status od_coco_files_add(od_coco_files *f, int64_t image_id, const od_batch_item *item, int object_count, const od_detections *detections, int64_t row, od_error *err);
/* <dir>/detections.json and <dir>/groundtruth.json. */
od_status od_coco_files_write(const od_coco_files *f, const char *dir, const od_label_map *labels, int num_classes, od_error *err);
/* The detections alone, as <dir>/<name>. */
od_status od_coco_files_write_detections(const od_coco_files *f, const char *dir, const char *name, od_error *err);

/* A JSON string literal with its quotes. */
void od_json_append_string(od_strbuf *b, const char *text);
/* A number that reads back equal; null when not finite. */
void od_json_append_number(od_strbuf *b, double x);

/* ,"segmentation":{...} of a detection on a picture of height x width. */
od_status od_json_append_detection_mask(od_strbuf *b, const od_detections *detections, int64_t row, int i, int height, int width, od_error *err);

/* ,"keypoints":[x,y,v, ...] in pixels of a picture of height x width, of points[count, 2] y, x. `object`: with its visibilities and
 * "num_keypoints"; NULL: of a detection, where v is 1 (COCO's evaluation doesn't look at it). */
void od_json_append_keypoints(od_strbuf *b, const float *points, int count, const od_object *object, int height, int width);

#endif
