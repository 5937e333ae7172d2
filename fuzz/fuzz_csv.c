/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV files.
 */
#include "fuzz_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_dataset("csv", data, size);
}
