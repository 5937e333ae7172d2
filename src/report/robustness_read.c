/* SPDX-License-Identifier: Apache-2.0 */
#include "report/robustness_read.h"

#include "util/alloc.h"
#include "util/error.h"
#include "util/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static od_interval interval_of(const json_t *entry, const char *value, const char *low, const char *high)
{
    return (od_interval){.value = number_of(entry, value), .low = number_of(entry, low), .high = number_of(entry, high), .se = (double)NAN};
}

static void copy_text(char *out, size_t size, const json_t *text)
{
    snprintf(out, size, "%s", json_is_string(text) ? json_string_value(text) : "");
}

static void read_row(od_robust_row *row, const json_t *entry)
{
    copy_text(row->name, sizeof row->name, json_object_get(entry, "change"));
    copy_text(row->description, sizeof row->description, json_object_get(entry, "description"));
    row->level = (int)json_integer_value(json_object_get(entry, "level"));
    row->geometric = json_is_true(json_object_get(entry, "geometric"));
    row->distinct = json_is_true(json_object_get(entry, "distinct"));
    row->map = interval_of(entry, "mAP", "mAP_low", "mAP_high");
    row->change = interval_of(entry, "difference", "difference_low", "difference_high");
}

static od_status read_file(od_robust_study *out, const char *path, od_error *err)
{
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    const json_t *points = json_object_get(root, "points");
    size_t n = json_array_size(points);
    if (n) out->rows = od_calloc(n, sizeof *out->rows);
    int failed = n && !out->rows;
    if (!n) snprintf(out->problem, sizeof out->problem, "%.120s: %.100s", path, root ? "no list of points" : why.text);
    for (; !failed && out->count < n; out->count++) read_row(&out->rows[out->count], json_array_get(points, out->count));
    copy_text(out->checkpoint, sizeof out->checkpoint, json_object_get(root, "checkpoint"));
    out->images = number_of(root, "images");
    out->mean_changed = number_of(root, "mean_changed");
    out->relative = number_of(root, "relative");
    json_decref(root);
    return failed ? od_error_nomem(err, "the robustness") : OD_OK;
}

od_status od_robust_study_read(od_robust_study *out, const char *dir, od_error *err)
{
    memset(out, 0, sizeof *out);
    char *path = od_path_join(dir, "robustness.json");
    od_status status = path ? OD_OK : od_error_nomem(err, "the robustness");
    if (status == OD_OK && od_path_exists(path)) status = read_file(out, path, err);
    od_free(path);
    return status;
}

void od_robust_study_deinit(od_robust_study *s)
{
    od_free(s->rows);
    memset(s, 0, sizeof *s);
}

const od_robust_row *od_robust_study_find(const od_robust_study *s, const char *name, int level)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->rows[i].level == level && !strcmp(s->rows[i].name, name)) return &s->rows[i];
    return NULL;
}
