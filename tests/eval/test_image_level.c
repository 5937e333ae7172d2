/* SPDX-License-Identifier: Apache-2.0
 *
 * Image-level figures and intervals against scikit-learn, statsmodels, pROC and the papers' formulas
 * (tests/oracle/eval_statistics.py made the stored answers); what the data can't give; comparisons.
 */
#include "coco_problem.h"
#include "eval/distributions.h"
#include "eval/mcnemar.h"
#include "eval/roc.h"
#include "objdet/image_level.h"
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

static double at(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

/* NULL in the stored answer is NAN here; a string there says that the number comes from elsewhere. */
static void assert_number(const json_t *want, double got, const char *what, const char *part)
{
    if (json_is_string(want)) return;
    if (json_is_null(want) ? !isnan(got) : !(fabs(json_number_value(want) - got) < 1e-9))
        fail_msg("%s, %s: %.12g, expected %.12g", what, part, got, json_is_null(want) ? NAN : json_number_value(want));
}

static void assert_interval(const json_t *want, const od_interval *got, const char *what)
{
    assert_number(json_array_get(want, 0), got->value, what, "value");
    assert_number(json_array_get(want, 1), got->low, what, "low");
    assert_number(json_array_get(want, 2), got->high, what, "high");
    if (isnan(got->value) || isnan(got->low)) assert_non_null(got->why_not);
    if (!isnan(got->low)) assert_true(got->low <= got->value && got->value <= got->high && got->method);
}

static void check_row(const json_t *want, const od_binary_figures *got)
{
    const json_t *counts = json_object_get(want, "counts");
    assert_int_equal(got->tp, at(counts, 0));
    assert_int_equal(got->fp, at(counts, 1));
    assert_int_equal(got->tn, at(counts, 2));
    assert_int_equal(got->fn, at(counts, 3));
#define X(member) assert_interval(json_object_get(want, #member), &got->member, #member);
    X(accuracy) X(balanced_accuracy) X(sensitivity) X(specificity) X(ppv) X(npv) X(f1) X(mcc) X(roc_auc) X(pr_auc) X(majority)
#undef X
}

static void check_labels(const json_t *want, const od_image_level *l)
{
    const json_t *confusion = json_object_get(want, "confusion");
    if (!confusion) {
        assert_non_null(l->labels.why_not);
        return;
    }
    for (int64_t i = 0; i < l->labels.num_labels; i++)
        for (int64_t j = 0; j < l->labels.num_labels; j++)
            assert_int_equal(at(json_array_get(confusion, (size_t)i), (size_t)j), l->labels.confusion[i * l->labels.num_labels + j]);
    assert_interval(json_object_get(want, "accuracy"), &l->labels.accuracy, "accuracy of all");
    assert_number(json_object_get(want, "macro_f1"), l->labels.macro_f1.value, "macro F1", "value");
    assert_number(json_object_get(want, "mcc"), l->labels.mcc.value, "MCC of all", "value");
    assert_number(json_object_get(want, "balanced"), l->labels.balanced_accuracy.value, "balanced accuracy of all", "value");
}

static void test_equals_oracles(void **state)
{
    (void)state;
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(data, "cases"), i, c) {
        int grouped = json_is_true(json_object_get(c, "grouped"));
        od_coco_eval *e = test_coco_problem(c, NULL, grouped);
        od_image_options o = od_image_options_default();
        od_image_level *l;
        o.num_resamples = 60;
        assert_int_equal(od_image_level_run(&l, e, &o, NULL), OD_OK);
        assert_int_equal(l->grouped, grouped);
        const json_t *want = json_object_get(c, "expected"), *rows = json_object_get(want, "rows");
        for (int64_t k = 0; k <= l->num_classes; k++)
            check_row(json_array_get(rows, (size_t)k), k < l->num_classes ? &l->classes[k] : &l->any);
        check_labels(want, l);
        char *text = od_image_level_explain(l, (double[]){.96}, 1), *table = od_image_level_table(l);
        assert_non_null(text);
        assert_non_null(strstr(table, "any object: "));
        free(text);
        free(table);
        od_image_level_free(l);
        od_coco_eval_free(e);
    }
}

