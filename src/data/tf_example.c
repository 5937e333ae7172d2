/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tf_example.h"

#include "data/group_fields.h"
#include "data/tf_example_masks.h"
#include "example.pb-c.h"
#include "util/alloc.h"
#include "util/proto_alloc.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef Tensorflow__Feature feature;

/* A map on the wire: the last entry of a key counts. */
static feature *find_feature(const Tensorflow__Example *message, const char *key)
{
    const Tensorflow__Features *all = message->features;
    for (size_t i = all ? all->n_feature : 0; i > 0; i--)
        if (all->feature[i - 1]->key && !strcmp(all->feature[i - 1]->key, key)) return all->feature[i - 1]->value;
    return NULL;
}

static od_status expect_kind(const feature *f, Tensorflow__Feature__KindCase kind, const char *key, od_error *err)
{
    static const char *const names[] = {"nothing", "bytes_list", "float_list", "int64_list"};
    if (!f || f->kind_case == TENSORFLOW__FEATURE__KIND__NOT_SET || f->kind_case == kind) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s is a %s; the OD API expects a %s", key, names[f->kind_case & 3], names[kind]);
}

typedef struct floats {
    const float *v;
    size_t n;
} floats;

static od_status get_floats(const Tensorflow__Example *m, const char *key, floats *out, od_error *err)
{
    const feature *f = find_feature(m, key);
    OD_TRY(expect_kind(f, TENSORFLOW__FEATURE__KIND_FLOAT_LIST, key, err));
    *out = (floats){0};
    if (f && f->kind_case && f->float_list) *out = (floats){f->float_list->value, f->float_list->n_value};
    return OD_OK;
}

typedef struct ints {
    const int64_t *v;
    size_t n;
} ints;

static od_status get_ints(const Tensorflow__Example *m, const char *key, ints *out, od_error *err)
{
    const feature *f = find_feature(m, key);
    OD_TRY(expect_kind(f, TENSORFLOW__FEATURE__KIND_INT64_LIST, key, err));
    *out = (ints){0};
    if (f && f->kind_case && f->int64_list) *out = (ints){f->int64_list->value, f->int64_list->n_value};
    return OD_OK;
}

typedef struct texts {
    ProtobufCBinaryData *v;
    size_t n;
} texts;

static od_status get_texts(const Tensorflow__Example *m, const char *key, texts *out, od_error *err)
{
    const feature *f = find_feature(m, key);
    OD_TRY(expect_kind(f, TENSORFLOW__FEATURE__KIND_BYTES_LIST, key, err));
    *out = (texts){0};
    if (f && f->kind_case && f->bytes_list) *out = (texts){f->bytes_list->value, f->bytes_list->n_value};
    return OD_OK;
}

static od_status get_string(const Tensorflow__Example *m, const char *key, char **out, od_error *err)
{
    texts t;
    OD_TRY(get_texts(m, key, &t, err));
    *out = t.n && t.v[0].data ? od_strndup((const char *)t.v[0].data, t.v[0].len) : od_strdup("");
    return *out ? OD_OK : od_error_nomem(err, key);
}

static od_status get_size(const Tensorflow__Example *m, const char *key, int *out, od_error *err)
{
    ints v;
    OD_TRY(get_ints(m, key, &v, err));
    *out = 0;
    if (!v.n) return OD_OK;
    if (v.v[0] < 0 || v.v[0] > INT_MAX)
        return od_error_set(err, OD_ERR_FORMAT, "%s is %lld; expected a size in pixels", key, (long long)v.v[0]);
    *out = (int)v.v[0];
    return OD_OK;
}

/* The image's bytes change hands instead of being copied. */
static od_status take_encoded(Tensorflow__Example *m, od_example *out, od_error *err)
{
    texts t;
    OD_TRY(get_texts(m, "image/encoded", &t, err));
    if (!t.n || !t.v[0].len) return od_error_set(err, OD_ERR_FORMAT, "image/encoded is missing or empty");
    out->encoded = t.v[0].data;
    out->encoded_size = t.v[0].len;
    t.v[0] = (ProtobufCBinaryData){0};
    return OD_OK;
}

