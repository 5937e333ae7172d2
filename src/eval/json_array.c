/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/json_array.h"

#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

typedef enum part_end { PART_REACHED, PART_MISSED, PART_ARRAY_OVER, PART_FAILED, PART_NO_MEMORY } part_end;

typedef struct part {
    od_json j;
    const char *stop; /* where the next part starts; NULL for the last */
    unsigned char *items;
    size_t count, capacity;
    part_end end;
    char message[512];
} part;

typedef struct reader {
    size_t item_size;
    od_json_item_fn read;
    const void *user;
} reader;

/* Reads elements from p->j on, until `stop` is reached between two elements, or the array ends. */
static void read_part(part *p, const reader *r)
{
    for (;;) {
        if (od_grow(&p->items, &p->capacity, p->count + 1, r->item_size)) {
            p->end = PART_NO_MEMORY;
            return;
        }
        void *item = p->items + p->count * r->item_size;
        memset(item, 0, r->item_size);
        if (!r->read(&p->j, item, r->user, p->message, sizeof p->message)) {
            p->end = PART_FAILED;
            return;
        }
        p->count++;
        int more = od_json_next(&p->j, ']');
        if (more <= 0) {
            p->end = more < 0 ? PART_FAILED : PART_ARRAY_OVER;
            return;
        }
        if (p->stop && p->j.p >= p->stop) {
            p->end = p->j.p == p->stop ? PART_REACHED : PART_MISSED;
            return;
        }
    }
}

/* The next "}, {" at or after `from`: a pointer to its '{', or NULL. */
static const char *guess_boundary(const char *from, const char *end)
{
    while (from < end) {
        const char *p = memchr(from, '}', (size_t)(end - from));
        if (!p) return NULL;
        from = ++p;
        int comma = 0;
        while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t' || (*p == ',' && !comma))) comma |= *p++ == ',';
        if (comma && p < end && *p == '{') return p;
    }
    return NULL;
}

od_status od_json_error(const od_json *j, const char *file, od_error *err)
{
    return od_error_set(err, OD_ERR_FORMAT, "%s: line %zu (byte %zu): %s", file, od_json_line(j, j->p),
                        (size_t)(j->p - j->start), j->problem ? j->problem : "malformed JSON");
}

static od_status part_error(const part *p, size_t index, const char *file, const char *what, od_error *err)
{
    if (p->end == PART_NO_MEMORY) return od_error_nomem(err, file);
    return od_error_set(err, OD_ERR_FORMAT, "%s: %s %zu (counted from 0; byte %zu): %s", file, what, index,
                        (size_t)(p->j.p - p->j.start),
                        p->message[0] ? p->message : p->j.problem ? p->j.problem : "malformed JSON");
}

/* Follows the parts from the first: as long as each ended where the next began they stand; where one didn't, it reads
 * on to the end itself and the rest is dropped. Returns the number of parts that stand. */
static int follow(part *parts, int num_parts, const reader *r)
{
    for (int i = 0; i < num_parts; i++) {
        if (parts[i].end == PART_MISSED) {
            parts[i].stop = NULL;
            read_part(&parts[i], r);
        }
        if (parts[i].end != PART_REACHED) return i + 1;
    }
    return num_parts;
}

static od_status join(part *parts, int num_parts, size_t item_size, const char *file, od_json_items *out, od_error *err)
{
    size_t total = 0;
    for (int i = 0; i < num_parts; i++) total += parts[i].count;
    if (num_parts == 1) {
        *out = (od_json_items){parts[0].items, total};
        parts[0].items = NULL;
        return OD_OK;
    }
    unsigned char *all = od_malloc(total, item_size);
    if (!all) return od_error_nomem(err, file);
    *out = (od_json_items){all, total};
    for (int i = 0; i < num_parts; i++) {
        if (parts[i].count) memcpy(all, parts[i].items, parts[i].count * item_size);
        all += parts[i].count * item_size;
    }
    return OD_OK;
}

/* Splits what is left of the document at guessed boundaries; returns the number of parts. */
static int split(const od_json *j, part *parts, int most)
{
    enum { WORTH_A_THREAD = 1 << 18 };
    size_t left = (size_t)(j->end - j->p);
    if ((size_t)most > left / WORTH_A_THREAD) most = left < WORTH_A_THREAD ? 1 : (int)(left / WORTH_A_THREAD);
    int n = 1;
    parts[0].j = *j;
    for (int i = 1; i < most; i++) {
        const char *at = guess_boundary(j->p + left / (size_t)most * (size_t)i, j->end);
        if (!at || at <= parts[n - 1].j.p) continue;
        parts[n - 1].stop = at;
        parts[n].j = *j;
        parts[n++].j.p = at;
    }
    return n;
}

od_status od_json_read_array(od_json *j, const char *file, const char *what, size_t item_size, od_json_item_fn read,
                             const void *user, int num_threads, od_json_items *out, od_error *err)
{
    *out = (od_json_items){0};
    int more = od_json_enter(j, '[');
    if (more < 0) return od_json_error(j, file, err);
    if (!more) return OD_OK;
    reader r = {item_size, read, user};
    part *parts = od_calloc((size_t)num_threads, sizeof *parts);
    if (!parts) return od_error_nomem(err, file);
    int n = split(j, parts, num_threads);
#pragma omp parallel for num_threads(n) schedule(static, 1)
    for (int i = 0; i < n; i++) read_part(&parts[i], &r);
    int standing = follow(parts, n, &r);
    part *last = &parts[standing - 1];
    od_status status = OD_OK;
    if (last->end == PART_FAILED || last->end == PART_NO_MEMORY) {
        size_t index = 0;
        for (int i = 0; i < standing; i++) index += parts[i].count;
        /* A problem between elements is behind the last one read, not in the next. */
        status = part_error(last, index, file, what, err);
    } else {
        j->p = last->j.p;
        status = join(parts, standing, item_size, file, out, err);
    }
    for (int i = 0; i < n; i++) od_free(parts[i].items);
    od_free(parts);
    return status;
}
