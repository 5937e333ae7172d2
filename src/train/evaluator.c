/* SPDX-License-Identifier: Apache-2.0 */
#include "train/evaluator.h"

#include "config/keypoints.h"
#include "data/loader.h"
#include "eval/coco_masks.h"
#include "events/tags.h"
#include "train/batch_truth.h"
#include "train/detections_file.h"
#include "train/eval_metrics.h"
#include "train/eval_pictures.h"
#include "train/mask_metrics.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/hashmap.h"

#include <math.h>
#include <stdio.h>
#include <omp.h>
#include <string.h>
#include <time.h>

struct od_evaluator {
    const od_run_setup *setup;
    const od_run_input *input;
    const od_label_map *labels;
    int threads;
    od_instance *inst; /* for batches of this size */
    int batch, height, width;
    od_detections detections;
    od_groundtruth *truth; /* [batch_size] */
    od_coco_eval *coco;
    od_eval_metrics metrics;
    od_coco_eval *coco_masks; /* of coco_mask_metrics; else NULL */
};

static int batch_size(const od_run_setup *s)
{
    int n = s->proto->eval_config ? (int)s->proto->eval_config->batch_size : 1;
    return n < 1 ? 1 : n;
}

od_status od_evaluator_create(od_evaluator **out, const od_run_setup *setup, const od_run_input *input, int threads, od_error *err)
{
    OD_TRY(od_mask_metrics_check(setup, input, err));
    od_evaluator *e = od_calloc(1, sizeof *e);
    if (!e) return od_error_nomem(err, "the evaluation");
    e->setup = setup;
    e->input = input;
    e->labels = input->labels ? input->labels : od_dataset_label_map(input->dataset);
    e->threads = threads > 0 ? threads : omp_get_max_threads();
    e->truth = od_calloc((size_t)batch_size(setup), sizeof *e->truth);
    od_status status = e->truth ? od_eval_metrics_init(&e->metrics, setup->proto->eval_config, e->labels, od_model_num_classes(setup->model), od_config_keypoints(setup->proto), err)
                                : od_error_nomem(err, "the evaluation");
    if (status == OD_OK)
        *out = e;
    else
        od_evaluator_free(e);
    return status;
}

void od_evaluator_free(od_evaluator *e)
{
    if (!e) return;
    od_instance_free(e->inst);
    od_detections_deinit(&e->detections);
    od_coco_eval_free(e->coco);
    od_eval_metrics_deinit(&e->metrics);
    od_coco_eval_free(e->coco_masks);
    od_free(e->truth);
    od_free(e);
}

od_coco_eval *od_evaluator_coco(const od_evaluator *e)
{
    return e->coco;
}

