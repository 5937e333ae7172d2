/* SPDX-License-Identifier: Apache-2.0
 *
 * tf.Example messages; what parses must come back from its own serialisation.
 */
#include "data/tf_example.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_example e = {0}, again = {0};
    od_error err = {0};
    od_strbuf bytes = {0};
    od_status status = od_tf_example_parse(data, size, &e, &err);
    if (status != OD_OK && !err.message[0]) abort();
    if (status == OD_OK) {
        if (od_tf_example_format(&e, &bytes, &err) != OD_OK) abort();
        if (od_tf_example_parse((const uint8_t *)bytes.data, bytes.size, &again, &err) != OD_OK) abort();
        if (again.object_count != e.object_count || again.width != e.width || again.encoded_size != e.encoded_size) abort();
        for (int i = 0; i < e.object_count; i++) {
            if (memcmp(again.objects[i].box, e.objects[i].box, sizeof e.objects[i].box)) abort();
            if (again.objects[i].label != e.objects[i].label || again.objects[i].flags != e.objects[i].flags) abort();
        }
    }
    od_strbuf_deinit(&bytes);
    od_example_deinit(&e);
    od_example_deinit(&again);
    return 0;
}
