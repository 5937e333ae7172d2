/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints by object path: the golden ones against the recipe of their weights, a round trip, aliases, refusals.
 */
#include "test_support.h"
#include "weight_recipe.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/object_graph.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_bundle.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

#define SUFFIX_SIZE (sizeof OD_OBJECT_GRAPH_SUFFIX - 1)

static const char *const golden_cases[] = {
    "centernet_resnet50_v2", "faster_rcnn_resnet50", "faster_rcnn_resnet50_fpn", "mask_rcnn_inception_resnet_v2",
    "ssd_efficientdet_d0", "ssd_efficientdet_d1", "ssd_mobilenet_v1_fpn", "ssd_mobilenet_v2_fpnlite_320",
    "ssd_mobilenet_v2_fpnlite_640", "ssd_mobilenet_v2_fpnlite_small", "ssd_mobilenet_v2_small", "ssd_resnet50_v1_fpn",
};

/* Every moving statistic of the fixture is a key of the index, with the same shape. */
static void assert_moving_in_index(const od_bundle *b, const char *name)
{
    char path[512], moving[256], key[600];
    od_safetensors *st;
    snprintf(moving, sizeof moving, "golden/%s/moving.safetensors", name);
    assert_true(test_shared_path(path, sizeof path, moving));
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    assert_true(od_safetensors_count(st) > 10);
    for (size_t i = 0; i < od_safetensors_count(st); i++) {
        const od_safetensors_entry *m = od_safetensors_at(st, i);
        snprintf(key, sizeof key, "%s" OD_OBJECT_GRAPH_SUFFIX, m->name);
        const od_bundle_entry *e = od_bundle_find(b, key);
        assert_non_null(e);
        assert_int_equal(e->dtype, OD_F32);
        assert_int_equal(e->size, m->bytes);
        assert_memory_equal(e->shape, m->shape, sizeof m->shape);
    }
    od_safetensors_close(st);
}

static void test_golden_indexes(void **state)
{
    (void)state;
    char path[512], prefix[256];
    test_need_shared(path, "golden");
    for (size_t i = 0; i < sizeof golden_cases / sizeof *golden_cases; i++) {
        od_bundle *b;
        od_error err = {0};
        snprintf(prefix, sizeof prefix, "golden/%s/model", golden_cases[i]);
        test_shared_path(path, sizeof path, prefix);
        if (od_bundle_open_index(&b, path, &err)) fail_msg("%s", err.message);
        assert_true(od_bundle_count(b) > 200);
        assert_non_null(od_bundle_find(b, "_CHECKPOINTABLE_OBJECT_GRAPH"));
        assert_moving_in_index(b, golden_cases[i]);
        const void *data;
        assert_int_equal(od_bundle_data(b, od_bundle_at(b, 1), &data, &err), OD_ERR_ARG);
        od_bundle_close(b);
    }
}

static void assert_golden_value(const char *path, const od_checkpoint_tensor *t, const od_safetensors *moving)
{
    const od_safetensors_entry *m = od_safetensors_find(moving, path);
    float *expected = test_malloc(t->bytes + 4);
    if (m)
        memcpy(expected, m->data, m->bytes);
    else
        test_recipe_weight(path, t->rank, t->shape, expected);
    if (memcmp(expected, t->data, t->bytes)) fail_msg("%s: %g, expected %g", path, *(const float *)t->data, expected[0]);
    test_free(expected);
}

/* Values of every variable, found by walking the graph. */
static void assert_golden_values(const char *name, size_t expected_count)
{
    char path[512], relative[256];
    od_checkpoint *c;
    od_safetensors *moving;
    od_error err = {0};
    snprintf(relative, sizeof relative, "golden/%s/moving.safetensors", name);
    test_shared_path(path, sizeof path, relative);
    assert_int_equal(od_safetensors_open(&moving, path, NULL), OD_OK);
    snprintf(relative, sizeof relative, "golden/%s/model", name);
    test_shared_path(path, sizeof path, relative);
    if (od_checkpoint_open(&c, path, &err)) fail_msg("%s", err.message);
    size_t floats = 0;
    for (size_t i = 0; i < od_checkpoint_count(c); i++) {
        od_checkpoint_tensor t;
        if (od_checkpoint_at(c, i, &t, &err)) fail_msg("%s", err.message);
        /* TensorFlow names keys by the same walk. */
        assert_int_equal(strlen(t.key), strlen(od_checkpoint_path(c, i)) + SUFFIX_SIZE);
        assert_memory_equal(t.key, od_checkpoint_path(c, i), strlen(od_checkpoint_path(c, i)));
        if (t.dtype != OD_F32) continue;
        assert_golden_value(od_checkpoint_path(c, i), &t, moving);
        floats++;
    }
    assert_int_equal(floats, expected_count);
    od_checkpoint_close(c);
    od_safetensors_close(moving);
}

static void test_golden_values(void **state)
{
    (void)state;
    char path[512];
    test_need_shared(path, "golden/ssd_mobilenet_v2_small/model.index");
    assert_golden_values("ssd_mobilenet_v2_fpnlite_small", 384);
    assert_golden_values("ssd_mobilenet_v2_small", 324);
}

