/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet SUBCOMMAND [FLAGS]: finds the subcommand and hands over. Notes go to stdout, warnings to stderr.
 */
#include "commands.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

static void print_usage(FILE *to)
{
    fprintf(to, "objdet: object detection from a TensorFlow Object Detection API pipeline.config\n\n"
                "usage: objdet COMMAND [FLAGS]      (objdet COMMAND --help tells more, with examples)\n\ncommands:\n");
#define X(name, typed, help) fprintf(to, "  %-12s %s\n", typed, help);
    CLI_COMMANDS(X)
#undef X
}

int main(int argc, char **argv)
{
    od_log_set_callback(cli_log_print, NULL);
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    const char *command = argv[1];
    if (!strcmp(command, "--help") || !strcmp(command, "-h") || !strcmp(command, "help")) {
        print_usage(stdout);
        return 0;
    }
    if (!strcmp(command, "--version")) command = "version";
#define X(name, typed, help) \
    if (!strcmp(command, typed)) return od_cmd_##name(argc - 1, argv + 1);
    CLI_COMMANDS(X)
#undef X
    fprintf(stderr, "objdet: error: unknown command '%s'; see objdet --help\n", command);
    return 2;
}
