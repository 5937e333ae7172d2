/* SPDX-License-Identifier: Apache-2.0 */
#include "models/model.h"

#include "models/meta.h"
#include "util/alloc.h"

#include <math.h>
#include <string.h>

struct od_model {
    const od_meta *meta;
    void *self;
    od_variables vars;
    od_model_info info;
    int regularize; /* add_regularization_loss */
};

struct od_instance {
    od_model *model;
    od_graph graph;
    od_net *net;
    void *state;
    int64_t batch;
};

double od_losses_get(const od_losses *losses, const char *tag)
{
    for (int i = 0; i < losses->count; i++)
        if (!strcmp(losses->item[i].tag, tag)) return losses->item[i].value;
    return NAN;
}

void od_losses_add(od_losses *losses, const char *tag, double value)
{
    losses->item[losses->count].tag = tag;
    losses->item[losses->count++].value = value;
}

static const od_meta *find_meta(const od_config *config, od_error *err)
{
    const ObjectDetection__Protos__DetectionModel *model = od_config_proto(config)->model;
    if (!model) {
        od_error_set(err, OD_ERR_CONFIG, "the config has no model { ... }");
        return NULL;
    }
    if (model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_SSD) return &od_meta_ssd;
    if (model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_CENTER_NET) return &od_meta_center_net;
    if (model->model_case == OBJECT_DETECTION__PROTOS__DETECTION_MODEL__MODEL_FASTER_RCNN) return &od_meta_faster_rcnn;
    od_config_error(config, model, NULL, err, OD_ERR_UNSUPPORTED, "this meta-architecture is not supported; supported: ssd, center_net, faster_rcnn");
    return NULL;
}

/* Variables don't depend on the image's size, so any size that the network accepts serves to create them. */
static od_status create_variables(od_model *m, int with_training, od_error *err)
{
    od_graph g;
    od_graph_init(&g, &m->vars);
    od_value images = od_graph_input(&g, 1, 256, 256, 3);
    od_status status = m->meta->build(m->self, &g, images, NULL, err);
    if (status == OD_OK) status = od_graph_check(&g, err);
    od_graph_deinit(&g);
    return status == OD_OK ? od_variables_allocate(&m->vars, with_training, err) : status;
}

od_status od_model_create(od_model **out, const od_config *config, int with_training, od_error *err)
{
    const od_meta *meta = find_meta(config, err);
    if (!meta) return err ? err->status : OD_ERR_UNSUPPORTED;
    od_model *m = od_calloc(1, sizeof *m);
    if (!m) return od_error_nomem(err, "the model");
    const ObjectDetection__Protos__TrainConfig *train = od_config_proto(config)->train_config;
    m->meta = meta;
    m->regularize = !train || train->add_regularization_loss;
    od_variables_init(&m->vars);
    od_status status = meta->create(config, &m->self, err);
    if (status == OD_OK) {
        meta->info(m->self, &m->info);
        status = create_variables(m, with_training, err);
    }
    if (status != OD_OK) {
        od_model_free(m);
        return status;
    }
    *out = m;
    return OD_OK;
}

void od_model_free(od_model *m)
{
    if (!m) return;
    if (m->self) m->meta->free(m->self);
    od_variables_deinit(&m->vars);
    od_free(m);
}

od_variables *od_model_variables(od_model *m)
{
    return &m->vars;
}

int od_model_num_classes(const od_model *m)
{
    return m->info.num_classes;
}

const char *od_model_type(const od_model *m)
{
    return m->info.type;
}

const od_model_info *od_model_get_info(const od_model *m)
{
    return &m->info;
}

od_status od_instance_create(od_instance **out, od_model *model, od_net_mode mode, int64_t batch, int64_t height, int64_t width,
                             const od_net_options *options, od_error *err)
{
    od_instance *inst = od_calloc(1, sizeof *inst);
    if (!inst) return od_error_nomem(err, "the network");
    inst->model = model;
    inst->batch = batch;
    od_graph_init(&inst->graph, &model->vars);
    inst->graph.training = mode == OD_NET_TRAIN;
    inst->graph.no_drop = options && options->no_drop;
    od_value images = od_graph_input(&inst->graph, batch, height, width, 3);
    od_status status = model->meta->build(model->self, &inst->graph, images, &inst->state, err);
    od_graph_prune(&inst->graph);
    if (status == OD_OK) status = od_net_create(&inst->net, &inst->graph, mode, options, err);
    if (status != OD_OK) {
        od_instance_free(inst);
        return status;
    }
    *out = inst;
    return OD_OK;
}

