/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing one data set, or one part of it, in any format: what all formats share, and the TFRecord side. data/convert_coco.c
 * writes COCO, data/writer_*.c the others.
 */
#include "data/convert.h"

#include "data/tf_example.h"
#include "data/tfrecord.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SHARDS = 9999, NAMED_SKIPS = 20 };

od_status od_convert_read(od_convert *c, int64_t index, od_example *e, int *skip, od_error *err)
{
    od_error why = {0};
    *skip = 0;
    od_status status = od_dataset_read(c->ds, index, e, &why);
    if (status == OD_OK) {
        const od_label_map *map = od_dataset_label_map(c->ds);
        for (int i = 0; i < e->object_count; i++)
            if (!e->objects[i].class_text) e->objects[i].class_text = od_label_map_name(map, e->objects[i].label);
        return OD_OK;
    }
    if (status == OD_ERR_NOMEM) return od_error_set(err, status, "%s", why.message);
    *skip = 1;
    return OD_OK;
}

/* Whether the id says more than the file's name, with or without ending. */
static int has_own_id(const od_example *e)
{
    if (!e->source_id || !*e->source_id || !e->filename) return 0;
    const char *base = od_path_base(e->filename), *dot = strrchr(base, '.');
    size_t n = strlen(e->source_id);
    return strcmp(e->source_id, e->filename) && strcmp(e->source_id, base) &&
           !(dot && (size_t)(dot - base) == n && !memcmp(base, e->source_id, n));
}

int od_writer_writes_mask(const od_writer_format *f, const od_object *o)
{
    return f->masks && !o->outline && o->mask && od_mask_area(o->mask) > 0;
}

/* An area that isn't width times height: of an outline. */
static int has_own_area(const od_example *e, const od_object *o)
{
    double box = ((double)o->box[2] - o->box[0]) * e->height * ((double)o->box[3] - o->box[1]) * e->width;
    return o->area > 0 && fabs((double)o->area - box) > 1e-3 * box + 0.5;
}

static void count_dropped(od_convert *c, const od_example *e)
{
    static const struct { uint32_t flag; od_data_kind kind; } flags[] = {
        {OD_OBJECT_CROWD, OD_DATA_KIND_CROWD},         {OD_OBJECT_DIFFICULT, OD_DATA_KIND_DIFFICULT},
        {OD_OBJECT_GROUP_OF, OD_DATA_KIND_GROUP_OF},   {OD_OBJECT_TRUNCATED, OD_DATA_KIND_TRUNCATED},
        {OD_OBJECT_OCCLUDED, OD_DATA_KIND_OCCLUDED},   {OD_OBJECT_DEPICTION, OD_DATA_KIND_DEPICTION},
        {OD_OBJECT_INSIDE, OD_DATA_KIND_INSIDE},       {OD_OBJECT_OUTLINE, OD_DATA_KIND_OUTLINE},
    };
    int64_t n[OD_DATA_KIND_COUNT] = {0};
    n[OD_DATA_KIND_IMAGE_ID] = has_own_id(e);
    for (int k = 0; k < OD_EXAMPLE_LISTS; k++) n[OD_DATA_KIND_CLASS_LIST] |= e->class_list_counts[k] > 0;
    for (int i = 0; i < e->object_count; i++) {
        const od_object *o = &e->objects[i];
        /* Written as it is; mask and area follow from it. */
        int drawn = (c->format->outlines && o->outline) || od_writer_writes_mask(c->format, o);
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) n[flags[k].kind] += (o->flags & flags[k].flag) && !(drawn && flags[k].flag == OD_OBJECT_OUTLINE);
        n[OD_DATA_KIND_POSE] += o->pose && *o->pose && strcmp(o->pose, "Unspecified");
        n[OD_DATA_KIND_WEIGHT] += o->weight != 1;
        n[OD_DATA_KIND_AREA] += has_own_area(e, o) && !drawn;
        n[OD_DATA_KIND_MASK] += o->mask && !drawn;
        n[OD_DATA_KIND_KEYPOINTS] += o->keypoint_count > 0;
    }
    for (int k = 0; k < OD_DATA_KIND_COUNT; k++)
        if (!(c->holds & 1u << k)) c->result.dropped[k] += n[k];
}

void od_convert_count(od_convert *c, const od_example *e)
{
    c->result.images++;
    c->result.boxes += e->object_count;
    c->result.null_images += !e->object_count;
    count_dropped(c, e);
}

