/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of fields: for every field of every message that a pipeline.config can hold, what it does here and in TensorFlow 2's
 * OD API. The checks warn by it, `objdet config fields` and docs/CONFIG.md are printed from it. Whether a field is there yet
 * is asked of support.h, so that the two cannot contradict each other.
 */
#ifndef OD_CONFIG_FIELDS_H
#define OD_CONFIG_FIELDS_H

#include "util/strbuf.h"

#include <protobuf-c/protobuf-c.h>

typedef enum od_field_kind {
    OD_FIELD_SAME,      /* does what it does in TensorFlow 2 */
    OD_FIELD_DIFFERS,   /* works, but not as in TensorFlow 2: `tf2` tells the difference */
    OD_FIELD_NO_EFFECT, /* changes no number, here and there (queues, TPU kernels): worth a note only */
    OD_FIELD_IGNORED,   /* was meant to change something, and TensorFlow 2 doesn't read it, nor does this: worth a warning */
    OD_FIELD_INVALID    /* TensorFlow 2 refuses it: an error */
} od_field_kind;

typedef struct od_field_row {
    const char *type, *field; /* message type; field, or "*" for all fields of the type that have no row */
    od_field_kind kind;
    const char *what; /* what it does here */
    const char *tf2;  /* what TensorFlow 2 does, when it isn't that; where that is seen */
    const char *fix;  /* IGNORED and INVALID: what to do about it */
} od_field_row;

typedef struct od_field_rows {
    const od_field_row *rows;
    size_t count;
} od_field_rows;

/* The tables, one a file. */
extern const od_field_rows od_fields_model, od_fields_parts, od_fields_detection, od_fields_center_net, od_fields_train, od_fields_augmentation,
    od_fields_input, od_fields_eval;

/* The row of a field, or NULL. */
const od_field_row *od_field_find(const char *type, const char *field);

/* For tests: a row that no message has or that stands twice, or NULL. */
const od_field_row *od_field_bad_row(void);
/* Calls `visit` once for each field of each message below `root`, depth first. */
void od_field_walk(const ProtobufCMessageDescriptor *root, void (*visit)(void *user, const ProtobufCMessageDescriptor *, const ProtobufCFieldDescriptor *),
                   void *user);

/* The field that a path such as "model.ssd.matcher.argmax_matcher.matched_threshold" leads to (indices [] and [3] are left out); NULL
 * when there is none. *type gets the message that has it. */
const ProtobufCFieldDescriptor *od_field_at_path(const char *path, const ProtobufCMessageDescriptor **type);

/* Appends docs/CONFIG.md. */
void od_fields_format_page(od_strbuf *out);
/* Appends what is known of one field as lines of text. */
void od_field_format(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field, od_strbuf *out);

#endif
