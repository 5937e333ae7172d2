/* SPDX-License-Identifier: Apache-2.0
 *
 * operating_point.json of any content: refused with a message, or a threshold and probabilities within 0..1.
 */
#define _GNU_SOURCE /* memfd_create */
#include "objdet/operating_point.h"
#include "util/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const od_operating_file *f)
{
    double threshold = od_operating_file_threshold(f);
    const od_calibrator *c = od_operating_file_calibrator(f);
    double own = od_operating_file_class_threshold(f, "a");
    if (!(own >= 0 && own <= 1) || od_operating_file_num_class_thresholds(f) < 0) abort();
    if (!(threshold >= 0 && threshold <= 1) || !od_operating_file_reason(f) || !od_operating_file_fit_gt(f)) abort();
    for (int i = 0; c && i <= 20; i++) {
        double p = od_calibrator_apply(c, "a", i / 20.);
        if (!(p >= 0 && p <= 1)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("operating_point", 0);
    char path[64];
    if (fd < 0 || od_file_write_fd(fd, data, size)) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    od_operating_file *f = NULL;
    od_error err = {0};
    if (od_operating_file_load(&f, path, &err) == OD_OK)
        check(f);
    else if (!err.message[0])
        abort();
    od_operating_file_free(f);
    close(fd);
    return 0;
}
