/* SPDX-License-Identifier: Apache-2.0
 *
 * A detector whose truth can be known: patients with a few images each, objects of three classes and all sizes, and
 * detections that are found, misplaced, doubled and invented at random, better for some patients than for others. As
 * many patients as wanted can be drawn from it.
 */
#ifndef OD_BENCH_SIMULATED_DETECTOR_H
#define OD_BENCH_SIMULATED_DETECTOR_H

#include "objdet/eval.h"
#include "util/rng.h"

#include <math.h>

typedef struct simulated_detector {
    double objects;         /* mean number an image; an image may have none */
    double images;          /* mean number a patient, at least 1 */
    double cluster_effect;  /* 0: a patient's images are independent; 1: strongly alike */
    int classes;            /* 3: shares .55, .3, .15; more: the first the most frequent, k-th share ~ 1 / sqrt(k) */
    double skill;           /* of finding and placing; 0 moderate, 2 high */
} simulated_detector;

static inline double sim_logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static inline int sim_poisson(od_rng *rng, double mean)
{
    double limit = exp(-mean), product = od_rng_uniform(rng);
    int n = 0;
    for (; product > limit; n++) product *= od_rng_uniform(rng);
    return n;
}

static inline int sim_class(od_rng *rng, int classes)
{
    double u = od_rng_uniform(rng);
    if (classes != 3) return (int)(classes * u * u);
    return u < .55 ? 0 : u < .85 ? 1 : 2;
}

static inline void sim_box(od_rng *rng, double box[4])
{
    double side = exp(2.5 + 2.8 * od_rng_uniform(rng)), aspect = exp(.3 * od_rng_normal(rng));
    box[2] = side * aspect;
    box[3] = side / aspect;
    box[0] = 640 * od_rng_uniform(rng);
    box[1] = 640 * od_rng_uniform(rng);
}

static inline void sim_shift(od_rng *rng, double sigma, const double from[4], double to[4])
{
    for (int i = 0; i < 2; i++) {
        to[i] = from[i] + sigma * from[i + 2] * od_rng_normal(rng);
        to[i + 2] = from[i + 2] * exp(sigma * od_rng_normal(rng));
    }
}

/* What a detector makes of an object. `ability`: its own, for this image. */
static inline od_status sim_detect(const simulated_detector *d, od_rng *rng, double ability, const double box[4], int k,
                                   od_coco_eval *e, int64_t image)
{
    double found[4], size = log(box[2] * box[3]) / 2 - 4;
    od_status status = OD_OK;
    int times = od_rng_uniform(rng) < sim_logistic(1.2 + .5 * size + ability) ? 1 + (od_rng_uniform(rng) < .12) : 0;
    for (; times > 0 && status == OD_OK; times--) {
        double sigma = .07 * exp(.5 * od_rng_normal(rng) - .35 * ability);
        int as = od_rng_uniform(rng) < .94 ? k : sim_class(rng, d->classes);
        sim_shift(rng, sigma, box, found);
        double score = sim_logistic(.6 + .8 * ability + .9 * od_rng_normal(rng) - 5 * sigma);
        status = od_coco_eval_add_detection(e, image, as, found, score, NULL);
    }
    return status;
}

/* An image of a patient for whom the detector is better or worse by `effect`. `rng` draws the objects and how hard the
 * image is; detectors of different `number` see the same ones and err independently. */
static inline od_status sim_image(const simulated_detector *d, od_rng *rng, int number, double effect, od_coco_eval *e,
                                  int64_t image)
{
    double ability = d->skill + effect + .4 * od_rng_normal(rng), box[4];
    od_status status = OD_OK;
    od_rng errors;
    od_rng_init(&errors, od_rng_next(rng), (uint64_t)number);
    for (int n = sim_poisson(rng, d->objects); n > 0 && status == OD_OK; n--) {
        int k = sim_class(rng, d->classes);
        sim_box(rng, box);
        status = od_coco_eval_add_truth(e, image, k, box, -1, 0, NULL);
        if (status == OD_OK) status = sim_detect(d, &errors, ability, box, k, e, image);
    }
    for (int n = sim_poisson(&errors, 1.5 * exp(-.4 * ability)); n > 0 && status == OD_OK; n--) {
        sim_box(&errors, box);
        status = od_coco_eval_add_detection(e, image, sim_class(&errors, d->classes), box,
                                            sim_logistic(-1.3 + .9 * od_rng_normal(&errors)), NULL);
    }
    return status;
}

#endif
