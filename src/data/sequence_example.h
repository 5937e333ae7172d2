/* SPDX-License-Identifier: Apache-2.0
 *
 * tf.SequenceExample messages with the keys of the OD API (data_decoders/tf_sequence_example_decoder.py): the frames of a film or of a
 * camera trap, each an image with its boxes. Everything is as the record says; classes aren't looked up.
 */
#ifndef OD_DATA_SEQUENCE_EXAMPLE_H
#define OD_DATA_SEQUENCE_EXAMPLE_H

#include "data/example.h"

typedef struct od_sequence_example od_sequence_example;

/* OD_ERR_FORMAT when the bytes are no tf.SequenceExample, it has no frames, or its lists differ in length; the message doesn't name the file. */
od_status od_sequence_example_unpack(od_sequence_example **out, const uint8_t *bytes, size_t size, od_error *err);
void od_sequence_example_free(od_sequence_example *s);

int od_sequence_example_frame_count(const od_sequence_example *s);
/* Whether anyone looked for objects in this frame (region/is_annotated). */
int od_sequence_example_is_annotated(const od_sequence_example *s, int frame);

/* Fills *out (zeroed by the caller, who deinits it whatever happens) with one frame: class_text from region/label/string, weight from
 * region/label/confidence or 1, boxes from region/bbox. */
od_status od_sequence_example_read(const od_sequence_example *s, int frame, od_example *out, od_error *err);

#endif
