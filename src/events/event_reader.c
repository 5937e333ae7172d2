/* SPDX-License-Identifier: Apache-2.0
 *
 * Event records -> od_events. A record is a protobuf Event inside TFRecord framing (util/record.h). Summary values come
 * in two generations: TF1's simple_value and image fields, and TF2's tensors whose metadata names a TensorBoard plugin.
 */
#include "event.pb-c.h"
#include "events/event_store.h"
#include "util/error.h"
#include "util/proto_alloc.h"
#include "util/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float float_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* IEEE half precision, as DT_HALF stores it. */
static double half_to_double(uint32_t h)
{
    int exponent = (int)(h >> 10 & 31);
    double fraction = h & 1023, sign = h & 0x8000 ? -1 : 1;
    if (exponent == 31) return fraction ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

static uint64_t little_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* The value of `size` raw bytes of a tensor's content; 0 when the type isn't a real number of that size. */
static int value_from_bytes(Tensorflow__DataType type, const uint8_t *bytes, size_t size, double *value)
{
    uint64_t bits = size <= 8 ? little_endian(bytes, size) : 0;
    switch (type) {
    case TENSORFLOW__DATA_TYPE__DT_FLOAT: *value = (double)float_from_bits((uint32_t)bits); return size == 4;
    case TENSORFLOW__DATA_TYPE__DT_DOUBLE: memcpy(value, &bits, sizeof *value); return size == 8;
    case TENSORFLOW__DATA_TYPE__DT_HALF: *value = half_to_double((uint32_t)bits); return size == 2;
    case TENSORFLOW__DATA_TYPE__DT_BFLOAT16: *value = (double)float_from_bits((uint32_t)bits << 16); return size == 2;
    case TENSORFLOW__DATA_TYPE__DT_INT32: *value = (int32_t)bits; return size == 4;
    case TENSORFLOW__DATA_TYPE__DT_INT64: *value = (double)(int64_t)bits; return size == 8;
    default: return 0;
    }
}

/* The value of a tensor with one number; 0 when it has none or several. */
static int tensor_number(const Tensorflow__TensorProto *t, double *value)
{
    if (t->tensor_content.len) return value_from_bytes(t->dtype, t->tensor_content.data, t->tensor_content.len, value);
    switch (t->dtype) {
    case TENSORFLOW__DATA_TYPE__DT_FLOAT: return t->n_float_val == 1 ? (*value = (double)t->float_val[0], 1) : 0;
    case TENSORFLOW__DATA_TYPE__DT_DOUBLE: return t->n_double_val == 1 ? (*value = t->double_val[0], 1) : 0;
    case TENSORFLOW__DATA_TYPE__DT_INT32: return t->n_int_val == 1 ? (*value = t->int_val[0], 1) : 0;
    case TENSORFLOW__DATA_TYPE__DT_INT64: return t->n_int64_val == 1 ? (*value = (double)t->int64_val[0], 1) : 0;
    case TENSORFLOW__DATA_TYPE__DT_HALF:
        return t->n_half_val == 1 ? (*value = half_to_double((uint32_t)t->half_val[0] & 0xffff), 1) : 0;
    case TENSORFLOW__DATA_TYPE__DT_BFLOAT16:
        return t->n_half_val == 1 ? (*value = (double)float_from_bits((uint32_t)t->half_val[0] << 16), 1) : 0;
    default: return 0;
    }
}

static od_event_plugin plugin_by_name(const char *name)
{
    if (!strcmp(name, "scalars")) return OD_EVENT_PLUGIN_SCALARS;
    if (!strcmp(name, "images")) return OD_EVENT_PLUGIN_IMAGES;
    if (!strcmp(name, "text")) return OD_EVENT_PLUGIN_TEXT;
    return OD_EVENT_PLUGIN_OTHER;
}

/* The plugin of a value: from its own metadata, or remembered from the tag's first event. -1: out of memory. */
static int plugin_of(od_events *e, const Tensorflow__Summary__Value *value)
{
    int64_t known = OD_EVENT_PLUGIN_UNKNOWN;
    od_hashmap_get(&e->plugins, value->tag, &known);
    if (!value->metadata || !value->metadata->plugin_data || !value->metadata->plugin_data->plugin_name[0])
        return (int)known;
    od_event_plugin named = plugin_by_name(value->metadata->plugin_data->plugin_name);
    if ((int64_t)named != known && od_hashmap_set(&e->plugins, value->tag, named)) return -1;
    return named;
}

/* A side of a picture: decimal digits in a string tensor; 0 when it isn't one. */
static int side_from_string(ProtobufCBinaryData s)
{
    char text[12] = "";
    if (s.len >= sizeof text) return 0;
    memcpy(text, s.data, s.len);
    long side = strtol(text, NULL, 10);
    return side > 0 && side <= 1 << 30 ? (int)side : 0;
}

static int store_tensor_images(od_events *e, const Tensorflow__Event *event, const Tensorflow__Summary__Value *value)
{
    const Tensorflow__TensorProto *t = value->tensor;
    if (t->n_string_val < 3) return 0;
    int width = side_from_string(t->string_val[0]), height = side_from_string(t->string_val[1]);
    for (size_t i = 2; i < t->n_string_val; i++) {
        const od_event_image image = {value->tag, event->step, event->wall_time,      (int)i - 2,
                                      width,      height,      t->string_val[i].data, t->string_val[i].len};
        if (od_event_store_image(e, &image)) return -1;
    }
    return 0;
}

static int store_tensor(od_events *e, const Tensorflow__Event *event, const Tensorflow__Summary__Value *value)
{
    const Tensorflow__TensorProto *t = value->tensor;
    double number;
    switch (plugin_of(e, value)) {
    case -1: return -1;
    case OD_EVENT_PLUGIN_SCALARS:
        if (!tensor_number(t, &number)) return 0;
        return od_event_store_point(e, value->tag, (od_event_point){event->step, event->wall_time, number});
    case OD_EVENT_PLUGIN_IMAGES: return store_tensor_images(e, event, value);
    case OD_EVENT_PLUGIN_TEXT:
        if (!t->n_string_val) return 0;
        return od_event_store_text(e, value->tag, event->step, event->wall_time, t->string_val[0].data,
                                   t->string_val[0].len);
    default: return 0;
    }
}

static int store_value(od_events *e, const Tensorflow__Event *event, const Tensorflow__Summary__Value *value)
{
    if (!value->tag[0]) return 0;
    if (value->value_case == TENSORFLOW__SUMMARY__VALUE__VALUE_SIMPLE_VALUE)
        return od_event_store_point(e, value->tag,
                                    (od_event_point){event->step, event->wall_time, (double)value->simple_value});
    if (value->value_case == TENSORFLOW__SUMMARY__VALUE__VALUE_IMAGE && value->image) {
        const Tensorflow__Summary__Image *i = value->image;
        const od_event_image image = {value->tag,
                                      event->step,
                                      event->wall_time,
                                      0,
                                      i->width,
                                      i->height,
                                      i->encoded_image_string.data,
                                      i->encoded_image_string.len};
        return od_event_store_image(e, &image);
    }
    if (value->value_case == TENSORFLOW__SUMMARY__VALUE__VALUE_TENSOR && value->tensor)
        return store_tensor(e, event, value);
    return 0;
}

/* Whether all bytes from `offset` on are zero: what a file system may leave of a tail lost in a power failure. */
static int zero_tail(const uint8_t *data, size_t size, size_t offset)
{
    while (offset < size && !data[offset]) offset++;
    return offset == size;
}

static od_status parse_record(od_events *e, const char *name, size_t offset, const uint8_t *payload, size_t size,
                              od_error *err)
{
    ProtobufCAllocator allocator = od_proto_allocator(NULL);
    Tensorflow__Event *event = tensorflow__event__unpack(&allocator, size, payload);
    if (!event)
        return od_error_set(err, OD_ERR_FORMAT,
                            "%s: the record at byte %zu isn't a TensorBoard event (or memory ran out reading its %zu "
                            "bytes); expected a file named events.out.tfevents.*",
                            name, offset, size);
    int failed = 0;
    if (event->what_case == TENSORFLOW__EVENT__WHAT_SUMMARY && event->summary)
        for (size_t i = 0; i < event->summary->n_value && !failed; i++)
            failed = store_value(e, event, event->summary->value[i]);
    tensorflow__event__free_unpacked(event, &allocator);
    return failed ? od_error_nomem(err, name) : OD_OK;
}

od_status od_events_parse(od_events *e, const char *name, const uint8_t *data, size_t size, od_error *err)
{
    size_t offset = 0, payload_size;
    const uint8_t *payload;
    for (;;) {
        size_t start = offset;
        od_record_result result = od_record_next(data, size, &offset, &payload, &payload_size);
        if (result == OD_RECORD_END) return OD_OK;
        if (result == OD_RECORD_OK) {
            OD_TRY(parse_record(e, name, start, payload, payload_size, err));
            continue;
        }
        /* A killed writer leaves a cut record, or a whole-length one whose bytes didn't all arrive: only at the end. */
        int last = result == OD_RECORD_TRUNCATED || zero_tail(data, size, start) ||
                   (result == OD_RECORD_BAD_DATA && payload + payload_size + OD_RECORD_FOOTER_SIZE == data + size);
        if (!last && start == 0 && result == OD_RECORD_BAD_LENGTH)
            return od_error_set(err, OD_ERR_FORMAT,
                                "%s: isn't a TensorBoard event file (its first bytes are no record); "
                                "expected a file named events.out.tfevents.*",
                                name);
        if (!last)
            return od_error_set(err, OD_ERR_FORMAT,
                                "%s: damaged at byte %zu: the CRC of the record's %s is wrong, and %zu bytes follow; "
                                "move the file out of its folder to read the others",
                                name, start, result == OD_RECORD_BAD_DATA ? "data" : "length", size - start);
        od_log(OD_LOG_INFO, "%s: ends in a half-written record at byte %zu (%zu bytes left out)", name, start,
               size - start);
        e->cut_count++;
        return OD_OK;
    }
}
