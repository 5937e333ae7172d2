/* SPDX-License-Identifier: Apache-2.0
 *
 * From precision and recall to the twelve numbers: pycocotools' summarize, for all classes or one.
 */
#ifndef OD_EVAL_COCO_SUMMARISE_H
#define OD_EVAL_COCO_SUMMARISE_H

#include "eval/coco_accumulate.h"
#include "objdet/eval.h"

/* Mean in numpy's order of additions (pairwise), so that the last bit agrees. n > 0. */
double od_coco_numpy_mean(const double *values, size_t n);

/* `results`: [num_classes], in order of class id. `scratch`: room for T * R * num_classes values. */
void od_coco_summarise(const od_coco_class_result *results, size_t num_classes, double *scratch,
                       double stats[OD_COCO_NUM_STATS]);

#endif
