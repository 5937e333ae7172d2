/* SPDX-License-Identifier: Apache-2.0
 *
 * VOC annotation files; what parses has complete objects.
 */
#include "data/voc_xml.h"
#include "util/alloc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_example e = {0};
    od_error err = {0};
    double (*pixels)[4];
    od_status status = od_voc_xml_parse((const char *)data, size, "fuzz.xml", "patient,subject", &e, &pixels, &err);
    if (status != OD_OK && !err.message[0]) abort();
    if (status == OD_OK && (!e.filename || !e.source_id || e.width < 0 || e.height < 0)) abort();
    for (int i = 0; status == OD_OK && i < e.object_count; i++)
        if (!e.objects[i].class_text || !e.objects[i].class_text[0]) abort();
    if (status == OD_OK && e.object_count && !pixels) abort();
    od_free(pixels);
    od_example_deinit(&e);
    return 0;
}
