/* SPDX-License-Identifier: Apache-2.0 */
#include "data/csv_lines.h"

#include "util/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void od_csv_init(od_csv *csv, const char *bytes, size_t size, const char *path)
{
    *csv = (od_csv){.p = bytes, .end = bytes + size, .path = path, .next_line = 1};
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) csv->p += 3;
}

void od_csv_deinit(od_csv *csv)
{
    od_free(csv->text);
    *csv = (od_csv){0};
}

od_status od_csv_fail(const od_csv *csv, const char *what, const char *value, od_error *err)
{
    return od_error_set(err, OD_ERR_FORMAT, "%s:%lld: %s%s%.100s%s", csv->path, (long long)csv->line, what, value ? " \"" : "",
                        value ? value : "", value ? "\"" : "");
}

/* A growing text that remembers a failed allocation. */
static void put(od_csv *csv, char c)
{
    if (csv->failed || od_grow(&csv->text, &csv->text_capacity, csv->used + 1, 1)) {
        csv->failed = 1;
        return;
    }
    csv->text[csv->used++] = c;
}

static od_status take_quoted(od_csv *csv, od_error *err)
{
    for (csv->p++;; csv->p++) {
        if (csv->p == csv->end) return od_csv_fail(csv, "a quotation mark is not closed", NULL, err);
        if (*csv->p == '"') {
            if (csv->p + 1 == csv->end || csv->p[1] != '"') break;
            csv->p++;
        }
        if (*csv->p == '\n') csv->next_line++;
        put(csv, *csv->p);
    }
    csv->p++;
    return OD_OK;
}

/* Appends a field with its zero; moves csv->p behind it. */
static od_status take_field(od_csv *csv, od_error *err)
{
    size_t start = csv->used;
    if (csv->p < csv->end && *csv->p == '"') {
        OD_TRY(take_quoted(csv, err));
    } else {
        while (csv->p < csv->end && *csv->p != ',' && *csv->p != '\n') put(csv, *csv->p++);
        while (csv->used > start && isspace((unsigned char)csv->text[csv->used - 1])) csv->used--;
    }
    if (csv->used > start && memchr(csv->text + start, 0, csv->used - start)) return od_csv_fail(csv, "a zero byte in the text", NULL, err);
    put(csv, 0);
    while (csv->p < csv->end && (*csv->p == '\r' || *csv->p == ' ')) csv->p++;
    if (csv->p < csv->end && *csv->p != ',' && *csv->p != '\n') return od_csv_fail(csv, "text follows a closing quotation mark", NULL, err);
    return csv->failed ? od_error_nomem(err, csv->path) : OD_OK;
}

od_status od_csv_next(od_csv *csv, int *more, od_error *err)
{
    size_t starts[OD_CSV_MAX_COLUMNS];
    csv->field_count = 0;
    csv->used = 0;
    *more = csv->p < csv->end;
    if (!*more) return OD_OK;
    csv->line = csv->next_line++;
    int count = 0;
    while (csv->p < csv->end) {
        if (count == OD_CSV_MAX_COLUMNS) return od_csv_fail(csv, "more than 64 columns", NULL, err);
        starts[count++] = csv->used;
        OD_TRY(take_field(csv, err));
        if (csv->p == csv->end || *csv->p++ == '\n') break;
    }
    for (int f = 0; f < count; f++) csv->fields[f] = csv->text + starts[f];
    csv->field_count = count == 1 && !*csv->fields[0] ? 0 : count;
    return OD_OK;
}

int od_csv_find(const od_csv *csv, const char *column)
{
    int found = -1;
    for (int f = 0; f < csv->field_count; f++)
        if (!strcasecmp(csv->fields[f], column)) found = f;
    return found;
}

const char *od_csv_field(const od_csv *csv, int column)
{
    return column >= 0 && column < csv->field_count ? csv->fields[column] : "";
}

od_status od_csv_number(const od_csv *csv, int index, const char *column, double *out, od_error *err)
{
    const char *text = od_csv_field(csv, index);
    char *end;
    *out = strtod(text, &end);
    if (end != text && !*end) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s:%lld: %s is \"%.60s\"; expected a number", csv->path, (long long)csv->line, column, text);
}
