/* SPDX-License-Identifier: Apache-2.0
 *
 * Which networks there are, and what one of them is: parameters, multiplications, memory, a drawing.
 */
#ifndef OBJDET_MODEL_SUMMARY_H
#define OBJDET_MODEL_SUMMARY_H

#include "objdet/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The supported feature extractors one by one: the value of feature_extractor { type } and the meta-architecture's field of
 * model { } ("ssd"). NULL behind the last. */
const char *od_model_supported_type(int index, const char **meta);

typedef struct od_model_summary_options {
    const char *pipeline_config_path;
    int height, width; /* each 0: the config's image_resizer's */
    int num_threads;   /* 0: one a processor; threads have scratch memory */
} od_model_summary_options;

/* A part of the network: "backbone", "neck" (all else of the feature extractor), "heads". */
typedef struct od_model_part {
    const char *name; /* static */
    int64_t parameters;
    double gflops;
} od_model_part;

typedef struct od_model_summary {
    char type[64], meta[32];
    int num_classes, height, width, num_threads;
    int64_t parameters, trained_parameters; /* numbers; batch norms' moving statistics aren't trained */
    double gflops;                          /* multiplications and additions of a forward pass, one image; direct convolution */
    int64_t anchors;                        /* 0: has none */
    int part_count;
    od_model_part parts[3];
    /* Bytes that the network needs besides the program: for one image, and for each further one. Training: with weights, gradients
     * and the optimizer's state (momentum's where the config has no optimizer). */
    int64_t predict_bytes, predict_bytes_more, train_bytes, train_bytes_more;
} od_model_summary;

/* OD_ERR_UNSUPPORTED, OD_ERR_CONFIG as when training; OD_ERR_ARG when the config's images have no fixed size and none is given. */
od_status od_model_summary_get(const od_model_summary_options *options, od_model_summary *out, od_error *err);

/* Draws the network as SVG into a file: a box a layer (with its batch norm and activation), columns by size of the feature maps. */
od_status od_model_draw(const od_model_summary_options *options, const char *svg_path, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
