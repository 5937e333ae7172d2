/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads TensorBoard event files: the curves, pictures and texts that a training run wrote, whoever wrote them
 * (objdet, the TensorFlow Object Detection API, TF1 or TF2, PyTorch).
 *
 *     od_events *events;
 *     od_error err = {0};
 *     if (od_events_read(&events, "model_dir/train", 0, &err) != OD_OK) return fail(&err);
 *     const od_event_series *loss = od_events_find(events, "Loss/total_loss");
 *     for (size_t i = 0; loss && i < loss->count; i++) plot(loss->points[i].step, loss->points[i].value);
 *     od_events_free(events);
 *
 * A run that is being written, or was killed while writing, ends in half a record: everything before it is read, and
 * the log gets a note. Damage anywhere else is an error, never silently wrong numbers.
 */
#ifndef OBJDET_EVENTS_H
#define OBJDET_EVENTS_H

#include "objdet/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_events od_events;

typedef struct od_event_point {
    int64_t step;
    double wall_time; /* seconds since 1970 */
    double value;     /* may be NaN or infinite when the run wrote that */
} od_event_point;

/* A tag's scalars in order of steps, each step once: where a resumed run wrote a step again, the later writing
 * (by file, then by place in the file) stands. */
typedef struct od_event_series {
    const char *tag;
    const od_event_point *points;
    size_t count; /* at least 1 */
} od_event_series;

/* One picture of an image summary. */
typedef struct od_event_image {
    const char *tag;
    int64_t step;
    double wall_time;
    int index;            /* among the pictures of this tag and step */
    int width, height;    /* pixels, as the summary says */
    const uint8_t *bytes; /* the encoded file, usually PNG; NULL without OD_EVENTS_WITH_IMAGES */
    size_t size;          /* of the encoded file, also when bytes is NULL */
} od_event_image;

typedef struct od_event_text {
    const char *tag;
    int64_t step;
    double wall_time;
    const char *text;
} od_event_text;

/* Flags of od_events_read. */
enum { OD_EVENTS_WITH_IMAGES = 1 /* keep the pictures' bytes in memory */ };

/* Reads one event file, or all event files (names with "tfevents") directly in a folder, in the order of their names,
 * which begin with the time. Takes TF2's tensor summaries of the plugins "scalars", "images" and "text", and TF1's
 * simple_value and image; other summaries (histograms, graphs) are passed over.
 *
 * OD_ERR_NOT_FOUND when there is no such path or no event file in it, OD_ERR_FORMAT (with file and byte offset) for
 * damage before the end of a file, OD_ERR_IO, OD_ERR_NOMEM. The caller frees *out. */
od_status od_events_read(od_events **out, const char *path, unsigned flags, od_error *err);
void od_events_free(od_events *events);

/* Tags in alphabetical order. Everything returned lives as long as `events`. */
size_t od_events_series_count(const od_events *events);
const od_event_series *od_events_series_at(const od_events *events, size_t index);
/* NULL when the tag has no scalars. */
const od_event_series *od_events_find(const od_events *events, const char *tag);

/* In the order in which they were written. */
size_t od_events_image_count(const od_events *events);
const od_event_image *od_events_image_at(const od_events *events, size_t index);
size_t od_events_text_count(const od_events *events);
const od_event_text *od_events_text_at(const od_events *events, size_t index);

/* How many files were read, and how many of them end in half a record. */
size_t od_events_file_count(const od_events *events);
size_t od_events_cut_count(const od_events *events);

/* The folders at and below `dir` (8 levels, symbolic links not followed) that hold event files, in alphabetical order:
 * of a model_dir "train", "eval" and its subfolders. TensorBoard calls them runs. A file is a run of its own.
 * OD_ERR_NOT_FOUND when there are none.
 * The caller frees *out with od_event_runs_free. */
typedef struct od_event_runs {
    char **paths; /* each begins with `dir` */
    size_t count;
} od_event_runs;

od_status od_event_runs_find(od_event_runs *out, const char *dir, od_error *err);
void od_event_runs_free(od_event_runs *runs);

#ifdef __cplusplus
}
#endif
#endif
