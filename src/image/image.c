/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include "image/codec.h"
#include "util/alloc.h"
#include "util/file.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static const od_image_codec *const codecs[] = {&od_image_codec_jpeg, &od_image_codec_png, &od_image_codec_bmp,
                                               &od_image_codec_webp,
#ifdef OD_HAVE_DCMTK
                                               &od_image_codec_dicom,
#endif
};

/* Formats that people do have in their data sets and that are not read. */
static const struct {
    const char *name;
    size_t offset;
    const char *magic;
} unread_formats[] = {{"GIF", 0, "GIF8"},
                      {"TIFF", 0, "II*"},
                      {"TIFF", 0, "MM"},
                      {"HEIC/AVIF", 4, "ftyp"},
                      {"JPEG 2000", 4, "jP  "},
                      {"Photoshop", 0, "8BPS"},
                      {"DICOM (this build reads none; install libdcmtk-dev and build again)", 128, "DICM"},
                      {"PDF", 0, "%PDF"},
                      {"SVG", 0, "<svg"},
                      {"HTML", 0, "<!DOCTYPE"},
                      {"NumPy array", 1, "NUMPY"},
                      {"OpenEXR", 0, "\x76\x2f\x31\x01"}};

od_status od_image_init(od_image *image, int64_t width, int64_t height, od_error *err)
{
    if (width <= 0 || height <= 0)
        return od_error_set(err, OD_ERR_FORMAT, "image of %" PRId64 " x %" PRId64 " pixels; both must be positive",
                            width, height);
    if (width > INT_MAX || height > INT_MAX || width > OD_IMAGE_MAX_PIXELS / height)
        return od_error_set(err, OD_ERR_FORMAT,
                            "image of %" PRId64 " x %" PRId64 " pixels is over the limit of %" PRId64
                            " pixels; make it smaller",
                            width, height, OD_IMAGE_MAX_PIXELS);
    uint8_t *pixels = od_malloc((size_t)(width * height), 3);
    if (!pixels) return od_error_nomem(err, "an image");
    *image = (od_image){(int)width, (int)height, pixels};
    return OD_OK;
}

void od_image_deinit(od_image *image)
{
    od_free(image->pixels);
    *image = (od_image){0};
}

static const od_image_codec *find_codec(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i]->matches(bytes, size)) return codecs[i];
    return NULL;
}

const char *od_image_format_name(const uint8_t *bytes, size_t size)
{
    const od_image_codec *codec = find_codec(bytes, size);
    return codec ? codec->name : NULL;
}

static od_status unknown_format(const uint8_t *bytes, size_t size, od_error *err)
{
    if (size == 0) return od_error_set(err, OD_ERR_FORMAT, "image has no data (0 bytes)");
    for (size_t i = 0; i < sizeof unread_formats / sizeof *unread_formats; i++) {
        size_t offset = unread_formats[i].offset, length = strlen(unread_formats[i].magic);
        if (size >= offset + length && !memcmp(bytes + offset, unread_formats[i].magic, length))
            return od_error_set(err, OD_ERR_UNSUPPORTED,
                                "image is in %s format; expected JPEG, PNG, BMP or WebP: convert it",
                                unread_formats[i].name);
    }
    uint8_t start[4] = {0};
    memcpy(start, bytes, size < 4 ? size : 4);
    return od_error_set(err, OD_ERR_FORMAT,
                        "not an image: %zu bytes starting with %02x %02x %02x %02x; expected JPEG, PNG, BMP or WebP",
                        size, start[0], start[1], start[2], start[3]);
}

od_status od_image_decode(const uint8_t *bytes, size_t size, od_image *image, od_error *err)
{
    const od_image_codec *codec = find_codec(bytes, size);
    if (!codec) return unknown_format(bytes, size, err);
    od_status status = codec->decode(bytes, size, image, err);
    if (status != OD_OK) od_error_prefix(err, "%s", codec->name);
    return status;
}

od_status od_image_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err)
{
    const od_image_codec *codec = find_codec(bytes, size);
    if (!codec) return unknown_format(bytes, size, err);
    od_status status = codec->read_size(bytes, size, width, height, err);
    if (status != OD_OK) od_error_prefix(err, "%s", codec->name);
    return status;
}

od_status od_image_load(const char *path, od_image *image, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = od_image_decode(view.data, view.size, image, err);
    if (status != OD_OK) od_error_prefix(err, "%s", path);
    od_file_view_close(&view);
    return status;
}

static int ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n >= m && !strcasecmp(path + n - m, ending);
}

od_status od_image_save(const od_image *image, const char *path, od_error *err)
{
    enum { QUALITY = 92 };
    uint8_t *bytes = NULL;
    size_t size = 0;
    od_status status;
    if (ends_with(path, ".png"))
        status = od_image_encode_png(image, &bytes, &size, err);
    else if (ends_with(path, ".jpg") || ends_with(path, ".jpeg"))
        status = od_image_encode_jpeg(image, QUALITY, &bytes, &size, err);
    else
        return od_error_set(err, OD_ERR_ARG,
                            "%s: pictures are written as .png, .jpg or .jpeg; use one of these endings", path);
    if (status == OD_OK)
        status = od_file_write_all(path, bytes, size, err);
    else
        od_error_prefix(err, "%s", path);
    od_free(bytes);
    return status;
}