/* "scan.dcm" becomes "scan.png". */
static od_status name_png(od_example *e, od_error *err)
{
    const char *base = od_path_base(e->filename), *dot = strrchr(base, '.');
    char *name = od_asprintf("%.*s.png", (int)(dot && dot != base ? dot - e->filename : (long)strlen(e->filename)), e->filename);
    if (!name) return od_error_nomem(err, e->filename);
    od_free(e->filename);
    e->filename = name;
    od_free(e->image_path);
    e->image_path = NULL;
    return OD_OK;
}

od_status od_convert_window(od_convert *c, od_example *e, od_error *err)
{
    static const od_window own = {OD_WINDOW_OF_FILE, 0, 0};
    if (!od_image_is_deep(e->encoded, e->encoded_size)) return OD_OK;
    int dicom = !strcmp(od_image_format_name(e->encoded, e->encoded_size), "DICOM");
    if (!c->window && (!dicom || (c->images.keep && e->image_path))) return c->result.deep++, OD_OK;
    od_image image = {0};
    od_gray_values values = {0};
    uint8_t *png = NULL;
    size_t size = 0;
    od_status status = od_gray_values_read(e->encoded, e->encoded_size, &values, err);
    if (status == OD_ERR_UNSUPPORTED && dicom)
        status = od_image_decode(e->encoded, e->encoded_size, &image, err); /* RGB needs no window */
    else if (status == OD_OK)
        status = od_window_apply(&values, c->window ? c->window : &own, &image, err);
    if (status == OD_OK) status = od_image_encode_png(&image, &png, &size, err);
    if (status != OD_OK) od_error_prefix(err, "%s", e->filename);
    od_gray_values_deinit(&values);
    od_image_deinit(&image);
    OD_TRY(status);
    od_free(e->encoded);
    e->encoded = png;
    e->encoded_size = size;
    c->result.windowed++;
    return name_png(e, err);
}

void od_convert_skip(od_convert *c, int64_t index)
{
    od_example e = {0};
    od_error why = {0};
    if (c->result.skipped++ < NAMED_SKIPS && od_dataset_read(c->ds, index, &e, &why) != OD_OK)
        od_log(OD_LOG_WARNING, "left out: %s", why.message);
    od_example_deinit(&e);
}

static od_status nothing_read(const od_convert *c, od_error *err)
{
    od_example e = {0};
    od_error why = {0};
    od_dataset_read(c->ds, 0, &e, &why);
    od_example_deinit(&e);
    return od_error_set(err, OD_ERR_FORMAT, "none of %lld images could be read; the first: %s",
                        (long long)od_dataset_size(c->ds), why.message);
}

/* Hands each example that can be read to `put`. */
static od_status each(od_convert *c, od_status (*put)(od_convert *c, od_example *e, void *user, od_error *err), void *user, od_error *err)
{
    od_status status = OD_OK;
    for (int64_t i = 0; i < od_dataset_size(c->ds) && status == OD_OK; i++) {
        od_example e = {0};
        int skip;
        status = od_convert_read(c, i, &e, &skip, err);
        if (status == OD_OK && skip) od_convert_skip(c, i);
        if (status == OD_OK && !skip) {
            status = od_convert_window(c, &e, err);
            if (status == OD_OK) status = put(c, &e, user, err);
            od_convert_count(c, &e);
        }
        od_example_deinit(&e);
    }
    return status == OD_OK && !c->result.images ? nothing_read(c, err) : status;
}

/* --- TFRecord --------------------------------------------------------------------------------------------------------- */

typedef struct record_writer {
    od_tfrecord_writer **shards;
    int count;
    od_strbuf bytes;
} record_writer;

static od_status put_record(od_convert *c, od_example *e, void *user, od_error *err)
{
    record_writer *w = user;
    w->bytes.size = 0;
    OD_TRY(od_tf_example_format(e, &w->bytes, err));
    return od_tfrecord_writer_write(w->shards[c->result.images % w->count], w->bytes.data, w->bytes.size, err);
}

static od_status open_shards(od_tfrecord_writer **shards, int count, const char *path, od_error *err)
{
    for (int i = 0; i < count; i++) {
        char *name = count == 1 ? od_strdup(path) : od_asprintf("%s-%05d-of-%05d", path, i, count);
        if (!name) return od_error_nomem(err, path);
        od_status status = od_tfrecord_writer_create(&shards[i], name, err);
        od_free(name);
        OD_TRY(status);
    }
    return OD_OK;
}

