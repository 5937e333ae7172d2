/* SPDX-License-Identifier: Apache-2.0
 *
 * The training loop behind objdet/train.h.
 */
#include "objdet/train.h"

#include "data/class_balance.h"
#include "data/loader.h"
#include "events/tags.h"
#include "train/batch_truth.h"
#include "train/eval_pictures.h"
#include "train/evaluator.h"
#include "train/history.h"
#include "train/learning_rate.h"
#include "train/optimizer.h"
#include "train/run_files.h"
#include "train/variables_io.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <omp.h>
#include <string.h>
#include <time.h>

enum { SUMMARY_EVERY = 100 }; /* num_steps_per_iteration of model_lib_v2.train_loop */

od_train_options od_train_options_default(void)
{
    return (od_train_options){.num_train_steps = -1, .checkpoint_every_n = 1000, .eval_every_n = -1, .max_to_keep = 7};
}

typedef struct trainer {
    const od_train_options *o;
    od_run_setup setup;
    od_run_input train_input, eval_input;
    od_model_dir *dir;
    od_augmenter *augmenter;
    od_loader *loader;
    od_optimizer optimizer;
    od_instance *inst;
    int height, width, batch_size, threads;
    od_groundtruth *truth;
    od_evaluator *evaluator;
    od_events_writer *events, *eval_events;
    int64_t step, total, saved_step, evaluated_step;
    double last_summary_time;
    int64_t last_summary_step;
    od_history *history;
    uint8_t *augment_labels;  /* [num_classes + 1], or NULL */
    double *sampling_weights; /* [images], or NULL */
    int stopping_early;
} trainer;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double epoch_of(const trainer *t)
{
    return (double)t->step * t->batch_size / (double)od_dataset_size(t->train_input.dataset);
}

static void tell(const trainer *t, od_progress_event event)
{
    if (!t->o->progress) return;
    event.step = t->step;
    event.total_steps = t->total;
    event.epoch = epoch_of(t);
    t->o->progress(t->o->progress_user, &event);
}

static void tell_text(const trainer *t, od_progress_kind kind, const char *text)
{
    od_progress_event event = od_progress_event_default(kind);
    event.text = text;
    tell(t, event);
}

/* --- opening -------------------------------------------------------------------------------------------------------------- */

/* Balanced within what the input reader's weights ask for. */
static od_status balance_classes(trainer *t, od_error *err)
{
    const od_dataset *ds = t->train_input.dataset;
    double *balanced;
    OD_TRY(od_class_balance_weights(ds, &balanced, err));
    for (int64_t i = 0; t->sampling_weights && i < od_dataset_size(ds); i++) balanced[i] *= t->sampling_weights[i];
    od_free(t->sampling_weights);
    t->sampling_weights = balanced;
    return OD_OK;
}

static od_status choose_sampling(trainer *t, od_error *err)
{
    const od_dataset *ds = t->train_input.dataset;
    OD_TRY(od_run_input_weights(&t->train_input, &t->sampling_weights, err));
    if (t->o->class_balanced_sampling) OD_TRY(balance_classes(t, err));
    if (!t->o->augment_only_classes) return OD_OK;
    const od_label_map *labels = t->train_input.labels ? t->train_input.labels : od_dataset_label_map(ds);
    return od_class_balance_labels(labels, t->o->augment_only_classes, od_model_num_classes(t->setup.model), &t->augment_labels, err);
}

static od_status open_inputs(trainer *t, od_error *err)
{
    const ObjectDetection__Protos__TrainEvalPipelineConfig *p = t->setup.proto;
    od_run_input_options options = {.training = 1};
    OD_TRY(od_run_input_open(&t->train_input, &t->setup, p->train_input_reader, "train_input_reader", &options, err));
    options.training = 0;
    OD_TRY(od_augmenter_create(&t->augmenter, t->setup.config, err));
    OD_TRY(choose_sampling(t, err));
    if (!t->o->eval_every_n) return OD_OK;
    if (!p->n_eval_input_reader) {
        od_log(OD_LOG_WARNING, "the config has no eval_input_reader: training without evaluation");
        return OD_OK;
    }
    OD_TRY(od_run_input_open(&t->eval_input, &t->setup, p->eval_input_reader[0], "eval_input_reader", &options, err));
    return od_evaluator_create(&t->evaluator, &t->setup, &t->eval_input, t->threads, err);
}

