/* SPDX-License-Identifier: Apache-2.0 */
#include "image/window.h"

#include "image/codec.h"
#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void od_gray_values_deinit(od_gray_values *v)
{
    od_free(v->values);
    *v = (od_gray_values){0};
}

int od_image_is_deep(const uint8_t *bytes, size_t size)
{
    const char *name = od_image_format_name(bytes, size);
    return name && (!strcmp(name, "DICOM") || (!strcmp(name, "PNG") && od_png_is_gray16(bytes, size)));
}

od_status od_gray_values_read(const uint8_t *bytes, size_t size, od_gray_values *out, od_error *err)
{
    if (!od_image_is_deep(bytes, size)) return od_error_set(err, OD_ERR_UNSUPPORTED, "not a grey picture of more than 8 bits");
    *out = (od_gray_values){0};
    od_status status = od_png_is_gray16(bytes, size) ? od_png_read_gray16(bytes, size, out, err) : od_dicom_read(bytes, size, out, err);
    if (status != OD_OK) od_gray_values_deinit(out);
    return status;
}

od_status od_window_parse(const char *text, od_window *out, od_error *err)
{
    char *comma, *end;
    *out = (od_window){OD_WINDOW_OF_FILE, 0, 0};
    if (!strcmp(text, "file")) return OD_OK;
    out->kind = OD_WINDOW_MINMAX;
    if (!strcmp(text, "minmax")) return OD_OK;
    out->kind = OD_WINDOW_FIXED;
    out->center = strtod(text, &comma);
    out->width = *comma == ',' ? strtod(comma + 1, &end) : 0;
    int read = comma != text && *comma == ',' && end != comma + 1 && !*end && isfinite(out->center) && isfinite(out->width);
    if (read && out->width >= 1) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "window is \"%.60s\"; expected file, minmax, or CENTER,WIDTH with a width from 1 on (40,400)", text);
}

typedef struct mapping {
    od_window_function function;
    double center, width, low, high; /* low, high: of OD_WINDOW_MINMAX */
    int minmax, inverted;
} mapping;

static double map_value(const mapping *m, double v)
{
    if (m->minmax) return m->high > m->low ? (v - m->low) / (m->high - m->low) : 0;
    if (m->function == OD_WINDOW_SIGMOID) return 1 / (1 + exp(-4 * (v - m->center) / m->width));
    if (m->function == OD_WINDOW_LINEAR_EXACT) return (v - m->center) / m->width + 0.5;
    double c = m->center - 0.5, w = m->width - 1;
    return v <= c - w / 2 ? 0 : v > c + w / 2 ? 1 : (v - c) / w + 0.5;
}

static void find_range(const od_gray_values *v, mapping *m)
{
    size_t n = (size_t)v->width * (size_t)v->height;
    m->low = INFINITY;
    m->high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        m->low = fmin(m->low, (double)v->values[i]);
        m->high = fmax(m->high, (double)v->values[i]);
    }
}

od_status od_window_apply(const od_gray_values *v, const od_window *window, od_image *image, od_error *err)
{
    OD_TRY(od_image_init(image, v->width, v->height, err));
    int own = window->kind == OD_WINDOW_OF_FILE && v->has_window;
    mapping m = {.function = own ? v->function : OD_WINDOW_LINEAR,
                 .center = own ? v->center : window->center,
                 .width = own ? v->window_width : window->width,
                 .minmax = !own && window->kind != OD_WINDOW_FIXED};
    if (m.minmax) find_range(v, &m);
    size_t n = (size_t)v->width * (size_t)v->height;
    for (size_t i = 0; i < n; i++) {
        double level = map_value(&m, (double)v->values[i]);
        level = level > 0 ? level < 1 ? level : 1 : 0; /* NaN: 0 */
        int gray = (int)lround(level * 255);
        memset(image->pixels + 3 * i, v->inverted ? 255 - gray : gray, 3);
    }
    return OD_OK;
}
