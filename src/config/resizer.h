/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kinds of image_resizer have in common.
 */
#ifndef OD_CONFIG_RESIZER_H
#define OD_CONFIG_RESIZER_H

#include "image_resizer.pb-c.h"

/* convert_to_grayscale of whichever kind it is; NULL: 0. */
int od_resizer_is_grey(const ObjectDetection__Protos__ImageResizer *resizer);

#endif
