/* SPDX-License-Identifier: Apache-2.0
 *
 * A value counts by its place: field `f` of element `i` of the top-level list `section`. yajl's events give nesting;
 * `depth` counts open brackets: 1 the root object, 2 a section's list, 3 an element, 4 its bbox.
 */
#include "data/coco_json.h"

#include "data/group_fields.h"
#include "util/alloc.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

enum { MAX_NUMBER = 64, CHUNK = 65536 };

typedef enum section { SECTION_OTHER, SECTION_IMAGES, SECTION_ANNOTATIONS, SECTION_CATEGORIES, SECTION_COUNT } section;
static const char *const section_names[SECTION_COUNT] = {"", "images", "annotations", "categories"};

typedef enum field { FIELD_OTHER, FIELD_ID, FIELD_FILE_NAME, FIELD_WIDTH, FIELD_HEIGHT, FIELD_IMAGE_ID, FIELD_CATEGORY_ID,
                     FIELD_BBOX, FIELD_AREA, FIELD_ISCROWD, FIELD_NAME, FIELD_GROUP, FIELD_SEGMENTATION, FIELD_KEYPOINTS, FIELD_COUNT } field;
static const char *const field_names[FIELD_COUNT] = {"", "id", "file_name", "width", "height", "image_id", "category_id",
                                                     "bbox", "area", "iscrowd", "name", "group", "segmentation", "keypoints"};

typedef struct coco_reader {
    od_coco_json *out;
    const char *path;
    int depth;
    section section;
    field field;
    int seen_sections;  /* bits */
    size_t element;     /* index in its list */
    unsigned given;     /* bits: fields of the element */
    int sides;          /* numbers of its bbox */
    od_coco_image image; /* the element being read, one of: */
    od_coco_annotation annotation;
    int64_t category_id;
    char *name;
    int group_rank, best_rank; /* of the group field being read, of the one in image.group */
    size_t annotations_seen;
    yajl_handle parser;
    uint64_t chunk_at;  /* place of the chunk being parsed in the file */
    od_coco_span segment, keypoints; /* of the annotation being read */
    od_status status;
    od_error *err;
} coco_reader;

static int fail(coco_reader *r, const char *what, const char *value)
{
    char place[64] = "";
    if (r->section && r->depth >= 2) snprintf(place, sizeof place, "%s[%zu]: ", section_names[r->section], r->element);
    r->status = od_error_set(r->err, OD_ERR_FORMAT, "%s: %s%s%s%s%s%.100s", r->path, place,
                             r->depth >= 3 ? field_names[r->field] : "", r->depth >= 3 && r->field ? " " : "", what,
                             value ? " " : "", value ? value : "");
    return 0;
}

static int out_of_memory(coco_reader *r)
{
    r->status = od_error_nomem(r->err, r->path);
    return 0;
}

/* Whether events belong to a field that is read. */
static int in_field(const coco_reader *r)
{
    return r->depth == 3 && r->section && r->field;
}

/* Segmentations and keypoints are only located: their first bracket at the place where the parser is, then their last. */
static int is_located(const coco_reader *r, int depth)
{
    return r->depth == depth && r->section == SECTION_ANNOTATIONS && (r->field == FIELD_SEGMENTATION || r->field == FIELD_KEYPOINTS);
}

static od_coco_span *located_span(coco_reader *r)
{
    return r->field == FIELD_KEYPOINTS ? &r->keypoints : &r->segment;
}

static uint64_t parser_place(const coco_reader *r)
{
    return r->chunk_at + yajl_get_bytes_consumed(r->parser);
}

static int begin_located(coco_reader *r)
{
    *located_span(r) = (od_coco_span){.at = parser_place(r) - 1};
    r->depth++;
    return 1;
}

static int end_located(coco_reader *r)
{
    uint64_t size = parser_place(r) - located_span(r)->at;
    if (size > UINT32_MAX) return fail(r, "is over 4 GB", NULL);
    located_span(r)->size = (uint32_t)size;
    return 1;
}

static int take_whole(coco_reader *r, double v, const char *text, int64_t low, int64_t high, int64_t *out)
{
    if (!(v >= (double)low && v <= (double)high) || v != (double)(int64_t)v) return fail(r, "must be a whole number; found", text);
    *out = (int64_t)v;
    if (v > 9e15 || v < -9e15) *out = strtoll(text, NULL, 10); /* beyond a double's whole numbers */
    return 1;
}

