/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/model_summary.h"

#include "report/svg_network.h"
#include "train/optimizer.h"
#include "train/run_setup.h"
#include "util/alloc.h"
#include "util/file.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

static const char *const part_names[] = {"backbone", "neck", "heads"};
enum { PARTS = 3 };

const char *od_model_supported_type(int index, const char **meta)
{
    static const struct { const char *message, *meta; } metas[] = {
        {"SsdFeatureExtractor", "ssd"}, {"CenterNetFeatureExtractor", "center_net"}, {"FasterRcnnFeatureExtractor", "faster_rcnn"}};
    for (size_t m = 0; m < sizeof metas / sizeof *metas; m++)
        for (int i = 0;; i++) {
            const char *type = od_support_value(metas[m].message, "type", i);
            if (!type) break;
            if (index-- > 0) continue;
            *meta = metas[m].meta;
            return type;
        }
    return NULL;
}

typedef struct shown {
    const od_model_summary_options *o;
    od_run_setup setup;
    int height, width, threads;
} shown;

static od_status open_model(shown *s, const od_model_summary_options *o, od_error *err)
{
    *s = (shown){.o = o, .threads = o->num_threads > 0 ? o->num_threads : omp_get_max_threads()};
    OD_TRY(od_run_setup_init(&s->setup, o->pipeline_config_path, OD_USE_PREDICT, err));
    od_preprocess_fixed_shape(&s->setup.preprocess, &s->height, &s->width);
    if (o->height) s->height = o->height;
    if (o->width) s->width = o->width;
    if (s->height > 0 && s->width > 0 && s->height <= 32768 && s->width <= 32768) return OD_OK;
    return od_error_set(err, OD_ERR_ARG, "%s", o->height || o->width ? "height and width: expected 1 to 32768" : "this config's images have no fixed size: give --height and --width");
}

static od_status make(const shown *s, od_net_mode mode, int64_t batch, od_instance **out, od_error *err)
{
    od_net_options options = {.threads = s->threads};
    return od_instance_create(out, s->setup.model, mode, batch, s->height, s->width, &options, err);
}

/* What an instance holds besides the variables. */
static od_status instance_bytes(const shown *s, od_net_mode mode, int64_t batch, int64_t *bytes, od_error *err)
{
    od_instance *inst;
    OD_TRY(make(s, mode, batch, &inst, err));
    *bytes = (int64_t)od_net_memory(od_instance_net(inst));
    od_instance_free(inst);
    return OD_OK;
}

/* Floats of optimiser's state a weight: the config's, or momentum's one where it has none that works (it may be for prediction only). */
static int optimizer_slots(const shown *s)
{
    od_optimizer optimizer;
    od_error ignored = {0};
    return od_optimizer_init(&optimizer, s->setup.config, s->threads, &ignored) == OD_OK ? od_optimizer_slot_count(&optimizer) : 1;
}

static od_status find_memory(const shown *s, od_model_summary *out, od_error *err)
{
    int64_t weights = (int64_t)(od_model_variables(s->setup.model)->elements * sizeof(float)), two;
    OD_TRY(instance_bytes(s, OD_NET_INFER, 1, &out->predict_bytes, err));
    OD_TRY(instance_bytes(s, OD_NET_INFER, 2, &two, err));
    out->predict_bytes_more = two - out->predict_bytes;
    out->predict_bytes += weights;
    OD_TRY(instance_bytes(s, OD_NET_TRAIN, 1, &out->train_bytes, err));
    OD_TRY(instance_bytes(s, OD_NET_TRAIN, 2, &two, err));
    out->train_bytes_more = two - out->train_bytes;
    out->train_bytes += (2 + optimizer_slots(s)) * weights; /* values, gradients, state */
    return OD_OK;
}

static int starts_with(const char *name, const char *path)
{
    size_t n = path ? strlen(path) : 0;
    return n && !strncmp(name, path, n) && (name[n] == '/' || !name[n]);
}

/* Of a variable's or a node's path; -1: it tells nothing. */
static int part_of_path(const od_model *m, const char *path)
{
    const od_model_info *info = od_model_get_info(m);
    const char *first = info->backbone_shown ? info->backbone_shown : info->backbone_paths[0];
    if (starts_with(path, first) || starts_with(path, info->backbone_paths[1])) return 0;
    for (int i = 0; i < 2; i++)
        if (starts_with(path, info->features_paths[i])) return 1;
    return !strncmp(path, "model/", 6) ? 2 : -1;
}

