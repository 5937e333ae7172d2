/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG through libspng: 8-bit RGB whatever the file holds, as TensorFlow's decode_png(channels=3): the high byte of 16
 * bits, palettes and grey expanded, alpha and tRNS dropped (not blended), gamma left alone.
 */
#include "image/codec.h"
#include "image/window.h"
#include "util/alloc.h"

#include <string.h>

#include <spng.h>

/* Adapters: libspng's allocation hooks pass one size. */
static void *hook_malloc(size_t size)
{
    return od_malloc(size, 1);
}

static void *hook_realloc(void *p, size_t size)
{
    return od_realloc(p, size, 1);
}

static void *hook_calloc(size_t count, size_t size)
{
    return od_calloc(count, size);
}

static spng_ctx *context_create(int flags)
{
    struct spng_alloc alloc = {hook_malloc, hook_realloc, hook_calloc, od_free};
    return spng_ctx_new2(&alloc, flags);
}

static od_status fail(int code, od_error *err)
{
    if (code == SPNG_EMEM || code == SPNG_EZLIB_INIT) return od_error_nomem(err, "PNG state");
    if (code == SPNG_IO_EOF || code == SPNG_EIO) return od_error_set(err, OD_ERR_FORMAT, "file is truncated");
    return od_error_set(err, OD_ERR_FORMAT, "%s", spng_strerror(code));
}

static int png_matches(const uint8_t *bytes, size_t size)
{
    return size >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8);
}

/* Opens the stream and reads the header. On failure *out is NULL. */
static od_status open_stream(const uint8_t *bytes, size_t size, spng_ctx **out, struct spng_ihdr *header, od_error *err)
{
    *out = NULL;
    spng_ctx *context = context_create(0);
    if (!context) return od_error_nomem(err, "PNG state");
    /* A damaged comment or colour profile doesn't make the pixels unusable. */
    spng_set_crc_action(context, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    int code = spng_set_png_buffer(context, bytes, size);
    if (!code) code = spng_get_ihdr(context, header);
    if (code) {
        spng_ctx_free(context);
        return fail(code, err);
    }
    *out = context;
    return OD_OK;
}

static od_status png_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err)
{
    spng_ctx *context;
    struct spng_ihdr header;
    OD_TRY(open_stream(bytes, size, &context, &header, err));
    spng_ctx_free(context);
    *width = (int)header.width;
    *height = (int)header.height;
    return OD_OK;
}