static void test_proportions_and_quantiles(void **state)
{
    (void)state;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(data, "proportions"), i, v) {
        od_interval w = od_interval_wilson((int64_t)at(v, 0), (int64_t)at(v, 1), .95);
        od_interval c = od_interval_clopper_pearson((int64_t)at(v, 0), (int64_t)at(v, 1), .95);
        assert_true(fabs(w.low - at(v, 2)) < 1e-9 && fabs(w.high - at(v, 3)) < 1e-9);
        assert_true(fabs(c.low - at(v, 4)) < 1e-9 && fabs(c.high - at(v, 5)) < 1e-9);
    }
    json_t *q = json_object_get(data, "quantiles");
    json_array_foreach(json_object_get(q, "normal"), i, v) assert_true(fabs(od_normal_quantile(at(v, 0)) - at(v, 1)) < 1e-9);
    json_array_foreach(json_object_get(q, "student"), i, v)
        assert_true(fabs(od_student_quantile(at(v, 0), at(v, 1)) - at(v, 2)) < 1e-8 * fabs(at(v, 2)) + 1e-9);
    json_array_foreach(json_object_get(q, "beta"), i, v)
        assert_true(fabs(od_beta_quantile(at(v, 0), at(v, 1), at(v, 2)) - at(v, 3)) < 1e-9);
    od_interval none = od_interval_wilson(0, 0, .95);
    assert_true(isnan(none.value));
    assert_string_equal(none.why_not, "there are no cases to take a proportion of");
}

/* Newcombe 1998 (Stat. Med. 17, 2635), table III: 36, 12, 2, 0 of 50 gives .20 [.0569, .3404] by method 10. */
static void test_newcombe_worked_example(void **state)
{
    (void)state;
    int8_t first[50], second[50];
    for (int i = 0; i < 50; i++) {
        first[i] = i < 48;
        second[i] = i < 36 || i >= 48;
    }
    uint32_t of_image[50];
    for (uint32_t i = 0; i < 50; i++) of_image[i] = i;
    od_units u = {.count = 50, .num_images = 50, .of_image = of_image};
    double scratch[100], p;
    od_interval d = od_paired_difference(second, first, 50, &u, .95, scratch, &p); /* first less second */
    assert_true(fabs(d.value - .2) < 1e-12 && fabs(d.low - .0569) < 5e-5 && fabs(d.high - .3404) < 5e-5);
    /* exact .012939453125 less P(X = 2) of 14 */
    assert_true(od_mcnemar_mid_p(0, 0) == 1 && fabs(od_mcnemar_mid_p(12, 2) - (.012939453125 - 91 / 16384.)) < 1e-12);
}

/* Two detectors as evaluators with one class and one box or detection an image. */
static od_coco_eval *one_class(const json_t *pair, size_t detector)
{
    od_coco_eval *e;
    int64_t image;
    double box[4] = {10, 10, 50, 50};
    const json_t *truth = json_object_get(pair, "truth"), *scores = json_array_get(json_object_get(pair, "scores"), detector);
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "finding", NULL), OD_OK);
    for (size_t i = 0; i < json_array_size(truth); i++) {
        assert_int_equal(od_coco_eval_add_image(e, (int64_t)i, NULL, &image, NULL), OD_OK);
        if (at(truth, i) > 0) assert_int_equal(od_coco_eval_add_truth(e, image, 0, box, -1, 0, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_detection(e, image, 0, box, at(scores, i), NULL), OD_OK);
    }
    return e;
}

static void test_comparison(void **state)
{
    (void)state;
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(data, "pairs"), i, pair) {
        od_coco_eval *e[2];
        od_image_level *l[2];
        od_image_options o = od_image_options_default();
        o.threshold = .6;
        o.num_resamples = 40;
        for (size_t d = 0; d < 2; d++) {
            e[d] = one_class(pair, d);
            assert_int_equal(od_image_level_run(&l[d], e[d], &o, NULL), OD_OK);
        }
        od_image_comparison c;
        assert_int_equal(od_image_level_compare(&c, l[0], l[1], NULL), OD_OK);
        const od_image_difference *accuracy = &c.items[1], *auc = &c.items[4];
        assert_string_equal(accuracy->figure, "accuracy");
        assert_string_equal(auc->figure, "ROC-AUC");
        const json_t *only = json_object_get(pair, "only"), *delong = json_object_get(pair, "delong");
        assert_int_equal(accuracy->only_a, at(only, 0));
        assert_int_equal(accuracy->only_b, at(only, 1));
        assert_true(fabs(accuracy->p - json_number_value(json_object_get(pair, "mcnemar"))) < 1e-9);
        assert_true(fabs(auc->difference.value - at(delong, 0)) < 1e-9 && fabs(auc->p - at(delong, 1)) < 1e-9);
        od_image_comparison_deinit(&c);
        for (int d = 0; d < 2; d++) {
            od_image_level_free(l[d]);
            od_coco_eval_free(e[d]);
        }
    }
}

