/* SPDX-License-Identifier: Apache-2.0
 *
 * int64 -> int64 map (open addressing), for the ids of images, classes and annotations.
 */
#ifndef OD_EVAL_ID_MAP_H
#define OD_EVAL_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct od_id_map od_id_map;

od_id_map *od_id_map_create(size_t expected); /* NULL when out of memory */
void od_id_map_free(od_id_map *map);
/* 0 when added; 1 when the key was there already (the value stays); -1 when out of memory. */
int od_id_map_add(od_id_map *map, int64_t key, int64_t value);
/* 1 and *value when present, else 0. */
int od_id_map_get(const od_id_map *map, int64_t key, int64_t *value);

#endif
