/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OD_EVAL_IMAGE_KINDS_H
#define OD_EVAL_IMAGE_KINDS_H

#include "eval/coco_eval.h"
#include "objdet/localisation.h"

/* What each image is to a class (-1: to all): od_image_kind. Crowds count as objects here. */
void od_image_kinds_fill(const od_coco_eval *e, int64_t class_index, uint8_t *kinds);

#endif
