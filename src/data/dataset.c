/* SPDX-License-Identifier: Apache-2.0 */
#include "data/dataset.h"

#include "config/label_map.h"
#include "data/class_hierarchy.h"
#include "data/detect.h"
#include "data/paths.h"
#include "data/pixel_map.h"
#include "data/source.h"
#include "data/splits.h"
#include "image/image.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct od_dataset {
    od_source **sources;
    int *source_paths; /* [source_count]: which of the paths given each belongs to */
    int64_t *starts; /* [source_count + 1]: of each source's first example */
    size_t source_count, source_capacity, path_capacity;
    int64_t step;    /* sample_1_of_n */
    int64_t *selected, selected_count; /* of od_dataset_select, or NULL */
    int keep_invalid, quiet, expand_hierarchy, one_class;
    od_mask_loading masks;
    int keypoints;
    const od_label_map *map; /* the caller's or `own_map`, or NULL */
    od_label_map *own_map;
    char *description;
    atomic_llong *issues; /* [OD_ISSUE_COUNT] */
};

static const struct { const char *text, *what; } issue_texts[] = {
#define X(name, text, what) {text, what},
    OD_DATASET_ISSUES(X)
#undef X
};

void od_dataset_free(od_dataset *ds)
{
    if (!ds) return;
    for (size_t i = 0; i < ds->source_count; i++) ds->sources[i]->format->free(ds->sources[i]);
    od_free(ds->sources);
    od_free(ds->source_paths);
    od_free(ds->starts);
    od_free(ds->description);
    od_free(ds->selected);
    od_free(ds->issues);
    od_label_map_free(ds->own_map);
    od_free(ds);
}

/* `given`: which of the paths given it belongs to. */
static od_status open_source(od_dataset *ds, const char *path, int given, const od_dataset_options *options, od_error *err)
{
    const od_source_format *format;
    OD_TRY(od_source_format_detect(&format, path, options->format, err));
    if (options->sequences && format == &od_source_tfrecord) format = &od_source_sequence;
    if (options->keypoints > 0 && format != &od_source_tfrecord && format != &od_source_coco)
        return od_error_set(err, OD_ERR_CONFIG, "%s: holds no keypoints (%s%s), and num_keypoints: %d asks for them; give TFRecords of tf.Example or COCO JSON", path, format->title,
                            format == &od_source_sequence ? " of tf.SequenceExample" : "", options->keypoints);
    if (od_grow(&ds->sources, &ds->source_capacity, ds->source_count + 1, sizeof *ds->sources) ||
        od_grow(&ds->source_paths, &ds->path_capacity, ds->source_count + 1, sizeof *ds->source_paths))
        return od_error_nomem(err, path);
    od_source *s;
    od_source_options source = {options->image_dir, options->group_fields, options->masks, options->class_scores, options->frame_index, options->keypoints};
    OD_TRY(format->open(&s, path, &source, err));
    ds->source_paths[ds->source_count] = given;
    ds->sources[ds->source_count++] = s;
    return OD_OK;
}

/* A path that holds several parts (training, validation, ...) must not be taken as one by accident. */
static od_status add_parts(od_path_list *files, const char *path, const od_dataset_options *options, od_error *err)
{
    od_split_list splits = {0};
    od_status status = od_split_list_find(&splits, path, options->format, err);
    if (status == OD_OK && splits.count > 1 && !options->all_splits)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: holds %zu parts (%s, %s%s): name the one that is meant, e.g. %s", path, splits.count,
                              splits.items[0].name, splits.items[1].name, splits.count > 2 ? ", ..." : "", splits.items[0].path);
    for (size_t i = 0; i < splits.count && status == OD_OK; i++)
        status = od_path_list_add_detected(files, splits.items[i].path, options->format, err);
    if (status == OD_OK && !splits.count) status = od_path_list_add_detected(files, path, options->format, err);
    od_split_list_deinit(&splits);
    return status;
}

