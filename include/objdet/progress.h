/* SPDX-License-Identifier: Apache-2.0
 *
 * What a long run (training, evaluation) tells while it goes on. The library calls one function with small events;
 * the program decides what to show: a progress bar, log lines, a graph.
 *
 *     static void show(void *user, const od_progress_event *e)
 *     {
 *         if (e->kind == OD_PROGRESS_STEP) printf("%lld of %lld\n", (long long)e->step, (long long)e->total_steps);
 *     }
 *
 * Events come from one thread at a time, in order. Everything an event points to is borrowed: it lives until the
 * callback returns. Start from od_progress_event_default() so that unknown numbers are NaN or -1, never a false 0.
 */
#ifndef OBJDET_PROGRESS_H
#define OBJDET_PROGRESS_H

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum od_progress_kind {
    OD_PROGRESS_START,   /* before the first step: step (where it starts), total_steps, epoch; text: a title or NULL */
    OD_PROGRESS_RESUMED, /* text: the checkpoint's name ("ckpt-3"); step */
    OD_PROGRESS_STEP,    /* after every step: everything below "of the last step" */
    OD_PROGRESS_CHECKPOINT,    /* text: the name of the checkpoint just saved; step */
    OD_PROGRESS_EVAL_BEGIN,    /* step (of the checkpoint or model evaluated), total (images) */
    OD_PROGRESS_EVAL_PROGRESS, /* done and total (images) */
    OD_PROGRESS_EVAL_END,      /* values: the OD API's metric tags, then the losses; seconds; total (images) */
    OD_PROGRESS_NOTE,          /* text: a line for the reader */
    OD_PROGRESS_DONE           /* step; seconds: the whole run; text: a last line or NULL */
} od_progress_kind;

/* A loss or metric by its OD API tag, e.g. "Loss/total_loss". */
typedef struct od_named_value {
    const char *name;
    double value;
} od_named_value;

typedef struct od_progress_event {
    od_progress_kind kind;
    int64_t step;        /* global step: steps finished since step 0; -1 unknown */
    int64_t total_steps; /* where training ends; -1 unknown */
    double epoch;        /* passes over the training images so far: step * batch / images; NaN unknown */

    /* Of the last step. */
    double step_seconds;          /* wall time, waiting for input included; NaN unknown */
    double images_per_second;     /* NaN unknown */
    double learning_rate;         /* NaN unknown */
    const od_named_value *values; /* losses (STEP) or metrics (EVAL_END) */
    int value_count;

    int64_t done, total; /* images of an evaluation; -1 unknown */
    double seconds;      /* how long it took; NaN unknown */
    const char *text;    /* or NULL */
} od_progress_event;

typedef void (*od_progress_fn)(void *user, const od_progress_event *event);

/* An event of this kind with every number unknown. */
static inline od_progress_event od_progress_event_default(od_progress_kind kind)
{
    od_progress_event e = {kind, -1,          -1, (double)NAN, (double)NAN, (double)NAN, (double)NAN, 0, 0, -1,
                           -1,   (double)NAN, 0};
    return e;
}

#ifdef __cplusplus
}
#endif
#endif
