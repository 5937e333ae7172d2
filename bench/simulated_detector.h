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

enum { SIM_CLASSES = 3 };

typedef struct simulated_detector {
    double objects;         /* mean number an image; an image may have none */
    double images;          /* mean number a patient, at least 1 */
    double cluster_effect;  /* 0: a patient's images are independent; 1: strongly alike */
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

static inline int sim_class(od_rng *rng)
{
    double u = od_rng_uniform(rng);
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

/* One object and what is detected of it. `ability`: the detector's for this patient. */
static inline od_status sim_object(od_rng *rng, double ability, od_coco_eval *e, int64_t image)
{
    double box[4], found[4];
    int k = sim_class(rng);
    sim_box(rng, box);
    double size = log(box[2] * box[3]) / 2 - 4;
    od_status status = od_coco_eval_add_truth(e, image, k, box, -1, 0, NULL);
    int times = od_rng_uniform(rng) < sim_logistic(1.2 + .5 * size + ability) ? 1 + (od_rng_uniform(rng) < .12) : 0;
    for (; times > 0 && status == OD_OK; times--) {
        double sigma = .07 * exp(.5 * od_rng_normal(rng) - .35 * ability);
        int as = od_rng_uniform(rng) < .94 ? k : sim_class(rng);
        sim_shift(rng, sigma, box, found);
        status = od_coco_eval_add_detection(e, image, as, found,
                                            sim_logistic(.6 + .8 * ability + .9 * od_rng_normal(rng) - 5 * sigma), NULL);
    }
    return status;
}

static inline od_status sim_image(const simulated_detector *d, od_rng *rng, double effect, od_coco_eval *e, int64_t image)
{
    double ability = d->skill + effect + .4 * od_rng_normal(rng), box[4];
    od_status status = OD_OK;
    for (int n = sim_poisson(rng, d->objects); n > 0 && status == OD_OK; n--) status = sim_object(rng, ability, e, image);
    for (int n = sim_poisson(rng, 1.5 * exp(-.4 * ability)); n > 0 && status == OD_OK; n--) {
        sim_box(rng, box);
        status = od_coco_eval_add_detection(e, image, sim_class(rng), box,
                                            sim_logistic(-1.3 + .9 * od_rng_normal(rng)), NULL);
    }
    return status;
}

#endif
