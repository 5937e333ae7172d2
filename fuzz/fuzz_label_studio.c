/* SPDX-License-Identifier: Apache-2.0
 *
 * Label Studio's exports: what the scan finds lies in the file; what is read has names and finite boxes.
 */
#include "data/label_studio.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_task_index index = {0};
    od_error err = {0};
    od_status status = od_label_studio_scan(&index, (const char *)data, size, "fuzz.json", &err);
    if (status != OD_OK && !err.message[0]) abort();
    for (size_t i = 0; status == OD_OK && i < index.count; i++) {
        od_example e = {0};
        if (index.tasks[i].offset < 0 || index.tasks[i].offset + index.tasks[i].size > (int64_t)size) abort();
        od_status read = od_label_studio_read(&index, i, (const char *)data, "fuzz.json", 1, &e, &err);
        if (read == OD_OK && (!e.filename || !e.source_id || e.width < 0 || e.height < 0)) abort();
        for (int k = 0; read == OD_OK && k < e.object_count; k++)
            if (!e.objects[k].class_text || isnan(e.objects[k].box[0])) abort();
        od_example_deinit(&e);
    }
    od_task_index_deinit(&index);
    return 0;
}
