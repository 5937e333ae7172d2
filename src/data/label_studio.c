/* SPDX-License-Identifier: Apache-2.0 */
#include "data/label_studio.h"

#include "data/mask_tools.h"
#include "data/object_marks.h"
#include "util/alloc.h"
#include "util/file.h"

#include <ctype.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct task_reader {
    const char *path;
    long line;            /* of the task */
    long long id;         /* of the task, or -1 */
    od_task_index *index; /* when scanning */
    od_example *out;
    size_t capacity;
    const char **region_ids; /* of out->objects, pointing into the JSON; freed with the reader */
    size_t region_capacity;
    float *outline;          /* of the region being read: x, y in parts of the image; freed with the reader */
    size_t outline_size, outline_capacity;
    od_mask *mask;           /* of the region being read, or NULL */
    int masks;               /* brushes become masks, not only boxes */
    od_error *err;
} task_reader;

static od_status fail(const task_reader *r, od_status status, const char *what, const char *value)
{
    char task[32] = "";
    if (r->id >= 0) snprintf(task, sizeof task, "task %lld: ", r->id);
    return od_error_set(r->err, status, "%s:%ld: %s%s%s%.100s%s", r->path, r->line, task, what, value ? " \"" : "", value ? value : "",
                        value ? "\"" : "");
}

/* --- images' addresses ------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *od_label_studio_image_name(const char *address)
{
    const char *local = strstr(address, "?d="), *start = local ? local + 3 : address;
    const char *scheme = local ? NULL : strstr(address, "://");
    if (scheme) start = od_path_base(scheme + 3);
    if (!local && !strncmp(start, "/data/", 6)) start = od_path_base(start);
    size_t n = local ? strcspn(start, "&#") : strcspn(start, "?#");
    char *name = od_strndup(start, n), *w = name;
    for (const char *p = name; p && *p; p++) {
        int high = *p == '%' ? hex_value(p[1]) : -1, low = high >= 0 ? hex_value(p[2]) : -1;
        int zero = high == 0 && low == 0;
        *w++ = low >= 0 && !zero ? (char)(high * 16 + low) : *p;
        if (low >= 0 && !zero) p += 2;
    }
    if (name) *w = 0;
    return name;
}

static int looks_like_image(const char *text)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".dcm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        for (const char *p = text; *p; p++) {
            size_t n = strlen(endings[i]);
            if (tolower((unsigned char)*p) == '.' && !strncasecmp(p, endings[i], n) && (!p[n] || strchr("?&#", p[n]))) return 1;
        }
    return 0;
}

/* The address among the task's data: under "image", else the first text that ends like one. NULL: none. */
static const char *find_address(json_t *data)
{
    const char *key, *usual = json_string_value(json_object_get(data, "image"));
    json_t *value;
    if (usual) return usual;
    json_object_foreach(data, key, value)
        if (json_is_string(value) && looks_like_image(json_string_value(value))) return json_string_value(value);
    return NULL;
}

/* --- regions ---------------------------------------------------------------------------------------------------------- */

static od_status number(const task_reader *r, json_t *value, const char *key, double *out)
{
    json_t *v = json_object_get(value, key);
    if (!json_is_number(v) || !isfinite(json_number_value(v))) {
        char what[64];
        snprintf(what, sizeof what, "a region's %s must be a number (percent of the image)", key);
        return fail(r, OD_ERR_FORMAT, what, json_string_value(v));
    }
    *out = json_number_value(v);
    return OD_OK;
}

/* Bounds in percent: ymin, xmin, ymax, xmax. */
static od_status take_rectangle(task_reader *r, json_t *value, double box[4])
{
    double x = 0, y = 0, width = 0, height = 0;
    OD_TRY(number(r, value, "x", &x));
    OD_TRY(number(r, value, "y", &y));
    OD_TRY(number(r, value, "width", &width));
    OD_TRY(number(r, value, "height", &height));
    box[0] = y, box[1] = x, box[2] = y + height, box[3] = x + width;
    return OD_OK;
}

