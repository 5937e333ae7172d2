/* SPDX-License-Identifier: Apache-2.0
 *
 * Reflection over protobuf-c messages: fields by name, presence, elements, freeing through util/alloc.h.
 */
#ifndef OD_CONFIG_MESSAGE_H
#define OD_CONFIG_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* An empty message with its defaults; NULL when out of memory. */
ProtobufCMessage *od_message_create(const ProtobufCMessageDescriptor *type);
/* With everything below it. NULL is fine. */
void od_message_free(ProtobufCMessage *message);

/* NULL when the message type has no such field. */
const ProtobufCFieldDescriptor *od_message_field(const ProtobufCMessageDescriptor *type, const char *name);
/* Whether the field was given: a repeated one has elements, a oneof member is the current one. */
int od_message_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* Elements of a repeated field; 1 or 0 for others. */
size_t od_message_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* Address of an element (index 0 for a singular field), whose C type follows from field->type. */
const void *od_message_element(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index);
/* Bytes of one element. */
size_t od_message_element_size(ProtobufCType type);

/* Whether two messages of one type have the same fields set to the same values (floats bit by bit). */
int od_message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* The OD API's name of an enum value, or "?" */
const char *od_enum_name(const ProtobufCEnumDescriptor *type, int value);

/* Whether a single field has the value that it has when it isn't given; 0 for messages. */
int od_message_is_default(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field);

#endif
