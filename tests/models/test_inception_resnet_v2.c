/* SPDX-License-Identifier: Apache-2.0
 *
 * Inception-ResNet-v2 as two-stage detectors use it: features of both halves against the reference implementation's
 * (data/inception_resnet_v2.safetensors by tests/oracle/inception_features.py) and names and shapes against a checkpoint's.
 */
#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_bundle.h"
#include "models/inception_resnet_v2.h"
#include "nn/net.h"
#include "test_support.h"
#include "weight_recipe.h"

#include <math.h>
#include <string.h>

typedef od_value (*build_fn)(od_graph *, od_value, const od_inception_resnet_v2_options *, const char *);

typedef struct half {
    od_variables vars;
    od_graph g;
    od_value out;
} half;

static od_status begin(half *h, build_fn build, od_tensor_shape in, int stride, const char *path, od_error *err)
{
    od_inception_resnet_v2_options options = {.output_stride = stride};
    od_variables_init(&h->vars);
    od_graph_init(&h->g, &h->vars);
    h->out = build(&h->g, od_graph_input(&h->g, in.n, in.h, in.w, in.c), &options, path);
    return od_graph_check(&h->g, err);
}

static void end(half *h)
{
    od_graph_deinit(&h->g);
    od_variables_deinit(&h->vars);
}

static const od_safetensors_entry *entry(const od_safetensors *st, const char *name, int stride, const char *leaf)
{
    char key[64];
    snprintf(key, sizeof key, "%s%d/%s", name, stride, leaf);
    const od_safetensors_entry *e = od_safetensors_find(st, key);
    if (!e) fail_msg("no %s", key);
    return e;
}

/* 256 evenly spaced values and the norm. */
static void compare(const od_safetensors *st, const char *name, int stride, od_tensor_shape shape, const float *got)
{
    const int64_t *want_shape = entry(st, name, stride, "shape")->data;
    assert_memory_equal(want_shape, &shape, sizeof shape);
    const float *want = entry(st, name, stride, "values")->data, *norm = entry(st, name, stride, "norm")->data;
    int64_t size = od_shape_size(shape);
    double squares = 0, largest = 0;
    for (int64_t i = 0; i < size; i++) squares += (double)got[i] * got[i];
    assert_true(fabs(sqrt(squares) / *norm - 1) < 1e-5);
    for (int i = 0; i < 256; i++) largest = fmax(largest, fabs(want[i]));
    for (int64_t i = 0; i < 256; i++)
        if (!(fabs((double)got[i * size / 256] - want[i]) < 2e-5 * largest)) fail_msg("%s%d [%d]: %g, expected %g", name, stride, (int)i, got[i * size / 256], want[i]);
}

static void check_features(const od_safetensors *st, const char *name, build_fn build, od_tensor_shape in, const char *input_key, int stride)
{
    half h;
    od_net *net;
    od_error err = {0};
    if (begin(&h, build, in, stride, name, &err) != OD_OK) fail_msg("%s", err.message);
    od_graph_mark_output(&h.g, h.out);
    assert_int_equal(od_variables_allocate(&h.vars, 0, NULL), OD_OK);
    for (size_t i = 0; i < h.vars.count; i++)
        test_recipe_weight(h.vars.items[i].name, h.vars.items[i].rank, h.vars.items[i].shape, od_variables_value(&h.vars, (od_var)i));
    int64_t size = od_shape_size(in);
    float *input = malloc((size_t)size * sizeof *input);
    test_recipe_weight(input_key, 1, &size, input);
    assert_int_equal(od_net_create(&net, &h.g, OD_NET_INFER, NULL, NULL), OD_OK);
    od_net_forward(net, input);
    compare(st, name, stride, h.g.values[h.out].shape, od_net_value(net, h.out));
    od_net_free(net);
    free(input);
    end(&h);
}

static void test_features(void **state)
{
    (void)state;
    char path[512];
    od_safetensors *st;
    test_source_path(path, sizeof path, "tests/models/data/inception_resnet_v2.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    for (int stride = 8; stride <= 16; stride += 8)
        check_features(st, "first", od_inception_resnet_v2_build_proposal, (od_tensor_shape){2, 45, 64, 3}, "test/image", stride);
    check_features(st, "second", od_inception_resnet_v2_build_box_classifier, (od_tensor_shape){3, 5, 6, 1088}, "test/crops", 16);
    od_safetensors_close(st);
}

/* The reference's branches have different sizes there and fail, too. */
static void test_second_half_at_stride_8(void **state)
{
    (void)state;
    half h;
    od_error err = {0};
    assert_int_equal(begin(&h, od_inception_resnet_v2_build_box_classifier, (od_tensor_shape){1, 17, 17, 1088}, 8, "second", &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "can't put [1,17,17] and [1,9,9] pixels side by side"));
    end(&h);
}

/* All variables of both halves in a checkpoint that the reference wrote, and nothing else below their paths. */
static void test_checkpoint_paths(void **state)
{
    (void)state;
    static const struct { build_fn build; const char *path; int64_t channels; } halves[] = {
        {od_inception_resnet_v2_build_proposal, "model/_feature_extractor_for_proposal_features", 3},
        {od_inception_resnet_v2_build_box_classifier, "model/_feature_extractor_for_box_classifier_features", 1088}};
    char file[512], key[512];
    test_need_shared(file, "golden/mask_rcnn_inception_resnet_v2/model.index");
    *strrchr(file, '.') = 0;
    od_bundle *bundle;
    assert_int_equal(od_bundle_open_index(&bundle, file, NULL), OD_OK);
    for (int i = 0; i < 2; i++) {
        half h;
        assert_int_equal(begin(&h, halves[i].build, (od_tensor_shape){1, 33, 33, halves[i].channels}, 16, halves[i].path, NULL), OD_OK);
        size_t below = 0;
        for (size_t k = 0; k < od_bundle_count(bundle); k++) below += !strncmp(od_bundle_at(bundle, k)->key, halves[i].path, strlen(halves[i].path));
        assert_int_equal(below, h.vars.count);
        for (size_t k = 0; k < h.vars.count; k++) {
            const od_variable *v = &h.vars.items[k];
            snprintf(key, sizeof key, "%s/.ATTRIBUTES/VARIABLE_VALUE", v->name);
            const od_bundle_entry *e = od_bundle_find(bundle, key);
            if (!e) fail_msg("%s is not in the checkpoint", v->name);
            assert_int_equal(e->rank, v->rank);
            assert_memory_equal(e->shape, v->shape, (size_t)v->rank * sizeof *v->shape);
        }
        end(&h);
    }
    od_bundle_close(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_second_half_at_stride_8),
        cmocka_unit_test(test_checkpoint_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
