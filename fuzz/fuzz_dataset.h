/* SPDX-License-Identifier: Apache-2.0
 *
 * For formats that are one text file: opened as a data set, whose images are never there.
 */
#ifndef OD_FUZZ_DATASET_H
#define OD_FUZZ_DATASET_H

#include "data/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline int fuzz_dataset(const char *format, const uint8_t *data, size_t size)
{
    static char path[64];
    snprintf(path, sizeof path, "/dev/shm/fuzz_%s.%ld", format, (long)getpid());
    FILE *f = fopen(path, "wb");
    if (!f) return 0;
    int ok = fwrite(data, 1, size, f) == size;
    if (fclose(f) || !ok) return 0;
    const char *paths[] = {path};
    od_dataset *ds = NULL;
    od_error err = {0};
    od_status status = od_dataset_open(&ds, paths, 1, &(od_dataset_options){.format = format, .image_dir = "/dev/shm/none"}, &err);
    if (status != OD_OK && !err.message[0]) abort();
    for (int64_t i = 0; status == OD_OK && i < od_dataset_size(ds) && i < 50; i++) {
        od_example e = {0};
        if (od_dataset_read(ds, i, &e, &err) == OD_OK || !err.message[0]) abort();
        od_example_deinit(&e);
    }
    od_dataset_free(ds);
    unlink(path);
    return 0;
}

#endif