static od_status find_total(trainer *t, od_error *err)
{
    const ObjectDetection__Protos__TrainConfig *c = t->setup.proto->train_config;
    t->batch_size = c ? (int)c->batch_size : 0;
    if (t->batch_size < 1)
        return od_config_error(t->setup.config, c, "batch_size", err, OD_ERR_CONFIG, "train_config batch_size is %d; expected at least 1", t->batch_size);
    t->total = t->o->num_train_steps >= 0 ? t->o->num_train_steps : (int64_t)c->num_steps;
    if (t->total < 1)
        return od_config_error(t->setup.config, c, "num_steps", err, OD_ERR_CONFIG, "no number of steps: give --num_train_steps or train_config { num_steps: ... }");
    return OD_OK;
}

/* Variables from the model_dir, else initialised and fine-tuned. */
static od_status load_variables(trainer *t, od_error *err)
{
    const char *newest = od_model_dir_newest(t->dir);
    if (newest) {
        OD_TRY(od_variables_restore(newest, t->setup.model, &t->optimizer, &t->step, err));
        if (t->step < 0) t->step = 0;
        t->saved_step = t->step;
        tell_text(t, OD_PROGRESS_RESUMED, od_path_base(newest));
        return OD_OK;
    }
    size_t restored;
    od_variables_initialize(od_model_variables(t->setup.model), t->o->seed, t->threads);
    OD_TRY(od_variables_fine_tune(t->setup.config, t->setup.model, &restored, err));
    if (!restored) return OD_OK;
    char line[600];
    snprintf(line, sizeof line, "restored %zu of %zu variables from %s", restored, od_model_variables(t->setup.model)->count,
             t->setup.proto->train_config->fine_tune_checkpoint);
    tell_text(t, OD_PROGRESS_NOTE, line);
    return OD_OK;
}

static const char *stop_metric(const trainer *t)
{
    return t->o->early_stop_metric ? t->o->early_stop_metric : OD_TAG_MAP;
}

static int stops_early(const trainer *t, double *best)
{
    return t->o->early_stop_patience > 0 && od_history_since_best(t->history, stop_metric(t), best) >= t->o->early_stop_patience;
}

/* What was evaluated up to the step that training goes on from. */
static od_status open_history(trainer *t, od_error *err)
{
    double best;
    OD_TRY(od_history_open(&t->history, t->o->model_dir, err));
    od_history_cut(t->history, od_model_dir_newest(t->dir) ? t->step : -1);
    t->stopping_early = stops_early(t, &best);
    return OD_OK;
}

static od_status open_events(trainer *t, od_error *err)
{
    OD_TRY(od_run_events_open(t->o->model_dir, OD_EVENTS_TRAIN_DIR, NULL, &t->events, err));
    if (!t->evaluator) return OD_OK;
    return od_run_events_open(t->o->model_dir, OD_EVENTS_EVAL_DIR, t->setup.proto->eval_input_reader[0]->name, &t->eval_events, err);
}

static od_status open_loader(trainer *t, od_error *err)
{
    const ObjectDetection__Protos__InputReader *reader = t->setup.proto->train_input_reader;
    if (t->setup.proto->train_config->use_multiclass_scores && !reader->load_multiclass_scores)
        return od_config_error(t->setup.config, t->setup.proto->train_config, "use_multiclass_scores", err, OD_ERR_CONFIG,
                               "use_multiclass_scores needs load_multiclass_scores: true in train_input_reader (the OD API stops without it, too)");
    od_loader_options options = od_loader_options_training(&t->setup.preprocess, t->batch_size);
    options.augmenter = t->augmenter;
    options.seed = t->o->seed;
    options.shuffle = t->setup.proto->train_input_reader->shuffle;
    options.start_step = t->step;
    options.max_boxes = t->train_input.max_boxes;
    options.num_classes = od_model_num_classes(t->setup.model);
    options.weights = t->sampling_weights;
    options.augment_labels = t->augment_labels;
    options.class_scores = t->setup.proto->train_config->use_multiclass_scores;
    options.merge_boxes = t->setup.proto->train_config->merge_multiple_label_boxes;
    t->truth = od_calloc((size_t)t->batch_size, sizeof *t->truth);
    if (!t->truth) return od_error_nomem(err, "training");
    return od_loader_create(&t->loader, t->train_input.dataset, &options, err);
}