static void test_imagenet_weights(void **state)
{
    (void)state;
    char path[512];
    od_checkpoint *c;
    od_checkpoint_tensor by_weights, by_layer;
    od_error err = {0};
    int64_t step;
    test_need_shared(path, "weights/mobilenet_v2_imagenet/ckpt-1.index");
    path[strlen(path) - 6] = 0;
    if (od_checkpoint_open(&c, path, &err)) fail_msg("%s", err.message);
    assert_true(od_checkpoint_has(c, "feature_extractor"));
    assert_int_equal(od_checkpoint_count(c), 261);
    /* Two routes to one variable. */
    assert_int_equal(od_checkpoint_find(c, "feature_extractor/layer_with_weights-0/kernel", &by_weights, &err), OD_OK);
    assert_int_equal(od_checkpoint_find(c, "feature_extractor/layer-1/kernel", &by_layer, &err), OD_OK);
    assert_ptr_equal(by_weights.data, by_layer.data);
    assert_int_equal(by_weights.rank, 4);
    assert_true(((const float *)by_weights.data)[0] == -0.306026012f);
    assert_int_equal(od_checkpoint_step(c, &step, &err), OD_ERR_NOT_FOUND);
    assert_int_equal(od_checkpoint_find(c, "feature_extractor/layer-1/nothing", &by_layer, &err), OD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "'feature_extractor/layer-1' has "));
    assert_non_null(strstr(err.message, "kernel"));
    assert_int_equal(od_checkpoint_find(c, "feature_extractor/layer-1", &by_layer, &err), OD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "not a variable"));
    od_checkpoint_close(c);
}

static const float kernel[6] = {1, 2, 3, 4, 5, 6}, momentum[6] = {-1, -2, -3, -4, -5, -6};
static const int64_t kernel_shape[2] = {2, 3};

static od_status write_small(const char *prefix, int64_t step, od_error *err)
{
    od_checkpoint_writer *w;
    OD_TRY(od_checkpoint_writer_create(&w, prefix, err));
    od_status status = od_checkpoint_writer_add_i64(w, "step", step, err);
    if (status == OD_OK) status = od_checkpoint_writer_add_i64(w, "save_counter", 1, err);
    if (status == OD_OK) status = od_checkpoint_writer_add(w, "model/box.Soffset/0/kernel", OD_F32, 2, kernel_shape, kernel, err);
    if (status == OD_OK) status = od_checkpoint_writer_add(w, "model/empty", OD_F32, 1, (int64_t[]){0}, NULL, err);
    if (status == OD_OK)
        status = od_checkpoint_writer_add_slot(w, "model/box.Soffset/0/kernel", "optimizer", "momentum", OD_F32, 2, kernel_shape, momentum, err);
    if (status == OD_OK) status = od_checkpoint_writer_add_f32(w, "optimizer/momentum", 0.9f, err);
    if (status == OD_OK) return od_checkpoint_writer_finish(w, err);
    od_checkpoint_writer_abort(w);
    return status;
}

static void assert_small(const char *prefix, int64_t expected_step)
{
    od_checkpoint *c;
    od_checkpoint_tensor t;
    od_error err = {0};
    int64_t step;
    if (od_checkpoint_open(&c, prefix, &err)) fail_msg("%s", err.message);
    assert_int_equal(od_checkpoint_count(c), 5);
    assert_int_equal(od_checkpoint_step(c, &step, NULL), OD_OK);
    assert_int_equal(step, expected_step);
    assert_int_equal(od_checkpoint_find(c, "model/box.Soffset/0/kernel", &t, NULL), OD_OK);
    assert_int_equal(t.rank, 2);
    assert_memory_equal(t.shape, kernel_shape, sizeof kernel_shape);
    assert_memory_equal(t.data, kernel, sizeof kernel);
    assert_int_equal(od_checkpoint_find_slot(c, "model/box.Soffset/0/kernel", "momentum", &t, NULL), OD_OK);
    assert_memory_equal(t.data, momentum, sizeof momentum);
    assert_int_equal(od_checkpoint_find_slot(c, "model/box.Soffset/0/kernel", "average", &t, &err), OD_ERR_NOT_FOUND);
    assert_int_equal(od_checkpoint_find(c, "model/empty", &t, NULL), OD_OK);
    assert_int_equal(t.bytes, 0);
    assert_int_equal(od_checkpoint_find(c, "optimizer/momentum", &t, NULL), OD_OK);
    assert_true(*(const float *)t.data == 0.9f);
    od_checkpoint_close(c);
}

