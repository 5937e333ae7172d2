/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/safetensors.h"

#include "util/alloc.h"
#include "util/file.h"
#include "util/hashmap.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The format's own limit on the header. */
#define MAX_HEADER (100u << 20)

struct od_safetensors {
    od_file_view view;
    json_t *header; /* owns the names */
    od_safetensors_entry *entries;
    void **copies; /* per entry: an aligned copy, or NULL where the file's own bytes serve */
    size_t count;
    od_hashmap by_name;
};

static uint64_t read_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

static od_status bad(od_error *err, const char *name, const char *why)
{
    return od_error_set(err, OD_ERR_FORMAT, "tensor '%s': %s", name, why);
}

static od_status parse_shape(od_safetensors_entry *e, const json_t *shape, od_error *err)
{
    if (!json_is_array(shape)) return bad(err, e->name, "no \"shape\" list");
    if (json_array_size(shape) > OD_DTYPE_MAX_RANK) return bad(err, e->name, "more than 8 dimensions");
    e->rank = (int)json_array_size(shape);
    for (int i = 0; i < e->rank; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(err, e->name, "a dimension in \"shape\" is not a whole number >= 0");
        e->shape[i] = json_integer_value(dim);
    }
    return OD_OK;
}

/* e->data points to base + the tensor's begin; size is that of the data part. */
static od_status parse_offsets(od_safetensors_entry *e, const json_t *offsets, const uint8_t *base, size_t size, od_error *err)
{
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return bad(err, e->name, "\"data_offsets\" is not [begin, end]");
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > size)
        return od_error_set(err, OD_ERR_FORMAT, "tensor '%s': data_offsets [%lld, %lld] outside the %zu bytes of data; the file is truncated or damaged",
                            e->name, (long long)begin, (long long)end, size);
    if ((uint64_t)(end - begin) != e->bytes) {
        char text[128];
        return od_error_set(err, OD_ERR_FORMAT, "tensor '%s': %lld bytes, but %s %s needs %zu", e->name, (long long)(end - begin),
                            od_dtype_name(e->dtype), od_shape_text(e->rank, e->shape, text, sizeof text), e->bytes);
    }
    e->data = base + begin;
    return OD_OK;
}

static od_status parse_entry(od_safetensors_entry *e, const char *name, const json_t *value, const uint8_t *base, size_t size, od_error *err)
{
    *e = (od_safetensors_entry){.name = name};
    if (!json_is_object(value)) return bad(err, name, "its header entry is not an object");
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    if (!dtype) return bad(err, name, "no \"dtype\"");
    if (!od_dtype_parse(dtype, &e->dtype) || e->dtype == OD_STRING)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "tensor '%s': dtype \"%s\" is not supported", name, dtype);
    OD_TRY(parse_shape(e, json_object_get(value, "shape"), err));
    if (od_shape_bytes(e->dtype, e->rank, e->shape, &e->bytes)) return bad(err, name, "its shape overflows");
    return parse_offsets(e, json_object_get(value, "data_offsets"), base, size, err);
}

