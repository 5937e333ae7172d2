/* SPDX-License-Identifier: Apache-2.0
 *
 * Resamples against data sets in which the drawn images really occur again; intervals against their formulas; seeds and
 * threads; what can't be judged; refusals; failing allocations.
 */
#include "coco_problem.h"
#include "eval/bootstrap_interval.h"
#include "eval/resample_coco.h"
#include "objdet/bootstrap.h"
#include "test_support.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

static json_t *data;

static int load(void **state)
{
    (void)state;
    data = test_eval_data("image_level_cases.json");
    return data ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(data);
    return 0;
}

static json_t *problem(size_t i)
{
    return json_array_get(json_object_get(data, "cases"), i);
}

static void assert_close(double a, double b, const char *what)
{
    if (isnan(a) && isnan(b)) return;
    if (!(fabs(a - b) < 1e-12)) fail_msg("%s: %.17g and %.17g", what, a, b);
}

/* Equal scores of an image's own detections: copies of the image would take turns, weights keep them together. Ties between
 * images stay. */
static void part_ties_within_images(json_t *dt)
{
    for (size_t i = 0; i < json_array_size(dt); i++) {
        json_t *a = json_array_get(dt, i);
        int before = 0;
        for (size_t j = 0; j < i; j++) {
            json_t *b = json_array_get(dt, j);
            before += json_equal(json_object_get(a, "image_id"), json_object_get(b, "image_id"));
        }
        double score = json_number_value(json_object_get(a, "score"));
        json_object_set_new(a, "score", json_real(score - 1e-7 * before));
    }
}

/* A resample's numbers are those of the evaluator on images that occur as often as they were drawn. */
static void test_weights_are_copies(void **state)
{
    (void)state;
    for (size_t c = 0; c < json_array_size(json_object_get(data, "cases")); c++) {
        int grouped = c % 2;
        part_ties_within_images(json_object_get(problem(c), "dt"));
        od_coco_eval *e = test_coco_problem(problem(c), NULL, grouped);
        od_units units;
        od_resampled_coco r;
        assert_int_equal(od_units_init(&units, e->images, e->num_images, NULL), OD_OK);
        assert_true(grouped ? units.count < e->num_images : units.count == e->num_images);
        assert_int_equal(od_resample_coco(&r, e, NULL, &units, 5, 40, 2, NULL), OD_OK);
        uint32_t *of_units = malloc(units.count * sizeof *of_units), *weights = malloc(e->num_images * sizeof *weights);
        for (uint64_t i = 0; i < 6; i++) {
            uint64_t drawn = 0;
            od_units_draw(&units, 5, i, of_units, weights);
            for (size_t u = 0; u < units.count; u++) drawn += of_units[u];
            assert_int_equal(drawn, units.count);
            od_coco_eval *copied = test_coco_problem(problem(c), weights, 0);
            for (size_t f = 0; f < r.num_figures; f++)
                assert_close(r.rows[f * r.columns.total + i], od_coco_figure(copied, f), "resample");
            od_coco_eval_free(copied);
        }
        od_units_leave_out(&units, 3, weights);
        od_coco_eval *without = test_coco_problem(problem(c), weights, 0);
        for (size_t f = 0; f < r.num_figures; f++)
            assert_close(r.rows[f * r.columns.total + r.columns.resamples + 3], od_coco_figure(without, f), "jackknife");
        od_coco_eval_free(without);
        free(of_units);
        free(weights);
        od_resampled_coco_deinit(&r);
        od_units_deinit(&units);
        od_coco_eval_free(e);
    }
}

/* The halves of a split hold every unit once, and so do the quarters; groups stay whole. */
static void test_splits(void **state)
{
    (void)state;
    uint32_t of_image[13] = {0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 9}, scratch[10], weights[6][13];
    od_units u = {.count = 10, .num_images = 13, .of_image = of_image, .grouped = 1};
    for (uint64_t split = 0; split < 20; split++) {
        for (uint64_t c = 0; c < OD_SPLIT_COLUMNS; c++) od_units_split(&u, 3, split * OD_SPLIT_COLUMNS + c, scratch, weights[c]);
        for (size_t i = 0; i < 13; i++) {
            assert_int_equal(weights[0][i] + weights[1][i], 1);
            assert_int_equal(weights[2][i] + weights[3][i] + weights[4][i] + weights[5][i], 1);
            assert_int_equal(weights[0][i], weights[2][i] + weights[3][i]);
        }
        assert_true(weights[0][0] == weights[0][1] && weights[0][11] == weights[0][12]);
    }
}

