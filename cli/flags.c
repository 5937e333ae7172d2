/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"

#include "objdet/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void print_help(const cli_flag *flags, const cli_usage *usage)
{
    printf("usage: objdet %s\n\n%s\n", usage->synopsis, usage->about);
    static const char *const kinds[] = {"=TEXT", "=N", "=X", "", "=TEXT (repeatable)"};
    if (flags[0].name) printf("\nflags:\n");
    for (const cli_flag *f = flags; f->name; f++) {
        if (!f->help) continue;
        char left[80];
        snprintf(left, sizeof left, "--%s%s", f->name, kinds[f->kind]);
        printf("  %-34s %s\n", left, f->help);
    }
    if (usage->examples) printf("\nexamples:\n%s", usage->examples);
}

/* Levenshtein distance of two short names. */
static int edit_distance(const char *a, const char *b)
{
    int row[64], n = (int)strlen(b);
    if (n > 62) return 99;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), up = row[j] + 1, left = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < up ? (change < left ? change : left) : (up < left ? up : left);
        }
    }
    return row[n];
}

static int unknown_flag(const char *name, const cli_flag *flags, const char *command)
{
    const char *nearest = NULL;
    int best = 4;
    for (const cli_flag *f = flags; f->name; f++) {
        int d = f->help ? edit_distance(name, f->name) : 99;
        if (d < best) best = d, nearest = f->name;
    }
    fprintf(stderr, "objdet %s: error: unknown flag --%s", command, name);
    if (nearest) fprintf(stderr, " (did you mean --%s?)", nearest);
    fprintf(stderr, "; see objdet %s --help\n", command);
    return 2;
}

static int bad_value(const cli_flag *f, const char *value, const char *expected, const char *command)
{
    fprintf(stderr, "objdet %s: error: --%s=%s: expected %s\n", command, f->name, value, expected);
    return 2;
}

static int parse_bool(const char *v, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "t", "y"}, *const no[] = {"false", "0", "no", "f", "n"};
    for (int i = 0; i < 5; i++) {
        if (!strcasecmp(v, yes[i])) return *out = true, 1;
        if (!strcasecmp(v, no[i])) return *out = false, 1;
    }
    return 0;
}

static int set_value(const cli_flag *f, const char *v, const char *command)
{
    char *end;
    errno = 0;
    switch (f->kind) {
    case CLI_STRING: *(const char **)f->value = v; return -1;
    case CLI_STRINGS: {
        cli_strings *list = f->value;
        const char **grown = realloc(list->items, (size_t)(list->count + 1) * sizeof *grown);
        if (!grown) return 2;
        list->items = grown;
        list->items[list->count++] = v;
        return -1;
    }
    case CLI_INT: {
        long long n = strtoll(v, &end, 10);
        if (*end || end == v || errno) return bad_value(f, v, "a whole number", command);
        *(int64_t *)f->value = n;
        return -1;
    }
    case CLI_DOUBLE: {
        double x = strtod(v, &end);
        if (*end || end == v || errno) return bad_value(f, v, "a number", command);
        *(double *)f->value = x;
        return -1;
    }
    case CLI_BOOL: return parse_bool(v, f->value) ? -1 : bad_value(f, v, "true or false", command);
    }
    return 2;
}

static const cli_flag *find_flag(const cli_flag *flags, const char *name, size_t length)
{
    for (const cli_flag *f = flags; f->name; f++)
        if (strlen(f->name) == length && !strncmp(f->name, name, length)) return f;
    return NULL;
}

int cli_flags_parse(int argc, char **argv, const cli_flag *flags, const cli_usage *usage, int *positional)
{
    const char *command = argv[0];
    int kept = 0, only_positional = 0;
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (only_positional || arg[0] != '-' || !arg[1]) {
            if (!positional) {
                fprintf(stderr, "objdet %s: error: unexpected argument '%s'; see objdet %s --help\n", command, arg, command);
                return 2;
            }
            argv[1 + kept++] = arg;
            continue;
        }
        if (!strcmp(arg, "--")) {
            only_positional = 1;
            continue;
        }
        char *name = arg + (arg[1] == '-' ? 2 : 1), *equals = strchr(name, '=');
        size_t length = equals ? (size_t)(equals - name) : strlen(name);
        if (!strcmp(name, "help") || !strcmp(name, "h")) {
            print_help(flags, usage);
            return 0;
        }
        const cli_flag *f = find_flag(flags, name, length);
        const char *value = equals ? equals + 1 : NULL;
        if (!f && length > 2 && !strncmp(name, "no", 2) && !equals) {
            f = find_flag(flags, name + 2, length - 2);
            if (f && f->kind != CLI_BOOL) f = NULL;
            value = "false";
        }
        if (!f) {
            char text[128];
            snprintf(text, sizeof text, "%.*s", (int)length, name);
            return unknown_flag(text, flags, command);
        }
        if (!value && f->kind == CLI_BOOL) value = "true";
        if (!value && i + 1 < argc) value = argv[++i];
        if (!value) {
            fprintf(stderr, "objdet %s: error: --%s needs a value\n", command, f->name);
            return 2;
        }
        int code = set_value(f, value, command);
        if (code >= 0) return code;
    }
    if (positional) *positional = kept;
    return -1;
}

void cli_strings_free(cli_strings *list)
{
    free(list->items);
    list->items = NULL;
    list->count = 0;
}

int cli_fail(const od_error *err)
{
    fprintf(stderr, "objdet: error: %s\n", err->message[0] ? err->message : od_status_text(err->status));
    return err->status == OD_ERR_ARG ? 2 : 1;
}
