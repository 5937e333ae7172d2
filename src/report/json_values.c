/* SPDX-License-Identifier: Apache-2.0 */
#include "report/json_values.h"

#include "report/escape.h"

#include <math.h>

json_t *od_report_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *od_report_json_text(const char *text)
{
    if (!text) return json_null();
    json_t *plain = json_string(text);
    if (plain) return plain;
    od_strbuf b = {0};
    od_utf8_repair(&b, text);
    json_t *out = od_strbuf_failed(&b) ? NULL : json_string(b.data ? b.data : "");
    od_strbuf_deinit(&b);
    return out;
}

json_t *od_report_json_interval(const od_interval *v)
{
    json_t *out = json_object();
    json_object_set_new(out, "value", od_report_json_number(v->value));
    json_object_set_new(out, "low", od_report_json_number(v->low));
    json_object_set_new(out, "high", od_report_json_number(v->high));
    json_object_set_new(out, "se", od_report_json_number(v->se));
    json_object_set_new(out, "method", od_report_json_text(v->method));
    if (v->why_not) json_object_set_new(out, "why_not", od_report_json_text(v->why_not));
    if (v->total) {
        json_object_set_new(out, "count", json_integer((json_int_t)v->count));
        json_object_set_new(out, "total", json_integer((json_int_t)v->total));
    }
    return out;
}

json_t *od_report_json_texts(const od_texts *t)
{
    json_t *out = json_array();
    for (size_t i = 0; i < t->count; i++) json_array_append_new(out, od_report_json_text(t->items[i]));
    return out;
}

json_t *od_report_json_numbers(const double *values, size_t n)
{
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(out, od_report_json_number(values[i]));
    return out;
}

json_t *od_report_json_curve(const od_curve *c)
{
    if (!c->count) return json_null();
    json_t *out = json_object();
    json_object_set_new(out, "tag", od_report_json_text(c->tag));
    json_object_set_new(out, "steps", od_report_json_numbers(c->step, c->count));
    json_object_set_new(out, "values", od_report_json_numbers(c->value, c->count));
    return out;
}