/* One of the paths given. */
static od_status open_path(od_dataset *ds, const char *path, int given, const od_dataset_options *options, od_error *err)
{
    od_path_list expanded = {0}, files = {0};
    od_status status = OD_OK;
    OD_TRY_GOTO(od_path_list_expand(&expanded, path, err));
    for (size_t i = 0; i < expanded.count; i++) OD_TRY_GOTO(add_parts(&files, expanded.items[i], options, err));
    for (size_t i = 0; i < files.count; i++) OD_TRY_GOTO(open_source(ds, files.items[i], given, options, err));
done:
    od_path_list_deinit(&expanded);
    od_path_list_deinit(&files);
    return status;
}

static od_status count_examples(od_dataset *ds, od_error *err)
{
    ds->starts = od_malloc(ds->source_count + 1, sizeof *ds->starts);
    if (!ds->starts) return od_error_nomem(err, "a data set");
    int64_t total = 0;
    for (size_t i = 0; i < ds->source_count; i++) {
        ds->starts[i] = total;
        total += ds->sources[i]->count;
    }
    ds->starts[ds->source_count] = total;
    if (total) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s: holds no images", ds->source_count ? ds->sources[0]->path : "the input");
}

static od_status list_classes(const od_dataset *ds, int tfrecords, od_class_list *list, od_error *err)
{
    for (size_t i = 0; i < ds->source_count; i++) {
        const od_source *s = ds->sources[i];
        if (!tfrecords && s->format == &od_source_tfrecord) continue;
        od_status status = s->format->list_classes(s, list, err);
        if (status == OD_ERR_MISMATCH) od_error_prefix(err, "%s", s->path);
        OD_TRY(status);
    }
    return OD_OK;
}

static od_status take_list(od_dataset *ds, const od_class_list *list, od_error *err)
{
    od_label_map *map = od_label_map_create();
    if (!map) return od_error_nomem(err, "a label map");
    od_status status = OD_OK;
    for (size_t i = 0; i < list->count && status == OD_OK; i++)
        status = od_label_map_add(map, list->entries[i].id, list->entries[i].name, list->entries[i].display, err);
    if (status == OD_OK)
        ds->map = ds->own_map = map;
    else
        od_label_map_free(map);
    return status;
}

/* Numbers the classes that the data names and takes the result as the label map. */
static od_status infer_classes(od_dataset *ds, od_error *err)
{
    od_class_list list = {0};
    od_status status = list_classes(ds, 1, &list, err);
    if (status == OD_OK) status = od_class_list_number(&list, err);
    if (status == OD_OK) status = take_list(ds, &list, err);
    od_class_list_deinit(&list);
    return status;
}

static int has_tfrecords(const od_dataset *ds)
{
    for (size_t i = 0; i < ds->source_count; i++)
        if (ds->sources[i]->format == &od_source_tfrecord) return 1;
    return 0;
}

static od_status describe(od_dataset *ds, od_error *err)
{
    od_strbuf text = {0};
    for (size_t i = 0, next; i < ds->source_count; i = next) {
        const od_source_format *format = ds->sources[i]->format;
        for (next = i + 1; next < ds->source_count && ds->sources[next]->format == format;) next++;
        od_strbuf_printf(&text, "%s%s", i ? ", " : "", ds->sources[i]->path);
        if (next - i > 1) od_strbuf_printf(&text, " and %zu more", next - i - 1);
        long long n = (long long)(ds->starts[next] - ds->starts[i]);
        od_strbuf_printf(&text, " (%s, %lld %s%s)", format->title, n, format->unit, n == 1 ? "" : "s");
    }
    if (ds->step > 1) od_strbuf_printf(&text, ", 1 of %lld", (long long)ds->step);
    if (od_strbuf_failed(&text)) {
        od_strbuf_deinit(&text);
        return od_error_nomem(err, "a data set");
    }
    ds->description = text.data;
    return OD_OK;
}

