/* SPDX-License-Identifier: Apache-2.0 */
#include "image/draw_mask.h"

#include "image/draw.h"

/* Parts of 256 that the colour has of a pixel inside. */
enum { VEIL = 105 };

static void blend(uint8_t *pixel, uint32_t color, int part)
{
    for (int c = 0; c < 3; c++) {
        int own = (int)(color >> (16 - 8 * c) & 0xff);
        pixel[c] = (uint8_t)((pixel[c] * (256 - part) + own * part) >> 8);
    }
}

/* Whether a pixel inside is no further than `reach` from one outside, or from the picture's edge, straight up, down, left or right. */
static int is_outline(const od_image *image, const uint8_t *mask, int y, int x, int reach)
{
    for (int d = 1; d <= reach; d++) {
        if (y < d || x < d || y + d >= image->height || x + d >= image->width) return 1;
        const uint8_t *p = mask + (ptrdiff_t)y * image->width + x;
        if (!p[-d] || !p[d] || !p[-(ptrdiff_t)d * image->width] || !p[(ptrdiff_t)d * image->width]) return 1;
    }
    return 0;
}

/* `part` of 256: of the colour within the outline. */
static void draw(od_image *image, const uint8_t *mask, uint32_t color, int part)
{
    int side = image->width < image->height ? image->width : image->height, reach = side / 500 + 1;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            if (!mask[(ptrdiff_t)y * image->width + x]) continue;
            blend(image->pixels + 3 * ((ptrdiff_t)y * image->width + x), color, is_outline(image, mask, y, x, reach) ? 256 : part);
        }
}

void od_image_draw_mask(od_image *image, const uint8_t *mask, int class_index)
{
    draw(image, mask, od_draw_color(class_index), VEIL);
}

void od_image_draw_outline(od_image *image, const uint8_t *mask, uint32_t color)
{
    draw(image, mask, color, 0);
}
