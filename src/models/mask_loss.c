/* SPDX-License-Identifier: Apache-2.0 */
#include "models/mask_loss.h"

#include "detection/losses.h"
#include "detection/two_stage_targets.h"
#include "nn/roi.h"
#include "util/alloc.h"

#include <math.h>

double od_mask_loss_weight(const od_mask_loss_image_in *im)
{
    double sum = 0;
    for (int64_t i = 0; i < im->count; i++)
        if (im->match[i] >= 0) sum += (double)od_two_stage_weight(im->truth, im->match[i]);
    return sum;
}

/* The ground truth inside box i: [mask_h, mask_w]. */
static void sample_target(const od_mask_loss_params *p, const od_mask_loss_image_in *im, int64_t i, float *target)
{
    const od_groundtruth *t = im->truth;
    const float down = 1 / (float)p->height, across = 1 / (float)p->width, *box = im->boxes + 4 * i;
    const float relative[4] = {box[0] * down, box[1] * across, box[2] * down, box[3] * across};
    const uint8_t *mask = t->masks + (int64_t)im->match[i] * t->mask_height * t->mask_width;
    od_roi_crop_plane(mask, t->mask_height, t->mask_width, relative, p->mask_h, p->mask_w, p->matmul, target);
}

od_status od_mask_loss_image(const od_mask_loss_params *p, const od_mask_loss_image_in *im, double total_weight, double *loss, od_error *err)
{
    int64_t pixels = (int64_t)p->mask_h * p->mask_w;
    double each = (double)p->weight / fmax(total_weight * (double)pixels, 1);
    float *target = od_malloc((size_t)pixels, 4 * sizeof *target);
    if (!target) return od_error_nomem(err, "the masks' targets");
    float *logits = target + pixels, *weights = logits + pixels, *gradient = weights + pixels;
    double sum = 0;
    for (int64_t i = 0; i < im->count; i++) {
        if (im->match[i] < 0) continue;
        int64_t at = i * pixels * p->masks + (p->masks > 1 ? im->truth->classes[im->match[i]] : 0);
        float weight = od_two_stage_weight(im->truth, im->match[i]);
        sample_target(p, im, i, target);
        for (int64_t k = 0; k < pixels; k++) logits[k] = im->logits[at + k * p->masks], weights[k] = weight;
        sum += od_loss_sigmoid(pixels, logits, target, weights, (float)each, NULL, im->d_logits ? gradient : NULL);
        for (int64_t k = 0; im->d_logits && k < pixels; k++) im->d_logits[at + k * p->masks] = gradient[k];
    }
    *loss += sum * each;
    od_free(target);
    return OD_OK;
}
