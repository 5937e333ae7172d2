/* SPDX-License-Identifier: Apache-2.0
 *
 * The input pipeline: worker threads read, decode, augment and preprocess examples into batches, a few batches ahead of
 * the reader. What a batch holds depends on the data set, the options and its number alone: not on the number of
 * threads, and not on whether the stream was started at it or before. The stream is a random order of the data set per
 * epoch (or its own order without shuffle), epoch after epoch; batches don't stop at an epoch's end, as in the OD API.
 *
 * An image that can't be read is named once by od_log, counted and replaced by the one that follows it in the epoch's
 * order (in a finite stream it is left out). Objects with ids above num_classes are dropped.
 *
 * With weights an epoch still has as many draws as there are images, and image i stands in it its share of them times, rounded up or
 * down: a random order of evenly spaced points of the weights' running sum, with a random offset an epoch.
 *
 *     od_loader *loader;
 *     od_loader_options options = od_loader_options_training(&preprocess, 8);
 *     OD_TRY(od_loader_create(&loader, dataset, &options, err));
 *     const od_batch *batch;
 *     while (od_loader_next(loader, &batch, err) == OD_OK && batch) train_on(batch);
 *     od_loader_free(loader);
 */
#ifndef OD_DATA_LOADER_H
#define OD_DATA_LOADER_H

#include "data/augment.h"
#include "data/batch.h"
#include "data/corruption.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "util/error.h"

typedef struct od_loader_options {
    const od_preprocess *preprocess; /* copied */
    const od_augmenter *augmenter;   /* borrowed for the loader's life; NULL: none */
    int batch_size;
    int num_threads; /* workers; 0: everything happens inside od_loader_next */
    int prefetch;    /* batches made ahead, at least 1 */
    uint64_t seed;
    int shuffle;
    int64_t epochs;     /* 0: without end */
    int drop_remainder; /* of a finite stream: no smaller last batch */
    int64_t start_step; /* number of the first batch to hand out */
    int max_boxes;      /* InputReader.max_number_of_boxes; more are cut off */
    int num_classes;    /* ids above are dropped; 0: any id */
    const double *weights; /* [images]: how often each is drawn, relative to the others; copied; NULL: equally often */
    const uint8_t *augment_labels; /* [num_classes + 1]: 1 for labels whose images are augmented; borrowed; NULL: all images are */
    int class_scores;   /* od_batch.class_targets are the objects' class_scores, where they have any; needs num_classes */
    int merge_boxes;    /* boxes in the same place become one with several classes in od_batch.class_targets; needs num_classes */
    int keep_images;    /* fill od_batch_item.image */
    od_corruption corruption; /* done to every picture as it was read (its number: that of the item); objects stay where they were */
} od_loader_options;

/* Shuffled, without end; 2 workers, 2 batches ahead, 100 boxes. */
od_loader_options od_loader_options_training(const od_preprocess *preprocess, int batch_size);
/* One pass in order, the last batch may be smaller; the rest as above. */
od_loader_options od_loader_options_evaluation(const od_preprocess *preprocess, int batch_size);

typedef struct od_loader od_loader;

/* `dataset` is borrowed for the loader's life. OD_ERR_ARG, OD_ERR_NOMEM. */
od_status od_loader_create(od_loader **out, const od_dataset *dataset, const od_loader_options *options, od_error *err);
/* Stops the workers. NULL is fine. */
void od_loader_free(od_loader *loader);

/* The next batch, or NULL at the end of a finite stream. It belongs to the loader and is valid until the next call.
 * OD_ERR_FORMAT when not one image of the data set can be read, OD_ERR_NOMEM; the same error from then on. To be called
 * from one thread at a time. */
od_status od_loader_next(od_loader *loader, const od_batch **batch, od_error *err);

/* Batches of a finite stream, counted from step 0; -1 without end. */
int64_t od_loader_batch_count(const od_loader *loader);

typedef struct od_loader_stats {
    int64_t broken_images; /* different images that couldn't be read */
    int64_t cut_images;    /* examples that had more than max_boxes */
    int64_t foreign_boxes; /* boxes dropped for an id above num_classes */
    double wait_seconds;   /* spent waiting in od_loader_next */
} od_loader_stats;

od_loader_stats od_loader_get_stats(od_loader *loader);

#endif
