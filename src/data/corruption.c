/* SPDX-License-Identifier: Apache-2.0 */
#include "data/corruption.h"

#include "data/corruption_pixels.h"
#include "util/alloc.h"

#include <math.h>

/* What the levels of a kind are: degrees, factors, parts of the range of values, parts of the longer side, JPEG qualities. */
static const struct {
    const char *name, *text; /* text: printf with the level's value times `scale` */
    double scale, level[OD_CORRUPTION_LEVELS];
    int levels, geometric;
} kinds[OD_CORRUPTIONS] = {
    [OD_CORRUPT_NONE] = {"none", "as it is", 1, {0}, 0, 0},
    [OD_CORRUPT_FLIP_HORIZONTAL] = {"flip_horizontal", "left and right exchanged", 1, {0}, 1, 1},
    [OD_CORRUPT_FLIP_VERTICAL] = {"flip_vertical", "upside down, mirrored", 1, {0}, 1, 1},
    [OD_CORRUPT_ROTATE_90] = {"rotate_90", "a quarter turn to the left", 1, {0}, 1, 1},
    [OD_CORRUPT_ROTATE_180] = {"rotate_180", "a half turn", 1, {0}, 1, 1},
    [OD_CORRUPT_ROTATE_270] = {"rotate_270", "a quarter turn to the right", 1, {0}, 1, 1},
    [OD_CORRUPT_TILT] = {"tilt", "rotated by %g degrees, either way", 1, {5, 10, 20}, 3, 1},
    [OD_CORRUPT_ZOOM_OUT] = {"zoom_out", "everything at %g %% of its size, grey around", 100, {.8, .6, .4}, 3, 1},
    [OD_CORRUPT_RESOLUTION] = {"resolution", "only %g %% of the pixels each way", 100, {.5, .25, .125}, 3, 0},
    [OD_CORRUPT_BRIGHTER] = {"brighter", "brighter by %g %% of the range", 100, {.1, .2, .35}, 3, 0},
    [OD_CORRUPT_DARKER] = {"darker", "darker by %g %% of the range", 100, {.1, .2, .35}, 3, 0},
    [OD_CORRUPT_CONTRAST] = {"contrast", "contrast at %g %%", 100, {.75, .5, .25}, 3, 0},
    [OD_CORRUPT_NOISE] = {"noise", "noise with a deviation of %g %% of the range", 100, {.04, .08, .16}, 3, 0},
    [OD_CORRUPT_BLUR] = {"blur", "blurred, sigma %g %% of the longer side", 100, {.003, .006, .012}, 3, 0},
    [OD_CORRUPT_JPEG] = {"jpeg", "JPEG of quality %g", 1, {40, 20, 8}, 3, 0},
};

const char *od_corruption_name(od_corruption_kind kind)
{
    return kinds[kind].name;
}

int od_corruption_levels(od_corruption_kind kind)
{
    return kinds[kind].levels;
}

int od_corruption_is_geometric(od_corruption_kind kind)
{
    return kinds[kind].geometric;
}

