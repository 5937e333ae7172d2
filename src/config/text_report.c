/* SPDX-License-Identifier: Apache-2.0
 *
 * Reporting problems of a text, and skipping what could not be read.
 */
#include "config/text_parser.h"
#include "util/alloc.h"

#include <stdarg.h>
#include <stdio.h>

text_place od__text_here(const text_parser *p, const ProtobufCMessage *message, const char *field)
{
    return (text_place){message, field, p->lexer.token.line, p->lexer.token_line, p->lexer.token.text};
}

void od__text_report(text_parser *p, od_config_severity severity, text_place at,
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
                                                      .column = od_text_column(at.line_start, at.at), .field = path.data, .message = message,
                                                      .expected = expected, .fix = fix});
    od_strbuf_deinit(&path);
    if (p->problems->failed) p->nomem = 1;
}

const char *od__text_show_token(const text_parser *p, char out[64])
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

void od__text_mark_damaged(text_parser *p, const ProtobufCMessage *message)
{
    od_text_tree *t = p->tree;
    if (t->damaged_count && t->damaged[t->damaged_count - 1] == message) return;
    if (od_grow(&t->damaged, &t->damaged_capacity, t->damaged_count + 1, sizeof *t->damaged))
        p->nomem = 1;
    else
        t->damaged[t->damaged_count++] = message;
}

void od__text_skip_block(text_parser *p)
{
    size_t depth = 0;
    do {
        od_text_lexer *l = &p->lexer;
        if (od_text_lexer_at(l, '{') || od_text_lexer_at(l, '<') || od_text_lexer_at(l, '[')) depth++;
        if (depth && (od_text_lexer_at(l, '}') || od_text_lexer_at(l, '>') || od_text_lexer_at(l, ']'))) depth--;
        od_text_lexer_next(l);
    } while (depth && p->lexer.token.kind != OD_TOKEN_END);
}

int od__text_at_block(const text_parser *p)
{
    return od_text_lexer_at(&p->lexer, '{') || od_text_lexer_at(&p->lexer, '<') || od_text_lexer_at(&p->lexer, '[');
}

void od__text_skip_value(text_parser *p)
{
    od_text_lexer *l = &p->lexer;
    if (od__text_at_block(p)) {
        od__text_skip_block(p);
    } else if (l->token.kind == OD_TOKEN_STRING) {
        while (l->token.kind == OD_TOKEN_STRING) od_text_lexer_next(l);
    } else if (l->token.kind == OD_TOKEN_NUMBER || (l->token.kind == OD_TOKEN_NAME && l->token.line == l->previous_line)) {
        od_text_lexer_next(l);
    }
}
