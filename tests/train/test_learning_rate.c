/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning rates against those of the OD API's optimizer_builder (the table is printed by
 * tests/oracle/learning_rate.py), and what the schedules refuse.
 */
#include "test_support.h"

#include "train/learning_rate.h"

#include <math.h>
#include <string.h>

static od_config *parse(const char *schedule)
{
    char text[600];
    snprintf(text, sizeof text, "train_config { optimizer { momentum_optimizer { learning_rate { %s } } } }", schedule);
    od_config *config = NULL;
    od_error err = {0};
    if (od_config_parse(text, strlen(text), "t", &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

static void test_rates_are_the_od_apis(void **state)
{
    (void)state;
    static const struct {
        const char *schedule;
        int64_t steps[11]; /* ends with -1 */
        float rates[10];
    } cases[] = {
        {"constant_learning_rate { learning_rate: 0.01 }",
         {0, 1000, -1},
         {0.00999999978f, 0.00999999978f}},
        {"constant_learning_rate { }",
         {5, -1},
         {0.00200000009f}},
        {"exponential_decay_learning_rate { initial_learning_rate: 0.004 decay_steps: 100 decay_factor: 0.95 }",
         {0, 99, 100, 250, 5000, -1},
         {0.00400000019f, 0.00400000019f, 0.00380000006f, 0.00361000001f, 0.000307779701f}},
        {"exponential_decay_learning_rate { initial_learning_rate: 0.004 decay_steps: 100 decay_factor:"
         " 0.9 staircase: false }",
         {0, 1, 50, 777, -1},
         {0.00400000019f, 0.00399578782f, 0.0037947332f, 0.00176410412f}},
        {"exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 10 decay_factor:"
         " 0.5 burnin_learning_rate: 0.02 burnin_steps: 25 min_learning_rate: 0.003 }",
         {0, 24, 25, 34, 35, 80, 1000, -1},
         {0.0199999996f, 0.0199999996f, 0.100000001f, 0.100000001f, 0.0500000007f, 0.00312500005f, 0.00300000003f}},
        {"exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 10 decay_factor:"
         " 0.5 burnin_steps: 7 }",
         {0, 6, 7, 16, 17, -1},
         {0.100000001f, 0.100000001f, 0.100000001f, 0.100000001f, 0.0500000007f}},
        {"manual_step_learning_rate { initial_learning_rate: 0.1 schedule { step: 10 learning_rate: 0.05"
         " } schedule { step: 20 learning_rate: 0.001 } }",
         {0, 9, 10, 19, 20, 21, 999, -1},
         {0.100000001f, 0.100000001f, 0.0500000007f, 0.0500000007f, 0.00100000005f, 0.00100000005f, 0.00100000005f}},
        {"manual_step_learning_rate { initial_learning_rate: 0.001 schedule { step: 7 learning_rate:"
         " 0.1 } schedule { step: 20 learning_rate: 0.01 } warmup: true }",
         {0, 1, 3, 6, 7, 19, 20, 500, -1},
         {0.00100000005f, 0.0151428571f, 0.0434285738f, 0.0858571455f, 0.100000001f, 0.100000001f, 0.00999999978f, 0.00999999978f}},
        {"cosine_decay_learning_rate { learning_rate_base: 0.08 total_steps: 50000 warmup_learning_rate:"
         " 0.026666 warmup_steps: 1000 }",
         {0, 1, 500, 999, 1000, 1001, 25000, 49999, 50000, 50001, -1},
         {0.0266660005f, 0.0267193336f, 0.0533329993f, 0.079946667f, 0.0799999982f, 0.0799999982f, 0.0412820615f, 0, 0, 0}},
        {"cosine_decay_learning_rate { learning_rate_base: 0.02 total_steps: 600 warmup_learning_rate:"
         " 0.00266 warmup_steps: 60 }",
         {0, 30, 59, 60, 61, 300, 599, 600, 601, -1},
         {0.00266f, 0.0113299992f, 0.0197110008f, 0.0199999996f, 0.0199998301f, 0.0117364824f, 1.69277186e-07f, 0, 0}},
        {"cosine_decay_learning_rate { learning_rate_base: 0.5 total_steps: 100 warmup_learning_rate:"
         " 0.1 warmup_steps: 10 hold_base_rate_steps: 20 }",
         {0, 9, 10, 29, 30, 31, 65, 100, 101, -1},
         {0.100000001f, 0.459999979f, 0.5f, 0.5f, 0.5f, 0.49974826f, 0.249999985f, 0, 0}},
        {"cosine_decay_learning_rate { learning_rate_base: 0.5 total_steps: 100 warmup_steps: 0 }",
         {0, 1, 50, 99, 100, -1},
         {0.5f, 0.499876618f, 0.249999985f, 0.000123366714f, 0}},
        {"cosine_decay_learning_rate { learning_rate_base: 0.5 total_steps: 30 warmup_learning_rate:"
         " 0.1 warmup_steps: 10 hold_base_rate_steps: 40 }",
         {5, 10, 20, 30, 31, -1},
         {0.299999982f, 0.5f, 0.5f, 0.5f, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_config *config = parse(cases[i].schedule);
        const ObjectDetection__Protos__Optimizer *optimizer = od_config_proto(config)->train_config->optimizer;
        od_error err = {0};
        assert_int_equal(od_learning_rate_check(config, optimizer, &err), OD_OK);
        for (int k = 0; cases[i].steps[k] >= 0; k++) {
            float rate = od_learning_rate_at(od_learning_rate_of(optimizer), cases[i].steps[k]), expected = cases[i].rates[k];
            /* Near its end the cosine is a difference of two numbers close to 1: an ulp of those is the noise. */
            if (fabsf(rate - expected) > 2e-7f * fabsf(expected) + 6e-8f * (cases[i].schedule[1] == 'o' ? 0.5f : 0))
                fail_msg("%s step %d: %.9g, OD API %.9g", cases[i].schedule, (int)cases[i].steps[k], rate, expected);
        }
        od_config_free(config);
    }
}

static void assert_refused(const char *schedule, const char *message)
{
    od_config *config = parse(schedule);
    od_error err = {0};
    assert_int_equal(od_learning_rate_check(config, od_config_proto(config)->train_config->optimizer, &err), OD_ERR_CONFIG);
    assert_string_equal(err.message, message);
    od_config_free(config);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused("", "t:1: train_config.optimizer.momentum_optimizer.learning_rate: is missing; fix: add learning_rate { "
                       "cosine_decay_learning_rate { ... } }");
    assert_refused("exponential_decay_learning_rate { decay_steps: 0 }",
                   "t:1: train_config.optimizer.momentum_optimizer.learning_rate.exponential_decay_learning_rate.decay_steps: "
                   "must not be 0; expected at least 1");
    assert_refused("manual_step_learning_rate { schedule { step: 5 } schedule { step: 5 } }",
                   "t:1: train_config.optimizer.momentum_optimizer.learning_rate.manual_step_learning_rate.schedule[1].step: must be "
                   "greater than the step before (5); expected steps in ascending order");
    assert_refused("cosine_decay_learning_rate { total_steps: 600 warmup_learning_rate: 0.001 }",
                   "t:1: train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate.warmup_steps: 10000 warmup "
                   "steps are more than the 600 steps of the schedule; expected at most total_steps (600); fix: set warmup_steps "
                   "(its default is 10000)");
    assert_refused("cosine_decay_learning_rate { learning_rate_base: 0.01 total_steps: 600 warmup_steps: 10 warmup_learning_rate: 0.1 }",
                   "t:1: train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate.warmup_learning_rate: the "
                   "warmup would start at 0.1, above learning_rate_base 0.01; expected at most learning_rate_base; fix: give a "
                   "warmup_learning_rate of a third of learning_rate_base");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_are_the_od_apis),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
