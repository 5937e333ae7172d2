/* SPDX-License-Identifier: Apache-2.0
 *
 * Masks against pycocotools' (fixtures/masks.txt by tests/oracle/mask_cases.py): polygons, both forms of run lengths, areas, boxes,
 * intersections.
 */
#include "data/mask.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

enum { MAX_CASES = 200, MAX_LINE = 1 << 20 };

static int decoded_area(const od_mask *m, uint8_t *columns)
{
    int area = 0;
    od_mask_to_columns(m, columns);
    for (int i = 0; i < m->height * m->width; i++) area += columns[i];
    return area;
}

/* Height, width, JSON; then the expected text, area and box. */
static od_mask *check_case(char *line)
{
    int height, width, at, area, box[4];
    assert_int_equal(sscanf(line, "%d %d %n", &height, &width, &at), 2);
    char *json = line + at, *tab = strchr(json, '\t'), text[MAX_LINE / 4];
    assert_int_equal(sscanf(tab + 1, "%262143s %d %d %d %d %d", text, &area, &box[0], &box[1], &box[2], &box[3]), 6);
    od_mask *m = NULL, *again = NULL, *pixels = NULL;
    od_error err = {0};
    if (od_mask_from_json(&m, height, width, json, (size_t)(tab - json), &err) != OD_OK) fail_msg("%.80s: %s", line, err.message);
    od_strbuf made = {0};
    od_mask_format(m, &made);
    if (strcmp(made.data, text)) fail_msg("%.200s:\n%s, expected\n%s", line, made.data, text);
    int32_t bounds[4];
    od_mask_bounds(m, bounds);
    if (od_mask_area(m) != area) fail_msg("%.200s: area %d", line, (int)od_mask_area(m));
    if (bounds[0] != box[1] || bounds[1] != box[0] || bounds[2] != box[3] || bounds[3] != box[2])
        fail_msg("%.200s: box %d %d %d %d", line, bounds[1], bounds[0], bounds[3], bounds[2]);
    assert_int_equal(od_mask_from_text(&again, height, width, text, strlen(text), NULL), OD_OK);
    assert_int_equal(again->count, m->count);
    assert_memory_equal(again->runs, m->runs, m->count * sizeof *m->runs);
    uint8_t *columns = malloc((size_t)height * (size_t)width);
    assert_int_equal(decoded_area(m, columns), area);
    assert_int_equal(od_mask_from_pixels(&pixels, height, width, columns, 1, height, NULL), OD_OK);
    assert_int_equal(pixels->count, m->count);
    assert_memory_equal(pixels->runs, m->runs, m->count * sizeof *m->runs);
    free(columns);
    od_strbuf_deinit(&made);
    od_free(again);
    od_free(pixels);
    return m;
}

static void check_iou(const char *line, od_mask *const *masks, int count)
{
    int i, j, crowd;
    double want;
    assert_int_equal(sscanf(line, "iou %d %d %d %lf", &i, &j, &crowd, &want), 4);
    assert_in_range(i, 0, count - 1);
    assert_in_range(j, 0, count - 1);
    int64_t shared = od_mask_intersection(masks[i], masks[j]), a = od_mask_area(masks[i]), b = od_mask_area(masks[j]);
    double got = shared ? (double)shared / (double)(crowd ? a : a + b - shared) : 0;
    if (got != want) fail_msg("%s: %.17g", line, got);
}

static void test_pycocotools(void **state)
{
    (void)state;
    char path[512], *line = malloc(MAX_LINE);
    test_source_path(path, sizeof path, "tests/data/fixtures/masks.txt");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    od_mask *masks[MAX_CASES];
    int count = 0, pairs = 0;
    while (fgets(line, MAX_LINE, f)) {
        if (!strncmp(line, "iou", 3))
            check_iou(line, masks, count), pairs++;
        else
            masks[count++] = check_case(line);
    }
    assert_int_equal(count, 160);
    assert_in_range(pairs, 30, 100000);
    for (int i = 0; i < count; i++) od_free(masks[i]);
    free(line);
    fclose(f);
}

static void test_union(void **state)
{
    (void)state;
    static const uint8_t a[6] = {1, 0, 0, 1, 0, 0}, b[6] = {0, 0, 1, 1, 0, 0}; /* 2 rows, 3 columns */
    od_mask *x, *y, *both, *other, *none;
    assert_int_equal(od_mask_from_pixels(&x, 2, 3, a, 3, 1, NULL), OD_OK);
    assert_int_equal(od_mask_from_pixels(&y, 2, 3, b, 3, 1, NULL), OD_OK);
    assert_int_equal(od_mask_union(&both, x, y, NULL), OD_OK);
    uint8_t columns[6];
    od_mask_to_columns(both, columns);
    assert_memory_equal(columns, ((uint8_t[]){1, 1, 0, 0, 1, 0}), 6);
    assert_int_equal(od_mask_from_pixels(&other, 3, 2, a, 2, 1, NULL), OD_OK);
    assert_int_equal(od_mask_union(&none, x, other, NULL), OD_ERR_MISMATCH);
    od_free(x);
    od_free(y);
    od_free(both);
    od_free(other);
}

static void test_bad_input(void **state)
{
    (void)state;
    static const struct { const char *json, *message; } cases[] = {
        {"[[1,2,3]]", "polygon 1 has 3 numbers"},
        {"[[1,2,3,4,5,6],[1,2,3,4,5]]", "polygon 2 has 5 numbers"},
        {"[[1,2,1e9,4,5,6]]", "the coordinate 1e+09"},
        {"[[[1,2,3,4,5,6]]]", "three deep"},
        {"[[1,2,\"3\"]]", "holds a text"},
        {"7", "is a number"},
        {"[true]", "true or false"},
        {"[{}]", "an object in a list"},
        {"{\"counts\":[3,1]}", "without counts or size"},
        {"{\"counts\":[3,1],\"size\":[2,3]}", "add up to 4 pixels; the image has 3 x 2 = 6"},
        {"{\"counts\":[3.5,2.5],\"size\":[2,3]}", "counts[0] is 3.5"},
        {"{\"counts\":[-1,7],\"size\":[2,3]}", "counts[0] is -1"},
        {"{\"counts\":[6],\"size\":[3,2]}", "its size is 2 x 3 (width x height), the image's 3 x 2"},
        {"{\"counts\":[6],\"size\":[0,2]}", "size is [0, 2]"},
        {"{\"counts\":\"6 \",\"size\":[2,3]}", "character 2 of the run lengths"},
        {"{\"counts\":\"P\",\"size\":[2,3]}", "end inside a number"},
        {"{\"counts\":\"ooooooooooo\",\"size\":[2,3]}", "too many digits"},
        {"[[1,2", "not valid JSON"},
        {"", "not valid JSON"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_mask *m = NULL;
        od_error err = {0};
        if (od_mask_from_json(&m, 2, 3, cases[i].json, strlen(cases[i].json), &err) == OD_OK) fail_msg("%s was taken", cases[i].json);
        if (!strstr(err.message, cases[i].message)) fail_msg("%s: %s", cases[i].json, err.message);
        assert_null(m);
    }
    od_mask *m = (od_mask *)&m;
    assert_int_equal(od_mask_from_json(&m, 2, 3, "[]", 2, NULL), OD_OK);
    assert_null(m);
    assert_int_equal(od_mask_from_json(&m, 2, 3, "[[], []]", 8, NULL), OD_OK);
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pycocotools),
        cmocka_unit_test(test_union),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
