/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text_lexer.h"

#include <string.h>

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t utf8_length(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if ((first & 0xf0) == 0xe0) return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Length of the UTF-8 sequence at p and its code point; 0 when it is broken. */
static size_t decode_utf8(const char *p, const char *end, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t n = utf8_length(s[0]);
    if (!n || (size_t)(end - p) < n) return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000)) return 0;
    *code = c;
    return n;
}

int od_utf8_valid(const char *text, size_t size)
{
    const char *end = text + size;
    uint32_t code;
    while (text < end) {
        size_t n = decode_utf8(text, end, &code);
        if (!n) return 0;
        text += n;
    }
    return 1;
}

/* What \s matches in Python's re for str, which includes the no-break spaces that web pages leave in configs. */
static int is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static void skip_space(od_text_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        uint32_t code = 0;
        size_t n = decode_utf8(lexer->at, lexer->end, &code);
        if (code == '#') {
            const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
            lexer->at = newline ? newline : lexer->end;
            continue;
        }
        if (!n || !is_space(code)) return;
        lexer->at += n;
        if (code == '\n') {
            lexer->line++;
            lexer->line_start = lexer->at;
        }
    }
}

static const char *string_end(const char *p, const char *end)
{
    char quote = *p++;
    while (p < end && *p != '\n') {
        if (*p == quote) return p + 1;
        p += *p == '\\' && p + 1 < end && p[1] != '\n' ? 2 : 1;
    }
    return p;
}

static const char *word_end(const char *p, const char *end, int number)
{
    while (p < end && (is_letter(*p) || is_digit(*p) || *p == '+' || *p == '-' || (number && *p == '.'))) p++;
    return p;
}

/* The kind of the token at p < end, and where it stops. */
static od_token_kind classify(const char *p, const char *end, const char **stop)
{
    if (is_letter(*p)) {
        *stop = word_end(p, end, 0);
        return OD_TOKEN_NAME;
    }
    if (is_digit(*p) || *p == '+' || *p == '-' || (*p == '.' && p + 1 < end && is_digit(p[1]))) {
        *stop = word_end(p, end, 1);
        return OD_TOKEN_NUMBER;
    }
    if (*p == '"' || *p == '\'') {
        *stop = string_end(p, end);
        return OD_TOKEN_STRING;
    }
    uint32_t code;
    size_t n = decode_utf8(p, end, &code);
    *stop = p + (n ? n : 1);
    return OD_TOKEN_SYMBOL;
}

void od_text_lexer_next(od_text_lexer *lexer)
{
    lexer->previous_line = lexer->token.line;
    skip_space(lexer);
    od_token *token = &lexer->token;
    const char *stop = lexer->at;
    token->text = lexer->at;
    token->line = lexer->line;
    lexer->token_line = lexer->line_start;
    token->kind = lexer->at == lexer->end ? OD_TOKEN_END : classify(lexer->at, lexer->end, &stop);
    token->size = (size_t)(stop - lexer->at);
    lexer->at = stop;
}

void od_text_lexer_init(od_text_lexer *lexer, const char *text, size_t size)
{
    *lexer = (od_text_lexer){.at = text, .end = text + size, .line_start = text, .line = 1};
    lexer->token.line = 1;
    od_text_lexer_next(lexer);
}

int od_text_lexer_at(const od_text_lexer *lexer, char symbol)
{
    return lexer->token.kind == OD_TOKEN_SYMBOL && lexer->token.text[0] == symbol;
}

int od_text_column(const char *line_start, const char *at)
{
    int column = 1;
    for (const char *p = line_start; p < at; p++) column += (*p & 0xc0) != 0x80;
    return column;
}

int od_token_equals(const od_token *token, const char *text)
{
    return token->size == strlen(text) && !memcmp(token->text, text, token->size);
}
