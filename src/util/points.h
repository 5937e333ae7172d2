/* SPDX-License-Identifier: Apache-2.0
 *
 * Points y, x, of which a box is two: ymin, xmin, ymax, xmax.
 */
#ifndef OD_UTIL_POINTS_H
#define OD_UTIL_POINTS_H

#include <stdint.h>

/* Makes points[n, 2] relative to the window (ymin, xmin, ymax, xmax), which becomes 0,0,1,1: change_coordinate_frame of the OD API's
 * core/box_list_ops.py and core/keypoint_ops.py, in its order. */
static inline void od_points_change_frame(float *points, int64_t n, const float window[4])
{
    const float scale[2] = {1.0f / (window[2] - window[0]), 1.0f / (window[3] - window[1])};
    for (int64_t i = 0; i < 2 * n; i++) points[i] = (points[i] - window[i % 2]) * scale[i % 2];
}

#endif
