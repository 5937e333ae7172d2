/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the samples of a region of interest lie in a feature map (tf.image.crop_and_resize;
 * utils/spatial_transform_ops.py): along each side `crop` samples, the first and last on the region's edges, pixels being points.
 */
#ifndef OD_NN_ROI_H
#define OD_NN_ROI_H

#include <stdint.h>

/* One sample along one side: two pixels and their weights; outside: weight 0 (and a pixel that exists). */
typedef struct od_roi_tap {
    int64_t at[2];
    float weight[2];
} od_roi_tap;

/* taps[crop] from `low` to `high`, in units of the image's side, on `size` pixels. matmul: od_roi_attrs. */
void od_roi_taps(float low, float high, int64_t size, int crop, int matmul, od_roi_tap *taps);

/* The feature map (0: the finest of `levels`) that a box is cropped from (utils/ops.py fpn_feature_levels). */
int od_roi_level(const float box[4], int levels, float image_ratio);

/* Bilinear samples of a plane without channels: out [height, width] of plane [plane_height, plane_width] within the box. */
void od_roi_crop_plane(const uint8_t *plane, int64_t plane_height, int64_t plane_width, const float box[4], int height, int width, int matmul, float *out);

#endif
