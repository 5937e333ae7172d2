/* SPDX-License-Identifier: Apache-2.0 */
#include "config/resizer.h"

#include <stddef.h>

#define KIND(name) OBJECT_DETECTION__PROTOS__IMAGE_RESIZER__IMAGE_RESIZER_ONEOF_##name

int od_resizer_is_grey(const ObjectDetection__Protos__ImageResizer *resizer)
{
    switch (resizer ? resizer->image_resizer_oneof_case : KIND(_NOT_SET)) {
    case KIND(FIXED_SHAPE_RESIZER): return resizer->fixed_shape_resizer->convert_to_grayscale;
    case KIND(KEEP_ASPECT_RATIO_RESIZER): return resizer->keep_aspect_ratio_resizer->convert_to_grayscale;
    case KIND(CONDITIONAL_SHAPE_RESIZER): return resizer->conditional_shape_resizer->convert_to_grayscale;
    case KIND(PAD_TO_MULTIPLE_RESIZER): return resizer->pad_to_multiple_resizer->convert_to_grayscale;
    default: return 0;
    }
}
