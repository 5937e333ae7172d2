/* SPDX-License-Identifier: Apache-2.0
 *
 * What dicom_file.cc, the only C++ of the project, takes out of DCMTK (https://dicom.offis.de/dcmtk) for src/image/dicom.c. Built
 * only when libdcmtk-dev is there.
 */
#ifndef OD_IMAGE_DICOM_FILE_H
#define OD_IMAGE_DICOM_FILE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_dicom_pixels {
    int width, height, frames;
    int channels;            /* 1 grey, 3 RGB */
    int inverted;            /* MONOCHROME1 */
    double slope, intercept; /* real value = slope * stored + intercept */
    int has_window;
    double center, window_width;
    char function[20];       /* VOI LUT function: "", "LINEAR", "LINEAR_EXACT", "SIGMOID" */
    char photometric[20];
    int32_t *values;         /* [height, width, channels] stored values; freed with free(); NULL when only the header was read */
} od_dicom_pixels;

/* 0, or -1 with a reason. Without `pixels` only sizes and the like are told. No exception leaves. Thread-safe. */
int od_dicom_file_read(const uint8_t *bytes, size_t size, int pixels, od_dicom_pixels *out, char *reason, size_t reason_size);

#ifdef __cplusplus
}
#endif
#endif
