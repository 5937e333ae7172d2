/* SPDX-License-Identifier: Apache-2.0 */
#include "data/gzip_index.h"

#include "util/alloc.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { WINDOW = 32768, CHUNK = 65536, MAX_POINTS = 2048 };

/* A place where inflating can restart: at a deflate block's start. */
typedef struct restart_point {
    uint64_t out, in; /* offsets: unpacked, packed (of the first whole byte) */
    int bits;         /* how many bits of the byte before `in` belong to the block */
    uint8_t *window;  /* the WINDOW unpacked bytes before it */
} restart_point;

struct od_gzip_index {
    int fd;
    char *path;
    uint64_t size, span; /* span: least unpacked distance of two points */
    restart_point *points;
    size_t count, capacity;
};

static void *zlib_alloc(void *opaque, unsigned items, unsigned size)
{
    (void)opaque;
    return od_malloc(items, size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    od_free(p);
}

static void stream_init(z_stream *z)
{
    *z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free};
}

void od_gzip_index_free(od_gzip_index *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->count; i++) od_free(g->points[i].window);
    od_free(g->points);
    od_free(g->path);
    od_free(g);
}

uint64_t od_gzip_index_size(const od_gzip_index *g)
{
    return g->size;
}

static void thin_points(od_gzip_index *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (i % 2)
            od_free(g->points[i].window);
        else
            g->points[kept++] = g->points[i];
    }
    g->count = kept;
    g->span *= 2;
}

/* `ring` is the circular output window, `left` its bytes not yet overwritten in this round. */
static int add_point(od_gzip_index *g, const z_stream *z, uint64_t in, uint64_t out, const uint8_t *ring)
{
    if (g->count == MAX_POINTS) thin_points(g);
    if (od_grow(&g->points, &g->capacity, g->count + 1, sizeof *g->points)) return -1;
    uint8_t *window = od_malloc(WINDOW, 1);
    if (!window) return -1;
    size_t left = z->avail_out;
    if (left) memcpy(window, ring + WINDOW - left, left);
    memcpy(window + left, ring, WINDOW - left);
    g->points[g->count++] = (restart_point){out, in, z->data_type & 7, window};
    return 0;
}

typedef struct pass {
    z_stream z;
    uint8_t input[CHUNK], ring[WINDOW];
    uint64_t in, out, last_point;
    int ended;
} pass;