static int take_size(double v, int *out)
{
    *out = v >= 1 && v <= INT_MAX ? (int)v : 0; /* 0: the image's own header tells */
    return 1;
}

/* A number or text is the image's group unless an earlier field of the list gave one. */
static int take_group(coco_reader *r, const char *text, size_t size)
{
    if (r->image.group && r->best_rank <= r->group_rank) return 1;
    od_free(r->image.group);
    r->image.group = od_strndup(text, size);
    r->best_rank = r->group_rank;
    return r->image.group ? 1 : out_of_memory(r);
}

static int take_scalar(coco_reader *r, double v, const char *text)
{
    int64_t n = 0;
    const int64_t far = INT64_C(9223372036854774784); /* the largest double below 2^63 */
    r->given |= 1u << r->field;
    switch (r->field) {
    case FIELD_ID:
        if (r->section == SECTION_ANNOTATIONS) return 1;
        if (r->section == SECTION_CATEGORIES) return take_whole(r, v, text, INT32_MIN, INT32_MAX, &r->category_id);
        return take_whole(r, v, text, -far, far, &r->image.id);
    case FIELD_WIDTH: return take_size(v, &r->image.width);
    case FIELD_HEIGHT: return take_size(v, &r->image.height);
    case FIELD_IMAGE_ID: return take_whole(r, v, text, -far, far, &r->annotation.image_id);
    case FIELD_CATEGORY_ID:
        if (!take_whole(r, v, text, INT32_MIN, INT32_MAX, &n)) return 0;
        r->annotation.category_id = (int32_t)n;
        return 1;
    case FIELD_AREA: r->annotation.area = v; return 1;
    case FIELD_ISCROWD: r->annotation.crowd = v != 0; return 1;
    case FIELD_BBOX: return fail(r, "must be a list [x, y, width, height]; found", text);
    case FIELD_FILE_NAME:
    case FIELD_NAME: return fail(r, "must be a text; found the number", text);
    case FIELD_GROUP: return take_group(r, text, strlen(text));
    default: return 1;
    }
}

static int on_number(void *user, const char *digits, size_t size)
{
    coco_reader *r = user;
    int box = r->depth == 4 && r->section == SECTION_ANNOTATIONS && r->field == FIELD_BBOX;
    if (!box && !in_field(r)) return r->depth ? 1 : fail(r, "expected an object", NULL);
    char text[MAX_NUMBER];
    if (size >= sizeof text) size = sizeof text - 1;
    memcpy(text, digits, size);
    text[size] = 0;
    double v = strtod(text, NULL);
    if (!box) return take_scalar(r, v, text);
    if (r->sides < 4) r->annotation.bbox[r->sides] = v;
    r->sides++;
    return 1;
}

static int on_string(void *user, const unsigned char *bytes, size_t size)
{
    coco_reader *r = user;
    const char *text = (const char *)bytes;
    char **to = r->field == FIELD_FILE_NAME ? &r->image.file_name : r->field == FIELD_NAME ? &r->name : NULL;
    if (r->depth == 4 && r->section == SECTION_ANNOTATIONS && r->field == FIELD_BBOX)
        return fail(r, "holds a text; expected numbers [x, y, width, height]", NULL);
    if (!in_field(r) || is_located(r, 3)) return 1;
    if (r->field == FIELD_GROUP) return take_group(r, text, size);
    if (!to) {
        char shown[MAX_NUMBER];
        snprintf(shown, sizeof shown, "\"%.*s\"", (int)(size < 50 ? size : 50), text);
        return fail(r, "must be a number; found", shown);
    }
    if (memchr(text, 0, size)) return fail(r, "holds a zero byte", NULL);
    od_free(*to);
    *to = od_strndup(text, size);
    r->given |= 1u << r->field;
    return *to ? 1 : out_of_memory(r);
}

static int on_null(void *user)
{
    (void)user; /* as if the field weren't there */
    return 1;
}

static int on_boolean(void *user, int value)
{
    coco_reader *r = user;
    return in_field(r) && r->field != FIELD_FILE_NAME && r->field != FIELD_NAME ? take_scalar(r, value, value ? "true" : "false")
                                                                                : 1;
}

static int find_name(const char *const *names, int count, const unsigned char *key, size_t size)
{
    for (int i = 1; i < count; i++)
        if (strlen(names[i]) == size && !memcmp(names[i], key, size)) return i;
    return 0;
}

