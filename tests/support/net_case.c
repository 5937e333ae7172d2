/* SPDX-License-Identifier: Apache-2.0 */
#include "net_case.h"

#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

const od_init net_case_ones = {.kind = OD_INIT_ONES}, net_case_zeros = {.kind = OD_INIT_ZEROS};
const od_init net_case_near_one = {.kind = OD_INIT_UNIFORM, .a = .6f, .b = 1.4f}, net_case_small = {.kind = OD_INIT_NORMAL, .b = .5f};

od_var net_case_variable(net_case *f, int rank, int64_t a, int64_t b, int64_t c, int64_t d, int trainable, od_init init)
{
    char name[32];
    snprintf(name, sizeof name, "v%d", f->unique++);
    int64_t shape[] = {a, b, c, d};
    od_var v;
    assert_int_equal(od_variables_add(&f->vars, name, rank, shape, trainable, (od_decay){0}, init, &v, NULL), OD_OK);
    return v;
}

od_value net_case_bn(net_case *f, od_value x, od_act act, int frozen)
{
    int64_t c = f->g.values[x].shape.c;
    od_bn_attrs a = {.momentum = .9f, .epsilon = 1e-3f, .act = act, .frozen = frozen};
    a.gamma = net_case_variable(f, 1, c, 0, 0, 0, 1, net_case_near_one);
    a.beta = net_case_variable(f, 1, c, 0, 0, 0, 1, net_case_small);
    a.mean = net_case_variable(f, 1, c, 0, 0, 0, 0, net_case_zeros);
    a.variance = net_case_variable(f, 1, c, 0, 0, 0, 0, net_case_ones);
    return od_graph_batch_norm(&f->g, x, &a, "bn");
}

od_value net_case_conv(net_case *f, od_value x, int64_t out, int k, int stride, od_padding pad, int bias)
{
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = pad};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = net_case_variable(f, 4, k, k, f->g.values[x].shape.c, out, 1, init), b = bias ? net_case_variable(f, 1, out, 0, 0, 0, 1, net_case_small) : OD_NO_VAR;
    return od_graph_conv2d(&f->g, x, w, b, &a, "conv");
}

od_value net_case_dw(net_case *f, od_value x, int k, int stride, od_padding pad, int bias)
{
    int64_t c = f->g.values[x].shape.c;
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = pad};
    od_init init = {.kind = OD_INIT_NORMAL, .b = .4f};
    od_var w = net_case_variable(f, 4, k, k, c, 1, 1, init), b = bias ? net_case_variable(f, 1, c, 0, 0, 0, 1, net_case_small) : OD_NO_VAR;
    return od_graph_depthwise_conv2d(&f->g, x, w, b, &a, "dw");
}

void net_case_begin(net_case *f, int64_t n, int64_t h, int64_t w, int64_t c, od_value *x)
{
    *f = (net_case){0};
    od_variables_init(&f->vars);
    od_graph_init(&f->g, &f->vars);
    *x = od_graph_input(&f->g, n, h, w, c);
    f->image_floats = n * h * w * c;
}

void net_case_finish(net_case *f, od_value a, od_value b)
{
    od_error err = {0};
    if (od_graph_check(&f->g, &err) != OD_OK) fail_msg("%s", err.message);
    f->out[0] = a;
    f->out[1] = b;
    f->out_count = b == OD_NO_VALUE ? 1 : 2;
    for (int i = 0; i < f->out_count; i++) od_graph_mark_output(&f->g, f->out[i]);
    assert_int_equal(od_variables_allocate(&f->vars, 1, NULL), OD_OK);
    od_variables_initialize(&f->vars, 3, 2);
    f->images = od_malloc((size_t)f->image_floats, sizeof(float));
    od_rng rng;
    od_rng_init(&rng, 1, 1);
    for (int64_t i = 0; i < f->image_floats; i++) f->images[i] = (float)od_rng_normal(&rng);
}

void net_case_end(net_case *f)
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

static double loss_of(const net_case *f, const od_net *net)
{
    double loss = 0;
    for (int o = 0; o < f->out_count; o++) {
        int64_t n = od_shape_size(f->g.values[f->out[o]].shape);
        for (int64_t i = 0; i < n; i++) loss += (double)loss_weight(o, i) * od_net_value(net, f->out[o])[i];
    }
    return loss;
}

static void seed_gradients(const net_case *f, od_net *net)
{
    for (int o = 0; o < f->out_count; o++)
        for (int64_t i = 0; i < od_shape_size(f->g.values[f->out[o]].shape); i++) od_net_grad(net, f->out[o])[i] = loss_weight(o, i);
}

od_net *net_case_net(const net_case *f, od_net_mode mode, int no_fusion, int threads)
{
    od_net *net;
    od_error err = {0};
    od_net_options o = {.threads = threads, .no_fusion = no_fusion, .past_caches = f->past_caches};
    if (od_net_create(&net, &f->g, mode, &o, &err) != OD_OK) fail_msg("%s", err.message);
    return net;
}

/* One forward and backward; gradients in a copy that the caller frees. Moving statistics are put back. */
float *net_case_gradients(net_case *f, int no_fusion, int threads, double *loss)
{
    od_net *net = net_case_net(f, OD_NET_TRAIN, no_fusion, threads);
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

static double loss_at(net_case *f, od_net *net, const float *start, const float *direction, const od_variable *v, double eps)
{
    memcpy(f->vars.value, start, f->vars.elements * sizeof(float));
    for (int64_t i = 0; i < v->size; i++) f->vars.value[v->offset + (size_t)i] += (float)(eps * direction[i]);
    f->vars.version++;
    od_net_forward(net, f->images);
    return loss_of(f, net);
}

/* Each variable's gradient along a random direction against the central difference. */
static void check_finite_differences(net_case *f, const float *grad, double tolerance)
{
    od_net *net = net_case_net(f, OD_NET_TRAIN, 1, 2);
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

void net_case_check_close(const float *a, const float *b, size_t n, double tolerance)
{
    double scale = 0;
    for (size_t i = 0; i < n; i++) scale = fmax(scale, fabs(a[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - b[i]) <= tolerance * scale)) fail_msg("element %zu: %g and %g (largest %g)", i, a[i], b[i], scale);
}

/* All the checks that hold for any network. */
void net_case_check(net_case *f, double tolerance)
{
    double plain_loss, loss;
    float *plain = net_case_gradients(f, 1, 1, &plain_loss);
    check_finite_differences(f, plain, tolerance);
    for (int threads = 1; threads <= 3; threads++) {
        float *fused = net_case_gradients(f, 0, threads, &loss);
        assert_true(fabs(loss - plain_loss) <= 1e-4 * (1 + fabs(plain_loss)));
        net_case_check_close(plain, fused, f->vars.elements, 2e-4);
        double again_loss;
        f->past_caches = 1; /* all that can go past the caches does */
        float *again = net_case_gradients(f, 0, threads, &again_loss);
        f->past_caches = 0;
        assert_true(loss == again_loss);
        assert_memory_equal(fused, again, f->vars.elements * sizeof(float));
        od_free(fused);
        od_free(again);
    }
    od_net *a = net_case_net(f, OD_NET_INFER, 1, 1), *b = net_case_net(f, OD_NET_INFER, 0, 2);
    od_net_forward(a, f->images);
    od_net_forward(b, f->images);
    for (int o = 0; o < f->out_count; o++)
        net_case_check_close(od_net_value(a, f->out[o]), od_net_value(b, f->out[o]), (size_t)od_shape_size(f->g.values[f->out[o]].shape), 1e-5);
    od_net_free(a);
    od_net_free(b);
    od_free(plain);
}
