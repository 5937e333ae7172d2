/* SPDX-License-Identifier: Apache-2.0 */
#include "report/mask_overlay.h"

#include "data/pixel_map.h"
#include "image/draw_mask.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

enum { BEGINNING = 1 << 20 };

int od_mask_overlay_wanted(const char *results_path)
{
    static const char field[] = "\"segmentation\"";
    od_file_view view;
    int found = 0;
    if (od_file_view_open(&view, results_path, NULL) != OD_OK) return 0;
    const char *at = (const char *)view.data, *end = at + (view.size < BEGINNING ? view.size : BEGINNING);
    while (!found && (at = memchr(at, '"', (size_t)(end - at)))) {
        found = (size_t)(end - at) >= sizeof field - 1 && !memcmp(at, field, sizeof field - 1);
        at++;
    }
    od_file_view_close(&view);
    return found;
}

/* The mask's pixels row by row; 0 when there is none of the picture's size. */
static int render(const od_mask *m, const od_pixel_map *map, uint8_t *pixels, od_status *status, od_error *err)
{
    if (!m || *status != OD_OK || m->height != map->height || m->width != map->width) return 0;
    *status = od_pixel_map_render(map, m, pixels, err);
    return *status == OD_OK;
}

od_status od_mask_overlay_draw(const od_coco_eval *e, int64_t image, double min_score, od_image *picture, od_error *err)
{
    od_pixel_map map = {0};
    if (!e->masks) return OD_OK;
    uint8_t *pixels = od_malloc((size_t)picture->height * (size_t)picture->width, 1);
    od_status status = pixels ? od_pixel_map_init(&map, picture->height, picture->width, picture->height, picture->width, err) : od_error_nomem(err, "a mask");
    for (size_t i = 0; i < e->num_dets && i < e->masks->num_dets; i++)
        if (e->dets[i].image == image && e->dets[i].score >= min_score && render(e->masks->dets[i], &map, pixels, &status, err))
            od_image_draw_mask(picture, pixels, e->dets[i].class_index);
    for (size_t i = 0; i < e->num_truths && i < e->masks->num_truths; i++)
        if (e->truths[i].image == image && render(e->masks->truths[i], &map, pixels, &status, err)) od_image_draw_outline(picture, pixels, 0xffffff);
    od_free(pixels);
    od_pixel_map_deinit(&map);
    return status;
}
