/* SPDX-License-Identifier: Apache-2.0
 *
 * Faster R-CNN with a feature pyramid: moving averages of batch norms. Keras averages unbiased variances where a batch norm follows a
 * convolution (its fused kernel) and biased ones where it follows a matrix, which the box head's does; four crops tell them apart by a third.
 */
#include "config/config.h"
#include "models/faster_rcnn_features.h"
#include "models/model.h"
#include "nn/op.h"
#include "test_support.h"

#include <math.h>
#include <string.h>

enum { SIZE = 64, PROPOSALS = 4 };

static const char CONFIG[] =
    "model { faster_rcnn { num_classes: 2 image_resizer { fixed_shape_resizer { height: 64 width: 64 } }"
    " feature_extractor { type: 'faster_rcnn_resnet50_fpn_keras' batch_norm_trainable: true fpn { min_level: 2 max_level: 6 additional_layer_depth: 16 }"
    "   conv_hyperparams { activation: RELU_6 initializer { truncated_normal_initializer { stddev: 0.03 } } batch_norm { scale: true decay: 0.9 epsilon: 0.001 } } }"
    " first_stage_anchor_generator { multiscale_anchor_generator { min_level: 2 max_level: 6 anchor_scale: 4 aspect_ratios: 1 scales_per_octave: 1 } }"
    " first_stage_box_predictor_conv_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } }"
    " initial_crop_size: 7 maxpool_kernel_size: 1 maxpool_stride: 1 first_stage_max_proposals: 4 second_stage_batch_size: 4"
    " second_stage_box_predictor { mask_rcnn_box_predictor {"
    "   fc_hyperparams { regularizer { l2_regularizer { } } initializer { truncated_normal_initializer { } } } } } } }";

static const float box[] = {.2f, .1f, .8f, .7f};
static const int32_t class_of_box = 1;

/* A training step's forward pass on one picture, every value stored. */
static od_instance *run_step(od_model *model, const float *images)
{
    static const int32_t shape[1][3] = {{SIZE, SIZE, 3}};
    static const od_groundtruth truth = {.boxes = box, .classes = &class_of_box, .count = 1, .true_shape = shape[0]};
    const od_net_options options = {.no_fusion = 1};
    od_instance *inst;
    od_error err = {0};
    if (od_instance_create(&inst, model, OD_NET_TRAIN, 1, SIZE, SIZE, &options, &err) != OD_OK) fail_msg("%s", err.message);
    od_instance_set_inputs(inst, shape, &truth);
    od_instance_forward(inst, images);
    return inst;
}

/* The sum of the channel's squared distances from its mean. */
static double spread_of(const float *x, int64_t rows, int64_t channels, int64_t channel, double *mean)
{
    double spread = 0;
    *mean = 0;
    for (int64_t i = 0; i < rows; i++) *mean += x[i * channels + channel] / (double)rows;
    for (int64_t i = 0; i < rows; i++) spread += (x[i * channels + channel] - *mean) * (x[i * channels + channel] - *mean);
    return spread;
}

/* `average` [C] after one step from zeros; returns how many channels aren't constant. */
static int64_t check_average(const char *label, const od_bn_attrs *bn, const float *average, const float *x, od_tensor_shape shape)
{
    int64_t rows = shape.n * shape.h * shape.w, varied = 0;
    int is_head = strstr(label, OD_FRCNN_CLASSIFIER) != NULL;
    for (int64_t c = 0; c < shape.c; c++) {
        double mean, want = (1 - (double)bn->momentum) * spread_of(x, rows, shape.c, c, &mean) / (double)(is_head || rows == 1 ? rows : rows - 1);
        if (!(fabs(average[c] - want) <= 1e-4 * want + 1e-6 * mean * mean)) fail_msg("%s: moving variance [%d] %g, expected %g", label, (int)c, (double)average[c], want);
        varied += want > 1e-7;
    }
    return varied;
}

static void moving_variances(void **state)
{
    (void)state;
    static float images[SIZE * SIZE * 3];
    od_error err = {0};
    od_problems problems = {0};
    od_config *config;
    od_model *model;
    if (od_config_read(CONFIG, strlen(CONFIG), "test.config", &config, &problems, &err) != OD_OK) fail_msg("%s", err.message);
    assert_int_equal(problems.count, 0);
    if (od_model_create(&model, config, 1, &err) != OD_OK) fail_msg("%s", err.message);
    od_variables *vars = od_model_variables(model);
    od_variables_initialize(vars, 1, 2);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        if (strstr(v->name, "moving_variance")) memset(vars->value + v->offset, 0, (size_t)v->size * sizeof(float));
    }
    for (int i = 0; i < SIZE * SIZE * 3; i++) images[i] = 100 * sinf((float)i * (float)i);
    od_instance *inst = run_step(model, images);
    const od_graph *g = od_instance_graph(inst);
    int64_t heads = 0, others = 0;
    for (size_t i = 0; i < g->node_count; i++) {
        const od_node *node = &g->nodes[i];
        if (node->op != &od_op_batch_norm) continue;
        const char *label = vars->items[node->bn.variance].name;
        int64_t varied = check_average(label, &node->bn, od_variables_value(vars, node->bn.variance), od_net_value(od_instance_net(inst), node->in[0]), g->values[node->in[0]].shape);
        if (strstr(label, OD_FRCNN_CLASSIFIER)) {
            assert_int_equal(g->values[node->in[0]].shape.n, PROPOSALS);
            heads += varied;
        } else {
            others += varied;
        }
    }
    assert_true(heads > 100 && others > 1000); /* of 1024 units; most of the backbone's channels */
    od_instance_free(inst);
    od_model_free(model);
    od_config_free(config);
    od_problems_deinit(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moving_variances)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
