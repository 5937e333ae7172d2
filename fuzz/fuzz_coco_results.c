/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO results of any content against a small ground truth: refused or evaluated, and then within 0..1 or -1.
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

static od_coco_eval *make_truth(void)
{
    od_coco_eval *e;
    const double box[4] = {10, 10, 50, 50};
    if (od_coco_eval_create(&e, NULL) || od_coco_eval_add_class(e, 3, "cat", NULL) ||
        od_coco_eval_add_image(e, 7, "a/x.jpg", NULL, NULL) || od_coco_eval_add_image(e, 9, "0012.png", NULL, NULL) ||
        od_coco_eval_add_truth(e, 0, 0, box, -1, 0, NULL) || od_coco_eval_add_truth(e, 1, 0, box, -1, 1, NULL))
        abort();
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("results", 0);
    char path[64];
    if (fd < 0 || od_file_write_fd(fd, data, size)) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    od_coco_eval *e = make_truth();
    od_error err = {0};
    od_coco_load_options options = od_coco_load_options_default();
    options.num_threads = 2;
    if (od_coco_eval_load_detections(e, path, &options, &err) == OD_OK) {
        if (od_coco_eval_run(e, 1, &err) != OD_OK) abort();
        const double *stats = od_coco_eval_stats(e);
        for (int i = 0; i < OD_COCO_NUM_STATS; i++)
            if (!((stats[i] >= 0 && stats[i] <= 1) || stats[i] == -1)) abort();
    } else if (!err.message[0]) {
        abort();
    }
    od_coco_eval_free(e);
    close(fd);
    return 0;
}
