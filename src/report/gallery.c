/* SPDX-License-Identifier: Apache-2.0 */
#include "report/gallery.h"

#include "util/alloc.h"
#include "util/hashmap.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JPEG_QUALITY = 72, DETAIL_SIDE = 224, DETAIL_NEEDED = 112 };

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Takes the next failure of each kind in turn until `most` are taken, then puts them in the list's order. */
static size_t choose(const od_failures *f, size_t most, size_t *chosen)
{
    size_t at[OD_FAILURE_NUM_KINDS] = {0}, count = od_failures_count(f), n = 0;
    for (int taken = 1; taken && n < most;) {
        taken = 0;
        for (int kind = 0; kind < OD_FAILURE_NUM_KINDS && n < most; kind++) {
            size_t *i = &at[kind];
            while (*i < count && (int)od_failures_get(f, *i)->kind != kind) ++*i;
            if (*i == count) continue;
            chosen[n++] = (*i)++;
            taken = 1;
        }
    }
    qsort(chosen, n, sizeof *chosen, compare_sizes);
    return n;
}

static void widen(double low[2], double high[2], const double box[4])
{
    low[0] = fmin(low[0], box[0]);
    low[1] = fmin(low[1], box[1]);
    high[0] = fmax(high[0], box[0] + box[2]);
    high[1] = fmax(high[1], box[1] + box[3]);
}

/* A square around detection and object with a third of their size on each side. */
static void place_crop(const od_failure *f, const od_image *image, double crop[4])
{
    double low[2] = {(double)INFINITY, (double)INFINITY}, high[2] = {-(double)INFINITY, -(double)INFINITY};
    widen(low, high, f->box);
    if (f->object >= 0) widen(low, high, f->object_box);
    double longest = image->width > image->height ? image->width : image->height;
    double side = fmax(1.67 * fmax(high[0] - low[0], high[1] - low[1]), fmax(32, .08 * longest));
    side = fmin(side, 1.05 * longest);
    crop[0] = (low[0] + high[0]) / 2 - side / 2;
    crop[1] = (low[1] + high[1]) / 2 - side / 2;
    crop[2] = crop[3] = side;
}

/* A JPEG of the crop itself where the whole picture on the page has too few pixels there, and the original has more. */
static od_status add_detail(od_gallery_item *item, const od_image *image, int longest, od_error *err)
{
    double scale = fmin(1, (double)longest / (image->width > image->height ? image->width : image->height));
    if (item->crop[2] * scale >= DETAIL_NEEDED || scale > .8) return OD_OK;
    int left = (int)fmax(0, floor(item->crop[0])), top = (int)fmax(0, floor(item->crop[1]));
    int right = (int)fmin(image->width, ceil(item->crop[0] + item->crop[2])), bottom = (int)fmin(image->height, ceil(item->crop[1] + item->crop[3]));
    if (right - left < 2 || bottom - top < 2) return OD_OK;
    item->detail_part = (od_picture_part){left, top, right - left, bottom - top};
    return od_picture_encode(image, &item->detail_part, DETAIL_SIDE, JPEG_QUALITY, &item->detail, &item->detail_size, err);
}

typedef struct maker {
    od_gallery *g;
    const od_failures *failures;
    const od_gallery_options *options;
    od_pictures *pictures;
    od_hashmap seen; /* image -> picture, -1: can't be read */
    size_t bytes;
    int longest;
    void *user;     /* of options->overlay */
    od_image image; /* the picture read last */
    int64_t image_index;
} maker;

/* Reads an image unless it is the one at hand. */
static od_status read_image(maker *m, int64_t index, const char *name, od_error *err)
{
    if (m->image.pixels && m->image_index == index) return OD_OK;
    od_image_deinit(&m->image);
    m->image_index = index;
    OD_TRY(od_pictures_load(m->pictures, name, &m->image, err));
    return m->options->overlay ? m->options->overlay(m->user, index, &m->image, err) : OD_OK;
}

