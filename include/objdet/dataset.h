/* SPDX-License-Identifier: Apache-2.0
 *
 * Annotated data sets: what is in them, and conversion between formats. Formats: "tfrecord" (tf.Example, as the OD API's
 * dataset_tools write them), "coco" (JSON), "voc" (a folder, .xml, or ImageSets list), "csv" (of the OD API tutorials), "yolo"
 * (data.yaml, or folders images and labels), "cvat" (XML 1.1 for images), "labelstudio" (JSON and
 * JSON-MIN), "openimages" (*-annotations-bbox.csv). docs/DATA.md tells what each can hold.
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
    const char *image_dir;      /* where the images lie that annotations name; NULL: beside the annotations, images/, JPEGImages/ */
    const char *label_map_path; /* NULL: ids and names from the data (names without ids are numbered by the alphabet) */
    const char *const *split_names; /* [path_count], od_data_convert only: the part ("train", "val", ...) that each path is; NULL, or
                                       NULL for a path: what the path itself says (data.yaml; train/, valid/, test/) */
} od_data_input;

/* Images, boxes, classes, sizes and faults, as a text for people or as JSON (`json`). Images aren't decoded. *text is freed
 * with od_data_text_free. An example that can't be read is counted, not an error; an input that can't be opened is one. */
od_status od_data_info(const od_data_input *input, int json, char **text, od_error *err);
void od_data_text_free(char *text);

typedef struct od_data_output {
    const char *format; /* "tfrecord", "coco", "voc", "csv", "yolo", "cvat", "labelstudio", "labelstudio-min", "openimages";
                           "roboflow-" and one of the first five: a folder a part with everything in it */
    const char *path;   /* the file, or (for voc, yolo, roboflow-..., data of several parts, and names without the format's ending)
                           a folder; tfrecord with shards > 1: the stem of path-00000-of-0000N */
    int shards;         /* tfrecord only; 0 and 1: one file */
    int link_images;    /* symbolic links where image files would be copied */
    const char *window; /* grey pictures of more than 8 bits (16-bit PNG, DICOM) become 8-bit PNGs: "file" (DICOM's own window, else
                           from the smallest to the largest value), "minmax", "CENTER,WIDTH". NULL: PNGs stay as they are (TensorFlow
                           and this library then take the high byte), DICOM as with "file" where files are copied */
} od_data_output;

/* What an annotation may say that not every format can hold. */
#define OD_DATA_KINDS(X) \
    X(CROWD, "crowd marks") \
    X(DIFFICULT, "difficult marks") \
    X(GROUP_OF, "group-of marks") \
    X(TRUNCATED, "truncated marks") \
    X(OCCLUDED, "occluded marks") \
    X(DEPICTION, "depiction marks") \
    X(INSIDE, "inside marks") \
    X(OUTLINE, "outlines (their boxes are kept)") \
    X(MASK, "masks (their boxes are kept)") \
    X(KEYPOINTS, "objects' keypoints") \
    X(CLASS_LIST, "images' lists of verified classes") \
    X(POSE, "poses") \
    X(WEIGHT, "weights") \
    X(AREA, "areas of outlines") \
    X(IMAGE_ID, "image ids") \
    X(CLASS_ID, "class ids (renumbered)") \
    X(OUTSIDE, "parts of boxes outside the image")

typedef enum od_data_kind {
#define X(name, text) OD_DATA_KIND_##name,
    OD_DATA_KINDS(X)
#undef X
    OD_DATA_KIND_COUNT
} od_data_kind;

/* "crowd marks"; "" for no kind. */
const char *od_data_kind_text(od_data_kind kind);

typedef struct od_data_converted {
    int64_t images, boxes, null_images;
    int64_t skipped;     /* examples that couldn't be read; each was handed to the log callback */
    int64_t windowed;    /* grey pictures of more than 8 bits that became 8-bit PNGs */
    int64_t deep;        /* such pictures that stayed as they are */
    int64_t dropped[OD_DATA_KIND_COUNT]; /* what the data says and the format can't hold, by kind */
    int label_map_saved; /* a label_map.pbtxt was written beside the output */
} od_data_converted;

/* Reads `input` and writes `output`, one example at a time. Without input->label_map_path the classes are numbered and a
 * label_map.pbtxt is written beside the output (OD_ERR_MISMATCH, before anything is written, when another one is there
 * already). To coco and csv, images that are files stay where they are and the annotations refer to them, images from TFRecords
 * are written into images/ beside them; the other formats get copies of all images. What the label map doesn't know and boxes
 * without sense are left out with a warning. Annotation files appear whole or not at all. `result` may be NULL. */
od_status od_data_convert(const od_data_input *input, const od_data_output *output, od_data_converted *result, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
