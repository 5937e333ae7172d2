/* SPDX-License-Identifier: Apache-2.0
 *
 * Each loss and gradient against the OD API's (oracle_losses.h), against the definition in double on many inputs, and
 * against finite differences; NaN and infinite predictions.
 */
#include "detection_support.h"
#include "oracle_losses.h"

#include "detection/losses.h"

static void compare(const char *name, int n, const float *ours, const float *expected, double bound)
{
    for (int i = 0; i < n; i++)
        if (relative_error((double)ours[i], (double)expected[i], 1e-3) > bound) fail_msg("%s %d: %.9g, expected %.9g", name, i, (double)ours[i], (double)expected[i]);
}

static void compare_sum(double sum, int n, const float *losses)
{
    double expected = 0;
    for (int i = 0; i < n; i++) expected += (double)losses[i];
    assert_true(relative_error(sum, expected, 1e-3) < 1e-6);
}

static void test_focal_equals_the_od_api(void **state)
{
    (void)state;
    float weights[24], losses[24], grad[24];
    for (int i = 0; i < 24; i++) weights[i] = loss_weights[i / 3];
    const struct { od_focal_params p; int n; const float *losses, *grad; } all[] = {
        {{2, 0.25f, 1}, 24, focal_2_losses, focal_2_grad},
        {{1.5f, 0.25f, 1}, 24, focal_1_5_losses, focal_1_5_grad},
        {{0.7f, 0, 0}, 21, focal_0_7_losses, focal_0_7_grad},
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        double sum = od_loss_sigmoid_focal(&all[k].p, all[k].n, loss_logits, loss_targets, weights, 1, losses, grad);
        compare("loss", all[k].n, losses, all[k].losses, 1e-5); /* the OD API's 1 - p loses digits */
        compare("gradient", all[k].n, grad, all[k].grad, 1e-5);
        compare_sum(sum, all[k].n, losses);
        assert_true(od_loss_sigmoid_focal(&all[k].p, all[k].n, loss_logits, loss_targets, weights, 3, NULL, NULL) == sum);
    }
    double sum = od_loss_sigmoid(24, loss_logits, loss_targets, weights, 1, losses, grad);
    compare("sigmoid loss", 24, losses, sigmoid_losses, 1e-6);
    compare("sigmoid gradient", 24, grad, sigmoid_grad, 5e-6);
    compare_sum(sum, 24, losses);
}

static void test_softmax_equals_the_od_api(void **state)
{
    (void)state;
    float losses[8], grad[24];
    double sum = od_loss_softmax(8, 3, 1, loss_logits, loss_targets, loss_weights, 1, losses, grad);
    compare("loss", 8, losses, softmax_losses, 2e-6);
    compare("gradient", 24, grad, softmax_grad, 2e-6); /* the last row's targets are all 0 */
    compare_sum(sum, 8, losses);
    od_loss_softmax(8, 3, 2.5f, loss_logits, loss_targets, loss_weights, 1, losses, grad);
    compare("scaled loss", 8, losses, softmax_scaled_losses, 2e-6);
    compare("scaled gradient", 24, grad, softmax_scaled_grad, 2e-6);
    assert_true(od_loss_softmax(8, 3, 1, loss_logits, loss_targets, loss_weights, 1, NULL, NULL) == sum);
}

static void sum_by_four(const float *losses, float *sums)
{
    for (int i = 0; i < 6; i++) sums[i] = losses[4 * i] + losses[4 * i + 1] + losses[4 * i + 2] + losses[4 * i + 3];
}

static void test_box_losses_equal_the_od_api(void **state)
{
    (void)state;
    float weights[24], losses[24], grad[24], sums[6];
    for (int i = 0; i < 24; i++) weights[i] = loss_code_weights[i / 4];
    od_loss_huber(1, 24, loss_codes, loss_code_targets, weights, 1, losses, grad);
    sum_by_four(losses, sums);
    compare("huber", 6, sums, huber_1_losses, 1e-6);
    compare("huber gradient", 24, grad, huber_1_grad, 1e-6);
    od_loss_huber(0.4f, 24, loss_codes, loss_code_targets, weights, 1, losses, grad);
    sum_by_four(losses, sums);
    compare("huber 0.4", 6, sums, huber_0_4_losses, 1e-6);
    compare("huber 0.4 gradient", 24, grad, huber_0_4_grad, 1e-6);
    od_loss_l2(24, loss_codes, loss_code_targets, weights, 1, losses, grad);
    sum_by_four(losses, sums);
    compare("l2", 6, sums, l2_losses, 1e-6);
    compare("l2 gradient", 24, grad, l2_grad, 1e-6);
    od_loss_l1(24, loss_codes, loss_code_targets, weights, 1, losses, grad);
    compare("l1", 24, losses, l1_losses, 1e-6);
    compare("l1 gradient", 24, grad, l1_grad, 1e-6);
}

/* The definition in double: loss and derivative of one element. */
static double focal_double(const od_focal_params *p, double x, double t, double *slope)
{
    double e = exp(-fabs(x)), prob = x >= 0 ? 1 / (1 + e) : e / (1 + e), rest = x >= 0 ? e / (1 + e) : 1 / (1 + e);
    double ce = fmax(x, 0) - x * t + log1p(e), q = t * rest + (1 - t) * prob;
    double alpha = p->has_alpha ? t * (double)p->alpha + (1 - t) * (1 - (double)p->alpha) : 1, gamma = (double)p->gamma;
    *slope = alpha * (pow(q, gamma) * ((1 - t) * prob - t * rest) + (gamma == 0 ? 0 : gamma * pow(q, gamma - 1)) * (1 - 2 * t) * prob * rest * ce);
    return alpha * pow(q, gamma) * ce;
}

