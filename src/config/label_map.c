/* SPDX-License-Identifier: Apache-2.0 */
#include "config/label_map.h"

#include "config/text_format.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/hashmap.h"

#include "string_int_label_map.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef ObjectDetection__Protos__StringIntLabelMap map_proto;
typedef ObjectDetection__Protos__StringIntLabelMapItem item_proto;
typedef ObjectDetection__Protos__StringIntLabelMapItem__KeypointMap keypoint_proto;

static const char frequencies[] = {0, 'f', 'c', 'r'}; /* as LVISFrequency counts them */

/* Ids of other classes, ascending. */
typedef struct relatives {
    int32_t *ids;
    size_t count;
} relatives;

typedef struct label {
    int32_t id;
    int line;
    char *name, *display_name; /* display_name: NULL when there is none */
    relatives above, below;    /* ancestor_ids, descendant_ids */
    od_label_keypoint *keypoints;
    size_t keypoint_count;
    char frequency;            /* 'r', 'c', 'f'; 0 not given */
} label;

struct od_label_map {
    char *path;
    label *labels; /* ascending by id, background left out */
    size_t count, capacity;
    od_hashmap by_name, by_display_name;
};

od_label_map *od_label_map_create(void)
{
    od_label_map *map = od_calloc(1, sizeof *map);
    if (!map) return NULL;
    map->path = od_strdup("");
    if (map->path) return map;
    od_free(map);
    return NULL;
}

static void label_deinit(label *l)
{
    for (size_t i = 0; l->keypoints && i < l->keypoint_count; i++) od_free(l->keypoints[i].name);
    od_free(l->keypoints);
    od_free(l->name);
    od_free(l->display_name);
    od_free(l->above.ids);
    od_free(l->below.ids);
}

void od_label_map_free(od_label_map *map)
{
    if (!map) return;
    for (size_t i = 0; i < map->count; i++) label_deinit(&map->labels[i]);
    od_free(map->labels);
    od_hashmap_deinit(&map->by_name);
    od_hashmap_deinit(&map->by_display_name);
    od_free(map->path);
    od_free(map);
}