static od_status open_all(trainer *t, od_error *err)
{
    if (!t->o->model_dir) return od_error_set(err, OD_ERR_ARG, "no model_dir: give --model_dir");
    OD_TRY(od_run_setup_init(&t->setup, t->o->pipeline_config_path, OD_USE_TRAIN, err));
    OD_TRY(find_total(t, err));
    OD_TRY(od_optimizer_init(&t->optimizer, t->setup.config, t->threads, err));
    OD_TRY(od_optimizer_allocate(&t->optimizer, od_model_variables(t->setup.model), err));
    OD_TRY(open_inputs(t, err));
    OD_TRY(od_model_dir_open_for_training(&t->dir, t->o->model_dir, t->o->max_to_keep, err));
    OD_TRY(load_variables(t, err));
    OD_TRY(open_history(t, err));
    OD_TRY(od_run_files_write(t->o->model_dir, t->setup.config, t->train_input.labels, err));
    OD_TRY(open_events(t, err));
    return open_loader(t, err);
}

static void close_all(trainer *t)
{
    od_events_writer_close(t->events, NULL);
    od_events_writer_close(t->eval_events, NULL);
    od_loader_free(t->loader);
    od_instance_free(t->inst);
    od_evaluator_free(t->evaluator);
    od_augmenter_free(t->augmenter);
    od_run_input_deinit(&t->train_input);
    od_run_input_deinit(&t->eval_input);
    od_model_dir_close(t->dir);
    od_history_free(t->history);
    od_free(t->augment_labels);
    od_free(t->sampling_weights);
    od_free(t->truth);
    od_run_setup_deinit(&t->setup);
}

/* --- one step ------------------------------------------------------------------------------------------------------------- */

static od_status prepare_instance(trainer *t, const od_batch *b, od_error *err)
{
    if (t->inst && t->height == b->height && t->width == b->width) return OD_OK;
    od_instance_free(t->inst);
    t->inst = NULL;
    t->height = b->height;
    t->width = b->width;
    od_net_options options = {.threads = t->threads, .no_drop = t->o->no_drop_connect};
    return od_instance_create(&t->inst, t->setup.model, OD_NET_TRAIN, t->batch_size, b->height, b->width, &options, err);
}

static od_status not_finite(const trainer *t, const char *what, double value, od_error *err)
{
    double rate = od_learning_rate_at(t->optimizer.schedule, t->step);
    return od_error_set(err, OD_ERR_NAN,
                        "step %lld: %s is %g, training can't go on; the last checkpoint is unharmed. Usual cause: the learning rate (%g now, batch_size %d) "
                        "is too high. The zoo's rates are for batches of 64 to 512: scale them with the batch (rate x %d / 64), add warmup_steps or "
                        "gradient_clipping_by_norm: 10; also look for broken boxes with 'objdet data info'",
                        (long long)t->step, what, value, rate, t->batch_size, t->batch_size);
}

static od_status check_losses(const trainer *t, const od_losses *losses, od_error *err)
{
    for (int i = 0; i < losses->count; i++)
        if (!isfinite(losses->item[i].value)) return not_finite(t, losses->item[i].tag, losses->item[i].value, err);
    return OD_OK;
}

/* With the usual momentum of .997 a new layer's moving variance is still a sixth of its start value, 1, after 600 steps, and
 * evaluation sees another network than training. The OD API has that lag; the limit is the one that TensorFlow's
 * ExponentialMovingAverage(num_updates) uses. It depends on the step alone, so that resuming stays exact. */
static float momentum_limit(const trainer *t)
{
    return t->o->exact_moving_averages ? 1 : (float)((1.0 + (double)t->step) / (10.0 + (double)t->step));
}

static od_status train_batch(trainer *t, const od_batch *b, od_losses *losses, od_error *err)
{
    OD_TRY(prepare_instance(t, b, err));
    od_batch_truth(b, t->truth);
    od_net *net = od_instance_net(t->inst);
    net->bn_momentum_limit = momentum_limit(t);
    net->seed = t->o->seed;
    net->step = (uint64_t)t->step;
    od_instance_set_inputs(t->inst, (const int32_t(*)[3])b->true_shapes, t->truth);
    od_instance_forward(t->inst, b->images);
    OD_TRY(od_instance_loss(t->inst, t->truth, losses, err));
    OD_TRY(check_losses(t, losses, err));
    od_instance_backward(t->inst);
    double norm = od_optimizer_step(&t->optimizer, od_model_variables(t->setup.model), t->step);
    return isfinite(norm) ? OD_OK : not_finite(t, "the gradient's norm", norm, err);
}

