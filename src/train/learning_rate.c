/* SPDX-License-Identifier: Apache-2.0 */
#include "train/learning_rate.h"

#include "config/check_schedule.h"

#include <math.h>

typedef ObjectDetection__Protos__LearningRate schedule_proto;
typedef ObjectDetection__Protos__ExponentialDecayLearningRate exponential_proto;
typedef ObjectDetection__Protos__ManualStepLearningRate manual_proto;
typedef ObjectDetection__Protos__CosineDecayLearningRate cosine_proto;

const schedule_proto *od_learning_rate_of(const ObjectDetection__Protos__Optimizer *optimizer)
{
    return optimizer ? od_config_learning_rate(optimizer) : NULL;
}

od_status od_learning_rate_check(const od_config *config, const ObjectDetection__Protos__Optimizer *optimizer, od_error *err)
{
    od_problems problems = {0};
    od_check check = {.config = config, .problems = &problems};
    od_check_learning_rate(&check, optimizer);
    od_status status = problems.errors || problems.failed ? od_problems_to_error(&problems, OD_ERR_CONFIG, err) : OD_OK;
    od_problems_deinit(&problems);
    return status;
}

/* tf.compat.v1.train.exponential_decay in float32, behind a burn-in at a fixed rate (0: the initial one). */
static float exponential_at(const exponential_proto *e, int64_t step)
{
    float rate = e->burnin_learning_rate == 0 ? e->initial_learning_rate : e->burnin_learning_rate;
    if (step >= (int64_t)e->burnin_steps) {
        float power = (float)(step - (int64_t)e->burnin_steps) / (float)e->decay_steps;
        if (e->staircase) power = floorf(power);
        rate = e->initial_learning_rate * (float)pow(e->decay_factor, power);
    }
    return rate > e->min_learning_rate ? rate : e->min_learning_rate;
}

/* The rate of the last boundary that has been reached; with a warmup the first boundary is approached linearly. */
static float manual_at(const manual_proto *m, int64_t step)
{
    float rate = m->initial_learning_rate;
    if (m->warmup && m->n_schedule && step < (int64_t)m->schedule[0]->step) {
        double slope = ((double)m->schedule[0]->learning_rate - rate) / m->schedule[0]->step;
        return (float)(rate + slope * (double)step);
    }
    for (size_t i = 0; i < m->n_schedule && step >= (int64_t)m->schedule[i]->step; i++) rate = m->schedule[i]->learning_rate;
    return rate;
}

/* Loshchilov & Hutter's cosine after a linear warmup and an optional plateau; 0 beyond total_steps. */
static float cosine_at(const cosine_proto *c, int64_t step)
{
    int64_t warmup = c->warmup_steps, hold = c->hold_base_rate_steps, total = c->total_steps;
    if (step > total) return 0;
    if (step < warmup) {
        double slope = ((double)c->learning_rate_base - c->warmup_learning_rate) / (double)warmup;
        return (float)slope * (float)step + c->warmup_learning_rate;
    }
    /* The last condition: warmup_steps == total_steps, where the OD API divides 0 by 0 at that one step. */
    if ((hold > 0 && step <= warmup + hold) || total == warmup + hold) return c->learning_rate_base;
    float angle = (float)M_PI * ((float)step - (float)warmup - (float)hold) / (float)(total - warmup - hold);
    return 0.5f * c->learning_rate_base * (1 + (float)cos(angle));
}

float od_learning_rate_at(const schedule_proto *schedule, int64_t step)
{
    switch (schedule->learning_rate_case) {
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_CONSTANT_LEARNING_RATE:
        return schedule->constant_learning_rate->learning_rate;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_EXPONENTIAL_DECAY_LEARNING_RATE:
        return exponential_at(schedule->exponential_decay_learning_rate, step);
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_MANUAL_STEP_LEARNING_RATE:
        return manual_at(schedule->manual_step_learning_rate, step);
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_COSINE_DECAY_LEARNING_RATE:
        return cosine_at(schedule->cosine_decay_learning_rate, step);
    default: return NAN; /* od_learning_rate_check refuses it */
    }
}
