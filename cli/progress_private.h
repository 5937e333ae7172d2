/* SPDX-License-Identifier: Apache-2.0
 *
 * What the three files of the progress display share: progress.c keeps the state and decides, progress_log.c writes
 * the OD API's lines, progress_bar.c draws the terminal's line.
 */
#ifndef CLI_PROGRESS_PRIVATE_H
#define CLI_PROGRESS_PRIVATE_H

#include "progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { CLI_PROGRESS_MAX_VALUES = 64 };

/* A loss kept from the last step (events are borrowed); long names are cut. */
typedef struct cli_progress_value {
    char name[96];
    double value;
} cli_progress_value;

struct cli_progress {
    FILE *out;
    double (*clock)(void *user);
    void *clock_user;
    pthread_mutex_t lock; /* log lines come from any thread */
    bool terminal, color, utf8;

    /* The last of each event; numbers are NaN or -1 before the first. */
    od_progress_event step, evaluation;                 /* without their pointers */
    cli_progress_value values[CLI_PROGRESS_MAX_VALUES]; /* of the last step */
    int value_count;
    bool evaluating;
    double eval_begin;   /* clock */
    double mean_seconds; /* of a step, recent ones weighing more; NaN before the first */
    int64_t steps_seen;
    double map, best_map; /* DetectionBoxes_Precision/mAP of the last and the best evaluation; NaN before */
    int64_t best_map_step;

    /* Lines of the log: since the last one. */
    int64_t logged_step;
    double block_seconds, block_images;
    int64_t block_steps, eval_logged;

    /* The line. */
    bool drawn;
    double drawn_at;
};

/* Seconds as "12.3 s", "2m 51s", "1h 02m", "3d 04h"; returns `text`. */
const char *cli_format_duration(char *text, size_t size, double seconds);
/* A float32 as Python (numpy) prints it: the fewest digits that give it back, "0.0049719997", "1e-05", "100.0". */
void cli_format_float32(char *text, size_t size, double value);
/* The named metric of an event, NaN when it has none. */
double cli_progress_metric(const od_progress_event *event, const char *name);
/* Seconds until total_steps at the recent pace; NaN unknown. */
double cli_progress_seconds_left(const cli_progress *p);

/* progress_log.c: what an event adds to a log. */
void cli_progress_log(cli_progress *p, const od_progress_event *event);
/* progress_bar.c: lines that stay, and the line that is redrawn. */
void cli_progress_lines(cli_progress *p, const od_progress_event *event);
void cli_progress_bar_draw(cli_progress *p);
void cli_progress_bar_clear(cli_progress *p);
/* The line's text for a width of `columns`, without a newline, into `text`. */
void cli_progress_bar_format(const cli_progress *p, int columns, char *text, size_t size);

#endif
