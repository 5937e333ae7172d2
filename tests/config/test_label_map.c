/* SPDX-License-Identifier: Apache-2.0
 *
 * Label maps: reading, looking up, what is refused, building and writing.
 */
#include "test_support.h"

#include "config/label_map.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

static od_label_map *parse(const char *text)
{
    od_label_map *map = NULL;
    od_error err = {0};
    if (od_label_map_parse(text, strlen(text), "m.pbtxt", &map, &err) != OD_OK) fail_msg("%s", err.message);
    return map;
}

static void assert_refused(const char *text, const char *message)
{
    od_label_map *map = NULL;
    od_error err = {0};
    assert_int_equal(od_label_map_parse(text, strlen(text), "m.pbtxt", &map, &err), OD_ERR_FORMAT);
    assert_null(map);
    assert_string_equal(err.message, message);
}

static void test_lookup(void **state)
{
    (void)state;
    od_label_map *map = parse("item { name: 'background' id: 0 }\nitem: { id: 3, name: '/m/01', display_name: \"cat\" }\n"
                              "item < id: 1 name: 'cat' >\nitem { id: 7 display_name: 'd\xc3\xb6g' keypoints { id: 1 label: 'nose' } }");
    assert_int_equal(od_label_map_count(map), 3);
    assert_int_equal(od_label_map_max_id(map), 7);
    assert_int_equal(od_label_map_id(map, 0), 1);
    assert_int_equal(od_label_map_id(map, 2), 7);
    assert_int_equal(od_label_map_find(map, "cat"), 3); /* the larger of name -> 1 and display name -> 3 */
    assert_int_equal(od_label_map_find(map, "/m/01"), 3);
    assert_int_equal(od_label_map_find(map, "d\xc3\xb6g"), 7);
    assert_int_equal(od_label_map_find(map, "dog"), -1);
    assert_int_equal(od_label_map_find(map, ""), -1);
    assert_string_equal(od_label_map_name(map, 3), "cat");
    assert_string_equal(od_label_map_name(map, 1), "cat");
    assert_null(od_label_map_name(map, 2));
    assert_null(od_label_map_name(map, 0));
    assert_int_equal(od_label_map_line(map, 3), 2);
    assert_string_equal(od_label_map_path(map), "m.pbtxt");
    od_label_map_free(map);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused("item { id: 0 name: 'cat' }", "m.pbtxt:1: class 'cat' has id 0; ids start at 1 (0 is the background)");
    assert_refused("\nitem { id: -2 name: 'cat' }", "m.pbtxt:2: class 'cat' has id -2; ids start at 1 (0 is the background)");
    assert_refused("item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }", "m.pbtxt:2: id 1 is given to 'a' and to 'b'; give every class its own id");
    assert_refused("item { id: 1 name: 'a' }\nitem { id: 2 name: 'a' }",
                   "m.pbtxt:2: the name 'a' is given to id 1 and to id 2; give every class its own name");
    assert_refused("item { name: 'a' }", "m.pbtxt:1: an item without an id; add id: N with N from 1");
    assert_refused("item { id: 4 }", "m.pbtxt:1: the item with id 4 has no name; add name: '...'");
    assert_refused("", "m.pbtxt: no classes; expected item { id: 1 name: '...' }");
    assert_refused("items { id: 1 }", "m.pbtxt:1:1: unknown field 'items' in StringIntLabelMap; fix: did you mean item?");
    assert_refused("item { id: 'x' name: 'a' }", "m.pbtxt:1:12: item.id: cannot be 'x'; expected a whole number from -2147483648 to 2147483647");
}

