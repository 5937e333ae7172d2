/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a COCO annotation file: "images", "annotations" and "categories" in any order; also as CVAT and Roboflow
 * export it (ids from 0, extra fields, no area).
 */
#include "eval/coco_load.h"
#include "eval/id_map.h"
#include "eval/image_names.h"
#include "util/alloc.h"
#include "util/file.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct raw_image {
    od_coco_id id, group;
    double height, width; /* 0: not given */
    od_json_text file_name;
} raw_image;

typedef struct raw_class {
    od_coco_id id;
    od_json_text name;
} raw_class;

typedef struct raw_truth {
    od_coco_id id, image, category;
    od_coco_box box;
    double area;
    const char *segment; /* JSON of segment_size bytes; NULL: not given */
    uint32_t segment_size;
    uint8_t has_box, has_area, crowd;
} raw_truth;

static int read_image(od_json *j, void *item, const void *user, char *message, size_t size)
{
    raw_image *out = item;
    const od_coco_load_options *options = user;
    od_coco_complaint c = {message, size};
    od_json_text key;
    if (od_json_peek(j) != '{') return od_coco_complain(c, "is %s; expected an object", od_json_kind_name(od_json_peek(j)));
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}')) {
        if (!od_json_key(j, &key)) return 0;
        int ok = 1, used = 0;
        const char *at = j->p;
        if (od_json_text_is(&key, "id")) ok = od_coco_read_id(j, "id", &out->id, c), used = 1;
        if (od_json_text_is(&key, "file_name")) ok = od_coco_read_string(j, "file_name", &out->file_name, c), used = 1;
        if (od_coco_wants_masks(options) && od_json_text_is(&key, "height")) ok = od_coco_read_number(j, "height", &out->height, c), used = 1;
        if (od_coco_wants_masks(options) && od_json_text_is(&key, "width")) ok = od_coco_read_number(j, "width", &out->width, c), used = 1;
        if (ok && options->group_by && od_json_text_is(&key, options->group_by)) {
            j->p = at; /* the group may be the id or the name itself */
            ok = od_coco_read_id(j, options->group_by, &out->group, c), used = 1;
        }
        if (!ok || (!used && !od_json_skip(j))) return 0;
    }
    if (more < 0) return 0;
    if (!out->id.kind) return od_coco_complain(c, "has no id");
    if (options->group_by && !out->group.kind)
        return od_coco_complain(c, "has no field '%s' to group by", options->group_by);
    return 1;
}

static int read_class(od_json *j, void *item, const void *user, char *message, size_t size)
{
    (void)user;
    raw_class *out = item;
    od_coco_complaint c = {message, size};
    od_json_text key;
    if (od_json_peek(j) != '{') return od_coco_complain(c, "is %s; expected an object", od_json_kind_name(od_json_peek(j)));
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}')) {
        if (!od_json_key(j, &key)) return 0;
        int ok;
        if (od_json_text_is(&key, "id"))
            ok = od_coco_read_id(j, "id", &out->id, c);
        else if (od_json_text_is(&key, "name"))
            ok = od_coco_read_string(j, "name", &out->name, c);
        else
            ok = od_json_skip(j);
        if (!ok) return 0;
    }
    if (more < 0) return 0;
    if (out->id.kind != '0') return od_coco_complain(c, "needs an id that is a whole number");
    return 1;
}

static int read_crowd(od_json *j, uint8_t *out, od_coco_complaint c)
{
    char kind = od_json_peek(j);
    od_json_number n = {0};
    if (kind == 't' || kind == 'f') {
        *out = kind == 't';
        return od_json_skip(j);
    }
    if (kind != '0') return od_coco_complain(c, "iscrowd is %s; expected 0 or 1", od_json_kind_name(kind));
    if (!od_json_read_number(j, &n)) return 0;
    if (n.value != 0 && n.value != 1) return od_coco_complain(c, "iscrowd is %g; expected 0 or 1", n.value);
    *out = n.value == 1;
    return 1;
}

