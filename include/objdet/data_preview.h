/* SPDX-License-Identifier: Apache-2.0
 *
 * What a config's data_augmentation_options do to the config's own pictures: one self-contained page with each augmentation
 * alone and all of them in order, before and after, boxes drawn; and which of them falsify labels.
 *
 *     od_data_preview_options o = od_data_preview_options_default();
 *     o.pipeline_config_path = "pipeline.config";
 *     o.output = "preview.html";
 *     if (od_data_preview(&o, &err) != OD_OK) fprintf(stderr, "%s\n", err.message);
 */
#ifndef OBJDET_DATA_PREVIEW_H
#define OBJDET_DATA_PREVIEW_H

#include "objdet/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_data_preview_options {
    const char *pipeline_config_path;
    const char *output;     /* the page, .html */
    const char *input_path; /* pictures instead of the config's train_input_reader; NULL: that */
    const char *image_dir;  /* where COCO, VOC and CSV pictures lie; NULL: beside the annotations */
    int images;             /* how many pictures, evenly spread over the data set */
    int draws;              /* results of each augmentation and picture */
    uint64_t seed;
} od_data_preview_options;

/* 3 pictures, 4 draws, seed 0. */
od_data_preview_options od_data_preview_options_default(void);

/* OD_ERR_CONFIG or OD_ERR_UNSUPPORTED for an augmentation that training would refuse, too; OD_ERR_NOT_FOUND, OD_ERR_FORMAT and
 * OD_ERR_IO for data that can't be read and a page that can't be written. */
od_status od_data_preview(const od_data_preview_options *options, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
