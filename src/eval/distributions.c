/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/distributions.h"

#include <math.h>

double od_normal_cdf(double z)
{
    return .5 * erfc(-z * M_SQRT1_2);
}

/* Halving from a bracket until doubles run out; the functions are monotone and cheap, and each is called a few times. */
typedef double (*cdf)(double x, const double *parameters);

static double invert(cdf f, const double *parameters, double p, double low, double high)
{
    for (int i = 0; i < 200; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (f(middle, parameters) < p)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}

/* log of the upper tail is kept by working on the lower half only. */
static double normal_below(double z, const double *unused)
{
    (void)unused;
    return od_normal_cdf(z);
}

double od_normal_quantile(double p)
{
    if (p <= 0) return -HUGE_VAL;
    if (p >= 1) return HUGE_VAL;
    if (p > .5) return -invert(normal_below, 0, 1 - p, -40, 0);
    return invert(normal_below, 0, p, -40, 0);
}

/* The continued fraction 26.5.8 of Abramowitz and Stegun by Lentz's method. */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < tiny) d = tiny;
    d = 1 / d;
    double h = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int i = 0; i < 2; i++) {
            double term = i ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            if (fabs(d) < tiny) d = tiny;
            if (fabs(c) < tiny) c = tiny;
            d = 1 / d;
            h *= d * c;
        }
        if (fabs(d * c - 1) < 1e-16) break;
    }
    return h;
}

double od_beta_cdf(double x, double a, double b)
{
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

static double beta_below(double x, const double *ab)
{
    return od_beta_cdf(x, ab[0], ab[1]);
}

double od_beta_quantile(double p, double a, double b)
{
    if (p <= 0) return 0;
    if (p >= 1) return 1;
    return invert(beta_below, (double[]){a, b}, p, 0, 1);
}

/* P(T <= -t) = I_{df / (df + t²)}(df / 2, 1 / 2) / 2 */
double od_student_quantile(double p, double df)
{
    if (p <= 0) return -HUGE_VAL;
    if (p >= 1) return HUGE_VAL;
    if (p > .5) return -od_student_quantile(1 - p, df);
    double x = od_beta_quantile(2 * p, df / 2, .5);
    return -sqrt(df * (1 - x) / x);
}

double od_student_two_sided(double t, double df)
{
    return od_beta_cdf(df / (df + t * t), df / 2, .5);
}
