/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows bitmaps, uncompressed: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, also with bit masks, rows from
 * the bottom or from the top. Alpha is dropped. Run-length coding is refused by name.
 *
 *     0  "BM", u32 file size, u16 x 2 reserved, u32 offset of the pixels
 *     14 u32 size of this header (12: OS/2, u16 sides; >= 40: i32 sides, then)
 *     18 i32 width, i32 height (negative: rows from the top), u16 planes, u16 bits per pixel
 *     30 u32 compression (0 none, 1/2 RLE, 3/6 bit masks), u32 size, i32 x 2 resolution
 *     46 u32 palette entries (0: 2^bits), u32 important ones; masks (R, G, B) at 54; then the palette (B, G, R, 0)
 */
#include "image/codec.h"

#include <inttypes.h>

enum { FILE_HEADER = 14, OS2_HEADER = 12, INFO_HEADER = 40 };

typedef struct bmp_header {
    int64_t width, height; /* both positive */
    int top_down;
    unsigned bits;
    uint32_t compression;
    uint32_t mask[3]; /* R, G, B; 16 and 32 bits only */
    size_t pixels;    /* offset of the first row in the file */
    size_t stride;    /* bytes between rows */
    size_t palette;   /* offset; up to 8 bits only */
    unsigned entry_size, entries;
} bmp_header;

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

static int bmp_matches(const uint8_t *bytes, size_t size)
{
    return size >= FILE_HEADER + 4 && bytes[0] == 'B' && bytes[1] == 'M';
}

static od_status truncated(size_t size, size_t need, od_error *err)
{
    return od_error_set(err, OD_ERR_FORMAT, "file is truncated: %zu bytes, expected at least %zu", size, need);
}

/* Sides, bits and compression. */
static od_status read_fields(const uint8_t *bytes, size_t size, bmp_header *h, od_error *err)
{
    uint32_t header_size = u32(bytes + FILE_HEADER);
    if (header_size != OS2_HEADER && (header_size < INFO_HEADER || header_size > 1024))
        return od_error_set(err, OD_ERR_FORMAT, "header of %" PRIu32 " bytes; expected 12 or 40..1024", header_size);
    if (size < FILE_HEADER + (size_t)header_size) return truncated(size, FILE_HEADER + (size_t)header_size, err);
    const uint8_t *p = bytes + FILE_HEADER + 4;
    int os2 = header_size == OS2_HEADER;
    int32_t height = os2 ? (int32_t)u16(p + 2) : (int32_t)u32(p + 4);
    h->width = os2 ? (int64_t)u16(p) : (int32_t)u32(p);
    h->top_down = height < 0;
    h->height = h->top_down ? -(int64_t)height : height;
    h->bits = u16(p + (os2 ? 6 : 10));
    h->entry_size = os2 ? 3 : 4;
    h->entries = os2 ? 0 : u32(bytes + 46);
    h->compression = os2 ? 0 : u32(bytes + 30);
    return OD_OK;
}

static od_status read_masks(const uint8_t *bytes, size_t size, bmp_header *h, od_error *err)
{
    static const uint32_t usual[2][3] = {{0x7c00, 0x3e0, 0x1f}, {0xff0000, 0xff00, 0xff}};
    if (h->compression && size < 66) return truncated(size, 66, err);
    for (int c = 0; c < 3; c++) h->mask[c] = h->compression ? u32(bytes + 54 + 4 * c) : usual[h->bits == 32][c];
    for (int c = 0; c < 3; c++)
        if (!h->mask[c]) return od_error_set(err, OD_ERR_FORMAT, "bit mask of channel %d is empty", c);
    return OD_OK;
}

static od_status check_encoding(const bmp_header *h, od_error *err)
{
    int masked = h->compression == 3 || h->compression == 6;
    if (h->bits != 1 && h->bits != 4 && h->bits != 8 && h->bits != 16 && h->bits != 24 && h->bits != 32)
        return od_error_set(err, OD_ERR_FORMAT, "%u bits per pixel; expected 1, 4, 8, 16, 24 or 32", h->bits);
    if (h->compression && !(masked && (h->bits == 16 || h->bits == 32)))
        return od_error_set(err, OD_ERR_UNSUPPORTED,
                            "compression %" PRIu32 " at %u bits; expected an uncompressed bitmap: convert it",
                            h->compression, h->bits);
    return OD_OK;
}

