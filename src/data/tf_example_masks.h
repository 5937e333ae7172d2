/* SPDX-License-Identifier: Apache-2.0
 *
 * image/object/mask of tf.Example in its two forms (data_decoders/tf_example_decoder.py: _decode_png_instance_masks,
 * _reshape_instance_masks). Private to src/data.
 */
#ifndef OD_DATA_TF_EXAMPLE_MASKS_H
#define OD_DATA_TF_EXAMPLE_MASKS_H

#include "data/example.h"
#include "example.pb-c.h"

/* Gives the objects of `out` (parsed, with its width and height) their masks; `feature` may be NULL. OD_ERR_CONFIG for masks that are asked
 * for and missing, or there in the other form. */
od_status od_tf_example_take_masks(const Tensorflow__Feature *feature, od_mask_loading loading, od_example *out, od_error *err);

typedef struct od_tf_example_pngs {
    ProtobufCBinaryData *items; /* [count]: a PNG an object; freed with od_tf_example_free_pngs */
    size_t count;               /* 0: no object has a mask */
} od_tf_example_pngs;

od_status od_tf_example_encode_masks(const od_example *e, od_tf_example_pngs *out, od_error *err);
void od_tf_example_free_pngs(od_tf_example_pngs *pngs);

#endif
