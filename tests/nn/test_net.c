/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph engine: every op's gradient against finite differences along random directions, fusions against the plain
 * net, thread counts, inference folding, repeatability.
 */
#include "nn/expand.h"
#include "nn/net.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

typedef struct fixture {
    od_variables vars;
    od_graph g;
    od_value out[2];
    int out_count;
    float *images;
    int64_t image_floats;
    int unique;
} fixture;

static od_var variable(fixture *f, int rank, int64_t a, int64_t b, int64_t c, int64_t d, int trainable, od_init init)
{
    char name[32];
    snprintf(name, sizeof name, "v%d", f->unique++);
    int64_t shape[] = {a, b, c, d};
    od_var v;
    assert_int_equal(od_variables_add(&f->vars, name, rank, shape, trainable, (od_decay){0}, init, &v, NULL), OD_OK);
    return v;
}

static const od_init ones = {.kind = OD_INIT_ONES}, zeros = {.kind = OD_INIT_ZEROS};
static const od_init near_one = {.kind = OD_INIT_UNIFORM, .a = .6f, .b = 1.4f}, small = {.kind = OD_INIT_NORMAL, .b = .5f};

static od_value bn(fixture *f, od_value x, od_act act, int frozen)
{
    int64_t c = f->g.values[x].shape.c;
    od_bn_attrs a = {.momentum = .9f, .epsilon = 1e-3f, .act = act, .frozen = frozen};
    a.gamma = variable(f, 1, c, 0, 0, 0, 1, near_one);
    a.beta = variable(f, 1, c, 0, 0, 0, 1, small);
    a.mean = variable(f, 1, c, 0, 0, 0, 0, zeros);
    a.variance = variable(f, 1, c, 0, 0, 0, 0, ones);
    return od_graph_batch_norm(&f->g, x, &a, "bn");
}

static od_value conv(fixture *f, od_value x, int64_t out, int k, int stride, od_padding pad, int bias)
{
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = pad};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = variable(f, 4, k, k, f->g.values[x].shape.c, out, 1, init), b = bias ? variable(f, 1, out, 0, 0, 0, 1, small) : OD_NO_VAR;
    return od_graph_conv2d(&f->g, x, w, b, &a, "conv");
}

static od_value dw(fixture *f, od_value x, int k, int stride, od_padding pad, int bias)
{
    int64_t c = f->g.values[x].shape.c;
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = pad};
    od_init init = {.kind = OD_INIT_NORMAL, .b = .4f};
    od_var w = variable(f, 4, k, k, c, 1, 1, init), b = bias ? variable(f, 1, c, 0, 0, 0, 1, small) : OD_NO_VAR;
    return od_graph_depthwise_conv2d(&f->g, x, w, b, &a, "dw");
}

static void begin(fixture *f, int64_t n, int64_t h, int64_t w, int64_t c, od_value *x)
{
    *f = (fixture){0};
    od_variables_init(&f->vars);
    od_graph_init(&f->g, &f->vars);
    *x = od_graph_input(&f->g, n, h, w, c);
    f->image_floats = n * h * w * c;
}

static void finish(fixture *f, od_value a, od_value b)
{
    od_error err = {0};
    if (od_graph_check(&f->g, &err) != OD_OK) fail_msg("%s", err.message);
    f->out[0] = a;
    f->out[1] = b;
    f->out_count = b == OD_NO_VALUE ? 1 : 2;
    for (int i = 0; i < f->out_count; i++) od_graph_mark_output(&f->g, f->out[i]);
    assert_int_equal(od_variables_allocate(&f->vars, 1, NULL), OD_OK);
    od_variables_initialize(&f->vars, 3);
    f->images = od_malloc((size_t)f->image_floats, sizeof(float));
    od_rng rng;
    od_rng_init(&rng, 1, 1);
    for (int64_t i = 0; i < f->image_floats; i++) f->images[i] = (float)od_rng_normal(&rng);
}

static void end(fixture *f)
{
    od_free(f->images);
    od_graph_deinit(&f->g);
    od_variables_deinit(&f->vars);
}

/* A fixed random weight for each output value: loss = Σ weight * value. */
static float loss_weight(int output, int64_t i)
{
    od_rng rng;
    od_rng_init(&rng, 77 + (uint64_t)output, (uint64_t)i);
    return (float)od_rng_normal(&rng);
}

static double loss_of(const fixture *f, const od_net *net)
{
    double loss = 0;
    for (int o = 0; o < f->out_count; o++) {
        int64_t n = od_shape_size(f->g.values[f->out[o]].shape);
        for (int64_t i = 0; i < n; i++) loss += (double)loss_weight(o, i) * od_net_value(net, f->out[o])[i];
    }
    return loss;
}

static void seed_gradients(const fixture *f, od_net *net)
{
    for (int o = 0; o < f->out_count; o++)
        for (int64_t i = 0; i < od_shape_size(f->g.values[f->out[o]].shape); i++) od_net_grad(net, f->out[o])[i] = loss_weight(o, i);
}

static od_net *make_net(const fixture *f, od_net_mode mode, int no_fusion, int threads)
{
    od_net *net;
    od_error err = {0};
    od_net_options o = {.threads = threads, .no_fusion = no_fusion};
    if (od_net_create(&net, &f->g, mode, &o, &err) != OD_OK) fail_msg("%s", err.message);
    return net;
}

/* One forward and backward; gradients in a copy that the caller frees. Moving statistics are put back. */
static float *gradients(fixture *f, int no_fusion, int threads, double *loss)
{
    od_net *net = make_net(f, OD_NET_TRAIN, no_fusion, threads);
    size_t bytes = f->vars.elements * sizeof(float);
    float *kept = od_malloc(bytes, 1), *g = od_malloc(bytes, 1);
    memcpy(kept, f->vars.value, bytes);
    memset(f->vars.grad, 0, bytes);
    od_net_forward(net, f->images);
    *loss = loss_of(f, net);
    seed_gradients(f, net);
    od_net_backward(net);
    memcpy(g, f->vars.grad, bytes);
    memcpy(f->vars.value, kept, bytes);
    od_free(kept);
    od_net_free(net);
    return g;
}

static double loss_at(fixture *f, od_net *net, const float *start, const float *direction, const od_variable *v, double eps)
{
    memcpy(f->vars.value, start, f->vars.elements * sizeof(float));
    for (int64_t i = 0; i < v->size; i++) f->vars.value[v->offset + (size_t)i] += (float)(eps * direction[i]);
    f->vars.version++;
    od_net_forward(net, f->images);
    return loss_of(f, net);
}