/* Every image has the class: nothing is said about false alarms. A perfect AUC has a lower end below 1. */
static void test_missing_and_perfect(void **state)
{
    (void)state;
    json_t *pair = json_pack("{s:[i,i,i,i,i,i],s:[[f,f,f,f,f,f]]}", "truth", 1, 1, 1, 1, 1, 1, "scores", .9, .8, .7, .6, .9, .3);
    od_coco_eval *e = one_class(pair, 0);
    od_image_level *l;
    assert_int_equal(od_image_level_run(&l, e, NULL, NULL), OD_OK);
    const od_binary_figures *f = &l->classes[0];
    assert_true(isnan(f->specificity.value) && isnan(f->roc_auc.value) && isnan(f->balanced_accuracy.value) && isnan(f->mcc.value));
    assert_string_equal(f->specificity.why_not, "every image has it: there are no negatives");
    assert_true(f->sensitivity.count == 5 && f->sensitivity.total == 6);
    char *text = od_image_level_explain(l, NULL, 0);
    assert_non_null(strstr(text, "every image has it, so there is no specificity"));
    assert_non_null(strstr(text, "Every image has a box"));
    free(text);
    od_image_level_free(l);
    od_coco_eval_free(e);
    json_decref(pair);
    pair = json_pack("{s:[i,i,i,i,i,i],s:[[f,f,f,f,f,f]]}", "truth", 1, 1, 1, 0, 0, 0, "scores", .9, .8, .7, .1, .2, .3);
    e = one_class(pair, 0);
    assert_int_equal(od_image_level_run(&l, e, NULL, NULL), OD_OK);
    f = &l->classes[0];
    assert_true(f->roc_auc.value == 1 && f->roc_auc.high == 1 && f->roc_auc.low > .3 && f->roc_auc.low < .95);
    assert_string_equal(f->roc_auc.method, "score, Hanley-McNeil");
    assert_true(f->accuracy.value == 1 && fabs(f->accuracy.low - 6 / (6 + 3.841458820694124)) < 1e-9);
    od_roc_point points[7];
    assert_int_equal(od_image_level_curve(l, 0, points), 7);
    assert_true(points[3].sensitivity == 1 && points[3].specificity == 1 && points[3].threshold == .7 && points[6].specificity == 0);
    od_paper paper = od_image_level_paper(l, .96, 624);
    assert_true(paper.overlaps && fabs(paper.interval.low - .9416) < 1e-3 && fabs(paper.interval.high - .9727) < 1e-3);
    od_image_level_free(l);
    od_coco_eval_free(e);
    json_decref(pair);
}

/* One class per image, no null images: the class of the highest score is the answer at any threshold. */
static void test_labels_without_null_images(void **state)
{
    (void)state;
    od_coco_eval *e;
    od_image_level *l;
    int64_t image;
    double box[4] = {10, 10, 50, 50};
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    for (int k = 0; k < 2; k++) assert_int_equal(od_coco_eval_add_class(e, k, k ? "pneumonia" : "normal", NULL), OD_OK);
    static const int truths[4] = {0, 1, 1, 1};
    static const double scores[4][2] = {{.3, .1}, {.4, .2}, {.1, .2}, {.4, .4}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(od_coco_eval_add_image(e, i, NULL, &image, NULL), OD_OK);
        assert_int_equal(od_coco_eval_add_truth(e, image, truths[i], box, -1, 0, NULL), OD_OK);
        for (int k = 0; k < 2; k++)
            assert_int_equal(od_coco_eval_add_detection(e, image, k, box, scores[i][k], NULL), OD_OK);
    }
    assert_int_equal(od_image_level_run(&l, e, NULL, NULL), OD_OK);
    static const int64_t confusion[9] = {1, 0, 0, 2, 1, 0, 0, 0, 0}; /* of equal scores the first class wins */
    assert_memory_equal(l->labels.confusion, confusion, sizeof confusion);
    assert_true(l->labels.accuracy.count == 2 && l->labels.accuracy.total == 4 && l->labels.majority.value == .75);
    assert_string_equal(l->labels.majority_name, "pneumonia");
    char *text = od_image_level_explain(l, NULL, 0);
    assert_non_null(strstr(text, "Always answering 'pneumonia' would reach 0.750, which the interval does not exclude."));
    free(text);
    od_image_level_free(l);
    od_coco_eval_free(e);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    od_coco_eval *e = test_coco_problem(json_array_get(json_object_get(data, "cases"), 1), NULL, 1);
    od_image_options o = od_image_options_default();
    o.num_resamples = 40;
    o.num_threads = 1;
    for (long n = 1;; n++) {
        od_image_level *l = NULL;
        od_alloc_fail_after(n);
        od_status status = od_image_level_run(&l, e, &o, NULL);
        od_alloc_fail_after(0);
        od_image_level_free(l);
        if (status == OD_OK) break;
        assert_int_equal(status, OD_ERR_NOMEM);
        assert_true(n < 5000);
    }
    od_coco_eval_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_oracles),          cmocka_unit_test(test_proportions_and_quantiles),
        cmocka_unit_test(test_newcombe_worked_example), cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_missing_and_perfect),     cmocka_unit_test(test_labels_without_null_images),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
