/* SPDX-License-Identifier: Apache-2.0
 *
 * YOLO's data.yaml.
 */
#include "data/data_yaml.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_data_yaml yaml = {0};
    od_error err = {0};
    od_status status = od_data_yaml_parse(&yaml, (const char *)data, size, "fuzz.yaml", &err);
    if (status != OD_OK && !err.message[0]) abort();
    if (status == OD_OK && yaml.name_count < 1) abort();
    od_data_yaml_deinit(&yaml);
    return 0;
}
