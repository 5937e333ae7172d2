/* SPDX-License-Identifier: Apache-2.0
 *
 * DICOM pictures (single grey or RGB frames) through DCMTK. Decoded as a picture, grey ones are shown through the file's own window,
 * else from their smallest to their largest value.
 */
#include "image/codec.h"
#include "image/window.h"

#ifndef OD_HAVE_DCMTK

od_status od_dicom_read(const uint8_t *bytes, size_t size, od_gray_values *out, od_error *err)
{
    (void)bytes, (void)size, (void)out;
    return od_error_set(err, OD_ERR_UNSUPPORTED, "this build reads no DICOM; install libdcmtk-dev and build again");
}

#else

#include "image/dicom_file.h"
#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

static int dicom_matches(const uint8_t *bytes, size_t size)
{
    return size >= 132 && !memcmp(bytes + 128, "DICM", 4);
}

static od_status fail(const char *reason, od_error *err)
{
    return !strcmp(reason, "out of memory") ? od_error_nomem(err, "DICOM pixels") : od_error_set(err, OD_ERR_FORMAT, "%s", reason);
}

static od_status load(const uint8_t *bytes, size_t size, int pixels, od_dicom_pixels *image, od_error *err)
{
    char reason[300] = "";
    if (od_dicom_file_read(bytes, size, pixels, image, reason, sizeof reason)) return fail(reason, err);
    od_status status = OD_OK;
    int64_t area = (int64_t)image->width * image->height;
    if (area < 1 || area > OD_IMAGE_MAX_PIXELS) status = od_error_set(err, OD_ERR_FORMAT, "image of %d x %d pixels", image->width, image->height);
    if (pixels && status == OD_OK && image->frames != 1)
        status = od_error_set(err, OD_ERR_UNSUPPORTED, "holds %d frames; only single pictures are read: export them one by one", image->frames);
    if (status != OD_OK) free(image->values);
    return status;
}

static od_status dicom_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err)
{
    od_dicom_pixels image;
    OD_TRY(load(bytes, size, 0, &image, err));
    *width = image.width;
    *height = image.height;
    return OD_OK;
}

static od_status take_values(const od_dicom_pixels *image, od_gray_values *out, od_error *err)
{
    if (image->channels != 1 || strncmp(image->photometric, "MONOCHROME", 10))
        return od_error_set(err, OD_ERR_UNSUPPORTED, "photometric interpretation %s with %d channels; expected MONOCHROME1, MONOCHROME2 or RGB",
                            *image->photometric ? image->photometric : "(none)", image->channels);
    size_t n = (size_t)image->width * (size_t)image->height;
    *out = (od_gray_values){.width = image->width, .height = image->height, .inverted = image->inverted, .has_window = image->has_window,
                            .center = image->center, .window_width = image->window_width};
    if (!strcmp(image->function, "LINEAR_EXACT")) out->function = OD_WINDOW_LINEAR_EXACT;
    if (!strcmp(image->function, "SIGMOID")) out->function = OD_WINDOW_SIGMOID;
    if (!(out->values = od_malloc(n, sizeof *out->values))) return od_error_nomem(err, "DICOM pixels");
    for (size_t i = 0; i < n; i++) out->values[i] = (float)(image->values[i] * image->slope + image->intercept);
    return OD_OK;
}

od_status od_dicom_read(const uint8_t *bytes, size_t size, od_gray_values *out, od_error *err)
{
    od_dicom_pixels image;
    OD_TRY(load(bytes, size, 1, &image, err));
    od_status status = take_values(&image, out, err);
    free(image.values);
    return status;
}

static od_status dicom_decode(const uint8_t *bytes, size_t size, od_image *out, od_error *err)
{
    od_dicom_pixels image;
    od_gray_values values = {0};
    OD_TRY(load(bytes, size, 1, &image, err));
    od_status status;
    if (image.channels == 3 && !strcmp(image.photometric, "RGB")) {
        status = od_image_init(out, image.width, image.height, err);
        size_t n = status == OD_OK ? (size_t)image.width * (size_t)image.height * 3 : 0;
        for (size_t i = 0; i < n; i++) out->pixels[i] = (uint8_t)image.values[i];
    } else {
        status = take_values(&image, &values, err);
        if (status == OD_OK) status = od_window_apply(&values, &(od_window){OD_WINDOW_OF_FILE, 0, 0}, out, err);
        od_gray_values_deinit(&values);
    }
    free(image.values);
    return status;
}

const od_image_codec od_image_codec_dicom = {"DICOM", dicom_matches, dicom_read_size, dicom_decode};

#endif
