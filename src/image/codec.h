/* SPDX-License-Identifier: Apache-2.0
 *
 * What each image format's file gives to image.c. Private to src/image.
 */
#ifndef OD_IMAGE_CODEC_H
#define OD_IMAGE_CODEC_H

#include "image/image.h"

typedef struct od_image_codec {
    const char *name;
    /* By the first bytes; `size` may be 0. */
    int (*matches)(const uint8_t *bytes, size_t size);
    od_status (*read_size)(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err);
    od_status (*decode)(const uint8_t *bytes, size_t size, od_image *image, od_error *err);
} od_image_codec;

extern const od_image_codec od_image_codec_jpeg, od_image_codec_png, od_image_codec_bmp, od_image_codec_webp;
#ifdef OD_HAVE_DCMTK
extern const od_image_codec od_image_codec_dicom;
#endif

/* For window.c. The caller deinits *out whatever happens. */
struct od_gray_values;
int od_png_is_gray16(const uint8_t *bytes, size_t size);
od_status od_png_read_gray16(const uint8_t *bytes, size_t size, struct od_gray_values *out, od_error *err);
od_status od_dicom_read(const uint8_t *bytes, size_t size, struct od_gray_values *out, od_error *err);

#endif
