/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/coco_load.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

int od_coco_complain(od_coco_complaint c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c.message, c.size, format, args);
    va_end(args);
    return 0;
}

int od_coco_read_id(od_json *j, const char *field, od_coco_id *out, od_coco_complaint c)
{
    char kind = od_json_peek(j);
    *out = (od_coco_id){.kind = kind};
    if (kind == '"') return od_json_string(j, &out->text);
    if (kind != '0') return od_coco_complain(c, "%s is %s; expected a whole number or a string", field, od_json_kind_name(kind));
    od_json_number n;
    if (!od_json_read_number(j, &n)) return 0;
    if (!n.is_integer) return od_coco_complain(c, "%s is %g; expected a whole number or a string", field, n.value);
    out->number = n.integer;
    return 1;
}

int od_coco_read_number(od_json *j, const char *field, double *out, od_coco_complaint c)
{
    char kind = od_json_peek(j);
    if (kind != '0') return od_coco_complain(c, "%s is %s; expected a number", field, od_json_kind_name(kind));
    od_json_number n;
    if (!od_json_read_number(j, &n)) return 0;
    if (!isfinite(n.value)) return od_coco_complain(c, "%s is %g; expected a finite number", field, n.value);
    *out = n.value;
    return 1;
}

int od_coco_read_box(od_json *j, od_coco_box *out, od_coco_complaint c)
{
    static const char expected[] = "expected four numbers: x, y, width, height";
    char kind = od_json_peek(j);
    if (kind != '[') return od_coco_complain(c, "bbox is %s; %s", od_json_kind_name(kind), expected);
    double v[4];
    int n = 0, more = od_json_enter(j, '[');
    for (; more > 0; more = od_json_next(j, ']')) {
        if (n == 4) return od_coco_complain(c, "bbox has more than four numbers; %s", expected);
        if (!od_coco_read_number(j, "a bbox value", &v[n++], c)) return 0;
    }
    if (more < 0) return 0;
    if (n < 4) return od_coco_complain(c, "bbox has %d numbers; %s", n, expected);
    *out = (od_coco_box){v[0], v[1], v[2], v[3]};
    return 1;
}

int od_coco_read_string(od_json *j, const char *field, od_json_text *out, od_coco_complaint c)
{
    char kind = od_json_peek(j);
    if (kind != '"') return od_coco_complain(c, "%s is %s; expected a string", field, od_json_kind_name(kind));
    return od_json_string(j, out);
}

int od_coco_read_segment(od_json *j, const char **out, uint32_t *size, od_coco_complaint c)
{
    char kind = od_json_peek(j);
    const char *from = j->p;
    *out = NULL;
    if (!od_json_skip(j)) return 0;
    if (kind != '[' && kind != '{') return 1;
    if (j->p - from > UINT32_MAX) return od_coco_complain(c, "segmentation is over 4 GB");
    *out = from;
    *size = (uint32_t)(j->p - from);
    return 1;
}

const char *od_coco_id_text(const od_coco_id *id, char *buffer, size_t size)
{
    if (id->kind == '"')
        snprintf(buffer, size, "'%.*s'", (int)(id->text.size < 200 ? id->text.size : 200), id->text.bytes);
    else
        snprintf(buffer, size, "%" PRId64, id->number);
    return buffer;
}
