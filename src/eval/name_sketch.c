/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/name_sketch.h"

#include "util/alloc.h"
#include "util/error.h"
#include "util/file.h"
#include "util/hashmap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return (a > b) - (a < b);
}

void od_name_sketch_of(od_name_sketch *s, uint64_t *hashes, size_t n)
{
    size_t kept = 0;
    qsort(hashes, n, sizeof *hashes, ascending);
    for (size_t i = 0; i < n; i++)
        if (!kept || hashes[kept - 1] != hashes[i]) hashes[kept++] = hashes[i];
    *s = (od_name_sketch){hashes, kept < OD_SKETCH_MOST ? kept : OD_SKETCH_MOST, (int64_t)kept};
}

void od_name_sketch_deinit(od_name_sketch *s)
{
    od_free(s->hashes);
    *s = (od_name_sketch){0};
}

int od_name_sketch_has(const od_name_sketch *s, uint64_t hash)
{
    return s->count && bsearch(&hash, s->hashes, s->count, sizeof hash, ascending) != NULL;
}

uint64_t od_image_name_hash(const od_coco_image *image)
{
    char id[32];
    if (image->name && image->name[0]) {
        const char *base = od_path_base(image->name), *dot = strrchr(base, '.');
        return od_hash_fnv1a(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
    }
    if (image->text_id) return od_hash_fnv1a(image->text_id, strlen(image->text_id));
    snprintf(id, sizeof id, "#%" PRId64, image->id);
    return od_hash_fnv1a(id, strlen(id));
}

od_status od_image_sketch(od_name_sketch *out, const od_coco_eval *e, int *by_id, od_error *err)
{
    uint64_t *hashes = od_malloc(e->num_images, sizeof *hashes);
    if (!hashes) return od_error_nomem(err, "the images' names");
    *by_id = 0;
    for (size_t i = 0; i < e->num_images; i++) {
        hashes[i] = od_image_name_hash(&e->images[i]);
        *by_id |= !e->images[i].name || !e->images[i].name[0];
    }
    od_name_sketch_of(out, hashes, e->num_images);
    return OD_OK;
}

od_status od_group_sketch(od_name_sketch *out, const od_coco_eval *e, od_error *err)
{
    size_t n = 0;
    uint64_t *hashes = od_malloc(e->num_images, sizeof *hashes);
    if (!hashes) return od_error_nomem(err, "the images' groups");
    for (size_t i = 0; i < e->num_images; i++)
        if (e->images[i].group) hashes[n++] = od_hash_fnv1a(e->images[i].group, strlen(e->images[i].group));
    od_name_sketch_of(out, hashes, n);
    return OD_OK;
}

json_t *od_name_sketch_to_json(const od_name_sketch *s)
{
    json_t *out = json_array();
    char text[20];
    for (size_t i = 0; out && i < s->count; i++) {
        snprintf(text, sizeof text, "%016" PRIx64, s->hashes[i]);
        if (json_array_append_new(out, json_string(text))) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static int read_hash(const json_t *item, uint64_t *out)
{
    const char *text = json_string_value(item);
    char *end;
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return 0;
    *out = strtoull(text, &end, 16);
    return !*end;
}

od_status od_name_sketch_from_json(od_name_sketch *out, const json_t *list, int64_t total, const char *where, od_error *err)
{
    if (!json_is_array(list)) return od_error_set(err, OD_ERR_FORMAT, "%s: is missing or not a list", where);
    size_t n = json_array_size(list);
    uint64_t *hashes = od_malloc(n, sizeof *hashes);
    if (!hashes) return od_error_nomem(err, where);
    for (size_t i = 0; i < n; i++) {
        if (read_hash(json_array_get(list, i), &hashes[i])) continue;
        od_free(hashes);
        return od_error_set(err, OD_ERR_FORMAT, "%s[%zu]: expected 16 hexadecimal digits", where, i);
    }
    od_name_sketch_of(out, hashes, n);
    if (total > out->total) out->total = total;
    return OD_OK;
}
