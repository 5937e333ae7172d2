/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of scalar tokens: integers, floats, booleans and quoted strings (declared in text_lexer.h).
 */
#include "config/text_lexer.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_MAX = 400 }; /* characters; longer numbers are refused */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* Copies the token without the underscores that Python allows between digits; 0 when one stands elsewhere. */
static int copy_number(const od_token *token, char out[NUMBER_MAX + 1])
{
    size_t n = 0;
    if (token->size > NUMBER_MAX) return 0;
    for (size_t i = 0; i < token->size; i++) {
        char c = token->text[i];
        if (c != '_') {
            out[n++] = c;
        } else if (i == 0 || i + 1 == token->size || digit_value(token->text[i - 1]) > 35 ||
                   digit_value(token->text[i + 1]) > 35) {
            return 0;
        }
    }
    out[n] = 0;
    return n > 0;
}

/* Python's bases, and C's octal: 0755. Moves *p past the prefix. */
static int number_base(const char **p)
{
    const char *s = *p;
    if (s[0] != '0' || !s[1]) return 10;
    switch (s[1] | 0x20) {
    case 'x': *p += 2; return 16;
    case 'o': *p += 2; return 8;
    case 'b': *p += 2; return 2;
    default: *p += 1; return 8;
    }
}

od_number_status od_token_integer(const od_token *token, int *negative, uint64_t *magnitude)
{
    char text[NUMBER_MAX + 1];
    if (!copy_number(token, text)) return OD_NUMBER_MALFORMED;
    const char *p = text;
    int minus = *p == '-', overflow = 0;
    if (*p == '-' || *p == '+') p++;
    int base = number_base(&p);
    if (!*p) return OD_NUMBER_MALFORMED;
    uint64_t value = 0;
    for (; *p; p++) {
        int d = digit_value(*p);
        if (d >= base) return OD_NUMBER_MALFORMED;
        if (value > (UINT64_MAX - (uint64_t)d) / (uint64_t)base) overflow = 1;
        value = value * (uint64_t)base + (uint64_t)d;
    }
    if (overflow) return OD_NUMBER_RANGE;
    *negative = minus;
    *magnitude = value;
    return OD_NUMBER_OK;
}

/* inf, infinity, nan, with or without an f behind; 1 and *value when it is one. */
static int special_float(const char *p, double *value)
{
    int minus = *p == '-';
    if (*p == '-' || *p == '+') p++;
    static const struct {
        const char *name;
        double value;
    } names[] = {{"inf", INFINITY}, {"infinity", INFINITY}, {"nan", NAN}};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(names[i].name);
        if (strncasecmp(p, names[i].name, n)) continue;
        if (p[n] && strcasecmp(p + n, "f")) continue;
        *value = minus ? -names[i].value : names[i].value;
        return 1;
    }
    return 0;
}

/* Moves *p past decimal digits; whether there were any. */
static int skip_digits(const char **p)
{
    const char *start = *p;
    while (**p >= '0' && **p <= '9') ++*p;
    return *p > start;
}

/* [sign] digits [. digits] [e [sign] digits], with a digit before the e: what strtod may then read. */
static int is_decimal(const char *p)
{
    if (*p == '-' || *p == '+') p++;
    int digits = skip_digits(&p);
    if (*p == '.') {
        p++;
        digits |= skip_digits(&p);
    }
    if (!digits) return 0;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '-' || *p == '+') p++;
        if (!skip_digits(&p)) return 0;
    }
    return !*p;
}

od_number_status od_token_float(const od_token *token, double *value)
{
    char text[NUMBER_MAX + 1];
    if (!copy_number(token, text)) return OD_NUMBER_MALFORMED;
    if (special_float(text, value)) return OD_NUMBER_OK;
    size_t n = strlen(text);
    while (n && text[n - 1] == 'f') text[--n] = 0;
    if (!is_decimal(text)) return OD_NUMBER_MALFORMED;
    char *point = strchr(text, '.');
    if (point) *point = localeconv()->decimal_point[0]; /* strtod follows the program's locale */
    *value = strtod(text, NULL);
    return OD_NUMBER_OK;
}

int od_token_bool(const od_token *token, int *value)
{
    static const char *const yes[] = {"true", "True", "t", "1"}, *const no[] = {"false", "False", "f", "0"};
    for (int i = 0; i < 4; i++) {
        if (od_token_equals(token, yes[i])) return *value = 1, 1;
        if (od_token_equals(token, no[i])) return *value = 0, 1;
    }
    return 0;
}

static void append_byte(od_strbuf *out, uint32_t byte)
{
    char c = (char)byte;
    od_strbuf_append(out, &c, 1);
}

static void append_utf8(od_strbuf *out, uint32_t c)
{
    if (c < 0x80) {
        append_byte(out, c);
        return;
    }
    static const uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; /* continuation bytes, 6 bits each */
    append_byte(out, lead[more] | c >> (6 * more));
    while (more-- > 0) append_byte(out, 0x80 | (c >> (6 * more) & 0x3f));
}

/* Reads up to `max` digits of the base; their count. */
static int read_digits(const char *p, const char *end, int max, int base, uint32_t *value)
{
    int n = 0;
    *value = 0;
    for (; n < max && p + n < end && digit_value(p[n]) < base; n++)
        *value = *value * (uint32_t)base + (uint32_t)digit_value(p[n]);
    return n;
}

static const char *append_numeric_escape(const char **p, const char *end, od_strbuf *out)
{
    uint32_t value;
    char c = **p;
    if (c >= '0' && c <= '7') {
        *p += read_digits(*p, end, 3, 8, &value);
        if (value > 255) return "has an octal escape above \\377";
        append_byte(out, value);
        return NULL;
    }
    int want = c == 'x' ? 2 : c == 'u' ? 4 : 8, n = read_digits(*p + 1, end, want, 16, &value);
    *p += 1 + n;
    if (c == 'x') {
        if (!n) return "has \\x without hexadecimal digits";
        append_byte(out, value);
        return NULL;
    }
    if (n != want) return c == 'u' ? "has \\u without four hexadecimal digits" : "has \\U without eight hexadecimal digits";
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return "has an escape that is no Unicode character";
    append_utf8(out, value);
    return NULL;
}

/* *p stands behind the backslash, before `end`; moves it past the escape. */
static const char *append_escape(const char **p, const char *end, od_strbuf *out)
{
    static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    char c = **p;
    const char *named = c ? strchr(names, c) : NULL;
    if (named) {
        append_byte(out, (unsigned char)values[named - names]);
        ++*p;
        return NULL;
    }
    if ((c >= '0' && c <= '7') || c == 'x' || c == 'u' || c == 'U') return append_numeric_escape(p, end, out);
    if (c == 'N') return "has \\N, which names no character here (write the character itself)";
    append_byte(out, '\\');
    return NULL;
}

const char *od_token_string(const od_token *token, od_strbuf *out)
{
    if (token->size < 2 || token->text[token->size - 1] != token->text[0]) return "has no closing quote on its line";
    const char *p = token->text + 1, *end = token->text + token->size - 1;
    while (p < end) {
        if (*p != '\\') {
            append_byte(out, (unsigned char)*p++);
            continue;
        }
        if (++p == end) return "has no closing quote on its line";
        const char *wrong = append_escape(&p, end, out);
        if (wrong) return wrong;
    }
    return NULL;
}