static int by_position(const void *a, const void *b)
{
    const od_safetensors_entry *x = a, *y = b;
    if (x->data != y->data) return (const uint8_t *)x->data < (const uint8_t *)y->data ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Entries sorted by position must cover the data without overlap or hole. */
static od_status check_layout(const od_safetensors *st, const uint8_t *base, size_t size, od_error *err)
{
    const uint8_t *expected = base;
    for (size_t i = 0; i < st->count; i++) {
        const od_safetensors_entry *e = &st->entries[i];
        const uint8_t *data = e->data;
        if (data < expected) return bad(err, e->name, "its data overlaps another tensor's");
        if (data > expected) return bad(err, e->name, "there is a hole before its data");
        expected = data + e->bytes;
    }
    if (expected != base + size)
        return od_error_set(err, OD_ERR_FORMAT, "%zu bytes after the last tensor", (size_t)(base + size - expected));
    return OD_OK;
}

/* Where the file's layout doesn't fit the element type, the tensor is copied. */
static od_status align_entry(od_safetensors *st, size_t i, od_error *err)
{
    od_safetensors_entry *e = &st->entries[i];
    if ((uintptr_t)e->data % od_dtype_size(e->dtype) == 0) return OD_OK;
    st->copies[i] = od_malloc(e->bytes, 1);
    if (!st->copies[i]) return od_error_nomem(err, e->name);
    memcpy(st->copies[i], e->data, e->bytes);
    e->data = st->copies[i];
    return OD_OK;
}

static od_status parse_entries(od_safetensors *st, const uint8_t *base, size_t size, od_error *err)
{
    size_t room = json_object_size(st->header);
    st->entries = od_calloc(room, sizeof *st->entries);
    st->copies = od_calloc(room, sizeof *st->copies);
    if (!st->entries || !st->copies) return od_error_nomem(err, "the list of tensors");
    const char *name;
    json_t *value;
    json_object_foreach(st->header, name, value)
    {
        if (!strcmp(name, "__metadata__")) {
            if (!json_is_object(value)) return od_error_set(err, OD_ERR_FORMAT, "\"__metadata__\" is not an object");
            continue;
        }
        OD_TRY(parse_entry(&st->entries[st->count], name, value, base, size, err));
        st->count++;
    }
    qsort(st->entries, st->count, sizeof *st->entries, by_position);
    OD_TRY(check_layout(st, base, size, err));
    for (size_t i = 0; i < st->count; i++) {
        if (od_hashmap_set(&st->by_name, st->entries[i].name, (int64_t)i)) return od_error_nomem(err, "the list of tensors");
        OD_TRY(align_entry(st, i, err));
    }
    return OD_OK;
}

static od_status parse_file(od_safetensors *st, const uint8_t *bytes, size_t size, od_error *err)
{
    if (size < 8) return od_error_set(err, OD_ERR_FORMAT, "%zu bytes; a safetensors file has at least 8", size);
    uint64_t header_size = read_u64(bytes);
    if (header_size > MAX_HEADER || header_size > size - 8)
        return od_error_set(err, OD_ERR_FORMAT, "header of %llu bytes in a file of %zu; not a safetensors file, or truncated",
                            (unsigned long long)header_size, size);
    json_error_t why;
    st->header = json_loadb((const char *)bytes + 8, (size_t)header_size, JSON_REJECT_DUPLICATES, &why);
    if (!st->header) return od_error_set(err, OD_ERR_FORMAT, "header is not valid JSON (byte %d): %s", why.position + 8, why.text);
    if (!json_is_object(st->header)) return od_error_set(err, OD_ERR_FORMAT, "header is not a JSON object");
    return parse_entries(st, bytes + 8 + header_size, size - 8 - (size_t)header_size, err);
}

static od_status parse_view(od_safetensors **out, const char *name, od_safetensors *st, const void *bytes, size_t size, od_error *err)
{
    od_status status = parse_file(st, bytes, size, err);
    if (status == OD_OK) {
        *out = st;
        return OD_OK;
    }
    od_error_prefix(err, "%s", name);
    od_safetensors_close(st);
    return status;
}

od_status od_safetensors_open(od_safetensors **out, const char *path, od_error *err)
{
    od_safetensors *st = od_calloc(1, sizeof *st);
    if (!st) return od_error_nomem(err, path);
    od_status status = od_file_view_open(&st->view, path, err);
    if (status == OD_OK) return parse_view(out, path, st, st->view.data, st->view.size, err);
    od_free(st);
    return status;
}

od_status od_safetensors_parse(od_safetensors **out, const char *name, const void *bytes, size_t size, od_error *err)
{
    od_safetensors *st = od_calloc(1, sizeof *st);
    if (!st) return od_error_nomem(err, name);
    return parse_view(out, name, st, bytes, size, err);
}

void od_safetensors_close(od_safetensors *st)
{
    if (!st) return;
    for (size_t i = 0; i < st->count; i++) od_free(st->copies[i]);
    od_free(st->copies);
    od_free(st->entries);
    od_hashmap_deinit(&st->by_name);
    json_decref(st->header);
    od_file_view_close(&st->view);
    od_free(st);
}

size_t od_safetensors_count(const od_safetensors *st)
{
    return st->count;
}

const od_safetensors_entry *od_safetensors_at(const od_safetensors *st, size_t i)
{
    return i < st->count ? &st->entries[i] : NULL;
}

const od_safetensors_entry *od_safetensors_find(const od_safetensors *st, const char *name)
{
    int64_t i;
    return od_hashmap_get(&st->by_name, name, &i) ? &st->entries[i] : NULL;
}

/* The order of the data in a written file: larger elements first, else as given. */
static const int element_sizes[] = {8, 4, 2, 1};

static od_status check_written(const od_safetensors_entry *e, json_t *header, size_t *bytes, od_error *err)
{
    if (od_shape_bytes(e->dtype, e->rank, e->shape, bytes))
        return od_error_set(err, OD_ERR_ARG, "tensor '%s': %s with %d dimensions cannot be written", e->name, od_dtype_name(e->dtype), e->rank);
    if (!strcmp(e->name, "__metadata__") || json_object_get(header, e->name))
        return od_error_set(err, OD_ERR_ARG, "tensor '%s': the name is taken", e->name);
    return OD_OK;
}

static od_status add_header(json_t *header, const od_safetensors_entry *e, size_t *offset, od_error *err)
{
    size_t bytes, end;
    OD_TRY(check_written(e, header, &bytes, err));
    if (__builtin_add_overflow(*offset, bytes, &end) || end > INT64_MAX)
        return od_error_set(err, OD_ERR_ARG, "tensor '%s': the file would be too large", e->name);
    json_t *shape = json_array();
    for (int i = 0; i < e->rank; i++) json_array_append_new(shape, json_integer(e->shape[i]));
    json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", od_dtype_name(e->dtype), "shape", shape, "data_offsets",
                              (json_int_t)*offset, (json_int_t)end);
    if (!entry || json_object_set_new(header, e->name, entry))
        return od_error_set(err, OD_ERR_ARG, "tensor '%s': the name is not valid UTF-8, or out of memory", e->name);
    *offset = end;
    return OD_OK;
}