od_coco_eval *od_evaluator_take_coco(od_evaluator *e)
{
    od_coco_eval *coco = e->coco;
    e->coco = NULL;
    return coco;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A network for this batch's size; images of other sizes than the last time need another plan. */
static od_status prepare_instance(od_evaluator *e, const od_batch *b, od_error *err)
{
    if (e->inst && e->batch == b->count && e->height == b->height && e->width == b->width) return OD_OK;
    od_instance_free(e->inst);
    e->inst = NULL;
    od_net_options options = {.threads = e->threads};
    OD_TRY(od_instance_create(&e->inst, e->setup->model, OD_NET_INFER, b->count, b->height, b->width, &options, err));
    e->batch = b->count;
    e->height = b->height;
    e->width = b->width;
    return OD_OK;
}

/* State of one pass. */
typedef struct eval_pass {
    od_evaluator *e;
    const od_evaluator_run *run;
    od_coco_files files;
    od_hashmap seen;     /* source ids: the OD API skips repeats */
    double loss_sums[OD_MAX_LOSSES];
    od_losses last;
    int64_t batches, images, repeats;
} eval_pass;

static od_status add_classes(od_evaluator *e, od_coco_eval *coco, od_error *err)
{
    int classes = od_model_num_classes(e->setup->model);
    for (int id = 1; id <= classes; id++) {
        const char *name = e->labels ? od_label_map_name(e->labels, id) : NULL;
        OD_TRY(od_coco_eval_add_class(coco, id, name, err));
    }
    return OD_OK;
}

/* 1 when an image of this source id has been evaluated already. */
static int is_repeat(eval_pass *p, const od_example *e, od_status *status, od_error *err)
{
    *status = OD_OK;
    if (!e->source_id || !e->source_id[0]) return 0;
    if (od_hashmap_get(&p->seen, e->source_id, NULL)) return 1;
    if (od_hashmap_set(&p->seen, e->source_id, 1)) *status = od_error_nomem(err, "image ids");
    return 0;
}

static od_status add_image(eval_pass *p, const od_batch_item *item, int64_t row, od_error *err)
{
    od_evaluator *e = p->e;
    od_status status;
    if (is_repeat(p, &item->example, &status, err)) {
        p->repeats++;
        return OD_OK;
    }
    OD_TRY(status);
    int64_t image, id = item->index + 1;
    int w = item->example.width, h = item->example.height, objects = item->object_count < e->input->max_boxes ? item->object_count : e->input->max_boxes;
    float box[4];
    OD_TRY(od_coco_eval_add_image(e->coco, id, item->example.filename, &image, err));
    for (int i = 0; i < objects; i++) {
        const od_object *o = &item->objects[i];
        od_eval_scale_box(o->box, w, h, box);
        OD_TRY(od_coco_eval_add_truth_corners(e->coco, image, o->label - 1, box, (o->flags & OD_OBJECT_CROWD) != 0, err));
    }
    for (int i = 0; i < e->detections.count[row]; i++) {
        int64_t at = row * e->detections.max + i;
        if (!od_eval_metrics_keeps(&e->metrics, item, e->detections.classes[at])) continue;
        od_eval_scale_box(e->detections.boxes + 4 * at, w, h, box);
        OD_TRY(od_coco_eval_add_detection_corners(e->coco, image, e->detections.classes[at], box, e->detections.scores[at], err));
    }
    OD_TRY(od_eval_metrics_add_image(&e->metrics, item, objects, &e->detections, row, err));
    if (e->coco_masks) OD_TRY(od_mask_metrics_add(e->coco_masks, id, item, objects, &e->detections, row, err));
    if (p->run->output_dir) OD_TRY(od_coco_files_add(&p->files, id, item, objects, &e->detections, row, err));
    p->images++;
    return OD_OK;
}

/* From the changed pictures to the ones that the ground truth is of. */
static void map_back(eval_pass *p, const od_batch_item *item, int64_t row)
{
    od_detections *d = &p->e->detections;
    for (int i = 0; i < d->count[row]; i++) {
        float *box = d->boxes + 4 * (row * d->max + i), found[4];
        memcpy(found, box, sizeof found);
        od_corruption_map_back(p->run->corruption, (uint64_t)item->number, item->example.width, item->example.height, found, box);
    }
}

static od_status add_losses(eval_pass *p, const od_batch *b, od_error *err)
{
    od_batch_truth(b, p->e->truth);
    OD_TRY(od_instance_loss(p->e->inst, p->e->truth, &p->last, err));
    for (int i = 0; i < p->last.count; i++) p->loss_sums[i] += p->last.item[i].value;
    p->batches++;
    return OD_OK;
}

static od_status evaluate_batch(eval_pass *p, const od_batch *b, od_error *err)
{
    od_evaluator *e = p->e;
    OD_TRY(prepare_instance(e, b, err));
    od_instance_set_inputs(e->inst, (const int32_t(*)[3])b->true_shapes, NULL);
    od_instance_forward(e->inst, b->images);
    OD_TRY(od_instance_detect(e->inst, (const int32_t(*)[3])b->true_shapes, &e->detections, err));
    int changed = p->run->corruption.kind != OD_CORRUPT_NONE;
    for (int i = 0; changed && i < b->count; i++) map_back(p, &b->items[i], i);
    if (!changed) OD_TRY(add_losses(p, b, err));
    if (p->run->events) OD_TRY(od_eval_pictures_write(p->run->events, e->setup->proto->eval_config, p->run->step, p->batches - 1, b, &e->detections, e->labels, err));
    for (int i = 0; i < b->count; i++) OD_TRY(add_image(p, &b->items[i], i, err));
    return OD_OK;
}

static void tell(const od_evaluator_run *run, od_progress_event event)
{
    if (!run->progress) return;
    event.step = run->step;
    event.epoch = run->epoch;
    run->progress(run->progress_user, &event);
}

static od_status evaluate_all(eval_pass *p, od_loader *loader, od_error *err)
{
    const od_batch *batch;
    int64_t total = od_dataset_size(p->e->input->dataset);
    for (;;) {
        OD_TRY(od_loader_next(loader, &batch, err));
        if (!batch) return OD_OK;
        if (p->run->stop && *p->run->stop) return od_error_set(err, OD_ERR_INTERRUPTED, "evaluation interrupted after %lld images", (long long)p->images);
        OD_TRY(evaluate_batch(p, batch, err));
        od_progress_event event = od_progress_event_default(OD_PROGRESS_EVAL_PROGRESS);
        event.done = p->images;
        event.total = total;
        tell(p->run, event);
    }
}

enum { RESAMPLES = 200 }; /* the interval's error comes from the jackknife: more change little */

/* mAP's interval by resampling images. Data that can't give one is no error. */
static od_status find_interval(const eval_pass *p, od_evaluation *out, od_error *err)
{
    od_bootstrap_options options = od_bootstrap_options_default();
    od_bootstrap *b;
    options.num_resamples = RESAMPLES;
    options.num_threads = p->e->threads;
    if (!p->run->output_dir || out->stats[OD_COCO_AP] < 0) return OD_OK;
    OD_TRY(od_bootstrap_run(&b, p->e->coco, &options, err));
    out->map = od_bootstrap_stat(b, OD_COCO_AP);
    od_bootstrap_free(b);
    return OD_OK;
}

/* The numbers by masks; NULL unless asked for. */
static const double *mask_stats(const od_evaluator *e)
{
    return e->coco_masks ? od_coco_eval_stats(e->coco_masks) : NULL;
}

static od_status write_events(const eval_pass *p, const od_evaluation *out, od_error *err)
{
    od_events_writer *w = p->run->events;
    if (isfinite(out->map.low) && isfinite(out->map.high)) {
        OD_TRY(od_events_writer_scalar(w, OD_TAG_MAP_LOW, p->run->step, out->map.low, err));
        OD_TRY(od_events_writer_scalar(w, OD_TAG_MAP_HIGH, p->run->step, out->map.high, err));
    }
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) OD_TRY(od_events_writer_scalar(w, od_coco_stat_tag((od_coco_stat)i), p->run->step, out->stats[i], err));
    const double *masks = mask_stats(p->e);
    for (int i = 0; masks && i < OD_COCO_NUM_STATS; i++) OD_TRY(od_events_writer_scalar(w, od_coco_stat_mask_tag((od_coco_stat)i), p->run->step, masks[i], err));
    for (int i = 0; i < out->losses.count; i++) OD_TRY(od_events_writer_scalar(w, out->losses.item[i].tag, p->run->step, out->losses.item[i].value, err));
    const od_metric_list *more = &p->e->metrics.values;
    for (size_t i = 0; i < more->count; i++) OD_TRY(od_events_writer_scalar(w, more->items[i].tag, p->run->step, more->items[i].value, err));
    return od_events_writer_flush(w, err);
}

