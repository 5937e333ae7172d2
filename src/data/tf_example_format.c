/* SPDX-License-Identifier: Apache-2.0
 *
 * The writing half of data/tf_example.h. The protobuf-c structs live in one scratch block; strings and the image's
 * bytes are pointed at, not copied.
 */
#include "data/sha256.h"
#include "data/tf_example.h"
#include "data/tf_example_masks.h"
#include "example.pb-c.h"
#include "util/alloc.h"

#include <string.h>

enum { MAX_FEATURES = 32 };

typedef struct builder {
    Tensorflow__FeatureEntry entries[MAX_FEATURES], *pointers[MAX_FEATURES];
    Tensorflow__Feature features[MAX_FEATURES];
    Tensorflow__BytesList bytes[MAX_FEATURES];
    Tensorflow__FloatList floats[MAX_FEATURES];
    Tensorflow__Int64List ints[MAX_FEATURES];
    ProtobufCBinaryData single_bytes[MAX_FEATURES];
    int64_t single_ints[MAX_FEATURES];
    size_t count;
    const od_example *e;
    od_tf_example_pngs pngs;
    void *scratch[MAX_FEATURES]; /* per-object arrays; [count] */
    int failed;
} builder;

static Tensorflow__Feature *next_feature(builder *b, const char *key)
{
    size_t i = b->count++;
    tensorflow__feature_entry__init(&b->entries[i]);
    tensorflow__feature__init(&b->features[i]);
    b->entries[i].key = (char *)key;
    b->entries[i].value = &b->features[i];
    b->pointers[i] = &b->entries[i];
    return &b->features[i];
}

static void set_bytes(builder *b, const char *key, ProtobufCBinaryData *v, size_t n)
{
    Tensorflow__BytesList *list = &b->bytes[b->count];
    Tensorflow__Feature *f = next_feature(b, key);
    tensorflow__bytes_list__init(list);
    list->value = v;
    list->n_value = n;
    f->kind_case = TENSORFLOW__FEATURE__KIND_BYTES_LIST;
    f->bytes_list = list;
}

static void set_ints(builder *b, const char *key, int64_t *v, size_t n)
{
    Tensorflow__Int64List *list = &b->ints[b->count];
    Tensorflow__Feature *f = next_feature(b, key);
    tensorflow__int64_list__init(list);
    list->value = v;
    list->n_value = n;
    f->kind_case = TENSORFLOW__FEATURE__KIND_INT64_LIST;
    f->int64_list = list;
}

static void set_floats(builder *b, const char *key, float *v, size_t n)
{
    Tensorflow__FloatList *list = &b->floats[b->count];
    Tensorflow__Feature *f = next_feature(b, key);
    tensorflow__float_list__init(list);
    list->value = v;
    list->n_value = n;
    f->kind_case = TENSORFLOW__FEATURE__KIND_FLOAT_LIST;
    f->float_list = list;
}

static void add_block(builder *b, const char *key, const void *bytes, size_t size)
{
    ProtobufCBinaryData *v = &b->single_bytes[b->count];
    *v = (ProtobufCBinaryData){size, (uint8_t *)bytes};
    set_bytes(b, key, v, 1);
}

static void add_text(builder *b, const char *key, const char *text)
{
    add_block(b, key, text ? text : "", text ? strlen(text) : 0);
}

static void add_int(builder *b, const char *key, int64_t value)
{
    int64_t *v = &b->single_ints[b->count];
    *v = value;
    set_ints(b, key, v, 1);
}

/* An array of one element an object, freed with the builder. */
static void *object_array(builder *b, size_t size)
{
    void *p = od_malloc((size_t)b->e->object_count, size);
    b->scratch[b->count] = p;
    if (!p) b->failed = 1;
    return p;
}

static void add_side(builder *b, const char *key, int side)
{
    float *v = object_array(b, sizeof *v);
    for (int i = 0; v && i < b->e->object_count; i++) v[i] = b->e->objects[i].box[side];
    if (v) set_floats(b, key, v, (size_t)b->e->object_count);
}

