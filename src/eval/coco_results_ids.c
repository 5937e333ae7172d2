/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_results_ids.h"

#include "util/alloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *text_at(const char *quote, const char *end)
{
    od_json j;
    od_json_text text;
    od_json_init(&j, quote, (size_t)(end - quote));
    return od_json_string(&j, &text) ? od_json_text_copy(&text) : NULL;
}

int64_t od_id_resolver_image(const od_id_resolver *r, const od_raw_det *d)
{
    int64_t index = OD_IMAGE_UNKNOWN;
    if (d->image_kind == '0')
        return od_id_map_get(r->numbers ? r->numbers : r->e->image_ids, d->image.number, &index) ? index : OD_IMAGE_UNKNOWN;
    char *text = text_at(d->image.text, r->end);
    if (text) index = od_image_names_find(&r->names, text);
    char *after = text;
    if (index == OD_IMAGE_UNKNOWN && text && *text) { /* "17" for image 17 */
        long long number = strtoll(text, &after, 10);
        if (*after || !od_id_map_get(r->e->image_ids, number, &index)) index = OD_IMAGE_UNKNOWN;
    }
    od_free(text);
    return index;
}

int64_t od_id_resolver_class(const od_id_resolver *r, const od_raw_det *d)
{
    int64_t index, offset = r->options->category_offset;
    if (d->category_kind == '0')
        return od_id_map_get(r->e->class_ids, (int64_t)((uint64_t)d->category.number + (uint64_t)offset), &index) ? index : -1;
    char *text = text_at(d->category.text, r->end), *after;
    int found = text && od_hashmap_get(&r->class_names, text, &index);
    if (!found && text && *text) {
        long long number = strtoll(text, &after, 10);
        found = !*after && od_id_map_get(r->e->class_ids, (int64_t)((uint64_t)number + (uint64_t)offset), &index);
    }
    od_free(text);
    return found ? index : -1;
}

/* Are the numbers that the files are called all different? Then a map of them, else NULL in *out. */
static od_status map_numbers(const od_coco_eval *e, od_id_map **out, od_error *err)
{
    *out = NULL;
    od_id_map *map = od_id_map_create(e->num_images);
    if (!map) return od_error_nomem(err, "the image numbers");
    for (size_t i = 0; i < e->num_images; i++) {
        int64_t number;
        int added = od_image_name_number(&e->images[i], &number) ? od_id_map_add(map, number, (int64_t)i) : 1;
        if (added == 0) continue;
        od_id_map_free(map);
        return added < 0 ? od_error_nomem(err, "the image numbers") : OD_OK;
    }
    *out = map;
    return OD_OK;
}

/* Do all numeric image ids occur in `map`? */
static int all_known(const od_id_map *map, const od_raw_det *dets, size_t n)
{
    int64_t index, last = 0;
    int any = 0;
    for (size_t i = 0; i < n; i++) {
        if (dets[i].image_kind != '0' || (any && dets[i].image.number == last)) continue;
        if (!od_id_map_get(map, dets[i].image.number, &index)) return 0;
        last = dets[i].image.number;
        any = 1;
    }
    return 1;
}

/* Do the files' numbers and the ids say the same? */
static int same_numbers(const od_coco_eval *e)
{
    for (size_t i = 0; i < e->num_images; i++) {
        int64_t number;
        if (!od_image_name_number(&e->images[i], &number) || number != e->images[i].id) return 0;
    }
    return 1;
}

/* Decides whether numbers are ids or what the files are called. */
static od_status choose_numbers(od_id_resolver *r, const od_raw_det *dets, size_t n, od_error *err)
{
    od_id_map *numbers = NULL;
    size_t numeric = 0;
    for (size_t i = 0; i < n && !numeric; i++) numeric = dets[i].image_kind == '0';
    if (r->options->image_ids == OD_COCO_IDS_ID || !numeric) return OD_OK;
    int ids_fit = !(r->e->num_images && r->e->images[0].text_id) && all_known(r->e->image_ids, dets, n);
    if (r->options->image_ids == OD_COCO_IDS_AUTO && ids_fit && same_numbers(r->e)) return OD_OK;
    OD_TRY(map_numbers(r->e, &numbers, err));
    int numbers_fit = numbers && all_known(numbers, dets, n);
    if (r->options->image_ids == OD_COCO_IDS_NAME || (!ids_fit && numbers_fit)) {
        if (!numbers_fit)
            od_log(OD_LOG_WARNING, "%s: the image_id numbers are not what the image files are called", r->path);
        else if (r->options->image_ids == OD_COCO_IDS_AUTO)
            od_log(OD_LOG_INFO, "%s: image_id taken as the number the image file is called (as Ultralytics writes it)", r->path);
        r->numbers = numbers_fit ? numbers : NULL;
    } else if (ids_fit && numbers_fit) {
        od_log(OD_LOG_WARNING,
               "%s: image_id fits both the ids of the ground truth and the numbers its files are called, which differ; "
               "taken as ids. If Ultralytics wrote the detections, give --image_ids=name", r->path);
    }
    if (!r->numbers) od_id_map_free(numbers);
    return OD_OK;
}

