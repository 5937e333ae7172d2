/* SPDX-License-Identifier: Apache-2.0 */
#include "train/optimizer.h"

#include "train/learning_rate.h"

#include <math.h>

#define OPTIMIZER(name) OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_##name

/* Keras' defaults, which the OD API leaves. */
static const float adam_beta1 = .9f, adam_beta2 = .999f, rms_rho = .9f;

static od_status read_kind(od_optimizer *o, const od_config *config, const ObjectDetection__Protos__Optimizer *p,
                           od_error *err)
{
    switch (p->optimizer_case) {
    case OPTIMIZER(MOMENTUM_OPTIMIZER):
        o->kind = OD_OPTIMIZER_MOMENTUM;
        o->momentum = p->momentum_optimizer->momentum_optimizer_value;
        return OD_OK;
    case OPTIMIZER(ADAM_OPTIMIZER):
        o->kind = OD_OPTIMIZER_ADAM;
        o->epsilon = p->adam_optimizer->epsilon;
        return OD_OK;
    case OPTIMIZER(RMS_PROP_OPTIMIZER):
        o->kind = OD_OPTIMIZER_RMS_PROP;
        o->momentum = p->rms_prop_optimizer->momentum_optimizer_value;
        o->epsilon = p->rms_prop_optimizer->epsilon;
        o->rate_decay = p->rms_prop_optimizer->decay;
        return OD_OK;
    default:
        return od_config_error(
            config, p, NULL, err, OD_ERR_CONFIG,
            "optimizer names none; expected momentum_optimizer, adam_optimizer or rms_prop_optimizer");
    }
}

od_status od_optimizer_init(od_optimizer *o, const od_config *config, int threads, od_error *err)
{
    const ObjectDetection__Protos__TrainConfig *train = od_config_proto(config)->train_config;
    const ObjectDetection__Protos__Optimizer *p = train ? train->optimizer : NULL;
    if (!p)
        return od_config_error(config, train, "optimizer", err, OD_ERR_CONFIG, "train_config has no optimizer { ... }");
    od_optimizer made = {
        .clip_norm = train->gradient_clipping_by_norm, .averages = p->use_moving_average,
                         .average_decay = p->moving_average_decay, .kernels = od_kernels_get(), .threads = threads};
    OD_TRY(read_kind(&made, config, p, err));
    OD_TRY(od_learning_rate_check(config, p, err));
    made.schedule = od_learning_rate_of(p);
    *o = made;
    return OD_OK;
}

const char *const *od_optimizer_slots(const od_optimizer *o)
{
    static const char *const momentum[] = {"momentum", NULL}, *const adam[] = {"m", "v", NULL},
                             *const rms[] = {"rms", NULL}, *const rms_momentum[] = {"rms", "momentum", NULL};
    switch (o->kind) {
    case OD_OPTIMIZER_ADAM: return adam;
    case OD_OPTIMIZER_RMS_PROP: return o->momentum > 0 ? rms_momentum : rms;
    default: return momentum;
    }
}

static int base_slots(const od_optimizer *o)
{
    int count = 0;
    while (od_optimizer_slots(o)[count]) count++;
    return count;
}

int od_optimizer_average_slot(const od_optimizer *o)
{
    return o->averages ? base_slots(o) : -1;
}

int od_optimizer_slot_count(const od_optimizer *o)
{
    return base_slots(o) + o->averages;
}

od_status od_optimizer_allocate(const od_optimizer *o, od_variables *vars, od_error *err)
{
    return od_variables_allocate_slots(vars, od_optimizer_slot_count(o), err);
}

int od_optimizer_numbers(const od_optimizer *o, od_optimizer_number *numbers)
{
    int n = 0;
    numbers[n++] = (od_optimizer_number){"decay", o->rate_decay};
    if (o->kind == OD_OPTIMIZER_ADAM) {
        numbers[n++] = (od_optimizer_number){"beta_1", adam_beta1};
        numbers[n++] = (od_optimizer_number){"beta_2", adam_beta2};
        return n;
    }
    numbers[n++] = (od_optimizer_number){"momentum", o->momentum};
    if (o->kind == OD_OPTIMIZER_RMS_PROP) numbers[n++] = (od_optimizer_number){"rho", rms_rho};
    return n;
}

