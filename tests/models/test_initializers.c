/* SPDX-License-Identifier: Apache-2.0
 *
 * What initialisers draw against the stored quantiles of the OD API's (tests/oracle/initializers.py): Kolmogorov-Smirnov for the kernels of a
 * convolution, a depthwise convolution and a dense layer.
 */
#include "config/text_format.h"
#include "hyperparams.pb-c.h"
#include "models/layers.h"
#include "nn/variables.h"
#include "test_support.h"
#include "util/alloc.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { DRAWS = 40000 };

/* Values of as many kernels of this shape as give DRAWS of them; owned. */
static float *draw(const char *text, json_t *shape, od_error *err)
{
    od_text_tree *tree;
    od_hyperparams h;
    od_variables v;
    int64_t dims[4], size = 1;
    int rank = (int)json_array_size(shape);
    char config[300], name[30];
    for (int i = 0; i < rank; i++) size *= dims[i] = json_integer_value(json_array_get(shape, (size_t)i));
    snprintf(config, sizeof config, "initializer { %s }", text);
    assert_int_equal(od_text_parse(&object_detection__protos__hyperparams__descriptor, config, strlen(config), "test", &tree, err), OD_OK);
    assert_int_equal(od_hyperparams_read((const void *)od_text_tree_root(tree), &h, err), OD_OK);
    od_variables_init(&v);
    for (int64_t n = 0; n < DRAWS; n += size) {
        od_var var;
        snprintf(name, sizeof name, "kernel%d", (int)n);
        assert_int_equal(od_variables_add(&v, name, rank, dims, 1, (od_decay){0}, h.init, &var, err), OD_OK);
    }
    assert_int_equal(od_variables_allocate(&v, 0, err), OD_OK);
    od_variables_initialize(&v, 3, 3);
    float *out = od_malloc((size_t)(DRAWS + size), sizeof *out);
    for (size_t k = 0; k < v.count; k++) memcpy(out + (int64_t)k * size, od_variables_value(&v, (od_var)k), (size_t)size * sizeof *out);
    od_variables_initialize(&v, 3, 1); /* the threads change nothing */
    for (size_t k = 0; k < v.count; k++) assert_memory_equal(out + (int64_t)k * size, od_variables_value(&v, (od_var)k), (size_t)size * sizeof *out);
    od_variables_deinit(&v);
    od_text_tree_free(tree);
    return out;
}

/* Largest difference between the part of our draws up to a stored quantile and what it should be. */
static double distance(const float *values, json_t *quantiles)
{
    size_t q, count = json_array_size(quantiles);
    json_t *limit;
    double worst = 0;
    json_array_foreach(quantiles, q, limit) {
        double at = json_number_value(limit), below = 0, equal = 0, slack = 1e-5 * fabs(at);
        for (int i = 0; i < DRAWS; i++) {
            below += (double)values[i] < at - slack;
            equal += fabs((double)values[i] - at) <= slack;
        }
        double part = (double)q / (double)(count - 1), low = below / DRAWS, high = (below + equal) / DRAWS;
        worst = fmax(worst, fmax(low - part, part - high)); /* constants are equal to all their quantiles */
    }
    return worst;
}

static void test_distributions(void **state)
{
    (void)state;
    char path[512];
    size_t i, k, checked = 0;
    json_t *c, *kernel;
    test_source_path(path, sizeof path, "tests/models/data/initializers.json");
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "draws")), DRAWS);
    double limit = 2.5 * sqrt(2.0 / DRAWS); /* p = 7e-6 of one, of 69 .0005 */
    json_array_foreach(json_object_get(root, "cases"), i, c) {
        double worst = 0;
        json_array_foreach(json_object_get(c, "kernels"), k, kernel) {
            od_error err = {0};
            float *values = draw(json_string_value(json_object_get(c, "text")), json_object_get(kernel, "shape"), &err);
            double d = distance(values, json_object_get(kernel, "quantiles"));
            if (!(d <= limit)) fail_msg("%s, kernel %d: distance %.4f", json_string_value(json_object_get(c, "text")), (int)k, d);
            worst = fmax(worst, d);
            od_free(values);
            checked++;
        }
        print_message("%-70s %.4f of %.4f\n", json_string_value(json_object_get(c, "text")), worst, limit);
    }
    assert_int_equal(checked, 69);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_distributions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
