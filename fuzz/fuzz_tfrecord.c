/* SPDX-License-Identifier: Apache-2.0
 *
 * TFRecord files, plain or packed. The first byte's lowest bit says whether checksums are made right first (or hardly a change
 * would get past the first length); bit 1 packs the rest as a zlib stream. What opens is read record by record.
 */
#include "data/tfrecord.h"
#include "util/alloc.h"
#include "util/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes the checksums of each record's length right, and of its data in every other record. */
static void mend(uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (int i = 0; size - at >= OD_RECORD_HEADER_SIZE + OD_RECORD_FOOTER_SIZE; i++) {
        uint64_t length = 0;
        for (int k = 7; k >= 0; k--) length = length << 8 | bytes[at + (size_t)k];
        od_record_header_format(bytes + at, length);
        at += OD_RECORD_HEADER_SIZE;
        if (length > size - at || size - at - length < OD_RECORD_FOOTER_SIZE) return;
        if (i % 2 == 0) od_record_footer_format(bytes + at + length, bytes + at, (size_t)length);
        at += (size_t)length + OD_RECORD_FOOTER_SIZE;
    }
}

static int save(const char *path, const uint8_t *bytes, size_t size, int packed)
{
    FILE *f = fopen(path, "wb");
    if (!f) return -1;
    uLongf packed_size = compressBound((uLong)size);
    uint8_t *to = packed ? malloc(packed_size) : NULL;
    if (to && compress(to, &packed_size, bytes, (uLong)size) == Z_OK) bytes = to, size = packed_size;
    int ok = fwrite(bytes, 1, size, f) == size;
    free(to);
    return fclose(f) == 0 && ok ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    if (!size) return 0;
    snprintf(path, sizeof path, "/dev/shm/fuzz_tfrecord.%ld", (long)getpid());
    uint8_t *bytes = malloc(size);
    if (!bytes) return 0;
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1) mend(bytes, size - 1);
    od_tfrecord *f = NULL;
    od_error err = {0};
    if (save(path, bytes, size - 1, data[0] & 2) == 0 && od_tfrecord_open(&f, path, &err) == OD_OK) {
        int64_t n = od_tfrecord_count(f);
        for (int64_t i = 0; i < n && i < 200; i++) {
            uint8_t *record = NULL;
            size_t record_size = 0;
            od_status status = od_tfrecord_read(f, i, &record, &record_size, &err);
            if (status == OD_OK && record_size > size * 1100) abort(); /* more than deflate can hold */
            if (status != OD_OK && !err.message[0]) abort();
            if (status == OD_OK) od_free(record);
        }
        od_tfrecord_free(f);
    }
    unlink(path);
    free(bytes);
    return 0;
}
