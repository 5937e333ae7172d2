/* SPDX-License-Identifier: Apache-2.0 */
#include "detection/center_net_targets.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

static float root(float four_a, float b, float c)
{
    return (-b + sqrtf(b * b - four_a * c)) / 2.0f;
}

/* Constants in double and products in the order of the OD API's Python, so that the floor decides alike. */
float od_center_net_sigma(float height, float width, float min_overlap)
{
    double iou = (double)min_overlap;
    float sum = height + width;
    float shifted = root(4.0f, -sum, width * height * (float)((1 - iou) / (1 + iou)));
    float inside = root(16.0f, -2.0f * sum, (float)(1 - iou) * width * height);
    float around = root((float)(4 * (4 * iou)), (float)(2 * iou) * (width + height), (float)(iou - 1) * width * height);
    float radius = fminf(shifted, fminf(inside, around));
    return (2.0f * fmaxf(floorf(radius), 0.0f) + 1.0f) / 6.0f;
}

/* One box in cells. */
typedef struct cell_box {
    float y, x, height, width; /* centre and size */
} cell_box;

static cell_box in_cells(const float box[4], int64_t map_height, int64_t map_width)
{
    float h = (float)map_height, w = (float)map_width;
    float ymin = h * box[0], xmin = w * box[1], height = h * box[2] - ymin, width = w * box[3] - xmin;
    return (cell_box){ymin + height / 2.0f, xmin + width / 2.0f, height, width};
}

/* The maximum with what is there. Beyond 6.5 deviations the Gaussian is below 1e-9, where (1 - t)^beta is 1 in floats. */
static void draw(const cell_box *b, float min_overlap, float weight, int64_t height, int64_t width, int classes, float *map)
{
    float sigma = od_center_net_sigma(b->height, b->width, min_overlap), cy = floorf(b->y), cx = floorf(b->x);
    float reach = ceilf(6.5f * sigma);
    if (!(sigma > 0.0f) || !isfinite(cy + cx + reach)) return;
    int64_t y0 = (int64_t)fmaxf(cy - reach, 0), y1 = (int64_t)fminf(cy + reach, (float)(height - 1));
    int64_t x0 = (int64_t)fmaxf(cx - reach, 0), x1 = (int64_t)fminf(cx + reach, (float)(width - 1));
    for (int64_t y = y0; y <= y1; y++)
        for (int64_t x = x0; x <= x1; x++) {
            float dx = (float)x - cx, dy = (float)y - cy;
            float value = weight * expf(-(dx * dx + dy * dy) / (2.0f * sigma * sigma));
            float *at = map + (y * width + x) * classes;
            if (value > *at) *at = value;
        }
}

static void draw_image(const od_center_net_config *c, const od_groundtruth *g, int64_t image, od_center_net_targets *t)
{
    int64_t size = t->height * t->width * t->classes;
    float *map = t->heatmap + image * size;
    memset(map, 0, (size_t)size * sizeof *map);
    for (int64_t i = 0; i < g->count; i++) {
        cell_box b = in_cells(g->boxes + 4 * i, t->height, t->width);
        float weight = g->weights ? g->weights[i] : 1.0f;
        if (!g->class_targets) draw(&b, c->min_overlap, weight, t->height, t->width, t->classes, map + g->classes[i]);
        for (int k = 0; g->class_targets && k < t->classes; k++) {
            float target = g->class_targets[i * t->classes + k];
            if (target > 0) draw(&b, c->min_overlap, weight * target, t->height, t->width, t->classes, map + k);
        }
    }
}

/* A centre on the map's far edge or beyond has no cell; the OD API would read another image's. */
static void list_boxes(const od_groundtruth *g, int64_t image, od_center_net_targets *t)
{
    for (int64_t i = 0; i < g->count; i++) {
        cell_box b = in_cells(g->boxes + 4 * i, t->height, t->width);
        float weight = g->weights ? g->weights[i] : 1.0f, y = floorf(b.y), x = floorf(b.x);
        t->instances += weight != 0.0f;
        if (!(y >= 0 && x >= 0 && y < (float)t->height && x < (float)t->width)) continue;
        int64_t cell = (image * t->height + (int64_t)y) * t->width + (int64_t)x;
        t->boxes[t->box_count++] = (od_center_net_box){cell, b.height, b.width, b.y - y, b.x - x, weight};
    }
}

static od_status reserve(const od_groundtruth *truth, int64_t batch, int64_t cells, od_center_net_targets *t, od_error *err)
{
    size_t total = 1;
    for (int64_t i = 0; i < batch; i++) {
        OD_TRY(od_groundtruth_check(&truth[i], i, t->classes, err));
        total += (size_t)truth[i].count;
    }
    if (od_grow(&t->heatmap, &t->capacity_heatmap, (size_t)batch * (size_t)cells * (size_t)t->classes, sizeof *t->heatmap) ||
        od_grow(&t->valid, &t->capacity_valid, 2 * (size_t)batch, sizeof *t->valid) ||
        od_grow(&t->boxes, &t->capacity_boxes, total, sizeof *t->boxes))
        return od_error_nomem(err, "targets");
    return OD_OK;
}

static int64_t cells_of(int64_t pixels, int stride, int64_t most)
{
    int64_t cells = (pixels + stride - 1) / stride;
    return cells < most ? cells : most;
}

od_status od_center_net_targets_assign(const od_center_net_config *config, const od_groundtruth *truth, const int64_t (*true_shapes)[2],
                                       int64_t batch, int64_t input_height, int64_t input_width, od_center_net_targets *targets, od_error *err)
{
    od_center_net_targets *t = targets;
    if (batch < 1 || input_height < 1 || input_width < 1)
        return od_error_set(err, OD_ERR_ARG, "targets for %lld images of %lld x %lld", (long long)batch, (long long)input_height, (long long)input_width);
    t->batch = batch;
    t->height = input_height / config->stride > 1 ? input_height / config->stride : 1;
    t->width = input_width / config->stride > 1 ? input_width / config->stride : 1;
    t->classes = config->num_classes;
    t->box_count = t->instances = 0;
    OD_TRY(reserve(truth, batch, t->height * t->width, t, err));
    for (int64_t i = 0; i < batch; i++) {
        t->valid[2 * i] = cells_of(true_shapes[i][0], config->stride, t->height);
        t->valid[2 * i + 1] = cells_of(true_shapes[i][1], config->stride, t->width);
        list_boxes(&truth[i], i, t);
    }
    if (t->instances < 1) t->instances = 1;
#pragma omp parallel for schedule(static) if (batch > 1)
    for (int64_t i = 0; i < batch; i++) draw_image(config, &truth[i], i, t);
    return OD_OK;
}

void od_center_net_targets_deinit(od_center_net_targets *targets)
{
    od_free(targets->heatmap);
    od_free(targets->valid);
    od_free(targets->boxes);
    *targets = (od_center_net_targets){0};
}
