/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads every example of every split once: threads read and fingerprint a block of images, then its annotations are counted in
 * order.
 */
#include "data/data_checker.h"

#include "data/sha256.h"
#include "image/image.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };
#define TINY_SIDE 2.0
#define SLACK 1.0 /* pixels beyond the edge that are rounding */

typedef struct read_image {
    od_example e;
    od_status status;
    od_error err;
    int decoded;
} read_image;

static od_status digest(const void *bytes, size_t size, char out[OD_DATA_CHECK_DIGEST], od_error *err)
{
    char hex[65];
    OD_TRY(od_sha256_hex(bytes, size, hex, err));
    memcpy(out, hex, OD_DATA_CHECK_DIGEST - 1);
    out[OD_DATA_CHECK_DIGEST - 1] = 0;
    return OD_OK;
}

/* Digests and fingerprint of an image whose bytes are there. */
static od_status look_at(od_data_checker *c, int32_t number, const od_example *e, od_error *err)
{
    od_image image = {0};
    od_gray gray = {0};
    od_fingerprint print;
    OD_TRY(od_image_decode(e->encoded, e->encoded_size, &image, err));
    od_data_check_image *out = &c->images[number];
    od_status status = digest(e->encoded, e->encoded_size, out->bytes, err);
    /* Pictures of other shapes may have the same pixels in a row. */
    size_t n = (size_t)image.width * (size_t)image.height * 3;
    if (status == OD_OK) status = digest(image.pixels, n, out->pixels, err);
    for (int k = 0; k < 4; k++) out->pixels[k] = (char)('a' + (image.width >> 4 * k & 15));
    if (status == OD_OK) status = od_gray_thumbnail(&image, OD_PICTURE_SIDE, &gray, err);
    if (status == OD_OK) status = od_fingerprint_make(&print, &gray, err);
    if (status == OD_OK) status = od_fingerprint_store_put(c->prints, number, &print, err);
    od_gray_deinit(&gray);
    od_image_deinit(&image);
    return status;
}

static void read_one(od_data_checker *c, int split, int64_t index, int32_t number, read_image *r)
{
    int with_image = !c->options->annotations_only;
    *r = (read_image){0};
    r->status = with_image ? od_dataset_read(c->sets[split], index, &r->e, &r->err)
                           : od_dataset_read_annotations(c->sets[split], index, &r->e, &r->err);
    if (r->status != OD_OK || !with_image) return;
    r->status = look_at(c, number, &r->e, &r->err);
    if (r->status != OD_OK && r->status != OD_ERR_NOMEM) {
        char place[400];
        od_dataset_locate(c->sets[split], index, place, sizeof place);
        od_error_prefix(&r->err, "%s (%s)", place, r->e.filename ? r->e.filename : "");
    }
    od_free(r->e.encoded);
    r->e.encoded = NULL;
    r->e.encoded_size = 0;
}

/* --- annotations ------------------------------------------------------------------------------------------------------ */

static od_status find_class(od_data_checker *c, const char *name, int32_t id, int64_t *at, od_error *err)
{
    od_data_check *out = c->out;
    if (od_hashmap_get(&c->class_index, name, at)) return OD_OK;
    if (od_grow(&out->classes, &c->class_capacity, (size_t)out->class_count + 1, sizeof *out->classes))
        return od_error_nomem(err, "classes");
    od_data_class_stats s = {.id = id, .name = od_strdup(name), .mean_x = NAN};
    s.boxes = od_calloc((size_t)c->splits, sizeof *s.boxes);
    s.images = od_calloc((size_t)c->splits, sizeof *s.images);
    *at = out->class_count;
    out->classes[out->class_count++] = s;
    int failed = !s.name || !s.boxes || !s.images || od_hashmap_set(&c->class_index, name, *at);
    return failed ? od_error_nomem(err, "classes") : OD_OK;
}

/* Every class of the label maps and categories counts, with boxes or without. */
static od_status list_classes(od_data_checker *c, int split, od_error *err)
{
    const od_label_map *map = od_dataset_label_map(c->sets[split]);
    for (int i = 0; i < od_label_map_count(map); i++) {
        int32_t id = od_label_map_id(map, i);
        int64_t at;
        OD_TRY(find_class(c, od_label_map_name(map, id), id, &at, err));
    }
    return OD_OK;
}

static od_status count_class(od_data_checker *c, int split, const od_example *e, int box, od_error *err)
{
    const od_object *o = &e->objects[box];
    const od_label_map *map = od_dataset_label_map(c->sets[split]);
    const char *name = o->label > 0 ? od_label_map_name(map, o->label) : NULL;
    if (!name) return OD_OK;
    int64_t at;
    OD_TRY(find_class(c, name, o->label, &at, err));
    od_data_class_stats *s = &c->out->classes[at];
    int first = 1;
    for (int i = 0; i < box && first; i++) first = e->objects[i].label != o->label;
    s->boxes[split]++;
    s->images[split] += first;
    double x = ((double)o->box[1] + (double)o->box[3]) / 2;
    if (!isfinite(x)) return OD_OK;
    /* Sums, until od_data_check_judge_labels makes means of them. */
    s->mean_x = isnan(s->mean_x) ? x : s->mean_x + x;
    s->left_share += x < 0.5;
    return OD_OK;
}

