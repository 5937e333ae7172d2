/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of an od_text_tree, shared by its accessors (text_tree.c) and the parser (text_format.c).
 */
#ifndef OD_CONFIG_TEXT_TREE_H
#define OD_CONFIG_TEXT_TREE_H

#include "config/text_format.h"

#include <stdint.h>

/* One `field: value` or `field { }` of the text. */
typedef struct text_position {
    const ProtobufCMessage *message; /* that has the field */
    const ProtobufCFieldDescriptor *field;
    const ProtobufCMessage *child; /* for message fields */
    size_t index;                  /* of a repeated field's element */
    int line;
} text_position;

struct od_text_tree {
    ProtobufCMessage *root;
    text_position *positions; /* in the order of the text */
    size_t position_count, position_capacity;
    ProtobufCMessage **discarded; /* replaced members of oneofs: positions still point to them */
    size_t discarded_count, discarded_capacity;
    const ProtobufCMessage **damaged;
    size_t damaged_count, damaged_capacity;
};

#endif
