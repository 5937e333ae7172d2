/* SPDX-License-Identifier: Apache-2.0
 *
 * Event files from bytes. A mutated file rarely passes its CRCs, so that the input is read twice: as a file, and as the
 * payload of one record with right CRCs.
 */
#include "events/event_store.h"
#include "util/alloc.h"
#include "util/record.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const uint8_t *data, size_t size)
{
    od_events *e = od_calloc(1, sizeof *e);
    if (!e) return;
    e->flags = OD_EVENTS_WITH_IMAGES;
    if (od_events_parse(e, "fuzz", data, size, NULL) == OD_OK && !od_event_store_finish(e))
        for (size_t i = 0; i < od_events_series_count(e); i++)
            if (!od_events_find(e, od_events_series_at(e, i)->tag)) __builtin_trap();
    od_events_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_strbuf framed = {0};
    read_all(data, size);
    od_record_append(&framed, data, size);
    if (!od_strbuf_failed(&framed)) read_all((const uint8_t *)framed.data, framed.size);
    od_strbuf_deinit(&framed);
    return 0;
}
