/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO annotation files; in what loads, every annotation belongs to its image.
 */
#include "data/coco_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_coco_json c = {.want_segments = 1};
    od_error err = {0};
    od_status status = od_coco_json_parse(&c, (const char *)data, size, "fuzz.json", &err);
    if (status != OD_OK && !err.message[0]) abort();
    size_t linked = 0;
    for (size_t i = 0; status == OD_OK && i < c.image_count; i++) {
        const od_coco_image *image = &c.images[i];
        if (!image->file_name || image->width < 0 || image->height < 0) abort();
        for (size_t k = 0; k < image->count; k++)
            if (c.annotations[image->first + k].image_id != image->id) abort();
        linked += image->count;
    }
    for (size_t i = 0; status == OD_OK && i < c.annotation_count; i++) {
        od_coco_span span = c.segments[c.annotations[i].number];
        if (!span.size) continue;
        if (span.at + span.size > size || !strchr("[{", data[span.at]) || !strchr("]}", data[span.at + span.size - 1])) abort();
    }
    if (status == OD_OK && linked != c.annotation_count) abort();
    for (size_t i = 0; status == OD_OK && i < c.category_count; i++)
        if (od_coco_json_category(&c, c.categories[i].id) != &c.categories[i]) abort();
    od_coco_json_deinit(&c);
    return 0;
}