static od_status prepare(od_dataset *ds, const char *const *paths, int count, const od_dataset_options *options,
                         od_error *err)
{
    if (options->sample_1_of_n < 0)
        return od_error_set(err, OD_ERR_ARG, "sample_1_of_n is %lld; expected 1 or more", (long long)options->sample_1_of_n);
    ds->step = options->sample_1_of_n > 1 ? options->sample_1_of_n : 1;
    ds->keep_invalid = options->keep_invalid;
    ds->quiet = options->quiet;
    ds->masks = options->masks;
    ds->keypoints = options->keypoints;
    ds->one_class = options->one_class;
    ds->expand_hierarchy = options->expand_hierarchy && options->label_map;
    ds->issues = od_calloc(OD_ISSUE_COUNT, sizeof *ds->issues);
    if (!ds->issues) return od_error_nomem(err, "a data set");
    for (int i = 0; i < count; i++) OD_TRY(open_path(ds, paths[i], i, options, err));
    OD_TRY(count_examples(ds, err));
    OD_TRY(describe(ds, err));
    ds->map = options->label_map;
    return ds->map || has_tfrecords(ds) ? OD_OK : infer_classes(ds, err);
}

od_status od_dataset_open(od_dataset **out, const char *const *paths, int count, const od_dataset_options *options,
                          od_error *err)
{
    static const od_dataset_options defaults;
    if (count < 1) return od_error_set(err, OD_ERR_ARG, "no input path is given");
    od_dataset *ds = od_calloc(1, sizeof *ds);
    if (!ds) return od_error_nomem(err, "a data set");
    od_status status = prepare(ds, paths, count, options ? options : &defaults, err);
    if (status != OD_OK) {
        od_dataset_free(ds);
        return status;
    }
    *out = ds;
    return OD_OK;
}

od_status od_dataset_infer_label_map(od_dataset *ds, od_error *err)
{
    return ds->map ? OD_OK : infer_classes(ds, err);
}

const od_label_map *od_dataset_label_map(const od_dataset *ds)
{
    return ds->map;
}

od_mask_loading od_dataset_masks(const od_dataset *ds)
{
    return ds->masks;
}

int od_dataset_keypoints(const od_dataset *ds)
{
    return ds->keypoints;
}

int od_dataset_has_ids(const od_dataset *ds)
{
    for (size_t i = 0; i < ds->source_count; i++)
        if (!ds->sources[i]->format->has_ids) return 0;
    return 1;
}

od_status od_dataset_select(od_dataset *ds, const int64_t *indices, int64_t count, od_error *err)
{
    int64_t *copy = NULL;
    if (indices) {
        copy = od_malloc((size_t)count, sizeof *copy);
        if (!copy) return od_error_nomem(err, "a data set");
        memcpy(copy, indices, (size_t)count * sizeof *copy);
    }
    if (ds) {
        od_free(ds->selected);
        ds->selected = copy;
        ds->selected_count = count;
    }
    return OD_OK;
}

int64_t od_dataset_size(const od_dataset *ds)
{
    if (ds->selected) return ds->selected_count;
    return (ds->starts[ds->source_count] + ds->step - 1) / ds->step;
}

const char *od_dataset_describe(const od_dataset *ds)
{
    return ds->description;
}

int64_t od_dataset_issue_count(const od_dataset *ds, od_dataset_issue issue)
{
    return atomic_load(&ds->issues[issue]);
}

/* Which source example `index` (of those kept) comes from; *local gets its number there. */
static size_t find_source_index(const od_dataset *ds, int64_t index, int64_t *local)
{
    int64_t at = (ds->selected ? ds->selected[index] : index) * ds->step;
    size_t low = 0, high = ds->source_count;
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        if (ds->starts[mid] <= at)
            low = mid;
        else
            high = mid;
    }
    /* Empty sources start where the next one does. */
    while (ds->starts[low + 1] <= at) low++;
    *local = at - ds->starts[low];
    return low;
}

static const od_source *find_source(const od_dataset *ds, int64_t index, int64_t *local)
{
    return ds->sources[find_source_index(ds, index, local)];
}

int od_dataset_path_of(const od_dataset *ds, int64_t index)
{
    int64_t local;
    return ds->source_paths[find_source_index(ds, index, &local)];
}

double od_dataset_share(const od_dataset *ds, int64_t index)
{
    int64_t local;
    const od_source *s = find_source(ds, index, &local);
    return s->format->share ? s->format->share(s, local) : 1;
}

