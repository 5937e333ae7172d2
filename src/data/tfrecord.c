/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tfrecord.h"

#include "data/gzip_index.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = OD_RECORD_HEADER_SIZE, FOOTER = OD_RECORD_FOOTER_SIZE };

struct od_tfrecord {
    char *path;
    int fd;
    uint64_t size;       /* unpacked */
    od_gzip_index *gzip; /* NULL for plain files */
    uint64_t *offsets;   /* [count + 1]: of each record's header, then the end of the last one */
    size_t count, capacity;
    const char *damage; /* why the last record can't be read (static text), or NULL */
};

/* Reads up to `size` bytes of the file as it is; the count, or -1 with errno. */
static ssize_t read_file(int fd, void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int add_offset(od_tfrecord *f, uint64_t offset)
{
    if (od_grow(&f->offsets, &f->capacity, f->count + 2, sizeof *f->offsets)) return -1;
    f->offsets[f->count++] = offset;
    return 0;
}

/* Takes a record's header and gives where the next one starts; 0 when the file can't be followed further. */
static uint64_t take_header(od_tfrecord *f, const uint8_t header[HEADER], uint64_t offset)
{
    uint64_t length, rest = f->size - offset - HEADER;
    if (od_record_header_parse(header, &length)) {
        f->damage = "the length's checksum is wrong, so the rest of the file can't be read";
        return 0;
    }
    if (rest < FOOTER || length > rest - FOOTER) {
        f->damage = "the file is cut off inside the record";
        return 0;
    }
    return offset + HEADER + length + FOOTER;
}

static od_status index_plain(od_tfrecord *f, od_error *err)
{
    uint64_t offset = 0;
    while (offset < f->size) {
        uint8_t header[HEADER];
        ssize_t n = read_file(f->fd, header, HEADER, offset);
        if (n < 0) return od_error_errno(err, f->path, "read");
        if (add_offset(f, offset)) return od_error_nomem(err, f->path);
        if (n < HEADER) {
            f->damage = "the file is cut off inside the record's header";
            break;
        }
        offset = take_header(f, header, offset);
        if (!offset) break;
    }
    return OD_OK;
}

/* Finds headers in a stream of unpacked bytes, whose total size isn't known yet. */
typedef struct header_scan {
    od_tfrecord *f;
    uint64_t position, next; /* of the stream; of the next header */
    uint8_t header[HEADER];
    size_t have;
} header_scan;

static od_status scan_unpacked(void *user, const uint8_t *bytes, size_t size)
{
    header_scan *s = user;
    uint64_t end = s->position + size;
    while (!s->f->damage && s->next + s->have < end) {
        uint64_t want = s->next + s->have;
        size_t skip = (size_t)(want - s->position), n = size - skip, need = HEADER - s->have;
        if (n > need) n = need;
        if (!s->have && add_offset(s->f, s->next)) return OD_ERR_NOMEM;
        memcpy(s->header + s->have, bytes + skip, n);
        s->have += n;
        if (s->have < HEADER) break;
        s->have = 0;
        uint64_t next = take_header(s->f, s->header, s->next);
        if (next) s->next = next;
    }
    s->position = end;
    return OD_OK;
}

static od_status index_packed(od_tfrecord *f, od_error *err)
{
    header_scan scan = {.f = f};
    const char *packed_damage;
    f->size = UINT64_MAX / 2; /* until the pass has told */
    od_status status = od_gzip_index_create(&f->gzip, f->fd, f->path, scan_unpacked, &scan, &packed_damage, err);
    if (status == OD_ERR_NOMEM) return od_error_nomem(err, f->path);
    OD_TRY(status);
    f->size = od_gzip_index_size(f->gzip);
    if (f->damage) return OD_OK;
    if (packed_damage)
        f->damage = packed_damage;
    else if (scan.have || scan.next > f->size)
        f->damage = "the file is cut off inside the record";
    /* Damage exactly between two records: the record that would follow stands for it. */
    if (f->damage && scan.next == f->size && !scan.have && add_offset(f, scan.next)) return od_error_nomem(err, f->path);
    return OD_OK;
}

static int header_is_sound(const uint8_t header[HEADER])
{
    uint64_t length;
    return od_record_header_parse(header, &length) == 0;
}

static od_status start_index(od_tfrecord *f, od_error *err)
{
    uint8_t head[HEADER];
    ssize_t n = read_file(f->fd, head, HEADER, 0);
    if (n < 0) return od_error_errno(err, f->path, "read");
    int plain = n == 0 || (n == HEADER && header_is_sound(head));
    int gzip = !plain && n >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
    int zlib = !plain && n >= 2 && (head[0] & 0x0f) == 8 && (head[0] >> 4) <= 7 && (head[0] * 256 + head[1]) % 31 == 0;
    if (plain) return index_plain(f, err);
    if (gzip || zlib) {
        OD_TRY(index_packed(f, err));
        plain = f->size == 0;
        if (!plain && f->size >= HEADER) {
            OD_TRY(od_gzip_index_read(f->gzip, 0, head, HEADER, err));
            plain = header_is_sound(head);
        }
    }
    if (plain) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT,
                        "%s: is not a TFRecord file (the checksum of the first record's length at offset 0 is wrong)",
                        f->path);
}

