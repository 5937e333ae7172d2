/* SPDX-License-Identifier: Apache-2.0
 *
 * Where overfitting begins: the founding question's numbers, and curves made to have it, not to have it, or to diverge.
 */
#include "report/curve.h"
#include "test_support.h"
#include "util/rng.h"

#include <math.h>

enum { MAX = 64 };
typedef struct points {
    double step[MAX], value[MAX];
    od_curve curve;
} points;

static od_curve *make(points *p, size_t n, double spacing, double (*value)(double x), double noise, uint64_t seed)
{
    od_rng rng;
    od_rng_init(&rng, seed, 0);
    for (size_t i = 0; i < n; i++) {
        p->step[i] = spacing * (double)(i + 1);
        p->value[i] = value((double)(i + 1) / (double)n) + noise * od_rng_normal(&rng);
    }
    p->curve = (od_curve){.step = p->step, .value = p->value, .count = n};
    return &p->curve;
}

static double falling(double x)
{
    return .2 + .6 * exp(-4 * x);
}

static double turning(double x) /* lowest at .5 */
{
    return .3 + 1.2 * (x - .5) * (x - .5);
}

static double rising(double x)
{
    return .2 + (x > .4 ? x - .4 : .4 - x);
}

static void test_question(void **state)
{
    (void)state;
    double steps[] = {3000, 4000, 5000}, train[] = {.20, .20, .19}, eval[] = {.26, .27, .37};
    const od_curve t = {.step = steps, .value = train, .count = 3}, e = {.step = steps, .value = eval, .count = 3};
    od_overfit o = od_overfit_find(&t, &e);
    assert_int_equal(o.kind, OD_OVERFIT_FOUND);
    assert_float_equal(o.start, 3000, 0);
    assert_float_equal(o.clear, 4000, 0);
    assert_float_equal(o.lowest, .26, 0);
    assert_float_equal(o.last, .32, 1e-12);
    assert_float_equal(o.train_then, .20, 0);
    assert_float_equal(o.train_last, .19, 0);
}

static void test_kinds(void **state)
{
    (void)state;
    points train, eval;
    const od_curve none = {0};
    for (uint64_t seed = 1; seed <= 50; seed++) {
        make(&train, 40, 50, falling, .01, seed);
        od_overfit o = od_overfit_find(&train.curve, make(&eval, 20, 100, falling, .01, 100 + seed));
        assert_int_equal(o.kind, OD_OVERFIT_NONE);
        o = od_overfit_find(&train.curve, make(&eval, 20, 100, turning, .01, 200 + seed));
        assert_int_equal(o.kind, OD_OVERFIT_FOUND);
        assert_true(o.start >= 700 && o.start <= 1300);
        assert_true(o.noise > .004 && o.noise < .025);
        o = od_overfit_find(make(&train, 40, 50, rising, .01, seed), make(&eval, 20, 100, rising, .01, 300 + seed));
        assert_int_equal(o.kind, OD_OVERFIT_DIVERGING);
        o = od_overfit_find(&none, make(&eval, 20, 100, turning, .01, 400 + seed));
        assert_int_equal(o.kind, OD_OVERFIT_NO_TRAIN);
    }
}

static void test_few_points(void **state)
{
    (void)state;
    points train, eval;
    const od_curve none = {0};
    make(&train, 5, 100, falling, 0, 1);
    assert_int_equal(od_overfit_find(&train.curve, &none).kind, OD_OVERFIT_UNKNOWN);
    assert_int_equal(od_overfit_find(&train.curve, make(&eval, 2, 100, turning, 0, 1)).kind, OD_OVERFIT_UNKNOWN);
    assert_int_equal(od_overfit_find(&train.curve, make(&eval, 1, 100, turning, 0, 1)).evaluations, 1);
}

static void test_mean(void **state)
{
    (void)state;
    double steps[] = {1, 2, 3, 4}, values[] = {4, 1, 1, 7};
    const od_curve c = {.step = steps, .value = values, .count = 4};
    assert_int_equal(od_curve_lowest(&c), 1);
    assert_int_equal(od_curve_highest(&c), 3);
    assert_float_equal(od_curve_mean(&c, 1, 3), 1, 0);
    assert_true(isnan(od_curve_mean(&c, 4, 9)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_question), cmocka_unit_test(test_kinds), cmocka_unit_test(test_few_points), cmocka_unit_test(test_mean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
