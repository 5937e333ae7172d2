/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint.h"

#include "checkpoint/object_graph.h"
#include "checkpoint/tensor_bundle.h"
#include "util/alloc.h"

#include <string.h>

/* The key of the packed TrackableObjectGraph. */
#define GRAPH_KEY "_CHECKPOINTABLE_OBJECT_GRAPH"

struct od_checkpoint {
    od_bundle *bundle;
    od_object_graph *graph;
    od_object_path *paths;
    size_t count;
};

static od_status read_graph(od_checkpoint *c, od_error *err)
{
    const char *prefix = od_bundle_prefix(c->bundle);
    const od_bundle_entry *e = od_bundle_find(c->bundle, GRAPH_KEY);
    if (!e)
        return od_error_set(err, OD_ERR_UNSUPPORTED,
                            "%s: a TF1 (name-based) checkpoint, without an object graph; expected a TF2 one, such as checkpoint/ckpt-0 of the TF2 detection zoo", prefix);
    const uint8_t *bytes;
    size_t size;
    OD_TRY(od_bundle_string(c->bundle, e, &bytes, &size, err));
    od_status status = od_object_graph_parse(&c->graph, bytes, size, err);
    if (status == OD_OK) status = od_object_graph_variables(c->graph, &c->paths, &c->count, err);
    if (status != OD_OK) od_error_prefix(err, "%s", prefix);
    return status;
}

od_status od_checkpoint_open(od_checkpoint **out, const char *prefix, od_error *err)
{
    od_checkpoint *c = od_calloc(1, sizeof *c);
    if (!c) return od_error_nomem(err, prefix);
    od_status status = od_bundle_open(&c->bundle, prefix, err);
    if (status == OD_OK) status = read_graph(c, err);
    if (status == OD_OK)
        *out = c;
    else
        od_checkpoint_close(c);
    return status;
}

void od_checkpoint_close(od_checkpoint *c)
{
    if (!c) return;
    od_object_paths_free(c->paths, c->count);
    od_object_graph_free(c->graph);
    od_bundle_close(c->bundle);
    od_free(c);
}

const char *od_checkpoint_prefix(const od_checkpoint *c)
{
    return od_bundle_prefix(c->bundle);
}

/* Fills *tensor from a node; `what` names it in errors. */
static od_status read_node(od_checkpoint *c, int node, const char *what, od_checkpoint_tensor *tensor, od_error *err)
{
    const char *key = od_object_graph_key(c->graph, node);
    if (!key) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: '%s' is an object, not a variable", od_checkpoint_prefix(c), what);
    const od_bundle_entry *e = od_bundle_find(c->bundle, key);
    if (!e)
        return od_error_set(err, OD_ERR_FORMAT, "%s: the object graph says that '%s' is stored as '%s', which isn't there", od_checkpoint_prefix(c), what, key);
    od_checkpoint_tensor t = {.dtype = e->dtype, .rank = e->rank, .bytes = (size_t)e->size, .key = e->key};
    memcpy(t.shape, e->shape, sizeof t.shape);
    OD_TRY(od_bundle_data(c->bundle, e, &t.data, err));
    *tensor = t;
    return OD_OK;
}

static od_status path_not_found(const od_checkpoint *c, const char *path, size_t resolved, int stopped, od_error *err)
{
    od_strbuf names = {0};
    od_object_graph_child_names(c->graph, stopped, 8, &names);
    int cut = resolved > 500 ? 500 : (int)resolved;
    od_status status = od_error_set(err, OD_ERR_NOT_FOUND, "%s: no '%s'; %s%.*s%s has %s", od_checkpoint_prefix(c), path, resolved ? "'" : "the root", cut,
                                    path, resolved ? "'" : "", names.size ? names.data : "nothing below it");
    od_strbuf_deinit(&names);
    return status;
}

static od_status resolve(const od_checkpoint *c, const char *path, int *node, od_error *err)
{
    size_t resolved = 0;
    int stopped = 0;
    *node = od_object_graph_resolve(c->graph, path, &resolved, &stopped);
    return *node < 0 ? path_not_found(c, path, resolved, stopped, err) : OD_OK;
}

od_status od_checkpoint_find(od_checkpoint *c, const char *path, od_checkpoint_tensor *tensor, od_error *err)
{
    int node;
    OD_TRY(resolve(c, path, &node, err));
    return read_node(c, node, path, tensor, err);
}

od_status od_checkpoint_find_slot(od_checkpoint *c, const char *path, const char *slot, od_checkpoint_tensor *tensor, od_error *err)
{
    int node;
    OD_TRY(resolve(c, path, &node, err));
    int slot_node = od_object_graph_slot(c->graph, node, slot);
    if (slot_node < 0) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: '%s' has no optimizer slot '%s'", od_checkpoint_prefix(c), path, slot);
    return read_node(c, slot_node, path, tensor, err);
}

