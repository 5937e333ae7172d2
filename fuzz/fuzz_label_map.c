/* SPDX-License-Identifier: Apache-2.0
 *
 * Label maps: read, looked up, written and read again.
 */
#include "config/label_map.h"
#include "util/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_label_map *map = NULL, *again = NULL;
    od_error err = {0};
    if (od_label_map_parse((const char *)data, size, "fuzz", &map, &err) != OD_OK) {
        if (!err.message[0]) abort();
        return 0;
    }
    char *text = NULL;
    size_t length = 0;
    if (od_label_map_format(map, &text, &length, &err) != OD_OK) abort();
    if (od_label_map_parse(text, length, "again", &again, &err) != OD_OK) abort();
    if (od_label_map_count(map) != od_label_map_count(again)) abort();
    for (int i = 0; i < od_label_map_count(map); i++) {
        int32_t id = od_label_map_id(map, i);
        const char *name = od_label_map_name(map, id);
        if (strcmp(name, od_label_map_name(again, id)) || od_label_map_find(map, name) != od_label_map_find(again, name)) abort();
    }
    od_free(text);
    od_label_map_free(map);
    od_label_map_free(again);
    return 0;
}
