/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC-32C (Castagnoli, polynomial 0x1EDC6F41, as in RFC 3720), which TFRecords and TensorBundles carry, and the
 * masking that TensorFlow applies to stored values (a CRC of data that holds CRCs is weak).
 */
#ifndef OD_UTIL_CRC32C_H
#define OD_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of bytes that follow data whose CRC is `crc`; start with 0. Takes the processor's instruction when it
 * has one. */
uint32_t od_crc32c(uint32_t crc, const void *bytes, size_t size);

/* The same by tables only, on every processor; for tests. */
uint32_t od_crc32c_portable(uint32_t crc, const void *bytes, size_t size);

/* TensorFlow's stored form (tensorflow/core/lib/hash/crc32c.h: rotate right by 15, add 0xa282ead8) and back. */
static inline uint32_t od_crc32c_mask(uint32_t crc)
{
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static inline uint32_t od_crc32c_unmask(uint32_t masked)
{
    uint32_t rotated = masked - 0xa282ead8u;
    return (rotated >> 17) | (rotated << 15);
}

#endif
