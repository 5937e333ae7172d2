/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text_format.h"

#include "config/message.h"
#include "config/text_lexer.h"
#include "config/text_tree.h"
#include "util/alloc.h"
#include "util/nearest.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct text_parser {
    od_text_lexer lexer;
    od_text_tree *tree;
    const char *name;
    od_problems *problems;
    int nomem;
    int lost; /* in the wake of a structural error: what follows from it isn't reported */
    int cut;  /* the text's end inside a message was reported */
} text_parser;

typedef union scalar {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f;
    double d;
    char *string;
    ProtobufCBinaryData bytes;
} scalar;

/* ---- reporting ---- */

typedef struct place {
    const ProtobufCMessage *message;
    const char *field; /* NULL: the message itself */
    int line, column;
} place;

static place here(const text_parser *p, const ProtobufCMessage *message, const char *field)
{
    return (place){message, field, p->lexer.token.line, od_text_lexer_column(&p->lexer)};
}

__attribute__((format(printf, 6, 7))) static void report(text_parser *p, od_config_severity severity, place at,
                                                         const char *expected, const char *fix, const char *format, ...)
{
    if (p->problems->count >= OD_PROBLEMS_MAX) {
        p->problems->errors += severity == OD_CONFIG_ERROR;
        return;
    }
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    od_strbuf path = {0};
    od_text_tree_path(p->tree, at.message, at.field, &path);
    if (od_strbuf_failed(&path)) p->nomem = 1;
    od_problems_add(p->problems, &(od_config_problem){.severity = severity, .file = p->name, .line = at.line,
                                                      .column = at.column, .field = path.data, .message = message,
                                                      .expected = expected, .fix = fix});
    od_strbuf_deinit(&path);
    if (p->problems->failed) p->nomem = 1;
}

/* The current token, quoted for a message: cut when long, unprintable bytes as '?'. */
static const char *show_token(const text_parser *p, char out[64])
{
    const od_token *t = &p->lexer.token;
    if (t->kind == OD_TOKEN_END) return "the end of the file";
    int quoted = t->kind == OD_TOKEN_STRING;
    size_t n = t->size > 40 ? 40 : t->size;
    while (n < t->size && n && (t->text[n] & 0xc0) == 0x80) n--;
    int valid = od_utf8_valid(t->text, n), k = 0;
    if (!quoted) out[k++] = '\'';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)t->text[i];
        out[k++] = c < 32 || c == 127 || (c > 127 && !valid) ? '?' : (char)c;
    }
    snprintf(out + k, (size_t)(64 - k), "%s%s", n < t->size ? "..." : "", quoted ? "" : "'");
    return out;
}

/* An error in the structure (a bracket, a missing ':'): reported unless it follows from the one before. */
static void report_structure(text_parser *p, const ProtobufCMessage *message, const char *field, const char *expected)
{
    char found[64];
    if (!p->lost)
        report(p, OD_CONFIG_ERROR, here(p, message, field), expected, NULL, "unexpected %s", show_token(p, found));
    p->lost = 1;
}

static void mark_damaged(text_parser *p, const ProtobufCMessage *message)
{
    od_text_tree *t = p->tree;
    if (t->damaged_count && t->damaged[t->damaged_count - 1] == message) return;
    if (od_grow(&t->damaged, &t->damaged_capacity, t->damaged_count + 1, sizeof *t->damaged))
        p->nomem = 1;
    else
        t->damaged[t->damaged_count++] = message;
}

/* ---- skipping ---- */

/* Past a bracketed block, however deep. */
static void skip_block(text_parser *p)
{
    size_t depth = 0;
    do {
        od_text_lexer *l = &p->lexer;
        if (od_text_lexer_at(l, '{') || od_text_lexer_at(l, '<') || od_text_lexer_at(l, '[')) depth++;
        if (depth && (od_text_lexer_at(l, '}') || od_text_lexer_at(l, '>') || od_text_lexer_at(l, ']'))) depth--;
        od_text_lexer_next(l);
    } while (depth && p->lexer.token.kind != OD_TOKEN_END);
}

static int at_block(const text_parser *p)
{
    return od_text_lexer_at(&p->lexer, '{') || od_text_lexer_at(&p->lexer, '<') || od_text_lexer_at(&p->lexer, '[');
}

