/* SPDX-License-Identifier: Apache-2.0 */
#include "image/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gd.h>
#include <gdfontl.h>
#include <gdfonts.h>
#include <gdfontt.h>

/* Easy to tell apart, and visible on photographs and on X-rays. */
static const uint32_t colors[] = {0x22dd55, 0xff9500, 0x30b0ff, 0xff3b5c, 0xffe000, 0xc86bff, 0x00e0d0, 0xff7ac8,
                                  0xa5d900, 0x7d8cff, 0xffb08a, 0x8fd3ff, 0xd2b48c, 0x00a86b, 0xe0e0e0, 0xb0413e};

uint32_t od_draw_color(int class_index)
{
    return colors[(unsigned)class_index % (sizeof colors / sizeof *colors)];
}

/* How thick and how large, for a picture. */
typedef struct pen {
    int line;
    gdFontPtr font;
    int zoom; /* of the letters */
} pen;

static pen choose_pen(const od_image *image)
{
    int side = image->width < image->height ? image->width : image->height;
    pen p = {side / 300 + 1, gdFontGetSmall(), 1};
    if (side < 160) {
        p.font = gdFontGetTiny();
    } else if (side >= 400) {
        p.font = gdFontGetLarge();
        p.zoom = side / 900 + 1;
    }
    return p;
}

typedef struct pixel_box {
    int top, left, bottom, right; /* inclusive */
} pixel_box;

static int to_pixel(float relative, int size)
{
    float v = fminf(fmaxf(relative, 0), 1) * (float)size;
    return v >= (float)size ? size - 1 : (int)v;
}

/* 0 when there is nothing to draw. */
static int find_pixels(const od_draw_box *b, const od_image *image, pixel_box *out)
{
    if (!(b->box[2] >= b->box[0] && b->box[3] >= b->box[1])) return 0;
    if (b->box[0] >= 1 || b->box[1] >= 1 || b->box[2] <= 0 || b->box[3] <= 0) return 0;
    *out = (pixel_box){to_pixel(b->box[0], image->height), to_pixel(b->box[1], image->width),
                       to_pixel(b->box[2], image->height), to_pixel(b->box[3], image->width)};
    return 1;
}

static void draw_frame(gdImagePtr gd, pixel_box p, int line, int color)
{
    int down = p.top + line - 1 < p.bottom ? p.top + line - 1 : p.bottom,
        up = p.bottom - line + 1 > p.top ? p.bottom - line + 1 : p.top;
    int in = p.left + line - 1 < p.right ? p.left + line - 1 : p.right,
        out = p.right - line + 1 > p.left ? p.right - line + 1 : p.left;
    gdImageFilledRectangle(gd, p.left, p.top, p.right, down, color);
    gdImageFilledRectangle(gd, p.left, up, p.right, p.bottom, color);
    gdImageFilledRectangle(gd, p.left, p.top, in, p.bottom, color);
    gdImageFilledRectangle(gd, out, p.top, p.right, p.bottom, color);
}

enum { TEXT_SIZE = 96 };

/* "label 97%", one '?' for each character that the fonts don't have. */
static void make_text(const od_draw_box *b, char text[TEXT_SIZE])
{
    size_t n = 0;
    for (const char *s = b->label ? b->label : ""; *s && n < TEXT_SIZE - 8; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x80)
            text[n++] = c < 0x20 || c == 0x7f ? ' ' : *s;
        else if (c >= 0xc0)
            text[n++] = '?';
    }
    text[n] = 0;
    if (b->score >= 0) snprintf(text + n, TEXT_SIZE - n, "%s%.0f%%", n ? " " : "", (double)fminf(b->score, 1) * 100);
}

static int text_color(uint32_t background)
{
    unsigned r = background >> 16, g = background >> 8 & 255, b = background & 255;
    return r * 299 + g * 587 + b * 114 > 110 * 1000 ? 0x000000 : 0xffffff;
}

/* Each dot of a letter as zoom x zoom pixels. */
static void draw_letter(gdImagePtr gd, const pen *p, int x, int y, unsigned char letter, int color)
{
    gdFontPtr f = p->font;
    int index = letter - f->offset;
    if (index < 0 || index >= f->nchars) return;
    const char *dots = f->data + (size_t)index * (size_t)(f->w * f->h);
    for (int row = 0; row < f->h; row++)
        for (int column = 0; column < f->w; column++) {
            int left = x + column * p->zoom, top = y + row * p->zoom;
            if (dots[row * f->w + column])
                gdImageFilledRectangle(gd, left, top, left + p->zoom - 1, top + p->zoom - 1, color);
        }
}

