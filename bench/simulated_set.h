/* SPDX-License-Identifier: Apache-2.0
 *
 * Test sets of the simulated detector, for the programs that ask how often intervals cover the truth.
 */
#ifndef OD_BENCH_SIMULATED_SET_H
#define OD_BENCH_SIMULATED_SET_H

#include "eval/coco_eval.h"
#include "simulated_detector.h"
#include "util/alloc.h"

#include <stdio.h>
#include <stdlib.h>

/* Evaluated and run. Sets of one `stream` have the same truths; a detector of another skill errs with random numbers of its own. Exits
 * on failure. */
static inline od_coco_eval *sim_set(const simulated_detector *detector, int patients, uint64_t stream, double skill)
{
    od_coco_eval *e = NULL;
    od_rng patients_rng, rng;
    simulated_detector d = *detector;
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

#endif
