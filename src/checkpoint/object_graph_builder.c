/* SPDX-License-Identifier: Apache-2.0
 *
 * The writing half of object_graph.h: one node a path part, packed node by node.
 */
#include "checkpoint/object_graph.h"
#include "checkpoint/sstable.h"
#include "util/alloc.h"
#include "util/hashmap.h"

#include "trackable_object_graph.pb-c.h"

#include <string.h>

typedef struct child_ref {
    char *name; /* unescaped */
    int node;
} child_ref;

typedef struct slot_ref {
    char *name;
    int original, node;
} slot_ref;

typedef struct build_node {
    char *key; /* NULL: holds no value */
    child_ref *children;
    size_t child_count, child_capacity;
    slot_ref *slots;
    size_t slot_count, slot_capacity;
} build_node;

struct od_object_graph_builder {
    build_node *nodes;
    size_t count, capacity;
    od_hashmap by_path;
};

/* A new node without anything, or -1 when out of memory. */
static int new_node(od_object_graph_builder *b)
{
    if (b->count >= INT32_MAX || od_grow(&b->nodes, &b->capacity, b->count + 1, sizeof *b->nodes)) return -1;
    b->nodes[b->count] = (build_node){0};
    return (int)b->count++;
}

od_status od_object_graph_builder_create(od_object_graph_builder **out, od_error *err)
{
    od_object_graph_builder *b = od_calloc(1, sizeof *b);
    if (!b || new_node(b) < 0) {
        od_object_graph_builder_free(b);
        return od_error_nomem(err, "an object graph");
    }
    *out = b;
    return OD_OK;
}

void od_object_graph_builder_free(od_object_graph_builder *b)
{
    if (!b) return;
    for (size_t i = 0; i < b->count; i++) {
        build_node *n = &b->nodes[i];
        for (size_t j = 0; j < n->child_count; j++) od_free(n->children[j].name);
        for (size_t j = 0; j < n->slot_count; j++) od_free(n->slots[j].name);
        od_free(n->children);
        od_free(n->slots);
        od_free(n->key);
    }
    od_free(b->nodes);
    od_hashmap_deinit(&b->by_path);
    od_free(b);
}

/* The local name that an escaped part of `size` characters stands for. */
static char *unescape(const char *part, size_t size)
{
    char *name = od_malloc(size + 1, 1);
    if (!name) return NULL;
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        char c = part[i];
        if (c == '.' && i + 1 < size) c = part[++i] == 'S' ? '/' : part[i];
        name[n++] = c;
    }
    name[n] = 0;
    return name;
}

/* A child of `parent`; -1 when out of memory. */
static int new_child(od_object_graph_builder *b, int parent, const char *part, size_t size)
{
    int node = new_node(b);
    if (node < 0) return -1;
    build_node *p = &b->nodes[parent];
    char *name = unescape(part, size);
    if (!name || od_grow(&p->children, &p->child_capacity, p->child_count + 1, sizeof *p->children)) {
        od_free(name);
        return -1;
    }
    p->children[p->child_count++] = (child_ref){name, node};
    return node;
}

/* The node at the first `size` characters of `path`, made when it isn't there. */
static int node_at(od_object_graph_builder *b, int parent, const char *path, size_t start, size_t size)
{
    int64_t known;
    char *prefix = od_strndup(path, size);
    if (!prefix) return -1;
    int node = -1;
    if (od_hashmap_get(&b->by_path, prefix, &known))
        node = (int)known;
    else if ((node = new_child(b, parent, path + start, size - start)) >= 0 && od_hashmap_set(&b->by_path, prefix, node))
        node = -1;
    od_free(prefix);
    return node;
}

/* The node at `path`, with all above it. */
static od_status make_nodes(od_object_graph_builder *b, const char *path, int *out, od_error *err)
{
    int node = 0;
    for (size_t start = 0;; start++) {
        size_t size = start + strcspn(path + start, "/");
        if (size == start) return od_error_set(err, OD_ERR_ARG, "checkpoint path '%s' has an empty part", path);
        node = node_at(b, node, path, start, size);
        if (node < 0) return od_error_nomem(err, "an object graph");
        start = size;
        if (!path[size]) break;
    }
    *out = node;
    return OD_OK;
}

od_status od_object_graph_builder_add(od_object_graph_builder *b, const char *path, const char *key, od_error *err)
{
    int node = 0;
    OD_TRY(make_nodes(b, path, &node, err));
    if (b->nodes[node].key) return od_error_set(err, OD_ERR_ARG, "checkpoint path '%s' is written twice", path);
    b->nodes[node].key = od_strdup(key);
    return b->nodes[node].key ? OD_OK : od_error_nomem(err, key);
}