void od_dataset_locate(const od_dataset *ds, int64_t index, char *text, size_t size)
{
    int64_t local;
    const od_source *s = find_source(ds, index, &local);
    snprintf(text, size, "%s: %s %lld", s->path, s->format->unit, (long long)local);
}

/* Where an issue is met: for messages only. */
typedef struct place {
    const od_dataset *ds;
    int64_t index;
    od_example *e;
} place;

static void note_issue(const place *p, od_dataset_issue issue, int box)
{
    if (atomic_fetch_add(&p->ds->issues[issue], 1) || p->ds->quiet) return;
    char where[600], detail[300] = "";
    od_dataset_locate(p->ds, p->index, where, sizeof where);
    if (issue == OD_ISSUE_IMAGE_SIZE)
        snprintf(detail, sizeof detail, ": the image is %dx%d, its annotation says %dx%d; it", p->e->width, p->e->height,
                 p->e->annotated_width, p->e->annotated_height);
    if (box >= 0) {
        const od_object *o = &p->e->objects[box];
        int n = snprintf(detail, sizeof detail, ": box %d", box);
        if (o->class_text)
            n += snprintf(detail + n, sizeof detail - (size_t)n, " of class \"%.100s\"", o->class_text);
        else
            n += snprintf(detail + n, sizeof detail - (size_t)n, " of class id %d", (int)o->label);
        snprintf(detail + n, sizeof detail - (size_t)n, " (ymin %g, xmin %g, ymax %g, xmax %g)", o->box[0], o->box[1],
                 o->box[2], o->box[3]);
    }
    od_log(OD_LOG_WARNING, "%s (%s)%s has %s; %s. Others like it are counted, not named", where,
           p->e->filename && *p->e->filename ? p->e->filename : "no file name", detail, issue_texts[issue].text,
           issue_texts[issue].what);
}

/* Whether the box is worth keeping; see the policy in the header. */
static int judge_box(const place *p, int i, int coco)
{
    const float *b = p->e->objects[i].box;
    for (int k = 0; k < 4; k++)
        if (!isfinite(b[k])) return note_issue(p, OD_ISSUE_NAN, i), 0;
    if (coco && (b[2] <= b[0] || b[3] <= b[1])) return note_issue(p, OD_ISSUE_EMPTY_COCO, i), 0;
    if (b[2] < b[0] || b[3] < b[1]) return note_issue(p, OD_ISSUE_INVERTED, i), 0;
    if (b[2] == b[0] || b[3] == b[1]) note_issue(p, OD_ISSUE_EMPTY, i);
    const float slack = 1e-6f; /* rounding of pixels / size */
    if (b[0] < -slack || b[1] < -slack || b[2] > 1 + slack || b[3] > 1 + slack) note_issue(p, OD_ISSUE_OUTSIDE, i);
    return 1;
}

/* Sets the object's label by the label map; 0 when it has none there. */
static int judge_class(const place *p, int i)
{
    od_object *o = &p->e->objects[i];
    const od_label_map *map = p->ds->map;
    if (map && o->class_text) {
        int32_t id = od_label_map_find(map, o->class_text);
        if (id < 1) note_issue(p, OD_ISSUE_UNKNOWN_CLASS, i);
        o->label = id < 1 ? 0 : id;
    } else if (o->label < 1 || (map && !od_label_map_name(map, o->label))) {
        note_issue(p, OD_ISSUE_UNKNOWN_ID, i);
        o->label = 0;
    }
    return o->label > 0;
}

static od_status judge(const od_dataset *ds, const od_source *s, int64_t index, od_example *e, od_error *err)
{
    place p = {ds, index, e};
    int kept = 0, coco = s->format == &od_source_coco;
    for (int i = 0; i < e->object_count; i++) {
        od_object *o = &e->objects[i];
        if (!ds->map && o->class_text && !o->label) {
            char where[600];
            od_dataset_locate(ds, index, where, sizeof where);
            return od_error_set(err, OD_ERR_FORMAT,
                                "%s: box %d has the class \"%.100s\" but no id (image/object/class/label): give a label map",
                                where, i, o->class_text);
        }
        int good = judge_class(&p, i);
        good &= judge_box(&p, i, coco);
        if (good || ds->keep_invalid) e->objects[kept++] = *o;
    }
    e->object_count = kept;
    return OD_OK;
}

