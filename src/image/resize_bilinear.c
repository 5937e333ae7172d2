/* SPDX-License-Identifier: Apache-2.0
 *
 * Bilinear: each source row that is needed is normalised and resized horizontally once, the last two are kept, and
 * each output row is their blend. The order of operations is TensorFlow's compute_lerp: both rows first, then between
 * them.
 */
#include "image/resize_internal.h"
#include "image/row_kernels.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

typedef struct workspace {
    od__tap *columns;
    float *row;        /* source row, [width, 3] */
    float *resized[2]; /* rows resized horizontally, [out width, 3] */
    int64_t held[2];   /* which source row each of them is; -1: none */
    void *block;
} workspace;

static od__tap find_tap(int i, float scale, int in)
{
    float position = (float)i * scale, low = floorf(position);
    int64_t l = (int64_t)low, h = l + 1 < in ? l + 1 : in - 1;
    if (l > in - 1) l = in - 1;
    return (od__tap){(uint32_t)l, (uint32_t)h, position - low};
}

static od_status workspace_init(workspace *w, const od_image_view *view, const od_resize_params *p, od_error *err)
{
    size_t out = (size_t)p->width * 3 + OD__ROW_PAD, in = (size_t)view->width * 3 + OD__ROW_PAD;
    size_t floats = in + 2 * out;
    w->block = od_malloc(floats * sizeof(float) + (size_t)p->width * sizeof(od__tap), 1);
    if (!w->block) return od_error_nomem(err, "rows for resizing");
    w->row = w->block;
    w->resized[0] = w->row + in;
    w->resized[1] = w->resized[0] + out;
    w->columns = (od__tap *)(w->row + floats);
    w->held[0] = w->held[1] = -1;
    memset(w->row + in - OD__ROW_PAD, 0, OD__ROW_PAD * sizeof(float));
    float scale = od__resize_scale(view->width, p->width, p->align_corners);
    for (int x = 0; x < p->width; x++) {
        od__tap t = find_tap(x, scale, view->width);
        w->columns[x] = (od__tap){(uint32_t)od__column(view, t.low), (uint32_t)od__column(view, t.high), t.fraction};
    }
    return OD_OK;
}

/* Source row y resized horizontally; `keep` is the other row that is needed now. */
static const float *resized_row(workspace *w, const od__row_source *in, const od_resize_params *p, int64_t y,
                                int64_t keep)
{
    int slot = w->held[0] == y ? 0 : w->held[1] == y ? 1 : -1;
    if (slot < 0) {
        slot = w->held[0] == keep ? 1 : 0;
        od__row_load(in, y, w->row);
        in->kernels->blend_columns(w->row, w->columns, p->width, w->resized[slot]);
        w->held[slot] = y;
    }
    return w->resized[slot];
}

od_status od__resize_bilinear(const od__row_source *in, const od_resize_params *p, float *out, ptrdiff_t step,
                              od_error *err)
{
    workspace w = {0};
    OD_TRY(workspace_init(&w, in->view, p, err));
    float scale = od__resize_scale(in->view->height, p->height, p->align_corners);
    for (int y = 0; y < p->height; y++) {
        od__tap t = find_tap(y, scale, in->view->height);
        const float *top = resized_row(&w, in, p, t.low, t.high);
        const float *bottom = resized_row(&w, in, p, t.high, t.low);
        in->kernels->blend_rows(top, bottom, t.fraction, out + y * step, (size_t)p->width * 3);
    }
    od_free(w.block);
    return OD_OK;
}