/* Which fields a section has. */
static unsigned section_fields(section s)
{
    switch (s) {
    case SECTION_IMAGES: return 1u << FIELD_ID | 1u << FIELD_FILE_NAME | 1u << FIELD_WIDTH | 1u << FIELD_HEIGHT;
    case SECTION_ANNOTATIONS:
        return 1u << FIELD_ID | 1u << FIELD_IMAGE_ID | 1u << FIELD_CATEGORY_ID | 1u << FIELD_BBOX | 1u << FIELD_AREA |
               1u << FIELD_ISCROWD | 1u << FIELD_SEGMENTATION | 1u << FIELD_KEYPOINTS;
    case SECTION_CATEGORIES: return 1u << FIELD_ID | 1u << FIELD_NAME;
    default: return 0;
    }
}

static int on_key(void *user, const unsigned char *key, size_t size)
{
    coco_reader *r = user;
    if (r->depth == 1) {
        r->section = (section)find_name(section_names, SECTION_COUNT, key, size);
        r->element = 0;
        if (r->section && (r->seen_sections & 1 << r->section)) return fail(r, "given twice:", section_names[r->section]);
        r->seen_sections |= 1 << r->section;
    }
    if (r->depth == 3 && r->section) {
        r->field = (field)find_name(field_names, FIELD_COUNT, key, size);
        if (r->field == FIELD_GROUP || !(section_fields(r->section) & 1u << r->field)) r->field = FIELD_OTHER;
        if (r->field == FIELD_SEGMENTATION && !r->out->want_segments) r->field = FIELD_OTHER;
        if (r->field == FIELD_KEYPOINTS && !r->out->want_keypoints) r->field = FIELD_OTHER;
        if (r->section == SECTION_IMAGES && r->field == FIELD_OTHER && r->out->group_fields) {
            r->group_rank = od_group_field_rank(r->out->group_fields, (const char *)key, size);
            if (r->group_rank >= 0) r->field = FIELD_GROUP;
        }
    }
    return 1;
}

static int on_start_map(void *user)
{
    coco_reader *r = user;
    if (r->depth == 1 && r->section) return fail(r, "must be a list, but is an object:", section_names[r->section]);
    if (is_located(r, 3)) return begin_located(r);
    if (in_field(r) && r->field == FIELD_GROUP) r->field = FIELD_OTHER; /* not a plain value: no group */
    if (in_field(r)) return fail(r, "is an object; expected a plain value", NULL);
    r->depth++;
    if (r->depth == 3) {
        r->given = 0;
        r->sides = 0;
        r->field = FIELD_OTHER;
        r->image = (od_coco_image){0};
        r->annotation = (od_coco_annotation){0};
        r->segment = r->keypoints = (od_coco_span){0};
        r->category_id = 0;
    }
    return 1;
}

static int need(coco_reader *r, field f)
{
    if (r->given & 1u << f) return 1;
    r->field = f;
    return fail(r, "is missing", NULL);
}

static int end_image(coco_reader *r)
{
    od_coco_json *c = r->out;
    if (!need(r, FIELD_ID) || !need(r, FIELD_FILE_NAME)) return 0;
    if (od_grow(&c->images, &c->image_capacity, c->image_count + 1, sizeof *c->images)) return out_of_memory(r);
    c->images[c->image_count++] = r->image;
    r->image.file_name = r->image.group = NULL;
    return 1;
}

static int end_annotation(coco_reader *r)
{
    od_coco_json *c = r->out;
    r->annotation.number = r->annotations_seen++;
    if (c->want_segments) {
        if (od_grow(&c->segments, &c->segment_capacity, c->segment_count + 1, sizeof *c->segments)) return out_of_memory(r);
        c->segments[c->segment_count++] = r->segment;
    }
    if (r->keypoints.size) {
        size_t count = r->annotation.number + 1;
        if (od_grow(&c->keypoints, &c->keypoint_capacity, count, sizeof *c->keypoints)) return out_of_memory(r);
        memset(c->keypoints + c->keypoint_count, 0, (count - c->keypoint_count) * sizeof *c->keypoints);
        c->keypoints[r->annotation.number] = r->keypoints;
        c->keypoint_count = count;
    }
    if (!need(r, FIELD_IMAGE_ID)) return 0;
    if (!r->sides) return c->boxless++, 1;
    r->field = FIELD_BBOX;
    if (r->sides != 4) return fail(r, "must hold 4 numbers [x, y, width, height]", NULL);
    if (!need(r, FIELD_CATEGORY_ID)) return 0;
    if (od_grow(&c->annotations, &c->annotation_capacity, c->annotation_count + 1, sizeof *c->annotations))
        return out_of_memory(r);
    c->annotations[c->annotation_count++] = r->annotation;
    return 1;
}

