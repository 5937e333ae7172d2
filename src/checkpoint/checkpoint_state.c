/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint_state.h"

#include "util/alloc.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void od_checkpoint_state_deinit(od_checkpoint_state *s)
{
    for (size_t i = 0; i < s->path_count; i++) od_free(s->paths[i]);
    od_free(s->paths);
    od_free(s->times);
    od_free(s->newest);
    *s = (od_checkpoint_state){0};
}

int od_checkpoint_state_set_newest(od_checkpoint_state *s, const char *path)
{
    char *copy = od_strdup(path);
    if (!copy) return -1;
    od_free(s->newest);
    s->newest = copy;
    return 0;
}

static int add_path(od_checkpoint_state *s, const char *path)
{
    if (od_grow(&s->paths, &s->path_capacity, s->path_count + 1, sizeof *s->paths)) return -1;
    char *copy = od_strdup(path);
    if (!copy) return -1;
    s->paths[s->path_count++] = copy;
    return 0;
}

static int add_time(od_checkpoint_state *s, double time)
{
    if (od_grow(&s->times, &s->time_capacity, s->time_count + 1, sizeof *s->times)) return -1;
    s->times[s->time_count++] = time;
    return 0;
}

int od_checkpoint_state_add(od_checkpoint_state *s, const char *path, double time)
{
    return add_path(s, path) || add_time(s, time) ? -1 : 0;
}

/* ---- reading ---- */

typedef struct reader {
    const char *name, *p, *end;
    int line;
} reader;

static od_status complain(const reader *r, od_error *err, const char *expected)
{
    if (r->p >= r->end) return od_error_set(err, OD_ERR_FORMAT, "%s:%d: the file ends where %s is expected", r->name, r->line, expected);
    return od_error_set(err, OD_ERR_FORMAT, "%s:%d: '%c' where %s is expected", r->name, r->line, isprint((unsigned char)*r->p) ? *r->p : '?', expected);
}

