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
    int height, width;  /* each 0: the config's image_resizer's */
    int num_threads;    /* 0: one a processor */
    int with_ops;       /* also time each op (adds a little to the others) */
} od_bench_options;

od_bench_options od_bench_options_default(void);

/* Seconds of one kind of work. */
typedef struct od_bench_time {
    double median, min; /* NaN: not measured */
} od_bench_time;

/* A kind of op, or one node of the network. Seconds are of one step, inference at batch_size. */
typedef struct od_bench_op {
    char name[128]; /* "conv2d"; of a node: its label */
    char kind[32];  /* of a node: its op */
    int nodes;
    double forward_seconds, backward_seconds;
    double gflops;  /* of a step, see od_bench_result */
} od_bench_op;

enum { OD_BENCH_MAX_OPS = 24, OD_BENCH_SLOWEST = 10 };

typedef struct od_bench_result {
    int training;
    od_bench_time step;             /* the batch is ready. Training: forward, losses, backward, update; inference: preprocessed images to raw predictions */
    od_bench_time step_with_input;  /* training: the config's data are read, augmented and batched as well */
    od_bench_time with_postprocessing;           /* inference: to detections */
    od_bench_time single, single_with_postprocessing; /* inference: the same with one image */
    double images_per_second;       /* batch_size / step.median */
    double startup_seconds;         /* from the process's start to the end of the first step; NaN: /proc can't be read */
    int64_t peak_rss_bytes;         /* most memory the process had resident up to the end of `step` */
    int64_t batch_size;
    int height, width, num_threads;
    double gflops;                  /* multiplications and additions of a step; a convolution's backward pass counts once for
                                       the gradient of its weights and once for that of its input, where they are needed */
    double gflops_per_second;       /* gflops / step.median */
    double loss_seconds, update_seconds; /* training: losses with their gradients; the optimiser. Means over the steps */
    int op_count;                   /* 0: not asked for */
    od_bench_op ops[OD_BENCH_MAX_OPS];     /* slowest first */
    int slowest_count;
    od_bench_op slowest[OD_BENCH_SLOWEST]; /* nodes */
    char input_problem[256];        /* why step_with_input of training is NaN, else "" */
} od_bench_result;

/* Random images and boxes; the config's data only for step_with_input. OD_ERR_ARG for sizes below 1 or too large, and when
 * the config's images have no fixed size and none is given. */
od_status od_bench_run(const od_bench_options *options, od_bench_result *out, od_error *err);

/* Writes the figures as one JSON object; null for what was not measured. */
od_status od_bench_write_json(const od_bench_result *result, const char *path, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