/* Each variable's gradient along a random direction against the central difference. */
static void check_finite_differences(fixture *f, const float *grad, double tolerance)
{
    od_net *net = make_net(f, OD_NET_TRAIN, 1, 2);
    size_t bytes = f->vars.elements * sizeof(float);
    float *start = od_malloc(bytes, 1), *direction = od_malloc(bytes, 1);
    memcpy(start, f->vars.value, bytes);
    for (size_t k = 0; k < f->vars.count; k++) {
        const od_variable *v = &f->vars.items[k];
        if (!v->trainable) continue;
        od_rng rng;
        od_rng_init(&rng, 5, k);
        double dot = 0, norm = 0;
        for (int64_t i = 0; i < v->size; i++) {
            direction[i] = (float)od_rng_normal(&rng);
            dot += (double)direction[i] * grad[v->offset + (size_t)i];
            norm += (double)grad[v->offset + (size_t)i] * grad[v->offset + (size_t)i];
        }
        double eps = 1e-3, plus = loss_at(f, net, start, direction, v, eps), minus = loss_at(f, net, start, direction, v, -eps);
        double numeric = (plus - minus) / (2 * eps), scale = sqrt(norm) + 1e-2;
        if (fabs(numeric - dot) > tolerance * scale) fail_msg("%s: finite difference %g, gradient %g (norm %g)", v->name, numeric, dot, sqrt(norm));
    }
    memcpy(f->vars.value, start, bytes);
    od_free(start);
    od_free(direction);
    od_net_free(net);
}

