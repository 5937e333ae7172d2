/* SPDX-License-Identifier: Apache-2.0 */
#include "config/message.h"

#include "util/alloc.h"

#include <stdint.h>
#include <string.h>

static void *allocate(void *user, size_t size)
{
    (void)user;
    return od_malloc(size, 1);
}

static void release(void *user, void *p)
{
    (void)user;
    od_free(p);
}

ProtobufCMessage *od_message_create(const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = od_calloc(1, type->sizeof_message);
    if (message) protobuf_c_message_init(type, message);
    return message;
}

void od_message_free(ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = {allocate, release, NULL};
    if (message) protobuf_c_message_free_unpacked(message, &allocator);
}

const ProtobufCFieldDescriptor *od_message_field(const ProtobufCMessageDescriptor *type, const char *name)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (!strcmp(type->fields[i].name, name)) return &type->fields[i];
    return NULL;
}

static const void *member(const ProtobufCMessage *message, unsigned offset)
{
    return (const char *)message + offset;
}

int od_message_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *quantifier = member(message, field->quantifier_offset), *value = member(message, field->offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) return *(const size_t *)quantifier > 0;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) return *(const uint32_t *)quantifier == field->id;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) return *(void *const *)value != NULL;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(void *const *)value && *(void *const *)value != field->default_value;
    if (field->label != PROTOBUF_C_LABEL_OPTIONAL) return 1;
    return *(const protobuf_c_boolean *)quantifier != 0;
}

size_t od_message_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) return od_message_has(message, field) ? 1 : 0;
    return *(const size_t *)member(message, field->quantifier_offset);
}

size_t od_message_element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    default: return 4;
    }
}

const void *od_message_element(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index)
{
    const void *value = member(message, field->offset);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) return value;
    return *(const char *const *)value + index * od_message_element_size(field->type);
}

static int elements_equal(ProtobufCType type, const void *a, const void *b)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING: return !strcmp(*(char *const *)a, *(char *const *)b);
    case PROTOBUF_C_TYPE_MESSAGE: return od_message_equal(*(ProtobufCMessage *const *)a, *(ProtobufCMessage *const *)b);
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *x = a, *y = b;
        return x->len == y->len && (!x->len || !memcmp(x->data, y->data, x->len));
    }
    default: return !memcmp(a, b, od_message_element_size(type));
    }
}

int od_message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (a->descriptor != b->descriptor) return 0;
    for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &a->descriptor->fields[i];
        size_t n = od_message_count(a, field);
        if (n != od_message_count(b, field)) return 0;
        for (size_t k = 0; k < n; k++)
            if (!elements_equal(field->type, od_message_element(a, field, k), od_message_element(b, field, k))) return 0;
    }
    return 1;
}

const char *od_enum_name(const ProtobufCEnumDescriptor *type, int value)
{
    for (unsigned i = 0; i < type->n_values; i++)
        if (type->values[i].value == value) return type->values[i].name;
    return "?";
}

int od_message_is_default(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    static const uint64_t zero = 0; /* protobuf-c leaves default_value away where it is 0 */
    if (field->label == PROTOBUF_C_LABEL_REPEATED || field->type == PROTOBUF_C_TYPE_MESSAGE) return 0;
    const void *v = od_message_element(m, field, 0);
    if (field->type == PROTOBUF_C_TYPE_STRING) return field->default_value && !strcmp(*(const char *const *)v, field->default_value);
    return !memcmp(v, field->default_value ? field->default_value : &zero, od_message_element_size(field->type));
}
