/* SPDX-License-Identifier: Apache-2.0 */
#include "data/reader_masks.h"

od_mask_loading od_reader_masks(const ObjectDetection__Protos__InputReader *reader)
{
    if (!reader || !reader->load_instance_masks) return OD_MASKS_NONE;
    return reader->mask_type == OBJECT_DETECTION__PROTOS__INSTANCE_MASK_TYPE__PNG_MASKS ? OD_MASKS_PNG : OD_MASKS_NUMERICAL;
}
