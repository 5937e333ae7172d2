/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with data before a detector is trained on it: pictures and patients on both sides of a split, augmented
 * copies, boxes without sense, classes that are missing or rare, labels that a flip would falsify.
 *
 *     const char *train[] = {"train.record"}, *test[] = {"test.record"};
 *     od_data_split splits[] = {{"train", {.paths = train, .path_count = 1}}, {"test", {.paths = test, .path_count = 1}}};
 *     od_data_check_options o = {.splits = splits, .split_count = 2};
 *     od_data_check *check;
 *     if (od_data_check_run(&o, &check, &err) == OD_OK && check->errors) ...
 *     od_data_check_free(check);
 */
#ifndef OBJDET_DATA_CHECK_H
#define OBJDET_DATA_CHECK_H

#include "objdet/dataset.h"
#include "objdet/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct od_data_split {
    const char *name; /* "train", "val", "test", ...; the first split is the one trained on */
    od_data_input input;
} od_data_split;

typedef struct od_data_check_options {
    const od_data_split *splits;
    int split_count; /* 0 with a pipeline_config_path: its train_input_reader and eval_input_readers */
    /* What belongs together (patients, scenes, videos), so that it must not be on both sides of a split. group_by: a field of
     * each image (COCO: a member of "images"; TFRecord: a feature, with or without "image/"; CSV: a column; VOC: an element
     * below annotation); several with commas between them: the first that an image has. group_regex: a POSIX extended
     * regular expression for the file name; the group is its first parenthesis, or the whole match. Both NULL: a field called
     * patient_id, patient, subject_id or subject, else names like person12_..., patient-12..., where most images have them. */
    const char *group_by, *group_regex;
    const char *pipeline_config_path; /* its augmentations are held against the class names; NULL: none */
    int annotations_only;             /* don't read images: no duplicates are looked for, and sizes are the annotations' */
    int num_threads;                  /* 0: OpenMP's number */
    void (*progress)(void *user, const char *what, int64_t done, int64_t total); /* from one thread at a time; may be NULL */
    void *progress_user;
} od_data_check_options;

typedef enum od_data_severity { OD_DATA_NOTE, OD_DATA_WARNING, OD_DATA_ERROR } od_data_severity;

/* name, key in JSON, severity */
#define OD_DATA_FINDINGS(X) \
    X(LEAK_IMAGE, "leak_image", ERROR)               /* the same picture (bytes or pixels) in two splits */ \
    X(LEAK_NEAR, "leak_near", ERROR)                 /* a flipped, rotated, cropped, recoded, ... copy in another split */ \
    X(LEAK_GROUP, "leak_group", ERROR)               /* a group (patient) in two splits */ \
    X(LEAK_NAME, "leak_name", ERROR)                 /* augmented copies, by the name of their original, in two splits */ \
    X(UNREADABLE, "unreadable", ERROR)               /* images or records that can't be read */ \
    X(BOX_NOT_FINITE, "box_not_finite", ERROR) \
    X(BOX_INVERTED, "box_inverted", ERROR) \
    X(BOX_EMPTY, "box_empty", ERROR) \
    X(BOX_ALL_OUTSIDE, "box_all_outside", ERROR)     /* nothing of it lies in the image */ \
    X(CLASS_UNKNOWN, "class_unknown", ERROR)         /* not in the label map */ \
    X(CLASS_IDS, "class_ids", ERROR)                 /* a class has another id in another split */ \
    X(CLASS_ABSENT, "class_absent", ERROR)           /* from one of the splits */ \
    X(LABEL_FLIP_CONFIG, "label_flip_config", ERROR) /* the config's augmentation falsifies labels */ \
    X(BOX_OUTSIDE, "box_outside", WARNING)           /* a part of it is outside */ \
    X(BOX_TINY, "box_tiny", WARNING)                 /* a side under 2 pixels */ \
    X(BOX_TWICE, "box_twice", WARNING)               /* the same box with the same class twice in an image */ \
    X(DUPLICATE, "duplicate", WARNING)               /* the same picture, or a near copy, twice in one split */ \
    X(IMBALANCE, "imbalance", WARNING)               /* the most frequent class has twice the boxes of the rarest, or more */ \
    X(CLASS_RARE, "class_rare", WARNING)             /* fewer than 10 boxes where it is evaluated: its AP says little */ \
    X(LABEL_FLIP, "label_flip", WARNING)             /* class names that a flip would falsify */ \
    X(IMAGE_SIZE, "image_size", WARNING)             /* annotations of another image size than the file's */ \
    X(NULL_IMAGES, "null_images", NOTE)              /* images without boxes */ \
    X(NO_NULL_IMAGES, "no_null_images", NOTE)        /* none in any split: what is found on empty images stays unknown */ \
    X(GROUPS_UNKNOWN, "groups_unknown", NOTE)        /* nothing says which images belong together */ \
    X(SEARCH_CUT, "search_cut", WARNING)             /* the search for near copies met its limit: some may be missing */

