/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes an inference net's schedule: which ops become chains, in which order they run, who runs which rows (chain.h).
 */
#include "nn/chain.h"

#include "util/alloc.h"

#include <string.h>
#include <unistd.h>

enum {
    MAX_CHAIN = 32,            /* stages */
    TARGET_PIXELS = 192,       /* output pixels of a strip: enough rows for the product's tiles */
    LARGE_WEIGHTS = 256 << 10, /* bytes: from here on reading weights costs as much as reading activations */
    FLOPS_A_BYTE = 5,          /* computing that many again is as dear as moving a byte that isn't in the second-level cache */
};

typedef struct builder {
    od_net *net;
    const od_graph *g;
    od_schedule *s;
    int *readers, *reader;     /* by value: how many live nodes read it, and the last one */
    int *chain_of;             /* by node; -1 */
    int *wave;                 /* by node */
    int64_t budget;            /* bytes of cache for a thread's rings */
} builder;

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static od_tensor_shape shape_of(const builder *b, od_value v)
{
    return b->g->values[v].shape;
}

static double flops_of(const builder *b, int node)
{
    const od_op *op = b->g->nodes[node].op;
    return op->flops ? op->flops(b->g, &b->g->nodes[node]) : 0;
}

/* Half of the second-level cache; the rest is for weights, inputs and outputs. */
static int64_t cache_budget(void)
{
    long bytes = -1;
#ifdef _SC_LEVEL2_CACHE_SIZE
    bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    if (bytes < 256 << 10) bytes = 256 << 10;
    return bytes > 2 << 20 ? 1 << 20 : bytes / 2;
}

static void count_readers(builder *b)
{
    for (size_t i = 0; i < b->g->node_count; i++) {
        if (b->net->skip[i]) continue;
        const od_node *node = &b->g->nodes[i];
        for (int j = 0; j < node->in_count; j++) b->readers[node->in[j]]++, b->reader[node->in[j]] = (int)i;
        od_value residual = b->net->fold[i].residual;
        if (residual != OD_NO_VALUE) b->readers[residual]++, b->reader[residual] = (int)i;
    }
}

static int can_be_stage(const builder *b, int node)
{
    const od_node *n = &b->g->nodes[node];
    return !b->net->skip[node] && n->op->forward_rows && n->op->rows_ok(b->net, n);
}

static int is_pointwise(const od_node *n)
{
    return n->op == &od_op_conv2d && n->conv.kernel_h == 1 && n->conv.kernel_w == 1 && n->conv.stride == 1 && !n->conv.pad_top && !n->conv.pad_left;
}

/* Bytes of weights that a stage reads again for each strip; depthwise ones don't count. */
static int64_t weight_bytes(const builder *b, int node)
{
    const od_node *n = &b->g->nodes[node];
    if (n->op != &od_op_conv2d) return 0;
    return 4 * (int64_t)n->conv.kernel_h * n->conv.kernel_w * shape_of(b, n->in[0]).c * shape_of(b, n->out).c;
}

/* Few pixels and large weights: each thread takes some output columns, so that it reads only its part of the weights. */
static int parts_of(const builder *b, int node)
{
    const od_node *n = &b->g->nodes[node];
    int64_t columns = shape_of(b, n->out).c;
    int split = is_pointwise(n) && weight_bytes(b, node) >= LARGE_WEIGHTS && columns > od_shape_rows(shape_of(b, n->out)) &&
                columns / 16 >= b->net->threads;
    return split ? b->net->threads : 1;
}

/* --- a chain's geometry ------------------------------------------------------------------------------------------------ */

static void add_stage(builder *b, od_chain *c, int node)
{
    const od_node *n = &b->g->nodes[node];
    od_tensor_shape in = shape_of(b, n->in[0]), out = shape_of(b, n->out);
    const od_conv_attrs *a = &n->conv;
    b->s->stages[c->first + c->count++] = (od_stage){.node = node,
                                                     .in_height = in.h,
                                                     .in_floats = in.w * in.c,
                                                     .stride = a->stride,
                                                     .pad = a->pad_top,
                                                     .reach = (int64_t)(a->kernel_h - 1) * a->dilation + 1,
                                                     .out_floats = out.w * out.c};
}

static int64_t round16(int64_t floats)
{
    return (floats + 15) & ~(int64_t)15;
}

/* Rings and scratch for `go` output rows at once; floats. */
static int64_t lay_out(builder *b, od_chain *c, int64_t go)
{
    od_stage *stages = b->s->stages + c->first;
    int64_t used = 0, own = 0;
    for (int i = c->count - 1; i >= 0; i--) {
        od_stage *stage = &stages[i];
        const od_node *n = &b->g->nodes[stage->node];
        stage->go = go;
        stage->ring_offset = used;
        if (i < c->count - 1) used += round16(stage->ring * stage->out_floats);
        if (i > 0) stages[i - 1].ring = (go - 1) * stage->stride + stage->reach;
        int64_t scratch = n->op->rows_scratch ? (int64_t)n->op->rows_scratch(b->net, n, go) : 0;
        if (scratch > own) own = scratch;
        go *= stage->stride;
    }
    c->scratch_offset = used;
    return used + own;
}

