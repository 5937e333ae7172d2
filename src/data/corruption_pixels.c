/* SPDX-License-Identifier: Apache-2.0 */
#include "data/corruption_pixels.h"

#include "image/resize.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

enum { GREY = 128 };

static uint8_t to_byte(double v)
{
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + .5);
}

static size_t bytes_of(const od_image *i)
{
    return (size_t)i->width * (size_t)i->height * 3;
}

static void exchange(uint8_t *a, uint8_t *b)
{
    for (int c = 0; c < 3; c++) {
        uint8_t t = a[c];
        a[c] = b[c];
        b[c] = t;
    }
}

void od_corrupt_flip(od_image *image, int horizontal, int vertical)
{
    size_t w = (size_t)image->width, h = (size_t)image->height;
    uint8_t *p = image->pixels;
    for (size_t y = 0; horizontal && y < h; y++)
        for (size_t x = 0; x < w / 2; x++) exchange(p + 3 * (y * w + x), p + 3 * (y * w + w - 1 - x));
    for (size_t y = 0; vertical && y < h / 2; y++)
        for (size_t x = 0; x < w; x++) exchange(p + 3 * (y * w + x), p + 3 * ((h - 1 - y) * w + x));
}

void od_corrupt_add(od_image *image, double amount)
{
    for (size_t i = 0; i < bytes_of(image); i++) image->pixels[i] = to_byte(image->pixels[i] + 255 * amount);
}

void od_corrupt_contrast(od_image *image, double factor)
{
    for (size_t c = 0; c < 3; c++) {
        double sum = 0;
        for (size_t i = c; i < bytes_of(image); i += 3) sum += image->pixels[i];
        double mean = sum * 3 / (double)bytes_of(image);
        for (size_t i = c; i < bytes_of(image); i += 3) image->pixels[i] = to_byte(mean + factor * (image->pixels[i] - mean));
    }
}

/* The same for the three channels of a pixel would be grey noise; sensors have each its own. */
void od_corrupt_noise(od_image *image, double deviation, uint64_t number)
{
    static const uint64_t seed = 0x6e6f697365; /* any fixed one */
    od_rng rng;
    od_rng_init(&rng, seed, number);
    for (size_t i = 0; i < bytes_of(image); i++) image->pixels[i] = to_byte(image->pixels[i] + 255 * deviation * od_rng_normal(&rng));
}

static void replace(od_image *image, od_image *by)
{
    od_image_deinit(image);
    *image = *by;
}

od_status od_corrupt_quarter_turn(od_image *image, int left, od_error *err)
{
    od_image out = {0};
    int w = image->width, h = image->height;
    OD_TRY(od_image_init(&out, h, w, err));
    for (int y = 0; y < w; y++)
        for (int x = 0; x < h; x++) {
            int from_x = left ? w - 1 - y : y, from_y = left ? x : h - 1 - x;
            memcpy(out.pixels + 3 * ((size_t)y * (size_t)h + (size_t)x), image->pixels + 3 * ((size_t)from_y * (size_t)w + (size_t)from_x), 3);
        }
    replace(image, &out);
    return OD_OK;
}

/* A channel at a place between pixel centres; outside is grey. */
static double sample(const od_image *image, double y, double x, int c)
{
    int y0 = (int)floor(y), x0 = (int)floor(x);
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        int yy = y0 + k / 2, xx = x0 + k % 2;
        double weight = (k / 2 ? y - y0 : 1 - (y - y0)) * (k % 2 ? x - x0 : 1 - (x - x0));
        int inside = yy >= 0 && xx >= 0 && yy < image->height && xx < image->width;
        sum += weight * (inside ? image->pixels[3 * ((size_t)yy * (size_t)image->width + (size_t)xx) + (size_t)c] : GREY);
    }
    return sum;
}

od_status od_corrupt_turn(od_image *image, double angle, double scale, od_error *err)
{
    od_image out = {0};
    double cosine = cos(angle) / scale, sine = sin(angle) / scale, my = (image->height - 1) / 2., mx = (image->width - 1) / 2.;
    OD_TRY(od_image_init(&out, image->width, image->height, err));
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width; x++) {
            double dy = y - my, dx = x - mx, from_x = dx * cosine - dy * sine + mx, from_y = dx * sine + dy * cosine + my;
            for (int c = 0; c < 3; c++)
                out.pixels[3 * ((size_t)y * (size_t)out.width + (size_t)x) + (size_t)c] = to_byte(sample(image, from_y, from_x, c));
        }
    replace(image, &out);
    return OD_OK;
}