od_status od_tfrecord_open(od_tfrecord **out, const char *path, od_error *err)
{
    od_tfrecord *f = od_calloc(1, sizeof *f);
    if (!f) return od_error_nomem(err, path);
    f->fd = -1;
    od_status status = OD_OK;
    struct stat st;
    if (!(f->path = od_strdup(path)) || od_grow(&f->offsets, &f->capacity, 1, sizeof *f->offsets))
        status = od_error_nomem(err, path);
    else if ((f->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        status = od_error_errno(err, path, "open");
    else if (fstat(f->fd, &st))
        status = od_error_errno(err, path, "read");
    else if (!S_ISREG(st.st_mode))
        status = od_error_set(err, OD_ERR_IO, "%s: is not a regular file; expected a TFRecord", path);
    else {
        f->size = (uint64_t)st.st_size;
        status = start_index(f, err);
    }
    if (status != OD_OK) {
        od_tfrecord_free(f);
        return status;
    }
    f->offsets[f->count] = f->size;
    *out = f;
    return OD_OK;
}

const char *od_tfrecord_path(const od_tfrecord *f)
{
    return f->path;
}

int64_t od_tfrecord_count(const od_tfrecord *f)
{
    return (int64_t)f->count;
}

void od_tfrecord_free(od_tfrecord *f)
{
    if (!f) return;
    if (f->fd >= 0) close(f->fd);
    od_gzip_index_free(f->gzip);
    od_free(f->offsets);
    od_free(f->path);
    od_free(f);
}

static od_status record_error(const od_tfrecord *f, int64_t index, const char *what, od_error *err)
{
    return od_error_set(err, OD_ERR_FORMAT, "%s: record %lld at offset %llu%s: %s", f->path, (long long)index,
                        (unsigned long long)f->offsets[index], f->gzip ? " (unpacked)" : "", what);
}

static od_status read_frame(const od_tfrecord *f, int64_t index, uint8_t *frame, size_t size, od_error *err)
{
    if (f->gzip) return od_gzip_index_read(f->gzip, f->offsets[index], frame, size, err);
    ssize_t n = read_file(f->fd, frame, size, f->offsets[index]);
    if (n < 0) return od_error_errno(err, f->path, "read");
    return (size_t)n == size ? OD_OK : record_error(f, index, "the file became shorter while it was being read", err);
}

od_status od_tfrecord_read(const od_tfrecord *f, int64_t index, uint8_t **bytes, size_t *size, od_error *err)
{
    if (index < 0 || (size_t)index >= f->count)
        return od_error_set(err, OD_ERR_ARG, "%s: record %lld of %zu was asked for", f->path, (long long)index, f->count);
    if (f->damage && (size_t)index == f->count - 1) return record_error(f, index, f->damage, err);
    uint64_t whole = f->offsets[index + 1] - f->offsets[index];
    if (whole > SIZE_MAX / 2) return record_error(f, index, "the record is too large for this machine", err);
    size_t length = (size_t)whole - HEADER - FOOTER;
    uint8_t *frame = od_malloc((size_t)whole, 1);
    if (!frame) return od_error_nomem(err, f->path);
    od_status status = read_frame(f, index, frame, (size_t)whole, err);
    uint64_t told;
    if (status == OD_OK && (od_record_header_parse(frame, &told) || told != length))
        status = record_error(f, index, "the length's checksum is wrong", err);
    if (status == OD_OK && !od_record_footer_check(frame + HEADER + length, frame + HEADER, length))
        status = record_error(f, index, "the data's checksum is wrong (the file is damaged)", err);
    if (status != OD_OK) {
        od_free(frame);
        return status;
    }
    memmove(frame, frame + HEADER, length);
    *bytes = frame;
    *size = length;
    return OD_OK;
}

struct od_tfrecord_writer {
    od_file_writer *file;
};

od_status od_tfrecord_writer_create(od_tfrecord_writer **out, const char *path, od_error *err)
{
    od_tfrecord_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, path);
    od_status status = od_file_writer_create(&w->file, path, err);
    if (status != OD_OK) {
        od_free(w);
        return status;
    }
    *out = w;
    return OD_OK;
}

od_status od_tfrecord_writer_write(od_tfrecord_writer *w, const void *bytes, size_t size, od_error *err)
{
    uint8_t header[HEADER], footer[FOOTER];
    od_record_header_format(header, size);
    od_record_footer_format(footer, bytes, size);
    OD_TRY(od_file_writer_write(w->file, header, HEADER, err));
    OD_TRY(od_file_writer_write(w->file, bytes, size, err));
    return od_file_writer_write(w->file, footer, FOOTER, err);
}

od_status od_tfrecord_writer_commit(od_tfrecord_writer *w, od_error *err)
{
    od_status status = od_file_writer_commit(w->file, err);
    od_free(w);
    return status;
}

void od_tfrecord_writer_abort(od_tfrecord_writer *w)
{
    if (!w) return;
    od_file_writer_abort(w->file);
    od_free(w);
}
