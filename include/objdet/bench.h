/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast a config's network trains and runs on this machine.
 */
#ifndef OBJDET_BENCH_H
#define OBJDET_BENCH_H

#include "objdet/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_bench_options {
    const char *pipeline_config_path;
    int training;       /* 1: training steps; 0: forward passes */
    int64_t batch_size; /* 0: training: the config's; inference: 1 */
    int64_t steps;      /* timed, after two that aren't; 0: 20 */
    int height, width;  /* 0: the config's image_resizer */
    int num_threads;    /* 0: one a processor */
    int with_ops;       /* also time each op (adds a little to the others) */
} od_bench_options;

od_bench_options od_bench_options_default(void);

/* Seconds of one kind of work. */
typedef struct od_bench_time {
    double median, min; /* NaN: not measured */
} od_bench_time;

typedef struct od_bench_op {
    char name[32];  /* "conv2d" */
    int nodes;
    double forward_seconds, backward_seconds; /* of one step */
    double gflops;                            /* of one forward pass */
} od_bench_op;

enum { OD_BENCH_MAX_OPS = 24 };

typedef struct od_bench_result {
    od_bench_time step;            /* the batch is ready: forward, losses, backward, update; inference: forward to raw predictions */
    od_bench_time step_with_input; /* with the config's data read, augmented and batched; inference: with post-processing */
    double images_per_second;      /* batch / step.median */
    double startup_seconds;        /* from the process's start to the end of the first step */
    int64_t peak_rss_bytes;
    int64_t batch_size;
    int height, width, num_threads;
    double gflops; /* multiplications and additions of a forward pass */
    int op_count;
    od_bench_op ops[OD_BENCH_MAX_OPS];
} od_bench_result;

/* Random images and boxes; the config's data only for step_with_input of training (NaN when they don't exist). */
od_status od_bench_run(const od_bench_options *options, od_bench_result *out, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
