/* SPDX-License-Identifier: Apache-2.0
 *
 * The loss over many steps of SGD with momentum .9 on the fixture's images, when the folder has a curve.safetensors
 * (tests/oracle/loss_curve.py): total_loss [steps]; a two-stage detector takes the proposals that stand there.
 */
#include "golden.h"

#include "util/file.h"

#include <math.h>
#include <stdio.h>

static od_status follow(golden_case *c, od_instance *inst, const od_safetensors *curve, const float *want, int64_t steps, od_error *err)
{
    golden_force force;
    golden_force_install(&force, inst);
    double worst = 0;
    char detail[200] = "";
    for (int64_t step = 0; step < steps; step++) {
        od_losses losses;
        golden_force_from(&force, golden_entry(curve, "step%lld/proposals", (long long)step), golden_entry(curve, "step%lld/num_proposals", (long long)step));
        od_instance_set_inputs(inst, (const int32_t(*)[3])c->true_shapes, c->truth);
        od_instance_forward(inst, c->images);
        OD_TRY(od_instance_loss(inst, c->truth, &losses, err));
        od_instance_backward(inst);
        golden_update(c);
        double have = od_losses_get(&losses, "Loss/total_loss"), error = fabs(have - want[step]) / fabs(want[step]);
        if (error <= worst) continue;
        worst = error;
        snprintf(detail, sizeof detail, ": worst at step %lld: %.6g, expected %.6g; from %.4g to %.4g", (long long)step, have, (double)want[step], (double)want[0],
                 (double)want[steps - 1]);
    }
    char what[64];
    snprintf(what, sizeof what, "total loss of %lld steps", (long long)steps);
    golden_report(c, GOLDEN_CURVE, what, worst, detail);
    return OD_OK;
}

od_status golden_check_curve(golden_case *c, od_error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/curve.safetensors", c->dir);
    if (!od_path_exists(path)) return c->curve_only ? od_error_set(err, OD_ERR_IO, "%s: make it with tests/oracle/loss_curve.py", path) : OD_OK;
    od_safetensors *curve;
    od_instance *inst;
    OD_TRY(od_safetensors_open(&curve, path, err));
    OD_TRY(golden_reset_variables(c, err));
    const od_safetensors_entry *e = golden_entry(curve, "total_loss");
    od_status status = e ? od_instance_create(&inst, c->model, OD_NET_TRAIN, c->batch, c->height, c->width, c->options, err)
                         : od_error_set(err, OD_ERR_FORMAT, "%s: no total_loss", path);
    if (status == OD_OK) {
        status = follow(c, inst, curve, e->data, e->shape[0], err);
        od_instance_free(inst);
    }
    od_safetensors_close(curve);
    return status;
}
