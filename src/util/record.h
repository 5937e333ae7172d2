/* SPDX-License-Identifier: Apache-2.0
 *
 * TFRecord framing, which data sets and event files share (tensorflow/core/lib/io/record_writer.h):
 *
 *     uint64 length (little endian) | uint32 masked CRC-32C of those 8 bytes | `length` bytes | uint32 masked CRC-32C
 * of them
 *
 * Works on bytes in memory; od_record_header_* serve readers and writers that stream.
 */
#ifndef OD_UTIL_RECORD_H
#define OD_UTIL_RECORD_H

#include "util/strbuf.h"

#include <stddef.h>
#include <stdint.h>

enum { OD_RECORD_HEADER_SIZE = 12, OD_RECORD_FOOTER_SIZE = 4 };

typedef enum od_record_result {
    OD_RECORD_OK,
    OD_RECORD_END,        /* exactly at the end of the data */
    OD_RECORD_TRUNCATED,  /* the header is sound or cut, and the record reaches beyond the data */
    OD_RECORD_BAD_LENGTH, /* the length's CRC is wrong: nothing after this offset can be found */
    OD_RECORD_BAD_DATA    /* the payload's CRC is wrong: the record can be skipped */
} od_record_result;

/* Reads the record at *offset of data[size]. OK moves *offset behind it and gives its payload (a view into
 * `data`). BAD_DATA gives the payload too and leaves *offset; behind the record is
 * payload + payload_size + OD_RECORD_FOOTER_SIZE. The other results change nothing. */
od_record_result od_record_next(const uint8_t *data, size_t size, size_t *offset, const uint8_t **payload,
                                size_t *payload_size);

/* Appends one framed record to `out` (which remembers a failed allocation). */
void od_record_append(od_strbuf *out, const void *payload, size_t size);

/* The 12 bytes before a payload of `length` bytes. */
void od_record_header_format(uint8_t header[OD_RECORD_HEADER_SIZE], uint64_t length);
/* 0 and *length, or -1 when the CRC is wrong. */
int od_record_header_parse(const uint8_t header[OD_RECORD_HEADER_SIZE], uint64_t *length);
/* The 4 bytes behind a payload, and their check: 1 when the CRC agrees. */
void od_record_footer_format(uint8_t footer[OD_RECORD_FOOTER_SIZE], const void *payload, size_t size);
int od_record_footer_check(const uint8_t footer[OD_RECORD_FOOTER_SIZE], const void *payload, size_t size);

#endif
