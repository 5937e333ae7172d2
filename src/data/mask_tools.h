/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks and ellipses as annotation tools write them.
 */
#ifndef OD_DATA_MASK_TOOLS_H
#define OD_DATA_MASK_TOOLS_H

#include "data/mask.h"

/* CVAT's: "3, 5, 7, ...", lengths of runs outside and inside in turn, row by row within a frame (top, left, height, width in pixels), which
 * they fill. OD_ERR_FORMAT when they don't, or the frame doesn't lie in the image. */
od_status od_mask_from_frame_runs(od_mask **out, int height, int width, const double frame[4], const char *runs, od_error *err);

/* The same the other way: the mask's smallest frame and its runs, appended as text. OD_ERR_NOMEM. */
od_status od_mask_put_frame_runs(const od_mask *mask, int32_t frame[4], od_strbuf *out, od_error *err);

/* Label Studio's brushes: an image of RGBA, packed by https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack; inside is where alpha
 * is above 127. OD_ERR_FORMAT when it is cut off, or of another size. */
od_status od_mask_from_brush(od_mask **out, int height, int width, const uint8_t *bytes, size_t size, od_error *err);

/* The same the other way, as label-studio-converter packs (alpha 0 or 255), appended as numbers with commas between them. OD_ERR_NOMEM. */
od_status od_mask_put_brush(const od_mask *mask, od_strbuf *out, od_error *err);

/* Corner k (from 0) of the polygon that stands for an ellipse. Its area is .9984 of the ellipse's. */
enum { OD_ELLIPSE_CORNERS = 64 };
void od_ellipse_corner(int k, double y, double x, double radius_y, double radius_x, double out[2]);

#endif