static od_status add_point(task_reader *r, double x, double y, double box[4])
{
    box[0] = fmin(box[0], y), box[2] = fmax(box[2], y);
    box[1] = fmin(box[1], x), box[3] = fmax(box[3], x);
    if (od_grow(&r->outline, &r->outline_capacity, r->outline_size + 2, sizeof *r->outline)) return od_error_nomem(r->err, "an outline");
    r->outline[r->outline_size++] = (float)(x / 100);
    r->outline[r->outline_size++] = (float)(y / 100);
    return OD_OK;
}

static od_status take_ellipse(task_reader *r, json_t *value, double box[4])
{
    double x = 0, y = 0, rx = 0, ry = 0;
    OD_TRY(number(r, value, "x", &x));
    OD_TRY(number(r, value, "y", &y));
    OD_TRY(number(r, value, "radiusX", &rx));
    OD_TRY(number(r, value, "radiusY", &ry));
    double unused[4] = {0}, point[2];
    for (int k = 0; k < OD_ELLIPSE_CORNERS; k++) {
        od_ellipse_corner(k, y, x, ry, rx, point);
        OD_TRY(add_point(r, point[1], point[0], unused));
    }
    box[0] = y - ry, box[1] = x - rx, box[2] = y + ry, box[3] = x + rx;
    return OD_OK;
}

static od_status take_polygon(task_reader *r, json_t *value, double box[4])
{
    json_t *points = json_object_get(value, "points"), *point;
    size_t i;
    box[0] = box[1] = INFINITY;
    box[2] = box[3] = -INFINITY;
    json_array_foreach(points, i, point) {
        json_t *x = json_array_get(point, 0), *y = json_array_get(point, 1);
        if (!json_is_number(x) || !json_is_number(y)) return fail(r, OD_ERR_FORMAT, "a polygon's points must be pairs of numbers", NULL);
        OD_TRY(add_point(r, json_number_value(x), json_number_value(y), box));
    }
    return box[0] <= box[2] ? OD_OK : fail(r, OD_ERR_FORMAT, "a polygon has no points", NULL);
}

/* The mask of a brush, and its bounds. */
static od_status take_brush(task_reader *r, json_t *value, double box[4])
{
    json_t *rle = json_object_get(value, "rle"), *v;
    size_t n = json_array_size(rle), i;
    int height = r->out->height, width = r->out->width;
    if (!height || !width) return fail(r, OD_ERR_FORMAT, "a brush needs original_width and original_height of its region", NULL);
    uint8_t *bytes = od_malloc(n + 1, 1);
    if (!bytes) return od_error_nomem(r->err, "a brush");
    json_array_foreach(rle, i, v) bytes[i] = (uint8_t)json_integer_value(v);
    od_error problem = {0};
    od_status status = od_mask_from_brush(&r->mask, height, width, bytes, n, &problem);
    od_free(bytes);
    if (status == OD_ERR_NOMEM) return od_error_nomem(r->err, "a brush");
    if (status != OD_OK) return fail(r, status, problem.message, NULL);
    int32_t bounds[4]; /* y, x, height, width */
    od_mask_bounds(r->mask, bounds);
    for (int k = 0; k < 2; k++) {
        double size = k ? width : height;
        box[k] = 100 * bounds[k] / size;
        box[k + 2] = 100 * ((double)bounds[k] + bounds[k + 2]) / size;
    }
    return OD_OK;
}

