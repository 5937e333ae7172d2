/* SPDX-License-Identifier: Apache-2.0 */
#include "train/history.h"

#include "util/alloc.h"
#include "util/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct od_history {
    char *dir, *path;
    json_t *list; /* array of evaluations, by step */
};

static void load(od_history *h)
{
    json_error_t why;
    if (!od_path_exists(h->path)) return;
    json_t *root = json_load_file(h->path, 0, &why);
    json_t *list = root ? json_object_get(root, "evaluations") : NULL;
    size_t i;
    json_t *e;
    json_array_foreach(list, i, e)
        if (json_is_integer(json_object_get(e, "step")) && json_is_object(json_object_get(e, "metrics"))) json_array_append(h->list, e);
    if (!json_is_array(list)) od_log(OD_LOG_WARNING, "%s can't be read (%s); earlier evaluations are forgotten", h->path, root ? "no evaluations" : why.text);
    json_decref(root);
}

od_status od_history_open(od_history **out, const char *model_dir, od_error *err)
{
    od_history *h = od_calloc(1, sizeof *h);
    if (!h) return od_error_nomem(err, "the evaluations' history");
    h->dir = od_path_join(model_dir, "eval");
    h->path = h->dir ? od_path_join(h->dir, "history.json") : NULL;
    h->list = json_array();
    if (!h->path || !h->list) {
        od_history_free(h);
        return od_error_nomem(err, "the evaluations' history");
    }
    load(h);
    *out = h;
    return OD_OK;
}

void od_history_free(od_history *h)
{
    if (!h) return;
    json_decref(h->list);
    od_free(h->dir);
    od_free(h->path);
    od_free(h);
}

static int64_t step_of(const od_history *h, size_t i)
{
    return (int64_t)json_integer_value(json_object_get(json_array_get(h->list, i), "step"));
}

void od_history_cut(od_history *h, int64_t after_step)
{
    for (size_t i = json_array_size(h->list); i > 0; i--)
        if (step_of(h, i - 1) > after_step) json_array_remove(h->list, i - 1);
}

int od_history_has(const od_history *h, int64_t step)
{
    for (size_t i = 0; i < json_array_size(h->list); i++)
        if (step_of(h, i) == step) return 1;
    return 0;
}

/* JSON has no NaN. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *make_entry(int64_t step, const char *checkpoint, const od_evaluation *e, const char *detections)
{
    json_t *metrics = json_object(), *losses = json_object();
    for (int i = 0; i < OD_COCO_NUM_STATS; i++) json_object_set_new(metrics, od_coco_stat_tag((od_coco_stat)i), number(e->stats[i]));
    for (int i = 0; i < e->losses.count; i++) json_object_set_new(losses, e->losses.item[i].tag, number(e->losses.item[i].value));
    json_t *entry = json_pack("{s:I,s:s,s:I,s:o,s:o}", "step", (json_int_t)step, "checkpoint", checkpoint, "images", (json_int_t)e->images,
                              "metrics", metrics, "losses", losses);
    if (entry && isfinite(e->map.low))
        json_object_set_new(entry, "interval", json_pack("{s:f,s:f,s:f}", "level", 0.95, "low", e->map.low, "high", e->map.high));
    if (entry && detections) json_object_set_new(entry, "detections", json_string(detections));
    return entry;
}

static od_status save(const od_history *h, od_error *err)
{
    json_t *root = json_pack("{s:O}", "evaluations", h->list);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    od_status status = text ? od_dir_create(h->dir, err) : od_error_nomem(err, h->path);
    if (status == OD_OK) status = od_file_write_all(h->path, text, strlen(text), err);
    free(text);
    json_decref(root);
    return status;
}

od_status od_history_put(od_history *h, int64_t step, const char *checkpoint, const od_evaluation *e, const char *detections, od_error *err)
{
    size_t at = 0;
    while (at < json_array_size(h->list) && step_of(h, at) < step) at++;
    if (at < json_array_size(h->list) && step_of(h, at) == step) json_array_remove(h->list, at);
    json_t *entry = make_entry(step, checkpoint, e, detections);
    if (!entry || json_array_insert_new(h->list, at, entry)) return od_error_nomem(err, h->path);
    return save(h, err);
}

static json_t *find_metric(const od_history *h, size_t i, const char *metric)
{
    json_t *entry = json_array_get(h->list, i), *v = json_object_get(json_object_get(entry, "metrics"), metric);
    return v ? v : json_object_get(json_object_get(entry, "losses"), metric);
}

int od_history_has_metric(const od_history *h, const char *metric)
{
    return !json_array_size(h->list) || find_metric(h, json_array_size(h->list) - 1, metric);
}

int64_t od_history_since_best(const od_history *h, const char *metric, double *best)
{
    int lower = !strncmp(metric, "Loss/", 5);
    int64_t since = 0;
    *best = NAN;
    for (size_t i = 0; i < json_array_size(h->list); i++) {
        json_t *v = find_metric(h, i, metric);
        double value = json_is_number(v) ? json_number_value(v) : NAN;
        int better = isfinite(value) && (isnan(*best) || (lower ? value < *best : value > *best));
        if (better) *best = value;
        since = better ? 0 : since + 1;
    }
    return since;
}
