/* SPDX-License-Identifier: Apache-2.0
 *
 * How often the intervals of figures besides COCO's cover the truth: bench_coverage_figures PATIENTS SIMULATIONS [IMAGES [OBJECTS [SKILL]]]
 *
 * Whole images (Wilson, MOVER, DeLong, resampled, and their cluster versions), FROC, JAFROC, false detections on null images, LRP, the
 * costs of TIDE's kinds. The truth is the figure on 100 times as many patients, the mean of four such sets. IMAGES: mean number a
 * patient; above 1 patients are the units. Prints the share of simulations whose nominal 95 % interval holds the truth, how often the truth
 * lay below and above it, and how often there was no interval. Environment: RESAMPLES (1000); FIRST (0): the first simulation's number.
 */
#include "objdet/detection_errors.h"
#include "objdet/image_level.h"
#include "objdet/localisation.h"
#include "simulated_set.h"

#include <string.h>

enum { MAX_FIGURES = 96, TRUTH_SETS = 4 };

typedef struct figure {
    char name[48];
    od_interval interval;
} figure;

typedef struct figures {
    figure items[MAX_FIGURES];
    size_t count;
} figures;

typedef struct settings {
    simulated_detector detector;
    int patients, simulations;
    int64_t resamples;
    uint64_t first; /* simulation to begin with: others than a method was tuned on */
} settings;

static void put(figures *f, const char *what, const char *name, const od_interval *i)
{
    if (f->count == MAX_FIGURES) return;
    figure *at = &f->items[f->count++];
    snprintf(at->name, sizeof at->name, "%s %s", what, name);
    at->interval = *i;
}

static void put_binary(figures *f, const char *what, const od_binary_figures *b)
{
    put(f, what, "accuracy", &b->accuracy);
    put(f, what, "balanced accuracy", &b->balanced_accuracy);
    put(f, what, "sensitivity", &b->sensitivity);
    put(f, what, "specificity", &b->specificity);
    put(f, what, "PPV", &b->ppv);
    put(f, what, "NPV", &b->npv);
    put(f, what, "F1", &b->f1);
    put(f, what, "MCC", &b->mcc);
    put(f, what, "ROC-AUC", &b->roc_auc);
    put(f, what, "PR-AUC", &b->pr_auc);
}

static od_status put_images(figures *f, const od_coco_eval *e, int64_t resamples, uint64_t seed)
{
    od_image_level *l;
    od_image_options o = od_image_options_default();
    o.num_resamples = resamples;
    o.seed = seed;
    o.num_threads = 1;
    OD_TRY(od_image_level_run(&l, e, &o, NULL));
    put_binary(f, "any object:", &l->any);
    put_binary(f, "class 1:", &l->classes[0]);
    put_binary(f, "class 3:", &l->classes[2]);
    put(f, "one answer:", "accuracy", &l->labels.accuracy);
    put(f, "one answer:", "balanced accuracy", &l->labels.balanced_accuracy);
    put(f, "one answer:", "macro F1", &l->labels.macro_f1);
    put(f, "one answer:", "MCC", &l->labels.mcc);
    od_image_level_free(l);
    return OD_OK;
}

static od_status put_localisation(figures *f, const od_coco_eval *e, int64_t resamples, uint64_t seed)
{
    od_localisation_options o = od_localisation_options_default();
    o.num_resamples = resamples;
    o.seed = seed;
    o.num_threads = 1;
    od_froc froc;
    od_jafroc jafroc;
    od_null_images nulls;
    od_lrps lrps;
    OD_TRY(od_froc_compute(&froc, e, -1, &o, NULL));
    for (int i = 0; i < OD_FROC_NUM_RATES; i++) {
        char name[32];
        snprintf(name, sizeof name, "at %g", od_froc_rates[i]);
        put(f, "FROC", name, &froc.sensitivity[i]);
    }
    put(f, "FROC", "mean", &froc.mean);
    od_froc_deinit(&froc);
    OD_TRY(od_jafroc_compute(&jafroc, e, -1, &o, NULL));
    put(f, "JAFROC", "jafroc", &jafroc.jafroc);
    put(f, "JAFROC", "jafroc1", &jafroc.jafroc1);
    put(f, "JAFROC", "wafroc", &jafroc.wafroc);
    put(f, "JAFROC", "wafroc1", &jafroc.wafroc1);
    OD_TRY(od_null_images_compute(&nulls, e, -1, &o, NULL));
    put(f, "null images:", "false an image", &nulls.of[OD_IMAGES_NULL].false_per_image);
    put(f, "null images:", "with false ones", &nulls.of[OD_IMAGES_NULL].images_with_false);
    od_null_images_deinit(&nulls);
    OD_TRY(od_lrp_compute(&lrps, e, &o, NULL));
    put(f, "LRP", "mean", &lrps.mean.lrp);
    put(f, "LRP", "together", &lrps.together.lrp);
    put(f, "LRP", "class 1", &lrps.classes[0].lrp);
    put(f, "LRP", "class 3", &lrps.classes[2].lrp);
    od_lrps_deinit(&lrps);
    od_tide tide;
    od_tide_options t = od_tide_options_default();
    t.num_resamples = 40; /* the jackknife and the splits make the interval */
    t.seed = seed;
    t.num_threads = 1;
    OD_TRY(od_tide_compute(&tide, e, &t, NULL));
    for (int k = 0; k < OD_FAILURE_NUM_KINDS; k++) put(f, "TIDE", od_failure_kind_name((od_failure_kind)k), &tide.cost_interval[k]);
    put(f, "TIDE", "false positives", &tide.false_positive_interval);
    put(f, "TIDE", "false negatives", &tide.false_negative_interval);
    return OD_OK;
}

