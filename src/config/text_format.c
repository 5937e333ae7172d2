/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text_format.h"

#include "config/message.h"
#include "config/text_parser.h"
#include "util/alloc.h"
#include "util/nearest.h"

#include <stdio.h>
#include <string.h>

/* An error in the structure (a bracket, a missing ':'): reported unless it follows from the one before. */
static void report_structure(text_parser *p, const ProtobufCMessage *message, const char *field, const char *expected)
{
    char found[64];
    if (!p->lost)
        od__text_report(p, OD_CONFIG_ERROR, od__text_here(p, message, field), expected, NULL, "unexpected %s", od__text_show_token(p, found));
    p->lost = 1;
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
static void leave_oneof(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_place at)
{
    uint32_t *chosen = member(m, field->quantifier_offset);
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *chosen == field->id || !*chosen) return;
    od_text_tree *t = p->tree;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *old = &m->descriptor->fields[i];
        if (old->id != *chosen) continue;
        if (p->problems->count < OD_PROBLEMS_MAX)
            od__text_report(p, OD_CONFIG_WARNING, at, NULL, "remove the one that isn't meant", "replaces %s of line %d: only one of them can be set, the last counts",
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

static void warn_repetition(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_place at)
{
    if (p->problems->count >= OD_PROBLEMS_MAX) return;
    int first = od_text_tree_line(p->tree, m, field->name, -1);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        od__text_report(p, OD_CONFIG_WARNING, at, NULL, "give it once", "is given again (before: line %d); both are merged, as in the OD API", first);
    else
        od__text_report(p, OD_CONFIG_WARNING, at, NULL, "keep one of them", "is given again (before: line %d); the last value counts, as in the OD API", first);
}

/* Where the new value of the field goes: a fresh element, or the member itself. NULL when out of memory. */
static void *make_place(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_place at)
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
    text_place at = od__text_here(p, m, field->name);
    text_scalar value = {0};
    if (!od__text_read_scalar(p, m, field, &value)) return;
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
static ProtobufCMessage *open_message(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_place at)
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
    text_place at = od__text_here(p, m, field->name);
    char close = od_text_lexer_at(&p->lexer, '{') ? '}' : '>';
    if (close == '>' && !od_text_lexer_at(&p->lexer, '<')) {
        report_structure(p, m, field->name, "'{'");
        od__text_mark_damaged(p, m);
        od__text_skip_value(p);
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
        if (p->lost) od__text_skip_value(p);
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
    od__text_skip_value(p);
}

static void parse_unknown(text_parser *p, const ProtobufCMessage *m, text_place at, const char *name, const char *expected)
{
    char fix[256] = "";
    if (p->problems->count < OD_PROBLEMS_MAX) suggest_field(p, m->descriptor, name, fix, sizeof fix);
    od__text_report(p, OD_CONFIG_ERROR, at, expected, fix, "unknown field '%s' in %s", name, m->descriptor->short_name);
    od__text_mark_damaged(p, m);
    skip_unknown_contents(p);
    p->lost = 0;
}

/* An extension, [name] { }: none is registered, in the OD API neither. */
static void parse_extension(text_parser *p, const ProtobufCMessage *m)
{
    od__text_report(p, OD_CONFIG_ERROR, od__text_here(p, m, NULL), NULL, "remove it", "extensions in [ ] are not known");
    od__text_mark_damaged(p, m);
    od__text_skip_block(p);
    skip_unknown_contents(p);
}

static void parse_known(text_parser *p, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    od_text_lexer *l = &p->lexer;
    if (od_text_lexer_at(l, ':')) {
        od_text_lexer_next(l);
    } else if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        report_structure(p, m, field->name, "':'");
        od__text_mark_damaged(p, m);
        od__text_skip_value(p);
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
        od__text_mark_damaged(p, m);
        if (od__text_at_block(p))
            od__text_skip_block(p);
        else
            od_text_lexer_next(l);
        return;
    }
    char name[64];
    copy_name(&l->token, name);
    const ProtobufCFieldDescriptor *field = l->token.size < sizeof name ? od_message_field(m->descriptor, name) : NULL;
    text_place at = od__text_here(p, m, NULL);
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
    od__text_report(p, OD_CONFIG_ERROR, od__text_here(p, m, NULL), close == '}' ? "'}'" : "'>'", "look for a missing bracket",
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