static od_status prepare_names(od_id_resolver *r, const od_raw_det *dets, size_t n, od_error *err)
{
    int image_text = 0, class_text = 0;
    for (size_t i = 0; i < n; i++) {
        image_text |= dets[i].image_kind == '"';
        class_text |= dets[i].category_kind == '"';
    }
    if (image_text) OD_TRY(od_image_names_build(&r->names, r->e->images, r->e->num_images, err));
    for (size_t k = 0; class_text && k < r->e->num_classes; k++)
        if (r->e->classes[k].name && od_hashmap_set(&r->class_names, r->e->classes[k].name, (int64_t)k))
            return od_error_nomem(err, "the class names");
    return OD_OK;
}

od_status od_id_resolver_prepare(od_id_resolver *r, const od_raw_det *dets, size_t n, od_error *err)
{
    OD_TRY(choose_numbers(r, dets, n, err));
    return prepare_names(r, dets, n, err);
}

void od_id_resolver_deinit(od_id_resolver *r)
{
    od_image_names_deinit(&r->names);
    od_hashmap_deinit(&r->class_names);
    od_id_map_free(r->numbers);
    r->numbers = NULL;
}

int od_id_resolver_names_fit(const od_id_resolver *r, const od_raw_det *dets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (dets[i].by_name && od_id_resolver_image(r, &dets[i]) < 0) return 0;
    return 1;
}

char *od_id_resolver_image_text(const od_id_resolver *r, const od_raw_det *d)
{
    return d->image_kind == '"' ? text_at(d->image.text, r->end) : od_asprintf("%" PRId64, d->image.number);
}

char *od_id_resolver_class_text(const od_id_resolver *r, const od_raw_det *d)
{
    return d->category_kind == '"' ? text_at(d->category.text, r->end) : od_asprintf("%" PRId64, d->category.number);
}

/* What an offset does: detections of classes that exist, and classes of objects that get a detection. */
typedef struct offset_fit {
    size_t known, covered;
} offset_fit;

/* `seen`: scratch [classes]; `has_objects`: [classes]. */
static offset_fit try_offset(const od_id_resolver *r, int64_t offset, const od_raw_det *dets, size_t n, const uint8_t *has_objects,
                             uint8_t *seen)
{
    offset_fit fit = {0, 0};
    int64_t index;
    memset(seen, 0, r->e->num_classes);
    for (size_t i = 0; i < n; i++) {
        if (dets[i].category_kind != '0' ||
            !od_id_map_get(r->e->class_ids, (int64_t)((uint64_t)dets[i].category.number + (uint64_t)offset), &index))
            continue;
        fit.known++;
        seen[index] = 1;
    }
    for (size_t k = 0; k < r->e->num_classes; k++) fit.covered += seen[k] && has_objects[k];
    return fit;
}

int64_t od_id_resolver_better_offset(const od_id_resolver *r, const od_raw_det *dets, size_t n)
{
    static const int64_t shifts[] = {1, -1};
    const od_coco_eval *e = r->e;
    int64_t better = 0, own = r->options->category_offset;
    uint8_t *has_objects = od_calloc(e->num_classes, 1), *seen = od_calloc(e->num_classes, 1);
    size_t with_objects = 0;
    for (size_t i = 0; has_objects && i < e->num_truths; i++) has_objects[e->truths[i].class_index] = 1;
    for (size_t k = 0; has_objects && k < e->num_classes; k++) with_objects += has_objects[k];
    if (has_objects && seen) {
        size_t covered = 0;
        for (size_t i = 0; i < e->num_dets; i++) seen[e->dets[i].class_index] = 1;
        for (size_t k = 0; k < e->num_classes; k++) covered += seen[k] && has_objects[k];
        for (int i = 0; i < 2 && !better && n && covered < with_objects; i++) {
            offset_fit fit = try_offset(r, own + shifts[i], dets, n, has_objects, seen);
            if (fit.known == n && fit.covered == with_objects) better = own + shifts[i];
        }
    }
    od_free(has_objects);
    od_free(seen);
    return better;
}
