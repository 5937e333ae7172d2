/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting with little memory: order, equal records once, the same however much memory there is; a full disk and a missing folder are told.
 */
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/record_sort.h"
#include "util/rng.h"

#include <stdlib.h>
#include <string.h>

static od_error err;

typedef struct item {
    uint32_t key, twice; /* twice = 2 key: whole records are kept together */
} item;

static int by_key(const void *a, const void *b)
{
    const item *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Adds `count` keys of 0..range-1; returns how many come out, each above the one before. */
static int check(size_t memory, int count, int range)
{
    od_record_sort *s;
    od_rng rng;
    uint8_t *there = od_calloc((size_t)range, 1);
    int expected = 0, seen = 0, more;
    assert_int_equal(od_record_sort_create(&s, sizeof(item), by_key, memory, &err), OD_OK);
    od_rng_init(&rng, 5, 0);
    for (int i = 0; i < count; i++) {
        uint32_t key = (uint32_t)od_rng_int(&rng, 0, range);
        expected += !there[key];
        there[key] = 1;
        assert_int_equal(od_record_sort_add(s, &(item){key, 2 * key}, &err), OD_OK);
    }
    assert_int_equal(od_record_sort_finish(s, &err), OD_OK);
    item last = {0}, got;
    for (;;) {
        assert_int_equal(od_record_sort_next(s, &got, &more, &err), OD_OK);
        if (!more) break;
        assert_true(!seen || got.key > last.key);
        assert_int_equal(got.twice, 2 * got.key);
        assert_true(there[got.key]);
        last = got;
        seen++;
    }
    assert_int_equal(seen, expected);
    od_record_sort_free(s);
    od_free(there);
    return seen;
}

static void test_order_and_equals(void **state)
{
    (void)state;
    const size_t memories[] = {1, 16, 80, 1000, 8000, 1 << 20};
    for (size_t k = 0; k < sizeof memories / sizeof *memories; k++) {
        assert_int_equal(check(memories[k], 0, 10), 0);
        assert_int_equal(check(memories[k], 1, 10), 1);
        assert_int_equal(check(memories[k], 2000, 10), 10);
        assert_true(check(memories[k], 3000, 100000) > 2900);
    }
}

static void test_full_disk(void **state)
{
    (void)state;
    od_record_sort *s;
    od_status status = OD_OK;
    assert_int_equal(od_record_sort_create(&s, sizeof(item), by_key, 800, &err), OD_OK);
    od_file_fail_after(2000);
    for (uint32_t i = 0; i < 1000 && status == OD_OK; i++) status = od_record_sort_add(s, &(item){i, 2 * i}, &err);
    od_file_fail_after(-1);
    od_record_sort_free(s);
    assert_int_equal(status, OD_ERR_IO);
    assert_non_null(strstr(err.message, "cannot write a temporary file: No space left on device; set TMPDIR to a folder with room on a disk"));
}

static void test_no_folder(void **state)
{
    (void)state;
    od_record_sort *s;
    od_status status = OD_OK;
    const char *before = getenv("TMPDIR");
    char *kept = before ? od_strdup(before) : NULL;
    setenv("TMPDIR", "/nonexistent/folder", 1);
    assert_int_equal(od_record_sort_create(&s, sizeof(item), by_key, 80, &err), OD_OK);
    for (uint32_t i = 0; i < 20 && status == OD_OK; i++) status = od_record_sort_add(s, &(item){i, 2 * i}, &err);
    od_record_sort_free(s);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    od_free(kept);
    assert_int_equal(status, OD_ERR_IO);
    assert_string_equal(err.message, "/nonexistent/folder: cannot make a temporary file: No such file or directory; set TMPDIR to a folder with room on a disk");
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        od_record_sort *s = NULL;
        od_alloc_fail_after(n);
        od_status status = od_record_sort_create(&s, sizeof(item), by_key, 80, &err);
        for (uint32_t i = 0; i < 50 && status == OD_OK; i++) status = od_record_sort_add(s, &(item){i, 2 * i}, &err);
        if (status == OD_OK) status = od_record_sort_finish(s, &err);
        od_alloc_fail_after(0);
        od_record_sort_free(s);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order_and_equals), cmocka_unit_test(test_full_disk), cmocka_unit_test(test_no_folder),
                                       cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