static int read_truth_field(od_json *j, const od_json_text *key, raw_truth *out, od_coco_complaint c)
{
    if (od_json_text_is(key, "id")) return od_coco_read_id(j, "id", &out->id, c);
    if (od_json_text_is(key, "image_id")) return od_coco_read_id(j, "image_id", &out->image, c);
    if (od_json_text_is(key, "category_id")) return od_coco_read_id(j, "category_id", &out->category, c);
    if (od_json_text_is(key, "bbox")) return out->has_box = 1, od_coco_read_box(j, &out->box, c);
    if (od_json_text_is(key, "area")) return out->has_area = 1, od_coco_read_number(j, "area", &out->area, c);
    if (od_json_text_is(key, "iscrowd")) return read_crowd(j, &out->crowd, c);
    if (od_json_text_is(key, "segmentation")) return od_coco_read_segment(j, &out->segment, &out->segment_size, c);
    return od_json_skip(j);
}

static int read_truth(od_json *j, void *item, const void *user, char *message, size_t size)
{
    (void)user;
    raw_truth *out = item;
    od_coco_complaint c = {message, size};
    od_json_text key;
    if (od_json_peek(j) != '{') return od_coco_complain(c, "is %s; expected an object", od_json_kind_name(od_json_peek(j)));
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}'))
        if (!od_json_key(j, &key) || !read_truth_field(j, &key, out, c)) return 0;
    if (more < 0) return 0;
    if (!out->image.kind) return od_coco_complain(c, "has no image_id");
    if (out->category.kind != '0') return od_coco_complain(c, "needs a category_id that is a whole number");
    if (!out->has_box) return od_coco_complain(c, "has no bbox");
    return 1;
}

typedef struct truth_file {
    const char *path;
    const od_coco_load_options *options;
    od_json_items images, classes, truths;
    int has_images, has_classes, has_truths;
} truth_file;

static od_status read_top_level(od_json *j, truth_file *f, od_error *err)
{
    int threads = od_eval_threads(f->options->num_threads);
    od_json_text key;
    if (od_json_peek(j) == '[')
        return od_error_set(err, OD_ERR_FORMAT,
                            "%s: holds an array, as COCO results do; expected ground truth: an object with \"images\", "
                            "\"annotations\" and \"categories\"", f->path);
    int more = od_json_enter(j, '{');
    for (; more > 0; more = od_json_next(j, '}')) {
        if (!od_json_key(j, &key)) return od_json_error(j, f->path, err);
        if (od_json_text_is(&key, "images") && !f->has_images) {
            f->has_images = 1;
            OD_TRY(od_json_read_array(j, f->path, "image", sizeof(raw_image), read_image, f->options, threads, &f->images, err));
        } else if (od_json_text_is(&key, "categories") && !f->has_classes) {
            f->has_classes = 1;
            OD_TRY(od_json_read_array(j, f->path, "category", sizeof(raw_class), read_class, NULL, threads, &f->classes, err));
        } else if (od_json_text_is(&key, "annotations") && !f->has_truths) {
            f->has_truths = 1;
            OD_TRY(od_json_read_array(j, f->path, "annotation", sizeof(raw_truth), read_truth, NULL, threads, &f->truths, err));
        } else if (!od_json_skip(j)) {
            return od_json_error(j, f->path, err);
        }
    }
    if (more < 0 || !od_json_finish(j)) return od_json_error(j, f->path, err);
    const char *missing = !f->has_images ? "images" : !f->has_truths ? "annotations" : !f->has_classes ? "categories" : NULL;
    return missing ? od_error_set(err, OD_ERR_FORMAT, "%s: has no \"%s\"; COCO ground truth needs images, annotations and categories",
                                  f->path, missing)
                   : OD_OK;
}

/* A copy of an optional string; 0 when out of memory (or it holds NUL characters). */
static int copy_text(char **out, const od_json_text *text)
{
    if (!text->bytes) return 1;
    *out = od_json_text_copy(text);
    return *out != NULL;
}

