/* SPDX-License-Identifier: Apache-2.0
 *
 * Progress in a log file: the OD API's lines (model_lib_v2.py: train_loop, eager_eval_loop) with the prefix
 * "INFO:tensorflow:" of TensorFlow's own log handler. The OD API logs each line a second time through absl with date,
 * process and source line; that copy is left out, as no script can rely on its numbers. Epochs, speed and the time left
 * follow on a line of their own, so that the familiar ones stay as they are.
 */
#include "progress_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_EVERY = 100 }; /* model_lib_v2.LOG_EVERY */

#define PREFIX "INFO:tensorflow:"

const char *cli_format_duration(char *text, size_t size, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e12)) {
        snprintf(text, size, "?");
        return text;
    }
    long long s = (long long)(seconds + .5);
    if (seconds < 59.95)
        snprintf(text, size, "%.1f s", seconds);
    else if (s < 3600)
        snprintf(text, size, "%lldm %02llds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, size, "%lldh %02lldm", s / 3600, s % 3600 / 60);
    else
        snprintf(text, size, "%lldd %02lldh", s / 86400, s % 86400 / 3600);
    return text;
}

void cli_format_float32(char *text, size_t size, double value)
{
    float x = (float)value;
    if (isnan(x) || isinf(x)) {
        snprintf(text, size, "%s", isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
        return;
    }
    char scientific[32];
    int digits = 1;
    do snprintf(scientific, sizeof scientific, "%.*e", digits - 1, (double)x);
    while (strtof(scientific, NULL) != x && digits++ < 9);
    double magnitude = fabs((double)x);
    if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16)) { /* numpy's limits; C and Python agree on e-05 */
        snprintf(text, size, "%s", scientific);
        return;
    }
    int exponent = atoi(strchr(scientific, 'e') + 1);
    int decimals = digits - 1 - exponent;
    if (decimals > 0) {
        snprintf(text, size, "%.*f", decimals, (double)x);
        return;
    }
    /* A whole number: its digits, zeros up to the point, ".0". */
    int n = 0;
    char whole[48];
    for (const char *c = scientific; *c != 'e'; c++)
        if (*c != '.') whole[n++] = *c;
    for (int i = 0; i < -decimals; i++) whole[n++] = '0';
    snprintf(text, size, "%.*s.0", n, whole);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const cli_progress_value *)a)->name, ((const cli_progress_value *)b)->name);
}

/* pprint.pformat({losses, 'learning_rate'}, width=40): keys in order, on one line only when that fits. */
static void print_losses(cli_progress *p)
{
    cli_progress_value sorted[CLI_PROGRESS_MAX_VALUES + 1];
    int n = p->value_count, length = 0;
    memcpy(sorted, p->values, (size_t)n * sizeof *sorted);
    if (!isnan(p->step.learning_rate)) sorted[n++] = (cli_progress_value){"learning_rate", p->step.learning_rate};
    if (!n) return;
    qsort(sorted, (size_t)n, sizeof *sorted, compare_names);
    char number[32];
    for (int i = 0; i < n; i++) {
        cli_format_float32(number, sizeof number, sorted[i].value);
        length += (int)(strlen(sorted[i].name) + strlen(number)) + 6; /* quotes, ": ", ", " or the braces */
    }
    fprintf(p->out, PREFIX "{");
    for (int i = 0; i < n; i++) {
        cli_format_float32(number, sizeof number, sorted[i].value);
        const char *separator = i == n - 1 ? "}\n" : length > 40 ? ",\n " : ", ";
        fprintf(p->out, "'%s': %s%s", sorted[i].name, number, separator);
    }
}

static void print_pace(cli_progress *p, double seconds)
{
    char left[32];
    fprintf(p->out, "step %lld", (long long)p->step.step);
    if (p->step.total_steps >= 0) fprintf(p->out, " of %lld", (long long)p->step.total_steps);
    if (!isnan(p->step.epoch)) fprintf(p->out, ", epoch %.2f", p->step.epoch);
    if (p->block_images > 0 && seconds > 0) fprintf(p->out, ", %.1f img/s", p->block_images / seconds);
    double remaining = cli_progress_seconds_left(p);
    if (remaining > 0) fprintf(p->out, ", %s left", cli_format_duration(left, sizeof left, remaining));
    fputc('\n', p->out);
}

/* The step's two familiar lines and our third. */
static void print_step(cli_progress *p)
{
    if (p->block_steps)
        fprintf(p->out, PREFIX "Step %lld per-step time %.3fs\n", (long long)p->step.step,
                p->block_seconds / (double)p->block_steps);
    print_losses(p);
    print_pace(p, p->block_seconds);
    p->logged_step = p->step.step;
    p->block_seconds = p->block_images = 0;
    p->block_steps = 0;
}

static void log_step(cli_progress *p, const od_progress_event *e)
{
    if (p->logged_step < 0) p->logged_step = e->step - 1;
    if (!isnan(e->step_seconds)) {
        p->block_seconds += e->step_seconds;
        p->block_steps++;
        if (!isnan(e->images_per_second)) p->block_images += e->images_per_second * e->step_seconds;
    }
    if (e->step - p->logged_step >= LOG_EVERY) print_step(p);
}

static void log_eval_end(cli_progress *p, const od_progress_event *e)
{
    char took[32];
    fprintf(p->out, PREFIX "Eval metrics at step %lld\n", (long long)p->evaluation.step);
    for (int i = 0; i < e->value_count; i++)
        fprintf(p->out, PREFIX "\t+ %s: %f\n", e->values[i].name, e->values[i].value);
    if (!isnan(e->seconds) && p->evaluation.total >= 0)
        fprintf(p->out, "evaluated %lld images in %s\n", (long long)p->evaluation.total,
                cli_format_duration(took, sizeof took, e->seconds));
    if (!isnan(p->map) && p->best_map_step != p->evaluation.step)
        fprintf(p->out, "mAP %.3f (best %.3f at step %lld)\n", p->map, p->best_map, (long long)p->best_map_step);
}

static void log_done(cli_progress *p, const od_progress_event *e)
{
    char took[32];
    if (p->block_steps) print_step(p); /* the OD API leaves the last steps out */
    fprintf(p->out, "done");
    if (e->step >= 0) fprintf(p->out, ": step %lld", (long long)e->step);
    if (!isnan(e->seconds)) fprintf(p->out, " after %s", cli_format_duration(took, sizeof took, e->seconds));
    fputc('\n', p->out);
    if (e->text) fprintf(p->out, "%s\n", e->text);
}

void cli_progress_log(cli_progress *p, const od_progress_event *e)
{
    switch (e->kind) {
    case OD_PROGRESS_START:
        p->logged_step = e->step;
        if (e->text) fprintf(p->out, "%s\n", e->text);
        break;
    case OD_PROGRESS_STEP: log_step(p, e); break;
    case OD_PROGRESS_EVAL_BEGIN:
        p->eval_logged = 0;
        fprintf(p->out, "evaluating step %lld", (long long)p->evaluation.step);
        if (e->total >= 0) fprintf(p->out, " on %lld images", (long long)e->total);
        fputc('\n', p->out);
        break;
    case OD_PROGRESS_EVAL_PROGRESS: /* the OD API counts from 0 and names every 100th */
        for (; p->eval_logged < e->done; p->eval_logged += LOG_EVERY)
            fprintf(p->out, PREFIX "Finished eval step %lld\n", (long long)p->eval_logged);
        break;
    case OD_PROGRESS_EVAL_END: log_eval_end(p, e); break;
    case OD_PROGRESS_DONE: log_done(p, e); break;
    default: cli_progress_lines(p, e); break;
    }
}
