/* SPDX-License-Identifier: Apache-2.0
 *
 * The `checkpoint` file of a model_dir; what parses must come back the same after writing it.
 */
#include "checkpoint/checkpoint_state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const od_checkpoint_state *a, const od_checkpoint_state *b)
{
    if (strcmp(a->newest, b->newest) || a->path_count != b->path_count || a->time_count != b->time_count) abort();
    for (size_t i = 0; i < a->path_count; i++)
        if (strcmp(a->paths[i], b->paths[i])) abort();
    for (size_t i = 0; i < a->time_count; i++)
        if (a->times[i] != b->times[i]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_checkpoint_state first, second;
    od_strbuf text = {0};
    od_error err;
    if (od_checkpoint_state_parse(&first, "fuzz", (const char *)data, size, &err) != OD_OK) return 0;
    od_checkpoint_state_format(&first, &text);
    if (od_strbuf_failed(&text) || od_checkpoint_state_parse(&second, "again", text.data, text.size, &err) != OD_OK) abort();
    check_same(&first, &second);
    od_checkpoint_state_deinit(&first);
    od_checkpoint_state_deinit(&second);
    od_strbuf_deinit(&text);
    return 0;
}