static od_status add_images(od_coco_eval *e, const truth_file *f, od_error *err)
{
    const raw_image *raw = f->images.items;
    od_hashmap texts = {0};
    od_status status = OD_OK;
    char shown[256];
    for (size_t i = 0; i < f->images.count && status == OD_OK; i++) {
        int is_text = raw[i].id.kind == '"';
        if (is_text != (raw[0].id.kind == '"')) {
            status = od_error_set(err, OD_ERR_FORMAT, "%s: image %zu: id %s: some ids are numbers and some strings", f->path, i,
                                  od_coco_id_text(&raw[i].id, shown, sizeof shown));
            break;
        }
        char *name = NULL, *text = NULL;
        if (!copy_text(&name, &raw[i].file_name) || (is_text && !copy_text(&text, &raw[i].id.text))) {
            status = od_error_nomem(err, f->path);
        } else if (is_text ? od_hashmap_get(&texts, text, NULL) : od_id_map_get(e->image_ids, raw[i].id.number, &(int64_t){0})) {
            status = od_error_set(err, OD_ERR_MISMATCH, "%s: image %zu (%s): id %s occurs twice; image ids must differ", f->path,
                                  i, name ? name : "unnamed", od_coco_id_text(&raw[i].id, shown, sizeof shown));
        } else if (is_text && od_hashmap_set(&texts, text, (int64_t)i)) {
            status = od_error_nomem(err, f->path);
        } else {
            status = od_coco_eval_add_image(e, is_text ? (int64_t)i : raw[i].id.number, name, NULL, err);
        }
        if (status == OD_OK) {
            if (raw[i].height >= 1 && raw[i].width >= 1 && raw[i].height < INT32_MAX && raw[i].width < INT32_MAX)
                e->images[i].height = (int32_t)raw[i].height, e->images[i].width = (int32_t)raw[i].width;
            e->images[i].text_id = text;
            text = NULL;
        }
        od_free(name);
        od_free(text);
    }
    od_hashmap_deinit(&texts);
    return status;
}

static od_status set_groups(od_coco_eval *e, const truth_file *f, od_error *err)
{
    const raw_image *raw = f->images.items;
    if (f->options->group_regex) return od_image_groups_by_regex(e->images, e->num_images, f->options->group_regex, err);
    if (!f->options->group_by) return OD_OK;
    for (size_t i = 0; i < e->num_images; i++) {
        e->images[i].group = raw[i].group.kind == '"' ? od_json_text_copy(&raw[i].group.text)
                                                      : od_asprintf("%" PRId64, raw[i].group.number);
        if (!e->images[i].group) return od_error_nomem(err, "the groups of images");
    }
    return OD_OK;
}

static od_status add_classes(od_coco_eval *e, const truth_file *f, od_error *err)
{
    const raw_class *raw = f->classes.items;
    for (size_t i = 0; i < f->classes.count; i++) {
        char *name = NULL;
        if (!copy_text(&name, &raw[i].name)) return od_error_nomem(err, f->path);
        od_status status = od_coco_eval_add_class(e, raw[i].id.number, name, err);
        od_free(name);
        if (status == OD_ERR_ARG) {
            od_error_prefix(err, "%s: category %zu", f->path, i);
            if (err) err->status = OD_ERR_MISMATCH;
            return OD_ERR_MISMATCH;
        }
        OD_TRY(status);
    }
    return OD_OK;
}

/* Index of the image that an annotation names; OD_IMAGE_UNKNOWN. */
static int64_t find_image(const od_coco_eval *e, const od_image_names *names, const od_coco_id *id)
{
    int64_t index;
    if (id->kind == '0') {
        if (e->num_images && e->images[0].text_id) return OD_IMAGE_UNKNOWN;
        return od_id_map_get(e->image_ids, id->number, &index) ? index : OD_IMAGE_UNKNOWN;
    }
    char *text = od_json_text_copy(&id->text);
    int found = text && od_hashmap_get(&names->ids, text, &index);
    od_free(text);
    return found ? index : OD_IMAGE_UNKNOWN;
}

typedef struct first_oddity {
    size_t image, class_, empty, negative;
} first_oddity;

static void note(int64_t *count, size_t *first, size_t index)
{
    if ((*count)++ == 0) *first = index;
}