/* Averaged down; `out` is written on success. */
static od_status shrink(const od_image *in, int width, int height, od_image *out, od_error *err)
{
    od_image_view view = od_image_view_of(in);
    od_resize_params params = {.method = OD_RESIZE_AREA, .width = width, .height = height};
    size_t n = (size_t)width * (size_t)height * 3;
    float *floats = od_malloc(n, sizeof *floats);
    od_status status = floats ? od_image_resize(&view, &params, floats, (ptrdiff_t)width * 3, err) : od_error_nomem(err, "an image");
    if (status == OD_OK) status = od_image_init(out, width, height, err);
    for (size_t i = 0; status == OD_OK && i < n; i++) out->pixels[i] = to_byte(floats[i]);
    od_free(floats);
    return status;
}

static double clamp(double v, double highest)
{
    return v < 0 ? 0 : v > highest ? highest : v;
}

/* Bilinear between pixel centres, so that nothing moves (TensorFlow 1's resizing would move it by up to half a pixel of `in`). */
static void enlarge(const od_image *in, od_image *out)
{
    double step_y = (double)in->height / out->height, step_x = (double)in->width / out->width;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++) {
            double from_y = clamp((y + .5) * step_y - .5, in->height - 1), from_x = clamp((x + .5) * step_x - .5, in->width - 1);
            for (int c = 0; c < 3; c++) out->pixels[3 * ((size_t)y * (size_t)out->width + (size_t)x) + (size_t)c] = to_byte(sample(in, from_y, from_x, c));
        }
}

static int at_least_one(double v)
{
    return v < 1 ? 1 : (int)(v + .5);
}

od_status od_corrupt_resolution(od_image *image, double part, od_error *err)
{
    od_image small = {0};
    OD_TRY(shrink(image, at_least_one(image->width * part), at_least_one(image->height * part), &small, err));
    enlarge(&small, image);
    od_image_deinit(&small);
    return OD_OK;
}

/* One line of `n` values of `step`, convolved with a symmetric kernel; the ends are repeated outwards. */
static void convolve(const float *in, float *out, int n, size_t step, const float *kernel, int radius)
{
    for (int i = 0; i < n; i++) {
        float sum = kernel[0] * in[(size_t)i * step];
        for (int k = 1; k <= radius; k++) {
            int before = i - k < 0 ? 0 : i - k, after = i + k >= n ? n - 1 : i + k;
            sum += kernel[k] * (in[(size_t)before * step] + in[(size_t)after * step]);
        }
        out[(size_t)i * step] = sum;
    }
}

static void make_kernel(float *kernel, int radius, double sigma)
{
    double sum = 0;
    for (int k = 0; k <= radius; k++) sum += (k ? 2 : 1) * exp(-.5 * k * k / (sigma * sigma));
    for (int k = 0; k <= radius; k++) kernel[k] = (float)(exp(-.5 * k * k / (sigma * sigma)) / sum);
}

static void blur_planes(const od_image *image, float *a, float *b, const float *kernel, int radius)
{
    size_t w = (size_t)image->width, h = (size_t)image->height, n = bytes_of(image);
    for (size_t i = 0; i < n; i++) a[i] = image->pixels[i];
    for (size_t y = 0; y < h; y++)
        for (size_t c = 0; c < 3; c++) convolve(a + 3 * y * w + c, b + 3 * y * w + c, image->width, 3, kernel, radius);
    for (size_t i = 0; i < 3 * w; i++) convolve(b + i, a + i, image->height, 3 * w, kernel, radius);
    for (size_t i = 0; i < n; i++) image->pixels[i] = to_byte(a[i]);
}

od_status od_corrupt_blur(od_image *image, double sigma, od_error *err)
{
    int radius = (int)ceil(3 * sigma);
    if (sigma <= 0) return OD_OK;
    float *a = od_malloc(bytes_of(image), sizeof *a), *b = od_malloc(bytes_of(image), sizeof *b), *kernel = od_malloc((size_t)radius + 1, sizeof *kernel);
    int ok = a && b && kernel;
    if (ok) {
        make_kernel(kernel, radius, sigma);
        blur_planes(image, a, b, kernel, radius);
    }
    od_free(a);
    od_free(b);
    od_free(kernel);
    return ok ? OD_OK : od_error_nomem(err, "an image");
}

od_status od_corrupt_jpeg(od_image *image, int quality, od_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    od_image out = {0};
    od_status status = od_image_encode_jpeg(image, quality, &bytes, &size, err);
    if (status == OD_OK) status = od_image_decode(bytes, size, &out, err);
    od_free(bytes);
    if (status == OD_OK) replace(image, &out);
    return status;
}
