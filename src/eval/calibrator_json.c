/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/calibrator.h"

#include "util/alloc.h"
#include "util/error.h"

#include <math.h>
#include <string.h>

static json_t *numbers_json(const double *v, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; out && i < n; i++)
        if (json_array_append_new(out, json_real(v[i]))) {
            json_decref(out);
            return NULL;
        }
    return out;
}

static json_t *map_json(const od_score_map *m, od_calibrator_kind kind)
{
    json_t *out = json_pack("{s:I,s:I}", "right", (json_int_t)m->right, "wrong", (json_int_t)m->wrong);
    if (!out) return NULL;
    if (kind == OD_CALIBRATOR_PLATT) {
        json_object_set_new(out, "a", json_real(m->a));
        json_object_set_new(out, "b", json_real(m->b));
    } else if (json_object_set_new(out, "x", numbers_json(m->x, m->num_knots)) ||
               json_object_set_new(out, "y", numbers_json(m->y, m->num_knots))) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *od_calibrator_to_json(const od_calibrator *c)
{
    json_t *classes = json_object();
    for (size_t i = 0; classes && i < c->num_classes; i++)
        if (json_object_set_new(classes, c->classes[i].name, map_json(&c->classes[i].map, c->kind))) {
            json_decref(classes);
            return NULL;
        }
    return json_pack("{s:s,s:o,s:o}", "kind", od_calibrator_kind_name(c->kind), "all", map_json(&c->all, c->kind), "classes", classes);
}

static od_status read_number(const json_t *j, const char *field, const char *where, double *out, od_error *err)
{
    const json_t *v = json_object_get(j, field);
    if (!json_is_number(v)) return od_error_set(err, OD_ERR_FORMAT, "%s: %s is missing or not a number", where, field);
    *out = json_number_value(v);
    return isfinite(*out) ? OD_OK : od_error_set(err, OD_ERR_FORMAT, "%s: %s is %g; expected a finite number", where, field, *out);
}

static od_status read_count(const json_t *j, const char *field, const char *where, int64_t *out, od_error *err)
{
    const json_t *v = json_object_get(j, field);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return od_error_set(err, OD_ERR_FORMAT, "%s: %s is missing or not a whole number of 0 or more", where, field);
    *out = json_integer_value(v);
    return OD_OK;
}

static od_status read_numbers(const json_t *j, const char *field, const char *where, double **out, size_t *n, od_error *err)
{
    const json_t *v = json_object_get(j, field);
    if (!json_is_array(v) || !json_array_size(v))
        return od_error_set(err, OD_ERR_FORMAT, "%s: %s is missing or not a list of numbers", where, field);
    *n = json_array_size(v);
    *out = od_malloc(*n, sizeof **out);
    if (!*out) return od_error_nomem(err, where);
    for (size_t i = 0; i < *n; i++) {
        const json_t *item = json_array_get(v, i);
        (*out)[i] = json_number_value(item);
        if (!json_is_number(item) || !isfinite((*out)[i]) || (i && (*out)[i] < (*out)[i - 1]))
            return od_error_set(err, OD_ERR_FORMAT, "%s: %s[%zu]: expected numbers that don't fall", where, field, i);
    }
    return OD_OK;
}

static od_status read_knots(const json_t *j, const char *where, od_score_map *m, od_error *err)
{
    size_t values = 0;
    OD_TRY(read_numbers(j, "x", where, &m->x, &m->num_knots, err));
    OD_TRY(read_numbers(j, "y", where, &m->y, &values, err));
    if (values != m->num_knots)
        return od_error_set(err, OD_ERR_FORMAT, "%s: x has %zu numbers and y %zu; expected as many", where, m->num_knots, values);
    if (m->y[0] < 0 || m->y[values - 1] > 1)
        return od_error_set(err, OD_ERR_FORMAT, "%s: y goes from %g to %g; expected shares from 0 to 1", where, m->y[0], m->y[values - 1]);
    return OD_OK;
}

static od_status read_map(const json_t *j, od_calibrator_kind kind, const char *where, od_score_map *m, od_error *err)
{
    if (!json_is_object(j)) return od_error_set(err, OD_ERR_FORMAT, "%s: is missing or not an object", where);
    OD_TRY(read_count(j, "right", where, &m->right, err));
    OD_TRY(read_count(j, "wrong", where, &m->wrong, err));
    if (kind == OD_CALIBRATOR_ISOTONIC) return read_knots(j, where, m, err);
    OD_TRY(read_number(j, "a", where, &m->a, err));
    return read_number(j, "b", where, &m->b, err);
}

static od_status read_classes(od_calibrator *c, json_t *classes, const char *where, od_error *err)
{
    const char *name;
    json_t *item;
    char place[600];
    if (!json_is_object(classes)) return od_error_set(err, OD_ERR_FORMAT, "%s: calibrator: classes is missing or not an object", where);
    c->classes = od_calloc(json_object_size(classes), sizeof *c->classes);
    if (!c->classes) return od_error_nomem(err, where);
    json_object_foreach(classes, name, item) {
        od_class_map *m = &c->classes[c->num_classes];
        m->name = od_strdup(name);
        if (!m->name) return od_error_nomem(err, where);
        c->num_classes++;
        snprintf(place, sizeof place, "%.200s: calibrator: class %.200s", where, name);
        OD_TRY(read_map(item, c->kind, place, &m->map, err));
    }
    return OD_OK;
}

static od_status read_all(od_calibrator *c, const json_t *j, const char *where, od_error *err)
{
    char place[600];
    const char *kind = json_string_value(json_object_get(j, "kind"));
    if (!kind || (strcmp(kind, "platt") && strcmp(kind, "isotonic")))
        return od_error_set(err, OD_ERR_FORMAT, "%s: calibrator: kind is '%s'; expected platt or isotonic", where, kind ? kind : "");
    c->kind = strcmp(kind, "platt") ? OD_CALIBRATOR_ISOTONIC : OD_CALIBRATOR_PLATT;
    snprintf(place, sizeof place, "%.200s: calibrator: all", where);
    OD_TRY(read_map(json_object_get(j, "all"), c->kind, place, &c->all, err));
    return read_classes(c, json_object_get(j, "classes"), where, err);
}

od_status od_calibrator_from_json(od_calibrator **out, const json_t *j, const char *where, od_error *err)
{
    od_calibrator *c = od_calloc(1, sizeof *c);
    if (!c) return od_error_nomem(err, where);
    od_status status = read_all(c, j, where, err);
    if (status == OD_OK)
        *out = c;
    else
        od_calibrator_free(c);
    return status;
}
