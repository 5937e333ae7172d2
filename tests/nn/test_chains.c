/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference by chains (rings of rows, shared columns, waves) against inference op by op: the same numbers, and the same bits at
 * every number of threads.
 */
#include "nn/chain.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/rng.h"

#include <math.h>
#include <string.h>

typedef struct fixture {
    od_variables vars;
    od_graph g;
    float *images;
    int64_t image_floats;
    int unique;
} fixture;

static od_var variable(fixture *f, int rank, const int64_t *shape, od_init init)
{
    char name[32];
    snprintf(name, sizeof name, "v%d", f->unique++);
    od_var v;
    assert_int_equal(od_variables_add(&f->vars, name, rank, shape, 1, (od_decay){0}, init, &v, NULL), OD_OK);
    return v;
}

static od_value bn(fixture *f, od_value x, od_act act)
{
    int64_t c = f->g.values[x].shape.c;
    od_init near_one = {.kind = OD_INIT_UNIFORM, .a = .6f, .b = 1.4f}, small = {.kind = OD_INIT_NORMAL, .b = .5f};
    od_bn_attrs a = {.momentum = .9f, .epsilon = 1e-3f, .act = act};
    a.gamma = variable(f, 1, &c, near_one);
    a.beta = variable(f, 1, &c, small);
    a.mean = variable(f, 1, &c, small);
    a.variance = variable(f, 1, &c, near_one);
    return od_graph_batch_norm(&f->g, x, &a, "bn");
}

static od_value conv(fixture *f, od_value x, int64_t out, int k, int stride, od_padding pad, od_act act)
{
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = 1, .padding = pad};
    od_init init = {.kind = OD_INIT_VARIANCE_SCALING, .a = 1};
    od_var w = variable(f, 4, (int64_t[]){k, k, f->g.values[x].shape.c, out}, init);
    return bn(f, od_graph_conv2d(&f->g, x, w, OD_NO_VAR, &a, "conv"), act);
}

static od_value dw(fixture *f, od_value x, int k, int stride, int dilation, od_padding pad)
{
    od_conv_attrs a = {.kernel_h = k, .kernel_w = k, .stride = stride, .dilation = dilation, .padding = pad};
    od_init init = {.kind = OD_INIT_NORMAL, .b = .4f};
    od_var w = variable(f, 4, (int64_t[]){k, k, f->g.values[x].shape.c, 1}, init);
    return bn(f, od_graph_depthwise_conv2d(&f->g, x, w, OD_NO_VAR, &a, "dw"), OD_ACT_RELU6);
}

static od_value begin(fixture *f, int64_t n, int64_t h, int64_t w, int64_t c)
{
    *f = (fixture){.image_floats = n * h * w * c};
    od_variables_init(&f->vars);
    od_graph_init(&f->g, &f->vars);
    return od_graph_input(&f->g, n, h, w, c);
}

static void finish(fixture *f)
{
    od_error err = {0};
    if (od_graph_check(&f->g, &err) != OD_OK) fail_msg("%s", err.message);
    assert_int_equal(od_variables_allocate(&f->vars, 0, NULL), OD_OK);
    od_variables_initialize(&f->vars, 5, 1);
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

static od_net *run(fixture *f, int threads, int no_chains, const char *isa)
{
    od_net *net;
    od_error err = {0};
    od_net_options o = {.threads = threads, .no_chains = no_chains, .kernels = od_kernels_for(isa)};
    if (od_net_create(&net, &f->g, OD_NET_INFER, &o, &err) != OD_OK) fail_msg("%s", err.message);
    od_net_forward(net, f->images);
    return net;
}

/* Largest difference of two outputs relative to the largest value. */
static double difference(const float *a, const float *b, int64_t n)
{
    double most = 1e-3, wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i])) return INFINITY;
        most = fmax(most, fabs(a[i]));
        wrong = fmax(wrong, fabs((double)a[i] - b[i]));
    }
    return wrong / most;
}