static od_status to_tfrecord(od_convert *c, int count, od_error *err)
{
    if (count < 1) count = 1;
    if (count > MAX_SHARDS) return od_error_set(err, OD_ERR_ARG, "shards is %d; expected at most %d", count, MAX_SHARDS);
    record_writer w = {.shards = od_calloc((size_t)count, sizeof *w.shards), .count = count};
    if (!w.shards) return od_error_nomem(err, c->path);
    od_status status = open_shards(w.shards, count, c->path, err);
    if (status == OD_OK) status = each(c, put_record, &w, err);
    for (int i = 0; i < count; i++) {
        if (status == OD_OK)
            status = od_tfrecord_writer_commit(w.shards[i], err);
        else
            od_tfrecord_writer_abort(w.shards[i]);
    }
    od_strbuf_deinit(&w.bytes);
    od_free(w.shards);
    return status;
}

/* --- formats with a writer -------------------------------------------------------------------------------------------- */

static od_status put_with_writer(od_convert *c, od_example *e, void *user, od_error *err)
{
    od_writer *w = user;
    char *name = NULL;
    if (e->width < 1 || e->height < 1)
        return od_error_set(err, OD_ERR_FORMAT, "%s: the image's size is not known (its header can't be read)", e->filename);
    const od_label_map *map = od_dataset_label_map(c->ds);
    for (int i = 0; i < e->object_count; i++) e->objects[i].class_text = od_label_map_name(map, e->objects[i].label);
    OD_TRY(od_image_store_put(&c->images, e, c->result.images + 1, &name, err));
    od_status status = w->format->put(w, e, name, err);
    od_free(name);
    return status;
}

static od_write_job job_of(const od_dataset *ds, const od_output_layout *l)
{
    return (od_write_job){l->root, l->path, l->image_dir, l->split, l->beside, od_dataset_label_map(ds)};
}

static od_status to_writer(od_convert *c, const od_output_layout *l, od_error *err)
{
    od_writer *w;
    od_write_job job = job_of(c->ds, l);
    OD_TRY(l->format->open(&w, &job, err));
    od_status status = each(c, put_with_writer, w, err);
    if (status == OD_OK) status = l->format->commit(w, err);
    c->result.dropped[OD_DATA_KIND_OUTSIDE] += w->clipped;
    l->format->free(w);
    return status;
}

/* --- all -------------------------------------------------------------------------------------------------------------- */

static void add_result(od_data_converted *to, const od_data_converted *from)
{
    to->images += from->images;
    to->boxes += from->boxes;
    to->null_images += from->null_images;
    to->skipped += from->skipped;
    to->windowed += from->windowed;
    to->deep += from->deep;
    for (int k = 0; k < OD_DATA_KIND_COUNT; k++) to->dropped[k] += from->dropped[k];
}

static int ids_are_plain(const od_label_map *map)
{
    return od_label_map_max_id(map) == od_label_map_count(map);
}

od_status od_convert_part(const od_dataset *ds, const od_output_layout *l, const od_data_output *output, od_hashmap *names,
                          od_data_converted *result, od_error *err)
{
    char *from = od_path_dir(l->path);
    if (!from) return od_error_nomem(err, l->path);
    od_window window;
    od_convert c = {.ds = ds, .path = l->path, .holds = l->format->holds, .format = l->format, .window = output->window ? &window : NULL};
    if (output->window && od_window_parse(output->window, &window, err) != OD_OK) {
        od_free(from);
        return OD_ERR_ARG;
    }
    c.images = (od_image_store){.dir = l->image_dir, .names = names, .from = from, .prefix = l->image_prefix, .link = output->link_images,
                                .keep = l->format->keep_images && !l->beside, .by_stem = l->format->by_stem};
    od_status status = od_dir_create(l->format->file ? from : l->path, err);
    if (status == OD_OK)
        status = l->format->open                      ? to_writer(&c, l, err)
                 : !strcmp(l->format->name, "coco") ? od_convert_to_coco(&c, err)
                                                    : to_tfrecord(&c, output->shards, err);
    if (!(c.holds & 1u << OD_DATA_KIND_CLASS_ID) && !ids_are_plain(od_dataset_label_map(ds)) && !result->images)
        result->dropped[OD_DATA_KIND_CLASS_ID] = od_label_map_count(od_dataset_label_map(ds));
    add_result(result, &c.result);
    od_image_store_deinit(&c.images);
    od_free(from);
    return status;
}
