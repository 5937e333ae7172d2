/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sequence_example.h"

#include "example.pb-c.h"
#include "util/alloc.h"
#include "util/proto_alloc.h"

#include <limits.h>
#include <string.h>

typedef Tensorflow__Feature feature;

enum { SIDES = 4 };

static const char *const box_keys[SIDES] = {"region/bbox/ymin", "region/bbox/xmin", "region/bbox/ymax", "region/bbox/xmax"};

struct od_sequence_example {
    Tensorflow__SequenceExample *message;
    const Tensorflow__FeatureList *images, *source_ids, *filenames, *sides[SIDES], *labels, *confidences, *annotated; /* NULL: absent */
    int out_of_memory;
    ProtobufCAllocator allocator;
};

static const Tensorflow__FeatureList *find_list(const Tensorflow__SequenceExample *m, const char *key)
{
    const Tensorflow__FeatureLists *all = m->feature_lists;
    for (size_t i = all ? all->n_feature_list : 0; i > 0; i--)
        if (all->feature_list[i - 1]->key && !strcmp(all->feature_list[i - 1]->key, key)) return all->feature_list[i - 1]->value;
    return NULL;
}

/* A list that is there must have a feature for each frame. */
static od_status take_list(od_sequence_example *s, const char *key, int required, const Tensorflow__FeatureList **out, od_error *err)
{
    *out = find_list(s->message, key);
    if (!*out || !(*out)->n_feature) {
        *out = NULL;
        return required ? od_error_set(err, OD_ERR_FORMAT, "a tf.SequenceExample without %s; the OD API needs it", key) : OD_OK;
    }
    size_t frames = s->images->n_feature;
    if ((*out)->n_feature == frames) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s has %zu frames, image/encoded %zu", key, (*out)->n_feature, frames);
}

static od_status take_lists(od_sequence_example *s, od_error *err)
{
    s->images = find_list(s->message, "image/encoded");
    if (!s->images || !s->images->n_feature || s->images->n_feature > INT_MAX)
        return od_error_set(err, OD_ERR_FORMAT, "is not a tf.SequenceExample with frames in image/encoded; for tf.Example leave input_type away");
    OD_TRY(take_list(s, "image/source_id", 0, &s->source_ids, err));
    OD_TRY(take_list(s, "image/filename", 0, &s->filenames, err));
    for (int k = 0; k < SIDES; k++) OD_TRY(take_list(s, box_keys[k], 0, &s->sides[k], err));
    OD_TRY(take_list(s, "region/label/string", 0, &s->labels, err));
    OD_TRY(take_list(s, "region/label/confidence", 0, &s->confidences, err));
    return take_list(s, "region/is_annotated", 1, &s->annotated, err);
}

od_status od_sequence_example_unpack(od_sequence_example **out, const uint8_t *bytes, size_t size, od_error *err)
{
    od_sequence_example *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, "a tf.SequenceExample");
    s->allocator = od_proto_allocator(&s->out_of_memory);
    s->message = tensorflow__sequence_example__unpack(&s->allocator, size, bytes);
    od_status status = OD_OK;
    if (!s->message)
        status = s->out_of_memory ? od_error_nomem(err, "a tf.SequenceExample") : od_error_set(err, OD_ERR_FORMAT, "is not a tf.SequenceExample message");
    if (status == OD_OK) status = take_lists(s, err);
    if (status == OD_OK)
        *out = s;
    else
        od_sequence_example_free(s);
    return status;
}

void od_sequence_example_free(od_sequence_example *s)
{
    if (!s) return;
    if (s->message) tensorflow__sequence_example__free_unpacked(s->message, &s->allocator);
    od_free(s);
}

int od_sequence_example_frame_count(const od_sequence_example *s)
{
    return (int)s->images->n_feature;
}

int od_sequence_example_is_annotated(const od_sequence_example *s, int frame)
{
    const feature *f = s->annotated->feature[frame];
    return f->kind_case == TENSORFLOW__FEATURE__KIND_INT64_LIST && f->int64_list->n_value && f->int64_list->value[0];
}

/* The features of a frame by kind; nothing for an absent list. */

static Tensorflow__FloatList *floats_of(const Tensorflow__FeatureList *list, int frame)
{
    static Tensorflow__FloatList none = TENSORFLOW__FLOAT_LIST__INIT;
    const feature *f = list ? list->feature[frame] : NULL;
    return f && f->kind_case == TENSORFLOW__FEATURE__KIND_FLOAT_LIST ? f->float_list : &none;
}

