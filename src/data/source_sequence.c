/* SPDX-License-Identifier: Apache-2.0
 *
 * A TFRecord file of tf.SequenceExamples as a source of examples: every annotated frame is one, or of each sequence the frame that
 * frame_index names. Opening reads the file once, to know its frames.
 */
#include "data/sequence_example.h"
#include "data/source.h"
#include "data/tfrecord.h"
#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>

typedef struct frame {
    int32_t record, number;
    int32_t siblings; /* frames of the same sequence that are examples */
} frame;

typedef struct sequence_source {
    od_source base;
    od_tfrecord *file;
    frame *frames; /* [base.count] */
    size_t capacity;
    int64_t left_out; /* frames that aren't annotated */
} sequence_source;

static void source_free(od_source *base)
{
    sequence_source *s = (sequence_source *)base;
    od_tfrecord_free(s->file);
    od_free(s->frames);
    od_free(s->base.path);
    od_free(s);
}

static od_status unpack(const sequence_source *s, int64_t record, od_sequence_example **out, od_error *err)
{
    uint8_t *bytes;
    size_t size;
    OD_TRY(od_tfrecord_read(s->file, record, &bytes, &size, err));
    od_status status = od_sequence_example_unpack(out, bytes, size, err);
    od_free(bytes);
    if (status != OD_OK && status != OD_ERR_NOMEM) od_error_prefix(err, "%s: record %lld", s->base.path, (long long)record);
    return status;
}

static od_status add_frame(sequence_source *s, int64_t record, int number, od_error *err)
{
    if (od_grow(&s->frames, &s->capacity, (size_t)s->base.count + 1, sizeof *s->frames)) return od_error_nomem(err, s->base.path);
    s->frames[s->base.count++] = (frame){(int32_t)record, number, 1};
    return OD_OK;
}

static od_status add_sequence(sequence_source *s, int64_t record, const od_sequence_example *sequence, int frame_index, od_error *err)
{
    int64_t first = s->base.count;
    int frames = od_sequence_example_frame_count(sequence);
    if (frame_index >= frames) return add_frame(s, record, frame_index, err); /* reading it tells what is wrong */
    for (int i = frame_index < 0 ? 0 : frame_index; i < frames; i++) {
        if (od_sequence_example_is_annotated(sequence, i))
            OD_TRY(add_frame(s, record, i, err));
        else
            s->left_out++;
        if (frame_index >= 0) break;
    }
    for (int64_t i = first; i < s->base.count; i++) s->frames[i].siblings = (int32_t)(s->base.count - first);
    return OD_OK;
}

static od_status list_frames(sequence_source *s, int frame_index, od_error *err)
{
    for (int64_t i = 0; i < od_tfrecord_count(s->file); i++) {
        od_sequence_example *sequence;
        od_status status = unpack(s, i, &sequence, err);
        if (status == OD_ERR_FORMAT) { /* met again, and named, when it is read */
            OD_TRY(add_frame(s, i, frame_index < 0 ? 0 : frame_index, err));
            continue;
        }
        OD_TRY(status);
        status = add_sequence(s, i, sequence, frame_index, err);
        od_sequence_example_free(sequence);
        OD_TRY(status);
    }
    if (s->left_out) od_log(OD_LOG_INFO, "%s: %" PRId64 " frames aren't annotated (region/is_annotated) and are left out", s->base.path, s->left_out);
    return OD_OK;
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    sequence_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    s->base.format = &od_source_sequence;
    od_status status = (s->base.path = od_strdup(path)) ? od_tfrecord_open(&s->file, path, err) : od_error_nomem(err, path);
    if (status == OD_OK) status = list_frames(s, options->frame_index, err);
    if (status == OD_OK)
        *out = &s->base;
    else
        source_free(&s->base);
    return status;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    (void)with_image;
    const sequence_source *s = (const sequence_source *)base;
    od_sequence_example *sequence;
    const frame *f = &s->frames[index];
    OD_TRY(unpack(s, f->record, &sequence, err));
    od_status status = od_sequence_example_read(sequence, f->number, out, err);
    od_sequence_example_free(sequence);
    if (status != OD_OK && status != OD_ERR_NOMEM) od_error_prefix(err, "%s: record %d", base->path, (int)f->record);
    return status;
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    for (int64_t i = 0; i < base->count; i++) {
        od_example e = {0};
        od_status status = source_read(base, i, 0, &e, err);
        int damaged = status == OD_ERR_FORMAT;
        if (damaged) status = OD_OK;
        for (int k = 0; !damaged && status == OD_OK && k < e.object_count; k++) status = od_class_list_add(classes, e.objects[k].class_text, 0, err);
        od_example_deinit(&e);
        OD_TRY(status);
    }
    return OD_OK;
}

static double source_share(const od_source *base, int64_t index)
{
    return 1.0 / ((const sequence_source *)base)->frames[index].siblings;
}

const od_source_format od_source_sequence = {.name = "sequence",
                                             .title = "TFRecord of sequences",
                                             .unit = "frame",
                                             .open = source_open,
                                             .read = source_read,
                                             .list_classes = source_list_classes,
                                             .free = source_free,
                                             .share = source_share};
