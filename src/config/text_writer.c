/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages -> protobuf text format (declared in text_format.h).
 */
#include "config/message.h"
#include "config/text_format.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void format_string(const uint8_t *s, size_t n, od_strbuf *out)
{
    static const char plain[] = "\n\r\t\"'\\", names[] = "nrt\"'\\";
    od_strbuf_puts(out, "\"");
    for (size_t i = 0; i < n; i++) {
        const char *special = s[i] ? strchr(plain, s[i]) : NULL;
        if (special)
            od_strbuf_printf(out, "\\%c", names[special - plain]);
        else if (s[i] < 32 || s[i] == 127)
            od_strbuf_printf(out, "\\%03o", s[i]);
        else
            od_strbuf_append(out, &s[i], 1);
    }
    od_strbuf_puts(out, "\"");
}

/* The fewest digits that read back to the same value (as a float, or as a double). */
static void format_real(double value, int is_float, od_strbuf *out)
{
    char text[40];
    if (isnan(value) || isinf(value)) {
        od_strbuf_puts(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (int digits = is_float ? 6 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (is_float ? (float)back == (float)value : back == value) break;
    }
    char *point = strchr(text, localeconv()->decimal_point[0]);
    if (point) *point = '.';
    od_strbuf_puts(out, text);
    if (!strpbrk(text, ".e")) od_strbuf_puts(out, ".0");
}

/* All fields; `indent` >= 0: one a line, < 0: separated by spaces. */
static void format_fields(const ProtobufCMessage *m, int indent, od_strbuf *out);

static void format_message(const ProtobufCMessage *m, int indent, od_strbuf *out)
{
    od_strbuf_puts(out, indent < 0 ? "{ " : "{\n");
    format_fields(m, indent < 0 ? indent : indent + 2, out);
    if (indent > 0) od_strbuf_printf(out, "%*s", indent, "");
    od_strbuf_puts(out, "}");
}

static void format_element(const ProtobufCFieldDescriptor *field, const void *v, int indent, od_strbuf *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: od_strbuf_printf(out, "%" PRId32, *(const int32_t *)v); break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: od_strbuf_printf(out, "%" PRId64, *(const int64_t *)v); break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: od_strbuf_printf(out, "%" PRIu32, *(const uint32_t *)v); break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: od_strbuf_printf(out, "%" PRIu64, *(const uint64_t *)v); break;
    case PROTOBUF_C_TYPE_FLOAT: format_real(*(const float *)v, 1, out); break;
    case PROTOBUF_C_TYPE_DOUBLE: format_real(*(const double *)v, 0, out); break;
    case PROTOBUF_C_TYPE_BOOL: od_strbuf_puts(out, *(const protobuf_c_boolean *)v ? "true" : "false"); break;
    case PROTOBUF_C_TYPE_ENUM: od_strbuf_puts(out, od_enum_name(field->descriptor, *(const int32_t *)v)); break;
    case PROTOBUF_C_TYPE_STRING: {
        const char *s = *(char *const *)v;
        format_string((const uint8_t *)s, strlen(s), out);
        break;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *b = v;
        format_string(b->data, b->len, out);
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE: format_message(*(ProtobufCMessage *const *)v, indent, out); break;
    }
}

static void format_fields(const ProtobufCMessage *m, int indent, od_strbuf *out)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        size_t n = od_message_count(m, field);
        for (size_t k = 0; k < n; k++) {
            if (indent > 0) od_strbuf_printf(out, "%*s", indent, "");
            od_strbuf_printf(out, "%s%s ", field->name, field->type == PROTOBUF_C_TYPE_MESSAGE ? "" : ":");
            format_element(field, od_message_element(m, field, k), indent, out);
            od_strbuf_puts(out, indent < 0 ? " " : "\n");
        }
    }
}

void od_text_format(const ProtobufCMessage *message, od_strbuf *out)
{
    od_strbuf_puts(out, "");
    format_fields(message, 0, out);
}

void od_text_format_element(const ProtobufCFieldDescriptor *field, const void *element, od_strbuf *out)
{
    format_element(field, element, -1, out);
}
