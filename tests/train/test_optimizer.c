/* SPDX-License-Identifier: Apache-2.0
 *
 * Six steps of each optimiser on five numbers against the OD API's optimizer_builder (the table is printed by
 * tests/oracle/optimizers.py), their slots and the numbers in a checkpoint.
 */
#include "test_support.h"

#include "config/config.h"
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#define RATE                                                                                                           \
    "learning_rate { exponential_decay_learning_rate { initial_learning_rate: 0.05 decay_steps: 2 decay_factor: 0.5 "  \
    "} }"

static const struct {
    const char *optimizer;
    float values[5];
    const char *slots, *numbers; /* sorted, as the oracle prints them */
} cases[] = {
    {"momentum_optimizer { " RATE " momentum_optimizer_value: 0.8 }",
     {0.647942781f, -1.73812807f, 0.494776547f, 0, 2.6064918f},
     "momentum",
     "decay momentum"},
    {"adam_optimizer { " RATE " }",
     {0.829484999f, -1.86651444f, 0.325004101f, 0, 2.88535452f},
     "m v",
     "beta_1 beta_2 decay"},
    {"adam_optimizer { " RATE " epsilon: 0.01 }",
     {0.882466972f, -1.89629257f, 0.491821587f, 0, 2.90050197f},
     "m v",
     "beta_1 beta_2 decay"},
    {"rms_prop_optimizer { " RATE " momentum_optimizer_value: 0.7 decay: 0.3 epsilon: 0.2 }",
     {0.63240701f, -1.6334554f, 0.492469966f, 0, 2.55427384f},
     "momentum rms",
     "decay momentum rho"},
    {"rms_prop_optimizer { " RATE " momentum_optimizer_value: 0 decay: 0 epsilon: 0.001 }",
     {0.523086071f, -1.80550981f, 0.177038372f, 0, 2.86155915f},
     "rms",
     "decay momentum rho"},
};

