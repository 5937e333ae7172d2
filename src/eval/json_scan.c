/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/json_scan.h"

#include "eval/json_number.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 512 };

void od_json_init(od_json *j, const void *bytes, size_t size)
{
    *j = (od_json){bytes, bytes, (const char *)bytes + size, NULL};
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) j->p += 3; /* a byte-order mark */
}

static int fail(od_json *j, const char *problem)
{
    if (!j->problem) j->problem = problem;
    return 0;
}

static inline void skip_space(od_json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t')) j->p++;
}

char od_json_peek(od_json *j)
{
    skip_space(j);
    if (j->p == j->end) return 0;
    char c = *j->p;
    if ((c >= '0' && c <= '9') || c == '-' || c == 'N' || c == 'I') return '0';
    return c == '{' || c == '[' || c == '"' || c == 'n' || c == 't' || c == 'f' ? c : 0;
}

const char *od_json_kind_name(char kind)
{
    switch (kind) {
    case '{': return "an object";
    case '[': return "an array";
    case '"': return "a string";
    case '0': return "a number";
    case 'n': return "null";
    case 't': return "true";
    case 'f': return "false";
    default: return "nothing valid";
    }
}

int od_json_enter(od_json *j, char open)
{
    skip_space(j);
    if (j->p == j->end || *j->p != open) return fail(j, open == '[' ? "expected an array" : "expected an object") - 1;
    j->p++;
    skip_space(j);
    if (j->p == j->end) return fail(j, "the file ends here, inside an array or object") - 1;
    if (*j->p != (open == '[' ? ']' : '}')) return 1;
    j->p++;
    return 0;
}

int od_json_next(od_json *j, char close)
{
    skip_space(j);
    if (j->p == j->end) return fail(j, "the file ends here, inside an array or object") - 1;
    if (*j->p == close) {
        j->p++;
        return 0;
    }
    if (*j->p != ',') return fail(j, close == ']' ? "expected ',' or ']'" : "expected ',' or '}'") - 1;
    j->p++;
    skip_space(j);
    return 1;
}

static int is_hex(const char *p, int n)
{
    for (int i = 0; i < n; i++)
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f') || (p[i] >= 'A' && p[i] <= 'F'))) return 0;
    return 1;
}

/* Well-formed UTF-8 (no overlong forms, surrogates or values above 10FFFF). */
static int is_utf8(const unsigned char *p, const unsigned char *end)
{
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        int n = *p >= 0xc2 && *p <= 0xdf ? 1 : (*p & 0xf0) == 0xe0 ? 2 : *p >= 0xf0 && *p <= 0xf4 ? 3 : 0;
        if (!n || end - p <= n) return 0;
        for (int i = 1; i <= n; i++)
            if ((p[i] & 0xc0) != 0x80) return 0;
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
            (*p == 0xf4 && p[1] > 0x8f))
            return 0;
        p += n + 1;
    }
    return 1;
}

int od_json_string(od_json *j, od_json_text *text)
{
    skip_space(j);
    if (j->p == j->end || *j->p != '"') return fail(j, "expected a string");
    const char *p = j->p + 1, *begin = p;
    unsigned char high = 0;
    int escaped = 0;
    for (; p < j->end && *p != '"'; p++) {
        unsigned char c = (unsigned char)*p;
        high |= c;
        if (c < 0x20) return j->p = p, fail(j, "control character in a string");
        if (c != '\\') continue;
        escaped = 1;
        if (++p == j->end) break;
        if (!*p || !strchr("\"\\/bfnrtu", *p)) return j->p = p, fail(j, "unknown escape in a string");
        if (*p != 'u') continue;
        if (j->end - p < 5 || !is_hex(p + 1, 4)) return j->p = p, fail(j, "\\u needs four hexadecimal digits");
        p += 4;
    }
    if (p >= j->end) return j->p = j->end, fail(j, "the file ends here, inside a string");
    if (high >= 0x80 && !is_utf8((const unsigned char *)begin, (const unsigned char *)p))
        return j->p = begin, fail(j, "string is not valid UTF-8");
    *text = (od_json_text){begin, (size_t)(p - begin), escaped};
    j->p = p + 1;
    return 1;
}

int od_json_key(od_json *j, od_json_text *key)
{
    if (!od_json_string(j, key)) return 0;
    skip_space(j);
    if (j->p == j->end || *j->p != ':') return fail(j, "expected ':' after a key");
    j->p++;
    return 1;
}

static int take_word(od_json *j, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n)) return 0;
    j->p += n;
    return 1;
}

/* What json.dumps writes for values that aren't finite. */
static int read_word_number(od_json *j, int negative, od_json_number *out)
{
    double v = take_word(j, "NaN") ? NAN : take_word(j, "Infinity") ? INFINITY : 0;
    if (v == 0) return fail(j, "expected a number");
    *out = (od_json_number){negative ? -v : v, 0, 0};
    return 1;
}

/* The parts of a number as written. */
typedef struct decimal {
    uint64_t digits;
    int count, exponent; /* count: significant digits in `digits`; more were dropped when `truncated` */
    int truncated;
} decimal;

static inline const char *read_digits(const char *p, const char *end, decimal *d, int fraction)
{
    for (; p < end && (unsigned)(*p - '0') < 10; p++) {
        if (d->count < 19) {
            d->digits = d->digits * 10 + (unsigned)(*p - '0');
            d->count += d->digits != 0;
            d->exponent -= fraction;
        } else {
            d->truncated = 1;
        }
    }
    return p;
}

