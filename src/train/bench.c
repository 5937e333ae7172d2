/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/bench.h"

#include "data/loader.h"
#include "train/batch_truth.h"
#include "train/bench_profile.h"
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

enum { WARM_UP = 2, BOXES = 3, MAX_SIDE = 32768, MAX_BATCH = 65536, MAX_STEPS = 1000000 };

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
    float *boxes;     /* [batch, BOXES, 4] */
    int32_t *classes; /* [batch, BOXES] */
    int32_t (*true_shapes)[3];
    od_detections found;
    double *times;
    double loss_seconds, update_seconds; /* summed since the warm-up */
} bench;

static const od_bench_time unmeasured = {NAN, NAN};

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

/* The most memory that was resident since the program was loaded: VmHWM. getrusage's ru_maxrss, taken where /proc is missing,
 * also counts what a parent process had when it forked. */
static int64_t peak_rss(void)
{
    char line[256];
    long long kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && !kilobytes && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmHWM:", 6)) kilobytes = strtoll(line + 6, NULL, 10);
    if (f) fclose(f);
    if (kilobytes > 0) return (int64_t)kilobytes * 1024;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

static od_status check_range(const char *name, int64_t value, int64_t limit, od_error *err)
{
    if (value >= 0 && value <= limit) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "%s is %lld; expected 1 to %lld", name, (long long)value, (long long)limit);
}

static od_status check_options(const od_bench_options *o, od_error *err)
{
    OD_TRY(check_range("batch_size", o->batch_size, MAX_BATCH, err));
    OD_TRY(check_range("steps", o->steps, MAX_STEPS, err));
    OD_TRY(check_range("height", o->height, MAX_SIDE, err));
    OD_TRY(check_range("width", o->width, MAX_SIDE, err));
    return check_range("num_threads", o->num_threads, 4096, err);
}

static od_status find_size(bench *b, od_error *err)
{
    int height = 0, width = 0;
    od_preprocess_fixed_shape(&b->setup.preprocess, &height, &width);
    b->height = b->o->height ? b->o->height : height;
    b->width = b->o->width ? b->o->width : width;
    if (b->height > 0 && b->width > 0) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "this config's images have no fixed size: give --height and --width");
}

/* Boxes of .1 to .6 of the image's sides, all inside. */
static void make_boxes(bench *b, od_rng *rng)
{
    int classes = od_model_num_classes(b->setup.model);
    for (int64_t i = 0; i < b->batch * BOXES; i++) {
        float height = od_rng_uniform_range(rng, .1f, .6f), width = od_rng_uniform_range(rng, .1f, .6f);
        float y = od_rng_uniform_range(rng, 0, 1 - height), x = od_rng_uniform_range(rng, 0, 1 - width);
        memcpy(b->boxes + 4 * i, (float[]){y, x, y + height, x + width}, 4 * sizeof(float));
        b->classes[i] = (int32_t)od_rng_int(rng, 0, classes);
    }
}

static od_status make_input(bench *b, od_error *err)
{
    size_t n = (size_t)b->batch, floats = n * (size_t)b->height * (size_t)b->width * 3;
    b->images = od_aligned_malloc(floats, sizeof *b->images);
    b->truth = od_calloc(n, sizeof *b->truth);
    b->boxes = od_calloc(n * BOXES, 4 * sizeof *b->boxes);
    b->classes = od_calloc(n * BOXES, sizeof *b->classes);
    b->true_shapes = od_calloc(n, sizeof *b->true_shapes);
    b->times = od_calloc((size_t)b->o->steps, sizeof *b->times);
    if (!b->images || !b->truth || !b->boxes || !b->classes || !b->true_shapes || !b->times) return od_error_nomem(err, "the benchmark's input");
    od_rng rng;
    od_rng_init(&rng, 1, 0);
    for (size_t i = 0; i < floats; i++) b->images[i] = od_rng_uniform_range(&rng, -1, 1);
    make_boxes(b, &rng);
    for (int64_t i = 0; i < b->batch; i++) {
        b->true_shapes[i][0] = b->height;
        b->true_shapes[i][1] = b->width;
        b->true_shapes[i][2] = 3;
    }
    return OD_OK;
}

