/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens of protobuf's text format, and the values of scalar tokens. Splitting follows Tokenizer in protobuf's
 * python/google/protobuf/text_format.py (3.20), which is what the OD API reads its configs with: the same
 * characters count as white space, and `foo-bar` or `1.5f` are single tokens.
 */
#ifndef OD_CONFIG_TEXT_LEXER_H
#define OD_CONFIG_TEXT_LEXER_H

#include "util/strbuf.h"

#include <stddef.h>
#include <stdint.h>

typedef enum od_token_kind {
    OD_TOKEN_END,
    OD_TOKEN_NAME,   /* starts with a letter or '_' */
    OD_TOKEN_NUMBER, /* starts with a digit, a sign, or '.' and a digit */
    OD_TOKEN_STRING, /* one quoted piece, with its quotes; may lack the closing one */
    OD_TOKEN_SYMBOL  /* one character (a whole UTF-8 sequence) */
} od_token_kind;

/* Points into the lexed text, which must outlive it. */
typedef struct od_token {
    od_token_kind kind;
    const char *text;
    size_t size;
    int line; /* from 1 */
} od_token;

typedef struct od_text_lexer {
    const char *at, *end, *line_start;
    int line;
    od_token token;         /* the current one */
    const char *token_line; /* start of its line */
    int previous_line;      /* line of the token before */
} od_text_lexer;

/* Reads the first token. `text` needs no final NUL. */
void od_text_lexer_init(od_text_lexer *lexer, const char *text, size_t size);
void od_text_lexer_next(od_text_lexer *lexer);
/* Whether the current token is this one character. */
int od_text_lexer_at(const od_text_lexer *lexer, char symbol);
/* Column of a place in characters, from 1; its line starts at `line_start`. */
int od_text_column(const char *line_start, const char *at);

int od_token_equals(const od_token *token, const char *text);

typedef enum od_number_status { OD_NUMBER_OK, OD_NUMBER_MALFORMED, OD_NUMBER_RANGE } od_number_status;

/* Decimal, 0x, 0o, 0b and C's 010 octal, `_` between digits, a sign; |value| up to 2^64-1. */
od_number_status od_token_integer(const od_token *token, int *negative, uint64_t *magnitude);
/* What Python's float() takes, and a trailing f: 1, .5, 1e-3, 2.0f, inf, -infinity, nan. */
od_number_status od_token_float(const od_token *token, double *value);
/* true, True, t, 1, false, False, f, 0; returns 0 for anything else. */
int od_token_bool(const od_token *token, int *value);
/* Appends the bytes that a string token stands for. NULL, or what is wrong with it. \u escapes give UTF-8;
 * an unknown escape stands for itself ("\d" is a backslash and a d), as in the OD API. */
const char *od_token_string(const od_token *token, od_strbuf *out);

int od_utf8_valid(const char *text, size_t size);

#endif
