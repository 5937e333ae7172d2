/* SPDX-License-Identifier: Apache-2.0 */
#include "util/record.h"

#include "util/crc32c.h"

static void put_le(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void od_record_header_format(uint8_t header[OD_RECORD_HEADER_SIZE], uint64_t length)
{
    put_le(header, length, 8);
    put_le(header + 8, od_crc32c_mask(od_crc32c(0, header, 8)), 4);
}

int od_record_header_parse(const uint8_t header[OD_RECORD_HEADER_SIZE], uint64_t *length)
{
    if (get_le(header + 8, 4) != od_crc32c_mask(od_crc32c(0, header, 8))) return -1;
    *length = get_le(header, 8);
    return 0;
}

void od_record_footer_format(uint8_t footer[OD_RECORD_FOOTER_SIZE], const void *payload, size_t size)
{
    put_le(footer, od_crc32c_mask(od_crc32c(0, payload, size)), 4);
}

int od_record_footer_check(const uint8_t footer[OD_RECORD_FOOTER_SIZE], const void *payload, size_t size)
{
    return get_le(footer, 4) == od_crc32c_mask(od_crc32c(0, payload, size));
}

void od_record_append(od_strbuf *out, const void *payload, size_t size)
{
    uint8_t header[OD_RECORD_HEADER_SIZE], footer[OD_RECORD_FOOTER_SIZE];
    od_record_header_format(header, size);
    od_record_footer_format(footer, payload, size);
    od_strbuf_append(out, header, sizeof header);
    od_strbuf_append(out, payload, size);
    od_strbuf_append(out, footer, sizeof footer);
}

od_record_result od_record_next(const uint8_t *data, size_t size, size_t *offset, const uint8_t **payload,
                                size_t *payload_size)
{
    size_t left = size - *offset;
    uint64_t length;
    if (!left) return OD_RECORD_END;
    if (left < OD_RECORD_HEADER_SIZE) return OD_RECORD_TRUNCATED;
    if (od_record_header_parse(data + *offset, &length)) return OD_RECORD_BAD_LENGTH;
    left -= OD_RECORD_HEADER_SIZE;
    if (left < OD_RECORD_FOOTER_SIZE || length > left - OD_RECORD_FOOTER_SIZE) return OD_RECORD_TRUNCATED;
    *payload = data + *offset + OD_RECORD_HEADER_SIZE;
    *payload_size = (size_t)length;
    if (!od_record_footer_check(*payload + length, *payload, (size_t)length)) return OD_RECORD_BAD_DATA;
    *offset += OD_RECORD_HEADER_SIZE + (size_t)length + OD_RECORD_FOOTER_SIZE;
    return OD_RECORD_OK;
}
