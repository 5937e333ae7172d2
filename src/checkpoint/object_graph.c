/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/object_graph.h"

#include "util/alloc.h"
#include "util/proto_alloc.h"

#include "trackable_object_graph.pb-c.h"

#include <string.h>

typedef ObjectGraph__TrackableObjectGraph__TrackableObject graph_node;

/* A small graph can hold very many long paths (each name is repeated below it); real ones hold 0.1 MB of them. */
#define MAX_PATH_SIZE 4096
#define MAX_PATH_BYTES ((size_t)64 << 20)

struct od_object_graph {
    ObjectGraph__TrackableObjectGraph *proto;
};

static int node_exists(const od_object_graph *g, int node)
{
    return node >= 0 && (size_t)node < g->proto->n_nodes;
}

static od_status check_node(const od_object_graph *g, size_t i, od_error *err)
{
    const graph_node *node = g->proto->nodes[i];
    int good = 1;
    for (size_t j = 0; j < node->n_children; j++) good &= node_exists(g, node->children[j]->node_id);
    for (size_t j = 0; j < node->n_slot_variables; j++) {
        good &= node_exists(g, node->slot_variables[j]->original_variable_node_id);
        good &= node_exists(g, node->slot_variables[j]->slot_variable_node_id);
    }
    if (good) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "object graph: node %zu refers to a node that doesn't exist (there are %zu)", i, g->proto->n_nodes);
}

od_status od_object_graph_parse(od_object_graph **out, const uint8_t *bytes, size_t size, od_error *err)
{
    int no_memory;
    ProtobufCAllocator allocator = od_proto_allocator(&no_memory);
    od_object_graph *g = od_calloc(1, sizeof *g);
    if (!g) return od_error_nomem(err, "an object graph");
    od_status status = OD_OK;
    g->proto = object_graph__trackable_object_graph__unpack(&allocator, size, bytes);
    if (!g->proto)
        status = no_memory ? od_error_nomem(err, "an object graph") : od_error_set(err, OD_ERR_FORMAT, "object graph: damaged");
    else if (g->proto->n_nodes == 0 || g->proto->n_nodes > INT32_MAX)
        status = od_error_set(err, OD_ERR_FORMAT, "object graph: no root");
    for (size_t i = 0; status == OD_OK && i < g->proto->n_nodes; i++) status = check_node(g, i, err);
    if (status == OD_OK)
        *out = g;
    else
        od_object_graph_free(g);
    return status;
}

void od_object_graph_free(od_object_graph *g)
{
    if (!g) return;
    ProtobufCAllocator allocator = od_proto_allocator(NULL);
    object_graph__trackable_object_graph__free_unpacked(g->proto, &allocator);
    od_free(g);
}

size_t od_object_graph_node_count(const od_object_graph *g)
{
    return g->proto->n_nodes;
}

/* Whether the first `size` characters of an escaped path part stand for `name`. */
static int part_is(const char *part, size_t size, const char *name)
{
    for (size_t i = 0; i < size; i++, name++) {
        char c = part[i];
        if (c == '.' && i + 1 < size) c = part[++i] == 'S' ? '/' : part[i];
        if (*name != c) return 0;
    }
    return *name == 0;
}

static int find_child(const graph_node *node, const char *part, size_t size)
{
    for (size_t i = 0; i < node->n_children; i++)
        if (part_is(part, size, node->children[i]->local_name)) return node->children[i]->node_id;
    return -1;
}

int od_object_graph_resolve(const od_object_graph *g, const char *path, size_t *resolved, int *stopped)
{
    int node = 0;
    const char *p = path;
    while (*p) {
        size_t size = strcspn(p, "/");
        int next = find_child(g->proto->nodes[node], p, size);
        if (resolved) *resolved = p == path ? 0 : (size_t)(p - path - 1);
        if (stopped) *stopped = node;
        if (next < 0) return -1;
        node = next;
        p += size;
        if (*p == '/') p++;
    }
    if (resolved) *resolved = strlen(path);
    if (stopped) *stopped = node;
    return node;
}

void od_object_graph_child_names(const od_object_graph *g, int node, int max, od_strbuf *out)
{
    const graph_node *n = g->proto->nodes[node];
    for (size_t i = 0; i < n->n_children && i < (size_t)max; i++) od_strbuf_printf(out, "%s%.80s", i ? ", " : "", n->children[i]->local_name);
    if (n->n_children > (size_t)max) od_strbuf_puts(out, ", ...");
}

