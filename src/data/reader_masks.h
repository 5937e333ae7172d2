/* SPDX-License-Identifier: Apache-2.0
 *
 * Which masks an input reader of the config asks for.
 */
#ifndef OD_DATA_READER_MASKS_H
#define OD_DATA_READER_MASKS_H

#include "data/example.h"
#include "input_reader.pb-c.h"

/* load_instance_masks and mask_type; `reader` may be NULL. */
od_mask_loading od_reader_masks(const ObjectDetection__Protos__InputReader *reader);

#endif