static od_status add_object(task_reader *r, const double box[4], uint32_t flags, const char *label, const char *id)
{
    od_example *e = r->out;
    size_t n = (size_t)e->object_count + 1;
    if (n > INT_MAX || od_grow(&e->objects, &r->capacity, n, sizeof *e->objects) ||
        od_grow(&r->region_ids, &r->region_capacity, n, sizeof *r->region_ids))
        return od_error_nomem(r->err, "boxes");
    od_object *o = &e->objects[e->object_count];
    *o = (od_object){.weight = 1, .flags = flags};
    for (int k = 0; k < 4; k++) o->box[k] = (float)(box[k] / 100);
    o->outline_points = (int)(r->outline_size / 2);
    if (r->outline_size && !(o->outline = od_example_keep_floats(e, r->outline, r->outline_size))) return od_error_nomem(r->err, "an outline");
    if (r->masks && r->mask) {
        od_mask *own;
        OD_TRY(od_mask_copy(&own, r->mask, r->err));
        if (!(o->mask = od_example_keep_mask(e, own))) return od_error_nomem(r->err, "a mask");
        o->flags &= ~(uint32_t)OD_OBJECT_OUTLINE;
    }
    r->region_ids[e->object_count++] = id;
    return (o->class_text = od_example_keep_text(e, label, strlen(label))) ? OD_OK : od_error_nomem(r->err, "class names");
}

static void take_size(task_reader *r, json_t *region)
{
    double w = json_number_value(json_object_get(region, "original_width")), h = json_number_value(json_object_get(region, "original_height"));
    if (w >= 1 && w <= INT_MAX && h >= 1 && h <= INT_MAX) r->out->width = (int)w, r->out->height = (int)h;
}

/* Whether the region stands upright; in a scan a rotated one is counted and left to the reading. */
static od_status check_upright(const task_reader *r, json_t *region, json_t *value, int *upright)
{
    double turn = json_number_value(json_object_get(value, "rotation")), image = json_number_value(json_object_get(region, "image_rotation"));
    *upright = turn == 0 && image == 0;
    if (*upright) return OD_OK;
    if (r->index) return r->index->rotated++, OD_OK;
    char what[200];
    const char *id = json_string_value(json_object_get(region, "id"));
    snprintf(what, sizeof what, "%s is rotated by %g degrees; only upright boxes are read: set its rotation to 0, or draw a polygon; region",
             turn != 0 ? "a region" : "the image", turn != 0 ? turn : image);
    return fail(r, OD_ERR_UNSUPPORTED, what, id ? id : "without id");
}

static const struct { const char *labels; od_status (*take)(task_reader *r, json_t *value, double box[4]); uint32_t flags; } shapes[] = {
    {"rectanglelabels", take_rectangle, 0},
    {"polygonlabels", take_polygon, OD_OBJECT_OUTLINE},
    {"ellipselabels", take_ellipse, OD_OBJECT_OUTLINE},
    {"brushlabels", take_brush, OD_OBJECT_OUTLINE},
    {"labels", take_rectangle, 0}};

static od_status take_shape(task_reader *r, json_t *region, json_t *value)
{
    const char *id = json_string_value(json_object_get(region, "id"));
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        json_t *labels = json_object_get(value, shapes[s].labels), *label;
        double box[4];
        int upright;
        size_t i;
        if (!json_array_size(labels) || (shapes[s].take == take_rectangle && !json_object_get(value, "width"))) continue;
        take_size(r, region);
        r->outline_size = 0;
        OD_TRY(check_upright(r, region, value, &upright));
        if (!upright) return OD_OK;
        OD_TRY(shapes[s].take(r, value, box));
        if (shapes[s].take == take_brush && box[2] <= box[0]) break; /* no pixel */
        json_array_foreach(labels, i, label) {
            const char *name = json_string_value(label);
            if (!name || !*name) return fail(r, OD_ERR_FORMAT, "a region's label must be a text", NULL);
            OD_TRY(add_object(r, box, shapes[s].flags, name, id));
        }
        return OD_OK;
    }
    if (r->index && !json_object_get(value, "choices")) r->index->regions++;
    return OD_OK;
}

/* A region: `value` holds its shape and labels (in JSON-MIN it is the region itself). */
static od_status take_region(task_reader *r, json_t *region, json_t *value)
{
    od_status status = take_shape(r, region, value);
    od_free(r->mask);
    r->mask = NULL;
    return status;
}

