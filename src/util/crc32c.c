/* SPDX-License-Identifier: Apache-2.0
 *
 * Slicing by 8 (Kounavis and Berry, 2005), or SSE4.2's crc32 instruction on three interleaved streams: the
 * instruction takes one operand a cycle but answers after three.
 */
#include "util/crc32c.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL_REFLECTED 0x82f63b78u

/* table[k][b]: the CRC of byte b followed by k zero bytes. Constant once filled. */
static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (int i = 0; i < 8; i++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL_REFLECTED : 0);
        table[0][b] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 255];
}

uint32_t od_crc32c_portable(uint32_t crc, const void *bytes, size_t size)
{
    pthread_once(&table_once, fill_table);
    const uint8_t *p = bytes;
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^ table[4][crc >> 24] ^
              table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; size; size--) crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 255];
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

/* Bytes of each of the three streams; a multiple of 8. */
#define STREAM 1024

/* shift_table[k][b]: what byte k of a CRC register, valued b, becomes after STREAM zero bytes. */
static uint32_t shift_table[4][256];
static pthread_once_t shift_once = PTHREAD_ONCE_INIT;

static void fill_shift_table(void)
{
    pthread_once(&table_once, fill_table);
    for (int k = 0; k < 4; k++)
        for (uint32_t b = 0; b < 256; b++) {
            uint32_t crc = b << (8 * k);
            for (int i = 0; i < STREAM; i++) crc = (crc >> 8) ^ table[0][crc & 255];
            shift_table[k][b] = crc;
        }
}

static uint32_t shift_stream(uint32_t crc)
{
    return shift_table[0][crc & 255] ^ shift_table[1][crc >> 8 & 255] ^ shift_table[2][crc >> 16 & 255] ^
           shift_table[3][crc >> 24];
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t start, const uint8_t *p, size_t size)
{
    uint64_t crc = (uint32_t)~start;
    if (size >= 3 * STREAM) pthread_once(&shift_once, fill_shift_table);
    for (; size >= 3 * STREAM; size -= 3 * STREAM, p += 3 * STREAM) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < STREAM; i += 8) {
            crc = _mm_crc32_u64(crc, load64(p + i));
            b = _mm_crc32_u64(b, load64(p + STREAM + i));
            c = _mm_crc32_u64(c, load64(p + 2 * STREAM + i));
        }
        crc = shift_stream((uint32_t)crc) ^ b;
        crc = shift_stream((uint32_t)crc) ^ c;
    }
    for (; size >= 8; size -= 8, p += 8) crc = _mm_crc32_u64(crc, load64(p));
    for (; size; size--) crc = _mm_crc32_u8((uint32_t)crc, *p++);
    return ~(uint32_t)crc;
}
#endif

uint32_t od_crc32c(uint32_t crc, const void *bytes, size_t size)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return crc_sse42(crc, bytes, size);
#endif
    return od_crc32c_portable(crc, bytes, size);
}
