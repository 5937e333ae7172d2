/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_keypoints.h"

#include <float.h>
#include <math.h>

/* How far outside low..high. */
static double beyond(double v, double low, double high)
{
    return fmax(0, low - v) + fmax(0, v - high);
}

double od_coco_oks(const od_coco_keypoints *k, size_t det, size_t truth, const od_coco_truth *object)
{
    const double *g = k->truths + truth * (size_t)k->count * 3, *d = k->dets + det * (size_t)k->count * 2;
    const od_coco_box *box = &object->box;
    int labelled = 0;
    double sum = 0;
    for (int i = 0; i < k->count; i++) labelled += g[3 * i + 2] > 0;
    for (int i = 0; i < k->count; i++) {
        if (labelled && !(g[3 * i + 2] > 0)) continue;
        double dx = labelled ? d[2 * i] - g[3 * i] : beyond(d[2 * i], box->x - box->w, box->x + box->w * 2);
        double dy = labelled ? d[2 * i + 1] - g[3 * i + 1] : beyond(d[2 * i + 1], box->y - box->h, box->y + box->h * 2);
        double spread = (k->sigmas[i] * 2) * (k->sigmas[i] * 2);
        sum += exp(-((dx * dx + dy * dy) / spread / (object->area + DBL_EPSILON) / 2));
    }
    return sum / (labelled ? labelled : k->count);
}