typedef enum od_data_finding_kind {
#define X(name, key, severity) OD_DATA_##name,
    OD_DATA_FINDINGS(X)
#undef X
    OD_DATA_FINDING_COUNT
} od_data_finding_kind;

typedef struct od_data_finding {
    od_data_finding_kind kind;
    od_data_severity severity;
    const char *key;
    int split;      /* -1: of no single split */
    int64_t count;  /* images, boxes or classes, whichever the message counts */
    char *message;  /* one sentence with its numbers and the first example */
    char *remedy;   /* what to do; "" for nothing */
} od_data_finding;

typedef struct od_data_image_ref {
    int split;
    int64_t index;    /* in the split */
    const char *name; /* file name or source id; never NULL */
} od_data_image_ref;

typedef enum od_data_pair_kind { OD_DATA_SAME_BYTES, OD_DATA_SAME_PIXELS, OD_DATA_NEAR } od_data_pair_kind;

/* Two images that are one picture. Each image stands with its likeliest original: a cluster of n copies gives n - 1 pairs
 * and more, not all n (n - 1) / 2. */
typedef struct od_data_pair {
    od_data_image_ref a, b; /* a comes before b: by split, then by place */
    od_data_pair_kind kind;
    double similarity;      /* correlation of details after aligning them: 1 for the same */
    int mirrored;
    int degrees;            /* b is a turned by so much (mirrored first), counter-clockwise, -180 < degrees <= 180 */
    double covered;         /* the part of the larger content that both show, 0..1 */
    double brightness, contrast; /* of b: b = contrast * a + brightness, brightness in grey levels of 255 */
    char *difference;       /* "mirrored, turned by 90 degrees, cropped to 64 %, darker"; "" when there is none */
} od_data_pair;

typedef struct od_data_class_stats {
    int32_t id; /* in the first split that has it */
    char *name;
    int64_t *boxes, *images;       /* [split_count] */
    double mean_x;                 /* mean centre of its boxes, 0 left to 1 right; NaN without boxes */
    double left_share;             /* the part of its boxes whose centre is in the left half */
    int flip_sensitive;            /* bits of od_data_flip that would falsify its name */
} od_data_class_stats;

enum { OD_DATA_FLIP_HORIZONTAL = 1, OD_DATA_FLIP_VERTICAL = 2, OD_DATA_FLIP_ROTATION = 4 };

typedef struct od_data_split_stats {
    char *name, *description; /* "train.record (TFRecord, 160 records)" */
    int64_t images, null_images, unreadable, boxes, crowd, difficult, most_boxes;
    int64_t small, medium, large, tiny; /* by COCO's areas: below 32^2, 96^2 pixels of the original image */
    int64_t groups;                     /* different ones; 0 when there are none */
    int64_t ungrouped;                  /* images without a group, when others have one */
    int smallest[2], median[2], largest[2]; /* image width, height */
} od_data_split_stats;

/* A group on both sides of a split. */
typedef struct od_data_group_leak {
    char *group;
    int64_t *images; /* [split_count] */
} od_data_group_leak;

/* All arrays and strings belong to the check. */
typedef struct od_data_check {
    int split_count;
    od_data_split_stats *splits;
    int class_count;
    od_data_class_stats *classes; /* by id, then name */
    int finding_count, errors, warnings;
    od_data_finding *findings;    /* errors first */
    int64_t pair_count;
    od_data_pair *pairs;          /* those across splits first */
    int64_t pairs_across;
    int group_leak_count;
    od_data_group_leak *group_leaks;
    char *group_source;           /* "the field patient", "file names like person12_...", "" for no groups */
    double imbalance;             /* boxes of the first split's most frequent class by those of its rarest; 0: fewer than 2 classes */
    int images_searched;          /* 0: annotations_only */
    struct od_data_check_private *priv;
} od_data_check;

/* OD_ERR_ARG (no or too many splits, two of one name, a bad regular expression, a field that no image has), and the errors of
 * opening data; what is wrong inside the data are findings. Memory: about 2 kB an image. */
od_status od_data_check_run(const od_data_check_options *options, od_data_check **out, od_error *err);
void od_data_check_free(od_data_check *check);

/* The whole as text for people, or as JSON; freed with od_data_text_free. */
od_status od_data_check_format(const od_data_check *check, int json, char **text, od_error *err);

#ifdef __cplusplus
}
#endif
#endif
