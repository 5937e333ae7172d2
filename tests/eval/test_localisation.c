/* SPDX-License-Identifier: Apache-2.0
 *
 * FROC, JAFROC, null images, LRP, TIDE, operating points and calibration against tidecv's answers and the plain formulas
 * (tests/oracle/localisation_cases.py); worked examples; failing allocations; thread counts; refusals.
 */
#include "eval_case.h"
#include "objdet/calibration.h"
#include "objdet/detection_errors.h"
#include "objdet/localisation.h"
#include "objdet/operating_point.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <string.h>

static json_t *cases;

static int load_cases(void **state)
{
    (void)state;
    cases = eval_cases_load("tests/eval/data/localisation_cases.json");
    return cases ? 0 : -1;
}

static int free_cases(void **state)
{
    (void)state;
    json_decref(cases);
    return 0;
}

/* null: NAN. */
static void assert_near(json_t *want, double got, const char *name, const char *what)
{
    if (json_is_null(want) ? isnan(got) : fabs(json_number_value(want) - got) <= 1e-12) return;
    fail_msg("%s: %s is %.17g, expected %.17g", name, what, got, json_is_null(want) ? NAN : json_number_value(want));
}

static od_localisation_options quick(void)
{
    od_localisation_options o = od_localisation_options_default();
    o.num_resamples = 0;
    return o;
}

static void check_froc(od_coco_eval *e, json_t *c, const char *name)
{
    od_localisation_options o = quick();
    od_froc f;
    json_t *want = json_object_get(c, "froc");
    assert_int_equal(od_froc_compute(&f, e, -1, &o, NULL), OD_OK);
    for (size_t i = 0; i < OD_FROC_NUM_RATES; i++) {
        assert_near(json_is_null(want) ? want : json_array_get(want, i), f.sensitivity[i].value, name, "FROC");
        assert_near(json_is_null(want) ? want : json_array_get(json_object_get(c, "interpolated"), i), f.interpolated[i], name, "interpolated FROC");
    }
    for (size_t i = 1; i < f.num_points; i++) {
        assert_true(f.points[i].threshold < f.points[i - 1].threshold);
        assert_true(f.points[i].false_per_image >= f.points[i - 1].false_per_image);
    }
    od_froc_deinit(&f);
}

static void check_jafroc(od_coco_eval *e, json_t *want, int64_t k, const char *name)
{
    od_localisation_options o = quick();
    od_jafroc j;
    assert_int_equal(od_jafroc_compute(&j, e, k, &o, NULL), OD_OK);
    assert_near(json_object_get(want, "jafroc"), j.jafroc.value, name, "jafroc");
    assert_near(json_object_get(want, "jafroc1"), j.jafroc1.value, name, "jafroc1");
    assert_near(json_object_get(want, "wafroc"), j.wafroc.value, name, "wafroc");
    assert_near(json_object_get(want, "wafroc1"), j.wafroc1.value, name, "wafroc1");
    assert_true(isnan(j.jafroc.value) == (j.jafroc.why_not && !strstr(j.jafroc.why_not, "resamples")));
}

static void check_lrp_of(json_t *want, const od_lrp *l, const char *name)
{
    if (json_is_null(want)) {
        assert_true(isnan(l->lrp.value));
        return;
    }
    const double got[] = {l->lrp.value, l->localisation, l->false_share, l->missed_share, l->threshold};
    for (size_t i = 0; i < 5; i++) assert_near(json_array_get(want, i), got[i], name, "oLRP");
}

static void check_lrp(od_coco_eval *e, json_t *c, const char *name)
{
    od_localisation_options o = quick();
    od_lrps l;
    size_t k;
    json_t *item, *classes = json_object_get(c, "classes");
    assert_int_equal(od_lrp_compute(&l, e, &o, NULL), OD_OK);
    check_lrp_of(json_object_get(c, "lrp"), &l.together, name);
    assert_int_equal(l.num_classes, json_array_size(classes));
    json_array_foreach(classes, k, item) {
        check_lrp_of(json_object_get(item, "lrp"), &l.classes[k], name);
        check_jafroc(e, json_object_get(item, "jafroc"), (int64_t)k, name);
    }
    od_lrps_deinit(&l);
}