/* A figure that a few units decide: Satterthwaite's degrees of freedom, 2 n / (kurtosis - 1), in place of n - 1. */
static void test_heavy_tails(void **state)
{
    (void)state;
    enum { N = 50 };
    double jackknife[N] = {0}, scratch[40], samples[40];
    for (int i = 0; i < 40; i++) samples[i] = .4 + .005 * i;
    for (int i = 0; i < N; i++) jackknife[i] = .5 + (i < 4 ? (i % 2 ? .01 : -.01) : 0); /* kurtosis 50 / 4 */
    od_resampled r = {.samples = samples, .num_samples = 40, .jackknife = jackknife, .num_jackknife = N, .lowest = 0, .highest = 1, .is_fraction = 1};
    double se = sqrt(4 * 1e-4 * (N - 1) / N), t = 2.2742840437691787; /* scipy.stats.t.ppf(.975, 100 / 11.5), df 8.6957 */
    od_interval i = od_bootstrap_interval(.5, &r, OD_BOOTSTRAP_STUDENT, .95, scratch);
    double half = log(i.high / (1 - i.high));
    assert_close(i.se, se, "jackknife error");
    assert_float_equal(half, t * se / .25, 2e-5);
    /* Halves .02 and quarters .06 higher: power 1, so .02 too high; known to a third, or, if so told, not at all. */
    double splits[OD_SPLIT_COLUMNS] = {.52, .52, .56, .56, .56, .56};
    r.splits = splits;
    r.num_splits = 1;
    for (int known = 1; known >= 0; known--) {
        r.excess_error = !known;
        i = od_bootstrap_interval(.5, &r, OD_BOOTSTRAP_STUDENT, .95, scratch);
        double at = log(.48 / .52), reach = t * hypot(se, known ? .02 / 3 : .02) / (.48 * .52);
        assert_close(i.excess, .02, "excess");
        assert_float_equal(log(i.low / (1 - i.low)), at - reach, 1e-5);
    }
    /* Percentiles further out by the same quantile, and by sqrt(n / (n - 1)). */
    od_interval bca = od_bootstrap_interval(.4975, &r, OD_BOOTSTRAP_BCA, .95, scratch);
    double below = .5 * erfc(sqrt(N / (N - 1.)) * t / sqrt(2));
    assert_float_equal(bca.low, od_sorted_quantile(scratch, 40, below), 1e-6);
    assert_float_equal(bca.high, od_sorted_quantile(scratch, 40, 1 - below), 1e-6);
}

/* Of the mean of n numbers everything is known: no excess, the standard error of the mean, Student's t. */
static void test_interval_of_a_mean(void **state)
{
    (void)state;
    enum { N = 12, B = 400 };
    static const double v[N] = {.2, .9, .4, .35, .6, .7, .1, .55, .8, .45, .3, .65};
    double samples[B], jackknife[N], splits[20 * OD_SPLIT_COLUMNS], scratch[B], mean = 0, squares = 0;
    uint32_t of_image[N], unit_weights[N], weights[N];
    for (uint32_t i = 0; i < N; i++) of_image[i] = i, mean += v[i] / N;
    for (int i = 0; i < N; i++) squares += (v[i] - mean) * (v[i] - mean);
    od_units u = {.count = N, .num_images = N, .of_image = of_image};
    for (uint64_t r = 0; r < B + N + 20 * OD_SPLIT_COLUMNS; r++) {
        double sum = 0, count = 0;
        if (r < B)
            od_units_draw(&u, 1, r, unit_weights, weights);
        else if (r < B + N)
            od_units_leave_out(&u, r - B, weights);
        else
            od_units_split(&u, 1, r - B - N, unit_weights, weights);
        for (int i = 0; i < N; i++) sum += weights[i] * v[i], count += weights[i];
        *(r < B ? &samples[r] : r < B + N ? &jackknife[r - B] : &splits[r - B - N]) = sum / count;
    }
    od_resampled r = {samples, B, jackknife, N, splits, 20, 0, 1, 0, 0};
    double se = sqrt(squares / (N - 1) / N), t = 2.2009851600916386; /* scipy.stats.t.ppf(.975, 11) */
    od_interval i = od_bootstrap_interval(mean, &r, OD_BOOTSTRAP_STUDENT, .95, scratch);
    assert_close(i.se, se, "jackknife error");
    assert_close(i.excess, 0, "excess");
    assert_true(fabs(i.low - (mean - t * se)) < 1e-9 && fabs(i.high - (mean + t * se)) < 1e-9);
    r.is_fraction = 1;
    i = od_bootstrap_interval(mean, &r, OD_BOOTSTRAP_STUDENT, .95, scratch);
    double half = t * se / (mean * (1 - mean)), at = log(mean / (1 - mean));
    assert_true(fabs(i.low - 1 / (1 + exp(half - at))) < 1e-9 && fabs(i.high - 1 / (1 + exp(-half - at))) < 1e-9);
    /* Percentile: numpy.quantile of the samples; BCa of a symmetric figure lies near it. */
    od_interval p = od_bootstrap_interval(mean, &r, OD_BOOTSTRAP_PERCENTILE, .95, scratch);
    assert_close(p.low, od_sorted_quantile(scratch, B, .025), "percentile");
    od_interval bca = od_bootstrap_interval(mean, &r, OD_BOOTSTRAP_BCA, .95, scratch);
    assert_true(fabs(bca.low - p.low) < .03 && fabs(bca.high - p.high) < .03 && strstr(bca.method, "BCa"));
}

