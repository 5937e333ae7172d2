/* SPDX-License-Identifier: Apache-2.0
 *
 * What formats with free attributes (CVAT, Label Studio) call an object's marks; the names are those that CVAT's own exporters
 * of VOC, COCO and Open Images use.
 */
#ifndef OD_DATA_OBJECT_MARKS_H
#define OD_DATA_OBJECT_MARKS_H

#include "data/example.h"

enum { OD_MARKS = 6 };
typedef struct od_object_mark {
    const char *name;
    uint32_t flag;
} od_object_mark;

/* "difficult", "truncated", "is_crowd", "is_group_of", "is_depiction", "is_inside"; occluded is left to the format. */
extern const od_object_mark od_object_marks[OD_MARKS];

/* Sets what the attribute says (a mark, "occluded", "pose", "weight"): 1; 0 when it is none of them; -1 when out of memory. */
int od_object_take_mark(od_example *e, od_object *o, const char *name, const char *value);

#endif