/* A node without a path belongs to what it reads. */
static int part_of_node(const od_model *m, const od_graph *g, int node, const int *parts)
{
    int part = part_of_path(m, g->nodes[node].label);
    for (int i = 0; i < g->nodes[node].in_count && part < 0; i++) {
        int producer = g->values[g->nodes[node].in[i]].producer;
        if (producer >= 0) part = parts[producer];
    }
    return part < 0 ? 0 : part;
}

static od_status find_parts(const od_model *m, const od_graph *g, int **out, od_error *err)
{
    int *parts = od_calloc(g->node_count + 1, sizeof *parts);
    if (!parts) return od_error_nomem(err, "the network's parts");
    for (size_t i = 0; i < g->node_count; i++) parts[i] = part_of_node(m, g, (int)i, parts);
    *out = parts;
    return OD_OK;
}

static void count_parameters(const shown *s, od_model_summary *out)
{
    const od_variables *vars = od_model_variables(s->setup.model);
    for (size_t i = 0; i < vars->count; i++) {
        int part = part_of_path(s->setup.model, vars->items[i].name);
        out->parts[part < 0 ? 0 : part].parameters += vars->items[i].size;
        out->parameters += vars->items[i].size;
        if (vars->items[i].trainable) out->trained_parameters += vars->items[i].size;
    }
}

static od_status count_work(const shown *s, od_instance *inst, od_model_summary *out, od_error *err)
{
    const od_graph *g = od_instance_graph(inst);
    int *parts;
    int64_t shape[4];
    OD_TRY(find_parts(s->setup.model, g, &parts, err));
    for (size_t i = 0; i < g->node_count; i++) {
        double gflops = g->nodes[i].op->flops ? g->nodes[i].op->flops(g, &g->nodes[i]) * 1e-9 : 0;
        out->parts[parts[i]].gflops += gflops;
        out->gflops += gflops;
    }
    od_free(parts);
    if (od_instance_prediction(inst, "anchors", shape)) out->anchors = shape[0];
    return OD_OK;
}

static od_status describe(const shown *s, od_model_summary *out, od_error *err)
{
    const char *meta = "";
    snprintf(out->type, sizeof out->type, "%s", od_model_type(s->setup.model));
    for (int i = 0; od_model_supported_type(i, &meta) && strcmp(od_model_supported_type(i, &meta), out->type); i++) {}
    snprintf(out->meta, sizeof out->meta, "%s", meta);
    out->num_classes = od_model_num_classes(s->setup.model);
    out->height = s->height;
    out->width = s->width;
    out->num_threads = s->threads;
    out->part_count = PARTS;
    for (int i = 0; i < PARTS; i++) out->parts[i].name = part_names[i];
    count_parameters(s, out);
    od_instance *inst;
    OD_TRY(make(s, OD_NET_INFER, 1, &inst, err));
    od_status status = count_work(s, inst, out, err);
    od_instance_free(inst);
    return status == OD_OK ? find_memory(s, out, err) : status;
}

od_status od_model_summary_get(const od_model_summary_options *options, od_model_summary *out, od_error *err)
{
    shown s;
    *out = (od_model_summary){0};
    od_status status = open_model(&s, options, err);
    if (status == OD_OK) status = describe(&s, out, err);
    od_run_setup_deinit(&s.setup);
    return status;
}

/* --- drawing ---------------------------------------------------------------------------------------------------------------------- */

typedef struct box_text {
    char text[64], title[640];
    int in[16];
} box_text;

typedef struct drawing {
    const od_graph *g;
    od_network_box *boxes;
    box_text *texts;
    int *box_of;  /* by value: the box that makes it, -1: an input */
    int count;
} drawing;

