/* SPDX-License-Identifier: Apache-2.0
 *
 * Greedy matching as in eval/coco_match.h, at one threshold, but keeping what each detection was matched to. A
 * threshold on the score takes a prefix of the detections, and greedy matching by score gives the prefix the matches
 * it has in the whole: one matching serves every score threshold.
 */
#ifndef OD_EVAL_BOX_MATCH_H
#define OD_EVAL_BOX_MATCH_H

#include "eval/coco_eval.h"
#include "objdet/localisation.h"

typedef enum od_verdict {
    OD_VERDICT_BEYOND,    /* after the first 100 of its image and class: not used */
    OD_VERDICT_IGNORED,   /* on a crowd */
    OD_VERDICT_FALSE,
    OD_VERDICT_DUPLICATE, /* false too: hits only objects that a better detection has */
    OD_VERDICT_TRUE
} od_verdict;

typedef struct od_box_match {
    double iou;    /* with `truth`; else the best with an object of the class; 0 */
    int32_t truth; /* index of the object found (TRUE) or hit again (DUPLICATE); -1 */
    uint8_t verdict;
} od_box_match;

typedef struct od_box_matches {
    od_box_match *dets;   /* [num_dets] */
    int32_t *truth_found; /* [num_truths]: index of the detection that has it; -1 */
} od_box_matches;

/* `e` must have been run. A hit needs an IoU above 0 besides. Annotation id 0 is an id like any other here. What is found is
 * kept with `e`, since one evaluation asks for it many times, and borrowed: it lives until `e` is run again or changed, or two
 * other rules have been asked for. */
od_status od_box_matches_find(const od_coco_eval *e, od_hit hit, double iou, int num_threads, const od_box_matches **out,
                              od_error *err);

/* Where it is kept. */
struct od_box_cache *od_box_cache_create(void); /* NULL when out of memory */
void od_box_cache_clear(struct od_box_cache *c); /* NULL is fine */
void od_box_cache_free(struct od_box_cache *c);

/* The detections of a class (-1: of all) by score from high to low, equal ones in COCO's order. */
typedef struct od_box_item {
    double score, iou;
    uint32_t det, image;
    uint8_t verdict;
} od_box_item;

typedef struct od_box_list {
    od_box_item *items;
    size_t count;
    uint32_t *truth_image; /* [num_truths]: images of the objects to find (no crowds) */
    int32_t *truth;        /* [num_truths]: their indices */
    size_t num_truths;
} od_box_list;

od_status od_box_list_build(const od_coco_eval *e, const od_box_matches *m, int64_t class_index, od_box_list *out,
                            od_error *err);
void od_box_list_deinit(od_box_list *list);

/* OD_ERR_ARG unless `e` has been run, and class_index is -1 or a class. */
od_status od_box_check(const od_coco_eval *e, int64_t class_index, od_error *err);

#endif