static void random_truth(bench *b)
{
    for (int64_t i = 0; i < b->batch; i++) b->truth[i] = (od_groundtruth){.boxes = b->boxes + 4 * BOXES * i, .classes = b->classes + BOXES * i, .count = BOXES};
}

static od_status make_instance(bench *b, int64_t batch, od_error *err)
{
    od_net_options options = {.threads = b->threads, .profile = b->o->with_ops};
    od_instance_free(b->inst);
    b->inst = NULL;
    return od_instance_create(&b->inst, b->setup.model, b->o->training ? OD_NET_TRAIN : OD_NET_INFER, batch, b->height, b->width, &options, err);
}

static od_status open_bench(bench *b, od_error *err)
{
    OD_TRY(od_run_setup_init(&b->setup, b->o->pipeline_config_path, b->o->training ? OD_USE_TRAIN : OD_USE_PREDICT, err));
    OD_TRY(find_size(b, err));
    const ObjectDetection__Protos__TrainConfig *t = b->setup.proto->train_config;
    b->batch = b->o->batch_size > 0 ? b->o->batch_size : b->o->training && t ? (int64_t)t->batch_size : 1;
    if (b->batch < 1) b->batch = 1;
    od_variables_initialize(od_model_variables(b->setup.model), 1, b->threads);
    if (b->o->training) {
        OD_TRY(od_optimizer_init(&b->optimizer, b->setup.config, b->threads, err));
        OD_TRY(od_optimizer_allocate(&b->optimizer, od_model_variables(b->setup.model), err));
    }
    OD_TRY(make_instance(b, b->batch, err));
    return make_input(b, err);
}

static void close_bench(bench *b)
{
    od_instance_free(b->inst);
    od_aligned_free(b->images);
    od_free(b->truth);
    od_free(b->boxes);
    od_free(b->classes);
    od_free(b->true_shapes);
    od_free(b->times);
    od_detections_deinit(&b->found);
    od_run_setup_deinit(&b->setup);
}

static od_status train_step(bench *b, const float *images, od_error *err)
{
    od_losses losses;
    od_instance_set_inputs(b->inst, (const int32_t(*)[3])b->true_shapes, b->truth);
    od_instance_forward(b->inst, images);
    double start = now();
    OD_TRY(od_instance_loss(b->inst, b->truth, &losses, err));
    b->loss_seconds += now() - start;
    od_instance_backward(b->inst);
    start = now();
    od_optimizer_step(&b->optimizer, od_model_variables(b->setup.model), b->step++);
    b->update_seconds += now() - start;
    return OD_OK;
}

static od_status one_step(bench *b, int with_detection, od_error *err)
{
    if (b->o->training) return train_step(b, b->images, err);
    od_instance_set_inputs(b->inst, (const int32_t(*)[3])b->true_shapes, NULL);
    od_instance_forward(b->inst, b->images);
    return with_detection ? od_instance_detect(b->inst, (const int32_t(*)[3])b->true_shapes, &b->found, err) : OD_OK;
}

static od_status time_steps(bench *b, int with_detection, od_bench_time *out, od_error *err)
{
    for (int64_t i = -WARM_UP; i < b->o->steps; i++) {
        if (!i) {
            od_bench_profile_clear(b->inst);
            b->loss_seconds = b->update_seconds = 0;
        }
        double start = now();
        OD_TRY(one_step(b, with_detection, err));
        if (i >= 0) b->times[i] = now() - start;
    }
    *out = summarise(b->times, b->o->steps);
    return OD_OK;
}

