/* SPDX-License-Identifier: Apache-2.0
 *
 * od_synth: the splits' files. TFRecords are converted from the COCO JSON, so both hold the same.
 */
#include "objdet/synth.h"

#include "config/label_map.h"
#include "data/synth_config.h"
#include "data/synth_image.h"
#include "objdet/dataset.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <stdio.h>
#include <string.h>

enum { JPEG_QUALITY = 90, MIN_SIDE = 64, MAX_SIDE = 4096, MAX_IMAGES = 1000000, BATCH = 32 };

void od_synth_options_default(od_synth_options *options)
{
    *options = (od_synth_options){.train = 300, .val = 60, .test = 60, .width = 320, .height = 240};
}

static od_status check(const od_synth_options *o, od_error *err)
{
    const struct { const char *name; int value, low, high; } ranges[] = {
        {"train", o->train, 1, MAX_IMAGES}, {"val", o->val, 0, MAX_IMAGES},           {"test", o->test, 0, MAX_IMAGES},
        {"width", o->width, MIN_SIDE, MAX_SIDE}, {"height", o->height, MIN_SIDE, MAX_SIDE}};
    if (!o->output_dir || !*o->output_dir) return od_error_set(err, OD_ERR_ARG, "no output_dir is given");
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high)
            return od_error_set(err, OD_ERR_ARG, "%s is %d; expected %d to %d", ranges[i].name, ranges[i].value, ranges[i].low,
                                ranges[i].high);
    return OD_OK;
}

typedef struct split {
    const od_synth_options *options;
    const char *name;
    int number, count; /* number: makes the splits' random streams differ */
    od_strbuf images, annotations;
    int64_t annotation_count;
} split;

/* A picture and its file's bytes. */
typedef struct drawn {
    od_synth_picture picture;
    uint8_t *jpeg;
    size_t jpeg_size;
    od_status status;
    od_error err;
} drawn;

static void draw(drawn *d, const split *s, int index)
{
    od_rng rng;
    od_rng_init(&rng, s->options->seed, (uint64_t)s->number * MAX_IMAGES * 2 + (uint64_t)index);
    d->status = od_synth_picture_draw(&d->picture, &rng, s->options->width, s->options->height, &d->err);
    if (d->status == OD_OK)
        d->status = od_image_encode_jpeg(&d->picture.image, JPEG_QUALITY, &d->jpeg, &d->jpeg_size, &d->err);
}

static void note(split *s, const od_synth_picture *p, int index, const char *name)
{
    od_strbuf_printf(&s->images, "%s\n  {\"id\": %d, \"file_name\": \"images/%s\", \"width\": %d, \"height\": %d}", index ? "," : "",
                     index + 1, name, p->image.width, p->image.height);
    for (int i = 0; i < p->box_count; i++) {
        const od_synth_box *b = &p->boxes[i];
        int w = b->xmax - b->xmin, h = b->ymax - b->ymin;
        od_strbuf_printf(&s->annotations,
                         "%s\n  {\"id\": %lld, \"image_id\": %d, \"category_id\": %d, \"bbox\": [%d, %d, %d, %d], \"area\": %d, "
                         "\"iscrowd\": 0}",
                         s->annotation_count ? "," : "", (long long)s->annotation_count + 1, index + 1, b->label, b->xmin, b->ymin,
                         w, h, w * h);
        s->annotation_count++;
    }
}

static od_status write_image(split *s, const drawn *d, int index, od_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%05d.jpg", s->name, index + 1);
    note(s, &d->picture, index, name);
    char *path = od_asprintf("%s/images/%s", s->options->output_dir, name);
    if (!path) return od_error_nomem(err, name);
    od_status status = od_file_write_many(path, d->jpeg, d->jpeg_size, err);
    od_free(path);
    return status;
}