/* Past a value that could not be read. A name on a later line is rather the next field. */
static void skip_value(text_parser *p)
{
    od_text_lexer *l = &p->lexer;
    if (at_block(p)) {
        skip_block(p);
    } else if (l->token.kind == OD_TOKEN_STRING) {
        while (l->token.kind == OD_TOKEN_STRING) od_text_lexer_next(l);
    } else if (l->token.kind == OD_TOKEN_NUMBER || (l->token.kind == OD_TOKEN_NAME && l->token.line == l->previous_line)) {
        od_text_lexer_next(l);
    }
}

/* ---- scalars ---- */

static int bad_value(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
                     const char *expected, const char *fix)
{
    char found[64];
    report(p, OD_CONFIG_ERROR, here(p, m, field->name), expected, fix, "cannot be %s", show_token(p, found));
    mark_damaged(p, m);
    skip_value(p);
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

static int read_integer(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, scalar *out)
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

static int read_float(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, scalar *out)
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

static int read_enum(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, scalar *out)
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

static int read_bool(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, scalar *out)
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
            report(p, OD_CONFIG_ERROR, here(p, m, field->name), NULL, NULL, "%s %s", show_token(p, found), wrong);
            mark_damaged(p, m);
            skip_value(p);
            return 0;
        }
        od_text_lexer ahead = p->lexer;
        od_text_lexer_next(&ahead);
        if (ahead.token.kind != OD_TOKEN_STRING) return 1;
        p->lexer = ahead;
    }
}

static int read_string(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, scalar *out)
{
    if (p->lexer.token.kind != OD_TOKEN_STRING)
        return bad_value(p, m, field, "a text in quotes", p->lexer.token.kind == OD_TOKEN_NAME ? "add quotes" : NULL);
    od_strbuf b = {0};
    od_strbuf_puts(&b, "");
    place start = here(p, m, field->name);
    if (!read_string_pieces(p, m, field, &b)) {
        od_strbuf_deinit(&b);
        return 0;
    }
    if (od_strbuf_failed(&b)) {
        p->nomem = 1;
        return 0;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        out->bytes = (ProtobufCBinaryData){b.size, (uint8_t *)b.data};
        return 1;
    }
    const char *wrong = memchr(b.data, 0, b.size) ? "contains a zero byte" : od_utf8_valid(b.data, b.size) ? NULL : "is not UTF-8";
    if (wrong) {
        report(p, OD_CONFIG_ERROR, start, "UTF-8 text", NULL, "%s", wrong);
        mark_damaged(p, m);
        od_strbuf_deinit(&b);
        od_text_lexer_next(&p->lexer);
        return 0;
    }
    out->string = b.data;
    return 1;
}

/* On success the value's last token is still the current one; on failure the parser stands behind the value. */
static int read_scalar(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, scalar *out)
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

/* ---- storing ---- */

static void *member(ProtobufCMessage *m, unsigned offset)
{
    return (char *)m + offset;
}

static void remember(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, size_t index,
                     const ProtobufCMessage *child, int line)
{
    od_text_tree *t = p->tree;
    if (od_grow(&t->positions, &t->position_capacity, t->position_count + 1, sizeof *t->positions))
        p->nomem = 1;
    else
        t->positions[t->position_count++] = (text_position){m, field, child, index, line};
}

/* Room for one more element behind the `n` there are; the array's size is the power of two at or above n. */
static void *append_element(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    size_t *count = member(m, field->quantifier_offset), size = od_message_element_size(field->type);
    char **array = member(m, field->offset);
    if (!(*count & (*count - 1))) { /* 0 or a power of two: full */
        char *grown = od_realloc(*array, *count ? *count * 2 : 1, size);
        if (!grown) {
            p->nomem = 1;
            return NULL;
        }
        *array = grown;
    }
    return *array + (*count)++ * size;
}

static void free_scalar(const ProtobufCFieldDescriptor *field, void *value)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *s = *(char **)value;
        if (s != field->default_value) od_free(s);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *b = value;
        const ProtobufCBinaryData *by_default = field->default_value;
        if (!by_default || b->data != by_default->data) od_free(b->data);
    }
}

