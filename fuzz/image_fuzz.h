/* SPDX-License-Identifier: Apache-2.0
 *
 * What the four image fuzzers share: the input gets the format's first bytes, so that no time goes into other formats.
 */
#ifndef FUZZ_IMAGE_FUZZ_H
#define FUZZ_IMAGE_FUZZ_H

#include "image/image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes `data` with `magic` forced at `offset`; images over 1 megapixel are left out to keep the fuzzer fast. */
static inline void fuzz_decode(const uint8_t *data, size_t size, const char *magic, size_t length, size_t offset)
{
    if (size < offset + length) return;
    uint8_t *bytes = malloc(size);
    if (!bytes) return;
    memcpy(bytes, data, size);
    memcpy(bytes + offset, magic, length);
    int width, height;
    od_error err = {0};
    od_status status = od_image_read_size(bytes, size, &width, &height, &err);
    if (status == OD_OK && (int64_t)width * height <= 1 << 20) {
        od_image image = {0};
        status = od_image_decode(bytes, size, &image, &err);
        if (status == OD_OK && (image.width != width || image.height != height)) abort();
        if (status != OD_OK && (image.pixels || !err.message[0])) abort();
        od_image_deinit(&image);
    }
    free(bytes);
}

#endif