static int end_category(coco_reader *r)
{
    od_coco_json *c = r->out;
    if (!need(r, FIELD_ID)) return 0;
    if (od_grow(&c->categories, &c->category_capacity, c->category_count + 1, sizeof *c->categories)) return out_of_memory(r);
    c->categories[c->category_count++] = (od_coco_category){(int32_t)r->category_id, r->name};
    r->name = NULL;
    return 1;
}

static int on_end_map(void *user)
{
    coco_reader *r = user;
    int ok = is_located(r, 4) ? end_located(r) : 1;
    if (r->depth == 3 && r->section == SECTION_IMAGES) ok = end_image(r);
    if (r->depth == 3 && r->section == SECTION_ANNOTATIONS) ok = end_annotation(r);
    if (r->depth == 3 && r->section == SECTION_CATEGORIES) ok = end_category(r);
    if (r->depth == 3) r->element++;
    r->depth--;
    return ok;
}

static int on_start_array(void *user)
{
    coco_reader *r = user;
    if (r->depth == 0)
        return fail(r, "is a list (COCO results?); expected an object with images, annotations and categories", NULL);
    if (r->depth == 2 && r->section) return fail(r, "is a list; expected an object", NULL);
    if (is_located(r, 3)) return begin_located(r);
    if (in_field(r) && r->field == FIELD_GROUP) r->field = FIELD_OTHER;
    if (in_field(r) && r->field != FIELD_BBOX) return fail(r, "is a list; expected a plain value", NULL);
    r->depth++;
    return 1;
}

static int on_end_array(void *user)
{
    coco_reader *r = user;
    int ok = is_located(r, 4) ? end_located(r) : 1;
    r->depth--;
    return ok;
}

static int by_image(const void *a, const void *b)
{
    const od_coco_annotation *x = a, *y = b;
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int by_category(const void *a, const void *b)
{
    int32_t x = ((const od_coco_category *)a)->id, y = ((const od_coco_category *)b)->id;
    return x < y ? -1 : x > y;
}

typedef struct image_key {
    int64_t id;
    size_t index;
} image_key;

static int by_key(const void *a, const void *b)
{
    int64_t x = ((const image_key *)a)->id, y = ((const image_key *)b)->id;
    return x < y ? -1 : x > y;
}

static od_status link_annotations(od_coco_json *c, const image_key *keys)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->annotation_count; i++) {
        image_key wanted = {c->annotations[i].image_id, 0};
        const image_key *k = c->image_count ? bsearch(&wanted, keys, c->image_count, sizeof *keys, by_key) : NULL;
        if (!k) {
            c->orphans++;
            continue;
        }
        c->annotations[kept] = c->annotations[i];
        c->annotations[kept++].image = k->index;
    }
    c->annotation_count = kept;
    if (kept) qsort(c->annotations, kept, sizeof *c->annotations, by_image);
    for (size_t i = 0; i < kept; i++) {
        od_coco_image *image = &c->images[c->annotations[i].image];
        if (!image->count++) image->first = i;
    }
    return OD_OK;
}

static od_status link_all(od_coco_json *c, const char *path, od_error *err)
{
    image_key *keys = od_malloc(c->image_count, sizeof *keys);
    if (!keys) return od_error_nomem(err, path);
    for (size_t i = 0; i < c->image_count; i++) keys[i] = (image_key){c->images[i].id, i};
    if (c->image_count) qsort(keys, c->image_count, sizeof *keys, by_key);
    od_status status = OD_OK;
    for (size_t i = 1; i < c->image_count && status == OD_OK; i++)
        if (keys[i].id == keys[i - 1].id)
            status = od_error_set(err, OD_ERR_FORMAT, "%s: two images (\"%.100s\", \"%.100s\") have the id %lld", path,
                                  c->images[keys[i - 1].index].file_name, c->images[keys[i].index].file_name,
                                  (long long)keys[i].id);
    if (status == OD_OK) status = link_annotations(c, keys);
    od_free(keys);
    if (c->category_count) qsort(c->categories, c->category_count, sizeof *c->categories, by_category);
    for (size_t i = 1; i < c->category_count && status == OD_OK; i++)
        if (c->categories[i].id == c->categories[i - 1].id)
            status = od_error_set(err, OD_ERR_FORMAT, "%s: two categories have the id %d", path, (int)c->categories[i].id);
    return status;
}