static Tensorflow__BytesList *texts_of(const Tensorflow__FeatureList *list, int frame)
{
    static Tensorflow__BytesList none = TENSORFLOW__BYTES_LIST__INIT;
    const feature *f = list ? list->feature[frame] : NULL;
    return f && f->kind_case == TENSORFLOW__FEATURE__KIND_BYTES_LIST ? f->bytes_list : &none;
}

static od_status take_text(const Tensorflow__FeatureList *list, int frame, char **out, od_error *err)
{
    const Tensorflow__BytesList *t = texts_of(list, frame);
    *out = t->n_value && t->value[0].data ? od_strndup((const char *)t->value[0].data, t->value[0].len) : od_strdup("");
    return *out ? OD_OK : od_error_nomem(err, "a frame's name");
}

static int context_size(const od_sequence_example *s, const char *key)
{
    const Tensorflow__Features *all = s->message->context;
    for (size_t i = all ? all->n_feature : 0; i > 0; i--) {
        const feature *f = all->feature[i - 1]->value;
        if (!all->feature[i - 1]->key || strcmp(all->feature[i - 1]->key, key)) continue;
        int good = f && f->kind_case == TENSORFLOW__FEATURE__KIND_INT64_LIST && f->int64_list->n_value;
        int64_t v = good ? f->int64_list->value[0] : 0;
        return v > 0 && v <= INT_MAX ? (int)v : 0;
    }
    return 0;
}

static od_status expect_count(const char *key, size_t count, size_t boxes, od_error *err)
{
    if (count == boxes) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values for %zu boxes", key, count, boxes);
}

static od_status read_objects(const od_sequence_example *s, int frame, od_example *out, od_error *err)
{
    const Tensorflow__FloatList *sides[SIDES], *weights = floats_of(s->confidences, frame);
    const Tensorflow__BytesList *labels = texts_of(s->labels, frame);
    for (int k = 0; k < SIDES; k++) sides[k] = floats_of(s->sides[k], frame);
    size_t n = sides[0]->n_value;
    for (int k = 1; k < SIDES; k++) OD_TRY(expect_count(box_keys[k], sides[k]->n_value, n, err));
    OD_TRY(expect_count("region/label/string", labels->n_value, n, err));
    if (weights->n_value) OD_TRY(expect_count("region/label/confidence", weights->n_value, n, err));
    if (!n) return OD_OK;
    if (n > INT_MAX || !(out->objects = od_calloc(n, sizeof *out->objects))) return od_error_nomem(err, "boxes");
    for (size_t i = 0; i < n; i++) {
        od_object *o = &out->objects[out->object_count++];
        for (int k = 0; k < SIDES; k++) o->box[k] = sides[k]->value[i];
        o->weight = weights->n_value ? weights->value[i] : 1;
        o->class_text = od_example_keep_text(out, (const char *)labels->value[i].data, labels->value[i].len);
        if (!o->class_text) return od_error_nomem(err, "class names");
    }
    return OD_OK;
}

od_status od_sequence_example_read(const od_sequence_example *s, int frame, od_example *out, od_error *err)
{
    if (frame < 0 || frame >= od_sequence_example_frame_count(s))
        return od_error_set(err, OD_ERR_FORMAT, "has %d frames; frame_index asks for frame %d (from 0)", od_sequence_example_frame_count(s), frame);
    OD_TRY(take_text(s->source_ids, frame, &out->source_id, err));
    OD_TRY(take_text(s->filenames, frame, &out->filename, err));
    out->width = context_size(s, "image/width");
    out->height = context_size(s, "image/height");
    OD_TRY(read_objects(s, frame, out, err));
    const Tensorflow__BytesList *image = texts_of(s->images, frame);
    if (!image->n_value || !image->value[0].len) return od_error_set(err, OD_ERR_FORMAT, "image/encoded of frame %d is missing or empty", frame);
    out->encoded = od_malloc(image->value[0].len, 1);
    if (!out->encoded) return od_error_nomem(err, "an image");
    memcpy(out->encoded, image->value[0].data, image->value[0].len);
    out->encoded_size = image->value[0].len;
    return OD_OK;
}
