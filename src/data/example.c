/* SPDX-License-Identifier: Apache-2.0 */
#include "data/example.h"

#include "util/alloc.h"

void od_example_deinit(od_example *e)
{
    od_free(e->source_id);
    od_free(e->filename);
    od_free(e->encoded);
    od_free(e->pixels);
    od_free(e->objects);
    *e = (od_example){0};
}