/* Index of the first label whose id is at least `id`. */
static size_t lower_bound(const od_label_map *map, int32_t id)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->labels[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const label *find_id(const od_label_map *map, int32_t id)
{
    size_t i = lower_bound(map, id);
    return i < map->count && map->labels[i].id == id ? &map->labels[i] : NULL;
}

static int by_id(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* A sorted copy, each once. Returns 0 or -1. */
static int copy_relatives(const relatives *from, relatives *to)
{
    *to = (relatives){0};
    if (!from->count) return 0;
    to->ids = od_malloc(from->count, sizeof *to->ids);
    if (!to->ids) return -1;
    memcpy(to->ids, from->ids, from->count * sizeof *to->ids);
    qsort(to->ids, from->count, sizeof *to->ids, by_id);
    for (size_t i = 0; i < from->count; i++)
        if (!to->count || to->ids[i] != to->ids[to->count - 1]) to->ids[to->count++] = to->ids[i];
    return 0;
}

static int by_keypoint_id(const void *a, const void *b)
{
    const od_label_keypoint *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Copies, by id. Returns 0 or -1, then the label owns what there is. */
static int copy_keypoints(const label *from, label *to)
{
    to->keypoints = from->keypoint_count ? od_calloc(from->keypoint_count, sizeof *to->keypoints) : NULL;
    if (from->keypoint_count && !to->keypoints) return -1;
    for (size_t i = 0; i < from->keypoint_count; i++) {
        to->keypoints[i] = (od_label_keypoint){from->keypoints[i].id, od_strdup(from->keypoints[i].name)};
        if (!to->keypoints[i].name) return -1;
    }
    if (from->keypoint_count) qsort(to->keypoints, from->keypoint_count, sizeof *to->keypoints, by_keypoint_id);
    return 0;
}

static od_status insert(od_label_map *map, const label *given, od_error *err)
{
    label l = *given;
    if (od_grow(&map->labels, &map->capacity, map->count + 1, sizeof *map->labels)) return od_error_nomem(err, "a label map");
    l.name = od_strdup(given->name);
    l.display_name = given->display_name ? od_strdup(given->display_name) : NULL;
    if (copy_keypoints(given, &l) | copy_relatives(&given->above, &l.above) | copy_relatives(&given->below, &l.below) || !l.name || (given->display_name && !l.display_name) || od_hashmap_set(&map->by_name, l.name, l.id) ||
        (l.display_name && od_hashmap_set(&map->by_display_name, l.display_name, l.id))) {
        label_deinit(&l);
        return od_error_nomem(err, "a label map");
    }
    size_t at = lower_bound(map, l.id);
    memmove(&map->labels[at + 1], &map->labels[at], (map->count - at) * sizeof l);
    map->labels[at] = l;
    map->count++;
    return OD_OK;
}

/* Checks a label against those in the map, then adds it. `status` is what a clash gives. */
static od_status add_label(od_label_map *map, const label *l, od_status status, od_error *err)
{
    int64_t id;
    const label *taken = find_id(map, l->id);
    if (l->id < 1)
        return od_error_set(err, status, "class '%s' has id %d; ids start at 1 (0 is the background)", l->name, (int)l->id);
    if (taken)
        return od_error_set(err, status, "id %d is given to '%s' and to '%s'; give every class its own id", (int)l->id,
                            taken->name, l->name);
    if (od_hashmap_get(&map->by_name, l->name, &id))
        return od_error_set(err, status, "the name '%s' is given to id %d and to id %d; give every class its own name",
                            l->name, (int)id, (int)l->id);
    return insert(map, l, err);
}

od_status od_label_map_add(od_label_map *map, int32_t id, const char *name, const char *display_name, od_error *err)
{
    return add_label(map, &(label){.id = id, .name = (char *)name, .display_name = (char *)display_name}, OD_ERR_ARG, err);
}

static od_status check_item(const item_proto *item, const char *path, int line, od_error *err)
{
    if (!item->has_id)
        return od_error_set(err, OD_ERR_FORMAT, "%s:%d: an item without an id; add id: N with N from 1", path, line);
    if (!item->name && !item->display_name)
        return od_error_set(err, OD_ERR_FORMAT, "%s:%d: the item with id %d has no name; add name: '...'", path, line,
                            (int)item->id);
    return OD_OK;
}

static int is_background(const item_proto *item)
{
    return item->id == 0 && ((item->name && !strcmp(item->name, "background")) ||
                             (item->display_name && !strcmp(item->display_name, "background")));
}

/* The item's keypoints, names borrowed; l->keypoints is freed by the caller. */
static od_status take_keypoints(const item_proto *item, label *l, od_error *err)
{
    if (!item->n_keypoints) return OD_OK;
    if (!(l->keypoints = od_calloc(item->n_keypoints, sizeof *l->keypoints))) return od_error_nomem(err, "a label map");
    for (size_t i = 0; i < item->n_keypoints; i++) {
        const keypoint_proto *k = item->keypoints[i];
        l->keypoints[l->keypoint_count++] = (od_label_keypoint){k->id, k->label ? k->label : ""};
        for (size_t j = 0; j < i; j++)
            if (l->keypoints[j].id == k->id)
                return od_error_set(err, OD_ERR_FORMAT, "keypoint %d of '%s' is named twice; give every keypoint its own id", (int)k->id, l->name);
    }
    return OD_OK;
}

static od_status add_items(od_label_map *map, const od_text_tree *tree, od_error *err)
{
    const map_proto *proto = (const void *)od_text_tree_root(tree);
    for (size_t i = 0; i < proto->n_item; i++) {
        const item_proto *item = proto->item[i];
        int line = od_text_tree_line(tree, item, NULL, -1);
        OD_TRY(check_item(item, map->path, line, err));
        if (is_background(item)) continue;
        label l = {.id = item->id, .line = line, .name = item->name ? item->name : item->display_name, .display_name = item->display_name,
                   .frequency = item->has_frequency ? frequencies[item->frequency & 3] : 0,
                   .above = {item->ancestor_ids, item->n_ancestor_ids}, .below = {item->descendant_ids, item->n_descendant_ids}};
        od_status status = take_keypoints(item, &l, err);
        if (status == OD_OK) status = add_label(map, &l, OD_ERR_FORMAT, err);
        od_free(l.keypoints);
        if (status != OD_OK) {
            od_error_prefix(err, "%s:%d", map->path, line);
            return status;
        }
    }
    return OD_OK;
}

od_status od_label_map_parse(const char *text, size_t size, const char *name, od_label_map **out, od_error *err)
{
    od_text_tree *tree = NULL;
    OD_TRY(od_text_parse(&object_detection__protos__string_int_label_map__descriptor, text, size, name, &tree, err));
    od_status status = OD_OK;
    od_label_map *map = od_calloc(1, sizeof *map);
    if (map) map->path = od_strdup(name);
    if (!map || !map->path)
        status = od_error_nomem(err, "a label map");
    else
        status = add_items(map, tree, err);
    if (status == OD_OK && !map->count)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: no classes; expected item { id: 1 name: '...' }", name);
    od_text_tree_free(tree);
    if (status == OD_OK)
        *out = map;
    else
        od_label_map_free(map);
    return status;
}

od_status od_label_map_load(const char *path, od_label_map **out, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = od_label_map_parse((const char *)view.data, view.size, path, out, err);
    od_file_view_close(&view);
    return status;
}

/* The messages of all labels' keypoints, one after the other, with pointers to them. */
typedef struct keypoint_protos {
    keypoint_proto *items, **pointers;
    size_t count;
} keypoint_protos;

static int keypoint_protos_init(keypoint_protos *p, const od_label_map *map)
{
    size_t all = 0;
    for (size_t i = 0; i < map->count; i++) all += map->labels[i].keypoint_count;
    *p = (keypoint_protos){od_calloc(all, sizeof *p->items), od_calloc(all, sizeof *p->pointers), 0};
    return p->items && p->pointers ? 0 : -1;
}

static void give_keypoints(keypoint_protos *p, const label *l, item_proto *item)
{
    item->n_keypoints = l->keypoint_count;
    item->keypoints = p->pointers + p->count;
    for (size_t k = 0; k < l->keypoint_count; k++, p->count++) {
        keypoint_proto *m = p->pointers[p->count] = &p->items[p->count];
        object_detection__protos__string_int_label_map_item__keypoint_map__init(m);
        m->has_id = 1;
        m->id = l->keypoints[k].id;
        m->label = l->keypoints[k].name;
    }
}

od_status od_label_map_format(const od_label_map *map, char **text, size_t *size, od_error *err)
{
    od_strbuf b = {0};
    item_proto *items = od_calloc(map->count, sizeof *items), **pointers = od_calloc(map->count, sizeof *pointers);
    keypoint_protos keypoints;
    int failed = keypoint_protos_init(&keypoints, map) || !items || !pointers;
    for (size_t i = 0; !failed && i < map->count; i++) {
        object_detection__protos__string_int_label_map_item__init(&items[i]);
        items[i].name = map->labels[i].name;
        items[i].has_id = 1;
        items[i].id = map->labels[i].id;
        items[i].display_name = map->labels[i].display_name;
        items[i].n_ancestor_ids = map->labels[i].above.count;
        items[i].ancestor_ids = map->labels[i].above.ids;
        items[i].n_descendant_ids = map->labels[i].below.count;
        items[i].descendant_ids = map->labels[i].below.ids;
        items[i].has_frequency = map->labels[i].frequency != 0;
        while (items[i].has_frequency && frequencies[items[i].frequency] != map->labels[i].frequency) items[i].frequency++;
        give_keypoints(&keypoints, &map->labels[i], &items[i]);
        pointers[i] = &items[i];
    }
    map_proto proto = OBJECT_DETECTION__PROTOS__STRING_INT_LABEL_MAP__INIT;
    proto.n_item = map->count;
    proto.item = pointers;
    if (!failed) od_text_format(&proto.base, &b);
    failed |= od_strbuf_failed(&b);
    od_free(items);
    od_free(pointers);
    od_free(keypoints.items);
    od_free(keypoints.pointers);
    if (failed) {
        od_strbuf_deinit(&b);
        return od_error_nomem(err, "a label map's text");
    }
    *text = b.data;
    if (size) *size = b.size;
    return OD_OK;
}

od_status od_label_map_save(const od_label_map *map, const char *path, od_error *err)
{
    char *text = NULL;
    size_t size = 0;
    OD_TRY(od_label_map_format(map, &text, &size, err));
    od_status status = od_file_write_all(path, text, size, err);
    od_free(text);
    return status;
}

int32_t od_label_map_find(const od_label_map *map, const char *name)
{
    int64_t by_name = -1, by_display_name = -1;
    od_hashmap_get(&map->by_name, name, &by_name);
    od_hashmap_get(&map->by_display_name, name, &by_display_name);
    return (int32_t)(by_name > by_display_name ? by_name : by_display_name);
}

const char *od_label_map_name(const od_label_map *map, int32_t id)
{
    const label *l = find_id(map, id);
    return !l ? NULL : l->display_name ? l->display_name : l->name;
}

char od_label_map_frequency(const od_label_map *map, int32_t id)
{
    const label *l = find_id(map, id);
    return l ? l->frequency : 0;
}

const char *od_label_map_key(const od_label_map *map, int32_t id)
{
    const label *l = find_id(map, id);
    return l ? l->name : NULL;
}

const od_label_keypoint *od_label_map_keypoints(const od_label_map *map, int32_t id, int *count)
{
    const label *l = find_id(map, id);
    *count = l ? (int)l->keypoint_count : 0;
    return l ? l->keypoints : NULL;
}

const int32_t *od_label_map_relatives(const od_label_map *map, int32_t id, int ancestors, int *count)
{
    const label *l = find_id(map, id);
    const relatives *r = !l ? NULL : ancestors ? &l->above : &l->below;
    *count = r ? (int)r->count : 0;
    return r ? r->ids : NULL;
}

int od_label_map_count(const od_label_map *map)
{
    return (int)map->count;
}

int32_t od_label_map_id(const od_label_map *map, int index)
{
    return map->labels[index].id;
}

int32_t od_label_map_max_id(const od_label_map *map)
{
    return map->count ? map->labels[map->count - 1].id : 0;
}

const char *od_label_map_path(const od_label_map *map)
{
    return map->path;
}

int od_label_map_line(const od_label_map *map, int32_t id)
{
    const label *l = find_id(map, id);
    return l ? l->line : 0;
}
