/* SPDX-License-Identifier: Apache-2.0 */
#include "coco_problem.h"

#include "eval/coco_eval.h"
#include "test_support.h"
#include "util/alloc.h"

typedef struct place {
    int64_t *first; /* index of each image's first copy */
    const json_t *images, *classes;
    const uint32_t *copies;
} place;

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static int64_t index_of(const json_t *list, int64_t id)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (integer(item, "id") == id) return (int64_t)i;
    fail_msg("no id %lld", (long long)id);
    return -1;
}

static void add(od_coco_eval *e, const place *p, const json_t *item, int truth)
{
    double box[4];
    for (size_t i = 0; i < 4; i++) box[i] = json_number_value(json_array_get(json_object_get(item, "bbox"), i));
    int64_t image = index_of(p->images, integer(item, "image_id")), k = index_of(p->classes, integer(item, "category_id"));
    for (uint32_t c = 0; c < (p->copies ? p->copies[image] : 1); c++) {
        od_status status =
            truth ? od_coco_eval_add_truth(e, p->first[image] + c, k, box, json_number_value(json_object_get(item, "area")),
                                           (int)integer(item, "iscrowd"), NULL)
                  : od_coco_eval_add_detection(e, p->first[image] + c, k, box, json_number_value(json_object_get(item, "score")), NULL);
        assert_int_equal(status, OD_OK);
    }
}

od_coco_eval *test_coco_problem(const json_t *problem, const uint32_t *copies, int grouped)
{
    const json_t *gt = json_object_get(problem, "gt");
    place p = {.images = json_object_get(gt, "images"), .classes = json_object_get(gt, "categories"), .copies = copies};
    od_coco_eval *e = NULL;
    json_t *item;
    size_t i;
    int64_t index = 0, next = 0;
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    json_array_foreach(p.classes, i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        assert_int_equal(od_coco_eval_add_class(e, integer(item, "id"), name, NULL), OD_OK);
    }
    p.first = calloc(json_array_size(p.images) + 1, sizeof *p.first);
    assert_non_null(p.first);
    json_array_foreach(p.images, i, item) {
        p.first[i] = next;
        for (uint32_t c = 0; c < (copies ? copies[i] : 1); c++) {
            assert_int_equal(od_coco_eval_add_image(e, ++next, NULL, &index, NULL), OD_OK);
            if (grouped) e->images[index].group = od_strdup(json_string_value(json_object_get(item, "patient")));
        }
    }
    json_array_foreach(json_object_get(gt, "annotations"), i, item) add(e, &p, item, 1);
    json_array_foreach(json_object_get(problem, "dt"), i, item) add(e, &p, item, 0);
    free(p.first);
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    return e;
}

json_t *test_eval_data(const char *name)
{
    char path[512], relative[256];
    json_error_t why;
    snprintf(relative, sizeof relative, "tests/eval/data/%s", name);
    test_source_path(path, sizeof path, relative);
    json_t *out = json_load_file(path, 0, &why);
    if (!out) fail_msg("%s: %s", path, why.text);
    return out;
}
