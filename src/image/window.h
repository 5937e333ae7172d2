/* SPDX-License-Identifier: Apache-2.0
 *
 * Grey pictures of more than 8 bits (16-bit PNG, DICOM) as numbers, and the window that maps these to 256 grey levels.
 */
#ifndef OD_IMAGE_WINDOW_H
#define OD_IMAGE_WINDOW_H

#include "image/image.h"

typedef enum od_window_function { OD_WINDOW_LINEAR, OD_WINDOW_LINEAR_EXACT, OD_WINDOW_SIGMOID } od_window_function;

typedef struct od_gray_values {
    int width, height;
    float *values;    /* [height, width]; DICOM: after the rescale slope and intercept */
    int inverted;     /* MONOCHROME1: the smallest value is white */
    int has_window;   /* the file names a window: */
    double center, window_width;
    od_window_function function;
} od_gray_values;

void od_gray_values_deinit(od_gray_values *v);

/* Whether the bytes are a picture that od_gray_values_read reads: a grey 16-bit PNG, or DICOM where the build has it. */
int od_image_is_deep(const uint8_t *bytes, size_t size);
/* OD_ERR_UNSUPPORTED for what isn't one. The caller deinits. */
od_status od_gray_values_read(const uint8_t *bytes, size_t size, od_gray_values *out, od_error *err);

typedef enum od_window_kind {
    OD_WINDOW_OF_FILE, /* the file's own, else from the smallest to the largest value */
    OD_WINDOW_MINMAX,
    OD_WINDOW_FIXED
} od_window_kind;

typedef struct od_window {
    od_window_kind kind;
    double center, width; /* OD_WINDOW_FIXED */
} od_window;

/* "file", "minmax", "CENTER,WIDTH". OD_ERR_ARG. */
od_status od_window_parse(const char *text, od_window *out, od_error *err);

/* Grey levels by DICOM PS3.3 C.11.2.1.2: with LINEAR, values up to c - 0.5 - (w - 1) / 2 are 0, above c - 0.5 + (w - 1) / 2 they are
 * 255, between them ((v - (c - 0.5)) / (w - 1) + 0.5) * 255, rounded; MONOCHROME1 is inverted afterwards. Minimum to maximum:
 * (v - min) / (max - min) * 255. *image must hold no pixels before. */
od_status od_window_apply(const od_gray_values *v, const od_window *window, od_image *image, od_error *err);

#endif