/* *picture: index, or -1 when it can't be read. */
static od_status find_picture(maker *m, int64_t index, const char *name, int64_t *picture, od_error *err)
{
    char key[32];
    snprintf(key, sizeof key, "%" PRId64, index);
    if (od_hashmap_get(&m->seen, key, picture)) return *picture < 0 ? OD_OK : read_image(m, index, name, err);
    od_error why = {0};
    *picture = -1;
    od_status status = read_image(m, index, name, &why);
    if (status == OD_ERR_NOMEM) return od_error_nomem(err, "a picture");
    if (status != OD_OK) {
        if (!m->g->not_found++) snprintf(m->g->problem, sizeof m->g->problem, "%.500s", why.message);
    } else {
        od_gallery_picture *p = &m->g->pictures[m->g->num_pictures];
        const od_picture_part all = {0, 0, m->image.width, m->image.height};
        OD_TRY(od_picture_encode(&m->image, &all, m->longest, JPEG_QUALITY, &p->jpeg, &p->size, err));
        p->image = index;
        p->width = m->image.width;
        p->height = m->image.height;
        m->bytes += p->size;
        *picture = (int64_t)m->g->num_pictures++;
    }
    return od_hashmap_set(&m->seen, key, *picture) ? od_error_nomem(err, "a picture") : OD_OK;
}

static od_status add_item(maker *m, size_t failure, const char *name, od_error *err)
{
    const od_failure *f = od_failures_get(m->failures, failure);
    int64_t picture;
    OD_TRY(find_picture(m, f->image, name, &picture, err));
    if (picture < 0) return OD_OK;
    od_gallery_item *item = &m->g->items[m->g->num_items++];
    *item = (od_gallery_item){.failure = failure, .picture = (size_t)picture};
    place_crop(f, &m->image, item->crop);
    OD_TRY(add_detail(item, &m->image, m->longest, err));
    m->bytes += item->detail_size;
    return OD_OK;
}

/* The fewer images, the larger they may be. */
static int choose_longest(const od_failures *f, const size_t *chosen, size_t n)
{
    od_hashmap images = {0};
    char key[32];
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%" PRId64, od_failures_get(f, chosen[i])->image);
        od_hashmap_set(&images, key, 1);
    }
    size_t count = images.count;
    od_hashmap_deinit(&images);
    return count <= 48 ? 640 : count <= 120 ? 512 : 416;
}

od_status od_gallery_make(od_gallery *g, const od_failures *failures, const char *(*name)(void *user, int64_t image), void *user, const od_gallery_options *options, od_error *err)
{
    memset(g, 0, sizeof *g);
    size_t most = options->most < 0 ? 0 : (size_t)options->most;
    if (most > od_failures_count(failures)) most = od_failures_count(failures);
    if (!most) return OD_OK;
    maker m = {.g = g, .failures = failures, .options = options, .pictures = od_pictures_open(&options->places), .user = user};
    size_t *chosen = od_malloc(most, sizeof *chosen);
    g->items = od_calloc(most, sizeof *g->items);
    g->pictures = od_calloc(most, sizeof *g->pictures);
    od_status status = m.pictures && chosen && g->items && g->pictures ? OD_OK : od_error_nomem(err, "the gallery");
    if (status == OD_OK) {
        g->wanted = choose(failures, most, chosen);
        m.longest = choose_longest(failures, chosen, g->wanted);
    }
    for (size_t i = 0; status == OD_OK && i < g->wanted && m.bytes < options->budget; i++)
        status = add_item(&m, chosen[i], name(user, od_failures_get(failures, chosen[i])->image), err);
    od_image_deinit(&m.image);
    od_hashmap_deinit(&m.seen);
    od_pictures_close(m.pictures);
    od_free(chosen);
    return status;
}

void od_gallery_deinit(od_gallery *g)
{
    for (size_t i = 0; i < g->num_items; i++) od_free(g->items[i].detail);
    for (size_t i = 0; i < g->num_pictures; i++) od_free(g->pictures[i].jpeg);
    od_free(g->items);
    od_free(g->pictures);
    memset(g, 0, sizeof *g);
}
