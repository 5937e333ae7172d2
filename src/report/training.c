/* SPDX-License-Identifier: Apache-2.0 */
#include "report/training.h"

#include "events/tags.h"
#include "objdet/events.h"
#include "util/alloc.h"
#include "util/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The same figure under the names of TF2's and TF1's OD API. */
static const char *const total_loss_tags[] = {OD_TAG_LOSS_TOTAL, "Losses/TotalLoss", "Losses/total_loss", "total_loss", "loss", "loss_1", NULL};
static const char *const map_tags[] = {OD_TAG_MAP, "PascalBoxes_Precision/mAP@0.5IOU", NULL};
static const char *const stat_tags[] = OD_TAG_COCO_NAMES;

static const od_event_series *find_any(const od_events *events, const char *const *tags)
{
    for (; *tags; tags++) {
        const od_event_series *s = od_events_find(events, *tags);
        if (s) return s;
    }
    return NULL;
}

static od_status copy_curve(od_curve *c, const od_event_series *s, od_error *err)
{
    od_curve_deinit(c);
    if (!s) return OD_OK;
    c->tag = od_strdup(s->tag);
    c->step = od_malloc(s->count, sizeof *c->step);
    c->value = od_malloc(s->count, sizeof *c->value);
    if (!c->tag || !c->step || !c->value) return od_error_nomem(err, "the curves");
    for (size_t i = 0; i < s->count; i++) {
        if (!isfinite(s->points[i].value)) continue;
        c->step[c->count] = (double)s->points[i].step;
        c->value[c->count++] = s->points[i].value;
    }
    return OD_OK;
}

/* mAP of -1 means that there were no boxes. */
static void drop_negative(od_curve *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->value[i] < 0) continue;
        c->step[n] = c->step[i];
        c->value[n++] = c->value[i];
    }
    c->count = n;
}

static od_status copy_stats(od_training *t, const od_events *events, od_error *err)
{
    const od_event_series *map = find_any(events, map_tags);
    OD_TRY(copy_curve(&t->map, map, err));
    t->map_is_pascal = map && strcmp(map->tag, OD_TAG_MAP) != 0;
    for (int i = 0; i < OD_TAG_COCO_COUNT; i++) OD_TRY(copy_curve(&t->stats[i], od_events_find(events, stat_tags[i]), err));
    OD_TRY(copy_curve(&t->map50, od_events_find(events, stat_tags[1]), err));
    OD_TRY(copy_curve(&t->recall, od_events_find(events, stat_tags[8]), err));
    OD_TRY(copy_curve(&t->map_low, od_events_find(events, "Interval/mAP_low"), err));
    OD_TRY(copy_curve(&t->map_high, od_events_find(events, "Interval/mAP_high"), err));
    drop_negative(&t->map);
    drop_negative(&t->map50);
    drop_negative(&t->recall);
    return OD_OK;
}

static int is_loss_part(const char *tag)
{
    int is_loss = !strncmp(tag, "Loss/", 5) || !strncmp(tag, "Losses/", 7);
    for (const char *const *total = total_loss_tags; *total; total++) is_loss = is_loss && strcmp(tag, *total) != 0;
    return is_loss;
}

/* The parts of the loss, those of training and those of evaluation in one order. */
static od_status copy_parts(od_training *t, const od_events *events, od_curve *into, od_error *err)
{
    for (size_t i = 0; i < od_events_series_count(events); i++) {
        const od_event_series *s = od_events_series_at(events, i);
        if (!is_loss_part(s->tag)) continue;
        size_t at = 0;
        while (at < t->num_parts && strcmp(t->train_parts[at].tag ? t->train_parts[at].tag : t->eval_parts[at].tag, s->tag) != 0) at++;
        if (at == OD_TRAINING_MAX_PARTS) continue;
        if (at == t->num_parts) t->num_parts++;
        OD_TRY(copy_curve(&into[at], s, err));
    }
    return OD_OK;
}

static od_status use_train_run(od_training *t, const od_events *events, const char *path, od_error *err)
{
    const od_event_series *loss = find_any(events, total_loss_tags);
    if (!loss || (t->train_run && loss->count <= t->train_loss.count)) return OD_OK;
    od_free(t->train_run);
    if (!(t->train_run = od_strdup(path))) return od_error_nomem(err, "the curves");
    t->seconds = loss->points[loss->count - 1].wall_time - loss->points[0].wall_time;
    t->resumed = (int64_t)od_events_file_count(events) - 1;
    OD_TRY(copy_curve(&t->train_loss, loss, err));
    OD_TRY(copy_parts(t, events, t->train_parts, err));
    OD_TRY(copy_curve(&t->learning_rate, od_events_find(events, OD_TAG_LEARNING_RATE), err));
    return copy_curve(&t->steps_per_second, od_events_find(events, OD_TAG_STEPS_PER_SEC), err);
}

