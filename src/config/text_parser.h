/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the text-format parser: its state, how it reports (text_report.c), and reading scalars (text_scalar.c).
 */
#ifndef OD_CONFIG_TEXT_PARSER_H
#define OD_CONFIG_TEXT_PARSER_H

#include "config/text_lexer.h"
#include "config/text_tree.h"

typedef struct text_parser {
    od_text_lexer lexer;
    od_text_tree *tree;
    const char *name;
    od_problems *problems;
    int nomem;
    int lost; /* in the wake of a structural error: what follows from it isn't reported */
    int cut;  /* the text's end inside a message was reported */
} text_parser;

typedef union text_scalar {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f;
    double d;
    char *string;
    ProtobufCBinaryData bytes;
} text_scalar;

/* Where something stands in the text; its column is worked out when it is needed, lines may be long. */
typedef struct text_place {
    const ProtobufCMessage *message;
    const char *field; /* NULL: the message itself */
    int line;
    const char *line_start, *at;
} text_place;

/* At the current token. */
text_place od__text_here(const text_parser *p, const ProtobufCMessage *message, const char *field);
void od__text_report(text_parser *p, od_config_severity severity, text_place at, const char *expected, const char *fix,
                     const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The current token, quoted for a message: cut when long, unprintable bytes as '?'. Uses `out`, or a constant. */
const char *od__text_show_token(const text_parser *p, char out[64]);
/* Remembers that a field of this message could not be read. */
void od__text_mark_damaged(text_parser *p, const ProtobufCMessage *message);

/* Whether the current token opens a bracket. */
int od__text_at_block(const text_parser *p);
/* Past a bracketed block, however deep. */
void od__text_skip_block(text_parser *p);
/* Past a value that could not be read. A name on a later line is rather the next field. */
void od__text_skip_value(text_parser *p);

/* On success the value's last token is still the current one and the caller owns its memory; on failure, which has been
 * reported, the parser stands behind the value. */
int od__text_read_scalar(text_parser *p, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, text_scalar *out);

#endif