/* Empties the oneof that `field` belongs to, when another member is set. */
static void leave_oneof(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, place at)
{
    uint32_t *chosen = member(m, field->quantifier_offset);
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *chosen == field->id || !*chosen) return;
    od_text_tree *t = p->tree;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *old = &m->descriptor->fields[i];
        if (old->id != *chosen) continue;
        char fix[100];
        snprintf(fix, sizeof fix, "remove the one that isn't meant");
        if (p->problems->count < OD_PROBLEMS_MAX)
            report(p, OD_CONFIG_WARNING, at, NULL, fix, "replaces %s of line %d: only one of them can be set, the last counts",
                   old->name, od_text_tree_line(t, m, old->name, -1));
        void *value = member(m, old->offset);
        if (old->type != PROTOBUF_C_TYPE_MESSAGE) {
            free_scalar(old, value);
        } else if (od_grow(&t->discarded, &t->discarded_capacity, t->discarded_count + 1, sizeof *t->discarded)) {
            p->nomem = 1;
            return;
        } else {
            t->discarded[t->discarded_count++] = *(ProtobufCMessage **)value;
        }
        memset(value, 0, od_message_element_size(old->type));
    }
    *chosen = 0;
    memset(member(m, field->offset), 0, od_message_element_size(field->type));
}

static void warn_repetition(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, place at)
{
    if (p->problems->count >= OD_PROBLEMS_MAX) return;
    int first = od_text_tree_line(p->tree, m, field->name, -1);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        report(p, OD_CONFIG_WARNING, at, NULL, "give it once", "is given again (before: line %d); both are merged, as in the OD API", first);
    else
        report(p, OD_CONFIG_WARNING, at, NULL, "keep one of them", "is given again (before: line %d); the last value counts, as in the OD API", first);
}

/* Where the new value of the field goes: a fresh element, or the member itself. NULL when out of memory. */
static void *make_place(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, place at)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) return append_element(p, m, field);
    if (od_message_has(m, field)) warn_repetition(p, m, field, at);
    leave_oneof(p, m, field, at);
    return p->nomem ? NULL : member(m, field->offset);
}

static void set_present(ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        *(uint32_t *)member(m, field->quantifier_offset) = field->id;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
             field->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)member(m, field->quantifier_offset) = 1;
}

static void parse_scalar(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    place at = here(p, m, field->name);
    scalar value = {0};
    if (!read_scalar(p, m, field, &value)) return;
    void *slot = make_place(p, m, field, at);
    if (!slot) {
        if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) od_free(value.string);
        return;
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED) free_scalar(field, slot);
    memcpy(slot, &value, od_message_element_size(field->type));
    set_present(m, field);
    remember(p, m, field, field->label == PROTOBUF_C_LABEL_REPEATED ? od_message_count(m, field) - 1 : 0, NULL, at.line);
    od_text_lexer_next(&p->lexer);
    p->lost = 0;
}

/* ---- messages ---- */

static void parse_fields(text_parser *p, ProtobufCMessage *m, char close, int open_line, const char *name);

/* The message that the field's block fills: the one already there when it is singular and given again. */
static ProtobufCMessage *open_message(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, place at)
{
    ProtobufCMessage *child = NULL;
    if (field->label != PROTOBUF_C_LABEL_REPEATED && od_message_has(m, field))
        child = *(ProtobufCMessage **)member(m, field->offset);
    int is_new = !child;
    if (is_new) child = od_message_create(field->descriptor);
    if (!child) {
        p->nomem = 1;
        return NULL;
    }
    ProtobufCMessage **slot = make_place(p, m, field, at);
    if (!slot) {
        if (is_new) od_message_free(child);
        return NULL;
    }
    *slot = child;
    set_present(m, field);
    remember(p, m, field, field->label == PROTOBUF_C_LABEL_REPEATED ? od_message_count(m, field) - 1 : 0, child, at.line);
    return child;
}

/* protobuf's maps are lists of messages named ...Entry with a key and a value. */
static int is_map_entry(const ProtobufCMessageDescriptor *type)
{
    size_t n = strlen(type->short_name);
    return n > 5 && !strcmp(type->short_name + n - 5, "Entry") && type->n_fields == 2 &&
           !strcmp(type->fields[0].name, "key") && !strcmp(type->fields[1].name, "value");
}

static int same_key(const ProtobufCFieldDescriptor *key, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    const void *x = od_message_element(a, key, 0), *y = od_message_element(b, key, 0);
    if (key->type != PROTOBUF_C_TYPE_STRING) return !memcmp(x, y, od_message_element_size(key->type));
    const char *s = *(char *const *)x, *t = *(char *const *)y;
    return !strcmp(s ? s : "", t ? t : "");
}