static od_status time_loader(bench *b, od_loader *loader, od_bench_time *out, od_error *err)
{
    for (int64_t i = -WARM_UP; i < b->o->steps; i++) {
        const od_batch *batch;
        double start = now();
        OD_TRY(od_loader_next(loader, &batch, err));
        if (batch->height != b->height || batch->width != b->width)
            return od_error_set(err, OD_ERR_MISMATCH, "the data's images are made %dx%d, not %dx%d", batch->height, batch->width, b->height, b->width);
        od_batch_truth(batch, b->truth);
        OD_TRY(train_step(b, batch->images, err));
        if (i >= 0) b->times[i] = now() - start;
    }
    *out = summarise(b->times, b->o->steps);
    return OD_OK;
}

static od_status time_input(bench *b, const od_run_input *in, od_bench_time *out, od_error *err)
{
    od_loader *loader = NULL;
    od_augmenter *augmenter = NULL;
    od_status status = od_augmenter_create(&augmenter, b->setup.config, err);
    od_loader_options options = od_loader_options_training(&b->setup.preprocess, (int)b->batch);
    options.augmenter = augmenter;
    options.max_boxes = in->max_boxes;
    options.num_classes = od_model_num_classes(b->setup.model);
    if (status == OD_OK) status = od_loader_create(&loader, in->dataset, &options, err);
    if (status == OD_OK) status = time_loader(b, loader, out, err);
    od_loader_free(loader);
    od_augmenter_free(augmenter);
    return status;
}

/* Training steps on the config's own data. That there are none is no error of the benchmark: the result says why. */
static void time_with_input(bench *b, od_bench_result *r)
{
    od_run_input in = {0};
    od_run_input_options none = {0};
    od_error problem = {0};
    od_status status = od_run_input_open(&in, &b->setup, b->setup.proto->train_input_reader, "train_input_reader", &none, &problem);
    if (status == OD_OK) status = time_input(b, &in, &r->step_with_input, &problem);
    if (status != OD_OK) {
        r->step_with_input = unmeasured;
        snprintf(r->input_problem, sizeof r->input_problem, "%.250s", problem.message);
    }
    od_run_input_deinit(&in);
}

static od_status time_inference(bench *b, od_bench_result *r, od_error *err)
{
    OD_TRY(time_steps(b, 1, &r->with_postprocessing, err));
    if (b->batch == 1) {
        r->single = r->step;
        r->single_with_postprocessing = r->with_postprocessing;
        return OD_OK;
    }
    OD_TRY(make_instance(b, 1, err));
    OD_TRY(time_steps(b, 0, &r->single, err));
    return time_steps(b, 1, &r->single_with_postprocessing, err);
}

static od_status run_bench(bench *b, od_bench_result *r, od_error *err)
{
    OD_TRY(open_bench(b, err));
    random_truth(b);
    OD_TRY(one_step(b, 0, err));
    r->startup_seconds = seconds_since_start();
    OD_TRY(time_steps(b, 0, &r->step, err));
    r->peak_rss_bytes = peak_rss();
    od_bench_profile_collect(b->inst, b->o->training, b->o->with_ops, b->o->steps, r);
    r->loss_seconds = b->o->training ? b->loss_seconds / (double)b->o->steps : NAN;
    r->update_seconds = b->o->training ? b->update_seconds / (double)b->o->steps : NAN;
    r->batch_size = b->batch;
    r->height = b->height;
    r->width = b->width;
    r->num_threads = b->threads;
    r->images_per_second = (double)b->batch / r->step.median;
    r->gflops_per_second = r->gflops / r->step.median;
    if (!b->o->training) return time_inference(b, r, err);
    time_with_input(b, r);
    return OD_OK;
}

od_status od_bench_run(const od_bench_options *options, od_bench_result *out, od_error *err)
{
    od_bench_options o = *options;
    OD_TRY(check_options(&o, err));
    if (!o.steps) o.steps = 20;
    bench b = {.o = &o, .threads = o.num_threads > 0 ? o.num_threads : omp_get_num_procs()};
    *out = (od_bench_result){.training = o.training, .step_with_input = unmeasured, .with_postprocessing = unmeasured, .single = unmeasured,
                             .single_with_postprocessing = unmeasured};
    od_status status = run_bench(&b, out, err);
    close_bench(&b);
    return status;
}
