/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/bench.h"

#include "data/loader.h"
#include "train/optimizer.h"
#include "train/run_setup.h"
#include "util/alloc.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { WARM_UP = 2, BOXES = 3 };

od_bench_options od_bench_options_default(void)
{
    return (od_bench_options){.training = 1, .steps = 20};
}

typedef struct bench {
    const od_bench_options *o;
    od_run_setup setup;
    od_optimizer optimizer;
    od_instance *inst;
    int64_t batch, step;
    int height, width, threads;
    float *images;
    od_groundtruth *truth;
    float boxes[BOXES * 4];
    int32_t classes[BOXES];
    int32_t (*true_shapes)[3];
    od_detections found;
    double *times;
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds since this process was started: field 22 of /proc/self/stat (clock ticks after boot), the 20th after the name. */
static double seconds_since_start(void)
{
    char line[1024];
    FILE *f = fopen("/proc/self/stat", "r");
    if (!f) return NAN;
    size_t n = fread(line, 1, sizeof line - 1, f);
    fclose(f);
    line[n] = 0;
    char *p = strrchr(line, ')');
    for (int field = 2; p && field < 22; field++) p = strchr(p + 1, ' ');
    if (!p) return NAN;
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec - strtod(p, NULL) / (double)sysconf(_SC_CLK_TCK);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static od_bench_time summarise(double *times, int64_t n)
{
    qsort(times, (size_t)n, sizeof *times, by_value);
    return (od_bench_time){n % 2 ? times[n / 2] : (times[n / 2 - 1] + times[n / 2]) / 2, times[0]};
}

static od_status find_size(bench *b, od_error *err)
{
    b->height = b->o->height;
    b->width = b->o->width;
    if (b->height && b->width) return OD_OK;
    if (od_preprocess_fixed_shape(&b->setup.preprocess, &b->height, &b->width)) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "this config's images have no fixed size: give --height and --width");
}

static od_status make_input(bench *b, od_error *err)
{
    size_t floats = (size_t)b->batch * (size_t)b->height * (size_t)b->width * 3;
    b->images = od_aligned_malloc(floats, sizeof *b->images);
    b->truth = od_calloc((size_t)b->batch, sizeof *b->truth);
    b->true_shapes = od_calloc((size_t)b->batch, sizeof *b->true_shapes);
    b->times = od_calloc((size_t)b->o->steps + 1, sizeof *b->times);
    if (!b->images || !b->truth || !b->true_shapes || !b->times) return od_error_nomem(err, "the benchmark's input");
    od_rng rng;
    od_rng_init(&rng, 1, 0);
    for (size_t i = 0; i < floats; i++) b->images[i] = od_rng_uniform_range(&rng, -1, 1);
    static const float boxes[] = {.1f, .15f, .55f, .6f, .4f, .3f, .95f, .9f, .62f, .05f, .8f, .3f};
    memcpy(b->boxes, boxes, sizeof boxes);
    for (int64_t i = 0; i < b->batch; i++) {
        b->truth[i] = (od_groundtruth){b->boxes, b->classes, NULL, BOXES};
        b->true_shapes[i][0] = b->height;
        b->true_shapes[i][1] = b->width;
    }
    return OD_OK;
}

static od_status open_bench(bench *b, od_error *err)
{
    OD_TRY(od_run_setup_init(&b->setup, b->o->pipeline_config_path, b->o->training ? OD_USE_TRAIN : OD_USE_PREDICT, err));
    OD_TRY(find_size(b, err));
    const ObjectDetection__Protos__TrainConfig *t = b->setup.proto->train_config;
    b->batch = b->o->batch_size > 0 ? b->o->batch_size : b->o->training && t ? (int64_t)t->batch_size : 1;
    if (b->batch < 1) b->batch = 1;
    od_variables_initialize(od_model_variables(b->setup.model), 1);
    if (b->o->training) OD_TRY(od_optimizer_init(&b->optimizer, b->setup.config, b->threads, err));
    OD_TRY(make_input(b, err));
    od_net_options options = {.threads = b->threads, .profile = b->o->with_ops};
    return od_instance_create(&b->inst, b->setup.model, b->o->training ? OD_NET_TRAIN : OD_NET_INFER, b->batch, b->height, b->width, &options, err);
}

static void close_bench(bench *b)
{
    od_instance_free(b->inst);
    od_aligned_free(b->images);
    od_free(b->truth);
    od_free(b->true_shapes);
    od_free(b->times);
    od_detections_deinit(&b->found);
    od_run_setup_deinit(&b->setup);
}

static od_status train_step(bench *b, const float *images, const od_groundtruth *truth, od_error *err)
{
    od_losses losses;
    od_instance_forward(b->inst, images);
    OD_TRY(od_instance_loss(b->inst, truth, &losses, err));
    od_instance_backward(b->inst);
    od_optimizer_step(&b->optimizer, od_model_variables(b->setup.model), b->step++);
    return OD_OK;
}

static od_status one_step(bench *b, int with_detection, od_error *err)
{
    if (b->o->training) return train_step(b, b->images, b->truth, err);
    od_instance_forward(b->inst, b->images);
    return with_detection ? od_instance_detect(b->inst, (const int32_t(*)[3])b->true_shapes, &b->found, err) : OD_OK;
}

static od_status time_steps(bench *b, int with_detection, od_bench_time *out, od_error *err)
{
    for (int64_t i = -WARM_UP; i < b->o->steps; i++) {
        double start = now();
        OD_TRY(one_step(b, with_detection, err));
        if (i >= 0) b->times[i] = now() - start;
    }
    *out = summarise(b->times, b->o->steps);
    return OD_OK;
}

static void batch_truth(bench *b, const od_batch *batch)
{
    for (int i = 0; i < batch->count; i++) {
        int64_t at = (int64_t)i * batch->max_boxes;
        b->truth[i] = (od_groundtruth){batch->boxes + 4 * at, batch->classes + at, batch->weights + at, batch->box_counts[i]};
    }
}

static od_status time_loader(bench *b, od_loader *loader, od_bench_time *out, od_error *err)
{
    for (int64_t i = -WARM_UP; i < b->o->steps; i++) {
        const od_batch *batch;
        double start = now();
        OD_TRY(od_loader_next(loader, &batch, err));
        if (batch->height != b->height || batch->width != b->width) return od_error_set(err, OD_ERR_MISMATCH, "the data's images have another size");
        batch_truth(b, batch);
        OD_TRY(train_step(b, batch->images, b->truth, err));
        if (i >= 0) b->times[i] = now() - start;
    }
    *out = summarise(b->times, b->o->steps);
    return OD_OK;
}

/* Training steps on the config's own data; NaN stays when there are none. */
static void time_with_input(bench *b, od_bench_time *out)
{
    od_run_input in;
    od_run_input_options none = {0};
    od_loader *loader = NULL;
    od_augmenter *augmenter = NULL;
    od_error ignored;
    od_status status = od_run_input_open(&in, &b->setup, b->setup.proto->train_input_reader, "train_input_reader", &none, &ignored);
    if (status == OD_OK) status = od_augmenter_create(&augmenter, b->setup.config, &ignored);
    od_loader_options options = od_loader_options_training(&b->setup.preprocess, (int)b->batch);
    options.augmenter = augmenter;
    options.max_boxes = in.max_boxes;
    options.num_classes = od_model_num_classes(b->setup.model);
    if (status == OD_OK) status = od_loader_create(&loader, in.dataset, &options, &ignored);
    if (status == OD_OK && time_loader(b, loader, out, &ignored) != OD_OK) *out = (od_bench_time){NAN, NAN};
    od_loader_free(loader);
    od_augmenter_free(augmenter);
    od_run_input_deinit(&in);
}

static od_bench_op *find_op(od_bench_result *r, const char *name)
{
    for (int i = 0; i < r->op_count; i++)
        if (!strcmp(r->ops[i].name, name)) return &r->ops[i];
    if (r->op_count == OD_BENCH_MAX_OPS) return NULL;
    od_bench_op *op = &r->ops[r->op_count++];
    *op = (od_bench_op){0};
    snprintf(op->name, sizeof op->name, "%s", name);
    return op;
}

static void collect_ops(bench *b, od_bench_result *r, int64_t runs)
{
    const od_graph *g = od_instance_graph(b->inst);
    const od_net *net = od_instance_net(b->inst);
    for (size_t i = 0; i < g->node_count; i++) {
        const od_op *op = g->nodes[i].op;
        double gflops = op->flops ? op->flops(g, &g->nodes[i]) * 1e-9 : 0;
        r->gflops += gflops;
        od_bench_op *row = b->o->with_ops ? find_op(r, op->name) : NULL;
        if (!row) continue;
        row->nodes++;
        row->gflops += gflops;
        row->forward_seconds += net->forward_seconds[i] / (double)runs;
        row->backward_seconds += net->backward_seconds[i] / (double)runs;
    }
}

static od_status run_bench(bench *b, od_bench_result *r, od_error *err)
{
    OD_TRY(open_bench(b, err));
    OD_TRY(one_step(b, 0, err));
    r->startup_seconds = seconds_since_start();
    OD_TRY(time_steps(b, 0, &r->step, err));
    collect_ops(b, r, b->o->steps + WARM_UP + 1);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    r->peak_rss_bytes = (int64_t)usage.ru_maxrss * 1024;
    r->step_with_input = (od_bench_time){NAN, NAN};
    if (b->o->training)
        time_with_input(b, &r->step_with_input);
    else
        OD_TRY(time_steps(b, 1, &r->step_with_input, err));
    r->batch_size = b->batch;
    r->height = b->height;
    r->width = b->width;
    r->num_threads = b->threads;
    r->images_per_second = (double)b->batch / r->step.median;
    return OD_OK;
}

od_status od_bench_run(const od_bench_options *options, od_bench_result *out, od_error *err)
{
    od_bench_options o = *options;
    if (o.steps < 1) o.steps = 20;
    bench b = {.o = &o, .threads = o.num_threads > 0 ? o.num_threads : omp_get_num_procs()};
    *out = (od_bench_result){0};
    od_status status = run_bench(&b, out, err);
    close_bench(&b);
    return status;
}
