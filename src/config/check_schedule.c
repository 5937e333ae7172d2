/* SPDX-License-Identifier: Apache-2.0 */
#include "config/check_schedule.h"

#include <stdio.h>

typedef ObjectDetection__Protos__LearningRate schedule_proto;

const schedule_proto *od_config_learning_rate(const ObjectDetection__Protos__Optimizer *optimizer)
{
    switch (optimizer->optimizer_case) {
    case OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_RMS_PROP_OPTIMIZER: return optimizer->rms_prop_optimizer->learning_rate;
    case OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_MOMENTUM_OPTIMIZER: return optimizer->momentum_optimizer->learning_rate;
    case OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_ADAM_OPTIMIZER: return optimizer->adam_optimizer->learning_rate;
    default: return NULL;
    }
}

static const void *chosen_optimizer(const ObjectDetection__Protos__Optimizer *optimizer)
{
    switch (optimizer->optimizer_case) {
    case OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_RMS_PROP_OPTIMIZER: return optimizer->rms_prop_optimizer;
    case OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_MOMENTUM_OPTIMIZER: return optimizer->momentum_optimizer;
    case OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_ADAM_OPTIMIZER: return optimizer->adam_optimizer;
    default: return NULL;
    }
}

static unsigned num_steps(const od_check *check)
{
    const ObjectDetection__Protos__TrainConfig *train = od_config_proto(check->config)->train_config;
    return train ? train->num_steps : 0;
}

static void check_exponential(od_check *check, const ObjectDetection__Protos__ExponentialDecayLearningRate *e)
{
    if (!e->decay_steps) od_check_add(check, OD_CONFIG_ERROR, e, "decay_steps", "at least 1", NULL, "must not be 0");
    if (!(e->decay_factor > 0) || e->decay_factor > 1)
        od_check_add(check, OD_CONFIG_WARNING, e, "decay_factor", "more than 0, at most 1", NULL, "the rate would not decay");
    if (num_steps(check) && e->burnin_steps >= num_steps(check))
        od_check_add(check, OD_CONFIG_WARNING, e, "burnin_steps", "less than train_config.num_steps", "make it a small part of num_steps",
                     "the burn-in lasts longer than the %u steps of the training", num_steps(check));
}

static void check_manual(od_check *check, const ObjectDetection__Protos__ManualStepLearningRate *m)
{
    if (!m->n_schedule)
        od_check_missing(check, m, "schedule", "add schedule { step: N learning_rate: X }");
    for (size_t i = 0; i < m->n_schedule; i++) {
        const ObjectDetection__Protos__ManualStepLearningRate__LearningRateSchedule *s = m->schedule[i];
        if (i == 0 && !s->step)
            od_check_add(check, OD_CONFIG_ERROR, s, "step", "at least 1", "put the rate of step 0 into initial_learning_rate",
                         "the first step cannot be 0");
        else if (i && s->step <= m->schedule[i - 1]->step)
            od_check_add(check, OD_CONFIG_ERROR, s, "step", "steps in ascending order", NULL, "must be greater than the step before (%u)",
                         m->schedule[i - 1]->step);
        if (num_steps(check) && s->step >= num_steps(check))
            od_check_add(check, OD_CONFIG_WARNING, s, "step", "less than train_config.num_steps", "scale the steps to num_steps",
                         "is never reached: the training has %u steps", num_steps(check));
    }
}

static void check_cosine(od_check *check, const ObjectDetection__Protos__CosineDecayLearningRate *c)
{
    char text[96];
    unsigned steps = num_steps(check);
    if (c->warmup_steps > c->total_steps) {
        snprintf(text, sizeof text, "at most total_steps (%u)", c->total_steps);
        od_check_add(check, OD_CONFIG_ERROR, c, "warmup_steps", text, c->has_warmup_steps ? NULL : "set warmup_steps (its default is 10000)",
                     "%u warmup steps are more than the %u steps of the schedule", c->warmup_steps, c->total_steps);
    } else if ((uint64_t)c->warmup_steps + c->hold_base_rate_steps > c->total_steps) {
        od_check_add(check, OD_CONFIG_WARNING, c, "hold_base_rate_steps", "warmup_steps + hold_base_rate_steps <= total_steps", NULL,
                     "the schedule ends before it decays");
    }
    if (c->warmup_steps && c->warmup_learning_rate > c->learning_rate_base)
        od_check_add(check, OD_CONFIG_ERROR, c, "warmup_learning_rate", "at most learning_rate_base",
                     "give a warmup_learning_rate of a third of learning_rate_base",
                     "the warmup would start at %g, above learning_rate_base %g", c->warmup_learning_rate, c->learning_rate_base);
    if (!steps || steps == c->total_steps) return;
    snprintf(text, sizeof text, "total_steps: %u", steps);
    if (steps > c->total_steps)
        od_check_add(check, OD_CONFIG_WARNING, c, "total_steps", "train_config.num_steps", text,
                     "the learning rate is 0 after step %u, but the training has %u steps", c->total_steps, steps);
    else
        od_check_add(check, OD_CONFIG_WARNING, c, "total_steps", "train_config.num_steps", text,
                     "the training stops after %u steps, before the schedule of %u steps has come down", steps, c->total_steps);
}

static void check_schedule(od_check *check, const void *optimizer, const schedule_proto *s)
{
    switch (s->learning_rate_case) {
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_CONSTANT_LEARNING_RATE: break;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_EXPONENTIAL_DECAY_LEARNING_RATE:
        check_exponential(check, s->exponential_decay_learning_rate);
        break;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_MANUAL_STEP_LEARNING_RATE:
        check_manual(check, s->manual_step_learning_rate);
        break;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_COSINE_DECAY_LEARNING_RATE:
        check_cosine(check, s->cosine_decay_learning_rate);
        break;
    default:
        od_check_missing(check, optimizer, "learning_rate", "add learning_rate { cosine_decay_learning_rate { ... } }");
    }
}

void od_check_learning_rate(od_check *check, const ObjectDetection__Protos__Optimizer *optimizer)
{
    const ObjectDetection__Protos__TrainConfig *train = od_config_proto(check->config)->train_config;
    const void *chosen = optimizer ? chosen_optimizer(optimizer) : NULL;
    if (!chosen) {
        od_check_missing(check, optimizer ? (const void *)optimizer : train ? (const void *)train : od_config_proto(check->config),
                         optimizer ? "momentum_optimizer" : "optimizer", "add optimizer { momentum_optimizer { learning_rate { ... } } }");
        return;
    }
    const schedule_proto *schedule = od_config_learning_rate(optimizer);
    if (schedule)
        check_schedule(check, chosen, schedule);
    else
        od_check_missing(check, chosen, "learning_rate", "add learning_rate { cosine_decay_learning_rate { ... } }");
}