static void append_stats(od_strbuf *b, const double *stats, const char *indent)
{
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) {
        od_strbuf_printf(b, "%s%s\"%s\": ", i ? ",\n" : "\n", indent, od_coco_stat_tag((od_coco_stat)i));
        od_json_append_number(b, stats[i]);
    }
}

static void append_more(od_strbuf *b, const od_metric_list *more)
{
    for (size_t i = 0; i < more->count; i++) {
        od_strbuf_puts(b, ",\n    ");
        od_json_append_string(b, more->items[i].tag);
        od_strbuf_puts(b, ": ");
        od_json_append_number(b, more->items[i].value);
    }
}

static od_status write_metrics(const eval_pass *p, const od_evaluation *out, od_error *err)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "{\n  \"step\": %lld,\n  \"metrics\": {", (long long)p->run->step);
    append_stats(&b, out->stats, "    ");
    append_more(&b, &p->e->metrics.values);
    const double *masks = mask_stats(p->e);
    for (int i = 0; masks && i < OD_COCO_NUM_STATS; i++) {
        od_strbuf_printf(&b, ",\n    \"%s\": ", od_coco_stat_mask_tag((od_coco_stat)i));
        od_json_append_number(&b, masks[i]);
    }
    if (isfinite(out->map.low))
        od_strbuf_printf(&b, "\n  },\n  \"interval\": {\n    \"of\": \"%s\", \"level\": 0.95, \"low\": %.17g, \"high\": %.17g", OD_TAG_MAP, out->map.low, out->map.high);
    od_strbuf_puts(&b, "\n  },\n  \"per_class\": {");
    for (int64_t c = 0; c < od_coco_eval_num_classes(p->e->coco); c++) {
        od_strbuf_puts(&b, c ? ",\n    " : "\n    ");
        od_json_append_string(&b, od_coco_eval_class_name(p->e->coco, c));
        od_strbuf_puts(&b, ": {");
        append_stats(&b, od_coco_eval_class_stats(p->e->coco, c), "      ");
        od_strbuf_puts(&b, "\n    }");
    }
    od_strbuf_puts(&b, "\n  },\n  \"losses\": {");
    for (int i = 0; i < out->losses.count; i++) {
        od_strbuf_printf(&b, "%s    \"%s\": ", i ? ",\n" : "\n", out->losses.item[i].tag);
        od_json_append_number(&b, out->losses.item[i].value);
    }
    od_strbuf_printf(&b, "\n  },\n  \"images\": %lld,\n  \"broken_images\": %lld\n}\n", (long long)out->images, (long long)out->broken_images);
    char *path = od_path_join(p->run->output_dir, "metrics.json");
    od_status status = od_strbuf_failed(&b) || !path ? od_error_nomem(err, "metrics.json") : od_dir_create(p->run->output_dir, err);
    if (status == OD_OK) status = od_file_write_all(path, b.data, b.size, err);
    od_free(path);
    od_strbuf_deinit(&b);
    return status;
}

