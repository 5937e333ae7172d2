/* SPDX-License-Identifier: Apache-2.0 */
#include "train/optimizer.h"

#include "train/learning_rate.h"

#include <math.h>

od_status od_optimizer_init(od_optimizer *o, const od_config *config, int threads, od_error *err)
{
    const ObjectDetection__Protos__TrainConfig *train = od_config_proto(config)->train_config;
    const ObjectDetection__Protos__Optimizer *p = train ? train->optimizer : NULL;
    if (!p) return od_config_error(config, train, "optimizer", err, OD_ERR_CONFIG, "train_config has no optimizer { ... }");
    if (p->optimizer_case != OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_MOMENTUM_OPTIMIZER)
        return od_config_error(config, p, NULL, err, OD_ERR_UNSUPPORTED, "only momentum_optimizer is supported yet");
    if (p->use_moving_average)
        return od_config_error(config, p, "use_moving_average", err, OD_ERR_UNSUPPORTED,
                               "use_moving_average is true (its default) and not supported; write use_moving_average: false");
    OD_TRY(od_learning_rate_check(config, p, err));
    *o = (od_optimizer){.schedule = od_learning_rate_of(p),
                        .momentum = p->momentum_optimizer->momentum_optimizer_value,
                        .clip_norm = train->gradient_clipping_by_norm,
                        .kernels = od_kernels_get(),
                        .threads = threads};
    return OD_OK;
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

double od_optimizer_step(const od_optimizer *o, od_variables *vars, int64_t step)
{
    double norm = gradient_norm(o, vars);
    if (!isfinite(norm)) return norm;
    float rate = od_learning_rate_at(o->schedule, step), scale = 1;
    if (o->clip_norm > 0 && norm > o->clip_norm) scale = (float)(o->clip_norm / norm);
    int64_t n = (int64_t)vars->count;
#pragma omp parallel for schedule(dynamic, 4) num_threads(o->threads)
    for (int64_t i = 0; i < n; i++) {
        const od_variable *v = &vars->items[i];
        if (v->trainable)
            o->kernels->momentum_update(v->size, vars->value + v->offset, vars->slot + v->offset, vars->grad + v->offset, rate, o->momentum, scale);
    }
    vars->version++;
    return norm;
}
