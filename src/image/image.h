/* SPDX-License-Identifier: Apache-2.0
 *
 * Images in memory, and reading and writing them. Decoding gives the pixels that TensorFlow's decode_image with
 * channels=3 gives inside the OD API: JPEG with the IFAST DCT and fancy upsampling, grey repeated to three channels,
 * 16 bits cut to 8, alpha dropped, EXIF orientation ignored, truncated files refused. DICOM, which
 * TensorFlow doesn't read, is shown through its window (image/window.h).
 *
 *     od_image image = {0};
 *     if (od_image_decode(bytes, size, &image, &err) == OD_OK) use(image.pixels);
 *     od_image_deinit(&image);
 */
#ifndef OD_IMAGE_IMAGE_H
#define OD_IMAGE_IMAGE_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* The largest image that is decoded, in pixels: TensorFlow's limit of 2^29 bytes of RGB. */
#define OD_IMAGE_MAX_PIXELS (((int64_t)1 << 29) / 3)

typedef struct od_image {
    int width, height;
    uint8_t *pixels; /* RGB [height, width, 3], without gaps between rows; from od_malloc */
} od_image;

/* Allocates uninitialised pixels. OD_ERR_FORMAT when a side is not positive or the image is over the limit. `image`
 * is written on success only and must not hold pixels before. */
od_status od_image_init(od_image *image, int64_t width, int64_t height, od_error *err);
/* Frees the pixels and zeroes the struct; fine on a zeroed one. */
void od_image_deinit(od_image *image);

/* Decodes a JPEG, PNG, BMP or WebP, told apart by their first bytes. Truncated data is an error; damage inside a
 * JPEG's coefficients that libjpeg only warns of is not, as in TensorFlow. OD_ERR_FORMAT with the reason,
 * OD_ERR_UNSUPPORTED for other image formats (named where known), OD_ERR_NOMEM. */
od_status od_image_decode(const uint8_t *bytes, size_t size, od_image *image, od_error *err);

/* Width and height from the header alone; the rest of the file may be missing or damaged. */
od_status od_image_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err);

/* "JPEG", "PNG", "BMP", "WebP", "DICOM" (where the build has DCMTK), or NULL when none of them. */
const char *od_image_format_name(const uint8_t *bytes, size_t size);

/* od_image_decode on a file; errors name it. */
od_status od_image_load(const char *path, od_image *image, od_error *err);

/* Encodes to memory; *bytes is freed with od_free. JPEG quality 1..100, 4:2:0. */
od_status od_image_encode_jpeg(const od_image *image, int quality, uint8_t **bytes, size_t *size, od_error *err);
od_status od_image_encode_png(const od_image *image, uint8_t **bytes, size_t *size, od_error *err);
/* One channel [height, width]. */
od_status od_image_encode_png_gray(const uint8_t *pixels, int height, int width, uint8_t **bytes, size_t *size, od_error *err);

/* Writes a .jpg/.jpeg (quality 92) or .png file atomically; other endings are OD_ERR_ARG. */
od_status od_image_save(const od_image *image, const char *path, od_error *err);

#endif
