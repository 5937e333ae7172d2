/* SPDX-License-Identifier: Apache-2.0
 *
 * Splitting a data set for training, validation and test so that nothing leaks: groups (patients) and copies of one picture stay
 * together, classes are spread as evenly as that allows.
 *
 *     const char *paths[] = {"all.json"};
 *     const double fractions[] = {.7, .15, .15};
 *     od_data_split_options o = {.input = {.paths = paths, .path_count = 1}, .fractions = fractions, .count = 3, .output_dir = "split"};
 *     od_data_split_result r;
 *     if (od_data_split_run(&o, &r, &err) == OD_OK) puts(r.text), od_data_split_result_free(&r);
 */
#ifndef OBJDET_DATA_SPLIT_H
#define OBJDET_DATA_SPLIT_H

#include "objdet/data_check.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OD_DATA_SPLIT_MAX = 8 };

typedef struct od_data_split_options {
    od_data_input input;
    const double *fractions;   /* [count], positive; their sum is brought to 1 */
    int count;                 /* 2 to OD_DATA_SPLIT_MAX */
    const char *const *names;  /* [count]; NULL: train, test or train, val, test or part1, part2, ... */
    const char *group_by, *group_regex; /* as in od_data_check_options; both NULL: patients' fields and names as there */
    uint64_t seed;
    int annotations_only;      /* don't look for copies */
    const char *format;        /* any of od_data_output.format; NULL: tfrecord for TFRecords, coco for all else */
    const char *output_dir;    /* gets the parts as od_data_convert lays them out (COCO: NAME.json, from TFRecords NAME/NAME.json and
                                  NAME/images), NAME.txt (file names) and label_map.pbtxt */
    int link_images;           /* as in od_data_output */
    int num_threads;
    void (*progress)(void *user, const char *what, int64_t done, int64_t total);
    void *progress_user;
} od_data_split_options;

typedef struct od_data_split_result {
    int count;
    int64_t images[OD_DATA_SPLIT_MAX], boxes[OD_DATA_SPLIT_MAX];
    int64_t units;    /* what was dealt out: images, or bundles of images that belong together */
    int64_t bundled;  /* images in bundles of more than one */
    char *text;       /* what was done, with a table of classes */
} od_data_split_result;

/* OD_ERR_ARG for options, OD_ERR_MISMATCH when the output is there already (nothing is overwritten). */
od_status od_data_split_run(const od_data_split_options *options, od_data_split_result *out, od_error *err);
void od_data_split_result_free(od_data_split_result *r);

#ifdef __cplusplus
}
#endif
#endif
