/* SPDX-License-Identifier: Apache-2.0 */
#include "eval_case.h"

#include "test_support.h"

json_t *eval_cases_load(const char *path)
{
    char full[512];
    test_source_path(full, sizeof full, path);
    json_t *root = json_load_file(full, 0, NULL), *cases = json_incref(json_object_get(root, "cases"));
    json_decref(root);
    return cases;
}

static int64_t integer(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int64_t index_of(json_t *list, int64_t id)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (integer(item, "id") == id) return (int64_t)i;
    return -1;
}

static void read_box(json_t *item, double box[4])
{
    for (size_t i = 0; i < 4; i++) box[i] = json_number_value(json_array_get(json_object_get(item, "bbox"), i));
}

od_coco_eval *eval_case_run(json_t *c)
{
    od_coco_eval *e;
    json_t *gt = json_object_get(c, "gt"), *images = json_object_get(gt, "images"), *classes = json_object_get(gt, "categories"), *item;
    size_t i;
    double box[4];
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    json_array_foreach(classes, i, item)
        assert_int_equal(od_coco_eval_add_class(e, integer(item, "id"), json_string_value(json_object_get(item, "name")), NULL), OD_OK);
    json_array_foreach(images, i, item)
        assert_int_equal(od_coco_eval_add_image(e, integer(item, "id"), json_string_value(json_object_get(item, "file_name")), NULL, NULL), OD_OK);
    json_array_foreach(json_object_get(gt, "annotations"), i, item) {
        read_box(item, box);
        assert_int_equal(od_coco_eval_add_truth(e, index_of(images, integer(item, "image_id")), index_of(classes, integer(item, "category_id")),
                                                box, json_number_value(json_object_get(item, "area")), (int)integer(item, "iscrowd"), NULL), OD_OK);
    }
    json_array_foreach(json_object_get(c, "dt"), i, item) {
        read_box(item, box);
        assert_int_equal(od_coco_eval_add_detection(e, index_of(images, integer(item, "image_id")), index_of(classes, integer(item, "category_id")),
                                                    box, json_number_value(json_object_get(item, "score")), NULL), OD_OK);
    }
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    return e;
}