static void tell_box(const od_data_check_image *image, const od_example *e, int box, const char *class_name, char text[300])
{
    const od_object *o = &e->objects[box];
    double w = e->width > 0 ? e->width : 1, h = e->height > 0 ? e->height : 1;
    snprintf(text, 300, "%.120s, box %d (%s%.60s, x %.4g to %.4g, y %.4g to %.4g pixels)", image->name, box,
             class_name ? "" : "class ", class_name ? class_name : "unknown", o->box[1] * w, o->box[3] * w, o->box[0] * h, o->box[2] * h);
}

static int same_box(const od_object *a, const od_object *b)
{
    return a->label == b->label && !memcmp(a->box, b->box, sizeof a->box);
}

/* What is wrong with a box; sizes in pixels. -1: nothing. */
static int judge_box(const od_example *e, int box, double w, double h, double x0, double y0, double x1, double y1)
{
    const od_object *o = &e->objects[box];
    for (int k = 0; k < 4; k++)
        if (!isfinite(o->box[k])) return OD_DATA_BOX_NOT_FINITE;
    if (x1 < x0 || y1 < y0) return OD_DATA_BOX_INVERTED;
    if (x1 == x0 || y1 == y0) return OD_DATA_BOX_EMPTY;
    if (x1 <= 0 || y1 <= 0 || x0 >= w || y0 >= h) return OD_DATA_BOX_ALL_OUTSIDE;
    if (x0 < -SLACK || y0 < -SLACK || x1 > w + SLACK || y1 > h + SLACK) return OD_DATA_BOX_OUTSIDE;
    if (x1 - x0 < TINY_SIDE || y1 - y0 < TINY_SIDE) return OD_DATA_BOX_TINY;
    for (int i = 0; i < box; i++)
        if (same_box(&e->objects[i], o)) return OD_DATA_BOX_TWICE;
    return -1;
}

static od_status count_box(od_data_checker *c, const od_data_check_image *image, const od_example *e, int box, od_error *err)
{
    od_data_split_stats *s = &c->out->splits[image->split];
    const od_object *o = &e->objects[box];
    const od_label_map *map = od_dataset_label_map(c->sets[image->split]);
    const char *name = o->label > 0 ? od_label_map_name(map, o->label) : o->class_text;
    char text[300];
    double w = e->width, h = e->height, x0 = o->box[1] * w, x1 = o->box[3] * w, y0 = o->box[0] * h, y1 = o->box[2] * h;
    s->boxes++;
    s->crowd += (o->flags & OD_OBJECT_CROWD) != 0;
    s->difficult += (o->flags & OD_OBJECT_DIFFICULT) != 0;
    tell_box(image, e, box, name, text);
    if (o->label < 1) od_data_check_note(c, image->split, OD_DATA_CLASS_UNKNOWN, "%s", text);
    int fault = judge_box(e, box, w, h, x0, y0, x1, y1);
    if (fault >= 0) od_data_check_note(c, image->split, (od_data_finding_kind)fault, "%s", text);
    OD_TRY(count_class(c, image->split, e, box, err));
    double area = (x1 - x0) * (y1 - y0);
    if (!isfinite(area) || x1 < x0 || y1 < y0 || w < 1) return OD_OK;
    s->tiny += x1 - x0 < TINY_SIDE || y1 - y0 < TINY_SIDE;
    /* pycocotools' areaRng */
    *(area < 32 * 32 ? &s->small : area < 96 * 96 ? &s->medium : &s->large) += 1;
    return OD_OK;
}

static od_status find_group(od_data_checker *c, od_data_check_image *image, const od_example *e, od_hashmap *known, od_error *err)
{
    char *group;
    int from;
    int64_t at;
    image->group = -1;
    OD_TRY(od_group_rule_find(c->rule, e->group, e->filename && *e->filename ? e->filename : e->source_id, &group, &from, err));
    if (!group) return OD_OK;
    *(from ? &c->by_name : &c->by_field) += 1;
    if (od_hashmap_get(known, group, &at)) {
        image->group = (int32_t)at;
        od_free(group);
        return OD_OK;
    }
    if (od_grow(&c->groups, &c->group_capacity, (size_t)c->group_count + 1, sizeof *c->groups) ||
        od_hashmap_set(known, group, c->group_count)) {
        od_free(group);
        return od_error_nomem(err, "groups");
    }
    image->group = c->group_count;
    c->groups[c->group_count++] = group;
    return OD_OK;
}

