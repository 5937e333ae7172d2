/* SPDX-License-Identifier: Apache-2.0
 *
 * --corners: which activations of the first training step lie so near to a corner of ReLU or ReLU6 that the order of summation decides on
 * which side. One thread against two, three and four: each batch norm's result in double from its stored input.
 */
#include "golden.h"

#include "nn/net.h"
#include "util/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RUNS = 4 };

typedef struct corner_run {
    od_instance *inst;
    double **z;   /* by node: what its activation is applied to; NULL: no batch norm, or its input isn't stored */
    float *grad;
} corner_run;

/* Scale and shift of channel c by the batch's statistics. */
static void affine_of(const od_variables *vars, const od_bn_attrs *bn, const float *x, int64_t rows, int64_t channels, int64_t c, double *scale, double *shift)
{
    double mean = 0, variance = 0;
    for (int64_t r = 0; r < rows; r++) mean += x[r * channels + c];
    mean /= (double)rows;
    for (int64_t r = 0; r < rows; r++) variance += (x[r * channels + c] - mean) * (x[r * channels + c] - mean);
    *scale = (bn->gamma == OD_NO_VAR ? 1 : (double)vars->value[vars->items[bn->gamma].offset + (size_t)c]) / sqrt(variance / (double)rows + (double)bn->epsilon);
    *shift = (bn->beta == OD_NO_VAR ? 0 : (double)vars->value[vars->items[bn->beta].offset + (size_t)c]) - mean * *scale;
}

static double *result_of(const od_variables *vars, const od_graph *g, const od_node *n, od_net *net)
{
    const float *x = od_net_value(net, n->in[0]);
    od_tensor_shape s = g->values[n->in[0]].shape;
    double *z = x ? od_malloc((size_t)od_shape_size(s), sizeof *z) : NULL;
    for (int64_t c = 0; z && c < s.c; c++) {
        double scale, shift;
        affine_of(vars, &n->bn, x, od_shape_rows(s), s.c, c, &scale, &shift);
        for (int64_t i = c; i < od_shape_size(s); i += s.c) z[i] = x[i] * scale + shift;
    }
    return z;
}

static od_status run_with(golden_case *c, int threads, corner_run *run, od_error *err)
{
    od_variables *vars = od_model_variables(c->model);
    od_net_options options = *c->options;
    options.threads = threads;
    OD_TRY(golden_reset_variables(c, err));
    OD_TRY(od_instance_create(&run->inst, c->model, OD_NET_TRAIN, c->batch, c->height, c->width, &options, err));
    const od_graph *g = od_instance_graph(run->inst);
    run->z = od_calloc(g->node_count, sizeof *run->z);
    run->grad = od_malloc(vars->elements, sizeof *run->grad);
    if (!run->z || !run->grad) return od_error_nomem(err, "a run");
    od_instance_set_inputs(run->inst, (const int32_t(*)[3])c->true_shapes, c->truth);
    od_instance_forward(run->inst, c->images);
    for (size_t i = 0; i < g->node_count; i++)
        if (g->nodes[i].op == &od_op_batch_norm && !g->nodes[i].bn.frozen) run->z[i] = result_of(vars, g, &g->nodes[i], od_instance_net(run->inst));
    od_losses losses;
    OD_TRY(od_instance_loss(run->inst, c->truth, &losses, err));
    memset(vars->grad, 0, vars->elements * sizeof(float));
    od_instance_backward(run->inst);
    memcpy(run->grad, vars->grad, vars->elements * sizeof(float));
    return OD_OK;
}

static void free_run(corner_run *run)
{
    size_t nodes = run->inst ? od_instance_graph(run->inst)->node_count : 0;
    for (size_t i = 0; run->z && i < nodes; i++) od_free(run->z[i]);
    od_free(run->z);
    od_free(run->grad);
    od_instance_free(run->inst);
}

static int side(double z, od_act act)
{
    return act == OD_ACT_RELU || act == OD_ACT_RELU6 ? (z > 0) + (act == OD_ACT_RELU6 && z >= 6) : 0;
}

static void print_flips(const od_graph *g, const corner_run *a, const corner_run *b)
{
    for (size_t i = 0; i < g->node_count; i++) {
        if (!a->z[i] || !b->z[i]) continue;
        const od_node *n = &g->nodes[i];
        od_tensor_shape s = g->values[n->in[0]].shape;
        for (int64_t j = 0; j < od_shape_size(s); j++)
            if (side(a->z[i][j], n->bn.act) != side(b->z[i][j], n->bn.act))
                printf("  %s: image %lld, row %lld, column %lld, channel %lld of [%lld,%lld,%lld]: %.3g and %.3g\n", n->label, (long long)(j / s.c / s.w / s.h),
                       (long long)(j / s.c / s.w % s.h), (long long)(j / s.c % s.w), (long long)(j % s.c), (long long)s.h, (long long)s.w, (long long)s.c, a->z[i][j], b->z[i][j]);
    }
}

od_status golden_print_corners(golden_case *c, od_error *err)
{
    corner_run runs[RUNS] = {0};
    size_t elements = od_model_variables(c->model)->elements;
    od_status status = OD_OK;
    for (int r = 0; status == OD_OK && r < RUNS; r++) status = run_with(c, r + 1, &runs[r], err);
    for (int r = 1; status == OD_OK && r < RUNS; r++) {
        double difference = 0, norm = 0;
        for (size_t i = 0; i < elements; i++) {
            difference += ((double)runs[0].grad[i] - runs[r].grad[i]) * ((double)runs[0].grad[i] - runs[r].grad[i]);
            norm += (double)runs[0].grad[i] * runs[0].grad[i];
        }
        printf("%s: 1 and %d threads: gradients differ by %.2g of their norm; on different sides of a corner:\n", c->name, r + 1, sqrt(difference / norm));
        print_flips(od_instance_graph(runs[0].inst), &runs[0], &runs[r]);
    }
    for (int r = 0; r < RUNS; r++) free_run(&runs[r]);
    return status;
}