static od_status check_count(const char *key, size_t count, size_t boxes, int optional, od_error *err)
{
    if (count == boxes || (optional && !count)) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values for %zu boxes", key, count, boxes);
}

static od_status parse_boxes(const Tensorflow__Example *m, od_example *out, od_error *err)
{
    static const char *const keys[4] = {"image/object/bbox/ymin", "image/object/bbox/xmin", "image/object/bbox/ymax",
                                        "image/object/bbox/xmax"};
    floats sides[4];
    for (int k = 0; k < 4; k++) OD_TRY(get_floats(m, keys[k], &sides[k], err));
    for (int k = 1; k < 4; k++)
        if (sides[k].n != sides[0].n)
            return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values but %s has %zu", keys[k], sides[k].n, keys[0],
                                sides[0].n);
    size_t n = sides[0].n;
    if (!n) return OD_OK;
    if (n > INT_MAX || !(out->objects = od_calloc(n, sizeof *out->objects))) return od_error_nomem(err, "boxes");
    out->object_count = (int)n;
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < 4; k++) out->objects[i].box[k] = sides[k].v[i];
        out->objects[i].weight = 1;
    }
    return OD_OK;
}

static od_status parse_classes(const Tensorflow__Example *m, od_example *out, od_error *err)
{
    size_t n = (size_t)out->object_count;
    ints labels;
    texts names, poses;
    OD_TRY(get_ints(m, "image/object/class/label", &labels, err));
    OD_TRY(get_texts(m, "image/object/class/text", &names, err));
    OD_TRY(get_texts(m, "image/object/view", &poses, err));
    OD_TRY(check_count("image/object/class/label", labels.n, n, 1, err));
    OD_TRY(check_count("image/object/class/text", names.n, n, 1, err));
    if (n && !labels.n && !names.n)
        return od_error_set(err, OD_ERR_FORMAT,
                            "has boxes but neither image/object/class/text nor image/object/class/label");
    for (size_t i = 0; i < n; i++) {
        od_object *o = &out->objects[i];
        if (labels.n) o->label = labels.v[i] < INT32_MIN || labels.v[i] > INT32_MAX ? -1 : (int32_t)labels.v[i];
        if (names.n && !(o->class_text = od_example_keep_text(out, (const char *)names.v[i].data, names.v[i].len)))
            return od_error_nomem(err, "class names");
        if (poses.n == n && !(o->pose = od_example_keep_text(out, (const char *)poses.v[i].data, poses.v[i].len)))
            return od_error_nomem(err, "poses");
    }
    return OD_OK;
}

static od_status parse_attributes(const Tensorflow__Example *m, od_example *out, od_error *err)
{
    static const struct { const char *key; uint32_t flag; } flags[] = {
        {"image/object/is_crowd", OD_OBJECT_CROWD},
        {"image/object/difficult", OD_OBJECT_DIFFICULT},
        {"image/object/group_of", OD_OBJECT_GROUP_OF},
        {"image/object/truncated", OD_OBJECT_TRUNCATED},
        {"image/object/occluded", OD_OBJECT_OCCLUDED},
        {"image/object/depiction", OD_OBJECT_DEPICTION},
    };
    size_t n = (size_t)out->object_count;
    floats areas, weights;
    OD_TRY(get_floats(m, "image/object/area", &areas, err));
    OD_TRY(get_floats(m, "image/object/weight", &weights, err));
    OD_TRY(check_count("image/object/area", areas.n, n, 1, err));
    OD_TRY(check_count("image/object/weight", weights.n, n, 1, err));
    for (size_t i = 0; i < n && areas.n; i++) out->objects[i].area = areas.v[i];
    for (size_t i = 0; i < n && weights.n; i++) out->objects[i].weight = weights.v[i];
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
        ints v;
        OD_TRY(get_ints(m, flags[k].key, &v, err));
        OD_TRY(check_count(flags[k].key, v.n, n, 1, err));
        for (size_t i = 0; i < n && v.n; i++) out->objects[i].flags |= v.v[i] ? flags[k].flag : 0;
    }
    return OD_OK;
}

