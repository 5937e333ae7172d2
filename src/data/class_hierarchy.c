/* SPDX-License-Identifier: Apache-2.0 */
#include "data/class_hierarchy.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

/* Relatives of a class and itself, ascending, into ids (room for all of the map and one more). */
static int with_itself(const od_label_map *map, int32_t id, int ancestors, int32_t *ids)
{
    int count, n = 0, placed = 0;
    const int32_t *others = od_label_map_relatives(map, id, ancestors, &count);
    for (int i = 0; i < count; i++) {
        if (others[i] == id || !od_label_map_name(map, others[i])) continue;
        if (!placed && others[i] > id) ids[n++] = id, placed = 1;
        ids[n++] = others[i];
    }
    if (!placed) ids[n++] = id;
    return n;
}

static od_status expand_objects(const od_label_map *map, int32_t *ids, od_example *e, od_error *err)
{
    od_object *all = NULL;
    size_t count = 0, capacity = 0;
    for (int i = 0; i < e->object_count; i++) {
        int n = e->objects[i].label > 0 ? with_itself(map, e->objects[i].label, 1, ids) : 1;
        if (od_grow(&all, &capacity, count + (size_t)n, sizeof *all)) {
            od_free(all);
            return od_error_nomem(err, "boxes");
        }
        for (int k = 0; k < n; k++) {
            od_object *o = &all[count++];
            *o = e->objects[i];
            if (o->label <= 0 || ids[k] == o->label) continue;
            o->label = ids[k];
            o->class_text = NULL; /* it names the class below */
        }
    }
    if (!count) return OD_OK;
    od_free(e->objects);
    e->objects = all;
    e->object_count = (int)count;
    return OD_OK;
}

static int by_id(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The classes of the list that are said to be present (or absent), with their relatives, each once, ascending. */
static od_status expand_side(const od_label_map *map, const od_example *e, float confidence, int32_t *ids, int32_t **out, size_t *out_count, od_error *err)
{
    int32_t *all = NULL;
    size_t count = 0, capacity = 0, kept = 0;
    for (int i = 0; i < e->class_list_counts[OD_EXAMPLE_LABELED]; i++) {
        if (e->labeled_confidences[i] != confidence) continue;
        int n = with_itself(map, e->class_lists[OD_EXAMPLE_LABELED][i], confidence == 1.0f, ids);
        if (od_grow(&all, &capacity, count + (size_t)n, sizeof *all)) {
            od_free(all);
            return od_error_nomem(err, "image labels");
        }
        memcpy(all + count, ids, (size_t)n * sizeof *ids);
        count += (size_t)n;
    }
    if (count) qsort(all, count, sizeof *all, by_id);
    for (size_t i = 0; i < count; i++)
        if (!kept || all[i] != all[kept - 1]) all[kept++] = all[i];
    *out = all;
    *out_count = kept;
    return OD_OK;
}

static od_status expand_labels(const od_label_map *map, int32_t *ids, od_example *e, od_error *err)
{
    int listed = e->class_list_counts[OD_EXAMPLE_LABELED];
    if (!listed || !e->labeled_confidences) return OD_OK; /* nothing says which are there */
    int32_t *side[2] = {NULL, NULL}; /* absent, present */
    size_t n[2] = {0, 0}, at = 0;
    od_status status = OD_OK;
    for (int k = 0; k < 2 && status == OD_OK; k++) status = expand_side(map, e, (float)k, ids, &side[k], &n[k], err);
    size_t room = (size_t)listed + n[0] + n[1];
    int32_t *labels = od_malloc(room, sizeof *labels);
    float *confidences = od_malloc(room, sizeof *confidences);
    if (status == OD_OK && (!labels || !confidences)) status = od_error_nomem(err, "image labels");
    for (int i = 0; i < listed && status == OD_OK; i++) /* what is neither stays in front */
        if (e->labeled_confidences[i] != 0.0f && e->labeled_confidences[i] != 1.0f)
            labels[at] = e->class_lists[OD_EXAMPLE_LABELED][i], confidences[at++] = e->labeled_confidences[i];
    for (int k = 1; k >= 0 && status == OD_OK; k--)
        for (size_t i = 0; i < n[k]; i++) labels[at] = side[k][i], confidences[at++] = (float)k;
    od_free(side[0]);
    od_free(side[1]);
    if (status != OD_OK) {
        od_free(labels);
        od_free(confidences);
        return status;
    }
    od_free(e->class_lists[OD_EXAMPLE_LABELED]);
    od_free(e->labeled_confidences);
    e->class_lists[OD_EXAMPLE_LABELED] = labels;
    e->labeled_confidences = confidences;
    e->class_list_counts[OD_EXAMPLE_LABELED] = (int)at;
    return OD_OK;
}

od_status od_class_hierarchy_expand(const od_label_map *map, od_example *e, od_error *err)
{
    int32_t *ids = od_malloc((size_t)od_label_map_count(map) + 1, sizeof *ids);
    if (!ids) return od_error_nomem(err, "the hierarchy of classes");
    od_status status = expand_objects(map, ids, e, err);
    if (status == OD_OK) status = expand_labels(map, ids, e, err);
    od_free(ids);
    return status;
}
