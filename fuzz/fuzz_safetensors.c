/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors files from memory; reads every byte of every tensor.
 */
#include "checkpoint/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keeps the reads alive. */
static volatile unsigned sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    od_safetensors *st;
    od_error err;
    if (od_safetensors_parse(&st, "fuzz", data, size, &err) != OD_OK) return 0;
    unsigned sum = 0;
    size_t total = 0;
    for (size_t i = 0; i < od_safetensors_count(st); i++) {
        const od_safetensors_entry *e = od_safetensors_at(st, i);
        if (od_safetensors_find(st, e->name) != e) abort();
        for (size_t j = 0; j < e->bytes; j++) sum += ((const uint8_t *)e->data)[j];
        total += e->bytes;
    }
    if (total > size) abort();
    sink = sum;
    od_safetensors_close(st);
    return 0;
}
