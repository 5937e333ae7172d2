/* SPDX-License-Identifier: Apache-2.0 */
#include "data/fingerprint_store.h"

#include "util/alloc.h"
#include "util/scratch_file.h"

#include <string.h>

struct od_fingerprint_store {
    int32_t count;
    od_fingerprint_head *heads; /* [count] */
    od_fingerprint *prints;     /* [count]; NULL: in the file */
    od_scratch_file *file;
};

od_status od_fingerprint_store_create(od_fingerprint_store **out, int32_t count, size_t memory, od_error *err)
{
    od_fingerprint_store *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, "fingerprints");
    s->count = count;
    s->heads = od_calloc((size_t)count, sizeof *s->heads);
    int held = (size_t)count <= memory / sizeof *s->prints;
    if (held) s->prints = od_calloc((size_t)count, sizeof *s->prints);
    od_status status = s->heads && (s->prints || !held) ? OD_OK : od_error_nomem(err, "fingerprints");
    if (status == OD_OK && !held) status = od_scratch_file_create(&s->file, err);
    /* Reading beyond the end is an error: images that are never put are there as zeros. */
    if (status == OD_OK && !held) status = od_scratch_file_write(s->file, (uint64_t)count * sizeof *s->prints - 1, "", 1, err);
    if (status == OD_OK)
        *out = s;
    else
        od_fingerprint_store_free(s);
    return status;
}

int32_t od_fingerprint_store_count(const od_fingerprint_store *s)
{
    return s->count;
}

od_status od_fingerprint_store_put(od_fingerprint_store *s, int32_t image, const od_fingerprint *f, od_error *err)
{
    if (s->prints)
        s->prints[image] = *f;
    else
        OD_TRY(od_scratch_file_write(s->file, (uint64_t)image * sizeof *f, f, sizeof *f, err));
    s->heads[image] = (od_fingerprint_head){.hash = f->hash,
                                            .width = (uint16_t)f->width,
                                            .height = (uint16_t)f->height,
                                            .flat = (uint8_t)f->flat,
                                            .keypoint_count = (uint8_t)f->keypoint_count};
    return OD_OK;
}

void od_fingerprint_store_drop(od_fingerprint_store *s, int32_t image)
{
    s->heads[image] = (od_fingerprint_head){0};
}

const od_fingerprint_head *od_fingerprint_store_head(const od_fingerprint_store *s, int32_t image)
{
    return &s->heads[image];
}

od_status od_fingerprint_store_get(const od_fingerprint_store *s, int32_t first, int32_t count, od_fingerprint *out, od_error *err)
{
    if (!s->prints) return od_scratch_file_read(s->file, (uint64_t)first * sizeof *out, out, (size_t)count * sizeof *out, err);
    memcpy(out, s->prints + first, (size_t)count * sizeof *out);
    return OD_OK;
}

void od_fingerprint_store_free(od_fingerprint_store *s)
{
    if (!s) return;
    od_scratch_file_free(s->file);
    od_free(s->heads);
    od_free(s->prints);
    od_free(s);
}
