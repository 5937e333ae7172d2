/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of the checklists that reviewers of medical imaging studies ask for, in our words; and which of this report's facts
 * fills an item.
 */
#ifndef OD_REPORT_CHECKLIST_ITEMS_H
#define OD_REPORT_CHECKLIST_ITEMS_H

#include <stddef.h>

/* What the run may know. */
typedef enum od_fact {
    OD_FACT_NONE, /* only the authors know */
    OD_FACT_METRICS,
    OD_FACT_UNCERTAINTY,
    OD_FACT_DIAGNOSTIC,
    OD_FACT_CONFUSION,
    OD_FACT_FAILURES,
    OD_FACT_CALIBRATION,
    OD_FACT_THRESHOLD,
    OD_FACT_ROBUSTNESS,
    OD_FACT_PARTITIONS,
    OD_FACT_DISJOINT,
    OD_FACT_COUNTS,
    OD_FACT_IMBALANCE,
    OD_FACT_SAMPLE_SIZE,
    OD_FACT_MISSING,
    OD_FACT_MODEL,
    OD_FACT_SOFTWARE,
    OD_FACT_INITIAL,
    OD_FACT_TRAINING,
    OD_FACT_SELECTION,
    OD_FACT_PREPROCESSING,
    OD_FACT_INTERNAL
} od_fact;

typedef struct od_checklist_item {
    const char *number, *text;
    od_fact fact;
} od_checklist_item;

typedef struct od_checklist {
    const char *key, *title, *source;
    const od_checklist_item *items;
    size_t count;
} od_checklist;

enum { OD_NUM_CHECKLISTS = 3 };
extern const od_checklist od_checklists[OD_NUM_CHECKLISTS];

#endif
