/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixtures' instance masks: the ellipse inside each box of whole pixels, at the padded image's size.
 */
#include "golden.h"

#include "util/alloc.h"

static void draw(const golden_case *c, const float box[4], uint8_t *mask)
{
    int y0 = (int)((double)box[0] * (double)c->height), x0 = (int)((double)box[1] * (double)c->width);
    int y1 = (int)((double)box[2] * (double)c->height), x1 = (int)((double)box[3] * (double)c->width);
    for (int64_t i = 0; i < c->height * c->width; i++) {
        double y = ((double)(i / c->width) - (y0 + y1) / 2.0) / ((y1 - y0) / 2.0 + 1e-6), x = ((double)(i % c->width) - (x0 + x1) / 2.0) / ((x1 - x0) / 2.0 + 1e-6);
        mask[i] = y * y + x * x <= 1;
    }
}

od_status golden_make_masks(golden_case *c, od_error *err)
{
    for (int64_t i = 0; i < c->batch; i++) {
        od_groundtruth *t = &c->truth[i];
        uint8_t *masks = od_malloc((size_t)t->count + 1, (size_t)(c->height * c->width));
        if (!masks) return od_error_nomem(err, "masks");
        for (int64_t k = 0; k < t->count; k++) draw(c, t->boxes + 4 * k, masks + k * c->height * c->width);
        t->masks = masks;
        t->mask_height = (int)c->height;
        t->mask_width = (int)c->width;
    }
    return OD_OK;
}
