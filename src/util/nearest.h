/* SPDX-License-Identifier: Apache-2.0
 *
 * "Did you mean ...?": the known name that is closest to a misspelt one.
 */
#ifndef OD_UTIL_NEAREST_H
#define OD_UTIL_NEAREST_H

/* Levenshtein distance; 99 when `b` is longer than 62 characters. */
int od_edit_distance(const char *a, const char *b);

/* Whether a name at that distance is close enough to suggest: a third of the letters at most. */
int od_edit_distance_is_near(int distance, const char *name);

#endif
