/* SPDX-License-Identifier: Apache-2.0
 *
 * One image with its ground truth, as every reader (TFRecord, COCO, VOC, YOLO, ...) gives it and every later stage
 * (augmentation, resizing, batching, evaluation) takes it.
 */
#ifndef OD_DATA_EXAMPLE_H
#define OD_DATA_EXAMPLE_H

#include "data/mask.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* Bits of od_object.flags. */
enum {
    OD_OBJECT_CROWD = 1,
    OD_OBJECT_DIFFICULT = 2,
    OD_OBJECT_GROUP_OF = 4,
    OD_OBJECT_TRUNCATED = 8,
    OD_OBJECT_OCCLUDED = 16,
    OD_OBJECT_DEPICTION = 32, /* Open Images: a drawing of the thing */
    OD_OBJECT_INSIDE = 64,    /* Open Images: seen from inside */
    OD_OBJECT_OUTLINE = 128   /* the data has an outline of it, of which the box was read, and `outline` where that holds it, but no mask */
};

/* What an image says of whole classes (Open Images, LVIS). */
typedef enum od_example_list {
    OD_EXAMPLE_LABELED,        /* classes verified, present or absent (image/class/label) */
    OD_EXAMPLE_NEGATIVE,       /* verified to be absent (image/neg_category_ids) */
    OD_EXAMPLE_NOT_EXHAUSTIVE, /* not every one is annotated (image/not_exhaustive_category_ids) */
    OD_EXAMPLE_LISTS
} od_example_list;

/* Which masks a reader gives its objects. */
typedef enum od_mask_loading {
    OD_MASKS_NONE,
    OD_MASKS_IF_ANY,    /* those that are there, in whatever form */
    OD_MASKS_NUMERICAL, /* as InputReader's load_instance_masks with mask_type NUMERICAL_MASKS: an object without one is an error */
    OD_MASKS_PNG,       /* the same with PNG_MASKS */
} od_mask_loading;

/* od_source_options.keypoints and the like: keypoints an object, or */
enum { OD_KEYPOINTS_IF_ANY = -1, OD_KEYPOINTS_NONE = 0 };

typedef struct od_object {
    float box[4];    /* ymin, xmin, ymax, xmax, relative to the image (0..1) */
    int32_t label;   /* the label map's id, from 1; 0: unknown (name not in the map) */
    float weight;    /* 1 unless the record says otherwise */
    float area;      /* pixels^2, or 0 when not given */
    uint32_t flags;
    const char *class_text; /* the class's name as the data spells it, or NULL; lives as long as the example */
    const char *pose;       /* VOC's pose ("Left"), or NULL; lives as long as the example */
    const od_mask *mask;    /* of the image's size, or NULL; lives as long as the example */
    const float *class_scores; /* [class_score_count] of each class, from the record (multiclass_scores), or NULL; lives as long as the example */
    int class_score_count;
    const float *outline; /* [outline_points, 2] x, y relative to the image, where the data has one polygon for it; lives as long as the example */
    int outline_points;
    const char *segmentation; /* COCO's JSON that `mask` was made of, or NULL; lives as long as the example */
    const float *keypoints; /* [keypoint_count, 2] y, x relative to the image, NaN where none is labelled; NULL: none; lives as long as the example */
    int keypoint_count;
    const uint8_t *keypoint_visibility; /* [keypoint_count] 0: not labelled, 1: hidden, 2: visible; NULL: as keypoints are NaN or not */
} od_object;

typedef struct od_example {
    char *source_id; /* image/source_id; COCO's image id as text */
    char *filename;
    char *image_path;        /* the image's own file, or NULL when it lies in a record */
    char *group;             /* what it belongs to (a patient), when the reader was asked for it and the data says; else NULL */
    int width, height;       /* of the image */
    int annotated_width, annotated_height; /* what the annotation says of it; 0: nothing */
    uint8_t *encoded;        /* the image file's bytes, or NULL once decoded */
    size_t encoded_size;
    uint8_t *pixels;         /* RGB [height, width, 3], or NULL until decoded */
    od_object *objects;      /* may be empty: a null image */
    int object_count;
    int32_t *class_lists[OD_EXAMPLE_LISTS]; /* label map ids, owned; NULL: none */
    int class_list_counts[OD_EXAMPLE_LISTS];
    float *labeled_confidences; /* [class_list_counts[OD_EXAMPLE_LABELED]] 1: present, 0: absent; owned; NULL: nothing is said */
    struct od_example_text *texts; /* what the objects' strings point into */
} od_example;

/* Frees the members and zeroes the struct; not the struct itself. */
void od_example_deinit(od_example *e);

/* Keeps a NUL-terminated copy of `size` bytes that lives as long as the example; NULL when out of memory. */
const char *od_example_keep_text(od_example *e, const char *text, size_t size);

/* A copy of numbers that lives as long as the example; NULL when out of memory. */
const float *od_example_keep_floats(od_example *e, const float *values, size_t count);

/* Gives an object keypoints from values[count, 3]: x and y, divided by the sizes, and visibility (COCO's; 0: not labelled, wherever it is). */
od_status od_example_keep_keypoints(od_example *e, od_object *o, int count, const double *values, int width, int height, od_error *err);

/* The object's keypoint k as COCO's 0, 1 or 2. */
int od_object_visibility(const od_object *o, int k);

/* Makes the example the owner of `mask`, which is freed when it can't be (NULL is returned then). */
const od_mask *od_example_keep_mask(od_example *e, od_mask *mask);

#endif
