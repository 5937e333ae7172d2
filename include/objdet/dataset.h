/* SPDX-License-Identifier: Apache-2.0
 *
 * Annotated data sets: what is in them, and conversion between formats. Formats: "tfrecord" (tf.Example, as the OD API's
 * dataset_tools write them), "coco" (JSON), "voc" (a folder, .xml, or ImageSets list), "csv" (of the OD API tutorials).
 *
 *     const char *paths[] = {"raccoon"};
 *     od_data_input in = {.paths = paths, .path_count = 1};
 *     char *text;
 *     if (od_data_info(&in, 0, &text, &err) == OD_OK) puts(text), od_data_text_free(text);
 */
#ifndef OBJDET_DATASET_H
#define OBJDET_DATASET_H

#include "objdet/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_data_input {
    const char *const *paths; /* files, folders, globs, name-?????-of-00010, name@10; formats may be mixed */
    int path_count;
    const char *format;         /* NULL: each path by its content and ending */
    const char *image_dir;      /* where the images of coco, voc and csv lie; NULL: beside the annotations, images/, JPEGImages/ */
    const char *label_map_path; /* NULL: ids and names from the data (names without ids are numbered by the alphabet) */
} od_data_input;

/* Images, boxes, classes, sizes and faults, as a text for people or as JSON (`json`). Images aren't decoded. *text is freed
 * with od_data_text_free. An example that can't be read is counted, not an error; an input that can't be opened is one. */
od_status od_data_info(const od_data_input *input, int json, char **text, od_error *err);
void od_data_text_free(char *text);

typedef struct od_data_output {
    const char *format; /* "tfrecord" or "coco" */
    const char *path;   /* tfrecord: the file, or with shards > 1 the stem of path-00000-of-0000N; coco: a .json, or a
                           folder that gets annotations.json */
    int shards;         /* tfrecord only; 0 and 1: one file */
} od_data_output;

typedef struct od_data_converted {
    int64_t images, boxes, null_images;
    int64_t skipped;     /* examples that couldn't be read; each was handed to the log callback */
    int label_map_saved; /* a label_map.pbtxt was written beside the output */
} od_data_converted;

/* Reads `input` and writes `output`, one example at a time. Without input->label_map_path the classes are numbered and a
 * label_map.pbtxt is written beside the output (OD_ERR_MISMATCH, before anything is written, when another one is there
 * already). To coco, images from TFRecords are written into images/ beside the JSON; images that are files stay where they
 * are and the JSON refers to them. What the label map doesn't know and boxes without sense are left out with a warning. Output
 * files appear whole or not at all. `result` may be NULL. */
od_status od_data_convert(const od_data_input *input, const od_data_output *output, od_data_converted *result, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
