/* SPDX-License-Identifier: Apache-2.0
 *
 * od_data_info: one pass over the annotations, then the report as text or JSON.
 */
#include "data/data_input.h"
#include "util/alloc.h"
#include "util/strbuf.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A box with a side under this many pixels is called tiny. */
#define TINY_SIDE 2.0

typedef struct class_count {
    int32_t id;
    int64_t boxes, images, last_image;
} class_count;

typedef struct data_info {
    const od_dataset *ds;
    int64_t images, null_images, unreadable, boxes, most_boxes;
    int64_t small, medium, large, tiny, crowd, difficult;
    class_count *classes; /* by id */
    int class_count;
    int *widths, *heights; /* of the images whose size is known */
    size_t sized;
    int smallest[2], largest[2]; /* by pixels */
    char *first_error;
} data_info;

static void info_deinit(data_info *info)
{
    od_free(info->classes);
    od_free(info->widths);
    od_free(info->heights);
    od_free(info->first_error);
}

static od_status info_init(data_info *info, const od_dataset *ds, od_error *err)
{
    const od_label_map *map = od_dataset_label_map(ds);
    *info = (data_info){.ds = ds, .class_count = od_label_map_count(map)};
    size_t n = (size_t)od_dataset_size(ds);
    info->classes = od_calloc((size_t)info->class_count, sizeof *info->classes);
    info->widths = od_malloc(n, sizeof *info->widths);
    info->heights = od_malloc(n, sizeof *info->heights);
    if (!info->classes || !info->widths || !info->heights) return od_error_nomem(err, "statistics");
    for (int i = 0; i < info->class_count; i++) info->classes[i] = (class_count){od_label_map_id(map, i), 0, 0, -1};
    return OD_OK;
}

