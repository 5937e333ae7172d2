/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_types.h"

const double od_coco_area_range[OD_COCO_A][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
const int od_coco_max_dets[OD_COCO_M] = {1, 10, OD_COCO_TOP};

/* numpy.linspace: index * step + start, the last element being `stop` itself. */
static double linspace(double start, double stop, int count, int i)
{
    return i == count - 1 ? stop : i * ((stop - start) / (count - 1)) + start;
}

double od_coco_iou_threshold(int t)
{
    return linspace(.5, .95, OD_COCO_T, t);
}

double od_coco_recall_threshold(int r)
{
    return linspace(0, 1, OD_COCO_R, r);
}

unsigned od_coco_area_bits(double area)
{
    unsigned bits = 0;
    for (int a = 0; a < OD_COCO_A; a++)
        if (area >= od_coco_area_range[a][0] && area <= od_coco_area_range[a][1]) bits |= 1u << a;
    return bits;
}
