/* SPDX-License-Identifier: Apache-2.0
 *
 * A synthetic data set for trying things out: squares and triangles on textured ground, with pentagons as look-alikes that
 * aren't annotated, and images without any object.
 *
 *     od_synth_options o;
 *     od_synth_options_default(&o);
 *     o.output_dir = "shapes";
 *     od_synth(&o, &err);
 *
 * Writes images/SPLIT_00001.jpg, SPLIT.json (COCO), SPLIT.record (TFRecord) for each split that isn't empty,
 * label_map.pbtxt and pipeline.config (a small SSD MobileNet V2 FPNLite). The same options give the same bytes.
 */
#ifndef OBJDET_SYNTH_H
#define OBJDET_SYNTH_H

#include "objdet/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_synth_options {
    const char *output_dir; /* made if missing */
    int train, val, test;   /* images of each split */
    int width, height;      /* of the images, pixels */
    uint64_t seed;
} od_synth_options;

/* 300, 60 and 60 images of 320x240, seed 0; output_dir NULL. */
void od_synth_options_default(od_synth_options *options);

/* OD_ERR_ARG for sizes below 64 or above 4096, negative counts, or no training images. */
od_status od_synth(const od_synth_options *options, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