/* Spaces, separators and comments. */
static void skip_space(reader *r)
{
    for (; r->p < r->end; r->p++) {
        if (*r->p == '#')
            while (r->p + 1 < r->end && r->p[1] != '\n') r->p++;
        else if (*r->p == '\n')
            r->line++;
        else if (!isspace((unsigned char)*r->p) && *r->p != ',' && *r->p != ';')
            return;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to `max` digits of base 8 or 16. */
static char read_code(reader *r, int base, int max)
{
    int code = 0;
    for (int i = 0; i < max && r->p < r->end; i++) {
        int digit = hex_digit(*r->p);
        if (digit < 0 || digit >= base) break;
        code = code * base + digit;
        r->p++;
    }
    return (char)(unsigned char)code;
}

/* After a backslash. */
static char read_escape(reader *r)
{
    static const char names[] = "abfnrtv", codes[] = "\a\b\f\n\r\t\v";
    char c = *r->p;
    if (c >= '0' && c <= '7') return read_code(r, 8, 3);
    r->p++;
    if (c == 'x' || c == 'X') return read_code(r, 16, 2);
    const char *known = c ? strchr(names, c) : NULL;
    return known ? codes[known - names] : c;
}

/* A quoted string into `out` (emptied first). */
static od_status read_string(reader *r, od_strbuf *out, od_error *err)
{
    char quote = *r->p++;
    out->size = 0;
    od_strbuf_append(out, "", 0);
    while (r->p < r->end && *r->p != quote && *r->p != '\n') {
        char c = *r->p++;
        if (c == '\\' && r->p < r->end) c = read_escape(r);
        if (c == 0) return od_error_set(err, OD_ERR_FORMAT, "%s:%d: a NUL in a path", r->name, r->line);
        od_strbuf_append(out, &c, 1);
    }
    if (r->p >= r->end || *r->p != quote) return complain(r, err, "a closing quote");
    r->p++;
    return od_strbuf_failed(out) ? od_error_nomem(err, r->name) : OD_OK;
}

static od_status read_number(reader *r, double *out, od_error *err)
{
    char text[64], *stop;
    size_t n = 0;
    while (r->p + n < r->end && n < sizeof text - 1 && (isalnum((unsigned char)r->p[n]) || strchr("+-.", r->p[n] ? r->p[n] : 'x'))) n++;
    memcpy(text, r->p, n);
    text[n] = 0;
    *out = strtod(text, &stop);
    if (n == 0 || *stop || !isfinite(*out)) return complain(r, err, "a number");
    r->p += n;
    return OD_OK;
}

static od_status store_string(od_checkpoint_state *s, const char *field, const char *value, const reader *r, od_error *err)
{
    int failed = 0;
    if (!strcmp(field, "model_checkpoint_path")) failed = od_checkpoint_state_set_newest(s, value);
    if (!strcmp(field, "all_model_checkpoint_paths")) failed = add_path(s, value);
    return failed ? od_error_nomem(err, r->name) : OD_OK;
}

static od_status store_number(od_checkpoint_state *s, const char *field, double value, const reader *r, od_error *err)
{
    int failed = 0;
    if (!strcmp(field, "last_preserved_timestamp")) s->last_preserved = value;
    if (!strcmp(field, "all_model_checkpoint_timestamps")) failed = add_time(s, value);
    return failed ? od_error_nomem(err, r->name) : OD_OK;
}

/* One "field: value". */
static od_status read_field(reader *r, od_checkpoint_state *s, od_strbuf *text, od_error *err)
{
    char field[64];
    size_t n = 0;
    while (r->p + n < r->end && n < sizeof field - 1 && (isalnum((unsigned char)r->p[n]) || r->p[n] == '_')) n++;
    if (n == 0) return complain(r, err, "a field such as model_checkpoint_path");
    memcpy(field, r->p, n);
    field[n] = 0;
    r->p += n;
    skip_space(r);
    if (r->p >= r->end || *r->p != ':') return complain(r, err, "':'");
    r->p++;
    skip_space(r);
    if (r->p < r->end && (*r->p == '"' || *r->p == '\'')) {
        OD_TRY(read_string(r, text, err));
        return store_string(s, field, text->data, r, err);
    }
    if (strstr(field, "path")) return complain(r, err, "a quoted path");
    double number = 0;
    OD_TRY(read_number(r, &number, err));
    return store_number(s, field, number, r, err);
}

od_status od_checkpoint_state_parse(od_checkpoint_state *out, const char *name, const char *text, size_t size, od_error *err)
{
    reader r = {name, text, text + size, 1};
    od_checkpoint_state state = {0};
    od_strbuf value = {0};
    od_status status = OD_OK;
    for (skip_space(&r); status == OD_OK && r.p < r.end; skip_space(&r)) status = read_field(&r, &state, &value, err);
    if (status == OD_OK && (!state.newest || !state.newest[0]))
        status = od_error_set(err, OD_ERR_FORMAT, "%s: no model_checkpoint_path", name);
    od_strbuf_deinit(&value);
    if (status == OD_OK)
        *out = state;
    else
        od_checkpoint_state_deinit(&state);
    return status;
}

/* ---- writing ---- */

static void put_path(od_strbuf *out, const char *field, const char *path)
{
    od_strbuf_printf(out, "%s: \"", field);
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if (c == '"' || c == '\\')
            od_strbuf_printf(out, "\\%c", c);
        else if (c < 32 || c == 127)
            od_strbuf_printf(out, "\\%03o", c);
        else
            od_strbuf_append(out, path, 1);
    }
    od_strbuf_puts(out, "\"\n");
}

void od_checkpoint_state_format(const od_checkpoint_state *s, od_strbuf *out)
{
    put_path(out, "model_checkpoint_path", s->newest);
    for (size_t i = 0; i < s->path_count; i++) put_path(out, "all_model_checkpoint_paths", s->paths[i]);
    for (size_t i = 0; i < s->time_count; i++) od_strbuf_printf(out, "all_model_checkpoint_timestamps: %.17g\n", s->times[i]);
    if (s->last_preserved != 0) od_strbuf_printf(out, "last_preserved_timestamp: %.17g\n", s->last_preserved);
}
