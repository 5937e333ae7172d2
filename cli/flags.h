/* SPDX-License-Identifier: Apache-2.0
 *
 * Command-line flags: --name=value, --name value, and absl's booleans (--name, --noname, --name=true).
 */
#ifndef CLI_FLAGS_H
#define CLI_FLAGS_H

#include "objdet/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum cli_flag_kind { CLI_STRING, CLI_INT, CLI_DOUBLE, CLI_BOOL, CLI_STRINGS } cli_flag_kind;

/* A list of strings for flags that may be given several times; grown by the parser, freed by cli_strings_free. */
typedef struct cli_strings {
    const char **items;
    int count;
} cli_strings;

typedef struct cli_flag {
    const char *name; /* without the dashes */
    cli_flag_kind kind;
    void *value;        /* const char **, int64_t *, double *, bool *, cli_strings * */
    const char *help;   /* one line; NULL hides the flag (accepted and ignored for compatibility) */
} cli_flag;

typedef struct cli_usage {
    const char *synopsis; /* after "usage: objdet " */
    const char *about;    /* a paragraph */
    const char *examples; /* lines */
} cli_usage;

/* Parses argv[1..]; positional arguments are moved to the front of argv + 1 and counted in *positional.
 * A NULL `positional` refuses them. Returns -1 to go on, or an exit code (0 after --help, 2 after an error
 * that has been printed, with the nearest known flag). `flags` ends with a NULL name. */
int cli_flags_parse(int argc, char **argv, const cli_flag *flags, const cli_usage *usage, int *positional);
void cli_strings_free(cli_strings *list);

/* Prints "objdet: error: message" to stderr and returns 1 (2 for OD_ERR_ARG). */
int cli_fail(const od_error *err);

#endif