/* Where palette and pixels lie; both must be inside the file. */
static od_status locate(const uint8_t *bytes, size_t size, bmp_header *h, od_error *err)
{
    h->pixels = u32(bytes + 10);
    h->palette = FILE_HEADER + (size_t)u32(bytes + FILE_HEADER);
    h->stride = ((size_t)h->width * h->bits + 31) / 32 * 4;
    if (h->entries == 0 || h->entries > 256) h->entries = h->bits <= 8 ? 1u << h->bits : 0;
    if (h->bits <= 8 && h->palette + (size_t)h->entries * h->entry_size > size)
        return truncated(size, h->palette + (size_t)h->entries * h->entry_size, err);
    if (h->pixels > size || (size - h->pixels) / h->stride < (size_t)h->height)
        return truncated(size, h->pixels + h->stride * (size_t)h->height, err);
    return OD_OK;
}

static od_status read_header(const uint8_t *bytes, size_t size, bmp_header *h, od_error *err)
{
    *h = (bmp_header){0};
    OD_TRY(read_fields(bytes, size, h, err));
    if (h->width <= 0 || h->height <= 0)
        return od_error_set(err, OD_ERR_FORMAT, "image of %" PRId64 " x %" PRId64 " pixels; both must be positive",
                            h->width, h->height);
    return OD_OK;
}

static od_status bmp_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err)
{
    bmp_header h;
    OD_TRY(read_header(bytes, size, &h, err));
    if (h.height > INT32_MAX) return od_error_set(err, OD_ERR_FORMAT, "height of %" PRId64 " pixels", h.height);
    *width = (int)h.width;
    *height = (int)h.height;
    return OD_OK;
}

/* The bits under a mask, stretched to 0..255. */
static uint8_t masked_channel(uint32_t value, uint32_t mask)
{
    int shift = __builtin_ctz(mask);
    uint64_t top = mask >> shift;
    return (uint8_t)(((uint64_t)((value & mask) >> shift) * 255 + top / 2) / top);
}

static void masked_row(const uint8_t *in, uint8_t *rgb, const bmp_header *h)
{
    for (int64_t x = 0; x < h->width; x++, rgb += 3) {
        uint32_t value = h->bits == 16 ? u16(in + 2 * x) : u32(in + 4 * x);
        for (int c = 0; c < 3; c++) rgb[c] = masked_channel(value, h->mask[c]);
    }
}

static void bgr_row(const uint8_t *in, uint8_t *rgb, int64_t width)
{
    for (int64_t x = 0; x < width; x++, in += 3, rgb += 3) rgb[0] = in[2], rgb[1] = in[1], rgb[2] = in[0];
}

/* An index beyond the palette gives black. */
static void palette_row(const uint8_t *in, uint8_t *rgb, const bmp_header *h, const uint8_t *palette)
{
    unsigned per_byte = 8 / h->bits;
    for (int64_t x = 0; x < h->width; x++, rgb += 3) {
        unsigned shift = 8 - h->bits * ((unsigned)(x % per_byte) + 1);
        unsigned index = (unsigned)in[x / per_byte] >> shift & ((1u << h->bits) - 1);
        const uint8_t *entry = palette + (size_t)index * h->entry_size;
        for (int c = 0; c < 3; c++) rgb[c] = index < h->entries ? entry[2 - c] : 0;
    }
}

static od_status bmp_decode(const uint8_t *bytes, size_t size, od_image *image, od_error *err)
{
    bmp_header h;
    OD_TRY(read_header(bytes, size, &h, err));
    OD_TRY(check_encoding(&h, err));
    OD_TRY(read_masks(bytes, size, &h, err));
    OD_TRY(locate(bytes, size, &h, err));
    od_image decoded;
    OD_TRY(od_image_init(&decoded, h.width, h.height, err));
    for (int64_t y = 0; y < h.height; y++) {
        const uint8_t *in = bytes + h.pixels + h.stride * (size_t)(h.top_down ? y : h.height - 1 - y);
        uint8_t *rgb = decoded.pixels + (size_t)y * (size_t)h.width * 3;
        if (h.bits <= 8)
            palette_row(in, rgb, &h, bytes + h.palette);
        else if (h.bits == 24)
            bgr_row(in, rgb, h.width);
        else
            masked_row(in, rgb, &h);
    }
    *image = decoded;
    return OD_OK;
}

const od_image_codec od_image_codec_bmp = {"BMP", bmp_matches, bmp_read_size, bmp_decode};