/* Chains of 1 to 5 threads against op by op; longest: stages that the longest chain must have on one thread. */
static void check(fixture *f, const od_value *out, int count, int longest)
{
    static const char *const isas[] = {"ref", "avx2", "avx512"};
    for (int i = 0; i < count; i++) od_graph_mark_output(&f->g, out[i]);
    finish(f);
    for (int isa = 0; isa < 3; isa++) {
        if (!od_kernels_for(isas[isa])) continue;
        od_net *plain = run(f, 2, 1, isas[isa]), *first = run(f, 1, 0, isas[isa]);
        assert_null(plain->schedule);
        int most = 0;
        for (int c = 0; c < first->schedule->chain_count; c++)
            if (first->schedule->chains[c].count > most) most = first->schedule->chains[c].count;
        assert_int_equal(most, longest);
        for (int threads = 1; threads <= 5; threads++) {
            od_net *net = run(f, threads, 0, isas[isa]);
            for (int o = 0; o < count; o++) {
                int64_t n = od_shape_size(f->g.values[out[o]].shape);
                assert_true(difference(od_net_value(plain, out[o]), od_net_value(net, out[o]), n) < 2e-6);
                assert_memory_equal(od_net_value(first, out[o]), od_net_value(net, out[o]), (size_t)n * sizeof(float));
            }
            od_net_free(net);
        }
        od_net_free(plain);
        od_net_free(first);
    }
    end(f);
}

static void test_stem_and_blocks(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 3; n++) {
        fixture f;
        od_value x = begin(&f, n, 150, 22, 3);
        x = conv(&f, x, 8, 3, 2, n == 2 ? OD_PAD_EXPLICIT : OD_PAD_SAME, OD_ACT_RELU6);
        x = conv(&f, dw(&f, x, 3, 1, 1, OD_PAD_SAME), 5, 1, 1, OD_PAD_SAME, OD_ACT_NONE);
        x = conv(&f, x, 19, 1, 1, OD_PAD_SAME, OD_ACT_RELU6);
        x = conv(&f, dw(&f, x, 3, 2, 1, OD_PAD_SAME), 6, 1, 1, OD_PAD_SAME, OD_ACT_NONE);
        od_value y = conv(&f, x, 17, 1, 1, OD_PAD_SAME, OD_ACT_SWISH);
        y = conv(&f, dw(&f, y, 5, 1, 1, OD_PAD_SAME), 6, 1, 1, OD_PAD_SAME, OD_ACT_NONE);
        y = od_graph_add(&f.g, x, y, "add");
        check(&f, &y, 1, 6);
    }
}

static void test_odd_kernels(void **state)
{
    (void)state;
    fixture f;
    od_value x = begin(&f, 1, 131, 33, 4), out[3];
    x = conv(&f, x, 6, 7, 2, OD_PAD_SAME, OD_ACT_RELU);
    out[0] = conv(&f, dw(&f, x, 3, 1, 3, OD_PAD_SAME), 7, 1, 1, OD_PAD_SAME, OD_ACT_SIGMOID);
    out[1] = dw(&f, conv(&f, x, 9, 3, 1, OD_PAD_VALID, OD_ACT_RELU), 3, 2, 1, OD_PAD_EXPLICIT);
    out[2] = conv(&f, conv(&f, x, 9, 1, 2, OD_PAD_SAME, OD_ACT_RELU), 4, 2, 1, OD_PAD_SAME, OD_ACT_NONE);
    check(&f, out, 3, 2);
}

/* Few pixels and large weights: the threads share the columns. */
static void test_columns(void **state)
{
    (void)state;
    fixture f;
    od_value x = begin(&f, 2, 6, 5, 250);
    x = conv(&f, x, 270, 1, 1, OD_PAD_SAME, OD_ACT_RELU6);
    od_value y = conv(&f, x, 270, 1, 1, OD_PAD_SAME, OD_ACT_NONE);
    y = od_graph_add(&f.g, y, x, "add");
    check(&f, &y, 1, 1);
}