static double gradient_norm(const od_optimizer *o, const od_variables *vars)
{
    int64_t n = (int64_t)vars->count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(o->threads)
    for (int64_t i = 0; i < n; i++)
        vars->sums[i] = vars->items[i].trainable ? o->kernels->sum_squares(vars->items[i].size, vars->grad + vars->items[i].offset) : 0;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += vars->sums[i];
    return sqrt(sum);
}

/* tensorflow/core/kernels/training_ops.cc, ApplyAdam: w -= alpha * m / (sqrt(v) + epsilon). */
static void adam_update(int64_t n, float *restrict w, float *restrict m, float *restrict v, const float *restrict g,
                        float alpha, float epsilon, float scale)
{
    for (int64_t i = 0; i < n; i++) {
        float d = scale * g[i];
        m[i] += (d - m[i]) * (1.0f - adam_beta1);
        v[i] += (d * d - v[i]) * (1.0f - adam_beta2);
        w[i] -= alpha * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

/* Keras' RMSprop. With momentum the square root holds epsilon, without it doesn't. */
static void rms_update(int64_t n, float *restrict w, float *restrict rms, float *restrict speed,
                       const float *restrict g, float rate, float momentum, float epsilon, float scale)
{
    for (int64_t i = 0; i < n; i++) {
        float d = scale * g[i];
        rms[i] += (d * d - rms[i]) * (1.0f - rms_rho);
        if (!speed) {
            w[i] -= rate * d / (sqrtf(rms[i]) + epsilon);
            continue;
        }
        speed[i] = momentum * speed[i] + rate * d / sqrtf(rms[i] + epsilon);
        w[i] -= speed[i];
    }
}

/* Adam's rate with the correction for the averages' start at zero, in double: beta2^t is near 1. */
static float adam_rate(float rate, int64_t step)
{
    double t = (double)step + 1;
    return (float)((double)rate * sqrt(1 - pow((double)adam_beta2, t)) / (1 - pow((double)adam_beta1, t)));
}

/* average -= (1 - d) (average - w), where d grows with the number t of updates up to the decay. */
static void update_average(int64_t n, const float *restrict w, float *restrict average, float rest)
{
    for (int64_t i = 0; i < n; i++) average[i] -= rest * (average[i] - w[i]);
}

static float average_rest(const od_optimizer *o, int64_t step)
{
    float t = (float)(step + 1), decay = (1.0f + t) / (10.0f + t);
    return 1.0f - (decay < o->average_decay ? decay : o->average_decay);
}

double od_optimizer_step(const od_optimizer *o, od_variables *vars, int64_t step)
{
    double norm = gradient_norm(o, vars);
    if (!isfinite(norm)) return norm;
    float rate = od_learning_rate_at(o->schedule, step), scale = 1;
    if (o->clip_norm > 0 && norm > o->clip_norm) scale = (float)(o->clip_norm / norm);
    if (o->kind == OD_OPTIMIZER_ADAM) rate = adam_rate(rate, step);
    if (o->rate_decay > 0) rate /= 1.0f + o->rate_decay * (float)step;
    int64_t n = (int64_t)vars->count;
    int average = od_optimizer_average_slot(o);
    float rest = average_rest(o, step);
#pragma omp parallel for schedule(dynamic, 4) num_threads(o->threads)
    for (int64_t i = 0; i < n; i++) {
        const od_variable *v = &vars->items[i];
        if (!v->trainable) continue;
        float *w = vars->value + v->offset, *g = vars->grad + v->offset, *first = vars->slot[0] + v->offset;
        float *second = vars->slot[1] ? vars->slot[1] + v->offset : NULL;
        switch (o->kind) {
        case OD_OPTIMIZER_MOMENTUM: o->kernels->momentum_update(v->size, w, first, g, rate, o->momentum, scale); break;
        case OD_OPTIMIZER_ADAM: adam_update(v->size, w, first, second, g, rate, o->epsilon, scale); break;
        case OD_OPTIMIZER_RMS_PROP:
            rms_update(v->size, w, first, second, g, rate, o->momentum, o->epsilon, scale);
            break;
        }
        if (average >= 0) update_average(v->size, w, vars->slot[average] + v->offset, rest);
    }
    vars->version++;
    return norm;
}
