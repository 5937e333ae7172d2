/* SPDX-License-Identifier: Apache-2.0
 *
 * The object graph of a TF2 checkpoint (TrackableObjectGraph): node 0 is the root; a node has named children, may hold a
 * value (attribute VARIABLE_VALUE -> checkpoint key) and, an optimiser, slot variables (original variable, slot name ->
 * slot's node). Objects may be reached by several routes: what a path means is found by walking, never from the key.
 *
 * A path is local names joined with '/', each escaped as TensorFlow does in keys: '.' -> "..", '/' -> ".S"
 * (tensorflow/python/checkpoint/trackable_view.py), e.g. "model/_prediction_head_dict/box.Soffset/0".
 */
#ifndef OD_CHECKPOINT_OBJECT_GRAPH_H
#define OD_CHECKPOINT_OBJECT_GRAPH_H

#include "util/error.h"
#include "util/strbuf.h"

#include <stddef.h>
#include <stdint.h>

/* A variable's key is its first path and this. */
#define OD_OBJECT_GRAPH_SUFFIX "/.ATTRIBUTES/VARIABLE_VALUE"

typedef struct od_object_graph od_object_graph;

/* Unpacks and checks that every node number exists. */
od_status od_object_graph_parse(od_object_graph **out, const uint8_t *bytes, size_t size, od_error *err);
void od_object_graph_free(od_object_graph *g);

size_t od_object_graph_node_count(const od_object_graph *g);
/* The node at `path` ("" is the root), or -1. When `resolved` is not NULL: how many characters of the path were found, and
 * in *stopped the last node found. */
int od_object_graph_resolve(const od_object_graph *g, const char *path, size_t *resolved, int *stopped);
/* Up to `max` names of a node's children, as "a, b, ..." into out. */
void od_object_graph_child_names(const od_object_graph *g, int node, int max, od_strbuf *out);
/* The checkpoint key of a node's VARIABLE_VALUE; NULL when it has none. */
const char *od_object_graph_key(const od_object_graph *g, int node);
/* The node of `node`'s slot variable, -1 when there is none. */
int od_object_graph_slot(const od_object_graph *g, int node, const char *slot);

/* Every node with a value that can be reached from the root, breadth first, with the first path to it. */
typedef struct od_object_path {
    char *path;
    int node;
} od_object_path;
od_status od_object_graph_variables(const od_object_graph *g, od_object_path **out, size_t *count, od_error *err);
void od_object_paths_free(od_object_path *paths, size_t count);

/* Builds a graph that is the tree of the paths given to it. */
typedef struct od_object_graph_builder od_object_graph_builder;
od_status od_object_graph_builder_create(od_object_graph_builder **out, od_error *err);
void od_object_graph_builder_free(od_object_graph_builder *b);
/* A variable at `path`, saved under `key`. OD_ERR_ARG when the path is empty, has an empty part or is taken. */
od_status od_object_graph_builder_add(od_object_graph_builder *b, const char *path, const char *key, od_error *err);
/* The slot `slot` that the optimiser at path `optimizer` keeps for the variable at `path` (added before), saved under `key`. */
od_status od_object_graph_builder_add_slot(od_object_graph_builder *b, const char *path, const char *optimizer, const char *slot, const char *key,
                                           od_error *err);
/* Appends the packed message. */
od_status od_object_graph_builder_pack(const od_object_graph_builder *b, od_strbuf *out, od_error *err);

#endif
