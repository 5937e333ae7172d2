/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdio.h>

void cli_log_print(void *user, od_log_level level, const char *message)
{
    (void)user;
    if (level == OD_LOG_WARNING)
        fprintf(stderr, "objdet: warning: %s\n", message);
    else
        printf("%s\n", message);
    fflush(level == OD_LOG_WARNING ? stderr : stdout);
}