od_status od_object_graph_builder_add_slot(od_object_graph_builder *b, const char *path, const char *optimizer, const char *slot, const char *key,
                                           od_error *err)
{
    int64_t original;
    int owner = 0;
    if (!od_hashmap_get(&b->by_path, path, &original) || !b->nodes[original].key)
        return od_error_set(err, OD_ERR_ARG, "slot '%s' of '%s': the variable must be added before it", slot, path);
    OD_TRY(make_nodes(b, optimizer, &owner, err));
    int node = new_node(b);
    if (node < 0) return od_error_nomem(err, "an object graph");
    build_node *o = &b->nodes[owner];
    b->nodes[node].key = od_strdup(key);
    char *name = od_strdup(slot);
    if (!name || !b->nodes[node].key || od_grow(&o->slots, &o->slot_capacity, o->slot_count + 1, sizeof *o->slots)) {
        od_free(name);
        return od_error_nomem(err, "an object graph");
    }
    o->slots[o->slot_count++] = (slot_ref){name, (int)original, node};
    return OD_OK;
}

/* ---- packing ---- */

typedef ObjectGraph__TrackableObjectGraph__TrackableObject packed_node;
typedef ObjectGraph__TrackableObjectGraph__TrackableObject__ObjectReference packed_child;
typedef ObjectGraph__TrackableObjectGraph__TrackableObject__SerializedTensor packed_attribute;
typedef ObjectGraph__TrackableObjectGraph__TrackableObject__SlotVariableReference packed_slot;

/* One allocation: `count` messages of `size` bytes and the pointers to them that protobuf-c wants. */
static void *message_array(size_t count, size_t size, void ***pointers)
{
    char *messages = od_malloc(count, size + sizeof(void *));
    if (!messages) return NULL;
    *pointers = (void **)(messages + count * size);
    for (size_t i = 0; i < count; i++) (*pointers)[i] = messages + i * size;
    return messages;
}

static packed_child *pack_children(const build_node *n, packed_node *out)
{
    void **pointers = NULL;
    packed_child *children = message_array(n->child_count, sizeof *children, &pointers);
    if (!children) return NULL;
    for (size_t i = 0; i < n->child_count; i++) {
        object_graph__trackable_object_graph__trackable_object__object_reference__init(&children[i]);
        children[i].local_name = n->children[i].name;
        children[i].node_id = n->children[i].node;
    }
    out->n_children = n->child_count;
    out->children = (packed_child **)pointers;
    return children;
}

static packed_slot *pack_slots(const build_node *n, packed_node *out)
{
    void **pointers = NULL;
    packed_slot *slots = message_array(n->slot_count, sizeof *slots, &pointers);
    if (!slots) return NULL;
    for (size_t i = 0; i < n->slot_count; i++) {
        object_graph__trackable_object_graph__trackable_object__slot_variable_reference__init(&slots[i]);
        slots[i].slot_name = n->slots[i].name;
        slots[i].original_variable_node_id = n->slots[i].original;
        slots[i].slot_variable_node_id = n->slots[i].node;
    }
    out->n_slot_variables = n->slot_count;
    out->slot_variables = (packed_slot **)pointers;
    return slots;
}

/* Field 1 of TrackableObjectGraph: tag, size, the packed node. */
static od_status append_node(const packed_node *node, od_strbuf *out, od_error *err)
{
    size_t size = protobuf_c_message_get_packed_size(&node->base);
    uint8_t head[11] = {1 << 3 | 2};
    uint8_t *bytes = od_malloc(size, 1);
    if (!bytes) return od_error_nomem(err, "an object graph");
    protobuf_c_message_pack(&node->base, bytes);
    od_strbuf_append(out, head, 1 + od_varint_write(head + 1, size));
    od_strbuf_append(out, bytes, size);
    od_free(bytes);
    return od_strbuf_failed(out) ? od_error_nomem(err, "an object graph") : OD_OK;
}

static od_status pack_node(const build_node *n, od_strbuf *out, od_error *err)
{
    packed_node node = OBJECT_GRAPH__TRACKABLE_OBJECT_GRAPH__TRACKABLE_OBJECT__INIT;
    packed_attribute value = OBJECT_GRAPH__TRACKABLE_OBJECT_GRAPH__TRACKABLE_OBJECT__SERIALIZED_TENSOR__INIT, *values[1] = {&value};
    ObjectGraph__BoolValue yes = OBJECT_GRAPH__BOOL_VALUE__INIT;
    yes.value = 1;
    node.has_checkpoint_values = &yes; /* every node of the tree leads to a value */
    if (n->key) {
        value.name = (char *)"VARIABLE_VALUE";
        value.checkpoint_key = n->key;
        node.n_attributes = 1;
        node.attributes = values;
    }
    packed_child *children = pack_children(n, &node);
    packed_slot *slots = pack_slots(n, &node);
    od_status status = children && slots ? append_node(&node, out, err) : od_error_nomem(err, "an object graph");
    od_free(children);
    od_free(slots);
    return status;
}

od_status od_object_graph_builder_pack(const od_object_graph_builder *b, od_strbuf *out, od_error *err)
{
    for (size_t i = 0; i < b->count; i++) OD_TRY(pack_node(&b->nodes[i], out, err));
    return OD_OK;
}