static void test_round_trip(void **state)
{
    (void)state;
    char prefix[512];
    test_tmp_path(prefix, sizeof prefix, "ckpt-1");
    assert_int_equal(write_small(prefix, 7, NULL), OD_OK);
    assert_small(prefix, 7);
    assert_int_equal(write_small(prefix, 8, NULL), OD_OK);
    assert_small(prefix, 8);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    char prefix[512];
    od_checkpoint_writer *w;
    od_error err = {0};
    float one = 1;
    test_tmp_path(prefix, sizeof prefix, "refused");
    assert_int_equal(od_checkpoint_writer_create(&w, prefix, NULL), OD_OK);
    assert_int_equal(od_checkpoint_writer_add_f32(w, "a/b", one, &err), OD_OK);
    assert_int_equal(od_checkpoint_writer_add_f32(w, "a/b", one, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "'a/b' is written twice"));
    assert_int_equal(od_checkpoint_writer_add_f32(w, "a//b", one, &err), OD_ERR_ARG);
    assert_int_equal(od_checkpoint_writer_add_f32(w, "", one, &err), OD_ERR_ARG);
    assert_int_equal(od_checkpoint_writer_add_f32(w, "a/", one, &err), OD_ERR_ARG);
    assert_int_equal(od_checkpoint_writer_add(w, "c", OD_STRING, 0, NULL, &one, &err), OD_ERR_ARG);
    assert_int_equal(od_checkpoint_writer_add_slot(w, "a", "optimizer", "momentum", OD_F32, 0, NULL, &one, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "must be added before"));
    od_checkpoint_writer_abort(w);
    char left[600];
    snprintf(left, sizeof left, "%s.index", prefix);
    assert_false(od_path_exists(left));
}

/* Whatever allocation fails while writing: either the whole new checkpoint or the whole old one. */
static void test_write_allocation_failures(void **state)
{
    (void)state;
    char prefix[512];
    test_tmp_path(prefix, sizeof prefix, "alloc");
    assert_int_equal(write_small(prefix, 1, NULL), OD_OK);
    od_status status = OD_ERR_NOMEM;
    for (long n = 1; status != OD_OK; n++) {
        od_error err = {0};
        od_alloc_fail_after(n);
        status = write_small(prefix, 2, &err);
        od_alloc_fail_after(0);
        if (status != OD_OK) assert_int_equal(status, OD_ERR_NOMEM);
        assert_small(prefix, status == OD_OK ? 2 : 1);
        assert_true(n < 1000);
    }
}

static void test_read_allocation_failures(void **state)
{
    (void)state;
    char prefix[512];
    test_tmp_path(prefix, sizeof prefix, "alloc");
    assert_int_equal(write_small(prefix, 1, NULL), OD_OK);
    od_status status = OD_ERR_NOMEM;
    for (long n = 1; status != OD_OK; n++) {
        od_error err = {0};
        od_checkpoint *c = NULL;
        od_checkpoint_tensor t;
        od_alloc_fail_after(n);
        status = od_checkpoint_open(&c, prefix, &err);
        if (status == OD_OK) status = od_checkpoint_find(c, "step", &t, &err);
        od_alloc_fail_after(0);
        if (status != OD_OK) assert_int_equal(status, OD_ERR_NOMEM);
        od_checkpoint_close(c);
        assert_true(n < 1000);
    }
}

static void assert_open_fails(const char *prefix, od_status expected, const char *message)
{
    od_error err = {0};
    od_checkpoint *c = NULL;
    od_status status = od_checkpoint_open(&c, prefix, &err);
    if (!strstr(err.message, message)) fail_msg("'%s' without '%s'", err.message, message);
    assert_int_equal(status, expected);
    assert_null(c);
}

static void test_refusals_by_name(void **state)
{
    (void)state;
    char prefix[512], other[600];
    od_bundle_writer *w;
    test_tmp_path(prefix, sizeof prefix, "named");
    assert_open_fails(prefix, OD_ERR_NOT_FOUND, "not found");
    assert_int_equal(od_file_write_all(prefix, "x", 1, NULL), OD_OK);
    assert_open_fails(prefix, OD_ERR_UNSUPPORTED, "a TF1 checkpoint (a single file)");
    snprintf(other, sizeof other, "%s.meta", prefix);
    assert_int_equal(od_file_write_all(other, "x", 1, NULL), OD_OK);
    assert_open_fails(prefix, OD_ERR_UNSUPPORTED, "there is a .meta beside it");
    assert_int_equal(od_bundle_writer_create(&w, prefix, NULL), OD_OK);
    assert_int_equal(od_bundle_writer_add(w, "FeatureExtractor/weights", OD_F32, 2, kernel_shape, kernel, NULL), OD_OK);
    assert_int_equal(od_bundle_writer_finish(w, NULL), OD_OK);
    assert_open_fails(prefix, OD_ERR_UNSUPPORTED, "a TF1 (name-based) checkpoint");
    snprintf(other, sizeof other, "%s.index", prefix);
    assert_open_fails(other, OD_ERR_ARG, "without its ending");
    snprintf(other, sizeof other, "%s.data-00000-of-00001", prefix);
    assert_int_equal(remove(other), 0);
    assert_open_fails(prefix, OD_ERR_NOT_FOUND, "incomplete");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_indexes),
        cmocka_unit_test(test_golden_values),
        cmocka_unit_test(test_imagenet_weights),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_write_allocation_failures),
        cmocka_unit_test(test_read_allocation_failures),
        cmocka_unit_test(test_refusals_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