static void name_box(const od_graph *g, const od_node *n, box_text *t)
{
    static const char *const acts[] = {"", " relu", " relu6", " swish", " sigmoid"};
    od_tensor_shape s = g->values[n->out].shape;
    char stride[16] = "";
    if (n->conv.stride > 1) snprintf(stride, sizeof stride, "/%d", n->conv.stride);
    if (n->op == &od_op_conv2d || n->op == &od_op_depthwise || n->op == &od_op_max_pool || n->op == &od_op_avg_pool)
        snprintf(t->text, sizeof t->text, "%s %dx%d%s %lld", n->op == &od_op_depthwise ? "depthwise" : n->op->name, n->conv.kernel_h, n->conv.kernel_w, stride,
                 (long long)s.c);
    else
        snprintf(t->text, sizeof t->text, "%s%s", od_op_is_addition(n->op) ? "add" : n->op->name, n->act < sizeof acts / sizeof *acts ? acts[n->act] : "");
    snprintf(t->title, sizeof t->title, "%s\n%lld x %lld x %lld", n->label, (long long)s.h, (long long)s.w, (long long)s.c);
    if (n->op->flops) snprintf(t->title + strlen(t->title), sizeof t->title - strlen(t->title), "\n%.3g GFLOP", n->op->flops(g, n) * 1e-9);
}

/* Batch norms and activations join the box of what they read. */
static int joins(const od_node *n)
{
    return n->op == &od_op_batch_norm || n->op == &od_op_activation;
}

static void join_box(const drawing *d, const od_node *n, int box)
{
    static const char *const acts[] = {"", " relu", " relu6", " swish", " sigmoid"};
    od_act act = n->op == &od_op_batch_norm ? n->bn.act : n->act;
    char *text = d->texts[box].text;
    size_t length = strlen(text), size = sizeof d->texts[box].text;
    snprintf(text + length, size - length, "%s%s", n->op == &od_op_batch_norm ? " bn" : "", act < sizeof acts / sizeof *acts ? acts[act] : "");
}

static void add_box(drawing *d, const od_node *n, int group)
{
    int box = d->count++;
    box_text *t = &d->texts[box];
    name_box(d->g, n, t);
    od_network_box *b = &d->boxes[box];
    *b = (od_network_box){.text = t->text, .title = t->title, .group = group, .height = d->g->values[n->out].shape.h, .in = t->in};
    if (n->op == &od_op_concat_predictions) b->height = 0; /* a column of its own on the right */
    for (int i = 0; i < n->in_count && b->in_count < 16; i++)
        if (d->box_of[n->in[i]] >= 0) t->in[b->in_count++] = d->box_of[n->in[i]];
    d->box_of[n->out] = box;
}

static od_status draw(const shown *s, od_instance *inst, od_strbuf *svg, od_error *err)
{
    const od_graph *g = od_instance_graph(inst);
    drawing d = {.g = g, .boxes = od_calloc(g->node_count + 1, sizeof *d.boxes), .texts = od_calloc(g->node_count + 1, sizeof *d.texts),
                 .box_of = od_calloc(g->value_count + 1, sizeof *d.box_of)};
    int *parts = NULL;
    od_status status = d.boxes && d.texts && d.box_of ? find_parts(s->setup.model, g, &parts, err) : od_error_nomem(err, "the drawing");
    if (status == OD_OK) {
        for (size_t v = 0; v < g->value_count; v++) d.box_of[v] = -1;
        for (size_t i = 0; i < g->node_count; i++) {
            const od_node *n = &g->nodes[i];
            int before = d.box_of[n->in[0]];
            if (joins(n) && before >= 0) {
                join_box(&d, n, before);
                d.box_of[n->out] = before;
            } else {
                add_box(&d, n, parts[i]);
            }
        }
        char title[160];
        snprintf(title, sizeof title, "%s, %d x %d", od_model_type(s->setup.model), s->height, s->width);
        od_network_drawing picture = {title, d.boxes, (size_t)d.count, part_names, PARTS};
        status = od_network_svg(&picture, svg, err);
    }
    od_free(parts);
    od_free(d.boxes);
    od_free(d.texts);
    od_free(d.box_of);
    return status;
}

od_status od_model_draw(const od_model_summary_options *options, const char *svg_path, od_error *err)
{
    shown s;
    od_strbuf svg = {0};
    od_instance *inst = NULL;
    od_status status = open_model(&s, options, err);
    if (status == OD_OK) status = make(&s, OD_NET_INFER, 1, &inst, err);
    if (status == OD_OK) status = draw(&s, inst, &svg, err);
    if (status == OD_OK) status = od_file_write_all(svg_path, svg.data, svg.size, err);
    od_strbuf_deinit(&svg);
    od_instance_free(inst);
    od_run_setup_deinit(&s.setup);
    return status;
}
