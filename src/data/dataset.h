/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of annotated images behind one interface, whatever it is stored in: TFRecords of tf.Example, COCO JSON, a VOC
 * folder, the CSV of the OD API tutorials, YOLO, ... (docs/DATA.md has them all). Opening reads annotations or an index, never the images.
 *
 *     const char *paths[] = {"train.record-?????-of-00010"};
 *     od_dataset *ds;
 *     OD_TRY(od_dataset_open(&ds, paths, 1, &(od_dataset_options){.label_map = map}, err));
 *     for (int64_t i = 0; i < od_dataset_size(ds); i++) {
 *         od_example e = {0};
 *         if (od_dataset_read(ds, i, &e, err) == OD_OK) use(&e);
 *         od_example_deinit(&e);
 *     }
 *     od_dataset_free(ds);
 *
 * Classes, as in data_decoders/tf_example_decoder.py: with a label map the class's text decides (by name or display_name, the
 * larger id), its number only where a record has no text; without one the number as it is, else the names
 * numbered by the alphabet.
 *
 * Boxes, as the OD API treats them:
 *     a corner that is NaN                    dropped (inputs.py filters these)
 *     class not in the label map              dropped (it decodes to -1, which inputs.py filters)
 *     infinite                                dropped (the OD API's loss becomes NaN)
 *     inverted (ymax < ymin or xmax < xmin)   dropped (the OD API stops in assert_or_prune_invalid_boxes)
 *     id below 1, or not in the label map     dropped (the OD API trains on an all-zero target)
 *     empty (a side of exactly 0)             kept
 *     partly or wholly outside the image      kept, unclipped (create_coco_tf_record.py would drop those beyond the right or
 *                                             bottom edge, though not beyond the other two, and make background of an
 *                                             object for a fraction of a pixel)
 * In COCO JSON, width or height <= 0 is dropped, as create_coco_tf_record.py does. Each kind is counted and handed to od_log
 * once, with its first example.
 */
#ifndef OD_DATA_DATASET_H
#define OD_DATA_DATASET_H

#include "data/example.h"

typedef struct od_dataset od_dataset;
typedef struct od_label_map od_label_map; /* config/label_map.h */

enum { OD_ALL_FRAMES = -1 };

typedef struct od_dataset_options {
    const od_label_map *label_map; /* borrowed, outlives the data set; NULL: names and ids from the data itself */
    const char *image_dir;         /* where the images lie that annotations name; NULL: beside the annotations */
    int64_t sample_1_of_n;         /* only examples 0, n, 2n, ...; 0 and 1: all */
    const char *format;            /* "tfrecord", "coco", ... (data/detect.h); NULL: each path by its content and ending */
    int all_splits;                /* a path that holds parts (data.yaml; train/, valid/, test/) stands for all of them; else it is
                                      an error that asks for one */
    const char *group_fields;      /* fills od_example.group from the first of these fields ("patient_id,patient") that an image has */
    od_mask_loading masks;         /* whether objects get masks, where the format has them */
    int keypoints;                 /* od_object.keypoints: so many an object (TFRecord, COCO); OD_KEYPOINTS_IF_ANY: as many as there are; OD_KEYPOINTS_NONE */
    int class_scores;              /* od_object.class_scores, of TFRecords that have them */
    int expand_hierarchy;          /* objects count for the ancestors of their class in the label map, too (needs one), and so do statements on
                                      whole images; as the OD API's expand_labels_hierarchy */
    int one_class;                 /* every object is of class 1 (after the label map has said which count) */
    int sequences;                 /* TFRecords hold tf.SequenceExamples; each annotated frame is an example */
    int frame_index;               /* of each sequence only this frame, counted from 0; with OD_ALL_FRAMES: each */
    int quiet;                     /* count issues without telling od_log */
    int keep_invalid;              /* report bad boxes but keep them (label 0 when unknown), for statistics */
} od_dataset_options;

/* What can be wrong with an annotation. */
#define OD_DATASET_ISSUES(X) \
    X(NAN, "a corner that is not a finite number", "dropped") \
    X(INVERTED, "its corners exchanged (max < min)", "dropped") \
    X(EMPTY, "no area", "kept") \
    X(EMPTY_COCO, "a width or height that is not positive", "dropped") \
    X(OUTSIDE, "a part outside the image", "kept as it is") \
    X(UNKNOWN_CLASS, "a class that is not in the label map", "dropped") \
    X(UNKNOWN_ID, "a class id that is below 1 or not in the label map", "dropped") \
    X(IMAGE_SIZE, "another image size in its annotation than in its file", "kept")

typedef enum od_dataset_issue {
#define X(name, text, what) OD_ISSUE_##name,
    OD_DATASET_ISSUES(X)
#undef X
    OD_ISSUE_COUNT
} od_dataset_issue;

/* `paths`: files, folders, globs, name@N shards; formats may be mixed. `options` may be NULL. OD_ERR_NOT_FOUND,
 * OD_ERR_FORMAT, ... naming the file; an input without any example is OD_ERR_FORMAT. */
od_status od_dataset_open(od_dataset **out, const char *const *paths, int count, const od_dataset_options *options,
                          od_error *err);
void od_dataset_free(od_dataset *ds);

int64_t od_dataset_size(const od_dataset *ds);

/* From now on the data set is these examples (numbers of the whole, copied); NULL: the whole again. OD_ERR_NOMEM. */
od_status od_dataset_select(od_dataset *ds, const int64_t *indices, int64_t count, od_error *err);

/* Fills *out (zeroed by the caller, who deinits it whatever happens) with example `index`: annotations, the image file's
 * bytes (not decoded), the image's real width and height. An error (a damaged record, a missing image, ...) concerns this
 * example only and names its file and place. Thread-safe. */
od_status od_dataset_read(const od_dataset *ds, int64_t index, od_example *out, od_error *err);

/* The same without the image's bytes where they lie in a file of their own (width and height then are the annotation's, if it
 * has them). */
od_status od_dataset_read_annotations(const od_dataset *ds, int64_t index, od_example *out, od_error *err);

/* The label map in use: the caller's, or what the data names. NULL for TFRecords opened without one, until
 * od_dataset_infer_label_map has read them all. Borrowed. */
const od_label_map *od_dataset_label_map(const od_dataset *ds);
od_status od_dataset_infer_label_map(od_dataset *ds, od_error *err);

/* The options' `masks` and `keypoints`. */
od_mask_loading od_dataset_masks(const od_dataset *ds);
int od_dataset_keypoints(const od_dataset *ds);

/* Which of the paths given to od_dataset_open an example comes from, counted from 0. */
int od_dataset_path_of(const od_dataset *ds, int64_t index);
/* How often an example is to be drawn in training, relative to the others of its file (a sequence's frames together as often as one image). */
double od_dataset_share(const od_dataset *ds, int64_t index);

/* Whether the data itself gives its classes ids (TFRecord, COCO, YOLO); the other formats only name them. */
int od_dataset_has_ids(const od_dataset *ds);

/* "train.record: record 17" into `text`, for messages. */
void od_dataset_locate(const od_dataset *ds, int64_t index, char *text, size_t size);

/* "raccoon/train.record (TFRecord, 160 examples)", ... one line; owned by the data set. */
const char *od_dataset_describe(const od_dataset *ds);

/* How often an issue was met by the reads so far. */
int64_t od_dataset_issue_count(const od_dataset *ds, od_dataset_issue issue);

#endif
