/* SPDX-License-Identifier: Apache-2.0
 *
 * Scalars of the text format: integers, floats, booleans, enums, strings.
 */
#include "config/message.h"
#include "config/text_parser.h"

#include <stdio.h>
#include <string.h>

static int bad_value(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
                     const char *expected, const char *fix)
{
    char found[64];
    od__text_report(p, OD_CONFIG_ERROR, od__text_here(p, m, field->name), expected, fix, "cannot be %s", od__text_show_token(p, found));
    od__text_mark_damaged(p, m);
    od__text_skip_value(p);
    return 0;
}

typedef struct integer_type {
    uint64_t below, above; /* the largest magnitudes */
    const char *expected;
} integer_type;

static integer_type integer_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return (integer_type){1u << 31, (1u << 31) - 1, "a whole number from -2147483648 to 2147483647"};
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: return (integer_type){0, UINT32_MAX, "a whole number from 0 to 4294967295"};
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return (integer_type){0, UINT64_MAX, "a whole number from 0 to 2^64-1"};
    default: return (integer_type){1ull << 63, (1ull << 63) - 1, "a whole number from -2^63 to 2^63-1"};
    }
}

static int read_integer(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out)
{
    integer_type type = integer_type_of(field->type);
    int negative = 0;
    uint64_t magnitude = 0;
    if (od_token_integer(&p->lexer.token, &negative, &magnitude) != OD_NUMBER_OK ||
        magnitude > (negative ? type.below : type.above)) {
        return bad_value(p, m, field, type.expected, NULL);
    }
    uint64_t bits = negative ? 0 - magnitude : magnitude;
    if (od_message_element_size(field->type) == 4)
        out->u32 = (uint32_t)bits;
    else
        out->u64 = bits;
    return 1;
}

static int read_float(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out)
{
    double value;
    if (od_token_float(&p->lexer.token, &value) != OD_NUMBER_OK) return bad_value(p, m, field, "a number", NULL);
    if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        out->d = value;
    else
        out->f = (float)value;
    return 1;
}

static void list_enum(const ProtobufCEnumDescriptor *type, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "one of");
    for (unsigned i = 0; i < type->n_values && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s %s", i ? "," : "", type->values[i].name);
}

static int read_enum(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    int negative = 0, is_number;
    uint64_t magnitude = 0;
    const od_token *token = &p->lexer.token;
    is_number = token->kind == OD_TOKEN_NUMBER && od_token_integer(token, &negative, &magnitude) == OD_NUMBER_OK;
    for (unsigned i = 0; i < type->n_values; i++) {
        const ProtobufCEnumValue *v = &type->values[i];
        int64_t given = negative ? -(int64_t)(magnitude & INT32_MAX) : (int64_t)(magnitude & INT64_MAX);
        if (is_number ? given == v->value : od_token_equals(token, v->name)) {
            out->i32 = v->value;
            return 1;
        }
    }
    char expected[400];
    list_enum(type, expected, sizeof expected);
    return bad_value(p, m, field, expected, token->kind == OD_TOKEN_STRING ? "remove the quotes" : NULL);
}

static int read_bool(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out)
{
    int value;
    if (!od_token_bool(&p->lexer.token, &value)) return bad_value(p, m, field, "true or false", NULL);
    out->i32 = value;
    return 1;
}

/* Adjacent quoted pieces, joined. Leaves the last one as the current token. */
static int read_string_pieces(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
                              od_strbuf *out)
{
    for (;;) {
        const char *wrong = od_token_string(&p->lexer.token, out);
        if (wrong) {
            char found[64];
            od__text_report(p, OD_CONFIG_ERROR, od__text_here(p, m, field->name), NULL, NULL, "%s %s", od__text_show_token(p, found), wrong);
            od__text_mark_damaged(p, m);
            od__text_skip_value(p);
            return 0;
        }
        od_text_lexer ahead = p->lexer;
        od_text_lexer_next(&ahead);
        if (ahead.token.kind != OD_TOKEN_STRING) return 1;
        p->lexer = ahead;
    }
}

static int read_string(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out)
{
    if (p->lexer.token.kind != OD_TOKEN_STRING)
        return bad_value(p, m, field, "a text in quotes", p->lexer.token.kind == OD_TOKEN_NAME ? "add quotes" : NULL);
    od_strbuf b = {0};
    od_strbuf_puts(&b, "");
    text_place start = od__text_here(p, m, field->name);
    if (!read_string_pieces(p, m, field, &b)) {
        od_strbuf_deinit(&b);
        return 0;
    }
    if (od_strbuf_failed(&b)) {
        od_strbuf_deinit(&b);
        p->nomem = 1;
        return 0;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        out->bytes = (ProtobufCBinaryData){b.size, (uint8_t *)b.data};
        return 1;
    }
    const char *wrong = memchr(b.data, 0, b.size) ? "contains a zero byte" : od_utf8_valid(b.data, b.size) ? NULL : "is not UTF-8";
    if (wrong) {
        od__text_report(p, OD_CONFIG_ERROR, start, "UTF-8 text", NULL, "%s", wrong);
        od__text_mark_damaged(p, m);
        od_strbuf_deinit(&b);
        od_text_lexer_next(&p->lexer);
        return 0;
    }
    out->string = b.data;
    return 1;
}

int od__text_read_scalar(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: return read_float(p, m, field, out);
    case PROTOBUF_C_TYPE_BOOL: return read_bool(p, m, field, out);
    case PROTOBUF_C_TYPE_ENUM: return read_enum(p, m, field, out);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: return read_string(p, m, field, out);
    default: return read_integer(p, m, field, out);
    }
}
