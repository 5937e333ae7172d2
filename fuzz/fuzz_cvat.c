/* SPDX-License-Identifier: Apache-2.0
 *
 * CVAT's XML: what the scan finds lies in the file; what is read has classes and sizes.
 */
#include "data/cvat_xml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_cvat_index index = {0};
    od_error err = {0};
    od_status status = od_cvat_scan(&index, (const char *)data, size, "fuzz.xml", NULL, &err);
    if (status != OD_OK && !err.message[0]) abort();
    for (size_t i = 0; status == OD_OK && i < index.count; i++) {
        od_example e = {0};
        if (index.images[i].offset < 0 || index.images[i].offset + index.images[i].size > (int64_t)size) abort();
        od_status read = od_cvat_read(&index, i, (const char *)data, "fuzz.xml", 1, &e, &err);
        if (read == OD_OK && (!e.filename || e.width < 1 || e.height < 1)) abort();
        for (int k = 0; read == OD_OK && k < e.object_count; k++)
            if (!e.objects[k].class_text || !e.objects[k].class_text[0]) abort();
        od_example_deinit(&e);
    }
    od_cvat_index_deinit(&index);
    return 0;
}
