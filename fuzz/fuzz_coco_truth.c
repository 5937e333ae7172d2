/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO ground truth of any content: refused or evaluated without detections.
 */
#define _GNU_SOURCE /* memfd_create */
#include "objdet/eval.h"
#include "util/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("truth", 0);
    char path[64];
    if (fd < 0 || od_file_write_fd(fd, data, size)) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    od_coco_eval *e;
    if (od_coco_eval_create(&e, NULL)) abort();
    od_error err = {0};
    od_coco_load_options options = od_coco_load_options_default();
    options.num_threads = 2;
    if (size % 3 == 1) options.group_by = "id";
    if (size % 3 == 2) options.group_regex = "^(.)";
    if (od_coco_eval_load_truth(e, path, &options, &err) == OD_OK) {
        if (od_coco_eval_run(e, 1, &err) != OD_OK) abort();
        const double *stats = od_coco_eval_stats(e);
        for (int i = 0; i < OD_COCO_NUM_STATS; i++)
            if (stats[i] != 0 && stats[i] != -1) abort();
    } else if (!err.message[0]) {
        abort();
    }
    od_coco_eval_free(e);
    close(fd);
    return 0;
}
