/* SPDX-License-Identifier: Apache-2.0
 *
 * A label map (StringIntLabelMap .pbtxt): class ids and their names.
 *
 * As in the OD API (utils/label_map_util.py, data_decoders/tf_example_decoder.py): ids start at 1 (0 may be given to
 * "background" only); a class text of an example is looked up among the names and among the display names, and the
 * larger id wins; what an id is called is the display name when there is one. Unlike the OD API, one id for two names
 * is an error here: one of the two classes would silently become the other.
 */
#ifndef OD_CONFIG_LABEL_MAP_H
#define OD_CONFIG_LABEL_MAP_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_label_map od_label_map;

/* OD_ERR_FORMAT with "path:line:column: ..." for bad syntax, ids and names. The caller frees *out. */
od_status od_label_map_load(const char *path, od_label_map **out, od_error *err);
/* The same from memory; `name` stands for the path in messages. */
od_status od_label_map_parse(const char *text, size_t size, const char *name, od_label_map **out, od_error *err);

/* An empty one; NULL when out of memory. */
od_label_map *od_label_map_create(void);
/* Adds a class; OD_ERR_ARG when the id (>= 1) or the name is taken. `display_name` may be NULL. */
od_status od_label_map_add(od_label_map *map, int32_t id, const char *name, const char *display_name, od_error *err);
/* NULL is fine. */
void od_label_map_free(od_label_map *map);

/* .pbtxt text, by id, that the OD API reads. *text is freed with od_free. */
od_status od_label_map_format(const od_label_map *map, char **text, size_t *size, od_error *err);
/* The same into a file, atomically. */
od_status od_label_map_save(const od_label_map *map, const char *path, od_error *err);

/* Id of a class text: max(id by name, id by display name), or -1 when there is none. */
int32_t od_label_map_find(const od_label_map *map, const char *name);
/* What an id is called (its display name, else its name); NULL for an id that isn't in the map. */
const char *od_label_map_name(const od_label_map *map, int32_t id);
/* An id's name, also where it has a display name (Open Images: /m/011k07); NULL for an id that isn't in the map. */
const char *od_label_map_key(const od_label_map *map, int32_t id);
/* LVIS's frequency of a class: 'r' rare, 'c' common, 'f' frequent; 0 when the map doesn't say. */
char od_label_map_frequency(const od_label_map *map, int32_t id);
/* Classes, without a background entry; their ids by index, ascending. */
int od_label_map_count(const od_label_map *map);
int32_t od_label_map_id(const od_label_map *map, int index);
/* The largest id; 0 for an empty map. A model needs num_classes >= this. */
int32_t od_label_map_max_id(const od_label_map *map);
/* The classes that a class is one of (`ancestors`), or that are one of it, without itself, ascending: the label map's ancestor_ids and
 * descendant_ids. Borrowed; *count 0 for none. */
const int32_t *od_label_map_relatives(const od_label_map *map, int32_t id, int ancestors, int *count);
/* The class's keypoints as the map names them, by id from low to high; *count 0 for none. Borrowed. */
typedef struct od_label_keypoint {
    int32_t id;
    char *name;
} od_label_keypoint;
const od_label_keypoint *od_label_map_keypoints(const od_label_map *map, int32_t id, int *count);
/* Where it was read from; "" for one that was built. */
const char *od_label_map_path(const od_label_map *map);
/* Line of the item with this id in that file; 0 when unknown. */
int od_label_map_line(const od_label_map *map, int32_t id);

#endif
