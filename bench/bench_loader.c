/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_loader PIPELINE_CONFIG [BATCHES [INPUT_PATH]]: images per second of the input pipeline that a config describes,
 * by number of worker threads, with nobody using the batches.
 */
#include "config/config.h"
#include "data/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct setup {
    od_config *config;
    od_dataset *dataset;
    od_augmenter *augmenter;
    od_preprocess preprocess;
    int batch_size;
} setup;

static od_status open_all(setup *s, int argc, char **argv, od_error *err)
{
    OD_TRY(od_config_load(argv[1], &s->config, err));
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(s->config);
    if (!proto->model || !proto->train_config || !proto->train_input_reader ||
        !proto->train_input_reader->tf_record_input_reader)
        return od_error_set(err, OD_ERR_CONFIG, "needs model, train_config and train_input_reader");
    const ObjectDetection__Protos__TFRecordInputReader *reader = proto->train_input_reader->tf_record_input_reader;
    const char *const *paths = argc > 3 ? (const char *const *)argv + 3 : (const char *const *)reader->input_path;
    OD_TRY(od_dataset_open(&s->dataset, paths, argc > 3 ? 1 : (int)reader->n_input_path, NULL, err));
    OD_TRY(od_augmenter_create(&s->augmenter, s->config, err));
    s->batch_size = (int)proto->train_config->batch_size;
    return od_preprocess_init(&s->preprocess, proto->model, err);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static od_status measure(const setup *s, int threads, int batches, od_error *err)
{
    od_loader_options o = od_loader_options_training(&s->preprocess, s->batch_size);
    const od_batch *batch;
    od_loader *loader;
    o.augmenter = s->augmenter;
    o.num_threads = threads;
    OD_TRY(od_loader_create(&loader, s->dataset, &o, err));
    od_status status = od_loader_next(loader, &batch, err);
    double start = seconds();
    for (int i = 0; i < batches && status == OD_OK; i++) status = od_loader_next(loader, &batch, err);
    double rate = batches * s->batch_size / (seconds() - start);
    if (status == OD_OK) printf("%d threads: %7.0f images/s\n", threads, rate);
    od_loader_free(loader);
    return status;
}

int main(int argc, char **argv)
{
    static const int threads[] = {0, 1, 2, 4};
    setup s = {0};
    od_error err = {0};
    if (argc < 2) {
        fprintf(stderr, "bench_loader PIPELINE_CONFIG [BATCHES [INPUT_PATH]]\n");
        return 2;
    }
    int batches = argc > 2 ? atoi(argv[2]) : 100;
    od_status status = open_all(&s, argc, argv, &err);
    if (status == OD_OK) printf("%s, batches of %d\n", od_dataset_describe(s.dataset), s.batch_size);
    for (int i = 0; i < 4 && status == OD_OK; i++) status = measure(&s, threads[i], batches, &err);
    if (status != OD_OK) fprintf(stderr, "%s\n", err.message);
    od_augmenter_free(s.augmenter);
    od_dataset_free(s.dataset);
    od_config_free(s.config);
    return status != OD_OK;
}