/* Width and height become the image file's own; an unreadable header is the decoder's to report. */
static void take_real_size(const place *p)
{
    od_example *e = p->e;
    int width, height;
    if (od_image_read_size(e->encoded, e->encoded_size, &width, &height, NULL) != OD_OK) return;
    e->annotated_width = e->width;
    e->annotated_height = e->height;
    e->width = width;
    e->height = height;
    if (e->annotated_width && (e->annotated_width != width || e->annotated_height != height))
        note_issue(p, OD_ISSUE_IMAGE_SIZE, -1);
}

/* Outlines become masks, when these are asked for. */
static od_status fill_outlines(const od_dataset *ds, od_example *e, od_error *err)
{
    int height = e->annotated_height ? e->annotated_height : e->height, width = e->annotated_width ? e->annotated_width : e->width;
    for (int i = 0; i < e->object_count && ds->masks != OD_MASKS_NONE && height > 0 && width > 0; i++) {
        od_object *o = &e->objects[i];
        if (o->mask || !o->outline) continue;
        size_t numbers = 2 * (size_t)o->outline_points;
        double *xy = od_malloc(numbers, sizeof *xy);
        if (!xy) return od_error_nomem(err, "an outline");
        for (size_t k = 0; k < numbers; k++) xy[k] = (double)o->outline[k] * (k % 2 ? height : width);
        od_mask *mask = NULL;
        od_status status = od_mask_from_polygons(&mask, height, width, xy, &numbers, 1, err);
        od_free(xy);
        OD_TRY(status);
        o->mask = od_example_keep_mask(e, mask);
        if (!o->mask) return od_error_nomem(err, "a mask");
        o->flags &= ~(uint32_t)OD_OBJECT_OUTLINE;
    }
    return OD_OK;
}

/* Masks are drawn at the size that the annotation states; where the picture has another, they are stretched to it, as boxes are. */
static od_status fit_masks(od_example *e, od_error *err)
{
    for (int i = 0; i < e->object_count; i++) {
        od_object *o = &e->objects[i];
        if (!o->mask || (o->mask->height == e->height && o->mask->width == e->width)) continue;
        od_mask *fitted = NULL;
        OD_TRY(od_mask_stretch(&fitted, o->mask, e->height, e->width, err));
        o->mask = od_example_keep_mask(e, fitted);
        o->segmentation = NULL;
        if (!o->mask) return od_error_nomem(err, "a mask");
    }
    return OD_OK;
}

static od_status read_example(const od_dataset *ds, int64_t index, int with_image, od_example *out, od_error *err)
{
    int64_t local;
    if (index < 0 || index >= od_dataset_size(ds))
        return od_error_set(err, OD_ERR_ARG, "example %lld of %lld was asked for", (long long)index,
                            (long long)od_dataset_size(ds));
    const od_source *s = find_source(ds, index, &local);
    OD_TRY(s->format->read(s, local, with_image, out, err));
    if (out->encoded) take_real_size(&(place){ds, index, out});
    OD_TRY(fill_outlines(ds, out, err));
    OD_TRY(fit_masks(out, err));
    OD_TRY(judge(ds, s, index, out, err));
    if (ds->expand_hierarchy) OD_TRY(od_class_hierarchy_expand(ds->map, out, err));
    for (int i = 0; ds->one_class && i < out->object_count; i++) out->objects[i].label = 1;
    return OD_OK;
}

od_status od_dataset_read(const od_dataset *ds, int64_t index, od_example *out, od_error *err)
{
    return read_example(ds, index, 1, out, err);
}

od_status od_dataset_read_annotations(const od_dataset *ds, int64_t index, od_example *out, od_error *err)
{
    return read_example(ds, index, 0, out, err);
}
