/* SPDX-License-Identifier: Apache-2.0
 *
 * A data check under way: what data_check_read.c (annotations and pictures), data_check_copies.c (pictures twice), data_check_groups.c (patients on both
 * sides), data_check_labels.c (classes) and data_check_format.c (text, JSON) share. Private to src/data.
 */
#ifndef OD_DATA_DATA_CHECKER_H
#define OD_DATA_DATA_CHECKER_H

#include "config/config.h"
#include "config/label_map.h"
#include "data/dataset.h"
#include "data/fingerprint_store.h"
#include "data/image_groups.h"
#include "objdet/data_check.h"
#include "util/hashmap.h"
#include "util/strbuf.h"

enum { OD_DATA_CHECK_DIGEST = 33, OD_DATA_CHECK_MAX_SPLITS = 16 };

typedef struct od_data_check_image {
    int32_t split, group; /* group: -1 none */
    int64_t index;
    char *name;           /* file name, source id, or "record 7" */
    char *original;       /* of an augmented copy, by its name; or NULL */
    char bytes[OD_DATA_CHECK_DIGEST], pixels[OD_DATA_CHECK_DIGEST]; /* "": not read */
    int32_t cluster;      /* smallest number of an image that is the same or nearly so; itself when alone */
    int32_t exact;        /* the same for equal bytes or pixels only */
} od_data_check_image;

/* A kind of fault in one split: how often, and where first. */
typedef struct od_data_check_fault {
    int64_t count;
    char first[400];
} od_data_check_fault;

typedef struct od_data_checker {
    const od_data_check_options *options;
    od_data_check *out;
    int splits;
    const od_data_split *split_list; /* [splits] */
    od_config *config;               /* of pipeline_config_path, or NULL */
    od_data_split config_splits[OD_DATA_CHECK_MAX_SPLITS];
    char config_names[OD_DATA_CHECK_MAX_SPLITS][16];
    od_dataset *sets[OD_DATA_CHECK_MAX_SPLITS];
    od_label_map *maps[OD_DATA_CHECK_MAX_SPLITS]; /* loaded by us */
    od_group_rule *rule;
    od_hashmap class_index; /* name -> out->classes */
    size_t class_capacity;
    od_data_check_fault *faults; /* [splits][OD_DATA_FINDING_COUNT] */
    od_data_check_image *images; /* of all splits, in order */
    od_fingerprint_store *prints; /* of images; NULL when none are read */
    int32_t image_count;
    size_t pair_capacity, finding_capacity, leak_capacity;
    char **groups;          /* names */
    int32_t group_count;
    size_t group_capacity;
    int64_t by_field, by_name; /* images that have their group from a field, from their name */
    int threads;
} od_data_checker;

/* What out->priv owns. */
typedef struct od_data_check_private {
    od_data_check_image *images;
    int32_t image_count;
    char **groups;
    int32_t group_count;
} od_data_check_private;

/* The fault of a kind in a split; the first one keeps its place. */
od_data_check_fault *od_data_check_fault_of(const od_data_checker *c, int split, od_data_finding_kind kind);
void od_data_check_note(const od_data_checker *c, int split, od_data_finding_kind kind, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds a finding; `message` is printf's, `remedy` a constant or text that is copied. */
od_status od_data_check_add(od_data_checker *c, od_data_finding_kind kind, int split, int64_t count, const char *remedy, od_error *err,
                       const char *format, ...) __attribute__((format(printf, 7, 8)));

od_status od_data_check_read(od_data_checker *c, od_error *err);
od_status od_data_check_find_copies(od_data_checker *c, od_error *err);
od_status od_data_check_find_group_leaks(od_data_checker *c, od_error *err);
od_status od_data_check_judge_boxes(od_data_checker *c, od_error *err);
od_status od_data_check_judge_classes(od_data_checker *c, od_error *err);
od_status od_data_check_judge_labels(od_data_checker *c, od_error *err);

#endif
