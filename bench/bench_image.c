/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_image FILE [SIZE]: milliseconds to decode one image file, to resize and normalise it to SIZE x SIZE (320) and
 * both, on one core: the best of several rounds.
 */
#include "image/image.h"
#include "image/resize.h"
#include "util/alloc.h"
#include "util/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

typedef struct job {
    od_file_view file;
    od_image image;
    od_normalization normalization;
    od_resize_params params;
    float *out;
} job;

static void decode(job *j)
{
    od_image_deinit(&j->image);
    if (od_image_decode(j->file.data, j->file.size, &j->image, NULL) != OD_OK) exit(1);
}

static void resize(job *j)
{
    od_image_view view = od_image_view_of(&j->image);
    if (od_image_resize(&view, &j->params, j->out, (ptrdiff_t)j->params.width * 3, NULL) != OD_OK) exit(1);
}

static void both(job *j)
{
    decode(j);
    resize(j);
}

static void measure(const char *name, void (*run)(job *), job *j)
{
    enum { ROUNDS = 7, REPEATS = 30 };
    double best = 1e30;
    for (int r = 0; r < ROUNDS; r++) {
        double start = now_ms();
        for (int i = 0; i < REPEATS; i++) run(j);
        double ms = (now_ms() - start) / REPEATS;
        if (ms < best) best = ms;
    }
    printf("%-18s %7.3f ms  %7.0f images/s\n", name, best, 1e3 / best);
}

int main(int argc, char **argv)
{
    job j = {0};
    od_error err = {0};
    int size = argc > 2 ? atoi(argv[2]) : 320;
    if (argc < 2 || size <= 0 || od_file_view_open(&j.file, argv[1], &err) != OD_OK ||
        od_image_decode(j.file.data, j.file.size, &j.image, &err) != OD_OK) {
        fprintf(stderr, "bench_image FILE [SIZE]: %s\n", err.message);
        return 2;
    }
    od_normalization_add(&j.normalization, OD_NORMALIZE_MULTIPLY, 2 / 255.f, 2 / 255.f, 2 / 255.f);
    od_normalization_add(&j.normalization, OD_NORMALIZE_SUBTRACT, 1, 1, 1);
    j.params = (od_resize_params){OD_RESIZE_BILINEAR, 0, size, size, &j.normalization, NULL};
    j.out = od_aligned_malloc((size_t)size * (size_t)size, 3 * sizeof *j.out);
    if (!j.out) return 1;
    printf("%d x %d -> %d x %d\n", j.image.width, j.image.height, size, size);
    measure("decode", decode, &j);
    measure("resize, normalise", resize, &j);
    measure("both", both, &j);
    od_image_deinit(&j.image);
    od_aligned_free(j.out);
    od_file_view_close(&j.file);
    return 0;
}