/* Choices of a region are its marks. */
static void take_marks(task_reader *r, json_t *region)
{
    const char *id = json_string_value(json_object_get(region, "id"));
    json_t *choices = json_object_get(json_object_get(region, "value"), "choices"), *choice;
    size_t k;
    for (int i = 0; id && i < r->out->object_count; i++) {
        if (!r->region_ids[i] || strcmp(r->region_ids[i], id)) continue;
        json_array_foreach(choices, k, choice)
            if (json_is_string(choice)) od_object_take_mark(r->out, &r->out->objects[i], json_string_value(choice), "true");
    }
}

static od_status take_result(task_reader *r, json_t *result)
{
    json_t *region;
    size_t i;
    if (!json_is_array(result)) return fail(r, OD_ERR_FORMAT, "an annotation's result must be a list", NULL);
    json_array_foreach(result, i, region)
        if (json_is_object(json_object_get(region, "value"))) OD_TRY(take_region(r, region, json_object_get(region, "value")));
    json_array_foreach(result, i, region) take_marks(r, region);
    return OD_OK;
}

/* --- tasks ------------------------------------------------------------------------------------------------------------ */

/* The annotation that counts: the ground truth, else the first that wasn't skipped. NULL: nobody has annotated. */
static json_t *choose_annotation(const task_reader *r, json_t *annotations)
{
    json_t *chosen = NULL, *a;
    size_t i;
    int n = 0;
    json_array_foreach(annotations, i, a) {
        if (json_is_true(json_object_get(a, "was_cancelled"))) continue;
        n++;
        if (!chosen || (json_is_true(json_object_get(a, "ground_truth")) && !json_is_true(json_object_get(chosen, "ground_truth")))) chosen = a;
    }
    if (r->index && n > 1) r->index->others += n - 1;
    return chosen;
}

/* JSON-MIN: every list of regions counts, whatever its control is called. */
static od_status take_minimal(task_reader *r, json_t *task)
{
    const char *key;
    json_t *value, *region;
    size_t i;
    json_object_foreach(task, key, value)
        json_array_foreach(value, i, region)
            if (json_is_object(region)) OD_TRY(take_region(r, region, region));
    return OD_OK;
}

static od_status take_names(task_reader *r, json_t *task, json_t *data)
{
    const char *address = find_address(data);
    if (!address)
        return fail(r, OD_ERR_FORMAT, "names no image; expected Label Studio's export, with \"data\": {\"image\": ...} (JSON) or \"image\" (JSON-MIN). "
                                      "The file is a list (COCO results?)", NULL);
    json_t *id = json_object_get(task, "id");
    r->out->filename = od_label_studio_image_name(address);
    r->out->source_id = json_is_integer(id) ? od_asprintf("%lld", (long long)json_integer_value(id)) : od_strdup(json_string_value(id) ? json_string_value(id) : "");
    return r->out->filename && r->out->source_id ? OD_OK : od_error_nomem(r->err, r->path);
}

/* *annotated: somebody has looked at it. */
static od_status take_task(task_reader *r, json_t *task, int *annotated)
{
    *annotated = 1;
    if (!json_is_object(task)) return fail(r, OD_ERR_FORMAT, "a task must be an object", NULL);
    json_t *id = json_object_get(task, "id"), *data = json_object_get(task, "data");
    r->id = json_is_integer(id) ? (long long)json_integer_value(id) : -1;
    OD_TRY(take_names(r, task, json_is_object(data) ? data : task));
    if (!json_is_object(data)) return take_minimal(r, task);
    json_t *annotations = json_object_get(task, "annotations");
    if (!annotations) annotations = json_object_get(task, "completions"); /* before version 1.0 */
    json_t *chosen = choose_annotation(r, annotations);
    *annotated = chosen != NULL;
    return chosen ? take_result(r, json_object_get(chosen, "result")) : OD_OK;
}