static void test_quantile(void **state)
{
    (void)state;
    static const double v[5] = {1, 2, 4, 8, 16}; /* numpy.quantile(v, [0, .1, .5, .9, 1]) */
    assert_close(od_sorted_quantile(v, 5, 0), 1, "0");
    assert_close(od_sorted_quantile(v, 5, .1), 1.4, ".1");
    assert_close(od_sorted_quantile(v, 5, .5), 4, ".5");
    assert_close(od_sorted_quantile(v, 5, .9), 12.8, ".9");
    assert_close(od_sorted_quantile(v, 5, 1), 16, "1");
}

/* BCa by hand: 9 samples, 2 below and 1 equal: z0 = probit(2.5 / 9); jackknife {1, 2, 6}: a = -(8 + 1 - 27) / (6 * 14^1.5). */
static void test_bca_by_hand(void **state)
{
    (void)state;
    static const double samples[9] = {.1, .2, .3, .4, .5, .6, .7, .8, .9}, jackknife[3] = {1, 2, 6};
    double scratch[9];
    od_resampled r = {.samples = samples, .num_samples = 9, .jackknife = jackknife, .num_jackknife = 3, .lowest = 0, .highest = 1};
    od_interval i = od_bootstrap_interval(.3, &r, OD_BOOTSTRAP_BCA, .9, scratch);
    /* python3: z0 = norm.ppf(2.5/9); a = (8+1-27)/(6*14**1.5); quantile(samples, norm.cdf(z0 + (z0 -+ z)/(1 - a*(z0 -+ z)))) */
    double z0 = -0.58945580, a = (8. + 1 - 27) / (6 * pow(14, 1.5)), z = sqrt(3 / 2.) * 2.9199855804; /* scipy.stats.t.ppf(.95, 2) */
    double low = z0 + (z0 - z) / (1 - a * (z0 - z)), high = z0 + (z0 + z) / (1 - a * (z0 + z));
    assert_true(fabs(i.low - (.1 + .8 * .5 * erfc(-low * M_SQRT1_2))) < 1e-6);
    assert_true(fabs(i.high - (.1 + .8 * .5 * erfc(-high * M_SQRT1_2))) < 1e-6);
}

/* Same seed: the same bits whatever the number of threads; another seed: others. Intervals hold the value. */
static void test_seed_and_threads(void **state)
{
    (void)state;
    od_coco_eval *e = test_coco_problem(problem(1), NULL, 1);
    od_bootstrap *b[3];
    for (int i = 0; i < 3; i++) {
        od_bootstrap_options o = {.num_resamples = 200, .level = .95, .seed = i == 2, .num_threads = i == 1 ? 3 : 1};
        assert_int_equal(od_bootstrap_run(&b[i], e, &o, NULL), OD_OK);
    }
    assert_memory_equal(od_bootstrap_samples(b[0], 1, OD_COCO_AP50), od_bootstrap_samples(b[1], 1, OD_COCO_AP50), 200 * sizeof(double));
    assert_memory_not_equal(od_bootstrap_samples(b[0], -1, OD_COCO_AP), od_bootstrap_samples(b[2], -1, OD_COCO_AP), 200 * sizeof(double));
    for (int s = 0; s < OD_COCO_NUM_STATS; s++) {
        od_interval i = od_bootstrap_stat(b[0], (od_coco_stat)s), j = od_bootstrap_stat(b[1], (od_coco_stat)s);
        assert_memory_equal(&i.low, &j.low, sizeof i.low);
        assert_memory_equal(&i.high, &j.high, sizeof i.high);
        if (isnan(i.low))
            assert_non_null(i.why_not);
        else
            assert_true(i.low <= i.value && i.value <= i.high && i.low >= 0 && i.high <= 1);
    }
    char *text = od_bootstrap_text(b[0]);
    assert_non_null(strstr(text, "95 % intervals: bias-corrected t over"));
    assert_non_null(strstr(text, "groups (40 images), 200 resamples, seed 0."));
    assert_non_null(strstr(text, "small"));
    free(text);
    for (int i = 0; i < 3; i++) od_bootstrap_free(b[i]);
    od_coco_eval_free(e);
}

