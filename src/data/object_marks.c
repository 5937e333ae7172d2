/* SPDX-License-Identifier: Apache-2.0 */
#include "data/object_marks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const od_object_mark od_object_marks[OD_MARKS] = {
    {"difficult", OD_OBJECT_DIFFICULT}, {"truncated", OD_OBJECT_TRUNCATED},     {"is_crowd", OD_OBJECT_CROWD},
    {"is_group_of", OD_OBJECT_GROUP_OF}, {"is_depiction", OD_OBJECT_DEPICTION}, {"is_inside", OD_OBJECT_INSIDE}};

static const od_object_mark others[] = {{"occluded", OD_OBJECT_OCCLUDED}, {"iscrowd", OD_OBJECT_CROWD}, {"is_occluded", OD_OBJECT_OCCLUDED},
                                        {"is_truncated", OD_OBJECT_TRUNCATED}};

static int is_yes(const char *value)
{
    return !strcasecmp(value, "true") || !strcmp(value, "1") || !strcasecmp(value, "yes");
}

int od_object_take_mark(od_example *e, od_object *o, const char *name, const char *value)
{
    uint32_t flag = 0;
    for (int i = 0; i < OD_MARKS; i++)
        if (!strcmp(name, od_object_marks[i].name)) flag = od_object_marks[i].flag;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(name, others[i].name)) flag = others[i].flag;
    if (flag) {
        if (is_yes(value)) o->flags |= flag;
        return 1;
    }
    if (!strcmp(name, "pose")) return (o->pose = od_example_keep_text(e, value, strlen(value))) ? 1 : -1;
    if (strcmp(name, "weight")) return 0;
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end || !isfinite(v)) return 0;
    o->weight = (float)v;
    return 1;
}