/* Rows of the last stage at once: enough pixels, and rings that stay in cache. */
static void choose_strip(builder *b, od_chain *c)
{
    const od_stage *last = &b->s->stages[c->first + c->count - 1];
    const od_node *n = &b->g->nodes[last->node];
    od_tensor_shape in = shape_of(b, n->in[0]), out = shape_of(b, n->out);
    int64_t go;
    if (c->count == 1 && is_pointwise(n)) {
        go = b->budget / (4 * in.w * in.c);
        if (go < 1) go = 1;
        lay_out(b, c, go);
        return;
    }
    go = (TARGET_PIXELS + out.w - 1) / out.w;
    if (go > out.h) go = out.h;
    while (4 * lay_out(b, c, go) > b->budget && go > 1) go--;
}

/* --- which ops go together ------------------------------------------------------------------------------------------------ */

/* Operations that a thread boundary inside an image makes the chain's stages do twice when `next` joins. */
static double repeated_flops(const builder *b, const od_chain *c, const od_node *next)
{
    if (shape_of(b, next->in[0]).n % b->net->threads == 0) return 0;
    double flops = 0;
    int64_t rows = (int64_t)(next->conv.kernel_h - 1) * next->conv.dilation + 1 - next->conv.stride;
    for (int i = c->count - 1; i >= 0 && rows > 0; i--) {
        const od_stage *stage = &b->s->stages[c->first + i];
        od_tensor_shape out = shape_of(b, b->g->nodes[stage->node].out);
        flops += (double)rows * flops_of(b, stage->node) / (double)(out.n * out.h);
        rows = rows * stage->stride + stage->reach - stage->stride;
    }
    return flops;
}

static int worth_joining(builder *b, od_chain *c, int node)
{
    const od_node *next = &b->g->nodes[node];
    int last = b->s->stages[c->first + c->count - 1].node;
    od_tensor_shape between = shape_of(b, next->in[0]);
    int64_t bytes = 4 * between.h * between.w * between.c;
    if (weight_bytes(b, last) > bytes || weight_bytes(b, node) > bytes) return 0;
    if (repeated_flops(b, c, next) > (double)FLOPS_A_BYTE * 2 * (double)(bytes * between.n) / b->net->threads) return 0;
    od_chain longer = *c;
    add_stage(b, &longer, node);
    return 4 * lay_out(b, &longer, 1) <= b->budget;
}

/* The last node that writes v, -1: none. One that is folded doesn't: the nodes that do are those whose fold ends there. */
static int writer_of(const builder *b, od_value v)
{
    int producer = b->g->values[v].producer;
    if (producer < 0 || !b->net->skip[producer]) return producer;
    for (int i = producer - 1; i >= 0; i--)
        if (!b->net->skip[i] && b->net->fold[i].out == v) return i;
    return -1;
}

/* The node that may follow the chain's last one, or -1. A residual that it adds must be made before the whole chain. */
static int follower(const builder *b, const od_chain *c)
{
    od_value v = b->net->fold[b->s->stages[c->first + c->count - 1].node].out;
    if (b->g->values[v].is_output || b->readers[v] != 1) return -1;
    int node = b->reader[v];
    if (b->g->nodes[node].in[0] != v || !can_be_stage(b, node) || parts_of(b, node) != 1) return -1;
    od_value residual = b->net->fold[node].residual;
    return residual == OD_NO_VALUE || writer_of(b, residual) < b->s->stages[c->first].node ? node : -1;
}

static void finish_chain(builder *b, od_chain *c)
{
    od_tensor_shape out = shape_of(b, b->g->nodes[b->s->stages[c->first + c->count - 1].node].out);
    c->images = out.n;
    c->height = out.h;
    double cost = 0;
    for (int i = 0; i < c->count; i++) {
        od_stage *stage = &b->s->stages[c->first + i];
        const od_node *n = &b->g->nodes[stage->node];
        /* Depthwise kernels reach a third of the products' rate; every output costs its epilogue. */
        cost += flops_of(b, stage->node) * (n->op == &od_op_depthwise ? 3 : 1) + 16.0 * (double)od_shape_size(shape_of(b, n->out));
        if (i < c->count - 1) b->s->interior[b->net->fold[stage->node].out] = 1;
    }
    od_stage *only = &b->s->stages[c->first];
    if (c->count == 1 && is_pointwise(&b->g->nodes[only->node]) && !b->net->fold[only->node].out_image) {
        c->height *= c->images;
        only->in_height *= c->images;
        c->images = 1;
    }
    c->row_cost = cost / (double)(c->images * c->height);
    choose_strip(b, c);
    int64_t floats = lay_out(b, c, b->s->stages[c->first + c->count - 1].go);
    if ((size_t)floats > b->s->scratch) b->s->scratch = (size_t)floats;
}

