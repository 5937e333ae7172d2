/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a checkpoint and writes it again: without arguments a test on ../shared; with them a tool for the oracle's tests
 * (tests/oracle/test_oracle_checkpoint.sh):
 *
 *     test_checkpoint_copy SRC_PREFIX DST_PREFIX       copies every variable and its "momentum" slot
 *     test_checkpoint_copy --dump SRC_PREFIX OUT       writes them as safetensors, by checkpoint key
 */
#include "test_support.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/object_graph.h"
#include "checkpoint/safetensors.h"

#include <string.h>

static od_status copy_variable(od_checkpoint *from, size_t i, od_checkpoint_writer *to, od_error *err)
{
    const char *path = od_checkpoint_path(from, i);
    od_checkpoint_tensor t;
    OD_TRY(od_checkpoint_at(from, i, &t, err));
    OD_TRY(od_checkpoint_writer_add(to, path, t.dtype, t.rank, t.shape, t.data, err));
    od_status status = od_checkpoint_find_slot(from, path, "momentum", &t, err);
    if (status == OD_ERR_NOT_FOUND) return OD_OK;
    if (status != OD_OK) return status;
    return od_checkpoint_writer_add_slot(to, path, "optimizer", "momentum", t.dtype, t.rank, t.shape, t.data, err);
}

static od_status copy_checkpoint(const char *source, const char *target, od_error *err)
{
    od_checkpoint *from;
    od_checkpoint_writer *to;
    OD_TRY(od_checkpoint_open(&from, source, err));
    od_status status = od_checkpoint_writer_create(&to, target, err);
    if (status == OD_OK) {
        for (size_t i = 0; status == OD_OK && i < od_checkpoint_count(from); i++) status = copy_variable(from, i, to, err);
        if (status == OD_OK)
            status = od_checkpoint_writer_finish(to, err);
        else
            od_checkpoint_writer_abort(to);
    }
    od_checkpoint_close(from);
    return status;
}

static void add_entry(od_safetensors_entry *entries, size_t *count, const od_checkpoint_tensor *t)
{
    od_safetensors_entry e = {.name = t->key, .dtype = t->dtype, .rank = t->rank, .data = t->data, .bytes = t->bytes};
    memcpy(e.shape, t->shape, sizeof e.shape);
    entries[(*count)++] = e;
}

static od_status dump_checkpoint(const char *source, const char *out, od_error *err)
{
    od_checkpoint *c;
    OD_TRY(od_checkpoint_open(&c, source, err));
    size_t count = 0;
    od_status status = OD_OK;
    od_safetensors_entry *entries = calloc(2 * od_checkpoint_count(c) + 1, sizeof *entries);
    for (size_t i = 0; entries && status == OD_OK && i < od_checkpoint_count(c); i++) {
        od_checkpoint_tensor t;
        status = od_checkpoint_at(c, i, &t, err);
        if (status == OD_OK) add_entry(entries, &count, &t);
        if (status == OD_OK && od_checkpoint_find_slot(c, od_checkpoint_path(c, i), "momentum", &t, NULL) == OD_OK) add_entry(entries, &count, &t);
    }
    if (status == OD_OK) status = od_safetensors_write(out, entries, count, err);
    free(entries);
    od_checkpoint_close(c);
    return status;
}

static void test_copy_equals(void **state)
{
    (void)state;
    char source[512], target[512];
    od_checkpoint *a, *b;
    od_error err = {0};
    test_need_shared(source, "weights/mobilenet_v2_imagenet/ckpt-1.index");
    source[strlen(source) - 6] = 0;
    test_tmp_path(target, sizeof target, "copy-1");
    if (copy_checkpoint(source, target, &err)) fail_msg("%s", err.message);
    assert_int_equal(od_checkpoint_open(&a, source, NULL), OD_OK);
    assert_int_equal(od_checkpoint_open(&b, target, NULL), OD_OK);
    assert_int_equal(od_checkpoint_count(a), od_checkpoint_count(b));
    for (size_t i = 0; i < od_checkpoint_count(a); i++) {
        od_checkpoint_tensor x, y;
        assert_int_equal(od_checkpoint_at(a, i, &x, NULL), OD_OK);
        if (od_checkpoint_find(b, od_checkpoint_path(a, i), &y, &err)) fail_msg("%s", err.message);
        assert_int_equal(x.dtype, y.dtype);
        assert_int_equal(x.rank, y.rank);
        assert_memory_equal(x.shape, y.shape, sizeof x.shape);
        assert_memory_equal(x.data, y.data, x.bytes);
        assert_string_equal(x.key, y.key);
    }
    od_checkpoint_close(a);
    od_checkpoint_close(b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copy_equals)};
    od_error err = {0};
    if (argc == 1) return cmocka_run_group_tests(tests, NULL, NULL);
    int dump = !strcmp(argv[1], "--dump");
    if (argc != 3 + dump) return 2;
    od_status status = dump ? dump_checkpoint(argv[2], argv[3], &err) : copy_checkpoint(argv[1], argv[2], &err);
    if (status != OD_OK) fprintf(stderr, "%s\n", err.message);
    return status != OD_OK;
}