static class_count *find_class(data_info *info, int32_t id)
{
    int low = 0, high = info->class_count;
    while (low < high) {
        int mid = (low + high) / 2;
        if (info->classes[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < info->class_count && info->classes[low].id == id ? &info->classes[low] : NULL;
}

static void count_box(data_info *info, const od_example *e, const od_object *o, int64_t image)
{
    class_count *c = o->label > 0 ? find_class(info, o->label) : NULL;
    if (c) {
        c->boxes++;
        c->images += c->last_image != image;
        c->last_image = image;
    }
    info->boxes++;
    info->crowd += (o->flags & OD_OBJECT_CROWD) != 0;
    info->difficult += (o->flags & OD_OBJECT_DIFFICULT) != 0;
    double h = ((double)o->box[2] - o->box[0]) * e->height, w = ((double)o->box[3] - o->box[1]) * e->width;
    if (!isfinite(h) || !isfinite(w) || h < 0 || w < 0 || e->width < 1 || e->height < 1) return;
    info->tiny += h < TINY_SIDE || w < TINY_SIDE;
    /* pycocotools' areaRng */
    if (h * w < 32 * 32)
        info->small++;
    else if (h * w < 96 * 96)
        info->medium++;
    else
        info->large++;
}

static void count_size(data_info *info, int width, int height)
{
    if (width < 1 || height < 1) return;
    int64_t pixels = (int64_t)width * height;
    if (!info->sized || pixels < (int64_t)info->smallest[0] * info->smallest[1])
        info->smallest[0] = width, info->smallest[1] = height;
    if (!info->sized || pixels > (int64_t)info->largest[0] * info->largest[1])
        info->largest[0] = width, info->largest[1] = height;
    info->widths[info->sized] = width;
    info->heights[info->sized++] = height;
}

static od_status count_all(data_info *info, od_error *err)
{
    for (int64_t i = 0; i < od_dataset_size(info->ds); i++) {
        od_example e = {0};
        od_error why = {0};
        od_status status = od_dataset_read_annotations(info->ds, i, &e, &why);
        if (status == OD_OK) {
            info->images++;
            info->null_images += !e.object_count;
            if (e.object_count > info->most_boxes) info->most_boxes = e.object_count;
            count_size(info, e.width, e.height);
            for (int k = 0; k < e.object_count; k++) count_box(info, &e, &e.objects[k], i);
        } else if (!info->unreadable++) {
            info->first_error = od_strdup(why.message);
        }
        od_example_deinit(&e);
        if (status == OD_ERR_NOMEM || (status != OD_OK && !info->first_error)) return od_error_nomem(err, "statistics");
    }
    return OD_OK;
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static int median(int *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static const struct { const char *key, *text; } issue_lines[] = {
    [OD_ISSUE_NAN] = {"not_finite", "with a corner that is not a number"},
    [OD_ISSUE_INVERTED] = {"inverted", "inverted (max < min)"},
    [OD_ISSUE_EMPTY] = {"empty", "empty (no area)"},
    [OD_ISSUE_EMPTY_COCO] = {"not_positive", "with a width or height that is not positive"},
    [OD_ISSUE_OUTSIDE] = {"outside", "partly or wholly outside the image"},
    [OD_ISSUE_UNKNOWN_CLASS] = {"unknown_class", "of a class that is not in the label map"},
    [OD_ISSUE_UNKNOWN_ID] = {"unknown_id", "with a class id that is not in the label map"},
    [OD_ISSUE_IMAGE_SIZE] = {"image_size", NULL},
};

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "es";
}

static void print_classes(const data_info *info, od_strbuf *t)
{
    const od_label_map *map = od_dataset_label_map(info->ds);
    int width = 4;
    for (int i = 0; i < info->class_count; i++) {
        int n = (int)strlen(od_label_map_name(map, info->classes[i].id));
        if (n > width) width = n < 40 ? n : 40;
    }
    od_strbuf_printf(t, "classes      %d\n  %6s  %-*s %9s %9s\n", info->class_count, "id", width, "name", "boxes", "images");
    for (int i = 0; i < info->class_count; i++) {
        const class_count *c = &info->classes[i];
        od_strbuf_printf(t, "  %6d  %-*s %9lld %9lld\n", (int)c->id, width, od_label_map_name(map, c->id), (long long)c->boxes,
                         (long long)c->images);
    }
}

static void print_problems(const data_info *info, od_strbuf *t)
{
    size_t start = t->size;
    for (int k = 0; k < OD_ISSUE_COUNT; k++) {
        long long n = (long long)od_dataset_issue_count(info->ds, (od_dataset_issue)k);
        if (n && issue_lines[k].text) od_strbuf_printf(t, "  %lld box%s %s\n", n, plural(n), issue_lines[k].text);
    }
    if (info->tiny)
        od_strbuf_printf(t, "  %lld box%s tiny (a side under %g pixels)\n", (long long)info->tiny, plural(info->tiny), TINY_SIDE);
    if (info->unreadable)
        od_strbuf_printf(t, "  %lld image%s not readable; the first: %s\n", (long long)info->unreadable,
                         info->unreadable == 1 ? "" : "s", info->first_error);
    od_strbuf_puts(t, t->size == start ? "problems     none\n" : "");
}

static void print_text(data_info *info, od_strbuf *t)
{
    od_strbuf_printf(t, "%s\n", od_dataset_describe(info->ds));
    od_strbuf_printf(t, "images       %lld, %lld of them without boxes\n", (long long)info->images, (long long)info->null_images);
    od_strbuf_printf(t, "boxes        %lld, %.2f an image, at most %lld", (long long)info->boxes,
                     info->images ? (double)info->boxes / (double)info->images : 0.0, (long long)info->most_boxes);
    if (info->crowd) od_strbuf_printf(t, "; %lld crowd", (long long)info->crowd);
    if (info->difficult) od_strbuf_printf(t, "; %lld difficult", (long long)info->difficult);
    od_strbuf_puts(t, "\n");
    print_classes(info, t);
    if (info->sized)
        od_strbuf_printf(t, "image sizes  %dx%d to %dx%d, median %dx%d\n", info->smallest[0], info->smallest[1],
                         info->largest[0], info->largest[1], median(info->widths, info->sized),
                         median(info->heights, info->sized));
    od_strbuf_printf(t, "box sizes    small %lld (under 32x32 pixels), medium %lld, large %lld (96x96 and more)\n",
                     (long long)info->small, (long long)info->medium, (long long)info->large);
    print_problems(info, t);
}

static json_t *json_size(const int size[2])
{
    return json_pack("[i,i]", size[0], size[1]);
}

static json_t *json_classes(const data_info *info)
{
    json_t *list = json_array();
    for (int i = 0; i < info->class_count; i++) {
        const class_count *c = &info->classes[i];
        json_array_append_new(list, json_pack("{s:i,s:s,s:I,s:I}", "id", (int)c->id, "name",
                                              od_label_map_name(od_dataset_label_map(info->ds), c->id), "boxes",
                                              (json_int_t)c->boxes, "images", (json_int_t)c->images));
    }
    return list;
}

static json_t *json_problems(const data_info *info)
{
    json_t *problems = json_object();
    for (int k = 0; k < OD_ISSUE_COUNT; k++)
        if (issue_lines[k].text)
            json_object_set_new(problems, issue_lines[k].key,
                                json_integer((json_int_t)od_dataset_issue_count(info->ds, (od_dataset_issue)k)));
    json_object_set_new(problems, "tiny", json_integer((json_int_t)info->tiny));
    json_object_set_new(problems, "unreadable", json_integer((json_int_t)info->unreadable));
    if (info->first_error) json_object_set_new(problems, "first_unreadable", json_string_nocheck(info->first_error));
    return problems;
}

static int print_json(data_info *info, od_strbuf *t)
{
    int middle[2] = {0, 0};
    if (info->sized) middle[0] = median(info->widths, info->sized), middle[1] = median(info->heights, info->sized);
    json_t *root = json_pack(
        "{s:s,s:I,s:I,s:I,s:I,s:I,s:o,s:{s:o,s:o,s:o},s:{s:I,s:I,s:I},s:o}", "input", od_dataset_describe(info->ds), "images",
        (json_int_t)info->images, "null_images", (json_int_t)info->null_images, "boxes", (json_int_t)info->boxes, "crowd",
        (json_int_t)info->crowd, "difficult", (json_int_t)info->difficult, "classes", json_classes(info), "image_sizes",
        "smallest", json_size(info->smallest), "median", json_size(middle), "largest", json_size(info->largest), "box_sizes",
        "small", (json_int_t)info->small, "medium", (json_int_t)info->medium, "large", (json_int_t)info->large, "problems",
        json_problems(info));
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text) return -1;
    od_strbuf_puts(t, text);
    od_strbuf_puts(t, "\n");
    free(text);
    return 0;
}

static od_status report(const od_dataset *ds, int json, char **text, od_error *err)
{
    data_info info;
    od_strbuf t = {0};
    od_status status = info_init(&info, ds, err);
    if (status == OD_OK) status = count_all(&info, err);
    if (status == OD_OK) {
        int failed = 0;
        if (json)
            failed = print_json(&info, &t);
        else
            print_text(&info, &t);
        if (failed) status = od_error_set(err, OD_ERR_FORMAT, "the report can't be JSON: a name or path in it isn't UTF-8");
        if (od_strbuf_failed(&t)) status = od_error_nomem(err, "the report");
    }
    info_deinit(&info);
    if (status == OD_OK)
        *text = t.data;
    else
        od_strbuf_deinit(&t);
    return status;
}

od_status od_data_info(const od_data_input *input, int json, char **text, od_error *err)
{
    od_opened_input in;
    od_status status = od_data_input_open(&in, input, 1, OD_MASKS_NONE, err);
    if (status == OD_OK) status = report(in.ds, json, text, err);
    od_data_input_close(&in);
    return status;
}

void od_data_text_free(char *text)
{
    od_free(text);
}
