/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP, lossy and lossless, through libwebp. Alpha is dropped. Animations give an error.
 */
#include "image/codec.h"

#include <string.h>

#include <webp/decode.h>

static int webp_matches(const uint8_t *bytes, size_t size)
{
    return size >= 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4);
}

static od_status fail(VP8StatusCode code, od_error *err)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return od_error_nomem(err, "WebP state");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return od_error_set(err, OD_ERR_FORMAT, "file is truncated");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return od_error_set(err, OD_ERR_UNSUPPORTED, "uses a feature that libwebp doesn't read");
    default: return od_error_set(err, OD_ERR_FORMAT, "damaged bitstream (libwebp status %d)", (int)code);
    }
}

static od_status read_features(const uint8_t *bytes, size_t size, WebPBitstreamFeatures *features, od_error *err)
{
    VP8StatusCode code = WebPGetFeatures(bytes, size, features);
    if (code != VP8_STATUS_OK) return fail(code, err);
    if (features->has_animation)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "is an animation; expected a still image: save one frame");
    return OD_OK;
}

static od_status webp_read_size(const uint8_t *bytes, size_t size, int *width, int *height, od_error *err)
{
    WebPBitstreamFeatures features;
    OD_TRY(read_features(bytes, size, &features, err));
    *width = features.width;
    *height = features.height;
    return OD_OK;
}

static od_status webp_decode(const uint8_t *bytes, size_t size, od_image *image, od_error *err)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return od_error_set(err, OD_ERR_INTERNAL, "libwebp is of another version than its header");
    OD_TRY(read_features(bytes, size, &config.input, err));
    od_image decoded = {0};
    OD_TRY(od_image_init(&decoded, config.input.width, config.input.height, err));
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = decoded.pixels;
    config.output.u.RGBA.stride = decoded.width * 3;
    config.output.u.RGBA.size = (size_t)decoded.width * (size_t)decoded.height * 3;
    VP8StatusCode code = WebPDecode(bytes, size, &config);
    WebPFreeDecBuffer(&config.output);
    if (code != VP8_STATUS_OK) {
        od_image_deinit(&decoded);
        return fail(code, err);
    }
    *image = decoded;
    return OD_OK;
}

const od_image_codec od_image_codec_webp = {"WebP", webp_matches, webp_read_size, webp_decode};
