/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/id_map.h"

#include "util/alloc.h"

typedef struct slot {
    int64_t key, value;
    uint8_t used;
} slot;

struct od_id_map {
    slot *slots;
    size_t count, capacity; /* a power of two */
};

static size_t spread(int64_t key)
{
    uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ (h >> 29));
}

od_id_map *od_id_map_create(size_t expected)
{
    od_id_map *map = od_calloc(1, sizeof *map);
    if (!map) return NULL;
    map->capacity = 16;
    while (map->capacity / 2 < expected && map->capacity < SIZE_MAX / 4) map->capacity *= 2;
    map->slots = od_calloc(map->capacity, sizeof *map->slots);
    if (map->slots) return map;
    od_free(map);
    return NULL;
}

void od_id_map_free(od_id_map *map)
{
    if (!map) return;
    od_free(map->slots);
    od_free(map);
}

static slot *find(slot *slots, size_t capacity, int64_t key)
{
    size_t i = spread(key) & (capacity - 1);
    while (slots[i].used && slots[i].key != key) i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static int grow(od_id_map *map)
{
    size_t capacity = map->capacity * 2;
    slot *slots = od_calloc(capacity, sizeof *slots);
    if (!slots) return -1;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].used) *find(slots, capacity, map->slots[i].key) = map->slots[i];
    od_free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return 0;
}

int od_id_map_add(od_id_map *map, int64_t key, int64_t value)
{
    if (map->count * 2 >= map->capacity && grow(map)) return -1;
    slot *s = find(map->slots, map->capacity, key);
    if (s->used) return 1;
    *s = (slot){key, value, 1};
    map->count++;
    return 0;
}

int od_id_map_get(const od_id_map *map, int64_t key, int64_t *value)
{
    const slot *s = find(map->slots, map->capacity, key);
    if (!s->used) return 0;
    *value = s->value;
    return 1;
}