/* Scores of every class for every box (load_multiclass_scores). */
static od_status parse_class_scores(const Tensorflow__Example *m, od_example *out, od_error *err)
{
    static const char key[] = "image/object/class/multiclass_scores";
    floats v;
    OD_TRY(get_floats(m, key, &v, err));
    size_t boxes = (size_t)out->object_count;
    if (!v.n || (boxes && v.n % boxes == 0 && v.n / boxes <= INT_MAX)) {
        const float *copy = v.n ? od_example_keep_floats(out, v.v, v.n) : NULL;
        if (v.n && !copy) return od_error_nomem(err, key);
        size_t each = boxes ? v.n / boxes : 0;
        for (size_t i = 0; i < boxes && copy; i++) out->objects[i].class_scores = copy + i * each, out->objects[i].class_score_count = (int)each;
        return OD_OK;
    }
    return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values for %zu boxes; expected as many for every box", key, v.n, boxes);
}

/* tf_example_decoder.py: _reshape_keypoints, _reshape_keypoint_visibilities. */
static od_status parse_keypoints(const Tensorflow__Example *m, int wanted, od_example *out, od_error *err)
{
    static const char x_key[] = "image/object/keypoint/x", y_key[] = "image/object/keypoint/y";
    floats x, y;
    ints seen;
    if (wanted == OD_KEYPOINTS_NONE) return OD_OK;
    OD_TRY(get_floats(m, x_key, &x, err));
    OD_TRY(get_floats(m, y_key, &y, err));
    OD_TRY(get_ints(m, "image/object/keypoint/visibility", &seen, err));
    size_t boxes = (size_t)out->object_count, each = boxes ? x.n / boxes : 0;
    if (x.n != y.n) return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values but %s has %zu", x_key, x.n, y_key, y.n);
    if (!x.n) return OD_OK;
    if (each * boxes != x.n || each > INT_MAX / 3 || (wanted > 0 && each != (size_t)wanted)) {
        char number[48] = "";
        if (wanted > 0) snprintf(number, sizeof number, " the input reader's num_keypoints, %d,", wanted);
        return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values for %zu boxes; expected%s for every box", x_key, x.n, boxes, wanted > 0 ? number : " as many");
    }
    double *v = od_malloc(each, 3 * sizeof *v);
    if (!v) return od_error_nomem(err, "keypoints");
    od_status status = OD_OK;
    for (size_t i = 0; i < boxes && status == OD_OK; i++) {
        for (size_t k = 0, at = i * each; k < each; k++, at++) {
            v[3 * k] = (double)x.v[at];
            v[3 * k + 1] = (double)y.v[at];
            v[3 * k + 2] = seen.n == x.n ? (seen.v[at] == 1 || seen.v[at] == 2 ? (double)seen.v[at] : 0) : isnan(x.v[at]) ? 0 : 2;
        }
        status = od_example_keep_keypoints(out, &out->objects[i], (int)each, v, 1, 1, err);
    }
    od_free(v);
    return status;
}

