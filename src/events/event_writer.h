/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a TensorBoard event file, byte for byte as TensorFlow 2's summary writer does: one Event a record, a version
 * record first. Values wait in memory until od_events_writer_flush, which hands whole records to the system with one
 * write: a live TensorBoard sees them at once, and a killed process leaves a file that every reader takes. A resumed
 * run opens a new file beside the old ones; nothing is ever overwritten.
 *
 *     od_events_writer *w;
 *     OD_TRY(od_events_writer_open(&w, "model_dir/train", NULL, err));
 *     od_events_writer_scalar(w, OD_TAG_LOSS_TOTAL, step, loss, err);
 *     od_events_writer_flush(w, err);         // after each summary step and each evaluation
 *     od_events_writer_close(w, err);
 *
 * A writer belongs to one thread at a time. After a failed flush (a full disk) the file is cut back to its last whole
 * record and the values are kept: flushing again later loses nothing, and a trainer may go on with a warning.
 */
#ifndef OD_EVENTS_EVENT_WRITER_H
#define OD_EVENTS_EVENT_WRITER_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_events_writer od_events_writer;

/* Seconds since 1970, for the events' wall times; tests pass their own. */
typedef double (*od_events_clock_fn)(void *user);

typedef struct od_events_writer_options {
    const char *suffix;       /* the file's ending; NULL: ".v2" */
    od_events_clock_fn clock; /* NULL: the system's time */
    void *clock_user;
} od_events_writer_options;

/* Makes `dir` when missing and creates "<dir>/events.out.tfevents.<seconds>.<host>.<process>.<n><suffix>" with the
 * version record in it; n is the first number whose name is free. `options` may be NULL. OD_ERR_IO names the file. */
od_status od_events_writer_open(od_events_writer **out, const char *dir, const od_events_writer_options *options,
                                od_error *err);
/* The file's path; the writer's lifetime. */
const char *od_events_writer_path(const od_events_writer *w);

/* As tf.summary.scalar: a float32 tensor of the plugin "scalars". NaN and infinities are written as they are. */
od_status od_events_writer_scalar(od_events_writer *w, const char *tag, int64_t step, double value, od_error *err);

/* One encoded picture (PNG) of an image summary. */
typedef struct od_events_picture {
    const void *bytes;
    size_t size;
} od_events_picture;

/* As tf.summary.image: `count` PNGs, all width x height pixels, under one tag. */
od_status od_events_writer_images(od_events_writer *w, const char *tag, int64_t step, int width, int height,
                                  const od_events_picture *pictures, size_t count, od_error *err);

/* As tf.summary.text. TensorBoard renders Markdown. */
od_status od_events_writer_text(od_events_writer *w, const char *tag, int64_t step, const char *text, od_error *err);
/* Text that must keep its lines and signs, e.g. a config: each line indented by 4, a code block in Markdown. */
od_status od_events_writer_code(od_events_writer *w, const char *tag, int64_t step, const char *text, od_error *err);

/* Everything appended so far goes to the file. */
od_status od_events_writer_flush(od_events_writer *w, od_error *err);
/* Flushes, closes and frees (also when flushing fails). NULL is fine. */
od_status od_events_writer_close(od_events_writer *w, od_error *err);

#endif