/* Of two entries with one key the later counts: it takes the place of the earlier. */
static void merge_map_entry(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    od_text_tree *t = p->tree;
    size_t *count = member(m, field->quantifier_offset), last = *count - 1;
    ProtobufCMessage **entries = *(ProtobufCMessage ***)member(m, field->offset);
    for (size_t i = 0; i < last; i++) {
        if (!same_key(entries[i]->descriptor->fields, entries[i], entries[last])) continue;
        if (od_grow(&t->discarded, &t->discarded_capacity, t->discarded_count + 1, sizeof *t->discarded)) {
            p->nomem = 1;
            return;
        }
        t->discarded[t->discarded_count++] = entries[i];
        entries[i] = entries[last];
        *count = last;
        return;
    }
}

static void parse_message(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    place at = here(p, m, field->name);
    char close = od_text_lexer_at(&p->lexer, '{') ? '}' : '>';
    if (close == '>' && !od_text_lexer_at(&p->lexer, '<')) {
        report_structure(p, m, field->name, "'{'");
        mark_damaged(p, m);
        skip_value(p);
        return;
    }
    ProtobufCMessage *child = open_message(p, m, field, at);
    if (!child) return;
    od_text_lexer_next(&p->lexer);
    p->lost = 0;
    parse_fields(p, child, close, at.line, field->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED && is_map_entry(field->descriptor)) merge_map_entry(p, m, field);
}

static void parse_element(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        parse_message(p, m, field);
    else
        parse_scalar(p, m, field);
}

/* [a, b, c]; the '[' is the current token. */
static void parse_list(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    od_text_lexer_next(&p->lexer);
    if (od_text_lexer_at(&p->lexer, ']')) {
        od_text_lexer_next(&p->lexer);
        return;
    }
    while (!p->nomem) {
        const char *before = p->lexer.token.text;
        parse_element(p, m, field);
        if (od_text_lexer_at(&p->lexer, ',')) {
            od_text_lexer_next(&p->lexer);
            continue;
        }
        if (!od_text_lexer_at(&p->lexer, ']')) report_structure(p, m, field->name, "',' or ']'");
        if (od_text_lexer_at(&p->lexer, ']') || p->lexer.token.kind == OD_TOKEN_END || p->lexer.token.text == before) break;
        if (p->lost && p->lexer.token.kind == OD_TOKEN_NAME) return; /* rather the next field */
        if (od_text_lexer_at(&p->lexer, '}') || od_text_lexer_at(&p->lexer, '>')) return;
        if (p->lost) skip_value(p);
    }
    if (od_text_lexer_at(&p->lexer, ']')) od_text_lexer_next(&p->lexer);
}

/* Writes where else a field of this name exists below `type` ("model.ssd"), the shallowest first. */
static int find_field_elsewhere(const ProtobufCMessageDescriptor *type, const char *name, int depth, char *path, size_t size)
{
    if (depth == 0) return od_message_field(type, name) != NULL;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        char below[160] = "";
        if (!find_field_elsewhere(f->descriptor, name, depth - 1, below, sizeof below)) continue;
        snprintf(path, size, "%s%s%s", f->name, below[0] ? "." : "", below);
        return 1;
    }
    return 0;
}

static void suggest_field(const text_parser *p, const ProtobufCMessageDescriptor *type, const char *name, char *fix, size_t size)
{
    int best = 99;
    const char *nearest = NULL;
    for (unsigned i = 0; i < type->n_fields; i++) {
        int d = od_edit_distance(name, type->fields[i].name);
        if (d < best) best = d, nearest = type->fields[i].name;
    }
    fix[0] = 0;
    if (nearest && od_edit_distance_is_near(best, name)) {
        snprintf(fix, size, "did you mean %s?", nearest);
        return;
    }
    char path[200];
    const ProtobufCMessageDescriptor *root = p->tree->root->descriptor;
    for (int depth = 0; depth < 6; depth++) {
        path[0] = 0;
        if (!find_field_elsewhere(root, name, depth, path, sizeof path)) continue;
        snprintf(fix, size, "it belongs %s%s", path[0] ? "into " : "at the top level", path);
        return;
    }
}

static void skip_unknown_contents(text_parser *p)
{
    if (od_text_lexer_at(&p->lexer, ':')) od_text_lexer_next(&p->lexer);
    skip_value(p);
}

static void parse_unknown(text_parser *p, const ProtobufCMessage *m, place at, const char *name, const char *expected)
{
    char fix[256];
    suggest_field(p, m->descriptor, name, fix, sizeof fix);
    report(p, OD_CONFIG_ERROR, at, expected, fix, "unknown field '%s' in %s", name, m->descriptor->short_name);
    mark_damaged(p, m);
    skip_unknown_contents(p);
    p->lost = 0;
}

