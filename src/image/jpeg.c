/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG through libjpeg-turbo, set up as TensorFlow's decode_jpeg (tensorflow/core/lib/jpeg/jpeg_mem.cc): IFAST DCT,
 * fancy upsampling, the end of the data before the end of the image is an error, CMYK multiplied out.
 */
#include "image/codec.h"
#include "image/row_kernels.h"
#include "util/alloc.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* libjpeg reports errors by calling error_exit, which must not return. */
typedef struct error_trap {
    struct jpeg_error_mgr base; /* first: libjpeg hands a pointer to it back */
    jmp_buf jump;
    od_error *err;
    od_status status;
} error_trap;

static void trap_error(j_common_ptr cinfo)
{
    error_trap *trap = (error_trap *)cinfo->err;
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    switch (cinfo->err->msg_code) {
    case JERR_OUT_OF_MEMORY: trap->status = od_error_nomem(trap->err, "JPEG state"); break;
    case JERR_INPUT_EOF: trap->status = od_error_set(trap->err, OD_ERR_FORMAT, "file is truncated"); break;
    default: trap->status = od_error_set(trap->err, OD_ERR_FORMAT, "%s", text);
    }
    longjmp(trap->jump, 1);
}

/* Warnings (damaged coefficients, bytes between segments) are let pass, as TensorFlow does. */
static void ignore_message(j_common_ptr cinfo, int level)
{
    (void)cinfo, (void)level;
}

static void ignore_output(j_common_ptr cinfo)
{
    (void)cinfo;
}

static struct jpeg_error_mgr *trap_init(error_trap *trap, od_error *err)
{
    struct jpeg_error_mgr *base = jpeg_std_error(&trap->base);
    base->error_exit = trap_error;
    base->emit_message = ignore_message;
    base->output_message = ignore_output;
    trap->err = err;
    trap->status = OD_OK;
    return base;
}