/* Branches that don't depend on one another run side by side; ops that only work on whole values come between. */
static void test_branches(void **state)
{
    (void)state;
    fixture f;
    od_value x = begin(&f, 1, 40, 24, 8), out[3];
    od_value half = conv(&f, dw(&f, x, 3, 2, 1, OD_PAD_SAME), 8, 1, 1, OD_PAD_SAME, OD_ACT_RELU6);
    od_value quarter = conv(&f, dw(&f, half, 3, 2, 1, OD_PAD_SAME), 8, 1, 1, OD_PAD_SAME, OD_ACT_RELU6);
    od_value up = od_graph_upsample2x(&f.g, quarter, 20, 12, "up");
    half = od_graph_add(&f.g, conv(&f, half, 8, 1, 1, OD_PAD_SAME, OD_ACT_NONE), up, "add");
    od_value levels[] = {x, half, quarter};
    for (int i = 0; i < 3; i++) out[i] = conv(&f, dw(&f, levels[i], 3, 1, 1, OD_PAD_SAME), 12, 1, 1, OD_PAD_SAME, OD_ACT_NONE);
    od_value all = od_graph_concat_predictions(&f.g, out, 3, 4, "concat");
    check(&f, &all, 1, 3); /* the addition is folded: 1x1, depthwise, 1x1 */
}

/* A chain beside whole ops: what it writes is alive from its step on, before those. Otherwise it would lie where the input of one of them is. */
static void test_chain_beside_whole_ops(void **state)
{
    (void)state;
    fixture f;
    od_value x = begin(&f, 2, 9, 7, 32), out[3];
    od_value a = conv(&f, x, 32, 3, 1, OD_PAD_SAME, OD_ACT_RELU), b = conv(&f, x, 32, 3, 1, OD_PAD_SAME, OD_ACT_RELU);
    out[0] = conv(&f, a, 32, 3, 1, OD_PAD_SAME, OD_ACT_RELU);
    out[1] = conv(&f, b, 16, 3, 1, OD_PAD_SAME, OD_ACT_RELU);
    out[2] = conv(&f, b, 32, 1, 1, OD_PAD_SAME, OD_ACT_RELU);
    check(&f, out, 3, 1);
}

/* A whole op that adds what a longer branch makes (an hourglass network's 1x1 convolution with stride 2 beside two 3x3 ones) comes after it. */
static void test_whole_op_adds_residual(void **state)
{
    (void)state;
    fixture f;
    od_value x = begin(&f, 2, 10, 8, 264);
    od_value y = conv(&f, conv(&f, x, 20, 3, 2, OD_PAD_EXPLICIT, OD_ACT_RELU), 20, 3, 1, OD_PAD_SAME, OD_ACT_NONE);
    od_value sum = od_graph_add_act(&f.g, y, conv(&f, x, 20, 1, 2, OD_PAD_SAME, OD_ACT_NONE), OD_ACT_RELU, "sum");
    sum = conv(&f, sum, 6, 1, 1, OD_PAD_SAME, OD_ACT_NONE);
    check(&f, &sum, 1, 1);
}

/* A stage in the middle of what could be a chain adds what is made after the chain's first stage: the chain ends before it. */
static void test_late_residual_ends_chain(void **state)
{
    (void)state;
    fixture f;
    od_value x = begin(&f, 1, 40, 24, 8);
    od_value y = dw(&f, conv(&f, x, 32, 1, 1, OD_PAD_SAME, OD_ACT_RELU6), 3, 1, 1, OD_PAD_SAME);
    od_value side = conv(&f, conv(&f, x, 40, 3, 1, OD_PAD_SAME, OD_ACT_RELU), 8, 3, 1, OD_PAD_SAME, OD_ACT_NONE); /* whole: 3 * 3 * 40 > 256 */
    od_value sum = od_graph_add(&f.g, conv(&f, y, 8, 1, 1, OD_PAD_SAME, OD_ACT_NONE), side, "sum");
    check(&f, &sum, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stem_and_blocks),
        cmocka_unit_test(test_odd_kernels),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_chain_beside_whole_ops),
        cmocka_unit_test(test_whole_op_adds_residual),
        cmocka_unit_test(test_late_residual_ends_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