static od_status add_truth(od_coco_eval *e, const truth_file *f, const raw_truth *t, size_t index, int64_t image,
                           first_oddity *first, od_error *err)
{
    od_coco_oddities *odd = &e->oddities;
    int64_t class_index;
    if (image < 0) return note(&odd->truths_of_unknown_image, &first->image, index), OD_OK;
    if (!od_id_map_get(e->class_ids, t->category.number, &class_index))
        return note(&odd->truths_of_unknown_class, &first->class_, index), OD_OK;
    double area = t->has_area && !f->options->area_from_box ? t->area : t->box.w * t->box.h;
    if (!(t->box.w > 0 && t->box.h > 0)) note(&odd->truths_empty_box, &first->empty, index);
    if (!t->has_area && !f->options->area_from_box) odd->truths_without_area++;
    if (area < 0) note(&odd->truths_negative_area, &first->negative, index);
    int zero = t->id.kind == '0' && t->id.number == 0 && !f->options->match_zero_id;
    odd->truths_zero_id += zero;
    if (od_grow(&e->truths, &e->truths_capacity, e->num_truths + 1, sizeof *e->truths)) return od_error_nomem(err, f->path);
    e->truths[e->num_truths++] =
        (od_coco_truth){t->box, area, (int32_t)image, (int32_t)class_index, t->crowd, 0, (uint8_t)zero};
    return OD_OK;
}

/* Masks of the truths, which are `kept` (indices of the file's annotations). */
static od_status add_masks(od_coco_eval *e, const truth_file *f, const size_t *kept, od_error *err)
{
    const raw_truth *raw = f->truths.items;
    size_t n = e->num_truths;
    od_coco_segment *segments = od_calloc(n, sizeof *segments);
    od_mask **masks = od_calloc(n, sizeof *masks);
    od_status status = segments && masks ? OD_OK : od_error_nomem(err, f->path);
    for (size_t i = 0; i < n && status == OD_OK; i++) {
        const raw_truth *t = &raw[kept[i]];
        const od_coco_image *image = &e->images[e->truths[i].image];
        segments[i] = (od_coco_segment){.text = t->segment, .size = t->segment_size, .height = image->height, .width = image->width, .number = kept[i]};
        if (!t->segment && e->by_masks) status = od_error_set(err, OD_ERR_FORMAT, "%s: annotation %zu has no segmentation; --iou_type=segm needs one of each", f->path, kept[i]);
    }
    if (status == OD_OK) status = od_coco_segments_parse(segments, n, e->by_masks ? f->path : NULL, "annotation", od_eval_threads(f->options->num_threads), masks, err);
    for (size_t i = 0; i < n && status == OD_OK; i++) {
        if (e->by_masks && !raw[kept[i]].has_area && !f->options->area_from_box) e->truths[i].area = (double)od_mask_area(masks[i]);
        status = od_coco_masks_give_truth(e->masks, masks[i], err);
        masks[i] = NULL;
    }
    for (size_t i = 0; masks && i < n; i++) od_free(masks[i]);
    od_free(masks);
    od_free(segments);
    return status;
}

static od_status check_unique(const truth_file *f, od_error *err)
{
    const raw_truth *raw = f->truths.items;
    od_id_map *seen = od_id_map_create(f->truths.count);
    if (!seen) return od_error_nomem(err, f->path);
    od_status status = OD_OK;
    for (size_t i = 0; i < f->truths.count && status == OD_OK; i++) {
        if (raw[i].id.kind != '0') continue;
        int added = od_id_map_add(seen, raw[i].id.number, (int64_t)i);
        int64_t before;
        if (added < 0) status = od_error_nomem(err, f->path);
        if (added == 1 && od_id_map_get(seen, raw[i].id.number, &before))
            status = od_error_set(err, OD_ERR_MISMATCH,
                                  "%s: annotation %zu: id %" PRId64 " is also annotation %" PRId64
                                  "'s; annotation ids must differ (renumber them)", f->path, i, raw[i].id.number, before);
    }
    od_id_map_free(seen);
    return status;
}

