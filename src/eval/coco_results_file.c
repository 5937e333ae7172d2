/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads COCO results: pycocotools' loadRes, and what Ultralytics, torchvision users and others write in its place.
 */
#include "eval/coco_load.h"
#include "eval/id_map.h"
#include "eval/image_names.h"
#include "util/alloc.h"
#include "util/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef union raw_id {
    int64_t number;
    const char *text;
} raw_id;

/* A detection as written; 64 bytes, since there are many. A string id is kept as the place of its opening quote. */
typedef struct raw_det {
    od_coco_box box;
    double score;
    raw_id image, category;
    char image_kind, category_kind; /* '0', '"', 0 missing */
    uint8_t has_box, has_score;
} raw_det;

static int read_id(od_json *j, const char *field, raw_id *out, char *kind, od_coco_complaint c)
{
    od_coco_id id;
    raw_id value = {0};
    if (!od_coco_read_id(j, field, &id, c)) return 0;
    *kind = id.kind;
    if (id.kind == '"')
        value.text = id.text.bytes - 1;
    else
        value.number = id.number;
    *out = value;
    return 1;
}

static int read_field(od_json *j, const od_json_text *key, raw_det *out, od_coco_complaint c)
{
    if (od_json_text_is(key, "image_id")) return read_id(j, "image_id", &out->image, &out->image_kind, c);
    if (od_json_text_is(key, "category_id")) return read_id(j, "category_id", &out->category, &out->category_kind, c);
    if (od_json_text_is(key, "bbox")) return out->has_box = 1, od_coco_read_box(j, &out->box, c);
    if (od_json_text_is(key, "score")) return out->has_score = 1, od_coco_read_number(j, "score", &out->score, c);
    if (od_json_text_is(key, "category_name") && !out->category_kind && od_json_peek(j) == '"')
        return read_id(j, "category_name", &out->category, &out->category_kind, c);
    return od_json_skip(j);
}

static int read_det(od_json *j, void *item, const void *user, char *message, size_t size)
{
    (void)user;
    raw_det *out = item;
    od_coco_complaint c = {message, size};
    od_json_text key;
    if (od_json_peek(j) != '{') return od_coco_complain(c, "is %s; expected an object", od_json_kind_name(od_json_peek(j)));
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}'))
        if (!od_json_key(j, &key) || !read_field(j, &key, out, c)) return 0;
    if (more < 0) return 0;
    if (!out->image_kind) return od_coco_complain(c, "has no image_id");
    if (!out->category_kind) return od_coco_complain(c, "has no category_id");
    if (!out->has_box) return od_coco_complain(c, "has no bbox (results of other kinds, such as masks alone, are not supported)");
    if (!out->has_score) return od_coco_complain(c, "has no score; is this ground truth?");
    return 1;
}

/* The array itself, or the first of these in an object. */
static od_status read_top_level(od_json *j, const char *path, int threads, od_json_items *out, od_error *err)
{
    int found = 0;
    if (od_json_peek(j) == '[') {
        OD_TRY(od_json_read_array(j, path, "detection", sizeof(raw_det), read_det, NULL, threads, out, err));
        return od_json_finish(j) ? OD_OK : od_json_error(j, path, err);
    }
    if (od_json_peek(j) != '{')
        return od_error_set(err, OD_ERR_FORMAT, "%s: starts with %s; expected COCO results: an array of detections", path,
                            od_json_kind_name(od_json_peek(j)));
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}')) {
        od_json_text key;
        if (!od_json_key(j, &key)) return od_json_error(j, path, err);
        int wanted = od_json_text_is(&key, "annotations") || od_json_text_is(&key, "predictions") ||
                     od_json_text_is(&key, "detections");
        if (wanted && !found && od_json_peek(j) == '[') {
            found = 1;
            OD_TRY(od_json_read_array(j, path, "detection", sizeof(raw_det), read_det, NULL, threads, out, err));
        } else if (!od_json_skip(j)) {
            return od_json_error(j, path, err);
        }
    }
    if (more < 0 || !od_json_finish(j)) return od_json_error(j, path, err);
    return found ? OD_OK
                 : od_error_set(err, OD_ERR_FORMAT, "%s: an object without \"annotations\", \"predictions\" or \"detections\"; "
                                                    "expected COCO results: an array of detections", path);
}

/* What resolving ids needs. */
typedef struct resolver {
    od_coco_eval *e;
    const char *path, *end; /* end of the file's bytes */
    const od_coco_load_options *options;
    od_image_names names; /* built when strings occur */
    od_id_map *numbers;   /* file-name numbers -> index, when ids are those; NULL otherwise */
    od_hashmap class_names;
} resolver;

static char *text_at(const char *quote, const char *end)
{
    od_json j;
    od_json_text text;
    od_json_init(&j, quote, (size_t)(end - quote));
    return od_json_string(&j, &text) ? od_json_text_copy(&text) : NULL;
}

static int64_t find_image(const resolver *r, const raw_det *d)
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

