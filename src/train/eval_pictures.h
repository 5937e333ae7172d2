/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of an evaluation for TensorBoard: detections on the left, ground truth on the right, of the first
 * eval_config.num_visualizations batches (visualization_utils.draw_side_by_side_evaluation_image).
 */
#ifndef OD_TRAIN_EVAL_PICTURES_H
#define OD_TRAIN_EVAL_PICTURES_H

#include "config/config.h"
#include "config/label_map.h"
#include "data/batch.h"
#include "detection/detections.h"
#include "events/event_writer.h"
#include "image/draw.h"

/* Batch number `number` of the pass; nothing beyond num_visualizations. Items need their image (keep_images). */
od_status od_eval_pictures_write(od_events_writer *w, const ObjectDetection__Protos__EvalConfig *config, int64_t step, int64_t number,
                                 const od_batch *batch, const od_detections *detections, const od_label_map *labels, od_error *err);

/* A picture's detections of at least min_score, at most max_boxes (best first), as boxes to draw. `out` has room for
 * max_boxes; returns how many. Names are the label map's. */
int od_detections_to_draw(const od_detections *detections, int64_t row, const od_label_map *labels, double min_score, int max_boxes, od_draw_box *out);

/* The network's input of a training batch with its boxes, as three pictures under OD_TAG_TRAIN_IMAGES. */
od_status od_train_pictures_write(od_events_writer *w, int64_t step, const od_batch *batch, const od_label_map *labels, od_error *err);

#endif
