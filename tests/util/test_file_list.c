/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders listed by ending, and a name of its own for each file.
 */
#include "test_support.h"

#include "util/alloc.h"
#include "util/file.h"
#include "util/file_list.h"

#include <string.h>

static void expect_names(const char *const *paths, const char *const *expected, size_t count)
{
    od_file_list list = {(char **)(uintptr_t)paths, count, count};
    char **names;
    assert_int_equal(od_file_list_names(&list, &names, NULL), OD_OK);
    for (size_t i = 0; i < count; i++) assert_string_equal(names[i], expected[i]);
    od_file_list_names_free(&list, names);
}

static void test_names_differ(void **state)
{
    (void)state;
    /* The file that is called a_2 keeps its name, although it comes last. */
    const char *const paths[] = {"x/a.jpg", "y/a.png", "z/a.JPG", "b.tar.gz", "x/.hidden", "plain", "x/a_2.jpg", "v.1/plain"};
    const char *const names[] = {"a", "a_3", "a_4", "b.tar", ".hidden", "plain", "a_2", "plain_2"};
    expect_names(paths, names, 8);
}

static void test_numbers_never_meet_a_taken_name(void **state)
{
    (void)state;
    const char *const paths[] = {"1/a.jpg", "1/a_2.jpg", "2/a.jpg", "2/a_2.jpg", "3/a_2_2.jpg"};
    const char *const names[] = {"a", "a_2", "a_3", "a_2_3", "a_2_2"};
    expect_names(paths, names, 5);
}

static void test_names_without_memory(void **state)
{
    (void)state;
    char *paths[] = {"a/x.jpg", "b/x.jpg", "c/x.jpg", "d/y.jpg"};
    od_file_list list = {paths, 4, 4};
    od_error err;
    char **names = NULL;
    int failures = 0;
    for (long n = 1;; n++, failures++) {
        od_alloc_fail_after(n);
        od_status status = od_file_list_names(&list, &names, &err);
        od_alloc_fail_after(0);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
    }
    assert_true(failures > 5);
    assert_string_equal(names[2], "x_3");
    od_file_list_names_free(&list, names);
}

static void write_empty(const char *folder, const char *name)
{
    char *path = od_path_join(folder, name);
    assert_int_equal(od_file_write_all(path, "", 0, NULL), OD_OK);
    od_free(path);
}

static void test_folder_is_sorted_and_filtered(void **state)
{
    (void)state;
    static const char *const endings[] = {"jpg", "png", NULL};
    char folder[512];
    od_error err;
    od_file_list list = {0};
    test_tmp_path(folder, sizeof folder, "pictures");
    assert_int_equal(od_dir_create(folder, &err), OD_OK);
    const char *const files[] = {"c.JPG", "a.png", "b.txt", ".d.jpg", "jpg", "b.PnG"}, *const expected[] = {"a.png", "b.PnG", "c.JPG"};
    for (int i = 0; i < 6; i++) write_empty(folder, files[i]);
    assert_int_equal(od_file_list_add(&list, folder, endings, &err), OD_OK);
    assert_int_equal(list.count, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(od_path_base(list.paths[i]), expected[i]);
    assert_int_equal(od_file_list_add(&list, "no/such/file.jpg", endings, &err), OD_ERR_NOT_FOUND);
    assert_string_equal(err.message, "no/such/file.jpg: cannot open: No such file or directory");
    assert_int_equal(list.count, 3);
    od_file_list_deinit(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_differ),
        cmocka_unit_test(test_numbers_never_meet_a_taken_name),
        cmocka_unit_test(test_names_without_memory),
        cmocka_unit_test(test_folder_is_sorted_and_filtered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