static void add_flag(builder *b, const char *key, uint32_t flag)
{
    int64_t *v = object_array(b, sizeof *v);
    for (int i = 0; v && i < b->e->object_count; i++) v[i] = (b->e->objects[i].flags & flag) != 0;
    if (v) set_ints(b, key, v, (size_t)b->e->object_count);
}

static void add_labels(builder *b)
{
    int64_t *v = object_array(b, sizeof *v);
    for (int i = 0; v && i < b->e->object_count; i++) v[i] = b->e->objects[i].label;
    if (v) set_ints(b, "image/object/class/label", v, (size_t)b->e->object_count);
}

static void add_object_texts(builder *b, const char *key, int pose)
{
    ProtobufCBinaryData *v = object_array(b, sizeof *v);
    for (int i = 0; v && i < b->e->object_count; i++) {
        const char *text = pose ? b->e->objects[i].pose : b->e->objects[i].class_text;
        v[i] = text ? (ProtobufCBinaryData){strlen(text), (uint8_t *)text} : (ProtobufCBinaryData){0, NULL};
    }
    if (v) set_bytes(b, key, v, (size_t)b->e->object_count);
}

static void add_object_floats(builder *b, const char *key, int weight)
{
    float *v = object_array(b, sizeof *v);
    for (int i = 0; v && i < b->e->object_count; i++)
        v[i] = weight ? b->e->objects[i].weight : b->e->objects[i].area;
    if (v) set_floats(b, key, v, (size_t)b->e->object_count);
}

/* The keypoints of each object, as many as the one with the most has. */
static int most_keypoints(const od_example *e)
{
    int most = 0;
    for (int i = 0; i < e->object_count; i++) most = e->objects[i].keypoint_count > most ? e->objects[i].keypoint_count : most;
    return most;
}

static void add_keypoint_side(builder *b, const char *key, int each, int side)
{
    float *v = object_array(b, (size_t)each * sizeof *v);
    for (int i = 0; v && i < b->e->object_count * each; i++) {
        const od_object *o = &b->e->objects[i / each];
        v[i] = od_object_visibility(o, i % each) ? o->keypoints[2 * (i % each) + side] : 0;
    }
    if (v) set_floats(b, key, v, (size_t)b->e->object_count * (size_t)each);
}

/* As create_coco_tf_record.py: num are those that are labelled. */
static void add_keypoints(builder *b, int each)
{
    int64_t *num = object_array(b, sizeof *num);
    for (int i = 0; num && i < b->e->object_count; i++) {
        num[i] = 0;
        for (int k = 0; k < each; k++) num[i] += od_object_visibility(&b->e->objects[i], k) > 0;
    }
    if (num) set_ints(b, "image/object/keypoint/num", num, (size_t)b->e->object_count);
    int64_t *seen = object_array(b, (size_t)each * sizeof *seen);
    for (int i = 0; seen && i < b->e->object_count * each; i++) seen[i] = od_object_visibility(&b->e->objects[i / each], i % each);
    if (seen) set_ints(b, "image/object/keypoint/visibility", seen, (size_t)b->e->object_count * (size_t)each);
    add_keypoint_side(b, "image/object/keypoint/x", each, 1);
    add_keypoint_side(b, "image/object/keypoint/y", each, 0);
}

/* What at least one object has. */
typedef struct present {
    int area, group_of, occluded, depiction, weight, pose, texts;
} present;

static present find_present(const od_example *e)
{
    present p = {.texts = 1};
    for (int i = 0; i < e->object_count; i++) {
        const od_object *o = &e->objects[i];
        p.area |= o->area != 0;
        p.group_of |= (o->flags & OD_OBJECT_GROUP_OF) != 0;
        p.occluded |= (o->flags & OD_OBJECT_OCCLUDED) != 0;
        p.depiction |= (o->flags & OD_OBJECT_DEPICTION) != 0;
        p.weight |= o->weight != 1;
        p.pose |= o->pose != NULL;
        p.texts &= o->class_text != NULL;
    }
    return p;
}