/* An extension, [name] { }: none is registered, in the OD API neither. */
static void parse_extension(text_parser *p, const ProtobufCMessage *m)
{
    report(p, OD_CONFIG_ERROR, here(p, m, NULL), NULL, "remove it", "extensions in [ ] are not known");
    mark_damaged(p, m);
    skip_block(p);
    skip_unknown_contents(p);
}

static void parse_known(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    od_text_lexer *l = &p->lexer;
    if (od_text_lexer_at(l, ':')) {
        od_text_lexer_next(l);
    } else if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        report_structure(p, m, field->name, "':'");
        mark_damaged(p, m);
        skip_value(p);
        return;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED && od_text_lexer_at(l, '['))
        parse_list(p, m, field);
    else
        parse_element(p, m, field);
}

/* The current token as a field's name; names longer than any field's are cut. */
static void copy_name(const od_token *token, char out[64])
{
    snprintf(out, 64, "%.*s", (int)(token->size > 60 ? 60 : token->size), token->text);
}

static void parse_field(text_parser *p, ProtobufCMessage *m)
{
    od_text_lexer *l = &p->lexer;
    if (od_text_lexer_at(l, '[')) {
        parse_extension(p, m);
        return;
    }
    if (l->token.kind != OD_TOKEN_NAME && !(l->token.kind == OD_TOKEN_NUMBER && l->token.text[0] >= '0' && l->token.text[0] <= '9')) {
        report_structure(p, m, NULL, "a field name");
        mark_damaged(p, m);
        if (at_block(p))
            skip_block(p);
        else
            od_text_lexer_next(l);
        return;
    }
    char name[64];
    copy_name(&l->token, name);
    const ProtobufCFieldDescriptor *field = l->token.size < sizeof name ? od_message_field(m->descriptor, name) : NULL;
    place at = here(p, m, NULL);
    od_text_lexer_next(l);
    if (field)
        parse_known(p, m, field);
    else
        parse_unknown(p, m, at, name, NULL);
    if (od_text_lexer_at(l, ',') || od_text_lexer_at(l, ';')) od_text_lexer_next(l);
}

/* Up to the closing bracket (0: up to the end of the text). */
static void parse_fields(text_parser *p, ProtobufCMessage *m, char close, int open_line, const char *name)
{
    od_text_lexer *l = &p->lexer;
    while (!p->nomem && l->token.kind != OD_TOKEN_END) {
        if (close && od_text_lexer_at(l, close)) {
            od_text_lexer_next(l);
            return;
        }
        if (close && (od_text_lexer_at(l, '}') || od_text_lexer_at(l, '>'))) {
            report_structure(p, m, NULL, close == '}' ? "'}'" : "'>'");
            od_text_lexer_next(l);
            return;
        }
        parse_field(p, m);
    }
    if (!close || p->nomem || p->cut) return;
    p->cut = 1;
    report(p, OD_CONFIG_ERROR, here(p, m, NULL), close == '}' ? "'}'" : "'>'", "look for a missing bracket",
           "the file ends inside '%s' that was opened on line %d", name, open_line);
}

od_status od_text_tree_merge(od_text_tree *tree, const char *text, size_t size, const char *name, od_problems *problems,
                             od_error *err)
{
    text_parser p = {.tree = tree, .name = name, .problems = problems};
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        od_problems_add(problems, &(od_config_problem){.severity = OD_CONFIG_ERROR, .file = name, .line = 1, .column = 1,
                                                       .message = "the file starts with a byte order mark, which the OD API rejects",
                                                       .fix = "save it as UTF-8 without BOM"});
        text += 3;
        size -= 3;
    }
    od_text_lexer_init(&p.lexer, text, size);
    parse_fields(&p, tree->root, 0, 0, NULL);
    return p.nomem || problems->failed ? od_error_nomem(err, "a parsed text") : OD_OK;
}

od_status od_text_parse(const ProtobufCMessageDescriptor *type, const char *text, size_t size, const char *name,
                        od_text_tree **out, od_error *err)
{
    od_problems problems = {0};
    od_text_tree *tree = od_text_tree_create(type);
    if (!tree) return od_error_nomem(err, "a message");
    od_status status = od_text_tree_merge(tree, text, size, name, &problems, err);
    if (status == OD_OK && problems.errors) status = od_problems_to_error(&problems, OD_ERR_FORMAT, err);
    od_problems_deinit(&problems);
    if (status == OD_OK)
        *out = tree;
    else
        od_text_tree_free(tree);
    return status;
}
