/* SPDX-License-Identifier: Apache-2.0
 *
 * YOLO label files; what parses has classes within the names and finite boxes.
 */
#include "data/yolo_labels.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int keypoints = 0; keypoints < 2; keypoints++) {
        od_example e = {0};
        od_error err = {0};
        od_status status = od_yolo_labels_parse((const char *)data, size, "fuzz.txt", 80, keypoints, &e, &err);
        if (status != OD_OK && !err.message[0]) abort();
        for (int i = 0; status == OD_OK && i < e.object_count; i++) {
            if (e.objects[i].label < 1 || e.objects[i].label > 80) abort();
            for (int k = 0; k < 4; k++)
                if (!isfinite(e.objects[i].box[k])) abort();
        }
        od_example_deinit(&e);
    }
    return 0;
}
