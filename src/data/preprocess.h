/* SPDX-License-Identifier: Apache-2.0
 *
 * The config's image_resizer and the feature extractor's normalisation: from the (augmented) picture to the network's
 * input. Sources: builders/image_resizer_builder.py, core/preprocessor.py, each model's preprocess().
 *
 *     od_preprocess p;
 *     OD_TRY(od_preprocess_init(&p, pipeline->model, err));
 *     od_preprocess_shape shape;
 *     OD_TRY(od_preprocess_find_shape(&p, view.height, view.width, &shape, err));
 *     float *input = od_aligned_malloc(shape.height * shape.width * 3, sizeof *input);
 *     OD_TRY(od_preprocess_run(&p, &view, shape.height, shape.width, input, err));
 */
#ifndef OD_DATA_PREPROCESS_H
#define OD_DATA_PREPROCESS_H

#include "data/pixel_map.h"
#include "image/resize.h"
#include "util/error.h"

#include "model.pb-c.h"

typedef enum od_resizer_kind {
    OD_RESIZER_FIXED,       /* to height x width */
    OD_RESIZER_KEEP_ASPECT, /* into min x max or max x min, perhaps padded to max x max */
    OD_RESIZER_IDENTITY,
    OD_RESIZER_AT_MOST,     /* longer side down to limit; never enlarges; corners aligned */
    OD_RESIZER_AT_LEAST,    /* shorter side up to limit; never shrinks; corners aligned */
    OD_RESIZER_PAD_MULTIPLE /* padded to multiples of limit */
} od_resizer_kind;

typedef struct od_preprocess {
    od_resizer_kind kind;
    od_resize_method method;
    int height, width;      /* FIXED */
    int min_side, max_side; /* KEEP_ASPECT */
    int limit;              /* AT_MOST, AT_LEAST, PAD_MULTIPLE */
    int pad_to_max;         /* KEEP_ASPECT */
    int grey;               /* all channels get the grey value after resizing (convert_to_grayscale) */
    float pad_value[3];
    od_normalization normalization;
    int normalize_first; /* SSD: normalise, resize, pad; the others: resize, pad, normalise */
} od_preprocess;

typedef struct od_preprocess_shape {
    int true_height, true_width; /* of the picture in the result: the OD API's true_image_shape */
    int height, width;           /* with padding at the bottom and on the right */
} od_preprocess_shape;

/* From the model's image_resizer and feature extractor. OD_ERR_CONFIG for values the OD API refuses,
 * OD_ERR_UNSUPPORTED for unknown feature extractors. */
od_status od_preprocess_init(od_preprocess *p, const ObjectDetection__Protos__DetectionModel *model, od_error *err);

/* The two halves of it. */
od_status od_preprocess_set_resizer(od_preprocess *p, const ObjectDetection__Protos__ImageResizer *config,
                                    od_error *err);
od_status od_preprocess_set_normalization(od_preprocess *p, const ObjectDetection__Protos__DetectionModel *model,
                                          od_error *err);

/* The result's shape when it is the same for every image: 1, else 0. */
int od_preprocess_fixed_shape(const od_preprocess *p, int *height, int *width);

/* The result's shape for an image of height x width. OD_ERR_FORMAT when a side would be 0 or the result is over
 * OD_IMAGE_MAX_PIXELS. */
od_status od_preprocess_find_shape(const od_preprocess *p, int height, int width, od_preprocess_shape *shape,
                                   od_error *err);

/* Writes out [height, width, 3]; height and width at least those of od_preprocess_find_shape, more is padding too. */
od_status od_preprocess_run(const od_preprocess *p, const od_image_view *view, int height, int width, float *out,
                            od_error *err);

/* The same with a map of masks: nearest-neighbour resizing, padding outside. */
od_status od_preprocess_run_map(const od_preprocess *p, od_pixel_map *map, od_error *err);

/* Fills what lies below row from_height and right of column from_width of out [height, width, 3] with padding. */
void od_preprocess_pad(const od_preprocess *p, int from_height, int from_width, int height, int width, float *out);

#endif