static od_config *parse(const char *optimizer)
{
    char text[800];
    snprintf(text, sizeof text, "train_config { optimizer { %s use_moving_average: false } }", optimizer);
    od_config *config = NULL;
    od_error err = {0};
    if (od_config_parse(text, strlen(text), "t", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

/* Whether the words of `list` are these, in any order. */
static int has_words(const char *list, const char *const *words, int count)
{
    size_t letters = 0;
    for (int i = 0; i < count; i++) {
        const char *at = strstr(list, words[i]);
        if (!at) return 0;
        letters += strlen(words[i]) + 1;
    }
    return letters == strlen(list) + 1;
}

static void check_case(size_t c)
{
    od_optimizer o;
    od_error err = {0};
    od_config *config = parse(cases[c].optimizer);
    if (od_optimizer_init(&o, config, 1, &err) != OD_OK) fail_msg("%s", err.message);
    od_variables vars;
    od_var w;
    const int64_t shape[1] = {5};
    static const float start[5] = {1, -2, .5f, 0, 3};
    od_variables_init(&vars);
    assert_int_equal(od_variables_add(&vars, "w", 1, shape, 1, (od_decay){0}, (od_init){OD_INIT_ZEROS, 0, 0, 0, 0}, &w, &err),
                     OD_OK);
    assert_int_equal(od_variables_allocate(&vars, 1, &err), OD_OK);
    assert_int_equal(od_optimizer_allocate(&o, &vars, &err), OD_OK);
    memcpy(od_variables_value(&vars, w), start, sizeof start);
    for (int i = 0; i < 6; i++) {
        const float g[5] = {.3f * (float)(i + 1), -1 + .4f * (float)i, .01f, 0, (float)(2 - i)};
        memcpy(od_variables_grad(&vars, w), g, sizeof g);
        assert_true(isfinite(od_optimizer_step(&o, &vars, i)));
    }
    for (int i = 0; i < 5; i++) {
        float got = od_variables_value(&vars, w)[i];
        if (!(fabsf(got - cases[c].values[i]) <= 2e-6f))
            fail_msg("%s: number %d is %.9g, expected %.9g", cases[c].optimizer, i, (double)got,
                     (double)cases[c].values[i]);
    }
    const char *const *slots = od_optimizer_slots(&o);
    int count = 0;
    while (slots[count]) count++;
    assert_true(has_words(cases[c].slots, slots, count));
    od_optimizer_number numbers[4];
    const char *names[4];
    count = od_optimizer_numbers(&o, numbers);
    for (int i = 0; i < count; i++) names[i] = numbers[i].name;
    assert_true(has_words(cases[c].numbers, names, count));
    od_variables_deinit(&vars);
    od_config_free(config);
}

/* The averages after the same six steps, which start at zero; the weights are those without averages. */
static void test_averages_are_the_od_apis(void **state)
{
    (void)state;
    static const float averages[2][5] = {{0.682847142f, -1.7445668f, 0.49497962f, 0, 2.603966f},   /* of cases 0 and 1 */
                                         {0.834824979f, -1.86600184f, 0.330692083f, 0, 2.88284898f}};
    for (int c = 0; c < 2; c++) {
        char text[800];
        snprintf(text, sizeof text, "train_config { optimizer { %s moving_average_decay: 0.3 } }", cases[c].optimizer);
        od_config *config = NULL;
        assert_int_equal(od_config_parse(text, strlen(text), "t", &config, NULL), OD_OK);
        od_optimizer o;
        assert_int_equal(od_optimizer_init(&o, config, 1, NULL), OD_OK);
        od_variables vars;
        od_var w;
        const int64_t shape[1] = {5};
        static const float start[5] = {1, -2, .5f, 0, 3};
        od_variables_init(&vars);
        assert_int_equal(od_variables_add(&vars, "w", 1, shape, 1, (od_decay){0}, (od_init){OD_INIT_ZEROS, 0, 0, 0, 0}, &w, NULL), OD_OK);
        assert_int_equal(od_variables_allocate(&vars, 1, NULL), OD_OK);
        assert_int_equal(od_optimizer_allocate(&o, &vars, NULL), OD_OK);
        memcpy(od_variables_value(&vars, w), start, sizeof start);
        for (int i = 0; i < 6; i++) {
            const float g[5] = {.3f * (float)(i + 1), -1 + .4f * (float)i, .01f, 0, (float)(2 - i)};
            memcpy(od_variables_grad(&vars, w), g, sizeof g);
            od_optimizer_step(&o, &vars, i);
        }
        int slot = od_optimizer_average_slot(&o);
        assert_int_equal(slot, c == 0 ? 1 : 2);
        for (int i = 0; i < 5; i++) {
            assert_true(fabsf(vars.slot[slot][i] - averages[c][i]) <= 2e-6f);
            assert_true(fabsf(od_variables_value(&vars, w)[i] - cases[c].values[i]) <= 2e-6f);
        }
        od_variables_swap_slot(&vars, slot);
        assert_true(fabsf(od_variables_value(&vars, w)[0] - averages[c][0]) <= 2e-6f);
        od_variables_deinit(&vars);
        od_config_free(config);
    }
}

static void test_steps_are_the_od_apis(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) check_case(c);
}

static void test_refusals(void **state)
{
    (void)state;
    od_optimizer o;
    od_error err = {0};
    static const char none[] = "train_config { optimizer { use_moving_average: false } }";
    od_config *config = NULL;
    assert_int_equal(od_config_parse(none, sizeof none - 1, "t", &config, &err), OD_OK);
    assert_int_equal(od_optimizer_init(&o, config, 1, &err), OD_ERR_CONFIG);
    assert_non_null(strstr(err.message, "expected momentum_optimizer, adam_optimizer or rms_prop_optimizer"));
    od_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps_are_the_od_apis), cmocka_unit_test(test_averages_are_the_od_apis), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