/* Input from memory. jpeg_mem_src would invent an end-of-image marker where the data ends and so hide truncation. */
static void source_nothing(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

static boolean source_at_end(j_decompress_ptr cinfo)
{
    ERREXIT(cinfo, JERR_INPUT_EOF);
    return FALSE;
}

static void source_skip(j_decompress_ptr cinfo, long count)
{
    struct jpeg_source_mgr *source = cinfo->src;
    if (count <= 0) return;
    size_t skipped = (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

static void source_init(struct jpeg_source_mgr *source, const uint8_t *bytes, size_t size)
{
    *source = (struct jpeg_source_mgr){.next_input_byte = bytes,
                                       .bytes_in_buffer = size,
                                       .init_source = source_nothing,
                                       .fill_input_buffer = source_at_end,
                                       .skip_input_data = source_skip,
                                       .resync_to_restart = jpeg_resync_to_restart,
                                       .term_source = source_nothing};
}

static int jpeg_matches(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

static od_status jpeg_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err)
{
    struct jpeg_decompress_struct cinfo;
    struct jpeg_source_mgr source;
    error_trap trap;
    cinfo.err = trap_init(&trap, err);
    if (setjmp(trap.jump)) {
        jpeg_destroy_decompress(&cinfo);
        return trap.status;
    }
    jpeg_create_decompress(&cinfo);
    source_init(&source, bytes, size);
    cinfo.src = &source;
    jpeg_read_header(&cinfo, TRUE);
    *width = (int)cinfo.image_width;
    *height = (int)cinfo.image_height;
    jpeg_destroy_decompress(&cinfo);
    return OD_OK;
}

/* A Huffman-coded block takes at least one bit, and at least one component has a block for every 4 x 64 pixels: a
 * few bytes that declare a huge image are refused before anything is allocated. */
static int too_few_bytes(const struct jpeg_decompress_struct *cinfo, size_t size)
{
    const uint64_t pixels_per_byte = 8 * 4 * 64;
    return !cinfo->arith_code && (uint64_t)cinfo->image_width * cinfo->image_height / pixels_per_byte > size;
}

/* Adobe's files hold the inverse of the inks. */
static void cmyk_row_to_rgb(const uint8_t *cmyk, uint8_t *rgb, int width, int inverted)
{
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(inverted ? cmyk[3] * cmyk[c] / 255 : (255 - cmyk[3]) * (255 - cmyk[c]) / 255);
}

static void read_rgb_rows(struct jpeg_decompress_struct *cinfo, od_image *image)
{
    enum { ROWS = 8 };
    size_t stride = (size_t)image->width * 3;
    while (cinfo->output_scanline < cinfo->output_height) {
        JSAMPROW rows[ROWS];
        JDIMENSION left = cinfo->output_height - cinfo->output_scanline, count = left < ROWS ? left : ROWS;
        for (JDIMENSION i = 0; i < count; i++) rows[i] = image->pixels + stride * (cinfo->output_scanline + i);
        jpeg_read_scanlines(cinfo, rows, count);
    }
}

static void read_cmyk_rows(struct jpeg_decompress_struct *cinfo, od_image *image)
{
    JSAMPARRAY row = cinfo->mem->alloc_sarray((j_common_ptr)cinfo, JPOOL_IMAGE, (JDIMENSION)image->width * 4, 1);
    for (int y = 0; y < image->height; y++) {
        jpeg_read_scanlines(cinfo, row, 1);
        cmyk_row_to_rgb(row[0], image->pixels + (size_t)y * (size_t)image->width * 3, image->width,
                        cinfo->saw_Adobe_marker);
    }
}

/* libjpeg's own way from grey to RGB goes byte by byte, 14 % of a decoding. */
static void read_gray_rows(struct jpeg_decompress_struct *cinfo, od_image *image)
{
    const od__row_kernels *kernels = od__row_kernels_best();
    JSAMPARRAY row = cinfo->mem->alloc_sarray((j_common_ptr)cinfo, JPOOL_IMAGE, (JDIMENSION)image->width, 1);
    size_t width = (size_t)image->width;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        jpeg_read_scanlines(cinfo, row, 1);
        kernels->spread_gray(row[0], image->pixels + y * width * 3, width);
    }
}

static od_status start(struct jpeg_decompress_struct *cinfo, size_t size, od_image *image, od_error *err)
{
    jpeg_read_header(cinfo, TRUE);
    if (too_few_bytes(cinfo, size))
        return od_error_set(err, OD_ERR_FORMAT, "file is truncated: %u x %u pixels in %zu bytes", cinfo->image_width,
                            cinfo->image_height, size);
    OD_TRY(od_image_init(image, cinfo->image_width, cinfo->image_height, err));
    int inks = cinfo->jpeg_color_space == JCS_CMYK || cinfo->jpeg_color_space == JCS_YCCK;
    int gray = cinfo->jpeg_color_space == JCS_GRAYSCALE;
    cinfo->out_color_space = inks ? JCS_CMYK : gray ? JCS_GRAYSCALE : JCS_RGB;
    cinfo->dct_method = JDCT_IFAST;
    cinfo->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(cinfo);
    return OD_OK;
}

static od_status jpeg_decode(const uint8_t *bytes, size_t size, od_image *image, od_error *err)
{
    struct jpeg_decompress_struct cinfo;
    struct jpeg_source_mgr source;
    error_trap trap;
    od_image decoded = {0}; /* its address escapes to start(), so longjmp leaves its value in memory */
    cinfo.err = trap_init(&trap, err);
    if (setjmp(trap.jump)) {
        jpeg_destroy_decompress(&cinfo);
        od_image_deinit(&decoded);
        return trap.status;
    }
    jpeg_create_decompress(&cinfo);
    source_init(&source, bytes, size);
    cinfo.src = &source;
    od_status status = start(&cinfo, size, &decoded, err);
    if (status == OD_OK) {
        if (cinfo.out_color_space == JCS_CMYK)
            read_cmyk_rows(&cinfo, &decoded);
        else if (cinfo.out_color_space == JCS_GRAYSCALE)
            read_gray_rows(&cinfo, &decoded);
        else
            read_rgb_rows(&cinfo, &decoded);
        jpeg_finish_decompress(&cinfo);
        *image = decoded;
    }
    jpeg_destroy_decompress(&cinfo);
    return status;
}

const od_image_codec od_image_codec_jpeg = {"JPEG", jpeg_matches, jpeg_read_size, jpeg_decode};

/* Output to a growing buffer. */
typedef struct byte_sink {
    struct jpeg_destination_mgr base; /* first: libjpeg hands a pointer to it back */
    uint8_t *bytes;
    size_t capacity, size;
} byte_sink;

static void sink_grow(j_compress_ptr cinfo, byte_sink *sink, size_t used)
{
    if (od_grow(&sink->bytes, &sink->capacity, used + 65536, 1)) ERREXIT1(cinfo, JERR_OUT_OF_MEMORY, 0);
    sink->base.next_output_byte = sink->bytes + used;
    sink->base.free_in_buffer = sink->capacity - used;
}

static void sink_init(j_compress_ptr cinfo)
{
    sink_grow(cinfo, (byte_sink *)cinfo->dest, 0);
}

/* Called when the buffer is full; by libjpeg's rule all of it counts as used. */
static boolean sink_full(j_compress_ptr cinfo)
{
    byte_sink *sink = (byte_sink *)cinfo->dest;
    sink_grow(cinfo, sink, sink->capacity);
    return TRUE;
}

static void sink_end(j_compress_ptr cinfo)
{
    byte_sink *sink = (byte_sink *)cinfo->dest;
    sink->size = sink->capacity - sink->base.free_in_buffer;
}

static void write_rows(struct jpeg_compress_struct *cinfo, const od_image *image, int quality)
{
    cinfo->image_width = (JDIMENSION)image->width;
    cinfo->image_height = (JDIMENSION)image->height;
    cinfo->input_components = 3;
    cinfo->in_color_space = JCS_RGB;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, quality, TRUE);
    jpeg_start_compress(cinfo, TRUE);
    while (cinfo->next_scanline < cinfo->image_height) {
        JSAMPROW row = image->pixels + (size_t)cinfo->next_scanline * (size_t)image->width * 3;
        jpeg_write_scanlines(cinfo, &row, 1);
    }
    jpeg_finish_compress(cinfo);
}

od_status od_image_encode_jpeg(const od_image *image, int quality, uint8_t **bytes, size_t *size, od_error *err)
{
    struct jpeg_compress_struct cinfo;
    error_trap trap;
    byte_sink sink = {
        {.init_destination = sink_init, .empty_output_buffer = sink_full, .term_destination = sink_end}, NULL, 0, 0};
    cinfo.err = trap_init(&trap, err);
    if (setjmp(trap.jump)) {
        jpeg_destroy_compress(&cinfo);
        od_free(sink.bytes);
        od_error_prefix(err, "writing JPEG");
        return trap.status;
    }
    jpeg_create_compress(&cinfo);
    cinfo.dest = &sink.base;
    write_rows(&cinfo, image, quality);
    jpeg_destroy_compress(&cinfo);
    *bytes = sink.bytes;
    *size = sink.size;
    return OD_OK;
}