static void tell_step(const trainer *t, const od_losses *losses, double seconds)
{
    od_named_value values[OD_MAX_LOSSES];
    for (int i = 0; i < losses->count; i++) values[i] = (od_named_value){losses->item[i].tag, losses->item[i].value};
    od_progress_event event = od_progress_event_default(OD_PROGRESS_STEP);
    event.step_seconds = seconds;
    event.images_per_second = t->batch_size / seconds;
    event.learning_rate = od_learning_rate_at(t->optimizer.schedule, t->step);
    event.values = values;
    event.value_count = losses->count;
    tell(t, event);
}

static od_status write_summaries(trainer *t, const od_batch *b, const od_losses *losses, od_error *err)
{
    double time = now();
    for (int i = 0; i < losses->count; i++) OD_TRY(od_events_writer_scalar(t->events, losses->item[i].tag, t->step, losses->item[i].value, err));
    OD_TRY(od_events_writer_scalar(t->events, OD_TAG_LEARNING_RATE, t->step, od_learning_rate_at(t->optimizer.schedule, t->step), err));
    if (time > t->last_summary_time)
        OD_TRY(od_events_writer_scalar(t->events, OD_TAG_STEPS_PER_SEC, t->step, (double)(t->step - t->last_summary_step) / (time - t->last_summary_time), err));
    t->last_summary_time = time;
    t->last_summary_step = t->step;
    OD_TRY(od_train_pictures_write(t->events, t->step, b, t->train_input.labels, err));
    return od_events_writer_flush(t->events, err);
}

/* --- checkpoints and evaluations ---------------------------------------------------------------------------------------------- */

static od_status save(trainer *t, od_error *err)
{
    if (t->saved_step == t->step) return OD_OK;
    OD_TRY(od_variables_save(t->dir, t->setup.model, t->step, &t->optimizer, err));
    t->saved_step = t->step;
    tell_text(t, OD_PROGRESS_CHECKPOINT, od_path_base(od_model_dir_newest(t->dir)));
    return OD_OK;
}

/* The metric's value of an evaluation; false when it has none of that name. */
static int metric_value(const od_evaluation *e, const char *metric, double *value)
{
    for (int i = 0; i < OD_COCO_NUM_STATS; i++)
        if (!strcmp(metric, od_coco_stat_tag((od_coco_stat)i))) return *value = e->stats[i], 1;
    for (int i = 0; i < e->losses.count; i++)
        if (!strcmp(metric, e->losses.item[i].tag)) return *value = e->losses.item[i].value, 1;
    return 0;
}

/* Keeps the checkpoint when it is the best so far (losses count negated: higher is better there), and decides whether to stop. */
static od_status note_best(trainer *t, const od_evaluation *e, od_error *err)
{
    const char *metric = stop_metric(t);
    double value, best = NAN;
    int is_best, loss = !strncmp(metric, "Loss/", 5);
    if (!metric_value(e, metric, &value))
        return od_error_set(err, OD_ERR_ARG, "early_stop_metric=%s: an evaluation has no such number; expected one of metrics.json's, such as %s or %s", metric,
                            OD_TAG_MAP, OD_TAG_LOSS_TOTAL);
    OD_TRY(od_model_dir_offer_best(t->dir, metric, loss ? -value : value, t->step, &is_best, err));
    OD_TRY(od_history_put(t->history, t->step, od_path_base(od_model_dir_newest(t->dir)), e, NULL, err));
    t->stopping_early = stops_early(t, &best);
    if (!t->stopping_early) return OD_OK;
    char line[400];
    const char *prefix = od_model_dir_best(t->dir, NULL), *name = strcmp(metric, OD_TAG_MAP) ? metric : "mAP";
    snprintf(line, sizeof line, "stopping early: %lld evaluations without a better %s (last %.4f, best %.4f in %s)",
             (long long)od_history_since_best(t->history, metric, &best), name, value, best, prefix ? od_path_base(prefix) : "?");
    tell_text(t, OD_PROGRESS_NOTE, line);
    return OD_OK;
}

