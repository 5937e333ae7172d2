/* SPDX-License-Identifier: Apache-2.0
 *
 * The heatmaps go through row by row (a row of one image's map, all classes), each row's loss into its own slot; the few
 * boxes' size and offset losses are gathered and their gradients scattered, added up where boxes share a cell.
 */
#include "detection/center_net_loss.h"

#include "util/alloc.h"

#include <math.h>
#include <string.h>

/* Cells beyond the true image have weight 0: their loss counts as 0, their gradient is 0. */
static double center_row(const od_center_net_config *c, const od_center_net_targets *t, const od_center_net_head *head, int64_t row, float scale,
                         float *ones)
{
    int64_t image = row / t->height, y = row % t->height, length = t->width * t->classes, at = row * length;
    int64_t valid = y < t->valid[2 * image] ? t->valid[2 * image + 1] * t->classes : 0;
    float *grad = head->d_center ? head->d_center + at : NULL;
    if (grad) memset(grad + valid, 0, (size_t)(length - valid) * sizeof *grad);
    return od_loss_penalty_focal(&c->focal, valid, head->center + at, t->heatmap + at, ones, scale, NULL, grad);
}

static od_status center_loss(const od_center_net_config *c, const od_center_net_targets *t, const od_center_net_head *head, float scale,
                             double *sum, od_error *err)
{
    int64_t rows = t->batch * t->height, length = t->width * t->classes;
    double *parts = od_malloc((size_t)rows, sizeof *parts);
    float *ones = od_malloc((size_t)length, sizeof *ones);
    od_status status = parts && ones ? OD_OK : od_error_nomem(err, "loss");
    if (status == OD_OK) {
        for (int64_t i = 0; i < length; i++) ones[i] = 1.0f;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < rows; i++) parts[i] = center_row(c, t, head, i, scale, ones);
        for (int64_t i = 0; i < rows; i++) *sum += parts[i];
    }
    od_free(parts);
    od_free(ones);
    return status;
}

static double l1(const float *prediction, float first, float second, float weight, float scale, float *grad)
{
    const float targets[2] = {first, second}, weights[2] = {weight, weight};
    float d[2];
    double loss = od_loss_l1(2, prediction, targets, weights, scale, NULL, d);
    if (grad) {
        grad[0] += d[0];
        grad[1] += d[1];
    }
    return loss;
}

static void box_losses(const od_center_net_targets *t, const od_center_net_head *head, float scale, float offset, od_center_net_loss_values *sums)
{
    size_t bytes = (size_t)(t->batch * t->height * t->width) * 2 * sizeof(float);
    if (head->d_scale) memset(head->d_scale, 0, bytes);
    if (head->d_offset) memset(head->d_offset, 0, bytes);
    for (int64_t i = 0; i < t->box_count; i++) {
        const od_center_net_box *b = &t->boxes[i];
        int64_t at = 2 * b->cell;
        sums->box_scale += l1(head->scale + at, b->height, b->width, b->weight, scale, head->d_scale ? head->d_scale + at : NULL);
        sums->box_offset += l1(head->offset + at, b->y_offset, b->x_offset, b->weight, offset, head->d_offset ? head->d_offset + at : NULL);
    }
}

od_status od_center_net_loss_run(const od_center_net_config *config, const od_center_net_targets *targets, const od_center_net_head *heads,
                                 int head_count, od_center_net_loss_values *values, od_error *err)
{
    double divisor = (double)head_count * (double)targets->instances;
    double center = (double)config->center_weight / divisor, scale = (double)config->scale_weight / divisor, offset = (double)config->offset_weight / divisor;
    od_center_net_loss_values sums = {0, 0, 0};
    for (int i = 0; i < head_count; i++) {
        OD_TRY(center_loss(config, targets, &heads[i], (float)center, &sums.object_center, err));
        box_losses(targets, &heads[i], (float)scale, (float)offset, &sums);
    }
    *values = (od_center_net_loss_values){sums.object_center * center, sums.box_scale * scale, sums.box_offset * offset};
    return OD_OK;
}
