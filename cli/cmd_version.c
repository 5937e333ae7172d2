/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet version
 */
#include "commands.h"
#include "flags.h"
#include "objdet/version.h"

#include <stdio.h>

int od_cmd_version(int argc, char **argv)
{
    const cli_flag flags[] = {{0}};
    const cli_usage usage = {"version", "Prints the version and the instruction set that the kernels use.", NULL};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    printf("objdet %s (kernels: %s)\n", od_version(), od_kernels_isa());
    return 0;
}