static void check_tide(od_coco_eval *e, json_t *c, const char *name)
{
    od_tide t;
    json_t *want = json_object_get(c, "tide"), *costs = json_object_get(want, "costs"), *counts = json_object_get(want, "counts");
    assert_int_equal(od_tide_compute(&t, e, NULL, NULL), OD_OK);
    assert_near(json_object_get(want, "ap"), t.ap, name, "TIDE's AP");
    for (int k = 0; k < OD_FAILURE_NUM_KINDS; k++) {
        const char *kind = od_failure_kind_name((od_failure_kind)k);
        if (!json_is_null(costs)) assert_near(json_object_get(costs, kind), t.cost[k], name, kind);
        if (!json_is_null(counts)) assert_int_equal(t.count[k], json_integer_value(json_object_get(counts, kind)));
    }
    json_t *special = json_object_get(want, "special");
    if (json_is_null(special)) return;
    assert_near(json_object_get(special, "FalsePos"), t.false_positive_cost, name, "false positives");
    assert_near(json_object_get(special, "FalseNeg"), t.false_negative_cost, name, "false negatives");
}

static void check_operating(od_coco_eval *e, json_t *c, const char *name)
{
    od_operating_options o = od_operating_options_default();
    od_operating_curve box, image;
    size_t i;
    json_t *row, *want = json_object_get(c, "best_f1");
    assert_int_equal(od_operating_curve_compute(&box, e, -1, OD_LEVEL_BOX, &o, NULL), OD_OK);
    assert_int_equal(od_operating_curve_compute(&image, e, -1, OD_LEVEL_IMAGE, &o, NULL), OD_OK);
    json_array_foreach(json_object_get(c, "counts"), i, row) {
        int64_t v[8];
        for (size_t k = 1; k < 8; k++) v[k] = json_integer_value(json_array_get(row, k));
        const od_operating_point *b = &box.points[10 * i], *m = &image.points[10 * i];
        assert_true(fabs(b->threshold - (double)i / 10) < 1e-15);
        if (b->tp != v[1] || b->fp != v[2] || b->fn != v[3] || m->tp != v[4] || m->fp != v[5] || m->fn != v[6] || m->tn != v[7])
            fail_msg("%s: counts at %g differ", name, b->threshold);
    }
    od_operating_curve_deinit(&box);
    od_operating_curve_deinit(&image);
    od_threshold_choice choice;
    o.match.num_resamples = 0;
    od_status status = od_threshold_choose(&choice, e, -1, OD_LEVEL_BOX, OD_RULE_F1, 0, &o, NULL);
    if (json_is_null(want)) {
        assert_int_equal(status, OD_ERR_MISMATCH);
    } else {
        assert_int_equal(status, OD_OK);
        assert_near(want, choice.at.f1.value, name, "best F1");
    }
}

static void check_calibration(od_coco_eval *e, json_t *c, const char *name)
{
    od_calibration k;
    assert_int_equal(od_calibration_compute(&k, e, NULL, NULL, NULL), OD_OK);
    assert_near(json_object_get(c, "d_ece"), k.boxes.ece, name, "D-ECE");
    assert_near(json_object_get(c, "mce"), k.boxes.mce, name, "MCE");
    assert_near(json_object_get(c, "laece"), k.laece, name, "LaECE");
    assert_near(json_object_get(c, "laece0"), k.laece0, name, "LaECE0");
    assert_near(json_object_get(c, "laace0"), k.laace0, name, "LaACE0");
}

static void check_null_images(od_coco_eval *e, json_t *c)
{
    od_localisation_options o = quick();
    od_null_images n;
    assert_int_equal(od_null_images_compute(&n, e, -1, &o, NULL), OD_OK);
    assert_int_equal(n.of[OD_IMAGES_NULL].images, json_integer_value(json_object_get(c, "null_images")));
    assert_int_equal(n.of[OD_IMAGES_NULL].false_detections, json_integer_value(json_object_get(c, "null_false")));
    assert_int_equal(n.of[OD_IMAGES_LOOKALIKE].images, 0);
    od_null_images_deinit(&n);
}

static void test_equals_formulas(void **state)
{
    (void)state;
    size_t i;
    json_t *c;
    json_array_foreach(cases, i, c) {
        const char *name = json_string_value(json_object_get(c, "name"));
        od_coco_eval *e = eval_case_run(c);
        check_froc(e, c, name);
        check_jafroc(e, json_object_get(c, "jafroc"), -1, name);
        check_lrp(e, c, name);
        check_tide(e, c, name);
        check_operating(e, c, name);
        check_calibration(e, c, name);
        check_null_images(e, c);
        od_coco_eval_free(e);
    }
    assert_int_equal(i, 9);
}

