/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads COCO results: pycocotools' loadRes, and what Ultralytics, torchvision users and others write in its place.
 */
#include "eval/coco_results_ids.h"
#include "util/alloc.h"
#include "util/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is wanted of a detection besides the usual. */
typedef struct fields_wanted {
    int names, segments, boxes; /* boxes: a detection must have one */
} fields_wanted;

static int read_id(od_json *j, const char *field, od_raw_id *out, char *kind, od_coco_complaint c)
{
    od_coco_id id;
    od_raw_id value = {0};
    if (!od_coco_read_id(j, field, &id, c)) return 0;
    *kind = id.kind;
    if (id.kind == '"')
        value.text = id.text.bytes - 1;
    else
        value.number = id.number;
    *out = value;
    return 1;
}

/* With names a file_name counts instead of the image_id, wherever it stands. */
static int read_image(od_json *j, const od_json_text *key, od_raw_det *out, int names, od_coco_complaint c)
{
    if (od_json_text_is(key, "image_id")) return out->by_name ? od_json_skip(j) : read_id(j, "image_id", &out->image, &out->image_kind, c);
    if (!names || od_json_peek(j) != '"') return od_json_skip(j);
    out->by_name = 1;
    return read_id(j, "file_name", &out->image, &out->image_kind, c);
}

/* Some write "bbox": [] beside a mask. */
static int is_empty_list(const od_json *j)
{
    od_json copy = *j;
    return od_json_peek(&copy) == '[' && od_json_enter(&copy, '[') == 0;
}

static int read_field(od_json *j, const od_json_text *key, od_raw_det *out, const fields_wanted *w, od_coco_complaint c)
{
    if (od_json_text_is(key, "image_id") || od_json_text_is(key, "file_name")) return read_image(j, key, out, w->names, c);
    if (od_json_text_is(key, "category_id")) return read_id(j, "category_id", &out->category, &out->category_kind, c);
    if (!w->boxes && od_json_text_is(key, "bbox") && is_empty_list(j)) return od_json_skip(j);
    if (od_json_text_is(key, "bbox")) return out->has_box = 1, od_coco_read_box(j, &out->box, c);
    if (w->segments && od_json_text_is(key, "segmentation")) return od_coco_read_segment(j, &out->segment, &out->segment_size, c);
    if (od_json_text_is(key, "score")) return out->has_score = 1, od_coco_read_number(j, "score", &out->score, c);
    if (od_json_text_is(key, "category_name") && !out->category_kind && od_json_peek(j) == '"')
        return read_id(j, "category_name", &out->category, &out->category_kind, c);
    return od_json_skip(j);
}

static int read_det(od_json *j, void *item, const void *user, char *message, size_t size)
{
    const fields_wanted *w = user;
    od_raw_det *out = item;
    od_coco_complaint c = {message, size};
    od_json_text key;
    if (od_json_peek(j) != '{') return od_coco_complain(c, "is %s; expected an object", od_json_kind_name(od_json_peek(j)));
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}'))
        if (!od_json_key(j, &key) || !read_field(j, &key, out, w, c)) return 0;
    if (more < 0) return 0;
    if (!out->image_kind) return od_coco_complain(c, "has no image_id");
    if (!out->category_kind) return od_coco_complain(c, "has no category_id");
    if (!out->has_box && (w->boxes || !out->segment))
        return od_coco_complain(c, !w->boxes ? "has neither segmentation nor bbox" : "has no bbox (results with masks alone: --iou_type=segm)");
    if (!out->has_score) return od_coco_complain(c, "has no score; is this ground truth?");
    return 1;
}

/* The array itself, or the first of these in an object. */
static od_status read_top_level(od_json *j, const char *path, int threads, const fields_wanted *w, od_json_items *out, od_error *err)
{
    int found = 0;
    if (od_json_peek(j) == '[') {
        OD_TRY(od_json_read_array(j, path, "detection", sizeof(od_raw_det), read_det, w, threads, out, err));
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
            OD_TRY(od_json_read_array(j, path, "detection", sizeof(od_raw_det), read_det, w, threads, out, err));
        } else if (!od_json_skip(j)) {
            return od_json_error(j, path, err);
        }
    }
    if (more < 0 || !od_json_finish(j)) return od_json_error(j, path, err);
    return found ? OD_OK
                 : od_error_set(err, OD_ERR_FORMAT, "%s: an object without \"annotations\", \"predictions\" or \"detections\"; "
                                                    "expected COCO results: an array of detections", path);
}

