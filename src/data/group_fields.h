/* SPDX-License-Identifier: Apache-2.0
 *
 * "patient_id,patient": names of fields that say which images belong together, the first that an image has counts.
 */
#ifndef OD_DATA_GROUP_FIELDS_H
#define OD_DATA_GROUP_FIELDS_H

#include <stddef.h>

/* Place of `key` among the names, from 0; -1 when it isn't one of them. NULL fields: none. */
int od_group_field_rank(const char *fields, const char *key, size_t size);

/* Name number `rank` into `text`; 0 when there are fewer. */
int od_group_field_at(const char *fields, int rank, char *text, size_t size);

#endif