/* Lists of whole classes. Ids that no label map can have are left out, as the OD API leaves out what it doesn't know. */
static od_status parse_class_lists(const Tensorflow__Example *m, od_example *out, od_error *err)
{
    static const char *const keys[OD_EXAMPLE_LISTS] = {"image/class/label", "image/neg_category_ids", "image/not_exhaustive_category_ids"};
    floats confidences;
    OD_TRY(get_floats(m, "image/class/confidence", &confidences, err));
    for (int k = 0; k < OD_EXAMPLE_LISTS; k++) {
        ints v;
        OD_TRY(get_ints(m, keys[k], &v, err));
        int with_confidences = k == OD_EXAMPLE_LABELED && v.n && confidences.n;
        if (with_confidences) {
            OD_TRY(check_count("image/class/confidence", confidences.n, v.n, 0, err));
            if (!(out->labeled_confidences = od_malloc(v.n, sizeof *out->labeled_confidences))) return od_error_nomem(err, keys[k]);
        }
        if (!v.n) continue;
        if (v.n > INT_MAX || !(out->class_lists[k] = od_malloc(v.n, sizeof **out->class_lists))) return od_error_nomem(err, keys[k]);
        for (size_t i = 0; i < v.n; i++) {
            if (v.v[i] < 1 || v.v[i] > INT32_MAX) continue;
            if (with_confidences) out->labeled_confidences[out->class_list_counts[k]] = confidences.v[i];
            out->class_lists[k][out->class_list_counts[k]++] = (int32_t)v.v[i];
        }
    }
    return OD_OK;
}

static od_status parse_group(const Tensorflow__Example *m, const char *fields, od_example *out, od_error *err)
{
    char name[200], key[210];
    for (int rank = 0; !out->group && od_group_field_at(fields, rank, name, sizeof name); rank++) {
        snprintf(key, sizeof key, "image/%s", name);
        const feature *f = find_feature(m, name);
        if (!f) f = find_feature(m, key);
        if (!f) continue;
        int text = f->kind_case == TENSORFLOW__FEATURE__KIND_BYTES_LIST && f->bytes_list && f->bytes_list->n_value;
        int number = f->kind_case == TENSORFLOW__FEATURE__KIND_INT64_LIST && f->int64_list && f->int64_list->n_value;
        if (!text && !number) continue;
        out->group = text ? od_strndup((const char *)f->bytes_list->value[0].data, f->bytes_list->value[0].len)
                          : od_asprintf("%lld", (long long)f->int64_list->value[0]);
        if (!out->group) return od_error_nomem(err, "a group");
    }
    return OD_OK;
}

static od_status parse_message(Tensorflow__Example *m, const od_tf_example_options *options, od_example *out, od_error *err)
{
    OD_TRY(parse_group(m, options->group_fields, out, err));
    OD_TRY(get_string(m, "image/filename", &out->filename, err));
    OD_TRY(get_string(m, "image/source_id", &out->source_id, err));
    OD_TRY(get_size(m, "image/width", &out->width, err));
    OD_TRY(get_size(m, "image/height", &out->height, err));
    OD_TRY(parse_boxes(m, out, err));
    OD_TRY(parse_classes(m, out, err));
    OD_TRY(parse_attributes(m, out, err));
    if (options->class_scores) OD_TRY(parse_class_scores(m, out, err));
    OD_TRY(parse_class_lists(m, out, err));
    OD_TRY(parse_keypoints(m, options->keypoints, out, err));
    OD_TRY(od_tf_example_take_masks(find_feature(m, "image/object/mask"), options->masks, out, err));
    return take_encoded(m, out, err);
}

od_status od_tf_example_parse_with(const uint8_t *bytes, size_t size, const od_tf_example_options *options, od_example *out, od_error *err)
{
    int out_of_memory = 0;
    ProtobufCAllocator allocator = od_proto_allocator(&out_of_memory);
    Tensorflow__Example *m = tensorflow__example__unpack(&allocator, size, bytes);
    if (!m && out_of_memory) return od_error_nomem(err, "a tf.Example");
    if (!m) return od_error_set(err, OD_ERR_FORMAT, "is not a tf.Example message");
    od_status status = parse_message(m, options, out, err);
    tensorflow__example__free_unpacked(m, &allocator);
    return status;
}

od_status od_tf_example_parse(const uint8_t *bytes, size_t size, od_example *out, od_error *err)
{
    static const od_tf_example_options defaults;
    return od_tf_example_parse_with(bytes, size, &defaults, out, err);
}
