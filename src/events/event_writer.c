/* SPDX-License-Identifier: Apache-2.0 */
#include "events/event_writer.h"

#include "event.pb-c.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Pictures may be large: beyond this many bytes waiting, appending flushes by itself. */
enum { PENDING_LIMIT = 4 << 20 };

struct od_events_writer {
    char *path;
    int fd;
    int64_t written;   /* bytes of whole records in the file */
    od_strbuf pending; /* whole records not yet in the file */
    od_events_clock_fn clock;
    void *clock_user;
};

static double system_clock(void *user)
{
    (void)user;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-6 * (double)(t.tv_nsec / 1000);
}

static double now(const od_events_writer *w)
{
    return w->clock(w->clock_user);
}

/* Appends one event's record; on failure what was pending before is still whole. */
static od_status append_event(od_events_writer *w, const Tensorflow__Event *event, od_error *err)
{
    size_t size = tensorflow__event__get_packed_size(event), before = w->pending.size;
    uint8_t *packed = od_malloc(size ? size : 1, 1);
    if (!packed) return od_error_nomem(err, w->path);
    tensorflow__event__pack(event, packed);
    od_record_append(&w->pending, packed, size);
    od_free(packed);
    if (od_strbuf_failed(&w->pending)) {
        w->pending.failed = 0;
        w->pending.size = before;
        return od_error_nomem(err, w->path);
    }
    return w->pending.size > PENDING_LIMIT ? od_events_writer_flush(w, err) : OD_OK;
}

static od_status append_version(od_events_writer *w, od_error *err)
{
    Tensorflow__SourceMetadata source = TENSORFLOW__SOURCE_METADATA__INIT;
    Tensorflow__Event event = TENSORFLOW__EVENT__INIT;
    source.writer = (char *)"objdet";
    event.wall_time = (double)(int64_t)now(w); /* whole seconds, as in TensorFlow's version record */
    event.what_case = TENSORFLOW__EVENT__WHAT_FILE_VERSION;
    event.file_version = (char *)"brain.Event:2";
    event.source_metadata = &source;
    return append_event(w, &event, err);
}

/* Creates a file that didn't exist; the number n in its name makes room for several writers of one process. */
static od_status create_file(od_events_writer *w, const char *dir, const char *suffix, od_error *err)
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) || !host[0]) snprintf(host, sizeof host, "localhost");
    for (char *p = host; *p; p++)
        if (*p == '/') *p = '_';
    for (int n = 0; n < 10000; n++) {
        od_free(w->path);
        w->path = od_asprintf("%s/events.out.tfevents.%010lld.%s.%ld.%d%s", dir, (long long)now(w), host,
                              (long)getpid(), n, suffix ? suffix : ".v2");
        if (!w->path) return od_error_nomem(err, dir);
        w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0) return OD_OK;
        if (errno != EEXIST) return od_error_errno(err, w->path, "create");
    }
    return od_error_set(err, OD_ERR_IO, "%s: cannot create: 10000 event files of this second and process exist",
                        w->path);
}

static void writer_free(od_events_writer *w)
{
    if (w->fd >= 0) close(w->fd);
    od_strbuf_deinit(&w->pending);
    od_free(w->path);
    od_free(w);
}

od_status od_events_writer_open(od_events_writer **out, const char *dir, const od_events_writer_options *options,
                                od_error *err)
{
    OD_TRY(od_dir_create(dir, err));
    od_events_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, dir);
    w->fd = -1;
    w->clock = options && options->clock ? options->clock : system_clock;
    w->clock_user = options ? options->clock_user : NULL;
    od_status status = create_file(w, dir, options ? options->suffix : NULL, err);
    if (status == OD_OK) status = append_version(w, err);
    if (status == OD_OK) status = od_events_writer_flush(w, err);
    if (status != OD_OK) {
        if (w->fd >= 0) unlink(w->path); /* empty: leave no file without a version */
        writer_free(w);
        return status;
    }
    *out = w;
    return OD_OK;
}

const char *od_events_writer_path(const od_events_writer *w)
{
    return w->path;
}

od_status od_events_writer_flush(od_events_writer *w, od_error *err)
{
    if (!w->pending.size) return OD_OK;
    if (od_file_write_fd(w->fd, w->pending.data, w->pending.size)) {
        od_status status = od_error_errno(err, w->path, "write");
        /* A part may be in the file: cut it off, or the next flush would leave a broken record in the middle. */
        if (ftruncate(w->fd, w->written) || lseek(w->fd, w->written, SEEK_SET) < 0)
            od_log(OD_LOG_WARNING, "%s: cannot cut off a half-written record: %s", w->path, strerror(errno));
        return status;
    }
    w->written += (int64_t)w->pending.size;
    w->pending.size = 0;
    return OD_OK;
}

od_status od_events_writer_close(od_events_writer *w, od_error *err)
{
    if (!w) return OD_OK;
    od_status status = od_events_writer_flush(w, err);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) && status == OD_OK) status = od_error_errno(err, w->path, "close");
    writer_free(w);
    return status;
}

