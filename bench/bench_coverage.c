/* SPDX-License-Identifier: Apache-2.0
 *
 * How often intervals cover the truth: bench_coverage KIND PATIENTS SIMULATIONS [IMAGES [CLASSES [OBJECTS [SKILL]]]]
 *
 * KIND coco: COCO's numbers of all classes and of each, by every method. The truth is the same simulated detector on 100
 * times as many patients (the mean of eight such sets). KIND difference: of two detectors on the same images. IMAGES: mean number a patient; with 1
 * images are independent, with more the patients are the units. Prints the share of simulations whose nominal 95 %
 * interval holds the truth, and how often the truth lay below and above it.
 */
#include "eval/resample_coco.h"
#include "objdet/bootstrap.h"
#include "simulated_detector.h"
#include "util/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    simulated_detector detector;
    int difference, patients, simulations;
    int64_t resamples;
} settings;

/* Both detectors see the same truths: the second's stream of random numbers is its own. */
static od_coco_eval *simulate(const settings *s, int patients, uint64_t stream, double skill)
{
    od_coco_eval *e = NULL;
    od_rng patients_rng, rng;
    simulated_detector d = s->detector;
    d.skill += skill;
    od_rng_init(&patients_rng, 1, stream);
    od_status status = od_coco_eval_create(&e, NULL);
    for (int k = 0; k < d.classes && status == OD_OK; k++) status = od_coco_eval_add_class(e, k + 1, NULL, NULL);
    int64_t image = 0, id = 0;
    for (int p = 0; p < patients && status == OD_OK; p++) {
        double effect = d.cluster_effect * od_rng_normal(&patients_rng);
        int n = 1 + sim_poisson(&patients_rng, d.images - 1);
        for (int i = 0; i < n && status == OD_OK; i++) {
            char name[32];
            snprintf(name, sizeof name, "%d", p);
            status = od_coco_eval_add_image(e, ++id, name, &image, NULL);
            if (status == OD_OK && d.images > 1) e->images[image].group = od_strdup(name);
            od_rng_init(&rng, 2 + stream, (uint64_t)id);
            if (status == OD_OK) status = sim_image(&d, &rng, skill != 0, effect, e, image);
        }
    }
    if (status == OD_OK) status = od_coco_eval_run(e, 1, NULL);
    if (status != OD_OK) {
        fprintf(stderr, "simulation failed: %s\n", od_status_text(status));
        exit(1);
    }
    return e;
}

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
    od_coco_eval *a = simulate(s, s->patients, 1 + (uint64_t)which, 0), *b = NULL;
    od_bootstrap_options options = {s->resamples, .95, (uint64_t)which, OD_BOOTSTRAP_STUDENT, 1};
    od_bootstrap *boot = NULL;
    od_compare *compare = NULL;
    od_status status;
    if (s->difference) {
        b = simulate(s, s->patients, 1 + (uint64_t)which, .3);
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
        od_coco_eval *a = simulate(s, 100 * s->patients, UINT64_MAX - (uint64_t)i, 0), *b = NULL;
        if (s->difference) b = simulate(s, 100 * s->patients, UINT64_MAX - (uint64_t)i, .3);
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
    size_t figures = OD_COCO_NUM_STATS * (1 + (size_t)s.detector.classes);
    tally *tallies = calloc(figures * OD_BOOTSTRAP_METHODS, sizeof *tallies);
    find_truth(&s, tallies, figures);
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < s.simulations; i++) run_one(&s, i, tallies, figures);
    print(&s, tallies, figures);
    free(tallies);
    return 0;
}
