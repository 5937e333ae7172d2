/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the library's notes and warnings go: notes to stdout, warnings to stderr with "objdet: warning: ".
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "objdet/log.h"

/* An od_log_fn; `user` isn't used. */
void cli_log_print(void *user, od_log_level level, const char *message);

#endif