static od_status put_all(figures *f, const od_coco_eval *e, int64_t resamples, uint64_t seed)
{
    f->count = 0;
    OD_TRY(put_images(f, e, resamples, seed));
    return put_localisation(f, e, resamples, seed);
}

static void must(od_status status)
{
    if (status == OD_OK) return;
    fprintf(stderr, "failed: %s\n", od_status_text(status));
    exit(1);
}

typedef struct tally {
    double truth, width;
    long n, none, below, above;
} tally;

/* A figure's mean over the sets. */
static void find_truth(const settings *s, tally *tallies)
{
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < TRUTH_SETS; i++) {
        figures f;
        od_coco_eval *e = sim_set(&s->detector, 100 * s->patients, UINT64_MAX - (uint64_t)i, 0);
        must(put_all(&f, e, 40, 1));
#pragma omp critical
        for (size_t k = 0; k < f.count; k++) tallies[k].truth += f.items[k].interval.value / TRUTH_SETS;
        od_coco_eval_free(e);
    }
}

static void count(tally *t, const od_interval *i)
{
    if (isnan(i->value) || isnan(i->low)) {
        t->none++;
        return;
    }
    t->n++;
    t->below += t->truth < i->low;
    t->above += t->truth > i->high;
    t->width += i->high - i->low;
}

static figures run(const settings *s, tally *tallies)
{
    figures names = {.count = 0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < s->simulations; i++) {
        figures f;
        od_coco_eval *e = sim_set(&s->detector, s->patients, 1 + s->first + (uint64_t)i, 0);
        must(put_all(&f, e, s->resamples, (uint64_t)i));
        od_coco_eval_free(e);
#pragma omp critical
        {
            for (size_t k = 0; k < f.count; k++) count(&tallies[k], &f.items[k].interval);
            if (f.count > names.count) names = f;
        }
    }
    return names;
}

static void print(const figures *names, const tally *tallies)
{
    printf("%-32s %7s %7s  95 %% covers (truth below-above)  none  method\n", "figure", "truth", "width");
    for (size_t k = 0; k < names->count; k++) {
        const tally *t = &tallies[k];
        double n = (double)t->n / 100, below = (double)t->below / n, above = (double)t->above / n;
        const char *method = names->items[k].interval.method;
        printf("%-32s %7.3f %7.3f  %5.1f (%4.1f-%4.1f) %21ld  %s\n", names->items[k].name, t->truth, t->width / (double)t->n, 100 - below - above, below, above,
               t->none, method ? method : "");
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s PATIENTS SIMULATIONS [IMAGES [OBJECTS [SKILL]]]\n", argv[0]);
        return 2;
    }
    settings s = {.patients = atoi(argv[1]), .simulations = atoi(argv[2])};
    s.detector = (simulated_detector){.images = argc > 3 ? atof(argv[3]) : 1, .classes = 3, .objects = argc > 4 ? atof(argv[4]) : 1.5,
                                      .skill = argc > 5 ? atof(argv[5]) : 1, .cluster_effect = .8};
    s.resamples = getenv("RESAMPLES") ? atol(getenv("RESAMPLES")) : 1000;
    s.first = getenv("FIRST") ? strtoull(getenv("FIRST"), NULL, 10) : 0;
    tally *tallies = calloc(MAX_FIGURES, sizeof *tallies);
    find_truth(&s, tallies);
    figures names = run(&s, tallies);
    print(&names, tallies);
    free(tallies);
    return 0;
}
