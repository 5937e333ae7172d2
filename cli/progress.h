/* SPDX-License-Identifier: Apache-2.0
 *
 * Shows the library's progress events. On a terminal: one line, redrawn at most 5 times a second, that fits the width;
 * log lines appear above it. Elsewhere (a log file, a pipe): the lines that the OD API prints, every 100 steps, so that
 * scripts that read its logs go on working.
 *
 *     cli_progress *progress = cli_progress_create(NULL);
 *     status = od_train(..., cli_progress_show, progress, &err);
 *     cli_progress_free(progress);
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "objdet/progress.h"

#include <stdio.h>

typedef struct cli_progress cli_progress;

/* For tests; the program passes NULL. */
typedef struct cli_progress_options {
    FILE *out;                   /* default stdout */
    double (*clock)(void *user); /* seconds; default the monotonic clock */
    void *clock_user;
} cli_progress_options;

/* Also takes over the library's log callback until freed. NULL when out of memory; both functions below take NULL. */
cli_progress *cli_progress_create(const cli_progress_options *options);
/* An od_progress_fn whose `user` is the cli_progress. */
void cli_progress_show(void *progress, const od_progress_event *event);
/* Ends the line when one is drawn, and gives the log callback back to cli_log_print. */
void cli_progress_free(cli_progress *progress);

#endif