int od_checkpoint_has(const od_checkpoint *c, const char *path)
{
    return od_object_graph_resolve(c->graph, path, NULL, NULL) >= 0;
}

od_status od_checkpoint_step(od_checkpoint *c, int64_t *step, od_error *err)
{
    static const char *const names[] = {"step", "global_step", "optimizer/iter"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        od_checkpoint_tensor t;
        if (!od_checkpoint_has(c, names[i])) continue;
        OD_TRY(od_checkpoint_find(c, names[i], &t, err));
        if (t.dtype != OD_I64 || t.rank != 0)
            return od_error_set(err, OD_ERR_FORMAT, "%s: '%s' is not one 64-bit number", od_checkpoint_prefix(c), names[i]);
        memcpy(step, t.data, sizeof *step);
        return OD_OK;
    }
    return od_error_set(err, OD_ERR_NOT_FOUND, "%s: holds no 'step'; it was not saved by a training", od_checkpoint_prefix(c));
}

size_t od_checkpoint_count(const od_checkpoint *c)
{
    return c->count;
}

const char *od_checkpoint_path(const od_checkpoint *c, size_t i)
{
    return i < c->count ? c->paths[i].path : NULL;
}

od_status od_checkpoint_at(od_checkpoint *c, size_t i, od_checkpoint_tensor *tensor, od_error *err)
{
    if (i >= c->count) return od_error_set(err, OD_ERR_ARG, "%s: variable %zu of %zu", od_checkpoint_prefix(c), i, c->count);
    return read_node(c, c->paths[i].node, c->paths[i].path, tensor, err);
}

/* ---- writing ---- */

struct od_checkpoint_writer {
    od_bundle_writer *bundle;
    od_object_graph_builder *graph;
};

od_status od_checkpoint_writer_create(od_checkpoint_writer **out, const char *prefix, od_error *err)
{
    od_checkpoint_writer *w = od_calloc(1, sizeof *w);
    if (!w) return od_error_nomem(err, prefix);
    od_status status = od_object_graph_builder_create(&w->graph, err);
    if (status == OD_OK) status = od_bundle_writer_create(&w->bundle, prefix, err);
    if (status == OD_OK)
        *out = w;
    else
        od_checkpoint_writer_abort(w);
    return status;
}

od_status od_checkpoint_writer_add(od_checkpoint_writer *w, const char *path, od_dtype dtype, int rank, const int64_t *shape, const void *data, od_error *err)
{
    char *key = od_asprintf("%s%s", path, OD_OBJECT_GRAPH_SUFFIX);
    if (!key) return od_error_nomem(err, path);
    od_status status = od_object_graph_builder_add(w->graph, path, key, err);
    if (status == OD_OK) status = od_bundle_writer_add(w->bundle, key, dtype, rank, shape, data, err);
    od_free(key);
    return status;
}

od_status od_checkpoint_writer_add_slot(od_checkpoint_writer *w, const char *path, const char *optimizer, const char *slot, od_dtype dtype, int rank,
                                        const int64_t *shape, const void *data, od_error *err)
{
    char *key = od_asprintf("%s/.OPTIMIZER_SLOT/%s/%s%s", path, optimizer, slot, OD_OBJECT_GRAPH_SUFFIX);
    if (!key) return od_error_nomem(err, path);
    od_status status = od_object_graph_builder_add_slot(w->graph, path, optimizer, slot, key, err);
    if (status == OD_OK) status = od_bundle_writer_add(w->bundle, key, dtype, rank, shape, data, err);
    od_free(key);
    return status;
}

od_status od_checkpoint_writer_add_i64(od_checkpoint_writer *w, const char *path, int64_t value, od_error *err)
{
    return od_checkpoint_writer_add(w, path, OD_I64, 0, NULL, &value, err);
}

od_status od_checkpoint_writer_add_f32(od_checkpoint_writer *w, const char *path, float value, od_error *err)
{
    return od_checkpoint_writer_add(w, path, OD_F32, 0, NULL, &value, err);
}

static od_status add_graph(od_checkpoint_writer *w, od_error *err)
{
    od_strbuf graph = {0};
    od_status status = od_object_graph_builder_pack(w->graph, &graph, err);
    if (status == OD_OK) status = od_bundle_writer_add_string(w->bundle, GRAPH_KEY, graph.data, graph.size, err);
    od_strbuf_deinit(&graph);
    return status;
}

od_status od_checkpoint_writer_finish(od_checkpoint_writer *w, od_error *err)
{
    od_status status = add_graph(w, err);
    if (status == OD_OK) {
        status = od_bundle_writer_finish(w->bundle, err);
        w->bundle = NULL;
    }
    od_checkpoint_writer_abort(w);
    return status;
}

void od_checkpoint_writer_abort(od_checkpoint_writer *w)
{
    if (!w) return;
    od_bundle_writer_abort(w->bundle);
    od_object_graph_builder_free(w->graph);
    od_free(w);
}