static const char *image_format(const od_example *e)
{
    static const struct { const char *name, *magic; size_t size; } formats[] = {
        {"jpeg", "\xff\xd8", 2}, {"png", "\x89PNG", 4}, {"bmp", "BM", 2}, {"webp", "RIFF", 4}, {"gif", "GIF8", 4}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (e->encoded_size >= formats[i].size && !memcmp(e->encoded, formats[i].magic, formats[i].size))
            return formats[i].name;
    return "jpeg"; /* what the dataset_tools write; TensorFlow looks at the bytes anyway */
}

/* Alphabetical, as TensorFlow's deterministic serialisation has it. */
static void add_all(builder *b, const char *sha256)
{
    const od_example *e = b->e;
    present has = find_present(e);
    add_block(b, "image/encoded", e->encoded, e->encoded_size);
    add_text(b, "image/filename", e->filename);
    add_text(b, "image/format", image_format(e));
    add_int(b, "image/height", e->height);
    add_text(b, "image/key/sha256", sha256);
    if (has.area) add_object_floats(b, "image/object/area", 0);
    add_side(b, "image/object/bbox/xmax", 3);
    add_side(b, "image/object/bbox/xmin", 1);
    add_side(b, "image/object/bbox/ymax", 2);
    add_side(b, "image/object/bbox/ymin", 0);
    add_labels(b);
    if (has.texts) add_object_texts(b, "image/object/class/text", 0);
    if (has.depiction) add_flag(b, "image/object/depiction", OD_OBJECT_DEPICTION); /* as oid_tfrecord_creation.py */
    add_flag(b, "image/object/difficult", OD_OBJECT_DIFFICULT);
    if (has.group_of) add_flag(b, "image/object/group_of", OD_OBJECT_GROUP_OF);
    add_flag(b, "image/object/is_crowd", OD_OBJECT_CROWD);
    if (most_keypoints(e)) add_keypoints(b, most_keypoints(e));
    if (b->pngs.count) set_bytes(b, "image/object/mask", b->pngs.items, b->pngs.count);
    if (has.occluded) add_flag(b, "image/object/occluded", OD_OBJECT_OCCLUDED);
    add_flag(b, "image/object/truncated", OD_OBJECT_TRUNCATED);
    if (has.pose) add_object_texts(b, "image/object/view", 1);
    if (has.weight) add_object_floats(b, "image/object/weight", 1);
    add_text(b, "image/source_id", e->source_id);
    add_int(b, "image/width", e->width);
}

typedef struct strbuf_sink {
    ProtobufCBuffer base;
    od_strbuf *out;
} strbuf_sink;

static void append_packed(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes)
{
    if (size) od_strbuf_append(((strbuf_sink *)buffer)->out, bytes, size);
}

static void pack(builder *b, od_strbuf *out)
{
    Tensorflow__Features features = TENSORFLOW__FEATURES__INIT;
    Tensorflow__Example message = TENSORFLOW__EXAMPLE__INIT;
    features.feature = b->pointers;
    features.n_feature = b->count;
    message.features = &features;
    strbuf_sink sink = {{append_packed}, out};
    tensorflow__example__pack_to_buffer(&message, &sink.base);
}

od_status od_tf_example_format(const od_example *e, od_strbuf *out, od_error *err)
{
    if (!e->encoded) return od_error_set(err, OD_ERR_ARG, "the image's file bytes are missing");
    char sha256[65];
    OD_TRY(od_sha256_hex(e->encoded, e->encoded_size, sha256, err));
    builder *b = od_calloc(1, sizeof *b);
    if (!b) return od_error_nomem(err, "a tf.Example");
    b->e = e;
    od_status status = od_tf_example_encode_masks(e, &b->pngs, err);
    if (status == OD_OK) add_all(b, sha256);
    if (status == OD_OK && !b->failed) pack(b, out);
    int failed = b->failed || od_strbuf_failed(out);
    for (size_t i = 0; i < MAX_FEATURES; i++) od_free(b->scratch[i]);
    od_tf_example_free_pngs(&b->pngs);
    od_free(b);
    if (status != OD_OK) return status;
    return failed ? od_error_nomem(err, "a tf.Example") : OD_OK;
}