static od_status finish(coco_reader *r)
{
    if (!(r->seen_sections & 1 << SECTION_IMAGES))
        return od_error_set(r->err, OD_ERR_FORMAT, "%s: has no \"images\": not a COCO annotation file", r->path);
    return link_all(r->out, r->path, r->err);
}

/* yajl's own memory is a token's text; it doesn't check its allocator, so it keeps the C library's. */
static yajl_handle start_parser(coco_reader *r)
{
    static const yajl_callbacks callbacks = {on_null,      on_boolean, NULL,       NULL,           on_number,   on_string,
                                             on_start_map, on_key,     on_end_map, on_start_array, on_end_array};
    return r->parser = yajl_alloc(&callbacks, NULL, r);
}

static od_status parse_status(coco_reader *r, yajl_handle h, yajl_status code, uint64_t offset)
{
    if (code == yajl_status_ok) return OD_OK;
    if (r->status != OD_OK) return r->status;
    unsigned char *text = yajl_get_error(h, 0, NULL, 0);
    const char *why = text ? (const char *)text : "";
    od_status status = od_error_set(r->err, OD_ERR_FORMAT, "%s: not valid JSON at byte %llu: %.*s", r->path,
                                    (unsigned long long)(offset + yajl_get_bytes_consumed(h)), (int)strcspn(why, "\n"), why);
    if (text) yajl_free_error(h, text);
    return status;
}

static od_status end_parser(coco_reader *r, yajl_handle h, od_status status, uint64_t size)
{
    if (status == OD_OK) {
        yajl_status code = yajl_complete_parse(h);
        if (code != yajl_status_ok && r->status == OD_OK)
            status = od_error_set(r->err, OD_ERR_FORMAT, "%s: not valid JSON: it ends too early, at byte %llu", r->path,
                                  (unsigned long long)size);
        else
            status = r->status;
    }
    yajl_free(h);
    od_free(r->image.file_name);
    od_free(r->image.group);
    od_free(r->name);
    return status == OD_OK ? finish(r) : status;
}

od_status od_coco_json_parse(od_coco_json *out, const char *text, size_t size, const char *name, od_error *err)
{
    coco_reader r = {.out = out, .path = name, .err = err};
    yajl_handle h = start_parser(&r);
    if (!h) return od_error_nomem(err, name);
    od_status status = parse_status(&r, h, yajl_parse(h, (const unsigned char *)text, size), 0);
    return end_parser(&r, h, status, size);
}

static od_status parse_file(coco_reader *r, yajl_handle h, int fd, uint64_t *size)
{
    unsigned char *chunk = od_malloc(CHUNK, 1);
    if (!chunk) return od_error_nomem(r->err, r->path);
    od_status status = OD_OK;
    while (status == OD_OK) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) status = od_error_errno(r->err, r->path, "read");
        if (n <= 0) break;
        r->chunk_at = *size;
        status = parse_status(r, h, yajl_parse(h, chunk, (size_t)n), *size);
        *size += (uint64_t)n;
    }
    od_free(chunk);
    return status;
}

od_status od_coco_json_load(od_coco_json *out, const char *path, od_error *err)
{
    coco_reader r = {.out = out, .path = path, .err = err};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return od_error_errno(err, path, "open");
    yajl_handle h = start_parser(&r);
    uint64_t size = 0;
    od_status status = h ? parse_file(&r, h, fd, &size) : od_error_nomem(err, path);
    close(fd);
    return h ? end_parser(&r, h, status, size) : status;
}

void od_coco_json_deinit(od_coco_json *c)
{
    for (size_t i = 0; i < c->image_count; i++) {
        od_free(c->images[i].file_name);
        od_free(c->images[i].group);
    }
    for (size_t i = 0; i < c->category_count; i++) od_free(c->categories[i].name);
    od_free(c->segments);
    od_free(c->keypoints);
    od_free(c->images);
    od_free(c->annotations);
    od_free(c->categories);
    *c = (od_coco_json){0};
}

const od_coco_category *od_coco_json_category(const od_coco_json *c, int32_t id)
{
    od_coco_category wanted = {id, NULL};
    return c->category_count ? bsearch(&wanted, c->categories, c->category_count, sizeof wanted, by_category) : NULL;
}
