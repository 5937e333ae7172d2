/* SPDX-License-Identifier: Apache-2.0 */
#include "util/record_sort.h"

#include "util/alloc.h"
#include "util/scratch_file.h"

#include <stdlib.h>
#include <string.h>

/* A sorted run: in the file from `at`, `left` records not yet in the buffer; its part of the buffer, records `next` to `end`. */
typedef struct run {
    uint64_t at, left;
    size_t buffer, next, end; /* in records of the common buffer */
} run;

struct od_record_sort {
    size_t size, most; /* of a record; records that memory holds */
    int (*compare)(const void *, const void *);
    char *records;
    size_t count, capacity;
    od_scratch_file *file;
    uint64_t file_size;
    run *runs;
    size_t run_count, run_capacity;
    size_t *heap, heap_count; /* numbers of runs that have records, the one with the smallest first */
    size_t share;             /* records of the buffer that are a run's */
    size_t given;             /* of those in memory, when there are no runs */
    char *last;               /* the record given out before */
    int any;                  /* there is one */
};

od_status od_record_sort_create(od_record_sort **out, size_t record_size, int (*compare)(const void *, const void *), size_t memory, od_error *err)
{
    od_record_sort *s = od_calloc(1, sizeof *s);
    if (!s || !(s->last = od_malloc(1, record_size))) {
        od_free(s);
        return od_error_nomem(err, "sorting");
    }
    s->size = record_size;
    s->compare = compare;
    s->most = memory / record_size > 1 ? memory / record_size : 2;
    *out = s;
    return OD_OK;
}

static char *record_at(const od_record_sort *s, size_t i)
{
    return s->records + i * s->size;
}

static void sort_held(od_record_sort *s)
{
    size_t kept = 0;
    if (s->count) qsort(s->records, s->count, s->size, s->compare);
    for (size_t i = 0; i < s->count; i++) {
        if (kept && !s->compare(record_at(s, kept - 1), record_at(s, i))) continue;
        if (kept != i) memcpy(record_at(s, kept), record_at(s, i), s->size);
        kept++;
    }
    s->count = kept;
}

static od_status write_run(od_record_sort *s, od_error *err)
{
    if (!s->file) OD_TRY(od_scratch_file_create(&s->file, err));
    if (od_grow(&s->runs, &s->run_capacity, s->run_count + 1, sizeof *s->runs)) return od_error_nomem(err, "sorting");
    OD_TRY(od_scratch_file_write(s->file, s->file_size, s->records, s->count * s->size, err));
    s->runs[s->run_count++] = (run){.at = s->file_size, .left = s->count};
    s->file_size += s->count * s->size;
    s->count = 0;
    return OD_OK;
}

od_status od_record_sort_add(od_record_sort *s, const void *record, od_error *err)
{
    if (s->count == s->most) {
        sort_held(s);
        if (s->count > s->most / 2) OD_TRY(write_run(s, err));
    }
    if (s->count == s->capacity) {
        size_t more = s->capacity ? 2 * s->capacity : 256;
        if (more > s->most) more = s->most;
        char *grown = od_realloc(s->records, more, s->size);
        if (!grown) return od_error_nomem(err, "sorting");
        s->records = grown, s->capacity = more;
    }
    memcpy(record_at(s, s->count++), record, s->size);
    return OD_OK;
}

/* --- merging --------------------------------------------------------------------------------------------------------------- */

static od_status fill(od_record_sort *s, run *r, od_error *err)
{
    size_t n = r->left < s->share ? (size_t)r->left : s->share;
    OD_TRY(od_scratch_file_read(s->file, r->at, record_at(s, r->buffer), n * s->size, err));
    r->at += n * s->size;
    r->left -= n;
    r->next = r->buffer, r->end = r->buffer + n;
    return OD_OK;
}

static int run_before(const od_record_sort *s, size_t a, size_t b)
{
    int order = s->compare(record_at(s, s->runs[a].next), record_at(s, s->runs[b].next));
    return order < 0 || (order == 0 && a < b);
}

static void sift_down(od_record_sort *s, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < s->heap_count; i = child) {
        if (child + 1 < s->heap_count && run_before(s, s->heap[child + 1], s->heap[child])) child++;
        if (!run_before(s, s->heap[child], s->heap[i])) return;
        size_t t = s->heap[i];
        s->heap[i] = s->heap[child], s->heap[child] = t;
    }
}

od_status od_record_sort_finish(od_record_sort *s, od_error *err)
{
    sort_held(s);
    if (!s->run_count) return OD_OK;
    if (s->count) OD_TRY(write_run(s, err));
    s->share = s->capacity / s->run_count > 1 ? s->capacity / s->run_count : 1;
    od_free(s->records);
    s->records = od_malloc(s->share * s->run_count, s->size);
    s->heap = od_malloc(s->run_count, sizeof *s->heap);
    if (!s->records || !s->heap) return od_error_nomem(err, "sorting");
    for (size_t i = 0; i < s->run_count; i++) {
        s->runs[i].buffer = i * s->share;
        OD_TRY(fill(s, &s->runs[i], err));
        s->heap[s->heap_count++] = i;
    }
    for (size_t i = s->heap_count; i-- > 0;) sift_down(s, i);
    return OD_OK;
}

/* The smallest record of all runs goes to `record`. */
static od_status take(od_record_sort *s, void *record, od_error *err)
{
    run *r = &s->runs[s->heap[0]];
    memcpy(record, record_at(s, r->next++), s->size);
    if (r->next == r->end && r->left) OD_TRY(fill(s, r, err));
    if (r->next == r->end) s->heap[0] = s->heap[--s->heap_count];
    sift_down(s, 0);
    return OD_OK;
}

od_status od_record_sort_next(od_record_sort *s, void *record, int *more, od_error *err)
{
    if (!s->run_count) {
        *more = s->given < s->count;
        if (*more) memcpy(record, record_at(s, s->given++), s->size);
        return OD_OK;
    }
    while ((*more = s->heap_count > 0)) {
        OD_TRY(take(s, record, err));
        if (s->any && !s->compare(record, s->last)) continue;
        memcpy(s->last, record, s->size);
        s->any = 1;
        break;
    }
    return OD_OK;
}

void od_record_sort_free(od_record_sort *s)
{
    if (!s) return;
    od_scratch_file_free(s->file);
    od_free(s->records);
    od_free(s->runs);
    od_free(s->heap);
    od_free(s->last);
    od_free(s);
}