static void test_build_and_write(void **state)
{
    (void)state;
    od_label_map *map = od_label_map_create();
    od_error err = {0};
    assert_int_equal(od_label_map_add(map, 2, "it's \"b\"", NULL, &err), OD_OK);
    assert_int_equal(od_label_map_add(map, 1, "n1", "lung left", &err), OD_OK);
    assert_int_equal(od_label_map_add(map, 1, "c", NULL, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "id 1 is given to 'n1' and to 'c'; give every class its own id");
    assert_int_equal(od_label_map_add(map, 3, "n1", NULL, &err), OD_ERR_ARG);
    assert_int_equal(od_label_map_add(map, 0, "zero", NULL, &err), OD_ERR_ARG);
    char path[300];
    test_tmp_path(path, sizeof path, "written.pbtxt");
    assert_int_equal(od_label_map_save(map, path, &err), OD_OK);
    od_label_map_free(map);
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, path, &err), OD_OK);
    static const char expected[] = "item {\n  name: \"n1\"\n  id: 1\n  display_name: \"lung left\"\n}\nitem {\n  name: \"it\\'s \\\"b\\\"\"\n  id: 2\n}\n";
    assert_int_equal(view.size, strlen(expected));
    assert_memory_equal(view.data, expected, view.size);
    od_file_view_close(&view);
    assert_int_equal(od_label_map_load(path, &map, &err), OD_OK);
    assert_int_equal(od_label_map_find(map, "it's \"b\""), 2);
    assert_int_equal(od_label_map_find(map, "lung left"), 1);
    od_label_map_free(map);
    assert_int_equal(od_label_map_load("no/such.pbtxt", &map, &err), OD_ERR_NOT_FOUND);
}

static void test_shared_maps(void **state)
{
    (void)state;
    char path[400];
    test_need_shared(path, "data/chest_xray/label_map.pbtxt");
    od_label_map *map = NULL;
    od_error err = {0};
    if (od_label_map_load(path, &map, &err) != OD_OK) fail_msg("%s", err.message);
    assert_true(od_label_map_count(map) > 0);
    for (int i = 0; i < od_label_map_count(map); i++) {
        int32_t id = od_label_map_id(map, i);
        assert_int_equal(od_label_map_find(map, od_label_map_name(map, id)), id);
    }
    od_label_map_free(map);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    static const char text[] = "item { id: 1 name: 'a' display_name: 'x' } item { id: 2 name: 'b' }";
    int failures = 0;
    for (long n = 1; n < 60; n++) {
        od_label_map *map = NULL;
        od_alloc_fail_after(n);
        od_status status = od_label_map_parse(text, strlen(text), "m", &map, NULL);
        od_alloc_fail_after(0);
        assert_true(status == OD_ERR_NOMEM ? !map : map && od_label_map_count(map) == 2);
        failures += status == OD_ERR_NOMEM;
        od_label_map_free(map);
    }
    assert_true(failures > 10 && failures < 59);
}

static void test_hierarchy(void **state)
{
    (void)state;
    od_label_map *map = parse("item { id: 1 name: 'animal' descendant_ids: [3, 2, 3] } item { id: 2 name: 'dog' ancestor_ids: 1 } item { id: 3 name: 'puppy' ancestor_ids: [2, 1] }");
    char *text;
    int count;
    const int32_t *ids = od_label_map_relatives(map, 3, 1, &count);
    assert_int_equal(count, 2);
    assert_true(ids[0] == 1 && ids[1] == 2);
    ids = od_label_map_relatives(map, 1, 0, &count);
    assert_int_equal(count, 2);
    assert_true(ids[0] == 2 && ids[1] == 3);
    od_label_map_relatives(map, 2, 0, &count);
    assert_int_equal(count, 0);
    od_label_map_relatives(map, 9, 1, &count);
    assert_int_equal(count, 0);
    assert_int_equal(od_label_map_format(map, &text, NULL, NULL), OD_OK); /* written back */
    od_label_map *again = parse(text);
    od_label_map_relatives(again, 3, 1, &count);
    assert_int_equal(count, 2);
    od_free(text);
    od_label_map_free(again);
    od_label_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hierarchy),
        cmocka_unit_test(test_lookup),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_build_and_write), cmocka_unit_test(test_shared_maps),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