static void make_chain(builder *b, int node)
{
    od_chain *c = &b->s->chains[b->s->chain_count];
    *c = (od_chain){.first = b->s->stage_count, .parts = parts_of(b, node)};
    add_stage(b, c, node);
    for (int next; c->parts == 1 && c->count < MAX_CHAIN && (next = follower(b, c)) >= 0;) {
        if (!worth_joining(b, c, next)) break;
        add_stage(b, c, next);
    }
    for (int i = 0; i < c->count; i++) {
        int stage = b->s->stages[c->first + i].node;
        b->chain_of[stage] = b->s->chain_count;
        b->s->parts[stage] = c->parts;
    }
    finish_chain(b, c);
    b->s->stage_count += c->count;
    b->s->chain_count++;
}

/* --- waves and steps ------------------------------------------------------------------------------------------------------ */

static int wave_before(const builder *b, od_value v)
{
    int producer = b->g->values[v].producer, wave = -1;
    if (producer < 0 || !b->net->skip[producer]) return producer < 0 ? -1 : b->wave[producer];
    for (int i = 0; i < producer; i++) /* folded: the nodes that write v are those whose fold ends there */
        if (!b->net->skip[i] && b->net->fold[i].out == v) wave = max_int(wave, b->wave[i]);
    return wave;
}

/* The wave of a node or, when it begins a chain, of all its stages. Nodes come in execution order. */
static void find_wave(builder *b, int node)
{
    const od_node *n = &b->g->nodes[node];
    int c = b->chain_of[node], wave = 0;
    if (c >= 0 && b->s->stages[b->s->chains[c].first].node != node) return;
    for (int j = 0; j < n->in_count; j++) wave = max_int(wave, wave_before(b, n->in[j]) + 1);
    for (int i = 0; i < (c < 0 ? 1 : b->s->chains[c].count); i++) {
        od_value residual = b->net->fold[c < 0 ? node : b->s->stages[b->s->chains[c].first + i].node].residual;
        if (residual != OD_NO_VALUE) wave = max_int(wave, wave_before(b, residual) + 1);
    }
    b->wave[node] = wave;
    if (c < 0) return;
    b->s->chains[c].wave = wave;
    for (int i = 0; i < b->s->chains[c].count; i++) b->wave[b->s->stages[b->s->chains[c].first + i].node] = wave;
}

/* Rows [begin, end) of all images, one behind the other, become pieces. */
static od_status add_rows(od_schedule *s, int chain, int64_t begin, int64_t end, od_error *err)
{
    int64_t height = s->chains[chain].height;
    for (int64_t r = begin; r < end;) {
        int64_t image = r / height, from = r % height, to = (image + 1) * height < end ? height : end - image * height;
        size_t capacity = (size_t)s->piece_capacity;
        if (od_grow(&s->pieces, &capacity, (size_t)s->piece_count + 1, sizeof *s->pieces)) return od_error_nomem(err, "the schedule");
        s->piece_capacity = (int)capacity;
        s->pieces[s->piece_count++] = (od_piece){chain, 0, image, from, to};
        r = image * height + to;
    }
    return OD_OK;
}

/* The unit of a chain at which `share` of the wave's cost begins; `before` is what earlier chains cost. */
static int64_t unit_at(const od_chain *c, double share, double before)
{
    double at = (share - before) / c->row_cost + .5;
    int64_t units = c->images * c->height;
    return at <= 0 ? 0 : at >= (double)units ? units : (int64_t)at;
}

static int splits_evenly(const builder *b, const od_chain *c)
{
    return c->parts == 1 && (c->images % b->net->threads == 0 || (c->images == 1 && c->height % b->net->threads == 0 &&
           shape_of(b, b->g->nodes[b->s->stages[c->first].node].out).n % b->net->threads == 0));
}

/* One thread's pieces of a wave: columns, even shares, then a stretch of the rest's cost. */
static od_status add_share(builder *b, int wave, int thread, double total, od_error *err)
{
    od_schedule *s = b->s;
    int threads = b->net->threads;
    double low = total * thread / threads, high = total * (thread + 1) / threads, before = 0;
    for (int i = 0; i < s->chain_count; i++) {
        od_chain *c = &s->chains[i];
        if (c->wave != wave) continue;
        int64_t units = c->images * c->height, begin = 0, end = units;
        if (splits_evenly(b, c)) {
            begin = units * thread / threads, end = units * (thread + 1) / threads;
        } else if (c->parts == 1) {
            begin = unit_at(c, low, before);
            end = thread == threads - 1 ? units : unit_at(c, high, before);
            before += c->row_cost * (double)units;
        }
        int first = s->piece_count;
        OD_TRY(add_rows(s, i, begin, end, err));
        for (int p = first; p < s->piece_count && c->parts > 1; p++) s->pieces[p].part = thread;
    }
    return OD_OK;
}