static char *name_of(const od_data_checker *c, int split, int64_t index, const od_example *e)
{
    if (e->filename && *e->filename) return od_strdup(od_path_base(e->filename));
    if (e->source_id && *e->source_id) return od_strdup(e->source_id);
    char place[400];
    od_dataset_locate(c->sets[split], index, place, sizeof place);
    return od_strdup(od_path_base(place));
}

typedef struct sizes {
    int *widths, *heights;
    size_t count;
} sizes;

static void count_size(od_data_split_stats *s, int width, int height, sizes *all)
{
    if (width < 1 || height < 1) return;
    int64_t pixels = (int64_t)width * height;
    if (!all->count || pixels < (int64_t)s->smallest[0] * s->smallest[1]) s->smallest[0] = width, s->smallest[1] = height;
    if (!all->count || pixels > (int64_t)s->largest[0] * s->largest[1]) s->largest[0] = width, s->largest[1] = height;
    all->widths[all->count] = width;
    all->heights[all->count++] = height;
}

static od_status count_image(od_data_checker *c, int split, int64_t index, int32_t number, read_image *r, sizes *all, od_hashmap *known,
                             od_error *err)
{
    od_data_split_stats *s = &c->out->splits[split];
    od_data_check_image *image = &c->images[number];
    image->split = split;
    image->index = index;
    image->group = -1;
    image->cluster = image->exact = number;
    if (r->status == OD_ERR_NOMEM) return od_error_nomem(err, "an image");
    image->name = name_of(c, split, index, &r->e);
    if (!image->name) return od_error_nomem(err, "images");
    if (r->status != OD_OK) {
        s->unreadable++;
        od_data_check_note(c, split, OD_DATA_UNREADABLE, "%s", r->err.message);
        return OD_OK;
    }
    const od_example *e = &r->e;
    s->images++;
    s->null_images += !e->object_count;
    if (!e->object_count) od_data_check_note(c, split, OD_DATA_NULL_IMAGES, "%.200s", image->name);
    if (e->object_count > s->most_boxes) s->most_boxes = e->object_count;
    count_size(s, e->width, e->height, all);
    if (e->annotated_width && (e->annotated_width != e->width || e->annotated_height != e->height))
        od_data_check_note(c, split, OD_DATA_IMAGE_SIZE, "%.200s is %dx%d, its annotation says %dx%d", image->name, e->width, e->height,
                      e->annotated_width, e->annotated_height);
    OD_TRY(find_group(c, image, e, known, err));
    image->original = od_group_original_name(image->name);
    for (int k = 0; k < e->object_count; k++) OD_TRY(count_box(c, image, e, k, err));
    return OD_OK;
}

static od_status read_block(od_data_checker *c, int split, int64_t first, int count, int32_t number, read_image *block, sizes *all,
                            od_hashmap *known, od_error *err)
{
#pragma omp parallel for schedule(dynamic) num_threads(c->threads)
    for (int i = 0; i < count; i++) read_one(c, split, first + i, number + i, &block[i]);
    od_status status = OD_OK;
    for (int i = 0; i < count; i++) {
        if (status == OD_OK) status = count_image(c, split, first + i, number + i, &block[i], all, known, err);
        od_example_deinit(&block[i].e);
    }
    return status;
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static int median(int *values, size_t n)
{
    if (!n) return 0;
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static od_status read_split(od_data_checker *c, int split, int32_t *number, read_image *block, od_hashmap *known, od_error *err)
{
    int64_t n = od_dataset_size(c->sets[split]);
    sizes all = {od_malloc((size_t)n, sizeof(int)), od_malloc((size_t)n, sizeof(int)), 0};
    od_status status = all.widths && all.heights ? list_classes(c, split, err) : od_error_nomem(err, "sizes");
    char what[120];
    snprintf(what, sizeof what, "reading %s", c->out->splits[split].name);
    for (int64_t i = 0; i < n && status == OD_OK; i += BLOCK) {
        int count = n - i < BLOCK ? (int)(n - i) : BLOCK;
        status = read_block(c, split, i, count, *number, block, &all, known, err);
        *number += count;
        if (c->options->progress) c->options->progress(c->options->progress_user, what, i + count, n);
    }
    if (status == OD_OK) {
        c->out->splits[split].median[0] = median(all.widths, all.count);
        c->out->splits[split].median[1] = median(all.heights, all.count);
    }
    od_free(all.widths);
    od_free(all.heights);
    return status;
}

od_status od_data_check_read(od_data_checker *c, od_error *err)
{
    read_image *block = od_calloc(BLOCK, sizeof *block);
    od_hashmap known = {0};
    int32_t number = 0;
    od_status status = block ? OD_OK : od_error_nomem(err, "images");
    for (int s = 0; s < c->splits && status == OD_OK; s++) status = read_split(c, s, &number, block, &known, err);
    od_hashmap_deinit(&known);
    od_free(block);
    return status;
}