static const char *read_exponent(od_json *j, const char *p, decimal *d)
{
    int negative = 0, value = 0;
    p++;
    if (p < j->end && (*p == '+' || *p == '-')) negative = *p++ == '-';
    if (p == j->end || (unsigned)(*p - '0') >= 10) return NULL;
    for (; p < j->end && (unsigned)(*p - '0') < 10; p++)
        if (value < 100000) value = value * 10 + (*p - '0');
    d->exponent += negative ? -value : value;
    return p;
}

static void set_integer(const decimal *d, int negative, int plain, od_json_number *out)
{
    if (plain && !d->truncated && d->digits <= INT64_MAX) {
        out->integer = negative ? -(int64_t)d->digits : (int64_t)d->digits;
        out->is_integer = 1;
    } else if (fabs(out->value) <= 9007199254740992.0 && out->value == floor(out->value)) {
        out->integer = (int64_t)out->value;
        out->is_integer = 1;
    }
}

int od_json_read_number(od_json *j, od_json_number *out)
{
    skip_space(j);
    int negative = j->p < j->end && *j->p == '-', plain = 1;
    j->p += negative;
    if (j->p < j->end && (*j->p == 'N' || *j->p == 'I')) return read_word_number(j, negative, out);
    const char *begin = j->p, *p = begin;
    decimal d = {0};
    p = read_digits(p, j->end, &d, 0);
    if (p == begin) return fail(j, "expected a number");
    if (*begin == '0' && p - begin > 1) return fail(j, "a number may not start with 0");
    if (p < j->end && *p == '.') {
        const char *dot = p++;
        p = read_digits(p, j->end, &d, 1);
        if (p == dot + 1) return j->p = p, fail(j, "a digit must follow the decimal point");
        plain = 0;
    }
    if (p < j->end && (*p == 'e' || *p == 'E')) {
        const char *e = p;
        if (!(p = read_exponent(j, p, &d))) return j->p = e, fail(j, "an exponent needs digits");
        plain = 0;
    }
    *out = (od_json_number){0};
    if (!od_decimal_to_double(d.digits, d.exponent, d.truncated, begin, (unsigned long)(p - begin), &out->value))
        return fail(j, "out of memory");
    if (negative) out->value = -out->value;
    set_integer(&d, negative, plain, out);
    j->p = p;
    return 1;
}

/* Keeps its own stack, a bit per level, so that deep nesting can't exhaust the C stack. */
int od_json_skip(od_json *j)
{
    uint64_t objects[MAX_DEPTH / 64] = {0};
    int depth = 0;
    for (;;) {
        od_json_text text;
        od_json_number number;
        char kind = od_json_peek(j);
        int more = 0;
        if (kind == '{' || kind == '[') {
            if (depth == MAX_DEPTH) return fail(j, "nested too deeply");
            if ((more = od_json_enter(j, kind)) < 0) return 0;
            uint64_t bit = 1ull << (depth % 64), *word = &objects[depth / 64];
            *word = kind == '{' ? *word | bit : *word & ~bit;
            depth += more;
        } else if (kind == '"' ? !od_json_string(j, &text)
                   : kind == '0' ? !od_json_read_number(j, &number)
                                 : !take_word(j, "null") && !take_word(j, "true") && !take_word(j, "false")) {
            return fail(j, j->p == j->end ? "the file ends here; expected a value" : "expected a value");
        }
        /* Leave what is complete; stop before the next element. */
        while (depth > 0 && !more) {
            int is_object = objects[(depth - 1) / 64] >> ((depth - 1) % 64) & 1;
            if ((more = od_json_next(j, is_object ? '}' : ']')) < 0) return 0;
            depth -= !more;
        }
        if (depth == 0) return 1;
        if ((objects[(depth - 1) / 64] >> ((depth - 1) % 64) & 1) && !od_json_key(j, &text)) return 0;
    }
}

int od_json_finish(od_json *j)
{
    skip_space(j);
    return j->p == j->end ? 1 : fail(j, "unexpected text after the end of the document");
}

static unsigned hex4(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) v = v * 16 + (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return v;
}

static size_t put_utf8(char *out, unsigned c)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* The code point of the \uXXXX at p (after the u), joining surrogate pairs; U+FFFD for a lone one. */
static unsigned read_unicode(const char **p, const char *end)
{
    unsigned c = hex4(*p);
    *p += 4;
    if (c >= 0xd800 && c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        unsigned low = hex4(*p + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            *p += 6;
            return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return c >= 0xd800 && c < 0xe000 ? 0xfffd : c;
}

char *od_json_text_copy(const od_json_text *text)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *copy = od_malloc(text->size + 1, 1);
    if (!copy) return NULL;
    const char *p = text->bytes, *end = p + text->size;
    size_t n = 0;
    while (p < end) {
        if (*p != '\\') {
            copy[n++] = *p++;
        } else if (p[1] != 'u') {
            copy[n++] = to[strchr(from, p[1]) - from];
            p += 2;
        } else {
            p += 2;
            unsigned c = read_unicode(&p, end);
            if (!c) return od_free(copy), NULL;
            n += put_utf8(copy + n, c);
        }
    }
    copy[n] = 0;
    return copy;
}

int od_json_text_is(const od_json_text *text, const char *expected)
{
    size_t n = strlen(expected);
    if (!text->escaped) return text->size == n && !memcmp(text->bytes, expected, n);
    char *copy = od_json_text_copy(text);
    int same = copy && !strcmp(copy, expected);
    od_free(copy);
    return same;
}

size_t od_json_line(const od_json *j, const char *at)
{
    size_t line = 1;
    for (const char *p = j->start; p < at; p++) line += *p == '\n';
    return line;
}
