/* SPDX-License-Identifier: Apache-2.0 */
#include "events/event_store.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

void od_events_free(od_events *e)
{
    if (!e) return;
    for (size_t i = 0; i < e->track_count; i++) {
        od_free((char *)e->tracks[i].series.tag);
        od_free(e->tracks[i].points);
    }
    for (size_t i = 0; i < e->image_count; i++) {
        od_free((char *)e->images[i].tag);
        od_free((uint8_t *)e->images[i].bytes);
    }
    for (size_t i = 0; i < e->text_count; i++) {
        od_free((char *)e->texts[i].tag);
        od_free((char *)e->texts[i].text);
    }
    od_free(e->tracks);
    od_free(e->images);
    od_free(e->texts);
    od_hashmap_deinit(&e->track_index);
    od_hashmap_deinit(&e->plugins);
    od_free(e);
}

/* The track of a tag, made when missing; NULL when out of memory. */
static od_event_track *track_of(od_events *e, const char *tag)
{
    int64_t index;
    if (od_hashmap_get(&e->track_index, tag, &index)) return &e->tracks[index];
    if (od_grow(&e->tracks, &e->track_capacity, e->track_count + 1, sizeof *e->tracks)) return NULL;
    char *copy = od_strdup(tag);
    if (!copy || od_hashmap_set(&e->track_index, tag, (int64_t)e->track_count)) {
        od_free(copy);
        return NULL;
    }
    od_event_track *track = &e->tracks[e->track_count++];
    *track = (od_event_track){.series = {.tag = copy}};
    return track;
}

int od_event_store_point(od_events *e, const char *tag, od_event_point point)
{
    od_event_track *track = track_of(e, tag);
    if (!track || od_grow(&track->points, &track->capacity, track->series.count + 1, sizeof point)) return -1;
    track->points[track->series.count++] = point;
    return 0;
}

int od_event_store_image(od_events *e, const od_event_image *image)
{
    if (od_grow(&e->images, &e->image_capacity, e->image_count + 1, sizeof *e->images)) return -1;
    od_event_image copy = *image;
    copy.tag = od_strdup(image->tag);
    uint8_t *bytes = e->flags & OD_EVENTS_WITH_IMAGES ? od_malloc(image->size ? image->size : 1, 1) : NULL;
    if (!copy.tag || (e->flags & OD_EVENTS_WITH_IMAGES && !bytes)) {
        od_free((char *)copy.tag);
        od_free(bytes);
        return -1;
    }
    if (bytes && image->size) memcpy(bytes, image->bytes, image->size);
    copy.bytes = bytes;
    e->images[e->image_count++] = copy;
    return 0;
}

int od_event_store_text(od_events *e, const char *tag, int64_t step, double wall_time, const void *text, size_t size)
{
    if (od_grow(&e->texts, &e->text_capacity, e->text_count + 1, sizeof *e->texts)) return -1;
    od_event_text copy = {od_strdup(tag), step, wall_time, od_strndup(size ? text : "", size)};
    if (!copy.tag || !copy.text) {
        od_free((char *)copy.tag);
        od_free((char *)copy.text);
        return -1;
    }
    e->texts[e->text_count++] = copy;
    return 0;
}

static int in_order(const od_event_point *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i - 1].step >= p[i].step) return 0;
    return 1;
}

/* Stable bottom-up merge sort by step: of equal steps the later written stays behind. */
static int sort_points(od_event_point *p, size_t n)
{
    od_event_point *temporary = od_malloc(n, sizeof *p), *from = p, *to = temporary;
    if (!temporary) return -1;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t start = 0; start < n; start += 2 * width) {
            size_t middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
            size_t a = start, b = middle;
            for (size_t out = start; out < end; out++)
                to[out] = a < middle && (b >= end || from[a].step <= from[b].step) ? from[a++] : from[b++];
        }
        od_event_point *swap = from;
        from = to;
        to = swap;
    }
    if (from != p) memcpy(p, from, n * sizeof *p);
    od_free(temporary);
    return 0;
}

/* Of equal neighbours the last stays. */
static size_t drop_overwritten(od_event_point *p, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || p[i].step != p[i + 1].step) p[kept++] = p[i];
    return kept;
}

static int compare_tags(const void *a, const void *b)
{
    return strcmp(((const od_event_track *)a)->series.tag, ((const od_event_track *)b)->series.tag);
}

int od_event_store_finish(od_events *e)
{
    for (size_t i = 0; i < e->track_count; i++) {
        od_event_track *track = &e->tracks[i];
        if (!in_order(track->points, track->series.count)) {
            if (sort_points(track->points, track->series.count)) return -1;
            track->series.count = drop_overwritten(track->points, track->series.count);
        }
        track->series.points = track->points;
    }
    if (e->track_count) qsort(e->tracks, e->track_count, sizeof *e->tracks, compare_tags);
    od_hashmap_deinit(&e->track_index); /* its indices no longer hold */
    return 0;
}

size_t od_events_series_count(const od_events *e)
{
    return e->track_count;
}

const od_event_series *od_events_series_at(const od_events *e, size_t index)
{
    return index < e->track_count ? &e->tracks[index].series : NULL;
}

const od_event_series *od_events_find(const od_events *e, const char *tag)
{
    const od_event_track key = {.series = {.tag = tag}};
    const od_event_track *found =
        e->track_count ? bsearch(&key, e->tracks, e->track_count, sizeof key, compare_tags) : NULL;
    return found ? &found->series : NULL;
}

size_t od_events_image_count(const od_events *e)
{
    return e->image_count;
}

const od_event_image *od_events_image_at(const od_events *e, size_t index)
{
    return index < e->image_count ? &e->images[index] : NULL;
}

size_t od_events_text_count(const od_events *e)
{
    return e->text_count;
}

const od_event_text *od_events_text_at(const od_events *e, size_t index)
{
    return index < e->text_count ? &e->texts[index] : NULL;
}

size_t od_events_file_count(const od_events *e)
{
    return e->file_count;
}

size_t od_events_cut_count(const od_events *e)
{
    return e->cut_count;
}
