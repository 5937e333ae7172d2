/* SPDX-License-Identifier: Apache-2.0
 *
 * String -> int64 map (open addressing, FNV-1a). Keys are copied.
 */
#ifndef OD_UTIL_HASHMAP_H
#define OD_UTIL_HASHMAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct od_hashmap {
    struct od_hashmap_slot *slots;
    size_t count, capacity; /* capacity: a power of two, or 0 */
} od_hashmap;

/* Sets or replaces; 0, or -1 when out of memory. */
int od_hashmap_set(od_hashmap *map, const char *key, int64_t value);
/* 1 and *value when present, else 0. `value` may be NULL. */
int od_hashmap_get(const od_hashmap *map, const char *key, int64_t *value);
void od_hashmap_deinit(od_hashmap *map);

uint64_t od_hash_fnv1a(const void *bytes, size_t size);

#endif