static od_status finish(eval_pass *p, od_evaluation *out, od_error *err)
{
    od_evaluator *e = p->e;
    if (!p->images) return od_error_set(err, OD_ERR_FORMAT, "not one image of the evaluation set could be read");
    OD_TRY(od_coco_eval_run(e->coco, e->threads, err));
    OD_TRY(od_eval_metrics_compute(&e->metrics, e->coco, err));
    if (e->coco_masks) OD_TRY(od_coco_eval_run(e->coco_masks, e->threads, err));
    out->stats = od_coco_eval_stats(e->coco);
    out->losses = p->last;
    for (int i = 0; i < p->last.count; i++) out->losses.item[i].value = p->loss_sums[i] / (double)p->batches; /* none of changed pictures */
    out->images = p->images;
    if (p->repeats) od_log(OD_LOG_WARNING, "%lld images with a source_id that an earlier one has were left out of the metrics, as the OD API does", (long long)p->repeats);
    out->map = (od_interval){.value = out->stats[OD_COCO_AP], .low = NAN, .high = NAN, .se = NAN};
    OD_TRY(find_interval(p, out, err));
    if (p->run->events) OD_TRY(write_events(p, out, err));
    if (!p->run->output_dir) return OD_OK;
    OD_TRY(write_metrics(p, out, err));
    if (p->run->detections_name) OD_TRY(od_coco_files_write_detections(&p->files, p->run->output_dir, p->run->detections_name, err));
    return od_coco_files_write(&p->files, p->run->output_dir, e->labels, od_model_num_classes(e->setup->model), err);
}

