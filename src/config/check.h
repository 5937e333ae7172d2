/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of od_config_check share: each looks at one part of the config and adds problems.
 */
#ifndef OD_CONFIG_CHECK_H
#define OD_CONFIG_CHECK_H

#include "config/config.h"
#include "config/label_map.h"
#include "config/problems.h"

typedef struct od_check {
    const od_config *config;
    od_problems *problems;
    int skip_files;            /* don't look whether files exist */
    od_label_map *label_map;   /* of the train input (else the eval input), when it could be read */
} od_check;

/* Adds a problem about a field of `message` (NULL: the message itself). Line, path and, when the field was given, its
 * value are filled in. `expected` and `fix` may be NULL. */
void od_check_add(od_check *check, od_config_severity severity, const void *message, const char *field,
                  const char *expected, const char *fix, const char *format, ...) __attribute__((format(printf, 7, 8)));
/* An error about something that wasn't given; nothing when the message has fields that could not be read. */
void od_check_missing(od_check *check, const void *message, const char *field, const char *fix);

/* The parts. */
void od_check_fields(od_check *check);  /* value ranges, numbers that are not finite, fields that TF2 ignores */
void od_check_inputs(od_check *check);  /* readers, label maps, paths */
void od_check_train(od_check *check);   /* train_config */
void od_check_model(od_check *check);   /* model */
void od_check_keypoints(od_check *check); /* model, readers and augmentations together */
void od_check_detection(od_check *check, const ObjectDetection__Protos__Ssd *ssd); /* its parts that must go together */

/* True for a path that starts with PATH_TO_BE_CONFIGURED, and for "". */
int od_check_path_is_placeholder(const char *path);
/* Problems of a path as a text: placeholders and backslashes. Returns 1 when there was one. */
int od_check_path(od_check *check, const void *message, const char *field, const char *path);

#endif
