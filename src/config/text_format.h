/* SPDX-License-Identifier: Apache-2.0
 *
 * Protobuf text format -> protobuf-c messages, for any message type, driven by its descriptor. It reads what Merge
 * of protobuf's Python text_format (3.20) reads, since that is what the OD API calls: a scalar given twice keeps
 * its last value, a message given twice is merged, another member of a oneof replaces the first. Unlike it, the
 * parser goes on after an error, at the next field, so that all errors are found at once; and the line of every
 * field is kept.
 *
 *     od_text_tree *tree;
 *     OD_TRY(od_text_parse(&object_detection__protos__string_int_label_map__descriptor, text, size, path, &tree, err));
 *     const ObjectDetection__Protos__StringIntLabelMap *map = (const void *)od_text_tree_root(tree);
 */
#ifndef OD_CONFIG_TEXT_FORMAT_H
#define OD_CONFIG_TEXT_FORMAT_H

#include "config/problems.h"
#include "util/strbuf.h"

#include <protobuf-c/protobuf-c.h>

/* A message with all below it, and where its fields stand in the text. */
typedef struct od_text_tree od_text_tree;

/* An empty message. NULL when out of memory. */
od_text_tree *od_text_tree_create(const ProtobufCMessageDescriptor *type);
void od_text_tree_free(od_text_tree *tree);

/* Reads text on top of what the tree holds. Syntax errors and doubtful things are added to `problems` with `name` as
 * their file; the rest of the text is read all the same. Fails with OD_ERR_NOMEM only. */
od_status od_text_tree_merge(od_text_tree *tree, const char *text, size_t size, const char *name, od_problems *problems,
                             od_error *err);

/* create + merge; OD_ERR_FORMAT with the first syntax error ("name:line:column: ..."). */
od_status od_text_parse(const ProtobufCMessageDescriptor *type, const char *text, size_t size, const char *name,
                        od_text_tree **out, od_error *err);

/* Lives as long as the tree. */
ProtobufCMessage *od_text_tree_root(const od_text_tree *tree);

/* Line (from 1) where a field of `message` was given; the last one for index -1; 0 when it wasn't given. With a NULL
 * field: where the message itself begins. */
int od_text_tree_line(const od_text_tree *tree, const void *message, const char *field, int64_t index);
/* Whether a field of this message could not be read, so that it may be missing for that reason only. */
int od_text_tree_damaged(const od_text_tree *tree, const void *message);
/* Appends "model.ssd.fpn.min_level"; elements of repeated fields get [index] when there are several. `field` may be
 * NULL. */
void od_text_tree_path(const od_text_tree *tree, const void *message, const char *field, od_strbuf *out);

/* Appends the message as text, each field on its line, in the order of the field numbers. Floats get as few digits as
 * read back to the same value. */
void od_text_format(const ProtobufCMessage *message, od_strbuf *out);
/* Appends one element as text; messages as { ... } on one line. */
void od_text_format_element(const ProtobufCFieldDescriptor *field, const void *element, od_strbuf *out);

#endif
