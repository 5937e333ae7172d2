/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectorisable exp, log, log1p and sigmoid against libm in double, over their whole ranges.
 */
#include "detection_support.h"

#include "detection/vector_math.h"

#include <float.h>

static void test_exp(void **state)
{
    (void)state;
    double worst = 0;
    for (double x = -86.8; x < 88.7; x += 0.00137) worst = fmax(worst, relative_error((double)od_vm_exp((float)x), exp((double)(float)x), 0));
    for (double x = -86.8; x < 86.8; x += 0.00137) worst = fmax(worst, relative_error((double)od_vm_exp_bounded((float)x), exp((double)(float)x), 0));
    print_message("exp: %.2g\n", worst);
    assert_true(worst < 2e-7);
    assert_true(od_vm_exp(0.0f) == 1.0f);
    assert_true(od_vm_exp(89.0f) == INFINITY && od_vm_exp(INFINITY) == INFINITY);
    assert_true(od_vm_exp(-200.0f) < 1e-44f && od_vm_exp(-INFINITY) < 1e-44f);
    assert_true(isnan(od_vm_exp(NAN)) && isnan(od_vm_exp_bounded(NAN)));
}

static void test_log(void **state)
{
    (void)state;
    double worst = 0;
    for (double x = 1.2e-38; x < 3e38; x *= 1.00313) {
        double expected = log((double)(float)x);
        worst = fmax(worst, relative_error((double)od_vm_log((float)x), expected, 0));
    }
    for (double x = 0.5; x < 2; x += 1.7e-4) worst = fmax(worst, relative_error((double)od_vm_log((float)x), log((double)(float)x), 0));
    print_message("log: %.2g\n", worst);
    assert_true(worst < 2e-7);
    assert_true(od_vm_log(1.0f) == 0.0f);
    assert_true(od_vm_log(INFINITY) == INFINITY && isnan(od_vm_log(NAN)));
}

static void test_log1p_and_sigmoid(void **state)
{
    (void)state;
    double worst = 0;
    for (double e = 1; e > 1e-37; e *= 0.9973) worst = fmax(worst, relative_error((double)od_vm_log1p_unit((float)e), log1p((double)(float)e), 0));
    print_message("log1p: %.2g\n", worst);
    assert_true(worst < 2e-7);
    assert_true(od_vm_log1p_unit(0.0f) == 0.0f);
    worst = 0;
    for (double x = -86; x < 86; x += 0.00171) worst = fmax(worst, relative_error((double)od_vm_sigmoid((float)x), 1 / (1 + exp(-(double)(float)x)), 0));
    print_message("sigmoid: %.2g\n", worst);
    assert_true(worst < 2.5e-7);
    assert_true(od_vm_sigmoid(INFINITY) == 1.0f && od_vm_sigmoid(-INFINITY) < 1e-37f && isnan(od_vm_sigmoid(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log1p_and_sigmoid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