static od_status use_eval_run(od_training *t, const od_events *events, const char *path, od_error *err)
{
    const od_event_series *map = find_any(events, map_tags), *loss = find_any(events, total_loss_tags);
    size_t points = map ? map->count : loss ? loss->count : 0, have = t->map.count > t->eval_loss.count ? t->map.count : t->eval_loss.count;
    if (!points) return OD_OK;
    if (t->eval_run) t->other_eval_runs++;
    if (t->eval_run && points <= have) return OD_OK;
    od_free(t->eval_run);
    if (!(t->eval_run = od_strdup(path))) return od_error_nomem(err, "the curves");
    OD_TRY(copy_curve(&t->eval_loss, loss, err));
    OD_TRY(copy_parts(t, events, t->eval_parts, err));
    return copy_stats(t, events, err);
}

static const char *below_dir(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    const char *below = strncmp(path, dir, n) ? path : path + n;
    while (*below == '/') below++;
    return below;
}

/* An evaluation has metrics of boxes, or a folder that is called so. */
static int is_evaluation(const od_events *events, const char *path, const char *dir)
{
    for (size_t i = 0; i < od_events_series_count(events); i++) {
        const char *tag = od_events_series_at(events, i)->tag;
        if (strstr(tag, "Boxes_Precision") || strstr(tag, "Boxes_Recall")) return 1;
    }
    const char *below = below_dir(path, dir);
    return !strncmp(below, "eval", 4);
}

static od_status read_runs(od_training *t, const od_event_runs *runs, const char *dir, od_error *err)
{
    for (size_t i = 0; i < runs->count; i++) {
        od_events *events;
        if (!strncmp(below_dir(runs->paths[i], dir), "on_", 3)) continue; /* other data than the training's evaluation: no part of its curve */
        OD_TRY(od_events_read(&events, runs->paths[i], 0, err));
        od_status status = is_evaluation(events, runs->paths[i], dir) ? use_eval_run(t, events, runs->paths[i], err)
                                                                     : use_train_run(t, events, runs->paths[i], err);
        od_events_free(events);
        OD_TRY(status);
    }
    return OD_OK;
}

/* best.json as objdet train writes it; a missing or odd one is passed over. */
static void read_best(od_training *t, const char *dir)
{
    char *path = od_path_join(dir, "best.json");
    json_t *root = path && od_path_exists(path) ? json_load_file(path, 0, NULL) : NULL;
    od_free(path);
    const char *name = json_string_value(json_object_get(root, "checkpoint")), *metric = json_string_value(json_object_get(root, "metric"));
    const json_t *value = json_object_get(root, "value"), *step = json_object_get(root, "step");
    if (name && metric && json_is_number(value)) {
        t->best_checkpoint = od_strdup(name);
        t->best_metric = od_strdup(metric);
        t->best_value = json_number_value(value);
        if (json_is_number(step)) t->best_step = json_number_value(step);
    }
    json_decref(root);
}

void od_training_set_epochs(od_training *t)
{
    t->steps_per_epoch = t->batch_size > 0 && t->train_images > 0 ? (double)t->train_images / (double)t->batch_size : (double)NAN;
}

od_status od_training_read(od_training *t, const char *model_dir, od_error *err)
{
    *t = (od_training){.seconds = (double)NAN, .steps_per_epoch = (double)NAN, .best_value = (double)NAN, .best_step = (double)NAN};
    if (!od_path_is_dir(model_dir)) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no such folder; --model_dir is the folder of a training", model_dir);
    od_event_runs runs = {0};
    od_status status = od_event_runs_find(&runs, model_dir, err);
    if (status == OD_ERR_NOT_FOUND) return OD_OK;
    if (status == OD_OK) status = read_runs(t, &runs, model_dir, err);
    od_event_runs_free(&runs);
    OD_TRY(status);
    t->present = t->train_run || t->eval_run;
    read_best(t, model_dir);
    t->overfit = od_overfit_find(&t->train_loss, &t->eval_loss);
    return OD_OK;
}

void od_training_deinit(od_training *t)
{
    od_curve *curves[] = {&t->train_loss, &t->eval_loss, &t->map, &t->map50, &t->recall, &t->map_low, &t->map_high, &t->learning_rate, &t->steps_per_second};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) od_curve_deinit(curves[i]);
    for (size_t i = 0; i < OD_TRAINING_MAX_PARTS; i++) {
        od_curve_deinit(&t->train_parts[i]);
        od_curve_deinit(&t->eval_parts[i]);
    }
    for (size_t i = 0; i < 12; i++) od_curve_deinit(&t->stats[i]);
    od_free(t->train_run);
    od_free(t->eval_run);
    od_free(t->best_checkpoint);
    od_free(t->best_metric);
    *t = (od_training){0};
}