/* An event with one summary value: a tensor that the named TensorBoard plugin shows. */
static od_status append_tensor(od_events_writer *w, const char *tag, int64_t step, const char *plugin,
                               Tensorflow__TensorProto *tensor, od_error *err)
{
    Tensorflow__SummaryMetadata__PluginData plugin_data = TENSORFLOW__SUMMARY_METADATA__PLUGIN_DATA__INIT;
    Tensorflow__SummaryMetadata metadata = TENSORFLOW__SUMMARY_METADATA__INIT;
    Tensorflow__Summary__Value value = TENSORFLOW__SUMMARY__VALUE__INIT, *values[] = {&value};
    Tensorflow__Summary summary = TENSORFLOW__SUMMARY__INIT;
    Tensorflow__Event event = TENSORFLOW__EVENT__INIT;
    plugin_data.plugin_name = (char *)plugin;
    metadata.plugin_data = &plugin_data;
    value.tag = (char *)tag;
    value.metadata = &metadata;
    value.value_case = TENSORFLOW__SUMMARY__VALUE__VALUE_TENSOR;
    value.tensor = tensor;
    summary.n_value = 1;
    summary.value = values;
    event.wall_time = now(w);
    event.step = step;
    event.what_case = TENSORFLOW__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return append_event(w, &event, err);
}

od_status od_events_writer_scalar(od_events_writer *w, const char *tag, int64_t step, double value, od_error *err)
{
    Tensorflow__TensorShapeProto shape = TENSORFLOW__TENSOR_SHAPE_PROTO__INIT;
    Tensorflow__TensorProto tensor = TENSORFLOW__TENSOR_PROTO__INIT;
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    tensor.dtype = TENSORFLOW__DATA_TYPE__DT_FLOAT;
    tensor.tensor_shape = &shape;
    tensor.tensor_content = (ProtobufCBinaryData){sizeof bytes, bytes};
    return append_tensor(w, tag, step, "scalars", &tensor, err);
}

/* A string tensor of shape [count], or a scalar when count is negative (then strings[0] is the value). */
static od_status append_strings(od_events_writer *w, const char *tag, int64_t step, const char *plugin,
                                ProtobufCBinaryData *strings, int64_t count, od_error *err)
{
    Tensorflow__TensorShapeProto__Dim dim = TENSORFLOW__TENSOR_SHAPE_PROTO__DIM__INIT, *dims[] = {&dim};
    Tensorflow__TensorShapeProto shape = TENSORFLOW__TENSOR_SHAPE_PROTO__INIT;
    Tensorflow__TensorProto tensor = TENSORFLOW__TENSOR_PROTO__INIT;
    if (count >= 0) {
        dim.size = count;
        shape.n_dim = 1;
        shape.dim = dims;
    }
    tensor.dtype = TENSORFLOW__DATA_TYPE__DT_STRING;
    tensor.tensor_shape = &shape;
    tensor.n_string_val = count >= 0 ? (size_t)count : 1;
    tensor.string_val = strings;
    return append_tensor(w, tag, step, plugin, &tensor, err);
}

od_status od_events_writer_images(od_events_writer *w, const char *tag, int64_t step, int width, int height,
                                  const od_events_picture *pictures, size_t count, od_error *err)
{
    char sides[2][16];
    ProtobufCBinaryData *strings = od_calloc(count + 2, sizeof *strings);
    if (!strings) return od_error_nomem(err, w->path);
    snprintf(sides[0], sizeof sides[0], "%d", width);
    snprintf(sides[1], sizeof sides[1], "%d", height);
    for (int i = 0; i < 2; i++) strings[i] = (ProtobufCBinaryData){strlen(sides[i]), (uint8_t *)sides[i]};
    for (size_t i = 0; i < count; i++)
        strings[2 + i] = (ProtobufCBinaryData){pictures[i].size, (uint8_t *)pictures[i].bytes};
    od_status status = append_strings(w, tag, step, "images", strings, (int64_t)count + 2, err);
    od_free(strings);
    return status;
}

od_status od_events_writer_text(od_events_writer *w, const char *tag, int64_t step, const char *text, od_error *err)
{
    ProtobufCBinaryData string = {strlen(text), (uint8_t *)text};
    return append_strings(w, tag, step, "text", &string, -1, err);
}

od_status od_events_writer_code(od_events_writer *w, const char *tag, int64_t step, const char *text, od_error *err)
{
    od_strbuf block = {0};
    while (*text) {
        size_t length = strcspn(text, "\n");
        od_strbuf_puts(&block, "    ");
        od_strbuf_append(&block, text, length);
        od_strbuf_puts(&block, "\n");
        text += length + (text[length] == '\n');
    }
    od_status status = od_strbuf_failed(&block)
                           ? od_error_nomem(err, w->path)
                           : od_events_writer_text(w, tag, step, block.data ? block.data : "", err);
    od_strbuf_deinit(&block);
    return status;
}