static double amount(od_corruption c)
{
    return kinds[c.kind].level[c.level - 1];
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* from the table above */
char *od_corruption_describe(od_corruption c)
{
    return od_asprintf(kinds[c.kind].text, c.level ? kinds[c.kind].scale * amount(c) : 0);
}
#pragma GCC diagnostic pop

/* Radians; pictures with an even number turn left. */
static double tilt(od_corruption c, uint64_t number)
{
    return (number % 2 ? -1 : 1) * amount(c) * M_PI / 180;
}

od_status od_corruption_apply(od_corruption c, uint64_t number, od_image *image, od_error *err)
{
    double a = kinds[c.kind].levels > 1 ? amount(c) : 0;
    int longer = image->width > image->height ? image->width : image->height;
    switch (c.kind) {
    case OD_CORRUPT_FLIP_HORIZONTAL: od_corrupt_flip(image, 1, 0); return OD_OK;
    case OD_CORRUPT_FLIP_VERTICAL: od_corrupt_flip(image, 0, 1); return OD_OK;
    case OD_CORRUPT_ROTATE_180: od_corrupt_flip(image, 1, 1); return OD_OK;
    case OD_CORRUPT_ROTATE_90: return od_corrupt_quarter_turn(image, 1, err);
    case OD_CORRUPT_ROTATE_270: return od_corrupt_quarter_turn(image, 0, err);
    case OD_CORRUPT_TILT: return od_corrupt_turn(image, tilt(c, number), 1, err);
    case OD_CORRUPT_ZOOM_OUT: return od_corrupt_turn(image, 0, a, err);
    case OD_CORRUPT_RESOLUTION: return od_corrupt_resolution(image, a, err);
    case OD_CORRUPT_BRIGHTER: od_corrupt_add(image, a); return OD_OK;
    case OD_CORRUPT_DARKER: od_corrupt_add(image, -a); return OD_OK;
    case OD_CORRUPT_CONTRAST: od_corrupt_contrast(image, a); return OD_OK;
    case OD_CORRUPT_NOISE: od_corrupt_noise(image, a, number); return OD_OK;
    case OD_CORRUPT_BLUR: return od_corrupt_blur(image, a * longer, err);
    case OD_CORRUPT_JPEG: return od_corrupt_jpeg(image, (int)a, err);
    default: return OD_OK;
    }
}

static void set(float box[4], double ymin, double xmin, double ymax, double xmax)
{
    box[0] = (float)ymin;
    box[1] = (float)xmin;
    box[2] = (float)ymax;
    box[3] = (float)xmax;
}

/* A box (pixels: centre and half sides) in the tilted picture holds the tilted ellipse of the box in the original. With half axes a (along
 * x) and b the tilted ellipse reaches sqrt(a^2 cos^2 + b^2 sin^2) to the sides and sqrt(a^2 sin^2 + b^2 cos^2) up and down. */
static void tilt_back(double angle, int width, int height, const float in[4], float out[4])
{
    double c = cos(angle), s = sin(angle), c2 = c * c, s2 = s * s;
    double y = (in[0] + in[2] - 1.) / 2 * height, x = (in[1] + in[3] - 1.) / 2 * width; /* from the middle */
    double half_w = fabs(in[3] - in[1]) / 2. * width, half_h = fabs(in[2] - in[0]) / 2. * height;
    double w2 = half_w * half_w, h2 = half_h * half_h, least = .01;
    double a = sqrt(fmax((w2 * c2 - h2 * s2) / (c2 - s2), least * w2)), b = sqrt(fmax((h2 * c2 - w2 * s2) / (c2 - s2), least * h2));
    double ox = x * c - y * s, oy = x * s + y * c;
    set(out, (oy - b) / height + .5, (ox - a) / width + .5, (oy + b) / height + .5, (ox + a) / width + .5);
}

void od_corruption_map_back(od_corruption c, uint64_t number, int width, int height, const float in[4], float out[4])
{
    double y0 = in[0], x0 = in[1], y1 = in[2], x1 = in[3];
    switch (c.kind) {
    case OD_CORRUPT_FLIP_HORIZONTAL: set(out, y0, 1 - x1, y1, 1 - x0); break;
    case OD_CORRUPT_FLIP_VERTICAL: set(out, 1 - y1, x0, 1 - y0, x1); break;
    case OD_CORRUPT_ROTATE_180: set(out, 1 - y1, 1 - x1, 1 - y0, 1 - x0); break;
    case OD_CORRUPT_ROTATE_90: set(out, x0, 1 - y1, x1, 1 - y0); break;
    case OD_CORRUPT_ROTATE_270: set(out, 1 - x1, y0, 1 - x0, y1); break;
    case OD_CORRUPT_TILT: tilt_back(tilt(c, number), width, height, in, out); break;
    case OD_CORRUPT_ZOOM_OUT: {
        double s = 1 / amount(c);
        set(out, (y0 - .5) * s + .5, (x0 - .5) * s + .5, (y1 - .5) * s + .5, (x1 - .5) * s + .5);
        break;
    }
    default: set(out, y0, x0, y1, x1); break;
    }
}