const char *od_object_graph_key(const od_object_graph *g, int node)
{
    const graph_node *n = g->proto->nodes[node];
    for (size_t i = 0; i < n->n_attributes; i++)
        if (!strcmp(n->attributes[i]->name, "VARIABLE_VALUE")) return n->attributes[i]->checkpoint_key;
    return NULL;
}

int od_object_graph_slot(const od_object_graph *g, int node, const char *slot)
{
    for (size_t i = 0; i < g->proto->n_nodes; i++) {
        const graph_node *n = g->proto->nodes[i];
        for (size_t j = 0; j < n->n_slot_variables; j++)
            if (n->slot_variables[j]->original_variable_node_id == node && !strcmp(n->slot_variables[j]->slot_name, slot))
                return n->slot_variables[j]->slot_variable_node_id;
    }
    return -1;
}

/* ---- all variables ---- */

/* How a node was first reached. */
typedef struct reached {
    int parent;       /* -1: not yet */
    const char *name; /* of the child reference */
} reached;

static size_t escaped_size(const char *name)
{
    size_t n = 0;
    for (; *name; name++) n += *name == '.' || *name == '/' ? 2 : 1;
    return n;
}

/* Writes the escaped name so that it ends before `end`; returns its start. */
static char *put_escaped(char *end, const char *name)
{
    char *start = end - escaped_size(name), *p = start;
    for (; *name; name++) {
        if (*name == '.' || *name == '/') *p++ = '.';
        *p++ = *name == '/' ? 'S' : *name;
    }
    return start;
}

/* The path to `node` (not the root) by parents; NULL when out of memory or, with *too_long, when beyond the limit. */
static char *make_path(const reached *from, int node, size_t *size, int *too_long)
{
    *size = 0;
    for (int n = node; n != 0; n = from[n].parent) {
        *size += escaped_size(from[n].name) + 1;
        if (*size > MAX_PATH_SIZE) {
            *too_long = 1;
            return NULL;
        }
    }
    char *path = od_malloc(*size, 1);
    if (!path) return NULL;
    char *p = path + *size;
    *--p = 0;
    for (int n = node; n != 0; n = from[n].parent) {
        p = put_escaped(p, from[n].name);
        if (p > path) *--p = '/';
    }
    return path;
}

/* Breadth first from the root: fills `from` and the order of visits; returns how many. */
static size_t visit_all(const od_object_graph *g, reached *from, int *order)
{
    size_t count = 1;
    for (size_t i = 0; i < g->proto->n_nodes; i++) from[i].parent = -1;
    from[0] = (reached){0, ""};
    order[0] = 0;
    for (size_t i = 0; i < count; i++) {
        const graph_node *n = g->proto->nodes[order[i]];
        for (size_t j = 0; j < n->n_children; j++) {
            int child = n->children[j]->node_id;
            if (from[child].parent >= 0) continue;
            from[child] = (reached){order[i], n->children[j]->local_name};
            order[count++] = child;
        }
    }
    return count;
}

static od_status collect(const od_object_graph *g, const reached *from, const int *order, size_t visited, od_object_path **paths, size_t *count,
                         od_error *err)
{
    size_t capacity = 0, total = 0, size;
    for (size_t i = 1; i < visited; i++) {
        int too_long = 0;
        if (!od_object_graph_key(g, order[i])) continue;
        char *path = make_path(from, order[i], &size, &too_long);
        total += size;
        if (too_long || total > MAX_PATH_BYTES) {
            od_free(path);
            return od_error_set(err, OD_ERR_FORMAT, "object graph: paths of more than %d characters, or 64 MiB together", MAX_PATH_SIZE);
        }
        if (!path || od_grow(paths, &capacity, *count + 1, sizeof **paths)) {
            od_free(path);
            return od_error_nomem(err, "the object graph's paths");
        }
        (*paths)[(*count)++] = (od_object_path){path, order[i]};
    }
    return OD_OK;
}

od_status od_object_graph_variables(const od_object_graph *g, od_object_path **out, size_t *count, od_error *err)
{
    od_object_path *paths = NULL;
    size_t found = 0;
    reached *from = od_malloc(g->proto->n_nodes, sizeof *from);
    int *order = od_malloc(g->proto->n_nodes, sizeof *order);
    od_status status = OD_OK;
    if (!from || !order)
        status = od_error_nomem(err, "the object graph's paths");
    else
        status = collect(g, from, order, visit_all(g, from, order), &paths, &found, err);
    od_free(from);
    od_free(order);
    if (status == OD_OK) {
        *out = paths;
        *count = found;
    } else {
        od_object_paths_free(paths, found);
    }
    return status;
}

void od_object_paths_free(od_object_path *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) od_free(paths[i].path);
    od_free(paths);
}
