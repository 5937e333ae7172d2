/* SPDX-License-Identifier: Apache-2.0
 *
 * A binary heap: building it costs O(n), so that only the few candidates that are looked at get sorted.
 */
#include "detection/nms_heap.h"

#include "util/alloc.h"

static int comes_before(const od_nms_candidate *a, const od_nms_candidate *b)
{
    if (a->score != b->score) return a->score > b->score;
    if (a->class_id != b->class_id) return a->class_id < b->class_id;
    return a->anchor < b->anchor;
}

static void sift_down(od_nms_heap *heap, size_t i)
{
    od_nms_candidate moving = heap->items[i];
    for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
        if (child + 1 < heap->count && comes_before(&heap->items[child + 1], &heap->items[child])) child++;
        if (!comes_before(&heap->items[child], &moving)) break;
        heap->items[i] = heap->items[child];
    }
    heap->items[i] = moving;
}

int od_nms_heap_append(od_nms_heap *heap, od_nms_candidate candidate)
{
    if (od_grow(&heap->items, &heap->capacity, heap->count + 1, sizeof *heap->items)) return -1;
    heap->items[heap->count++] = candidate;
    return 0;
}

void od_nms_heap_build(od_nms_heap *heap)
{
    for (size_t i = heap->count / 2; i-- > 0;) sift_down(heap, i);
}

int od_nms_heap_push(od_nms_heap *heap, od_nms_candidate candidate)
{
    if (od_nms_heap_append(heap, candidate)) return -1;
    size_t i = heap->count - 1;
    for (size_t parent; i > 0 && comes_before(&candidate, &heap->items[parent = (i - 1) / 2]); i = parent)
        heap->items[i] = heap->items[parent];
    heap->items[i] = candidate;
    return 0;
}

od_nms_candidate od_nms_heap_pop(od_nms_heap *heap)
{
    od_nms_candidate first = heap->items[0];
    heap->items[0] = heap->items[--heap->count];
    if (heap->count) sift_down(heap, 0);
    return first;
}

void od_nms_heap_deinit(od_nms_heap *heap)
{
    od_free(heap->items);
    *heap = (od_nms_heap){0};
}
