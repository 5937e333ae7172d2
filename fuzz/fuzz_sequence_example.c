/* SPDX-License-Identifier: Apache-2.0
 *
 * tf.SequenceExample messages: every frame is read.
 */
#include "data/sequence_example.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_sequence_example *s = NULL;
    od_error err = {0};
    if (od_sequence_example_unpack(&s, data, size, &err) != OD_OK) {
        if (!err.message[0]) abort();
        return 0;
    }
    for (int i = -1; i <= od_sequence_example_frame_count(s); i++) {
        od_example e = {0};
        od_error why = {0};
        int inside = i >= 0 && i < od_sequence_example_frame_count(s);
        if (inside) (void)od_sequence_example_is_annotated(s, i);
        od_status status = od_sequence_example_read(s, i, &e, &why);
        if ((status == OD_OK && (!inside || !e.encoded_size)) || (status != OD_OK && !why.message[0])) abort();
        od_example_deinit(&e);
    }
    od_sequence_example_free(s);
    return 0;
}
