/* SPDX-License-Identifier: Apache-2.0 */
#include "util/hashmap.h"

#include "util/alloc.h"

#include <string.h>

struct od_hashmap_slot {
    char *key; /* NULL: empty */
    uint64_t hash;
    int64_t value;
};

uint64_t od_hash_fnv1a(const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* The slot that holds key, or the empty one where it would go. */
static struct od_hashmap_slot *find(struct od_hashmap_slot *slots, size_t capacity, const char *key, uint64_t hash)
{
    size_t i = hash & (capacity - 1);
    while (slots[i].key && (slots[i].hash != hash || strcmp(slots[i].key, key))) i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static int grow(od_hashmap *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 16;
    struct od_hashmap_slot *slots = od_calloc(capacity, sizeof *slots);
    if (!slots) return -1;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key) *find(slots, capacity, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    od_free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return 0;
}

int od_hashmap_set(od_hashmap *map, const char *key, int64_t value)
{
    if (map->count * 2 >= map->capacity && grow(map)) return -1;
    uint64_t hash = od_hash_fnv1a(key, strlen(key));
    struct od_hashmap_slot *slot = find(map->slots, map->capacity, key, hash);
    if (!slot->key) {
        slot->key = od_strdup(key);
        if (!slot->key) return -1;
        slot->hash = hash;
        map->count++;
    }
    slot->value = value;
    return 0;
}

int od_hashmap_get(const od_hashmap *map, const char *key, int64_t *value)
{
    if (!map->capacity) return 0;
    const struct od_hashmap_slot *slot = find(map->slots, map->capacity, key, od_hash_fnv1a(key, strlen(key)));
    if (!slot->key) return 0;
    if (value) *value = slot->value;
    return 1;
}

void od_hashmap_deinit(od_hashmap *map)
{
    for (size_t i = 0; i < map->capacity; i++) od_free(map->slots[i].key);
    od_free(map->slots);
    *map = (od_hashmap){0};
}