static void test_focal_equals_libm(void **state)
{
    (void)state;
    enum { n = 4000 };
    static float x[n], t[n], w[n], losses[n], grad[n];
    for (int i = 0; i < n; i++) {
        x[i] = 40.0f * ((float)i / n - 0.5f);
        t[i] = (float)(i % 2);
        w[i] = 1;
    }
    const od_focal_params all[] = {{0, 0, 0}, {1, 0.3f, 1}, {1.5f, 0.25f, 1}, {2, 0.25f, 1}, {2, 0, 0}, {3.3f, 0.4f, 1}, {0.5f, 0.9f, 1}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        od_loss_sigmoid_focal(&all[k], n, x, t, w, 2, losses, grad);
        double worst = 0, worst_slope = 0, bound = all[k].gamma == 3.3f ? 2e-5 : 4e-6; /* q^gamma by log and exp: as much as gamma ln q rounds */
        for (int i = 0; i < n; i++) {
            double slope, loss = focal_double(&all[k], (double)x[i], (double)t[i], &slope);
            worst = fmax(worst, relative_error((double)losses[i], loss, 1e-30));
            worst_slope = fmax(worst_slope, relative_error((double)grad[i], 2 * slope, 1e-30));
        }
        print_message("gamma %g: loss %.2g, gradient %.2g\n", (double)all[k].gamma, worst, worst_slope);
        assert_true(worst < (all[k].gamma == 2 || all[k].gamma == 1.5f ? 1e-6 : bound) && worst_slope < bound);
    }
}

static void test_gradients_are_derivatives(void **state)
{
    (void)state;
    enum { n = 12 };
    float x[n], t[n], w[n], grad[n], soft[n];
    fill_uniform(x, n, 1, -3, 3);
    fill_uniform(t, n, 2, 0, 1);
    fill_uniform(w, n, 3, 0.5f, 2);
    for (int i = 0; i < n; i += 3) {
        float sum = t[i] + t[i + 1] + t[i + 2];
        for (int k = 0; k < 3; k++) soft[i + k] = t[i + k] / sum;
    }
    const od_focal_params focal = {1.5f, 0.25f, 1};
    for (int kind = 0; kind < 6; kind++)
        for (int i = 0; i < n; i++) {
            double side[2];
            float kept = x[i];
            for (int s = 0; s < 3; s++) {
                x[i] = s < 2 ? kept + (s ? 1e-2f : -1e-2f) : kept;
                float *g = s < 2 ? NULL : grad;
                double sum = kind == 0   ? od_loss_sigmoid_focal(&focal, n, x, t, w, 1, NULL, g)
                             : kind == 1 ? od_loss_sigmoid(n, x, t, w, 1, NULL, g)
                             : kind == 2 ? od_loss_softmax(n / 3, 3, 1.5f, x, soft, w, 1, NULL, g)
                             : kind == 3 ? od_loss_huber(10, n, x, t, w, 1, NULL, g)
                             : kind == 4 ? od_loss_l1(n, x, t, w, 1, NULL, g)
                                         : od_loss_l2(n, x, t, w, 1, NULL, g);
                if (s < 2) side[s] = sum;
            }
            double slope = (side[1] - side[0]) / 2e-2;
            if (fabs(slope - (double)grad[i]) > 1e-3) fail_msg("kind %d, element %d: slope %g, gradient %g", kind, i, slope, (double)grad[i]);
        }
}

static void test_not_a_number(void **state)
{
    (void)state;
    const float x[3] = {0, NAN, 1}, t[3] = {1, 0, 0}, w[3] = {1, 1, 1};
    float losses[3], grad[3];
    for (int k = 0; k < 4; k++) {
        const od_focal_params p = {(float[]){0, 1.5f, 2, 0.7f}[k], 0.25f, 1};
        assert_true(isnan(od_loss_sigmoid_focal(&p, 3, x, t, w, 1, losses, grad)));
        assert_true(isnan(losses[1]) && isnan(grad[1]) && isfinite(losses[0] + losses[2] + grad[0] + grad[2]));
    }
    assert_true(isnan(od_loss_softmax(1, 3, 1, x, t, w, 1, losses, grad)) && isnan(grad[0]));
    assert_true(isnan(od_loss_huber(1, 3, x, t, w, 1, losses, grad)) && isnan(grad[1]) && isfinite(grad[0]));
    assert_true(isnan(od_loss_l1(3, x, t, w, 1, losses, grad)) && isnan(grad[1]) && isfinite(grad[0]));
    assert_true(isnan(od_loss_l2(3, x, t, w, 1, losses, grad)) && isnan(grad[1]) && isfinite(grad[0]));
    const od_focal_params p = {2, 0.25f, 1};
    const float huge[2] = {3e38f, -3e38f}, zero[2] = {0, 0};
    assert_true(isfinite(od_loss_sigmoid_focal(&p, 2, huge, zero, w, 1, losses, grad)));
    assert_true(od_loss_sigmoid_focal(&p, 0, huge, zero, w, 1, losses, grad) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_focal_equals_the_od_api), cmocka_unit_test(test_softmax_equals_the_od_api), cmocka_unit_test(test_box_losses_equal_the_od_api),
        cmocka_unit_test(test_focal_equals_libm), cmocka_unit_test(test_gradients_are_derivatives), cmocka_unit_test(test_not_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
