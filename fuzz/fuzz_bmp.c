/* SPDX-License-Identifier: Apache-2.0 */
#include "image_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_decode(data, size, "BM", 2, 0);
    return 0;
}
