/* SPDX-License-Identifier: Apache-2.0
 *
 * The fingerprints of many images: in memory while they are few, else in a temporary file, with 16 bytes an image in memory.
 */
#ifndef OD_DATA_FINGERPRINT_STORE_H
#define OD_DATA_FINGERPRINT_STORE_H

#include "data/fingerprint.h"

typedef struct od_fingerprint_store od_fingerprint_store;

/* What stays in memory; all 0 for an image that takes no part. */
typedef struct od_fingerprint_head {
    uint64_t hash;
    uint16_t width, height;
    uint8_t flat, keypoint_count;
} od_fingerprint_head;

enum { OD_FINGERPRINT_STORE_MEMORY = 16 << 20 };

/* For images 0..count-1; more than `memory` bytes of fingerprints go to a file. */
od_status od_fingerprint_store_create(od_fingerprint_store **out, int32_t count, size_t memory, od_error *err);
int32_t od_fingerprint_store_count(const od_fingerprint_store *s);
/* From several threads, each its own images. */
od_status od_fingerprint_store_put(od_fingerprint_store *s, int32_t image, const od_fingerprint *f, od_error *err);
/* The image takes no part any more. */
void od_fingerprint_store_drop(od_fingerprint_store *s, int32_t image);

const od_fingerprint_head *od_fingerprint_store_head(const od_fingerprint_store *s, int32_t image);
/* `count` fingerprints from `first` on; those of images that take no part have no meaning. */
od_status od_fingerprint_store_get(const od_fingerprint_store *s, int32_t first, int32_t count, od_fingerprint *out, od_error *err);
void od_fingerprint_store_free(od_fingerprint_store *s); /* NULL is fine */

#endif
