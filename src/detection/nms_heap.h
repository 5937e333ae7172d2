/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of non-max suppression: candidates come out by falling score, ties by class and then by anchor, lowest first, as
 * TensorFlow's kernel and its stable sorts order them.
 */
#ifndef OD_DETECTION_NMS_HEAP_H
#define OD_DETECTION_NMS_HEAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct od_nms_candidate {
    float score;
    int32_t class_id, anchor;
    int32_t seen; /* kept boxes of its class that it was already compared with (soft suppression) */
} od_nms_candidate;

typedef struct od_nms_heap {
    od_nms_candidate *items; /* items[0] comes out next, once built */
    size_t count, capacity;
} od_nms_heap;

/* Adds at the end, without order; follow with od_nms_heap_build. 0, or -1 when out of memory. */
int od_nms_heap_append(od_nms_heap *heap, od_nms_candidate candidate);
void od_nms_heap_build(od_nms_heap *heap);
/* Adds in order. */
int od_nms_heap_push(od_nms_heap *heap, od_nms_candidate candidate);
/* Removes and returns the first; count must not be 0. */
od_nms_candidate od_nms_heap_pop(od_nms_heap *heap);
void od_nms_heap_deinit(od_nms_heap *heap);

#endif
