/* SPDX-License-Identifier: Apache-2.0
 *
 * How often intervals cover the truth: bench_coverage KIND PATIENTS SIMULATIONS [IMAGES [CLASSES [OBJECTS [SKILL]]]]
 *
 * KIND coco: COCO's numbers of all classes and of each, by every method. The truth is the same simulated detector on 100
 * times as many patients (the mean of eight such sets). KIND difference: of two detectors on the same images. IMAGES: mean number a patient; with 1
 * images are independent, with more the patients are the units. Prints the share of simulations whose nominal 95 %
 * interval holds the truth, and how often the truth lay below and above it. Environment: RESAMPLES (1000); FIRST (0): the first
 * simulation's number.
 */
#include "eval/resample_coco.h"
#include "objdet/bootstrap.h"
#include "simulated_set.h"

#include <string.h>

typedef struct settings {
    simulated_detector detector;
    int difference, patients, simulations;
    int64_t resamples;
    uint64_t first; /* simulation to begin with: others than a method was tuned on */
} settings;

typedef struct tally {
    double truth, sum, excess;
    long n, below, above;
    double width;
} tally;

static void count(tally *t, const od_interval *i)
{
    if (isnan(i->value) || isnan(i->low)) return;
    t->n++;
    t->sum += i->value;
    t->excess += i->excess;
    t->below += t->truth < i->low;
    t->above += t->truth > i->high;
    t->width += i->high - i->low;
}

static void run_one(const settings *s, int which, tally *tallies, size_t figures)
{
    od_coco_eval *a = sim_set(&s->detector, s->patients, 1 + s->first + (uint64_t)which, 0), *b = NULL;
    od_bootstrap_options options = {s->resamples, .95, (uint64_t)which, OD_BOOTSTRAP_STUDENT, 1};
    od_bootstrap *boot = NULL;
    od_compare *compare = NULL;
    od_status status;
    if (s->difference) {
        b = sim_set(&s->detector, s->patients, 1 + s->first + (uint64_t)which, .3);
        status = od_compare_run(&compare, a, b, &options, NULL);
    } else {
        status = od_bootstrap_run(&boot, a, &options, NULL);
    }
    if (status != OD_OK) exit(1);
#pragma omp critical
    for (size_t f = 0; f < figures; f++) {
        int64_t k = (int64_t)(f / OD_COCO_NUM_STATS) - 1;
        od_coco_stat stat = (od_coco_stat)(f % OD_COCO_NUM_STATS);
        for (int m = 0; m < (s->difference ? 1 : OD_BOOTSTRAP_METHODS); m++) {
            od_interval i;
            if (s->difference)
                i = k < 0 ? od_compare_stat(compare, stat).difference : od_compare_class_stat(compare, k, stat).difference;
            else
                i = od_bootstrap_interval_by(boot, k, stat, (od_bootstrap_method)m);
            count(&tallies[f * OD_BOOTSTRAP_METHODS + (size_t)m], &i);
        }
    }
    od_bootstrap_free(boot);
    od_compare_free(compare);
    od_coco_eval_free(a);
    od_coco_eval_free(b);
}

static void print(const settings *s, const tally *tallies, size_t figures)
{
    printf("%-5s %-9s %6s %7s %7s %22s %22s %22s   95 %% covers (truth below-above)\n", "class", "figure", "truth", "too hi", "est.",
           "bias-corrected t", "BCa", "percentile");
    for (size_t f = 0; f < figures; f++) {
        const tally *t = &tallies[f * OD_BOOTSTRAP_METHODS];
        char name[24] = "all";
        if (f >= OD_COCO_NUM_STATS) snprintf(name, sizeof name, "%zu", f / OD_COCO_NUM_STATS);
        printf("%-5s %-9s %6.3f %7.4f %7.4f", name, od_coco_stat_name((od_coco_stat)(f % OD_COCO_NUM_STATS)), t->truth,
               t->sum / (double)t->n - t->truth, t->excess / (double)t->n);
        for (int m = 0; m < (s->difference ? 1 : OD_BOOTSTRAP_METHODS); m++) {
            double n = (double)t[m].n / 100, below = (double)t[m].below / n, above = (double)t[m].above / n;
            printf("  %5.1f (%4.1f-%4.1f) %.3f", 100 - below - above, below, above, t[m].width / (double)t[m].n);
        }
        printf("\n");
    }
}

/* On 100 times as many patients, and the mean of eight such sets, so that its own error (a tenth of an interval's) is small. */
static void find_truth(const settings *s, tally *tallies, size_t figures)
{
    enum { SETS = 8 };
    double *sums = calloc(figures, sizeof *sums);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < SETS; i++) {
        od_coco_eval *a = sim_set(&s->detector, 100 * s->patients, UINT64_MAX - (uint64_t)i, 0), *b = NULL;
        if (s->difference) b = sim_set(&s->detector, 100 * s->patients, UINT64_MAX - (uint64_t)i, .3);
#pragma omp critical
        for (size_t f = 0; f < figures; f++) sums[f] += (b ? od_coco_figure(b, f) : 0) - (b ? 1 : -1) * od_coco_figure(a, f);
        od_coco_eval_free(a);
        od_coco_eval_free(b);
    }
    for (size_t f = 0; f < figures * OD_BOOTSTRAP_METHODS; f++) tallies[f].truth = sums[f / OD_BOOTSTRAP_METHODS] / SETS;
    free(sums);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s coco|difference PATIENTS SIMULATIONS [IMAGES [CLASSES [OBJECTS [SKILL]]]]\n", argv[0]);
        return 2;
    }
    settings s = {.difference = !strcmp(argv[1], "difference"), .patients = atoi(argv[2]), .simulations = atoi(argv[3])};
    s.detector = (simulated_detector){.images = argc > 4 ? atof(argv[4]) : 1,
                                      .classes = argc > 5 ? atoi(argv[5]) : 3,
                                      .objects = argc > 6 ? atof(argv[6]) : 1.5,
                                      .skill = argc > 7 ? atof(argv[7]) : 1,
                                      .cluster_effect = .8};
    s.resamples = getenv("RESAMPLES") ? atol(getenv("RESAMPLES")) : 1000;
    s.first = getenv("FIRST") ? strtoull(getenv("FIRST"), NULL, 10) : 0;
    size_t figures = OD_COCO_NUM_STATS * (1 + (size_t)s.detector.classes);
    tally *tallies = calloc(figures * OD_BOOTSTRAP_METHODS, sizeof *tallies);
    find_truth(&s, tallies, figures);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < s.simulations; i++) run_one(&s, i, tallies, figures);
    print(&s, tallies, figures);
    free(tallies);
    return 0;
}