static void check_close(const float *a, const float *b, size_t n, double tolerance)
{
    double scale = 0;
    for (size_t i = 0; i < n; i++) scale = fmax(scale, fabs(a[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= tolerance * scale)) fail_msg("element %zu: %g and %g (largest %g)", i, a[i], b[i], scale);
}

/* All the checks that hold for any network. */
static void check_network(fixture *f, double tolerance)
{
    double plain_loss, loss;
    float *plain = gradients(f, 1, 1, &plain_loss);
    check_finite_differences(f, plain, tolerance);
    for (int threads = 1; threads <= 3; threads++) {
        float *fused = gradients(f, 0, threads, &loss);
        assert_true(fabs(loss - plain_loss) <= 1e-4 * (1 + fabs(plain_loss)));
        check_close(plain, fused, f->vars.elements, 2e-4);
        double again_loss;
        float *again = gradients(f, 0, threads, &again_loss);
        assert_true(loss == again_loss);
        assert_memory_equal(fused, again, f->vars.elements * sizeof(float));
        od_free(fused);
        od_free(again);
    }
    od_net *a = make_net(f, OD_NET_INFER, 1, 1), *b = make_net(f, OD_NET_INFER, 0, 2);
    od_net_forward(a, f->images);
    od_net_forward(b, f->images);
    for (int o = 0; o < f->out_count; o++)
        check_close(od_net_value(a, f->out[o]), od_net_value(b, f->out[o]), (size_t)od_shape_size(f->g.values[f->out[o]].shape), 1e-5);
    od_net_free(a);
    od_net_free(b);
    od_free(plain);
}

static void test_inverted_residual(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 3, 9, 7, 3, &x);
    x = bn(&f, conv(&f, x, 8, 3, 2, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    for (int i = 0; i < 2; i++) {
        od_value y = bn(&f, conv(&f, x, 20, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        y = bn(&f, dw(&f, y, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        y = bn(&f, conv(&f, y, 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
        x = od_graph_add(&f.g, x, y, "add");
    }
    od_value z = bn(&f, dw(&f, x, 3, 2, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    finish(&f, z, x);
    check_network(&f, 2e-2);
    end(&f);
}

/* Fused expansions in every variety: the stem, ReLU6 and swish, strides that leave rows without an output, a frozen batch norm,
 * an input that another node reads, one whose batch norm isn't stored. */
static void test_expansions(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 3, 21, 17, 3, &x);
    x = bn(&f, conv(&f, x, 28, 3, 2, OD_PAD_SAME, 0), OD_ACT_RELU6, 0);
    x = bn(&f, dw(&f, x, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    x = bn(&f, conv(&f, x, 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    od_value y = bn(&f, conv(&f, x, 20, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    y = bn(&f, conv(&f, bn(&f, dw(&f, y, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0), 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add(&f.g, x, y, "add");
    y = bn(&f, conv(&f, x, 19, 1, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 1);
    y = bn(&f, dw(&f, y, 1, 2, OD_PAD_VALID, 0), OD_ACT_NONE, 0);
    od_value z = bn(&f, conv(&f, x, 24, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    z = bn(&f, dw(&f, z, 5, 4, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    finish(&f, y, z);
    od_net *net = make_net(&f, OD_NET_TRAIN, 0, 2);
    int fused = 0;
    for (size_t i = 0; i < f.g.node_count; i++) fused += net->expand[i].depthwise >= 0;
    assert_int_equal(fused, 4);
    od_net_free(net);
    check_network(&f, .15); /* ReLU6's corners: differences are only roughly right */
    end(&f);
}

static void test_convolutions_strides_and_paddings(void **state)
{
    (void)state;
    static const struct { int k, stride; od_padding pad; } cases[] = {
        {3, 1, OD_PAD_SAME}, {3, 2, OD_PAD_SAME}, {3, 2, OD_PAD_EXPLICIT}, {1, 2, OD_PAD_SAME}, {5, 1, OD_PAD_VALID}, {7, 2, OD_PAD_EXPLICIT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        od_value x;
        begin(&f, 2, 13, 10, 5, &x);
        x = bn(&f, conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_SIGMOID, 0);
        od_value y = conv(&f, x, 7, cases[i].k, cases[i].stride, cases[i].pad, 1);
        y = od_graph_activation(&f.g, y, OD_ACT_SWISH, "act");
        od_value z = bn(&f, dw(&f, x, cases[i].k, cases[i].stride, cases[i].pad, 1), OD_ACT_SWISH, 1);
        finish(&f, y, z);
        check_network(&f, 2e-2);
        end(&f);
    }
}

/* Large enough for Winograd's tiles: partial tiles at the edges, batch norm read on load and summed on store, one kernel at two
 * sizes, a bias. And a residual block whose activation follows the addition, with strided 1x1 convolutions. */
static void test_winograd(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 18, 23, 3, &x);
    x = bn(&f, conv(&f, x, 17, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value y = bn(&f, conv(&f, x, 17, 3, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add_act(&f.g, x, y, OD_ACT_RELU, "residual");
    od_conv_attrs a = {.kernel_h = 3, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_EXPLICIT};
    od_var shared = variable(&f, 4, 3, 3, 17, 17, 1, (od_init){.kind = OD_INIT_VARIANCE_SCALING, .a = 1});
    od_value fine = od_graph_conv2d(&f.g, x, shared, OD_NO_VAR, &a, "shared");
    x = od_graph_add_act(&f.g, conv(&f, x, 17, 1, 2, OD_PAD_SAME, 0), bn(&f, conv(&f, x, 17, 1, 2, OD_PAD_SAME, 0), OD_ACT_NONE, 0), OD_ACT_RELU6, "end");
    od_value coarse = od_graph_conv2d(&f.g, x, shared, variable(&f, 1, 17, 0, 0, 0, 1, small), &a, "shared");
    finish(&f, fine, coarse);
    check_network(&f, 4e-2); /* a step crosses some of the many corners of ReLU */
    end(&f);
}

static void check_late(const od_net *net, od_value v, int owner, int first_backward)
{
    const od_graph *g = net->graph;
    int node = g->values[v].producer;
    const od_packing *p = &net->packing[node], *o = &net->packing[p->owner];
    const float *end = net->arena + net->arena_bytes / sizeof(float);
    assert_int_equal(p->owner, owner);
    assert_int_equal(o->first_backward, first_backward);
    assert_int_equal(o->late, 1);
    assert_ptr_equal(net->packed[node], net->packed[owner]);
    assert_ptr_equal(net->packed_t[node], net->packed_t[owner]);
    assert_true(net->packed[node] >= net->arena && net->packed[node] < end);
    assert_true(first_backward < 0 ? !net->packed_t[node] : net->packed_t[node] >= net->arena && net->packed_t[node] < end);
}

/* Kernels of 2^18 floats and more: 3x3 by Winograd at two sizes from one kernel, 1x1, 3x3 with a stride; one whose input needs no gradient. */
static void test_late_packing(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 17, 22, 180, &x);
    od_value first = conv(&f, x, 170, 3, 1, OD_PAD_SAME, 0);
    x = bn(&f, first, OD_ACT_SWISH, 0);
    od_conv_attrs a = {.kernel_h = 3, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_SAME};
    od_var shared = variable(&f, 4, 3, 3, 170, 173, 1, (od_init){.kind = OD_INIT_VARIANCE_SCALING, .a = 1});
    od_value fine = od_graph_conv2d(&f.g, x, shared, OD_NO_VAR, &a, "shared"), y = bn(&f, fine, OD_ACT_SWISH, 0);
    od_value wide = conv(&f, y, 1600, 1, 2, OD_PAD_SAME, 0), narrow = conv(&f, bn(&f, wide, OD_ACT_SWISH, 0), 170, 1, 1, OD_PAD_SAME, 0);
    od_value coarse = od_graph_conv2d(&f.g, narrow, shared, variable(&f, 1, 173, 0, 0, 0, 1, small), &a, "shared");
    od_value strided = conv(&f, y, 175, 3, 2, OD_PAD_SAME, 1), tiny = conv(&f, strided, 9, 1, 4, OD_PAD_SAME, 0);
    finish(&f, coarse, tiny);
    od_net *net = make_net(&f, OD_NET_TRAIN, 0, 2);
    int of_fine = f.g.values[fine].producer, of_coarse = f.g.values[coarse].producer, of_wide = f.g.values[wide].producer;
    check_late(net, first, 0, -1);
    check_late(net, fine, of_fine, of_coarse);
    check_late(net, coarse, of_fine, of_coarse);
    check_late(net, wide, of_wide, of_wide);
    check_late(net, strided, f.g.values[strided].producer, f.g.values[strided].producer);
    assert_int_equal(net->packing[f.g.values[tiny].producer].late, 0);
    od_net_free(net);
    check_network(&f, 2e-2);
    end(&f);
}

/* A pre-activation block: a batch norm whose input has other readers, too. */
static void test_preactivation(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 9, 8, 3, &x);
    x = conv(&f, x, 6, 3, 1, OD_PAD_SAME, 1);
    for (int i = 0; i < 2; i++) {
        od_value y = conv(&f, bn(&f, x, OD_ACT_SWISH, i), 6, 3, 1, OD_PAD_SAME, 0);
        x = od_graph_add(&f.g, x, conv(&f, bn(&f, y, OD_ACT_SWISH, 0), 6, 1, 1, OD_PAD_SAME, 1), "add");
    }
    finish(&f, bn(&f, x, OD_ACT_NONE, 0), x);
    check_network(&f, 2e-2);
    end(&f);
}

static od_value conv_transpose(fixture *f, od_value x, int64_t out, int k, int stride, int bias)
{
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = OD_PAD_SAME};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = variable(f, 4, k, k, out, f->g.values[x].shape.c, 1, init), b = bias ? variable(f, 1, out, 0, 0, 0, 1, small) : OD_NO_VAR;
    return od_graph_conv2d_transpose(&f->g, x, w, b, &a, "deconv");
}

static void test_transposed_convolutions(void **state)
{
    (void)state;
    static const struct { int k, stride; } cases[] = {{3, 2}, {2, 2}, {4, 2}, {5, 3}, {3, 1}, {7, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        od_value x;
        begin(&f, 2, 5, 7, 5, &x);
        x = bn(&f, conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_SIGMOID, 0);
        od_value y = conv_transpose(&f, x, 4, cases[i].k, cases[i].stride, 0);
        assert_int_equal(f.g.values[y].shape.h, 5 * cases[i].stride);
        y = bn(&f, y, OD_ACT_SWISH, 0);
        y = conv(&f, y, 3, 1, 1, OD_PAD_SAME, 0);
        finish(&f, y, conv_transpose(&f, x, 3, cases[i].k, cases[i].stride, 1));
        check_network(&f, 2e-2);
        end(&f);
    }
}

/* out[s*i + k - pad] += in[i] * w[k], pad as that of the strided convolution from the output's size. */
static void test_transposed_convolution_values(void **state)
{
    (void)state;
    static const struct { int k, stride, pad; } cases[] = {{3, 2, 0}, {4, 2, 1}, {5, 3, 1}, {2, 2, 0}, {3, 1, 1}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int k = cases[c].k, s = cases[c].stride, h = 3, w = 4;
        fixture f;
        od_value x;
        begin(&f, 1, h, w, 2, &x);
        finish(&f, conv_transpose(&f, x, 3, k, s, 0), OD_NO_VALUE);
        od_net *net = make_net(&f, OD_NET_INFER, 0, 2);
        od_net_forward(net, f.images);
        const float *kernel = od_variables_value(&f.vars, 0);
        double want[9 * 12 * 3] = {0};
        for (int i = 0; i < h * w * k * k; i++) {
            int iy = i / (w * k * k), ix = i / (k * k) % w, oy = iy * s + i / k % k - cases[c].pad, ox = ix * s + i % k - cases[c].pad;
            if (oy < 0 || oy >= h * s || ox < 0 || ox >= w * s) continue;
            for (int o = 0; o < 3; o++)
                for (int in = 0; in < 2; in++)
                    want[(oy * w * s + ox) * 3 + o] += (double)f.images[(iy * w + ix) * 2 + in] * kernel[((i / k % k * k + i % k) * 3 + o) * 2 + in];
        }
        for (int i = 0; i < h * s * w * s * 3; i++) assert_true(fabs(od_net_value(net, f.out[0])[i] - want[i]) < 1e-5);
        od_net_free(net);
        end(&f);
    }
}

static void test_pyramid(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 14, 10, 3, &x);
    x = od_graph_pad_to_multiple(&f.g, x, 8, "pad");
    x = bn(&f, conv(&f, x, 8, 3, 2, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_conv_attrs pool = {.kernel_h = 3, .kernel_w = 3, .stride = 2, .padding = OD_PAD_SAME};
    od_value c4 = od_graph_max_pool(&f.g, x, &pool, "pool");
    od_value p4 = conv(&f, c4, 6, 1, 1, OD_PAD_SAME, 1), lateral = conv(&f, x, 6, 1, 1, OD_PAD_SAME, 1);
    od_value p3 = od_graph_add(&f.g, lateral, od_graph_upsample2x(&f.g, p4, 8, 8, "up"), "sum");
    p3 = bn(&f, dw(&f, p3, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value levels[2] = {conv(&f, p3, 8, 1, 1, OD_PAD_SAME, 1), conv(&f, p4, 8, 1, 1, OD_PAD_SAME, 1)};
    finish(&f, od_graph_concat_predictions(&f.g, levels, 2, 4, "concat"), OD_NO_VALUE);
    assert_int_equal(f.g.values[f.out[0]].shape.h, 2 * (8 * 8 + 4 * 4));
    check_network(&f, 2e-2);
    end(&f);
}

/* 1 and 3 in a row become 1, 1.5, 2.5, 3; a column of two rows likewise. */
static void test_bilinear_values(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    od_net *net;
    begin(&f, 1, 2, 2, 1, &x);
    finish(&f, od_graph_upsample2x_bilinear(&f.g, x, "up"), OD_NO_VALUE);
    assert_int_equal(od_net_create(&net, &f.g, OD_NET_INFER, NULL, NULL), OD_OK);
    const float images[] = {1, 3, 5, 7};
    static const float rows[] = {1, 1.5f, 2.5f, 3}, down[] = {0, 1, 3, 4};
    od_net_forward(net, images);
    for (int i = 0; i < 16; i++) assert_true(fabsf(od_net_value(net, f.out[0])[i] - (rows[i % 4] + down[i / 4])) < 1e-6f);
    od_net_free(net);
    end(&f);
}

static void test_bilinear(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 5, 7, 3, &x);
    x = bn(&f, conv(&f, x, 6, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value up = od_graph_upsample2x_bilinear(&f.g, x, "up");
    od_value y = od_graph_upsample2x(&f.g, x, 10, 14, "nearest"); /* two readers: the gradient is added */
    finish(&f, bn(&f, conv(&f, od_graph_add(&f.g, up, y, "sum"), 5, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0), OD_NO_VALUE);
    check_network(&f, 2e-2);
    end(&f);
}

/* 1 and 3 in a row become 1, 2, 3; and the pixels repeated. */
static void test_resize_values(void **state)
{
    (void)state;
    static const float corners[] = {1, 2, 3}, down[] = {0, 4.0f / 3, 8.0f / 3, 4}, repeated[] = {1, 1, 3, 3, 1, 1, 3, 3, 1, 1, 3, 3, 5, 5, 7, 7, 5, 5, 7, 7, 5, 5, 7, 7};
    for (int repeat = 0; repeat < 2; repeat++) {
        fixture f;
        od_value x;
        od_net *net;
        begin(&f, 1, 2, 2, 1, &x);
        finish(&f, od_graph_resize(&f.g, x, &(od_resize_attrs){repeat ? 6 : 4, repeat ? 4 : 3, repeat}, "resize"), OD_NO_VALUE);
        assert_int_equal(od_net_create(&net, &f.g, OD_NET_INFER, NULL, NULL), OD_OK);
        od_net_forward(net, (const float[]){1, 3, 5, 7});
        for (int i = 0; i < (repeat ? 24 : 12); i++)
            assert_true(fabsf(od_net_value(net, f.out[0])[i] - (repeat ? repeated[i] : corners[i % 3] + down[i / 3])) < 1e-6f);
        od_net_free(net);
        end(&f);
    }
}

static void test_resize_gradients(void **state)
{
    (void)state;
    static const od_resize_attrs sizes[] = {{9, 13, 0}, {4, 1, 0}, {10, 21, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fixture f;
        od_value x;
        begin(&f, 3, 5, 7, 3, &x);
        x = bn(&f, conv(&f, x, 6, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        od_value a = od_graph_resize(&f.g, x, &sizes[i], "resize"), b = od_graph_resize(&f.g, conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), &sizes[i], "again"); /* x has two readers */
        finish(&f, bn(&f, conv(&f, od_graph_add(&f.g, a, b, "sum"), 5, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0), OD_NO_VALUE);
        check_network(&f, 2e-2);
        end(&f);
    }
}

static od_value squeeze_excite(fixture *f, od_value x, int64_t reduced)
{
    int64_t c = f->g.values[x].shape.c;
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 3};
    od_var w1 = variable(f, 4, 1, 1, c, reduced, 1, init), b1 = variable(f, 1, reduced, 0, 0, 0, 1, small);
    od_var w2 = variable(f, 4, 1, 1, reduced, c, 1, init), b2 = variable(f, 1, c, 0, 0, 0, 1, small);
    return od_graph_squeeze_excite(&f->g, x, w1, b1, w2, b2, "se");
}

/* EfficientNet's block: with the batch norm before squeeze-excite virtual, and without one; 700 pixels make several blocks. */
static void test_squeeze_excite(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 3, 28, 25, 3, &x);
    f.g.training = 1;
    x = bn(&f, conv(&f, x, 8, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    od_value y = bn(&f, dw(&f, x, 5, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    y = squeeze_excite(&f, y, 2);
    y = bn(&f, conv(&f, y, 8, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = od_graph_add(&f.g, od_graph_drop_connect(&f.g, y, .4f, "drop"), x, "add");
    od_value z = squeeze_excite(&f, conv(&f, x, 5, 1, 2, OD_PAD_SAME, 1), 3);
    finish(&f, z, x);
    check_network(&f, 2e-2);
    end(&f);
}

static void test_squeeze_excite_values(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 3, 2, 2, &x);
    finish(&f, squeeze_excite(&f, x, 1), OD_NO_VALUE);
    od_net *net = make_net(&f, OD_NET_INFER, 0, 2);
    od_net_forward(net, f.images);
    const float *w1 = od_variables_value(&f.vars, 0), *b1 = od_variables_value(&f.vars, 1), *w2 = od_variables_value(&f.vars, 2);
    const float *b2 = od_variables_value(&f.vars, 3);
    for (int n = 0; n < 2; n++) {
        double mean[2] = {0}, hidden = b1[0];
        for (int i = 0; i < 12; i++) mean[i % 2] += f.images[n * 12 + i] / 6.0;
        for (int c = 0; c < 2; c++) hidden += mean[c] * w1[c];
        hidden /= 1 + exp(-hidden);
        for (int i = 0; i < 12; i++) {
            double gate = 1 / (1 + exp(-(hidden * w2[i % 2] + b2[i % 2])));
            assert_true(fabs(od_net_value(net, f.out[0])[n * 12 + i] - gate * f.images[n * 12 + i]) < 1e-5);
        }
    }
    od_net_free(net);
    end(&f);
}

static void test_weighted_sums(void **state)
{
    (void)state;
    static const od_sum_weights kinds[] = {OD_SUM_PLAIN, OD_SUM_WEIGHTED, OD_SUM_FAST_ATTENTION, OD_SUM_ATTENTION};
    for (int k = 0; k < 4; k++) {
        fixture f;
        od_value x;
        begin(&f, 2, 12, 13, 3, &x);
        od_value in[3] = {bn(&f, conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0), bn(&f, conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0),
                          conv(&f, x, 6, 3, 1, OD_PAD_SAME, 1)};
        od_var w3 = kinds[k] == OD_SUM_PLAIN ? OD_NO_VAR : variable(&f, 2, 3, 1, 0, 0, 1, near_one);
        od_var w2 = kinds[k] == OD_SUM_PLAIN ? OD_NO_VAR : variable(&f, 2, 2, 1, 0, 0, 1, near_one);
        od_value y = od_graph_weighted_sum(&f.g, in, 3, kinds[k], w3, OD_ACT_SWISH, "sum3");
        y = bn(&f, dw(&f, y, 3, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
        od_value z = od_graph_weighted_sum(&f.g, (od_value[]){y, in[0]}, 2, kinds[k], w2, OD_ACT_NONE, "sum2");
        finish(&f, y, z);
        check_network(&f, 2e-2);
        end(&f);
    }
}

/* relu(w) / (sum + 1e-4): a negative weight takes its input out, with a gradient of 0; "attention" weighs nothing. */
static void test_weighted_sum_values(void **state)
{
    (void)state;
    for (int kind = OD_SUM_PLAIN; kind <= OD_SUM_ATTENTION; kind++) {
        fixture f;
        od_value x;
        begin(&f, 1, 2, 2, 2, &x);
        od_value in[3] = {conv(&f, x, 2, 1, 1, OD_PAD_SAME, 0), conv(&f, x, 2, 1, 1, OD_PAD_SAME, 0), conv(&f, x, 2, 1, 1, OD_PAD_SAME, 0)};
        od_var w = variable(&f, 2, 3, 1, 0, 0, 1, ones);
        finish(&f, od_graph_weighted_sum(&f.g, in, 3, (od_sum_weights)kind, w, OD_ACT_NONE, "sum"), OD_NO_VALUE);
        for (int i = 0; i < 3; i++) od_graph_mark_output(&f.g, in[i]);
        memcpy(od_variables_value(&f.vars, w), (float[]){2, -1, .5f}, 3 * sizeof(float));
        od_net *net = make_net(&f, OD_NET_TRAIN, 0, 2);
        od_net_forward(net, f.images);
        static const double weights[4][3] = {{1, 1, 1}, {2, -1, .5}, {2 / 2.5001, 0, .5 / 2.5001}, {1, 1, 1}};
        for (int i = 0; i < 8; i++) {
            double want = 0;
            for (int j = 0; j < 3; j++) want += weights[kind][j] * od_net_value(net, in[j])[i];
            assert_true(fabs(od_net_value(net, f.out[0])[i] - want) < 1e-5);
            od_net_grad(net, f.out[0])[i] = 1;
            for (int j = 0; j < 3; j++) od_net_grad(net, in[j])[i] = 0;
        }
        od_net_backward(net);
        float *g = od_variables_grad(&f.vars, w);
        if (kind == OD_SUM_PLAIN || kind == OD_SUM_ATTENTION) assert_true(g[0] == 0 && g[1] == 0 && g[2] == 0);
        if (kind == OD_SUM_FAST_ATTENTION) assert_true(g[0] != 0 && g[1] == 0 && g[2] != 0);
        od_net_free(net);
        end(&f);
    }
}

static od_value wide_conv(fixture *f, od_value x, int64_t out, int kernel_h, int kernel_w, int stride, int dilation, od_padding pad)
{
    od_conv_attrs a = {.kernel_h = kernel_h, .kernel_w = kernel_w, .stride = stride, .dilation = dilation, .padding = pad};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = variable(f, 4, kernel_h, kernel_w, f->g.values[x].shape.c, out, 1, init);
    return od_graph_conv2d(&f->g, x, w, OD_NO_VAR, &a, "wide");
}

/* Kernels that aren't square (dilated, strided, VALID), average and maximum pooling of one value, channels side by side with
 * and without a batch norm before, scaled residuals: Inception-ResNet's modules. */
static void test_inception_resnet(void **state)
{
    (void)state;
    for (int valid = 0; valid < 2; valid++) {
        od_padding pad = valid ? OD_PAD_VALID : OD_PAD_SAME;
        fixture f;
        od_value x;
        begin(&f, 2, 17, 19, 3, &x);
        x = bn(&f, conv(&f, x, 6, 3, 2, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        od_conv_attrs pool = {.kernel_h = 3, .kernel_w = 2, .stride = 1 + valid, .dilation = 1, .padding = pad};
        od_value in[4] = {bn(&f, conv(&f, x, 4, 1, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, valid), od_graph_avg_pool(&f.g, x, &pool, "avg")};
        in[0] = bn(&f, wide_conv(&f, in[0], 5, valid ? 2 : 1, valid ? 1 : 7, 1, 1, OD_PAD_SAME), OD_ACT_SWISH, 0);
        in[0] = bn(&f, wide_conv(&f, in[0], 5, valid ? 3 : 7, valid ? 2 : 1, 1 + valid, 2 - valid, pad), OD_ACT_NONE, 0);
        in[2] = bn(&f, wide_conv(&f, x, 3, 3, valid ? 2 : 1, 1 + valid, 1, pad), OD_ACT_SWISH, 1);
        in[3] = valid ? in[1] : wide_conv(&f, x, 2, 1, 3, 1, 2, pad);
        od_value mixed = od_graph_concat_channels(&f.g, in, 4, "mixed");
        od_value up = conv(&f, mixed, f.g.values[mixed].shape.c, 1, 1, OD_PAD_SAME, 1);
        od_value y = od_graph_add_scaled(&f.g, mixed, up, .17f, OD_ACT_NONE, "residual");
        od_value z = od_graph_add_scaled(&f.g, conv(&f, y, 3, 1, 1, OD_PAD_SAME, 0), conv(&f, y, 3, 3, 1, OD_PAD_SAME, 1), -2, OD_ACT_SWISH, "last");
        finish(&f, z, y);
        check_network(&f, 2e-2);
        end(&f);
    }
}

/* Differences say little at the corners of ReLU and ReLU6: the activation in the sum against one behind it, which must give the same. */
static void test_add_scaled_activations(void **state)
{
    (void)state;
    for (od_act act = OD_ACT_RELU; act <= OD_ACT_RELU6; act++) {
        float *grads[2];
        double loss[2];
        size_t count = 0;
        for (int apart = 0; apart < 2; apart++) {
            fixture f;
            od_value x;
            begin(&f, 2, 9, 8, 3, &x);
            x = conv(&f, x, 7, 3, 1, OD_PAD_SAME, 1);
            od_value y = conv(&f, x, 7, 1, 1, OD_PAD_SAME, 1);
            y = od_graph_activation(&f.g, od_graph_add_scaled(&f.g, x, y, 3, apart ? OD_ACT_NONE : act, "sum"), apart ? act : OD_ACT_NONE, "act");
            finish(&f, od_graph_add_scaled(&f.g, y, x, .5f, OD_ACT_NONE, "last"), OD_NO_VALUE);
            grads[apart] = gradients(&f, 0, 2, &loss[apart]);
            count = f.vars.elements;
            end(&f);
        }
        assert_true(fabs(loss[0] - loss[1]) <= 1e-5 * (1 + fabs(loss[0])));
        check_close(grads[0], grads[1], count, 1e-5);
        od_free(grads[0]);
        od_free(grads[1]);
    }
}

/* A 1x2 and a 2x1 kernel, a 2x3 average and their concatenation by hand. */
static void test_inception_values(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 1, 2, 3, 1, &x);
    od_conv_attrs pool = {.kernel_h = 2, .kernel_w = 3, .stride = 1, .dilation = 1, .padding = OD_PAD_SAME};
    od_value in[3] = {wide_conv(&f, x, 1, 1, 2, 1, 1, OD_PAD_SAME), wide_conv(&f, x, 1, 2, 1, 1, 1, OD_PAD_SAME), od_graph_avg_pool(&f.g, x, &pool, "avg")};
    od_value mixed = od_graph_concat_channels(&f.g, in, 3, "mixed");
    finish(&f, od_graph_add_scaled(&f.g, mixed, mixed, .5f, OD_ACT_NONE, "twice"), mixed);
    memcpy(f.images, (float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float));
    memcpy(od_variables_value(&f.vars, 0), (float[]){1, 10}, 2 * sizeof(float));
    memcpy(od_variables_value(&f.vars, 1), (float[]){1, 100}, 2 * sizeof(float));
    static const float want[6][3] = {{21, 401, 3}, {32, 502, 3.5f}, {3, 603, 4}, {54, 4, 4.5f}, {65, 5, 5}, {6, 6, 5.5f}};
    od_net *net = make_net(&f, OD_NET_INFER, 0, 2);
    od_net_forward(net, f.images);
    for (int i = 0; i < 18; i++) {
        assert_true(fabsf(od_net_value(net, f.out[1])[i] - want[i / 3][i % 3]) < 1e-4f);
        assert_true(fabsf(od_net_value(net, f.out[0])[i] - 1.5f * want[i / 3][i % 3]) < 1e-3f);
    }
    od_net_free(net);
    end(&f);
}

/* Whole images are dropped or scaled; the draw depends on seed, step and layer only; inference has no such node. */
static void test_drop_connect(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 64, 2, 3, 2, &x);
    od_value y = od_graph_drop_connect(&f.g, x, .25f, "drop");
    assert_int_equal(y, x); /* not training */
    f.g.training = 1;
    y = od_graph_drop_connect(&f.g, x, .25f, "drop");
    od_value z = od_graph_drop_connect(&f.g, x, .25f, "another");
    finish(&f, y, z);
    od_net *net = make_net(&f, OD_NET_TRAIN, 0, 3);
    int kept[3][64], differ = 0, layers = 0, total = 0;
    for (int run = 0; run < 3; run++) {
        net->seed = 5;
        net->step = run == 1;
        od_net_forward(net, f.images);
        for (int n = 0; n < 64; n++) {
            kept[run][n] = od_net_value(net, y)[n * 12] != 0;
            for (int i = 0; i < 12; i++) {
                float want = kept[run][n] ? f.images[n * 12 + i] / .75f : 0;
                assert_true(fabs((double)od_net_value(net, y)[n * 12 + i] - want) <= 1e-6 * fabs(want));
            }
            layers += kept[run][n] != (od_net_value(net, z)[n * 12] != 0);
            total += kept[run][n];
        }
    }
    for (int n = 0; n < 64; n++) differ += kept[0][n] != kept[1][n];
    assert_memory_equal(kept[0], kept[2], sizeof kept[0]);
    assert_true(differ > 5 && layers > 15);
    assert_true(total > 3 * 64 * .6 && total < 3 * 64 * .9);
    od_net_free(net);
    end(&f);
}

/* Single values are dropped or scaled, as often as the rate says, anew each step; inference has no such node. */
static void test_dropout(void **state)
{
    (void)state;
    enum { values = 8 * 20 * 30 * 3 };
    fixture f;
    od_value x;
    begin(&f, 8, 20, 30, 3, &x);
    assert_int_equal(od_graph_dropout(&f.g, x, .25f, "drop"), x); /* not training */
    f.g.training = f.g.no_drop = 1;
    assert_int_equal(od_graph_dropout(&f.g, x, .25f, "drop"), x); /* training without drawing */
    f.g.no_drop = 0;
    od_value y = od_graph_dropout(&f.g, x, .25f, "drop");
    finish(&f, y, OD_NO_VALUE);
    static unsigned char kept[3][values];
    int total = 0, differ = 0;
    for (int run = 0; run < 3; run++) {
        od_net *net = make_net(&f, OD_NET_TRAIN, 0, run == 2 ? 1 : 3);
        net->seed = 5;
        net->step = run == 1;
        od_net_forward(net, f.images);
        for (int i = 0; i < values; i++) {
            float have = od_net_value(net, y)[i];
            kept[run][i] = have != 0;
            assert_true(have == 0 || fabs((double)(have - f.images[i] / .75f)) <= 1e-6 * fabs((double)have));
            total += kept[run][i];
        }
        od_net_free(net);
    }
    for (int i = 0; i < values; i++) differ += kept[0][i] != kept[1][i];
    assert_memory_equal(kept[0], kept[2], values); /* whatever the threads */
    assert_in_range(total, 3 * values * 74 / 100, 3 * values * 76 / 100);
    assert_in_range(differ, values * 36 / 100, values * 39 / 100); /* 2 * .25 * .75 */
    end(&f);
}

/* Dropout in a network: gradients by finite differences, fused against plain, threads. */
static void test_dropout_gradients(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 7, 9, 3, &x);
    f.g.training = 1;
    x = bn(&f, conv(&f, x, 6, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    finish(&f, conv(&f, od_graph_dropout(&f.g, x, .3f, "drop"), 4, 1, 1, OD_PAD_SAME, 1), conv(&f, x, 4, 1, 1, OD_PAD_SAME, 1));
    check_network(&f, 2e-2);
    end(&f);
}

/* A gradient of 1 passes where the value lies in the range: the bias before it gets as many. */
static void test_clip_gradient(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 9, 8, 3, &x);
    od_value before = conv(&f, x, 2, 1, 1, OD_PAD_SAME, 1), after = od_graph_clip(&f.g, before, -.4f, .3f, "clip");
    finish(&f, after, OD_NO_VALUE);
    od_net *net = make_net(&f, OD_NET_TRAIN, 0, 2);
    od_net_forward(net, f.images);
    for (int i = 0; i < 288; i++) od_net_grad(net, after)[i] = 1;
    od_net_backward(net);
    int inside[2] = {0, 0};
    for (int i = 0; i < 288; i++) inside[i % 2] += od_net_value(net, before)[i] >= -.4f && od_net_value(net, before)[i] <= .3f;
    for (int c = 0; c < 2; c++) {
        assert_in_range(inside[c], 10, 134);
        assert_true(od_variables_grad(&f.vars, 1)[c] == (float)inside[c]);
    }
    od_net_free(net);
    end(&f);
}

static void test_clip_values(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 1, 5, 4, 3, &x);
    od_value y = od_graph_clip(&f.g, x, -.5f, .25f, "clip");
    finish(&f, y, OD_NO_VALUE);
    od_net *net = make_net(&f, OD_NET_INFER, 0, 2);
    od_net_forward(net, f.images);
    for (int i = 0; i < 60; i++) {
        float v = f.images[i];
        assert_true(od_net_value(net, y)[i] == (v < -.5f ? -.5f : v > .25f ? .25f : v));
    }
    od_net_free(net);
    end(&f);
}

static void test_pruning(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 9, 7, 3, &x);
    od_value unused = bn(&f, conv(&f, x, 4, 1, 1, OD_PAD_SAME, 0), OD_ACT_NONE, 0);
    x = bn(&f, conv(&f, x, 4, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
    conv(&f, x, 5, 3, 1, OD_PAD_SAME, 0);
    od_value y = conv(&f, x, 5, 3, 1, OD_PAD_SAME, 0);
    od_graph_add(&f.g, unused, x, "unused");
    finish(&f, y, OD_NO_VALUE);
    od_graph_prune(&f.g);
    assert_int_equal(f.g.node_count, 3);
    assert_int_equal(f.g.values[y].producer, 2);
    check_network(&f, 2e-2);
    end(&f);
}

static void test_moving_statistics(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 3, 3, 1, &x);
    x = bn(&f, x, OD_ACT_NONE, 0);
    finish(&f, x, OD_NO_VALUE);
    double mean = 0, squares = 0;
    for (int i = 0; i < 18; i++) mean += f.images[i] / 18.0, squares += (double)f.images[i] * f.images[i] / 18;
    od_net *net = make_net(&f, OD_NET_TRAIN, 0, 2);
    od_net_forward(net, f.images);
    float moving_mean = od_variables_value(&f.vars, 2)[0], moving_variance = od_variables_value(&f.vars, 3)[0];
    assert_true(fabs(moving_mean - .1 * mean) < 1e-6);
    assert_true(fabs(moving_variance - (.9 + .1 * (squares - mean * mean) * 18 / 17)) < 1e-6);
    /* a limit of 0 takes the batch's statistics as they are */
    net->bn_momentum_limit = 0;
    od_net_forward(net, f.images);
    assert_true(fabs(od_variables_value(&f.vars, 2)[0] - mean) < 1e-6);
    od_net_free(net);
    end(&f);
}

static void test_bad_shapes_are_errors(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    od_error err = {0};
    begin(&f, 1, 8, 8, 3, &x);
    od_value a = conv(&f, x, 4, 3, 1, OD_PAD_SAME, 0), b = conv(&f, x, 4, 3, 2, OD_PAD_SAME, 0);
    assert_int_equal(od_graph_add(&f.g, a, b, "sum"), OD_NO_VALUE);
    assert_int_equal(od_graph_check(&f.g, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "sum: can't add [1,8,8,4] and [1,4,4,4]"));
    end(&f);
}

static void test_allocation_failures_leave_nothing(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 1, 8, 8, 3, &x);
    x = bn(&f, conv(&f, x, 4, 3, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 0);
    finish(&f, x, OD_NO_VALUE);
    int failures = 0;
    for (long n = 1; n < 100; n++) {
        od_net *net = NULL;
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = od_net_create(&net, &f.g, OD_NET_TRAIN, NULL, &err);
        od_alloc_fail_after(0);
        od_net_free(net);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 10);
    end(&f);
}

/* --- regions, dense layers, host steps, dropout ---------------------------------------------------------------------------------- */

/* Boxes of two images, some beyond an edge, one without area. */
static const float roi_boxes[6][4] = {{.1f, .2f, .8f, .9f}, {0, 0, 1, 1}, {.5f, .4f, .55f, 1.2f}, {.3f, .3f, .3f, .3f}, {-.1f, .1f, .6f, .45f}, {.2f, .05f, .95f, .3f}};

static void give_boxes(void *user, od_net *net, const od_node *node, float *out)
{
    (void)net;
    (void)node;
    memcpy(out, user, sizeof roi_boxes);
}

static od_value boxes_value(fixture *f, od_value x)
{
    return od_graph_host(&f->g, &x, 1, (od_tensor_shape){6, 1, 1, 4}, give_boxes, (void *)roi_boxes, "boxes");
}

static od_value regions(fixture *f, od_value x, const od_value *levels, int count, od_roi_attrs a)
{
    a.boxes_each = 3;
    return od_graph_roi_crop(&f->g, boxes_value(f, x), levels, count, &a, "crop");
}

static void test_roi_crop_gradients(void **state)
{
    (void)state;
    static const od_roi_attrs kinds[] = {{.crop = 4, .pool = 2, .pool_stride = 2}, {.crop = 5, .pool = 3, .pool_stride = 1, .matmul = 1}, {.crop = 3, .pool = 1, .pool_stride = 1}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fixture f;
        od_value x, levels[2];
        begin(&f, 2, 9, 8, 3, &x);
        levels[0] = bn(&f, conv(&f, x, 20, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        levels[1] = conv(&f, levels[0], 20, 3, 2, OD_PAD_SAME, 1);
        od_roi_attrs a = kinds[i];
        a.image_ratio = 1.6f; /* so that both levels are used */
        od_value crops = regions(&f, x, levels, 2, a);
        od_value y = conv(&f, crops, 3, 1, 1, OD_PAD_SAME, 1);
        finish(&f, y, levels[1]);
        check_network(&f, 2e-2);
        end(&f);
    }
}

/* tf.image.crop_and_resize by hand: one channel whose value is its place, so that samples are coordinates. */
static void test_roi_crop_values(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 2, 5, 7, 1, &x);
    od_value y = regions(&f, x, &x, 1, (od_roi_attrs){.crop = 3, .pool = 1, .pool_stride = 1});
    finish(&f, y, OD_NO_VALUE);
    for (int i = 0; i < 70; i++) f.images[i] = 1 + (float)(i / 35) * 100 + (float)(i % 35 / 7) * 10 + (float)(i % 7);
    od_net *net = make_net(&f, OD_NET_INFER, 0, 1);
    od_net_forward(net, f.images);
    for (int b = 0; b < 6; b++)
        for (int i = 0; i < 9; i++) {
            const float *box = roi_boxes[b];
            float row = box[0] * 4 + (float)(i / 3) * ((box[2] - box[0]) * 4 / 2), column = box[1] * 6 + (float)(i % 3) * ((box[3] - box[1]) * 6 / 2);
            int inside = row >= 0 && row <= 4 && column >= 0 && column <= 6;
            double want = inside ? 1 + b / 3 * 100 + 10 * (double)row + (double)column : 0;
            assert_true(fabs(od_net_value(net, y)[b * 9 + i] - want) < 1e-4);
        }
    od_net_free(net);
    end(&f);
}

static void test_dense_gradients(void **state)
{
    (void)state;
    fixture f;
    od_value x;
    begin(&f, 5, 3, 2, 4, &x);
    od_value y = od_graph_flatten(&f.g, bn(&f, conv(&f, x, 6, 1, 1, OD_PAD_SAME, 0), OD_ACT_RELU6, 0), "flatten");
    assert_int_equal(f.g.values[y].shape.c, 36);
    od_conv_attrs a = {.kernel_h = 1, .kernel_w = 1, .stride = 1, .dilation = 1};
    od_var w = variable(&f, 2, 36, 7, 0, 0, 1, small), b = variable(&f, 1, 7, 0, 0, 0, 1, small);
    od_value z = od_graph_activation(&f.g, od_graph_conv2d(&f.g, y, w, b, &a, "dense"), OD_ACT_SWISH, "act");
    finish(&f, z, y);
    check_network(&f, 2e-2);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inverted_residual),
        cmocka_unit_test(test_expansions),
        cmocka_unit_test(test_convolutions_strides_and_paddings),
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_late_packing),
        cmocka_unit_test(test_preactivation),
        cmocka_unit_test(test_transposed_convolutions),
        cmocka_unit_test(test_transposed_convolution_values),
        cmocka_unit_test(test_pyramid), cmocka_unit_test(test_bilinear_values), cmocka_unit_test(test_bilinear),
        cmocka_unit_test(test_squeeze_excite),
        cmocka_unit_test(test_squeeze_excite_values),
        cmocka_unit_test(test_weighted_sums),
        cmocka_unit_test(test_inception_resnet),
        cmocka_unit_test(test_add_scaled_activations),
        cmocka_unit_test(test_inception_values),
        cmocka_unit_test(test_weighted_sum_values),
        cmocka_unit_test(test_drop_connect),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_dropout_gradients),
        cmocka_unit_test(test_clip_gradient),
        cmocka_unit_test(test_clip_values),
        cmocka_unit_test(test_resize_values),
        cmocka_unit_test(test_resize_gradients),
        cmocka_unit_test(test_roi_crop_gradients),
        cmocka_unit_test(test_roi_crop_values),
        cmocka_unit_test(test_dense_gradients),
        cmocka_unit_test(test_pruning),
        cmocka_unit_test(test_moving_statistics),
        cmocka_unit_test(test_bad_shapes_are_errors),
        cmocka_unit_test(test_allocation_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