/* One image with an object found at IoU .75 and a false box; one without objects. */
static od_coco_eval *worked_example(void)
{
    od_coco_eval *e;
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "a", NULL), OD_OK);
    for (int64_t i = 1; i <= 2; i++) assert_int_equal(od_coco_eval_add_image(e, i, NULL, NULL, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_truth(e, 0, 0, (double[4]){0, 0, 100, 100}, -1, 0, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_detection(e, 0, 0, (double[4]){0, 0, 100, 75}, .8, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_detection(e, 0, 0, (double[4]){300, 300, 50, 50}, .6, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_detection(e, 1, 0, (double[4]){0, 0, 50, 50}, .8, NULL), OD_OK);
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    return e;
}

static void test_worked_example(void **state)
{
    (void)state;
    od_coco_eval *e = worked_example();
    od_localisation_options o = quick();
    od_lrps l;
    od_jafroc j;
    assert_int_equal(od_lrp_compute(&l, e, &o, NULL), OD_OK);
    assert_true(fabs(l.mean.lrp.value - (.25 / .5 + 1) / 2) < 1e-15); /* at .8: one found, one false */
    assert_true(l.together.threshold == .8 && l.together.found == 1 && l.together.false_detections == 1);
    od_lrps_deinit(&l);
    assert_int_equal(od_jafroc_compute(&j, e, -1, &o, NULL), OD_OK);
    assert_true(j.jafroc.value == .5);   /* the object's .8 against the null image's .8 */
    assert_true(j.jafroc1.value == .75); /* and against .6 */
    assert_int_equal(j.null_images, 1);
    od_coco_eval_free(e);
}

static void test_choices(void **state)
{
    (void)state;
    od_coco_eval *e = worked_example();
    od_operating_options o = od_operating_options_default();
    od_threshold_choice c;
    o.match.num_resamples = 0;
    assert_int_equal(od_threshold_choose(&c, e, -1, OD_LEVEL_BOX, OD_RULE_F1, 0, &o, NULL), OD_OK);
    assert_true(c.threshold == .7 && c.reached && fabs(c.at.f1.value - 2. / 3) < 1e-15);
    assert_string_equal(c.reason, "0.7 gives the highest F1, 0.667: precision 0.500, recall 1.000 on 2 images with 1 objects.");
    assert_int_equal(od_threshold_choose(&c, e, -1, OD_LEVEL_BOX, OD_RULE_MAX_FALSE_PER_IMAGE, .4, &o, NULL), OD_OK);
    assert_true(c.reached && c.threshold > .8 && isnan(c.at.precision.value)); /* .8 brings a false one, .5 an image */
    assert_int_equal(od_threshold_choose(&c, e, -1, OD_LEVEL_BOX, OD_RULE_MAX_FALSE_PER_IMAGE, .5, &o, NULL), OD_OK);
    assert_true(c.threshold == .7);
    assert_int_equal(od_threshold_choose(&c, e, -1, OD_LEVEL_BOX, OD_RULE_MIN_SENSITIVITY, .5, &o, NULL), OD_OK);
    assert_true(c.reached && c.threshold == .7);
    o.cost_fp = 3;
    assert_int_equal(od_threshold_choose(&c, e, -1, OD_LEVEL_BOX, OD_RULE_COST, 0, &o, NULL), OD_OK);
    assert_true(!c.reached && c.threshold > .8 && c.at.cost == .5);
    assert_non_null(strstr(c.reason, "at these costs it is best to report nothing"));
    o.cost_fn = 8;
    assert_int_equal(od_threshold_choose(&c, e, -1, OD_LEVEL_BOX, OD_RULE_COST, 0, &o, NULL), OD_OK);
    assert_true(c.reached && c.threshold == .7 && c.at.cost == 1.5);
    od_coco_eval_free(e);
}

static void test_failures(void **state)
{
    (void)state;
    od_coco_eval *e;
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 1, "a", NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_class(e, 2, "b", NULL), OD_OK);
    assert_int_equal(od_coco_eval_add_image(e, 1, "x.jpg", NULL, NULL), OD_OK);
    for (int i = 0; i < 5; i++) assert_int_equal(od_coco_eval_add_truth(e, 0, 0, (double[4]){200. * i, 0, 100, 100}, -1, 0, NULL), OD_OK);
    const struct {
        double x, w, score;
        int64_t class_index;
    } dets[] = {{0, 100, .9, 0}, {0, 95, .8, 0}, {200, 100, .7, 1}, {400, 40, .65, 0}, {1500, 50, .6, 0}, {600, 30, .55, 1}, {600, 100, .3, 0}};
    for (int i = 0; i < 7; i++)
        assert_int_equal(od_coco_eval_add_detection(e, 0, dets[i].class_index, (double[4]){dets[i].x, 0, dets[i].w, 100}, dets[i].score, NULL), OD_OK);
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    od_failures *f;
    assert_int_equal(od_failures_find(&f, e, .5, NULL, NULL), OD_OK);
    const struct {
        od_failure_kind kind;
        double severity, score;
        int64_t object, detection;
    } want[] = {{OD_FAILURE_MISSED, 1, 0, 4, -1}, {OD_FAILURE_DUPLICATED, .8, .8, 0, 1}, {OD_FAILURE_CONFUSED, .7, .7, 1, 2},
                {OD_FAILURE_MISSED, .7, .3, 3, -1}, {OD_FAILURE_MISLOCATED, .65, .65, 2, 3}, {OD_FAILURE_INVENTED, .6, .6, -1, 4},
                {OD_FAILURE_BOTH, .55, .55, 3, 5}};
    assert_int_equal(od_failures_count(f), 7);
    for (size_t i = 0; i < 7; i++) {
        const od_failure *g = od_failures_get(f, i);
        assert_int_equal(g->kind, want[i].kind);
        assert_true(fabs(g->severity - want[i].severity) < 1e-12 && g->score == want[i].score);
        assert_int_equal(g->object, want[i].object);
        assert_int_equal(g->detection, want[i].detection);
        assert_int_equal(g->size, i == 5 ? 2 : 3);
    }
    assert_int_equal(od_failures_num_images(f), 1);
    assert_int_equal(od_failures_count_kind(f, OD_FAILURE_MISSED), 2);
    const int64_t *m = od_failures_confusion(f); /* rows a, b, none; columns a, b, none */
    assert_int_equal(m[0], 1);
    assert_int_equal(m[1], 1);
    assert_int_equal(m[2], 2);
    assert_int_equal(m[6], 1);
    od_failures_free(f);
    od_coco_eval_free(e);
}

static int compute_all(od_coco_eval *e, int threads, double *sum, od_error *err)
{
    od_localisation_options o = od_localisation_options_default();
    od_froc f = {0};
    od_jafroc j;
    od_lrps l = {0};
    od_null_images n = {0};
    od_failures *x = NULL;
    od_threshold_study *s = NULL;
    od_threshold_study_options so = od_threshold_study_options_default();
    o.num_resamples = so.operating.match.num_resamples = 40;
    o.num_threads = so.operating.match.num_threads = threads;
    od_status status;
    OD_TRY_GOTO(od_froc_compute(&f, e, -1, &o, err));
    OD_TRY_GOTO(od_jafroc_compute(&j, e, 0, &o, err));
    OD_TRY_GOTO(od_lrp_compute(&l, e, &o, err));
    OD_TRY_GOTO(od_null_images_compute(&n, e, 0, &o, err));
    OD_TRY_GOTO(od_failures_find(&x, e, .4, NULL, err));
    OD_TRY_GOTO(od_threshold_study_run(&s, e, e, &so, err));
    assert_false(s->held_out);
    *sum = f.mean.low + j.jafroc1.high + l.mean.lrp.low + n.of[0].false_per_image.high + s->choice.interval.low;
done:
    od_froc_deinit(&f);
    od_lrps_deinit(&l);
    od_null_images_deinit(&n);
    od_failures_free(x);
    od_threshold_study_free(s);
    return (int)status;
}

static void test_threads_and_failing_allocations(void **state)
{
    (void)state;
    od_coco_eval *e = eval_case_run(json_array_get(cases, 0));
    double one = 0, three = 0, again = 0;
    int failures = 0, done = 0;
    assert_int_equal(compute_all(e, 1, &one, NULL), OD_OK);
    assert_int_equal(compute_all(e, 3, &three, NULL), OD_OK);
    assert_memory_equal(&one, &three, sizeof one);
    assert_true(isfinite(one));
    for (long n = 1; n < 3000 && !done; n++) {
        od_error err = {0};
        od_alloc_fail_after(n);
        int status = compute_all(e, 1, &again, &err);
        od_alloc_fail_after(0);
        done = status == OD_OK;
        failures += status == OD_ERR_NOMEM;
        if (!done && status != OD_ERR_NOMEM) fail_msg("allocation %ld: %s", n, err.message);
    }
    assert_true(done && failures > 50);
    od_coco_eval_free(e);
}

/* A copy of the case without one image; -1: all of it. */
static od_coco_eval *without_image(const od_coco_eval *e, int64_t left_out)
{
    od_coco_eval *out;
    assert_int_equal(od_coco_eval_create(&out, NULL), OD_OK);
    for (int64_t k = 0; k < od_coco_eval_num_classes(e); k++) assert_int_equal(od_coco_eval_add_class(out, od_coco_eval_class_id(e, k), NULL, NULL), OD_OK);
    for (int64_t i = 0; i < od_coco_eval_num_images(e); i++)
        if (i != left_out) assert_int_equal(od_coco_eval_add_image(out, od_coco_eval_image_id(e, i), NULL, NULL, NULL), OD_OK);
    for (int64_t i = 0; i < od_coco_eval_num_truths(e); i++) {
        od_coco_entry t = od_coco_eval_truth(e, i);
        if (t.image != left_out)
            assert_int_equal(od_coco_eval_add_truth(out, t.image - (left_out >= 0 && t.image > left_out), t.class_index, t.box, t.area, t.crowd, NULL), OD_OK);
    }
    for (int64_t i = 0; i < od_coco_eval_num_detections(e); i++) {
        od_coco_entry d = od_coco_eval_detection(e, i);
        if (d.image != left_out) assert_int_equal(od_coco_eval_add_detection(out, d.image - (left_out >= 0 && d.image > left_out), d.class_index, d.box, d.score, NULL), OD_OK);
    }
    assert_int_equal(od_coco_eval_run(out, 1, NULL), OD_OK);
    return out;
}

/* The jackknife's error of each cost is what leaving out one image after the other gives; the interval holds the cost. */
static void test_tide_intervals(void **state)
{
    (void)state;
    enum { MOST_IMAGES = 64 };
    od_coco_eval *e = eval_case_run(json_array_get(cases, 0));
    int64_t n = od_coco_eval_num_images(e);
    double left[MOST_IMAGES][OD_FAILURE_NUM_KINDS];
    od_tide_options o = od_tide_options_default();
    od_tide t, again;
    assert_in_range(n, 5, MOST_IMAGES);
    o.num_resamples = 100;
    assert_int_equal(od_tide_compute(&t, e, &o, NULL), OD_OK);
    for (int64_t i = 0; i < n; i++) {
        od_coco_eval *part = without_image(e, i);
        assert_int_equal(od_tide_compute(&again, part, NULL, NULL), OD_OK);
        memcpy(left[i], again.cost, sizeof again.cost);
        od_coco_eval_free(part);
    }
    int checked = 0;
    for (int k = 0; k < OD_FAILURE_NUM_KINDS; k++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < n; i++) mean += left[i][k] / (double)n;
        for (int64_t i = 0; i < n; i++) squares += (left[i][k] - mean) * (left[i][k] - mean);
        const od_interval *v = &t.cost_interval[k];
        assert_float_equal(v->value, t.cost[k], 0);
        if (v->why_not) continue; /* no such failures */
        assert_float_equal(v->se, sqrt(squares * (double)(n - 1) / (double)n), 1e-12);
        assert_true(0 <= v->low && v->low <= v->value && v->value <= v->high);
        checked++;
    }
    assert_true(checked >= 3);
    assert_int_equal(od_tide_compute(&again, e, NULL, NULL), OD_OK);
    assert_true(isnan(again.cost_interval[0].low));
    assert_string_equal(again.cost_interval[0].why_not, "no resamples were asked for");
    od_coco_eval_free(e);
}

static void test_refusals(void **state)
{
    (void)state;
    od_coco_eval *e;
    od_error err = {0};
    od_froc f;
    od_tide t;
    od_localisation_options o = quick();
    assert_int_equal(od_coco_eval_create(&e, NULL), OD_OK);
    assert_int_equal(od_froc_compute(&f, e, -1, &o, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "the evaluation has not been run (od_coco_eval_run)");
    assert_int_equal(od_coco_eval_run(e, 1, NULL), OD_OK);
    assert_int_equal(od_froc_compute(&f, e, 3, &o, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "class index 3 is not among the 0 classes (-1 for all)");
    o.iou = 0;
    assert_int_equal(od_froc_compute(&f, e, -1, &o, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "the IoU threshold is 0; expected above 0, at most 1");
    o.iou = .5;
    o.num_resamples = 7;
    assert_int_equal(od_froc_compute(&f, e, -1, &o, &err), OD_ERR_ARG);
    assert_string_equal(err.message, "7 resamples; expected 40 to 1000000, or 0 for no intervals");
    assert_int_equal(od_tide_compute(&t, e, NULL, &err), OD_OK);
    assert_true(isnan(t.ap) && isnan(t.cost[0]));
    od_coco_eval_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_formulas), cmocka_unit_test(test_worked_example), cmocka_unit_test(test_choices),
        cmocka_unit_test(test_failures),        cmocka_unit_test(test_threads_and_failing_allocations),
        cmocka_unit_test(test_tide_intervals),  cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, load_cases, free_cases);
}