static od_status tell_end(const od_evaluator *e, const od_evaluator_run *run, const od_evaluation *out, od_error *err)
{
    const od_eval_metrics *more = &e->metrics;
    od_named_value *values = od_malloc(2 * OD_COCO_NUM_STATS + OD_MAX_LOSSES + more->num_asked, sizeof *values);
    const double *masks = mask_stats(e);
    int n = 0;
    if (!values) return od_error_nomem(err, "the evaluation's end");
    for (; n < OD_COCO_NUM_STATS; n++) values[n] = (od_named_value){od_coco_stat_tag((od_coco_stat)n), out->stats[n]};
    for (int i = 0; masks && i < OD_COCO_NUM_STATS; i++) values[n++] = (od_named_value){od_coco_stat_mask_tag((od_coco_stat)i), masks[i]};
    for (int i = 0; i < out->losses.count; i++) values[n++] = (od_named_value){out->losses.item[i].tag, out->losses.item[i].value};
    for (size_t i = 0; i < more->num_asked; i++) values[n++] = (od_named_value){more->values.items[i].tag, more->values.items[i].value};
    od_progress_event event = od_progress_event_default(OD_PROGRESS_EVAL_END);
    event.values = values;
    event.value_count = n;
    event.total = out->images;
    event.seconds = out->seconds;
    tell(run, event);
    od_free(values);
    return OD_OK;
}

static od_status start_masks(od_evaluator *e, od_error *err)
{
    OD_TRY(od_coco_eval_create(&e->coco_masks, err));
    OD_TRY(od_coco_eval_use_masks(e->coco_masks, err));
    return add_classes(e, e->coco_masks, err);
}

od_status od_evaluator_evaluate(od_evaluator *e, const od_evaluator_run *run, od_evaluation *out, od_error *err)
{
    eval_pass p = {.e = e, .run = run};
    od_loader *loader = NULL;
    double start = now();
    *out = (od_evaluation){0};
    od_loader_options options = od_loader_options_evaluation(&e->setup->preprocess, batch_size(e->setup));
    options.max_boxes = e->input->max_boxes;
    options.num_classes = od_model_num_classes(e->setup->model);
    options.keep_images = run->events != NULL;
    options.corruption = run->corruption;
    od_coco_eval_free(e->coco);
    od_coco_eval_free(e->coco_masks);
    e->coco = e->coco_masks = NULL;
    od_eval_metrics_clear(&e->metrics);
    od_status status = od_coco_eval_create(&e->coco, err);
    if (status == OD_OK) status = add_classes(e, e->coco, err);
    if (status == OD_OK && od_mask_metrics_wanted(e->setup) && run->corruption.kind == OD_CORRUPT_NONE) status = start_masks(e, err);
    if (status == OD_OK) status = od_loader_create(&loader, e->input->dataset, &options, err);
    if (status == OD_OK) {
        od_progress_event event = od_progress_event_default(OD_PROGRESS_EVAL_BEGIN);
        event.total = od_dataset_size(e->input->dataset);
        tell(run, event);
        status = evaluate_all(&p, loader, err);
    }
    if (status == OD_OK) {
        out->broken_images = od_loader_get_stats(loader).broken_images;
        status = finish(&p, out, err);
    }
    out->seconds = now() - start;
    if (status == OD_OK) status = tell_end(e, run, out, err);
    od_loader_free(loader);
    od_coco_files_deinit(&p.files);
    od_hashmap_deinit(&p.seen);
    return status;
}