/* Above the box when there is room, else inside its top; moved left to stay in the picture. */
static void draw_label(gdImagePtr gd, const pen *p, pixel_box at, const od_draw_box *b)
{
    char text[TEXT_SIZE];
    make_text(b, text);
    if (!text[0]) return;
    uint32_t background = od_draw_color(b->class_index);
    int width = ((int)strlen(text) * p->font->w + 3) * p->zoom, height = (p->font->h + 1) * p->zoom;
    int x = at.left + width <= gd->sx ? at.left : gd->sx - width, y = at.top - height;
    if (x < 0) x = 0;
    if (y < 0) y = at.top;
    gdImageFilledRectangle(gd, x, y, x + width - 1, y + height - 1, (int)background);
    for (int i = 0; text[i]; i++)
        draw_letter(gd, p, x + (2 + i * p->font->w) * p->zoom, y, (unsigned char)text[i], text_color(background));
}

/* A disc of the class's colour in a dark ring, so that it shows on any picture. */
static void draw_dots(gdImagePtr gd, const pen *p, const od_draw_box *b)
{
    int radius = 2 * p->line;
    for (int k = 0; k < b->keypoint_count; k++) {
        float y = b->keypoints[2 * k] * (float)gd->sy, x = b->keypoints[2 * k + 1] * (float)gd->sx;
        if (!(y >= 0 && y < (float)gd->sy && x >= 0 && x < (float)gd->sx)) continue;
        gdImageFilledEllipse(gd, (int)x, (int)y, 2 * radius + 3, 2 * radius + 3, 0x101010);
        gdImageFilledEllipse(gd, (int)x, (int)y, 2 * radius - 1, 2 * radius - 1, (int)od_draw_color(b->class_index));
    }
}

static void copy_in(gdImagePtr gd, const od_image *image)
{
    const uint8_t *from = image->pixels;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++, from += 3) gd->tpixels[y][x] = from[0] << 16 | from[1] << 8 | from[2];
}

static void copy_out(gdImagePtr gd, od_image *image)
{
    uint8_t *to = image->pixels;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++, to += 3) {
            int c = gd->tpixels[y][x];
            to[0] = (uint8_t)(c >> 16);
            to[1] = (uint8_t)(c >> 8);
            to[2] = (uint8_t)c;
        }
}

od_status od_image_draw_boxes(od_image *image, const od_draw_box *boxes, int count, od_error *err)
{
    gdImagePtr gd = gdImageCreateTrueColor(image->width, image->height);
    if (!gd) return od_error_nomem(err, "a picture to draw on");
    copy_in(gd, image);
    pen p = choose_pen(image);
    pixel_box at;
    for (int i = count - 1; i >= 0; i--)
        if (find_pixels(boxes + i, image, &at)) draw_frame(gd, at, p.line, (int)od_draw_color(boxes[i].class_index));
    for (int i = count - 1; i >= 0; i--) draw_dots(gd, &p, boxes + i);
    for (int i = count - 1; i >= 0; i--)
        if (find_pixels(boxes + i, image, &at)) draw_label(gd, &p, at, boxes + i);
    copy_out(gd, image);
    gdImageDestroy(gd);
    return OD_OK;
}

static void place(const od_image *from, od_image *to, int left)
{
    for (int y = 0; y < from->height; y++)
        memcpy(to->pixels + ((size_t)y * (size_t)to->width + (size_t)left) * 3,
               from->pixels + (size_t)y * (size_t)from->width * 3, (size_t)from->width * 3);
}

od_status od_image_side_by_side(const od_image *left, const od_image *right, od_image *out, od_error *err)
{
    int height = left->height > right->height ? left->height : right->height;
    od_image joined;
    OD_TRY(od_image_init(&joined, (int64_t)left->width + right->width, height, err));
    memset(joined.pixels, 0, (size_t)joined.width * (size_t)joined.height * 3);
    place(left, &joined, 0);
    place(right, &joined, left->width);
    *out = joined;
    return OD_OK;
}
