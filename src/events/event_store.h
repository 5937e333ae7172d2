/* SPDX-License-Identifier: Apache-2.0
 *
 * What od_events holds while and after it is filled: event_reader.c decodes records into it, event_store.c keeps the
 * lists, event_folder.c finds the files. Private to src/events (and its fuzzer).
 */
#ifndef OD_EVENTS_EVENT_STORE_H
#define OD_EVENTS_EVENT_STORE_H

#include "objdet/events.h"
#include "util/hashmap.h"

/* Which TensorBoard plugin a tag belongs to: TensorFlow may say so in a tag's first event only. */
typedef enum od_event_plugin {
    OD_EVENT_PLUGIN_UNKNOWN,
    OD_EVENT_PLUGIN_SCALARS,
    OD_EVENT_PLUGIN_IMAGES,
    OD_EVENT_PLUGIN_TEXT,
    OD_EVENT_PLUGIN_OTHER
} od_event_plugin;

/* A series while it grows; `series` (what the public sees) is first. */
typedef struct od_event_track {
    od_event_series series;
    od_event_point *points;
    size_t capacity;
} od_event_track;

struct od_events {
    od_event_track *tracks;
    size_t track_count, track_capacity;
    od_hashmap track_index; /* tag -> index into tracks */
    od_hashmap plugins;     /* tag -> od_event_plugin */
    od_event_image *images;
    size_t image_count, image_capacity;
    od_event_text *texts;
    size_t text_count, text_capacity;
    size_t file_count, cut_count;
    unsigned flags;
};

/* Each returns 0, or -1 when out of memory, then nothing has been added. */
int od_event_store_point(od_events *e, const char *tag, od_event_point point);
/* Copies tag and bytes (the bytes only with OD_EVENTS_WITH_IMAGES). */
int od_event_store_image(od_events *e, const od_event_image *image);
int od_event_store_text(od_events *e, const char *tag, int64_t step, double wall_time, const void *text, size_t size);

/* Once all is in: steps in order and each once, tags in order. */
int od_event_store_finish(od_events *e);

/* Decodes the records of one event file (`name` is for messages) into e. */
od_status od_events_parse(od_events *e, const char *name, const uint8_t *data, size_t size, od_error *err);

#endif