static od_status evaluate(trainer *t, od_error *err)
{
    if (!t->evaluator || t->evaluated_step == t->step) return OD_OK;
    char *dir = od_path_join(t->o->model_dir, "eval");
    if (!dir) return od_error_nomem(err, "evaluation");
    od_evaluator_run run = {.step = t->step, .epoch = epoch_of(t), .progress = t->o->progress, .progress_user = t->o->progress_user, .stop = t->o->stop,
                            .events = t->eval_events, .output_dir = dir};
    od_evaluation result;
    const ObjectDetection__Protos__EvalConfig *config = t->setup.proto->eval_config;
    int slot = config && config->use_moving_averages ? od_optimizer_average_slot(&t->optimizer) : -1;
    if (slot >= 0) od_variables_swap_slot(od_model_variables(t->setup.model), slot);
    od_status status = od_evaluator_evaluate(t->evaluator, &run, &result, err);
    if (slot >= 0) od_variables_swap_slot(od_model_variables(t->setup.model), slot);
    od_free(dir);
    if (status != OD_OK) return status;
    t->evaluated_step = t->step;
    return note_best(t, &result, err);
}

static int is_due(int64_t step, int64_t every)
{
    return every > 0 && step % every == 0;
}

static int stop_wanted(const trainer *t)
{
    return t->o->stop && *t->o->stop;
}

static int64_t eval_every(const trainer *t)
{
    return t->o->eval_every_n < 0 ? t->o->checkpoint_every_n : t->o->eval_every_n;
}

/* The evaluation that an interrupted training owes: it was stopped between saving and evaluating. */
static od_status catch_up(trainer *t, od_error *err)
{
    int owed = t->evaluator && t->step > 0 && is_due(t->step, eval_every(t)) && !od_history_has(t->history, t->step);
    return owed ? evaluate(t, err) : OD_OK;
}

static od_status after_step(trainer *t, od_error *err)
{
    int last = t->step == t->total, evaluate_now = is_due(t->step, eval_every(t)) || (last && t->o->eval_every_n != 0);
    if (is_due(t->step, t->o->checkpoint_every_n) || last || evaluate_now || stop_wanted(t)) OD_TRY(save(t, err));
    return evaluate_now && !stop_wanted(t) ? evaluate(t, err) : OD_OK;
}

static od_status run_steps(trainer *t, od_error *err)
{
    t->last_summary_time = now();
    t->last_summary_step = t->step;
    while (t->step < t->total && !t->stopping_early) {
        double start = now();
        const od_batch *batch;
        od_losses losses;
        OD_TRY(od_loader_next(t->loader, &batch, err));
        OD_TRY(train_batch(t, batch, &losses, err));
        t->step++;
        tell_step(t, &losses, now() - start);
        if (t->step % SUMMARY_EVERY == 0 || t->step == t->total) OD_TRY(write_summaries(t, batch, &losses, err));
        OD_TRY(after_step(t, err));
        if (stop_wanted(t)) return od_error_set(err, OD_ERR_INTERRUPTED, "stopped at step %lld; everything is saved, run the same command to continue", (long long)t->step);
    }
    return OD_OK;
}

static od_status train(trainer *t, od_error *err)
{
    double start = now();
    OD_TRY(open_all(t, err));
    tell_text(t, OD_PROGRESS_START, od_model_type(t->setup.model));
    if (t->stopping_early && t->step < t->total) {
        tell_text(t, OD_PROGRESS_NOTE, "training has stopped early; without --early_stop_patience, or with a larger one, it goes on");
        return OD_OK;
    }
    if (t->step >= t->total) {
        char line[200];
        snprintf(line, sizeof line, "step %lld of %lld: nothing left to train; give a larger --num_train_steps to go on", (long long)t->step, (long long)t->total);
        tell_text(t, OD_PROGRESS_NOTE, line);
        return OD_OK;
    }
    OD_TRY(catch_up(t, err));
    OD_TRY(run_steps(t, err));
    od_progress_event done = od_progress_event_default(OD_PROGRESS_DONE);
    done.seconds = now() - start;
    tell(t, done);
    return OD_OK;
}

od_status od_train_run(const od_train_options *options, od_error *err)
{
    trainer t = {.o = options, .saved_step = -1, .evaluated_step = -1};
    t.threads = options->num_threads > 0 ? options->num_threads : omp_get_num_procs();
    od_status status = train(&t, err);
    close_all(&t);
    return status;
}