/* A class that isn't there, and a detector that finds everything: no interval, and why. */
static void test_nothing_to_judge_by(void **state)
{
    (void)state;
    od_coco_eval *e;
    od_bootstrap *b;
    int64_t image;
    double box[4] = {10, 10, 50, 50};
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    for (int k = 1; k <= 2; k++) assert_int_equal(od_coco_eval_add_class(e, k, NULL, NULL), OD_OK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(od_coco_eval_add_image(e, i, NULL, &image, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_truth(e, image, 0, box, -1, 0, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_detection(e, image, 0, box, .9, NULL), OD_OK);
    }
    od_error err = {0};
    assert_int_equal(od_bootstrap_run(&b, e, NULL, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "the evaluation has not been run");
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    assert_int_equal(od_bootstrap_run(&b, e, NULL, NULL), OD_OK);
    od_interval perfect = od_bootstrap_stat(b, OD_COCO_AP), absent = od_bootstrap_class_stat(b, 1, OD_COCO_AP);
    assert_true(fabs(perfect.value - 1) < 1e-12 && isnan(perfect.low));
    assert_string_equal(perfect.why_not, "it is the same in every resample: the data hold no variation to judge by");
    assert_true(isnan(absent.value));
    assert_string_equal(absent.why_not, "there is nothing to compute it from");
    od_bootstrap_free(b);
    od_bootstrap_options o = od_bootstrap_options_default();
    o.num_resamples = 10;
    assert_int_equal(od_bootstrap_run(&b, e, &o, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "10 resamples: expected 40 to 1000000 (1000 is usual)");
    o = od_bootstrap_options_default();
    o.level = 95;
    assert_int_equal(od_bootstrap_run(&b, e, &o, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "level 95: expected a probability such as 0.95");
    od_coco_eval_free(e);
}

static void test_compare(void **state)
{
    (void)state;
    od_coco_eval *a = test_coco_problem(problem(0), NULL, 0), *b = test_coco_problem(problem(0), NULL, 0);
    od_compare *c;
    od_error err = {0};
    assert_int_equal(od_compare_run(&c, a, b, NULL, NULL), OD_OK);
    od_difference d = od_compare_stat(c, OD_COCO_AP);
    assert_true(d.a == d.b && d.difference.value == 0 && !d.distinct && d.difference.why_not); /* equal detectors */
    od_compare_free(c);
    /* B keeps the best half of A's detections: less is found, beyond doubt. */
    size_t kept = 0;
    for (size_t i = 0; i < b->num_dets; i++)
        if (i % 2) b->dets[kept++] = b->dets[i];
    b->num_dets = kept;
    assert_int_equal(od_coco_eval_run(b, 1, NULL), OD_OK);
    assert_int_equal(od_compare_run(&c, a, b, NULL, NULL), OD_OK);
    d = od_compare_stat(c, OD_COCO_AR100);
    assert_true(d.b < d.a && d.distinct && d.difference.high < 0);
    assert_true(d.a == od_coco_eval_stats(a)[OD_COCO_AR100] && d.difference.value == d.b - d.a);
    od_compare_free(c);
    od_coco_eval *other = test_coco_problem(problem(2), NULL, 0), *grouped = test_coco_problem(problem(0), NULL, 1);
    assert_int_equal(od_compare_run(&c, a, other, NULL, &err), OD_ERR_MISMATCH);
    assert_int_equal(od_compare_run(&c, a, grouped, NULL, &err), OD_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "image 0 differs between the two evaluations: id 1 (group none)"));
    od_coco_eval_free(a);
    od_coco_eval_free(b);
    od_coco_eval_free(other);
    od_coco_eval_free(grouped);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    od_coco_eval *e = test_coco_problem(problem(1), NULL, 1);
    od_bootstrap_options o = {.num_resamples = 40, .level = .95, .num_threads = 1};
    for (long n = 1;; n++) {
        od_bootstrap *b = NULL;
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = od_bootstrap_run(&b, e, &o, &err);
        od_alloc_fail_after(0);
        od_bootstrap_free(b);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
        assert_null(b);
        assert_true(n < 1000);
    }
    od_coco_eval_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_copies), cmocka_unit_test(test_splits),
        cmocka_unit_test(test_interval_of_a_mean),
        cmocka_unit_test(test_heavy_tails), cmocka_unit_test(test_quantile),
        cmocka_unit_test(test_bca_by_hand), cmocka_unit_test(test_seed_and_threads),
        cmocka_unit_test(test_nothing_to_judge_by), cmocka_unit_test(test_compare),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