static od_status add_truths(od_coco_eval *e, const truth_file *f, first_oddity *first, od_error *err)
{
    const raw_truth *raw = f->truths.items;
    od_image_names names = {0};
    od_status status = OD_OK;
    OD_TRY(check_unique(f, err));
    if (e->num_images && e->images[0].text_id) OD_TRY(od_image_names_build(&names, e->images, e->num_images, err));
    size_t *kept = od_coco_wants_masks(f->options) ? od_malloc(f->truths.count, sizeof *kept) : NULL;
    if (od_coco_wants_masks(f->options) && !kept) status = od_error_nomem(err, f->path);
    for (size_t i = 0; i < f->truths.count && status == OD_OK; i++) {
        if (kept) kept[e->num_truths] = i; /* unless it is left out */
        status = add_truth(e, f, &raw[i], i, find_image(e, &names, &raw[i].image), first, err);
    }
    od_image_names_deinit(&names);
    if (status == OD_OK && kept) status = add_masks(e, f, kept, err);
    od_free(kept);
    return status;
}

static void warn_oddities(const od_coco_eval *e, const truth_file *f, const first_oddity *first)
{
    const od_coco_oddities *odd = &e->oddities;
    const raw_truth *raw = f->truths.items;
    char shown[256];
    if (odd->truths_of_unknown_image)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " annotations name an image that isn't in \"images\" (first: annotation %zu, image_id %s): ignored",
               f->path, odd->truths_of_unknown_image, first->image, od_coco_id_text(&raw[first->image].image, shown, sizeof shown));
    if (odd->truths_of_unknown_class)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " annotations name a category that isn't in \"categories\" (first: annotation %zu, category_id %s): ignored",
               f->path, odd->truths_of_unknown_class, first->class_, od_coco_id_text(&raw[first->class_].category, shown, sizeof shown));
    if (odd->truths_empty_box)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " annotations have a box without width or height (first: annotation %zu, %g x %g): counted as boxes that nothing can find",
               f->path, odd->truths_empty_box, first->empty, raw[first->empty].box.w, raw[first->empty].box.h);
    if (odd->truths_negative_area)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " annotations have a negative area (first: annotation %zu): ignored in every area range",
               f->path, odd->truths_negative_area, first->negative);
    if (odd->truths_without_area)
        od_log(OD_LOG_WARNING, "%s: %" PRId64 " annotations have no area: %s taken", f->path, odd->truths_without_area,
               f->options->iou_type == OD_COCO_SEGM ? "their masks'" : "width times height");
    if (odd->truths_zero_id)
        od_log(OD_LOG_WARNING, "%s: an annotation has id 0, which pycocotools takes for 'not matched': a detection that finds it "
               "counts as false, here too, for equal numbers; --match_zero_id counts it as found", f->path);
}

static od_status load(od_coco_eval *e, const od_file_view *view, truth_file *f, od_error *err)
{
    od_json j;
    first_oddity first = {0};
    od_json_init(&j, view->data, view->size);
    OD_TRY(read_top_level(&j, f, err));
    if (f->options->iou_type == OD_COCO_SEGM) OD_TRY(od_coco_eval_use_masks(e, err));
    else if (f->options->keep_masks) OD_TRY(od_coco_eval_keep_masks(e, err));
    OD_TRY(add_images(e, f, err));
    OD_TRY(set_groups(e, f, err));
    OD_TRY(add_classes(e, f, err));
    OD_TRY(add_truths(e, f, &first, err));
    warn_oddities(e, f, &first);
    return OD_OK;
}

od_status od_coco_eval_load_truth(od_coco_eval *e, const char *path, const od_coco_load_options *options, od_error *err)
{
    od_coco_load_options standard = od_coco_load_options_default();
    truth_file f = {.path = path, .options = options ? options : &standard};
    od_file_view view;
    if (e->num_images || e->num_classes)
        return od_error_set(err, OD_ERR_ARG, "%s: the evaluator already has ground truth", path);
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = load(e, &view, &f, err);
    od_free(f.images.items);
    od_free(f.classes.items);
    od_free(f.truths.items);
    od_file_view_close(&view);
    return status;
}

od_coco_load_options od_coco_load_options_default(void)
{
    return (od_coco_load_options){0};
}

const od_coco_oddities *od_coco_eval_oddities(const od_coco_eval *e)
{
    return &e->oddities;
}
