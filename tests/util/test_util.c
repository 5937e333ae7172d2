/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors, buffers, maps, random numbers, atomic files and their injected failures.
 */
#include "test_support.h"
#include "util/alloc.h"
#include "util/error.h"
#include "util/file.h"
#include "util/hashmap.h"
#include "util/huge_pages.h"
#include "util/rng.h"
#include "util/strbuf.h"

#include <string.h>
#include <unistd.h>

static void test_error_prefix_and_cut(void **state)
{
    (void)state;
    od_error err = {0};
    assert_int_equal(od_error_set(&err, OD_ERR_FORMAT, "line %d", 7), OD_ERR_FORMAT);
    od_error_prefix(&err, "%s", "a.config");
    assert_string_equal(err.message, "a.config: line 7");
    char big[3000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    od_error_set(&err, OD_ERR_IO, "%s", big);
    assert_int_equal(strlen(err.message), OD_ERROR_MESSAGE_SIZE - 1);
    assert_string_equal(err.message + strlen(err.message) - 3, "...");
}

static void test_strbuf_grows_and_survives_failure(void **state)
{
    (void)state;
    od_strbuf b = {0};
    for (int i = 0; i < 1000; i++) od_strbuf_printf(&b, "%d,", i);
    assert_int_equal(b.size, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(b.data, "0,1,2,", 6);
    od_strbuf_deinit(&b);
    od_alloc_fail_after(1);
    od_strbuf_puts(&b, "lost");
    od_strbuf_puts(&b, "also lost");
    assert_true(od_strbuf_failed(&b));
    od_strbuf_deinit(&b);
}

static void test_alloc_refuses_overflow(void **state)
{
    (void)state;
    assert_null(od_malloc((size_t)-1, 2));
    assert_null(od_calloc((size_t)1 << 62, 16));
}

static void test_huge_pages_free(void **state)
{
    (void)state;
    const char *text = "Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n"
                       "Node 0, zone   Normal     62     12      0    485   2593    879    215     72     63     52    179 \n";
    size_t huge = OD_HUGE_PAGE; /* blocks of 2^9 pages and of 2^10 */
    assert_int_equal(od_huge_pages_free_in(text, 4096), (1 + 2 * 3 + 52 + 2 * 179) * huge);
    const char *large_pages = "Node 0, zone Normal 1 1 1 1 1 1 1\n"; /* of 64 KiB: 2^5 make one */
    assert_int_equal(od_huge_pages_free_in(large_pages, 65536), (1 + 2) * huge);
    assert_int_equal(od_huge_pages_free_in("", 4096), 0);
    assert_int_equal(od_huge_pages_free_in("no such table\n", 4096), 0);
}

static void test_hashmap(void **state)
{
    (void)state;
    od_hashmap map = {0};
    char key[32];
    int64_t v;
    assert_false(od_hashmap_get(&map, "k0", &v));
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(od_hashmap_set(&map, key, i), 0);
    }
    od_hashmap_set(&map, "k7", -7);
    assert_int_equal(map.count, 500);
    assert_true(od_hashmap_get(&map, "k499", &v));
    assert_int_equal(v, 499);
    assert_true(od_hashmap_get(&map, "k7", &v));
    assert_int_equal(v, -7);
    assert_false(od_hashmap_get(&map, "k500", NULL));
    od_hashmap_deinit(&map);
}

static void test_rng_streams(void **state)
{
    (void)state;
    od_rng a, b, c;
    od_rng_init(&a, 1, 5);
    od_rng_init(&b, 1, 5);
    od_rng_init(&c, 1, 6);
    assert_true(od_rng_next(&a) == od_rng_next(&b));
    assert_false(od_rng_next(&a) == od_rng_next(&c));
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = od_rng_normal(&a);
        sum += x, squares += x * x;
        int64_t n = od_rng_int(&b, -3, 4);
        assert_in_range(n + 3, 0, 6);
    }
    assert_true(sum / 100000 < 0.02 && sum / 100000 > -0.02);
    assert_true(squares / 100000 < 1.02 && squares / 100000 > 0.98);
}

static void test_file_write_is_atomic_when_the_disk_fills(void **state)
{
    (void)state;
    char path[256];
    test_tmp_path(path, sizeof path, "atomic.txt");
    od_error err = {0};
    assert_int_equal(od_file_write_all(path, "old content", 11, &err), OD_OK);
    od_file_fail_after(3);
    assert_int_equal(od_file_write_all(path, "new content", 11, &err), OD_ERR_IO);
    od_file_fail_after(-1);
    assert_non_null(strstr(err.message, "No space left"));
    assert_non_null(strstr(err.message, path));
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, path, &err), OD_OK);
    assert_int_equal(view.size, 11);
    assert_memory_equal(view.data, "old content", 11);
    od_file_view_close(&view);
    unlink(path);
    assert_int_equal(od_file_view_open(&view, path, &err), OD_ERR_NOT_FOUND);
}

static void test_paths(void **state)
{
    (void)state;
    char *p = od_path_join("a/", "b");
    assert_string_equal(p, "a/b");
    od_free(p);
    p = od_path_join("a", "/b");
    assert_string_equal(p, "/b");
    od_free(p);
    p = od_path_dir("x.config");
    assert_string_equal(p, ".");
    od_free(p);
    assert_string_equal(od_path_base("a/b/c.txt"), "c.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_prefix_and_cut),
        cmocka_unit_test(test_strbuf_grows_and_survives_failure),
        cmocka_unit_test(test_alloc_refuses_overflow),
        cmocka_unit_test(test_huge_pages_free), cmocka_unit_test(test_hashmap),
        cmocka_unit_test(test_rng_streams),
        cmocka_unit_test(test_file_write_is_atomic_when_the_disk_fills),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
