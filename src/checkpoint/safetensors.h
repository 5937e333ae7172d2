/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors files: u64 header size (little-endian), a JSON header {name: {dtype, shape, data_offsets}}, then the
 * tensors' bytes. Read mapped, without copying (format: github.com/huggingface/safetensors).
 *
 *     od_safetensors *st;
 *     OD_TRY(od_safetensors_open(&st, "forward.safetensors", err));
 *     const od_safetensors_entry *image = od_safetensors_find(st, "image");   // NULL when absent
 *     od_safetensors_close(st);                                               // `image` is gone
 */
#ifndef OD_CHECKPOINT_SAFETENSORS_H
#define OD_CHECKPOINT_SAFETENSORS_H

#include "tensor/dtype.h"
#include "util/error.h"

typedef struct od_safetensors od_safetensors;

/* One tensor, row-major. Read: everything belongs to the file handle; `data` is aligned for its dtype. */
typedef struct od_safetensors_entry {
    const char *name;
    od_dtype dtype;
    int rank;
    int64_t shape[OD_DTYPE_MAX_RANK];
    const void *data;
    size_t bytes;
} od_safetensors_entry;

/* Opens and checks the whole header: names are unique, every tensor lies inside the file, is as large as its shape
 * and dtype say, and tensors neither overlap nor leave holes. OD_ERR_FORMAT names the tensor and the value. */
od_status od_safetensors_open(od_safetensors **out, const char *path, od_error *err);
/* The same for bytes in memory, which must outlive the handle; `name` stands in messages. */
od_status od_safetensors_parse(od_safetensors **out, const char *name, const void *bytes, size_t size, od_error *err);
void od_safetensors_close(od_safetensors *st);

size_t od_safetensors_count(const od_safetensors *st);
/* In the order of their data in the file; NULL when i >= count. */
const od_safetensors_entry *od_safetensors_at(const od_safetensors *st, size_t i);
const od_safetensors_entry *od_safetensors_find(const od_safetensors *st, const char *name);

/* Writes atomically. `bytes` of an entry is ignored (shape and dtype decide). Larger element types come first in
 * the file, so that every tensor is aligned. OD_ERR_ARG for OD_STRING, a bad shape or a repeated name. */
od_status od_safetensors_write(const char *path, const od_safetensors_entry *entries, size_t count, od_error *err);

#endif