/* -1 when there is no such class. */
static int64_t find_class(const resolver *r, const raw_det *d)
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
static int all_known(const od_id_map *map, const raw_det *dets, size_t n)
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
static od_status choose_numbers(resolver *r, const raw_det *dets, size_t n, od_error *err)
{
    od_id_map *numbers = NULL;
    if (r->options->image_ids == OD_COCO_IDS_ID || !n) return OD_OK;
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

static od_status prepare_names(resolver *r, const raw_det *dets, size_t n, od_error *err)
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

static od_status unknown_image(const resolver *r, const raw_det *d, size_t index, int64_t why, od_error *err)
{
    char *text = d->image_kind == '"' ? text_at(d->image.text, r->end) : od_asprintf("%" PRId64, d->image.number);
    od_error_set(err, OD_ERR_MISMATCH, "%s: detection %zu: image_id %s %s", r->path, index, text ? text : "?",
                 why == OD_IMAGE_AMBIGUOUS ? "is the name of several images in the ground truth"
                                           : "matches no image of the ground truth (neither an id nor a file name); "
                                             "are these detections of another data set?");
    od_free(text);
    return OD_ERR_MISMATCH;
}

typedef struct firsts {
    size_t class_, empty, score;
} firsts;

/* Appends what can be used to e->dets. */
static od_status resolve(resolver *r, const raw_det *raw, size_t n, firsts *first, od_error *err)
{
    od_coco_eval *e = r->e;
    od_coco_oddities *odd = &e->oddities;
    int64_t image = 0, class_index;
    if (od_grow(&e->dets, &e->dets_capacity, e->num_dets + n, sizeof *e->dets)) return od_error_nomem(err, r->path);
    for (size_t i = 0; i < n; i++) {
        const raw_det *d = &raw[i];
        if (i == 0 || d->image_kind != '0' || raw[i - 1].image_kind != '0' || d->image.number != raw[i - 1].image.number)
            image = find_image(r, d);
        if (image < 0) return unknown_image(r, d, i, image, err);
        if ((class_index = find_class(r, d)) < 0) {
            if (odd->detections_of_unknown_class++ == 0) first->class_ = i;
            continue;
        }
        if (!(d->box.w > 0 && d->box.h > 0) && odd->detections_empty_box++ == 0) first->empty = i;
        if (!(d->score >= 0 && d->score <= 1) && odd->detections_score_outside++ == 0) first->score = i;
        e->dets[e->num_dets++] = (od_coco_det){d->box, d->score, (int32_t)image, (int32_t)class_index};
    }
    return OD_OK;
}

static void warn_oddities(const resolver *r, const raw_det *raw, const firsts *first)
{
    const od_coco_oddities *odd = &r->e->oddities;
    if (odd->detections_of_unknown_class) {
        const raw_det *d = &raw[first->class_];
        char *text = d->category_kind == '"' ? text_at(d->category.text, r->end) : od_asprintf("%" PRId64, d->category.number);
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " detections have a category that the ground truth doesn't (first: detection %zu, %s): "
               "ignored, as pycocotools does; --category_offset=N shifts numeric ids", r->path,
               odd->detections_of_unknown_class, first->class_, text ? text : "?");
        od_free(text);
    }
    if (odd->detections_empty_box)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " detections have a box without width or height (first: detection %zu, %g x %g): "
               "they can match nothing and count as false", r->path, odd->detections_empty_box, first->empty,
               raw[first->empty].box.w, raw[first->empty].box.h);
    if (odd->detections_score_outside)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " detections have a score outside 0..1 (first: detection %zu, %g): ranked as they are; "
               "thresholds and calibration need scores within 0..1", r->path, odd->detections_score_outside, first->score,
               raw[first->score].score);
}

static od_status load(resolver *r, const od_file_view *view, od_json_items *items, od_error *err)
{
    od_json j;
    firsts first = {0};
    od_json_init(&j, view->data, view->size);
    OD_TRY(read_top_level(&j, r->path, od_eval_threads(r->options->num_threads), items, err));
    OD_TRY(choose_numbers(r, items->items, items->count, err));
    OD_TRY(prepare_names(r, items->items, items->count, err));
    OD_TRY(resolve(r, items->items, items->count, &first, err));
    warn_oddities(r, items->items, &first);
    return OD_OK;
}

od_status od_coco_eval_load_detections(od_coco_eval *e, const char *path, const od_coco_load_options *options,
                                       od_error *err)
{
    od_coco_load_options standard = od_coco_load_options_default();
    od_json_items items = {0};
    od_file_view view;
    od_coco_eval_clear_detections(e);
    e->oddities.detections_of_unknown_class = e->oddities.detections_empty_box = e->oddities.detections_score_outside = 0;
    OD_TRY(od_file_view_open(&view, path, err));
    resolver r = {.e = e, .path = path, .end = (const char *)view.data + view.size, .options = options ? options : &standard};
    od_status status = load(&r, &view, &items, err);
    od_free(items.items);
    od_image_names_deinit(&r.names);
    od_hashmap_deinit(&r.class_names);
    od_id_map_free(r.numbers);
    od_file_view_close(&view);
    return status;
}