static ssize_t read_some(int fd, void *bytes, size_t size, uint64_t offset)
{
    ssize_t n;
    do n = pread(fd, bytes, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Inflates what `input` holds, block by block. */
static od_status pass_chunk(od_gzip_index *g, pass *p, od_gzip_sink sink, void *user, const char **damage, od_error *err)
{
    z_stream *z = &p->z;
    while (z->avail_in && !p->ended && !*damage) {
        if (!z->avail_out) z->next_out = p->ring, z->avail_out = WINDOW;
        uint8_t *start = z->next_out;
        uInt before_in = z->avail_in, before_out = z->avail_out;
        int code = inflate(z, Z_BLOCK);
        p->in += before_in - z->avail_in;
        size_t produced = before_out - z->avail_out;
        p->out += produced;
        if (produced) OD_TRY(sink(user, start, produced));
        if (code == Z_MEM_ERROR) return od_error_nomem(err, g->path);
        if (code == Z_STREAM_END)
            p->ended = 1;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            *damage = z->msg ? z->msg : "the packed data is damaged";
        else if ((z->data_type & 128) && !(z->data_type & 64) && (!g->count || p->out - p->last_point > g->span)) {
            if (add_point(g, z, p->in, p->out, p->ring)) return od_error_nomem(err, g->path);
            p->last_point = p->out;
        }
    }
    return OD_OK;
}

static od_status run_pass(od_gzip_index *g, pass *p, od_gzip_sink sink, void *user, const char **damage, od_error *err)
{
    stream_init(&p->z);
    if (inflateInit2(&p->z, 47) != Z_OK) return od_error_nomem(err, g->path);
    od_status status = OD_OK;
    uint64_t position = 0;
    while (status == OD_OK && !*damage) {
        ssize_t n = read_some(g->fd, p->input, CHUNK, position);
        if (n < 0) status = od_error_errno(err, g->path, "read");
        if (n == 0 && !p->ended) *damage = "the packed data is cut off";
        if (n > 0 && p->ended) *damage = "more data follows the packed stream; only one gzip member is read";
        if (n <= 0 || *damage) break;
        position += (uint64_t)n;
        p->z.next_in = p->input;
        p->z.avail_in = (uInt)n;
        status = pass_chunk(g, p, sink, user, damage, err);
        if (p->ended && p->z.avail_in) *damage = "more data follows the packed stream; only one gzip member is read";
    }
    inflateEnd(&p->z);
    g->size = p->out;
    return status;
}

od_status od_gzip_index_create(od_gzip_index **out, int fd, const char *path, od_gzip_sink sink, void *user,
                               const char **damage, od_error *err)
{
    od_gzip_index *g = od_calloc(1, sizeof *g);
    pass *p = od_calloc(1, sizeof *p);
    *damage = NULL;
    od_status status = OD_OK;
    if (!g || !p || !(g->path = od_strdup(path))) status = od_error_nomem(err, path);
    if (status == OD_OK) {
        g->fd = fd;
        g->span = 1 << 20;
        status = run_pass(g, p, sink, user, damage, err);
    }
    if (status == OD_OK && !g->count && *damage)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: cannot be unpacked: %s", path, *damage);
    od_free(p);
    if (status == OD_OK)
        *out = g;
    else
        od_gzip_index_free(g);
    return status;
}

static const restart_point *nearest_point(const od_gzip_index *g, uint64_t offset)
{
    size_t low = 0, high = g->count;
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        if (g->points[mid].out <= offset)
            low = mid;
        else
            high = mid;
    }
    return &g->points[low];
}

static od_status restart(const od_gzip_index *g, const restart_point *at, z_stream *z, od_error *err)
{
    stream_init(z);
    if (inflateInit2(z, -15) != Z_OK) return od_error_nomem(err, g->path);
    uint8_t byte;
    int ok = 1;
    if (at->bits)
        ok = read_some(g->fd, &byte, 1, at->in - 1) == 1 && inflatePrime(z, at->bits, byte >> (8 - at->bits)) == Z_OK;
    if (ok && at->out) ok = inflateSetDictionary(z, at->window, WINDOW) == Z_OK;
    if (ok) return OD_OK;
    inflateEnd(z);
    return od_error_set(err, OD_ERR_IO, "%s: the file changed while it was being read", g->path);
}

typedef struct cursor {
    z_stream z;
    uint64_t in;
    uint8_t input[CHUNK];
} cursor;

/* The next `size` unpacked bytes. */
static od_status inflate_exactly(const od_gzip_index *g, cursor *c, void *bytes, size_t size, od_error *err)
{
    uint8_t *to = bytes;
    while (size) {
        if (!c->z.avail_in) {
            ssize_t n = read_some(g->fd, c->input, CHUNK, c->in);
            if (n < 0) return od_error_errno(err, g->path, "read");
            if (n == 0) return od_error_set(err, OD_ERR_FORMAT, "%s: the packed data is cut off", g->path);
            c->in += (uint64_t)n;
            c->z.next_in = c->input;
            c->z.avail_in = (uInt)n;
        }
        uInt step = size > (1u << 30) ? 1u << 30 : (uInt)size;
        c->z.next_out = to;
        c->z.avail_out = step;
        int code = inflate(&c->z, Z_NO_FLUSH);
        size_t made = step - c->z.avail_out;
        to += made;
        size -= made;
        if (code == Z_MEM_ERROR) return od_error_nomem(err, g->path);
        if ((code == Z_STREAM_END && size) || (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR))
            return od_error_set(err, OD_ERR_FORMAT, "%s: the packed data is damaged", g->path);
    }
    return OD_OK;
}

od_status od_gzip_index_read(const od_gzip_index *g, uint64_t offset, void *bytes, size_t size, od_error *err)
{
    if (offset > g->size || size > g->size - offset)
        return od_error_set(err, OD_ERR_FORMAT, "%s: %zu bytes at offset %llu are past the end (%llu)", g->path, size,
                            (unsigned long long)offset, (unsigned long long)g->size);
    if (!size) return OD_OK;
    const restart_point *at = nearest_point(g, offset);
    cursor *c = od_malloc(1, sizeof *c);
    if (!c) return od_error_nomem(err, g->path);
    od_status status = restart(g, at, &c->z, err);
    if (status == OD_OK) {
        uint8_t waste[4096];
        c->in = at->in;
        for (uint64_t skip = offset - at->out; skip && status == OD_OK;) {
            size_t n = skip < sizeof waste ? (size_t)skip : sizeof waste;
            status = inflate_exactly(g, c, waste, n, err);
            skip -= n;
        }
        if (status == OD_OK) status = inflate_exactly(g, c, bytes, size, err);
        inflateEnd(&c->z);
    }
    od_free(c);
    return status;
}
