/* SPDX-License-Identifier: Apache-2.0
 *
 * Which images belong together (patients, scenes): by a field that the data has, by a regular expression over file names, or,
 * when nothing is said, by the ways in which data sets are known to name their patients.
 */
#ifndef OD_DATA_IMAGE_GROUPS_H
#define OD_DATA_IMAGE_GROUPS_H

#include "util/error.h"

typedef struct od_group_rule od_group_rule;

/* `group_by`, `group_regex` as in od_data_check_options. OD_ERR_ARG: both given, or a bad expression. */
od_status od_group_rule_create(od_group_rule **out, const char *group_by, const char *group_regex, od_error *err);
void od_group_rule_free(od_group_rule *rule);

/* What od_dataset_options.group_fields must be; NULL: nothing. */
const char *od_group_rule_fields(const od_group_rule *rule);

/* The group of an image: `field` is od_example.group. *group is freed with od_free; NULL when it has none. *from tells by what:
 * 0 the field, 1 the expression or a known way of naming. */
od_status od_group_rule_find(const od_group_rule *rule, const char *field, const char *name, char **group, int *from, od_error *err);

/* The original's name in an augmented copy's ("a_jpg.rf.0123abcd.jpg" of Roboflow's exports), freed with od_free; NULL: none, or
 * out of memory. */
char *od_group_original_name(const char *name);

#endif
