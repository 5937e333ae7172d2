/* SPDX-License-Identifier: Apache-2.0
 *
 * Several examples ready for the network, as od_loader_next hands them out.
 */
#ifndef OD_DATA_BATCH_H
#define OD_DATA_BATCH_H

#include "data/example.h"
#include "data/preprocess.h"
#include "image/image.h"

/* What is known of one example of a batch besides its arrays. */
typedef struct od_batch_item {
    int64_t number;     /* place in the stream of examples: step * batch_size + place in the batch */
    int64_t index;      /* in the data set */
    od_example example; /* as read: source_id, filename, all objects before augmentation; without the image's bytes */
    od_image image;     /* the decoded picture before augmentation, when asked for (keep_images); else empty */
    od_object *objects; /* after augmentation; boxes relative to the picture without padding */
    int object_count;
    float *class_scores; /* private: what an augmentation made of the objects' scores, or NULL */
    float *keypoints;    /* private: the objects' keypoints, or NULL */
    uint8_t *masks;     /* [boxes, height, width] of the batch: 1 inside, of its first box_counts boxes; NULL without masks */
    od_preprocess_shape shape;
    float *pixels; /* private: the result, where its shape isn't fixed */
    int failed;    /* private: the image couldn't be read */
} od_batch_item;

/* Arrays are [count, ...], padded with zeros beyond each item's box_counts. */
typedef struct od_batch {
    int64_t step;      /* which batch of the stream, from 0 */
    int count;         /* items; less than the batch size only at the end of a finite stream */
    int height, width; /* of the network's input */
    int max_boxes;
    float *images;        /* [count, height, width, 3] */
    int32_t *true_shapes; /* [count, 3]: height and width without padding, 3 */
    float *boxes;         /* [count, max_boxes, 4]: ymin, xmin, ymax, xmax relative to the padded image */
    int32_t *classes;     /* [count, max_boxes], from 0 */
    float *class_targets; /* [count, max_boxes, num_classes] what each class is to be; NULL: 1 for `classes`, 0 for the rest */
    int num_classes;      /* of class_targets; else 0 */
    int merge_boxes;      /* boxes in the same place are one box of several classes */
    float *keypoints;     /* [count, max_boxes, num_keypoints, 2] y, x relative to the padded image, NaN where none is labelled; NULL without them */
    int num_keypoints;
    float *weights;       /* [count, max_boxes] */
    uint32_t *flags;      /* [count, max_boxes]: OD_OBJECT_CROWD, ... */
    int32_t *box_counts;  /* [count] */
    od_batch_item *items; /* [count] */
    size_t image_floats;  /* private: room in `images` */
} od_batch;

/* Private to the loader. Room for `size` items of b->max_boxes boxes; images only when the shape is fixed (b->height > 0), class_targets when
 * b->num_classes > 0, keypoints when b->num_keypoints > 0; the rest of *b is zero. */
od_status od_batch_init(od_batch *b, int size, od_error *err);
void od_batch_deinit(od_batch *b, int size);
/* Empties the items for the next use. */
void od_batch_clear(od_batch *b, int size);
/* From finished items to arrays: leaves failed ones out, pads pictures of different shapes to the largest. */
od_status od_batch_finish(od_batch *b, const od_preprocess *p, int size, int fixed, od_error *err);

#endif