static od_status add_step(builder *b, int wave, od_error *err)
{
    od_schedule *s = b->s;
    double total = 0;
    for (int i = 0; i < s->chain_count; i++)
        if (s->chains[i].wave == wave && s->chains[i].parts == 1 && !splits_evenly(b, &s->chains[i]))
            total += s->chains[i].row_cost * (double)(s->chains[i].images * s->chains[i].height);
    s->steps[s->step_count++] = (od_step){-1, s->begin_count};
    for (int t = 0; t < b->net->threads; t++) {
        s->piece_begin[s->begin_count++] = s->piece_count;
        OD_TRY(add_share(b, wave, t, total, err));
    }
    s->piece_begin[s->begin_count++] = s->piece_count;
    return OD_OK;
}

/* A wave's chains, then its other ops. */
static od_status add_wave(builder *b, int wave, od_error *err)
{
    int chains = 0, chain_step = b->s->step_count;
    for (int i = 0; i < b->s->chain_count; i++) chains += b->s->chains[i].wave == wave;
    if (chains) OD_TRY(add_step(b, wave, err));
    for (size_t i = 0; i < b->g->node_count; i++) {
        if (b->net->skip[i] || b->wave[i] != wave) continue;
        if (b->chain_of[i] < 0) b->s->steps[b->s->step_count++] = (od_step){(int)i, 0};
        b->s->time[i] = b->chain_of[i] < 0 ? b->s->step_count - 1 : chain_step;
    }
    return OD_OK;
}

static od_status build(builder *b, od_error *err)
{
    int n = (int)b->g->node_count, waves = 0;
    count_readers(b);
    for (int i = 0; i < n; i++) b->chain_of[i] = -1, b->s->parts[i] = 1;
    for (int i = 0; i < n; i++)
        if (b->chain_of[i] < 0 && can_be_stage(b, i)) make_chain(b, i);
    for (int i = 0; i < n; i++) {
        if (b->net->skip[i]) continue;
        find_wave(b, i);
        waves = max_int(waves, b->wave[i] + 1);
    }
    for (int w = 0; w < waves; w++) OD_TRY(add_wave(b, w, err));
    return OD_OK;
}

void od_schedule_free(od_schedule *s)
{
    if (!s) return;
    od_free(s->stages);
    od_free(s->chains);
    od_free(s->steps);
    od_free(s->pieces);
    od_free(s->piece_begin);
    od_free(s->time);
    od_free(s->parts);
    od_free(s->interior);
    od_free(s->seconds);
    od_free(s);
}

static int allocate(od_schedule *s, size_t nodes, size_t values, size_t threads)
{
    s->stages = od_calloc(nodes + 1, sizeof *s->stages); /* one more: a stage on trial */
    s->chains = od_calloc(nodes, sizeof *s->chains);
    s->steps = od_calloc(2 * nodes, sizeof *s->steps);
    s->piece_begin = od_calloc(nodes * (threads + 1), sizeof *s->piece_begin);
    s->time = od_calloc(nodes, sizeof *s->time);
    s->parts = od_calloc(nodes, sizeof *s->parts);
    s->interior = od_calloc(values, 1);
    s->seconds = od_calloc(nodes * threads, sizeof *s->seconds);
    return s->stages && s->chains && s->steps && s->piece_begin && s->time && s->parts && s->interior && s->seconds;
}

od_status od_schedule_create(od_net *net, od_error *err)
{
    size_t nodes = net->graph->node_count, values = net->graph->value_count;
    builder b = {.net = net, .g = net->graph, .s = od_calloc(1, sizeof *b.s), .budget = cache_budget()};
    b.readers = od_calloc(values, sizeof *b.readers);
    b.reader = od_calloc(values, sizeof *b.reader);
    b.chain_of = od_calloc(nodes, sizeof *b.chain_of);
    b.wave = od_calloc(nodes, sizeof *b.wave);
    int ok = b.s && allocate(b.s, nodes, values, (size_t)net->threads) && b.readers && b.reader && b.chain_of && b.wave;
    od_status status = ok ? build(&b, err) : od_error_nomem(err, "the schedule");
    od_free(b.readers);
    od_free(b.reader);
    od_free(b.chain_of);
    od_free(b.wave);
    net->schedule = b.s; /* od_net_free frees it */
    return status;
}