/* Deflate expands a byte to at most 1032: fewer bytes than that can't hold the declared pixels. */
static int too_few_bytes(const struct spng_ihdr *header, size_t size)
{
    static const int channels[] = {[0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4};
    uint64_t bits = (uint64_t)header->width * header->bit_depth * (uint64_t)channels[header->color_type];
    return bits / 8 > UINT64_MAX / header->height || bits / 8 * header->height / 1032 > size;
}

static od_status decode_pixels(spng_ctx *context, od_image *image, od_error *err)
{
    size_t bytes;
    int code = spng_decoded_image_size(context, SPNG_FMT_RGB8, &bytes);
    if (code) return fail(code, err);
    if (bytes != (size_t)image->width * (size_t)image->height * 3)
        return od_error_set(err, OD_ERR_FORMAT, "unexpected size of the decoded image");
    code = spng_decode_image(context, image->pixels, bytes, SPNG_FMT_RGB8, 0);
    if (!code) code = spng_decode_chunks(context); /* up to IEND: without it the file is truncated */
    return code ? fail(code, err) : OD_OK;
}

static od_status png_decode(const uint8_t *bytes, size_t size, od_image *image, od_error *err)
{
    spng_ctx *context;
    struct spng_ihdr header;
    od_image decoded = {0};
    OD_TRY(open_stream(bytes, size, &context, &header, err));
    od_status status = OD_OK;
    if (too_few_bytes(&header, size))
        status = od_error_set(err, OD_ERR_FORMAT, "file is truncated: %u x %u pixels in %zu bytes", header.width,
                              header.height, size);
    if (status == OD_OK) status = od_image_init(&decoded, header.width, header.height, err);
    if (status == OD_OK) status = decode_pixels(context, &decoded, err);
    spng_ctx_free(context);
    if (status == OD_OK)
        *image = decoded;
    else
        od_image_deinit(&decoded);
    return status;
}

int od_png_is_gray16(const uint8_t *bytes, size_t size)
{
    return png_matches(bytes, size) && size > 25 && bytes[24] == 16 && bytes[25] == SPNG_COLOR_TYPE_GRAYSCALE;
}

static od_status decode_values(spng_ctx *context, od_gray_values *out, od_error *err)
{
    size_t n = (size_t)out->width * (size_t)out->height, bytes;
    int code = spng_decoded_image_size(context, SPNG_FMT_RAW, &bytes);
    if (code) return fail(code, err);
    if (bytes != n * 2) return od_error_set(err, OD_ERR_FORMAT, "unexpected size of the decoded image");
    uint16_t *raw = od_malloc(n, sizeof *raw);
    out->values = od_malloc(n, sizeof *out->values);
    if (!raw || !out->values) {
        od_free(raw);
        return od_error_nomem(err, "an image");
    }
    code = spng_decode_image(context, raw, bytes, SPNG_FMT_RAW, 0); /* big endian as in the file */
    for (size_t i = 0; i < n && !code; i++) {
        const uint8_t *b = (const uint8_t *)(raw + i);
        out->values[i] = (float)(b[0] << 8 | b[1]);
    }
    od_free(raw);
    return code ? fail(code, err) : OD_OK;
}

od_status od_png_read_gray16(const uint8_t *bytes, size_t size, od_gray_values *out, od_error *err)
{
    spng_ctx *context;
    struct spng_ihdr header;
    OD_TRY(open_stream(bytes, size, &context, &header, err));
    od_status status = OD_OK;
    if (too_few_bytes(&header, size) || (int64_t)header.width * header.height > OD_IMAGE_MAX_PIXELS)
        status = od_error_set(err, OD_ERR_FORMAT, "%u x %u pixels in %zu bytes: truncated or too large", header.width, header.height, size);
    out->width = (int)header.width;
    out->height = (int)header.height;
    if (status == OD_OK) status = decode_values(context, out, err);
    spng_ctx_free(context);
    return status;
}

const od_image_codec od_image_codec_png = {"PNG", png_matches, png_read_size, png_decode};

static od_status encode(const uint8_t *pixels, int height, int width, int color_type, uint8_t **bytes, size_t *size, od_error *err)
{
    enum { FAST_COMPRESSION = 3 };
    spng_ctx *context = context_create(SPNG_CTX_ENCODER);
    if (!context) return od_error_nomem(err, "PNG state");
    struct spng_ihdr header = {.width = (uint32_t)width, .height = (uint32_t)height, .bit_depth = 8, .color_type = (uint8_t)color_type};
    size_t channels = color_type == SPNG_COLOR_TYPE_TRUECOLOR ? 3 : 1;
    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    spng_set_option(context, SPNG_IMG_COMPRESSION_LEVEL, FAST_COMPRESSION);
    int code = spng_set_ihdr(context, &header);
    if (!code) code = spng_encode_image(context, pixels, (size_t)width * (size_t)height * channels, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    void *buffer = code ? NULL : spng_get_png_buffer(context, size, &code);
    spng_ctx_free(context);
    if (buffer) {
        *bytes = buffer;
        return OD_OK;
    }
    od_status status = fail(code, err);
    od_error_prefix(err, "writing PNG");
    return status;
}

od_status od_image_encode_png(const od_image *image, uint8_t **bytes, size_t *size, od_error *err)
{
    return encode(image->pixels, image->height, image->width, SPNG_COLOR_TYPE_TRUECOLOR, bytes, size, err);
}

od_status od_image_encode_png_gray(const uint8_t *pixels, int height, int width, uint8_t **bytes, size_t *size, od_error *err)
{
    return encode(pixels, height, width, SPNG_COLOR_TYPE_GRAYSCALE, bytes, size, err);
}