/* Draws in parallel and writes in order, a batch at a time. */
static od_status write_images(split *s, od_error *err)
{
    drawn *batch = od_calloc(BATCH, sizeof *batch);
    if (!batch) return od_error_nomem(err, "pictures");
    od_status status = OD_OK;
    for (int first = 0; first < s->count && status == OD_OK; first += BATCH) {
        int n = s->count - first < BATCH ? s->count - first : BATCH;
#pragma omp parallel for schedule(dynamic, 1)
        for (int i = 0; i < n; i++) draw(&batch[i], s, first + i);
        for (int i = 0; i < n; i++) {
            if (status == OD_OK && batch[i].status != OD_OK) status = od_error_set(err, batch[i].status, "%s", batch[i].err.message);
            if (status == OD_OK) status = write_image(s, &batch[i], first + i, err);
            od_image_deinit(&batch[i].picture.image);
            od_free(batch[i].jpeg);
            batch[i] = (drawn){0};
        }
    }
    od_free(batch);
    return status;
}

static od_status write_json(split *s, const char *path, od_error *err)
{
    od_strbuf t = {0};
    od_strbuf_printf(&t,
                     "{\n \"info\": {\"description\": \"synthetic shapes, seed %llu\"},\n \"categories\": [\n  {\"id\": %d, \"name\": "
                     "\"square\"},\n  {\"id\": %d, \"name\": \"triangle\"}],\n \"images\": [",
                     (unsigned long long)s->options->seed, OD_SYNTH_SQUARE, OD_SYNTH_TRIANGLE);
    if (s->images.size) od_strbuf_append(&t, s->images.data, s->images.size);
    od_strbuf_puts(&t, "],\n \"annotations\": [");
    if (s->annotations.size) od_strbuf_append(&t, s->annotations.data, s->annotations.size);
    od_strbuf_puts(&t, "]\n}\n");
    int failed = od_strbuf_failed(&t) || od_strbuf_failed(&s->images) || od_strbuf_failed(&s->annotations);
    od_status status = failed ? od_error_nomem(err, path) : od_file_write_all(path, t.data, t.size, err);
    od_strbuf_deinit(&t);
    return status;
}

static od_status write_record(const char *json, const char *label_map, const char *record, od_error *err)
{
    od_data_input in = {.paths = &json, .path_count = 1, .format = "coco", .label_map_path = label_map};
    od_data_output out = {.format = "tfrecord", .path = record};
    return od_data_convert(&in, &out, NULL, err);
}

static od_status write_split(const od_synth_options *o, const char *name, int number, int count, const char *label_map, od_error *err)
{
    if (!count) return OD_OK;
    split s = {.options = o, .name = name, .number = number, .count = count};
    char *json = od_asprintf("%s/%s.json", o->output_dir, name), *record = od_asprintf("%s/%s.record", o->output_dir, name);
    od_status status = json && record ? OD_OK : od_error_nomem(err, name);
    if (status == OD_OK) status = write_images(&s, err);
    if (status == OD_OK) status = write_json(&s, json, err);
    if (status == OD_OK) status = write_record(json, label_map, record, err);
    od_strbuf_deinit(&s.images);
    od_strbuf_deinit(&s.annotations);
    od_free(json);
    od_free(record);
    return status;
}

static od_status write_label_map(const char *path, od_error *err)
{
    od_label_map *map = od_label_map_create();
    if (!map) return od_error_nomem(err, path);
    od_status status = od_label_map_add(map, OD_SYNTH_SQUARE, "square", NULL, err);
    if (status == OD_OK) status = od_label_map_add(map, OD_SYNTH_TRIANGLE, "triangle", NULL, err);
    if (status == OD_OK) status = od_label_map_save(map, path, err);
    od_label_map_free(map);
    return status;
}

static od_status write_all(const od_synth_options *o, const char *label_map, od_error *err)
{
    OD_TRY(write_label_map(label_map, err));
    OD_TRY(write_split(o, "train", 0, o->train, label_map, err));
    OD_TRY(write_split(o, "val", 1, o->val, label_map, err));
    OD_TRY(write_split(o, "test", 2, o->test, label_map, err));
    return od_synth_config_save(o->output_dir, o->val ? "val" : o->test ? "test" : "train", err);
}

od_status od_synth(const od_synth_options *options, od_error *err)
{
    OD_TRY(check(options, err));
    char *images = od_path_join(options->output_dir, "images"), *label_map = od_path_join(options->output_dir, "label_map.pbtxt");
    od_status status = images && label_map ? od_dir_create(images, err) : od_error_nomem(err, options->output_dir);
    if (status == OD_OK) status = write_all(options, label_map, err);
    od_free(images);
    od_free(label_map);
    return status;
}
