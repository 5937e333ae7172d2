/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet SUBCOMMAND [FLAGS]: finds the subcommand and hands over. Notes go to stdout, warnings to stderr.
 */
#include "commands.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_usage(FILE *to)
{
    fprintf(to, "objdet: object detection from a TensorFlow Object Detection API pipeline.config\n\n"
                "usage: objdet COMMAND [FLAGS]      (objdet COMMAND --help tells more, with examples)\n\ncommands:\n");
#define X(name, typed, help) fprintf(to, "  %-12s %s\n", typed, help);
    CLI_COMMANDS(X)
#undef X
}

/* GCC's OpenMP spins for milliseconds at each barrier unless told otherwise when it is loaded, which costs a factor of ten
 * as soon as another process shares the processors. A short spin is as fast on an idle machine. It can only be told by the
 * environment, so the program starts itself again with it. */
static void limit_spinning(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    if (setenv("GOMP_SPINCOUNT", "10000", 1) == 0) execv("/proc/self/exe", argv); /* on failure: slower, not wrong */
}

int main(int argc, char **argv)
{
    limit_spinning(argv);
    od_log_set_callback(cli_log_print, NULL);
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    if (!strncmp(name, "model_main_tf2", strlen("model_main_tf2"))) return od_cmd_run(argc, argv);
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