static od_status parse_task(task_reader *r, const char *bytes, size_t size, int *annotated)
{
    json_error_t why;
    json_t *task = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
    if (!task) return od_error_set(r->err, OD_ERR_FORMAT, "%s:%ld: not valid JSON: %s", r->path, r->line + why.line - 1, why.text);
    od_status status = take_task(r, task, annotated);
    od_free(r->region_ids);
    od_free(r->outline);
    json_decref(task);
    return status;
}

static od_status scan_task(od_task_index *x, od_task_place place, const char *bytes, const char *path, od_error *err)
{
    od_example e = {0};
    task_reader r = {.path = path, .line = place.line, .id = -1, .index = x, .out = &e, .err = err};
    int annotated = 0;
    od_status status = parse_task(&r, bytes + place.offset, (size_t)place.size, &annotated);
    for (int i = 0; i < e.object_count && status == OD_OK; i++) status = od_class_list_add(&x->classes, e.objects[i].class_text, 0, err);
    od_example_deinit(&e);
    OD_TRY(status);
    if (!annotated) return x->open++, OD_OK;
    if (od_grow(&x->tasks, &x->capacity, x->count + 1, sizeof *x->tasks)) return od_error_nomem(err, "tasks");
    x->tasks[x->count++] = place;
    return OD_OK;
}

/* The end of the value that starts at `at`: brackets outside texts are balanced. `size` when it has none. */
static size_t end_of_object(const char *bytes, size_t size, size_t at, long *line)
{
    int depth = 0, text = 0;
    for (; at < size; at++) {
        char c = bytes[at];
        if (c == '\n') ++*line;
        if (text) {
            if (c == '\\') at++;
            if (c == '"') text = 0;
        } else if (c == '"') {
            text = 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth <= 0) {
            return at + 1;
        }
    }
    return size;
}

od_status od_label_studio_scan(od_task_index *out, const char *bytes, size_t size, const char *path, od_error *err)
{
    size_t at = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
    long line = 1;
    int begun = 0, comma = 0;
    for (; at < size; at++) {
        char c = bytes[at];
        if (c == '\n') line++;
        if (isspace((unsigned char)c)) continue;
        if (!begun && c == '[') {
            begun = 1;
        } else if (begun && c == ']') {
            return OD_OK;
        } else if (begun && c == ',' && comma) {
            comma = 0;
        } else if (begun && c == '{' && !comma) {
            long first = line;
            size_t end = end_of_object(bytes, size, at, &line);
            if (end - at > INT32_MAX || first > INT32_MAX) return od_error_set(err, OD_ERR_FORMAT, "%s:%ld: a task is too long", path, first);
            OD_TRY(scan_task(out, (od_task_place){(int64_t)at, (int32_t)(end - at), (int32_t)first}, bytes, path, err));
            at = end - 1;
            comma = 1;
        } else {
            break;
        }
    }
    if (at >= size) return od_error_set(err, OD_ERR_FORMAT, "%s:%ld: not valid JSON: the list of tasks isn't closed", path, line);
    return od_error_set(err, OD_ERR_FORMAT, "%s:%ld: expected Label Studio's export, a list of tasks [{...}, {...}]; found '%c'", path, line,
                        isprint((unsigned char)bytes[at]) ? bytes[at] : '?');
}

void od_task_index_deinit(od_task_index *index)
{
    od_free(index->tasks);
    od_class_list_deinit(&index->classes);
    *index = (od_task_index){0};
}

od_status od_label_studio_read(const od_task_index *index, size_t number_of_task, const char *bytes, const char *path, int masks, od_example *out,
                               od_error *err)
{
    const od_task_place *p = &index->tasks[number_of_task];
    task_reader r = {.path = path, .line = p->line, .id = -1, .out = out, .masks = masks, .err = err};
    int annotated;
    return parse_task(&r, bytes + p->offset, (size_t)p->size, &annotated);
}
