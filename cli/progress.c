/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include "log.h"
#include "progress_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double monotonic_clock(void *user)
{
    (void)user;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The locale's character set without setlocale: the first of the three variables that is set decides. */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && value[0]) return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
    }
    return false;
}

/* A log line arrives while the progress line may be drawn: the line gives way and comes back below. */
static void show_log(void *user, od_log_level level, const char *message)
{
    cli_progress *p = user;
    pthread_mutex_lock(&p->lock);
    bool drawn = p->drawn;
    if (drawn) cli_progress_bar_clear(p);
    cli_log_print(NULL, level, message);
    if (drawn) cli_progress_bar_draw(p);
    pthread_mutex_unlock(&p->lock);
}

cli_progress *cli_progress_create(const cli_progress_options *options)
{
    cli_progress *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    if (pthread_mutex_init(&p->lock, NULL)) {
        free(p);
        return NULL;
    }
    p->out = options && options->out ? options->out : stdout;
    p->clock = options && options->clock ? options->clock : monotonic_clock;
    p->clock_user = options ? options->clock_user : NULL;
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    p->terminal = isatty(fileno(p->out)) && !(term && !strcmp(term, "dumb"));
    p->color = p->terminal && !(no_color && no_color[0]); /* https://no-color.org */
    p->utf8 = locale_is_utf8();
    p->step = od_progress_event_default(OD_PROGRESS_STEP);
    p->evaluation = od_progress_event_default(OD_PROGRESS_EVAL_PROGRESS);
    p->mean_seconds = p->map = p->best_map = (double)NAN;
    p->best_map_step = p->logged_step = -1;
    p->drawn_at = -1e9;
    od_log_set_callback(show_log, p);
    return p;
}

void cli_progress_free(cli_progress *p)
{
    if (!p) return;
    od_log_set_callback(cli_log_print, NULL);
    pthread_mutex_lock(&p->lock);
    if (p->drawn) fputc('\n', p->out);
    fflush(p->out);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

double cli_progress_metric(const od_progress_event *event, const char *name)
{
    for (int i = 0; i < event->value_count; i++)
        if (!strcmp(event->values[i].name, name)) return event->values[i].value;
    return (double)NAN;
}

double cli_progress_seconds_left(const cli_progress *p)
{
    if (p->step.total_steps < 0 || p->step.step < 0) return (double)NAN;
    return (double)(p->step.total_steps - p->step.step) * p->mean_seconds;
}

static void keep_values(cli_progress *p, const od_progress_event *e)
{
    p->value_count = 0;
    for (int i = 0; i < e->value_count && i < CLI_PROGRESS_MAX_VALUES; i++) {
        cli_progress_value *v = &p->values[p->value_count++];
        snprintf(v->name, sizeof v->name, "%s", e->values[i].name);
        v->value = e->values[i].value;
    }
}

static void keep_step(cli_progress *p, const od_progress_event *e)
{
    int64_t total = e->total_steps >= 0 ? e->total_steps : p->step.total_steps;
    p->step = *e;
    p->step.total_steps = total;
    p->step.values = NULL;
    p->step.text = NULL;
    if (e->kind != OD_PROGRESS_STEP) return;
    keep_values(p, e);
    if (isnan(e->step_seconds)) return;
    /* The mean of the first 50 steps, then a sliding one: the first steps are slower and soon forgotten. */
    double weight = 1 / (double)(p->steps_seen < 50 ? p->steps_seen + 1 : 50);
    p->mean_seconds =
        p->steps_seen++ ? p->mean_seconds + weight * (e->step_seconds - p->mean_seconds) : e->step_seconds;
}

static void keep_evaluation(cli_progress *p, const od_progress_event *e)
{
    if (e->kind == OD_PROGRESS_EVAL_BEGIN) p->eval_begin = p->clock(p->clock_user);
    p->evaluating = e->kind != OD_PROGRESS_EVAL_END;
    int64_t step = e->step >= 0 ? e->step : p->evaluation.step, total = e->total >= 0 ? e->total : p->evaluation.total;
    p->evaluation = *e;
    p->evaluation.step = step;
    p->evaluation.total = total;
    p->evaluation.values = NULL;
    p->evaluation.text = NULL;
    if (e->kind != OD_PROGRESS_EVAL_END) return;
    double map = cli_progress_metric(e, "DetectionBoxes_Precision/mAP");
    if (isnan(map)) return;
    p->map = map;
    if (isnan(p->best_map) || map > p->best_map) {
        p->best_map = map;
        p->best_map_step = step;
    }
}

static void keep(cli_progress *p, const od_progress_event *e)
{
    switch (e->kind) {
    case OD_PROGRESS_START:
    case OD_PROGRESS_STEP: keep_step(p, e); break;
    case OD_PROGRESS_EVAL_BEGIN:
    case OD_PROGRESS_EVAL_PROGRESS:
    case OD_PROGRESS_EVAL_END: keep_evaluation(p, e); break;
    default: break;
    }
}

static int redraws(const cli_progress *p, od_progress_kind kind)
{
    if (kind == OD_PROGRESS_DONE || kind == OD_PROGRESS_RESUMED || kind == OD_PROGRESS_NOTE) return p->drawn;
    return kind != OD_PROGRESS_EVAL_END || p->steps_seen;
}

void cli_progress_show(void *progress, const od_progress_event *e)
{
    cli_progress *p = progress;
    if (!p || !e) return;
    pthread_mutex_lock(&p->lock);
    keep(p, e);
    if (!p->terminal) {
        cli_progress_log(p, e);
    } else {
        bool running = e->kind == OD_PROGRESS_STEP || e->kind == OD_PROGRESS_EVAL_PROGRESS;
        bool redraw = redraws(p, e->kind) && e->kind != OD_PROGRESS_DONE;
        if (!running) {
            if (p->drawn) cli_progress_bar_clear(p);
            cli_progress_lines(p, e);
        }
        if (redraw && (!running || p->clock(p->clock_user) - p->drawn_at >= .2)) cli_progress_bar_draw(p);
    }
    fflush(p->out);
    pthread_mutex_unlock(&p->lock);
}