void od_instance_free(od_instance *inst)
{
    if (!inst) return;
    if (inst->state) inst->model->meta->free_state(inst->state);
    od_net_free(inst->net);
    od_graph_deinit(&inst->graph);
    od_free(inst);
}

od_net *od_instance_net(od_instance *inst)
{
    return inst->net;
}

const od_graph *od_instance_graph(const od_instance *inst)
{
    return &inst->graph;
}

void od_instance_set_inputs(od_instance *inst, const int32_t (*true_shapes)[3], const od_groundtruth *truth)
{
    if (inst->model->meta->set_inputs) inst->model->meta->set_inputs(inst->state, true_shapes, truth);
}

void od_instance_forward(od_instance *inst, const float *images)
{
    od_net_forward(inst->net, images);
}

/* The regularisation's gradient, or zero: what the network's is added to. */
static void start_gradient(const od_variable *v, od_decay decay, const float *restrict w, float *restrict g)
{
    if (decay.weight > 0 && decay.l1)
        for (int64_t j = 0; j < v->size; j++) g[j] = decay.weight * (float)((w[j] > 0) - (w[j] < 0));
    else if (decay.weight > 0)
        for (int64_t j = 0; j < v->size; j++) g[j] = decay.weight * w[j];
    else
        memset(g, 0, (size_t)v->size * sizeof *g);
}

static double decay_loss(const od_net *net, int64_t size, od_decay decay, const float *w)
{
    if (!(decay.weight > 0)) return 0;
    if (!decay.l1) return .5 * (double)decay.weight * net->k->sum_squares(size, w);
    double sum = 0;
    for (int64_t j = 0; j < size; j++) sum += (double)fabsf(w[j]);
    return (double)decay.weight * sum;
}

/* The regularisation's loss (0 unless `on`) and, with `gradients`, its gradients, while a variable is in cache. */
static double regularize(const od_net *net, int on, int gradients)
{
    const od_variables *vars = net->vars;
    int64_t n = (int64_t)vars->count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->threads)
    for (int64_t i = 0; i < n; i++) {
        const od_variable *v = &vars->items[i];
        od_decay decay = on ? v->decay : (od_decay){0};
        vars->sums[i] = decay_loss(net, v->size, decay, vars->value + v->offset);
        if (gradients) start_gradient(v, decay, vars->value + v->offset, vars->grad + v->offset);
    }
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += vars->sums[i];
    return sum;
}

od_status od_instance_loss(od_instance *inst, const od_groundtruth *truth, od_losses *losses, od_error *err)
{
    int training = inst->net->mode == OD_NET_TRAIN;
    losses->count = 0;
    OD_TRY(inst->model->meta->loss(inst->state, inst->net, truth, training, losses, err));
    double regularization = regularize(inst->net, inst->model->regularize, training);
    if (inst->model->regularize && !inst->model->meta->no_regularization_loss) od_losses_add(losses, "Loss/regularization_loss", regularization);
    double total = 0;
    for (int i = 0; i < losses->count; i++) total += losses->item[i].value;
    od_losses_add(losses, "Loss/total_loss", total);
    return OD_OK;
}

void od_instance_backward(od_instance *inst)
{
    od_net_backward(inst->net);
}

od_status od_instance_detect(od_instance *inst, const int32_t (*true_shapes)[3], od_detections *detections, od_error *err)
{
    return inst->model->meta->detect(inst->state, inst->net, true_shapes, detections, err);
}

const float *od_instance_prediction(const od_instance *inst, const char *name, int64_t shape[4])
{
    return inst->model->meta->prediction(inst->state, inst->net, name, shape);
}