static od_status build_header(json_t *header, const od_safetensors_entry *entries, size_t count, od_error *err)
{
    size_t offset = 0;
    for (size_t pass = 0; pass < 4; pass++)
        for (size_t i = 0; i < count; i++)
            if ((int)od_dtype_size(entries[i].dtype) == element_sizes[pass]) OD_TRY(add_header(header, &entries[i], &offset, err));
    if (json_object_size(header) == count) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "strings cannot be written as safetensors");
}

static od_status write_header(od_file_writer *w, const char *text, od_error *err)
{
    size_t size = strlen(text), padding = (8 - size % 8) % 8;
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)((uint64_t)(size + padding) >> (8 * i));
    OD_TRY(od_file_writer_write(w, prefix, sizeof prefix, err));
    OD_TRY(od_file_writer_write(w, text, size, err));
    return od_file_writer_write(w, "       ", padding, err);
}

static od_status write_data(od_file_writer *w, const od_safetensors_entry *entries, size_t count, od_error *err)
{
    for (size_t pass = 0; pass < 4; pass++) {
        for (size_t i = 0; i < count; i++) {
            size_t bytes = 0;
            if ((int)od_dtype_size(entries[i].dtype) != element_sizes[pass]) continue;
            if (od_shape_bytes(entries[i].dtype, entries[i].rank, entries[i].shape, &bytes) == 0 && bytes)
                OD_TRY(od_file_writer_write(w, entries[i].data, bytes, err));
        }
    }
    return OD_OK;
}

od_status od_safetensors_write(const char *path, const od_safetensors_entry *entries, size_t count, od_error *err)
{
    od_status status = OD_OK;
    od_file_writer *w = NULL;
    char *text = NULL;
    json_t *header = json_object();
    if (!header) return od_error_nomem(err, path);
    OD_TRY_GOTO(build_header(header, entries, count, err));
    text = json_dumps(header, JSON_COMPACT);
    if (!text) {
        status = od_error_nomem(err, path);
        goto done;
    }
    OD_TRY_GOTO(od_file_writer_create(&w, path, err));
    OD_TRY_GOTO(write_header(w, text, err));
    OD_TRY_GOTO(write_data(w, entries, count, err));
    status = od_file_writer_commit(w, err);
    w = NULL;
done:
    od_file_writer_abort(w);
    free(text);
    json_decref(header);
    return status;
}