static od_status unknown_image(const od_id_resolver *r, const od_raw_det *d, size_t index, int64_t why, od_error *err)
{
    char *text = od_id_resolver_image_text(r, d);
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

/* Appends what can be used to e->dets; `kept` [n], or NULL: the numbers of those. */
static od_status resolve(od_id_resolver *r, const od_raw_det *raw, size_t n, firsts *first, size_t *kept, od_error *err)
{
    od_coco_eval *e = r->e;
    od_coco_oddities *odd = &e->oddities;
    int64_t image = 0, class_index;
    if (od_grow(&e->dets, &e->dets_capacity, e->num_dets + n, sizeof *e->dets)) return od_error_nomem(err, r->path);
    for (size_t i = 0; i < n; i++) {
        const od_raw_det *d = &raw[i];
        if (i == 0 || d->image_kind != '0' || raw[i - 1].image_kind != '0' || d->image.number != raw[i - 1].image.number)
            image = od_id_resolver_image(r, d);
        if (image < 0) return unknown_image(r, d, i, image, err);
        if ((class_index = od_id_resolver_class(r, d)) < 0) {
            if (odd->detections_of_unknown_class++ == 0) first->class_ = i;
            continue;
        }
        if (d->has_box && !(d->box.w > 0 && d->box.h > 0) && odd->detections_empty_box++ == 0) first->empty = i;
        if (!(d->score >= 0 && d->score <= 1) && odd->detections_score_outside++ == 0) first->score = i;
        if (kept) kept[e->num_dets] = i;
        e->dets[e->num_dets++] = (od_coco_det){d->box, d->score, (int32_t)image, (int32_t)class_index};
    }
    return OD_OK;
}

static void segments_of(const od_coco_eval *e, const od_raw_det *raw, const size_t *kept, od_coco_segment *out)
{
    for (size_t i = 0; i < e->num_dets; i++) {
        const od_raw_det *d = &raw[kept[i]];
        const od_coco_image *image = &e->images[e->dets[i].image];
        out[i] = (od_coco_segment){d->segment, d->segment_size, d->box, image->height, image->width, kept[i]};
    }
}

/* pycocotools' loadRes: where the first detection has a box, boxes decide which size a detection has, else the masks. */
static od_status give_masks(od_coco_eval *e, const od_raw_det *raw, const size_t *kept, od_mask **masks, od_error *err)
{
    for (size_t i = 0; i < e->num_dets; i++) {
        od_coco_box *box = &e->dets[i].box;
        int32_t b[4] = {0};
        if (masks[i]) od_mask_bounds(masks[i], b);
        if (!raw[kept[i]].has_box) *box = (od_coco_box){b[1], b[0], b[3], b[2]};
        double area = raw[0].has_box && raw[kept[i]].has_box ? box->w * box->h : -1;
        od_mask *mask = masks[i];
        masks[i] = NULL;
        OD_TRY(od_coco_masks_give_det(e->masks, mask, area, err));
    }
    return OD_OK;
}

static od_status resolve_with_masks(od_id_resolver *r, const od_raw_det *raw, size_t n, firsts *first, od_error *err)
{
    od_coco_eval *e = r->e;
    size_t *kept = od_malloc(n, sizeof *kept);
    od_coco_segment *segments = od_malloc(n, sizeof *segments);
    od_mask **masks = od_calloc(n, sizeof *masks);
    od_status status = kept && segments && masks ? resolve(r, raw, n, first, kept, err) : od_error_nomem(err, r->path);
    if (status == OD_OK) {
        segments_of(e, raw, kept, segments);
        status = od_coco_segments_parse(segments, e->num_dets, e->by_masks ? r->path : NULL, "detection", od_eval_threads(r->options->num_threads), masks, err);
    }
    if (status == OD_OK) status = give_masks(e, raw, kept, masks, err);
    for (size_t i = 0; masks && i < n; i++) od_free(masks[i]);
    od_free(masks);
    od_free(segments);
    od_free(kept);
    return status;
}

static void warn_oddities(const od_id_resolver *r, const od_raw_det *raw, size_t n, const firsts *first)
{
    const od_coco_oddities *odd = &r->e->oddities;
    int64_t offset = od_id_resolver_better_offset(r, raw, n);
    if (offset)
        od_log(OD_LOG_WARNING, "%s: the category ids look shifted: with --category_offset=%" PRId64 " every detection has a class, and every "
               "class with objects has detections", r->path, offset);
    if (odd->detections_of_unknown_class) {
        const od_raw_det *d = &raw[first->class_];
        char *text = od_id_resolver_class_text(r, d);
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

static od_status read_all(od_id_resolver *r, const od_file_view *view, const fields_wanted *w, od_json_items *items, od_error *err)
{
    od_json j;
    od_json_init(&j, view->data, view->size);
    OD_TRY(read_top_level(&j, r->path, od_eval_threads(r->options->num_threads), w, items, err));
    return od_id_resolver_prepare(r, items->items, items->count, err);
}

/* Does the text before the first detection's end hold a file_name? */
static int begins_with_names(const od_file_view *view)
{
    static const char field[] = "\"file_name\"";
    const char *from = (const char *)view->data, *end = memchr(from, '}', view->size);
    while (end && (from = memchr(from, '"', (size_t)(end - from)))) {
        if ((size_t)(end - from) >= sizeof field - 1 && !memcmp(from, field, sizeof field - 1)) return 1;
        from++;
    }
    return 0;
}

/* Where detections have file names (ours, newer Ultralytics) these are taken, since ids may have been given anew; unless they
 * name nothing in the ground truth. */
static od_status load(od_id_resolver *r, const od_file_view *view, od_json_items *items, od_error *err)
{
    fields_wanted w = {r->options->image_ids != OD_COCO_IDS_ID && begins_with_names(view), r->e->masks != NULL, !r->e->by_masks};
    firsts first = {0};
    OD_TRY(read_all(r, view, &w, items, err));
    if (w.names && !od_id_resolver_names_fit(r, items->items, items->count)) {
        od_id_resolver_deinit(r);
        od_free(items->items);
        *items = (od_json_items){0};
        w.names = 0;
        OD_TRY(read_all(r, view, &w, items, err));
    }
    if (r->e->masks) OD_TRY(resolve_with_masks(r, items->items, items->count, &first, err));
    else OD_TRY(resolve(r, items->items, items->count, &first, NULL, err));
    warn_oddities(r, items->items, items->count, &first);
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
    od_id_resolver r = {.e = e, .path = path, .end = (const char *)view.data + view.size, .options = options ? options : &standard};
    od_status status = load(&r, &view, &items, err);
    od_free(items.items);
    od_id_resolver_deinit(&r);
    od_file_view_close(&view);
    return status;
}
