/* SPDX-License-Identifier: Apache-2.0
 *
 * tf.Example messages with the keys of the OD API (data_decoders/tf_example_decoder.py) and the content of its
 * dataset_tools. Everything here is as the record says: classes aren't looked up and boxes aren't judged; that
 * is data/dataset.h's part.
 */
#ifndef OD_DATA_TF_EXAMPLE_H
#define OD_DATA_TF_EXAMPLE_H

#include "data/example.h"
#include "util/strbuf.h"

/* Fills *out (zeroed by the caller; deinit it whatever happens): label is image/object/class/label's value (0 when
 * the key is absent), class_text that of class/text. Absent keys have the decoder's defaults (weight 1, ...), width and
 * height 0. OD_ERR_FORMAT when the bytes are no tf.Example, a key has another type than the OD API's, or the
 * lists of one record differ in length; the message doesn't name the file. */
od_status od_tf_example_parse(const uint8_t *bytes, size_t size, od_example *out, od_error *err);

typedef struct od_tf_example_options {
    const char *group_fields; /* out->group comes from the first of these features ("patient_id,patient"; each also as image/NAME) that
                               * the record has as a text or a whole number; NULL: no groups */
    int class_scores;         /* image/object/class/multiclass_scores [boxes, classes] become od_object.class_scores */
    od_mask_loading masks;    /* image/object/mask: a PNG an object, or floats [objects, height, width], above 0: inside */
    int keypoints;            /* image/object/keypoint/{x,y,visibility} become od_object.keypoints: so many an object, or none in the whole record;
                               * OD_KEYPOINTS_IF_ANY: as many as there are; OD_KEYPOINTS_NONE */
} od_tf_example_options;

od_status od_tf_example_parse_with(const uint8_t *bytes, size_t size, const od_tf_example_options *options, od_example *out, od_error *err);

/* Appends the serialised message: the keys that dataset_tools/create_pascal_tf_record.py and
 * create_coco_tf_record.py write (keys in alphabetical order), class/label and class/text both. `e->encoded` must be
 * there. Masks become PNGs of 0 and 1 (an empty one where another object has a mask); where an object has keypoints, each has as many (of visibility 0 at 0, 0). Keys that no object needs (weight, group_of, area, is_crowd, difficult, truncated, view) are left out. */
od_status od_tf_example_format(const od_example *e, od_strbuf *out, od_error *err);

#endif
