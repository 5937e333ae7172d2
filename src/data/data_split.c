/* SPDX-License-Identifier: Apache-2.0
 *
 * od_data_split_run: bundles what belongs together (the data check finds it), deals the bundles out, writes the parts.
 */
#include "objdet/data_split.h"

#include "data/convert.h"
#include "data/data_checker.h"
#include "data/stratify.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct splitter {
    const od_data_split_options *o;
    od_data_split_result out;
    od_opened_input in;
    od_data_check *check;
    double fractions[OD_DATA_SPLIT_MAX];
    char names[OD_DATA_SPLIT_MAX][64];
    int64_t image_count;
    int32_t *unit;     /* [images]: the first image of its bundle */
    int64_t *unit_row; /* [images]: row in content of a bundle's first image */
    uint8_t *part;     /* [units] */
    int64_t *content;  /* [units][classes + 2]: boxes by class, images, images without boxes */
    int classes;
    int64_t dropped[OD_DATA_KIND_COUNT]; /* what the format can't hold */
} splitter;

/* A format that isn't known, or knows other parts only, is told before the data is read. */
static od_status check_format(const splitter *s, od_error *err)
{
    od_data_output output = {.format = s->o->format, .path = s->o->output_dir};
    for (int p = 0; p < s->o->count; p++) {
        od_output_layout layout;
        od_status status = od_output_layout_init(&layout, &output, s->names[p], err);
        od_output_layout_deinit(&layout);
        OD_TRY(status);
    }
    return OD_OK;
}

static od_status check_options(splitter *s, od_error *err)
{
    static const char *const two[] = {"train", "test"}, *const three[] = {"train", "val", "test"};
    const od_data_split_options *o = s->o;
    double sum = 0;
    if (o->count < 2 || o->count > OD_DATA_SPLIT_MAX)
        return od_error_set(err, OD_ERR_ARG, "%d fractions; expected 2 to %d, e.g. .7,.15,.15", o->count, OD_DATA_SPLIT_MAX);
    if (!o->output_dir || !*o->output_dir) return od_error_set(err, OD_ERR_ARG, "no output folder is given");
    for (int i = 0; i < o->count; i++) {
        if (!(o->fractions[i] > 0)) return od_error_set(err, OD_ERR_ARG, "fraction %g; expected more than 0", o->fractions[i]);
        sum += o->fractions[i];
        const char *name = o->names ? o->names[i] : o->count == 2 ? two[i] : o->count == 3 ? three[i] : NULL;
        if (name)
            snprintf(s->names[i], sizeof s->names[i], "%s", name);
        else
            snprintf(s->names[i], sizeof s->names[i], "part%d", i + 1);
    }
    for (int i = 0; i < o->count; i++) s->fractions[i] = o->fractions[i] / sum;
    return o->format ? check_format(s, err) : OD_OK;
}

static od_status look_at_data(splitter *s, od_error *err)
{
    const od_data_split_options *o = s->o;
    od_data_split whole = {"data", o->input};
    od_data_check_options options = {.splits = &whole, .split_count = 1, .group_by = o->group_by, .group_regex = o->group_regex,
                                     .annotations_only = o->annotations_only, .num_threads = o->num_threads,
                                     .progress = o->progress, .progress_user = o->progress_user};
    OD_TRY(od_data_check_run(&options, &s->check, err));
    OD_TRY(od_data_input_open(&s->in, &o->input, 0, OD_MASKS_IF_ANY, err));
    s->image_count = od_dataset_size(s->in.ds);
    s->classes = od_label_map_count(od_dataset_label_map(s->in.ds));
    s->unit = od_malloc((size_t)s->image_count, sizeof *s->unit);
    s->unit_row = od_malloc((size_t)s->image_count, sizeof *s->unit_row);
    return s->unit && s->unit_row ? OD_OK : od_error_nomem(err, "splitting");
}

static int32_t root_of(int32_t *unit, int32_t i)
{
    while (unit[i] != i) i = unit[i] = unit[unit[i]];
    return i;
}

static void join(int32_t *unit, int32_t a, int32_t b)
{
    a = root_of(unit, a), b = root_of(unit, b);
    if (a < b) unit[b] = a;
    if (b < a) unit[a] = b;
}

/* Copies of one picture, images of one group and augmented copies by name become one bundle. */
static od_status bundle(splitter *s, od_error *err)
{
    const od_data_check_private *p = s->check->priv;
    int32_t *first_of_group = od_malloc((size_t)p->group_count, sizeof *first_of_group);
    od_hashmap originals = {0};
    od_status status = first_of_group ? OD_OK : od_error_nomem(err, "splitting");
    for (int32_t i = 0; i < s->image_count; i++) s->unit[i] = i;
    for (int32_t g = 0; status == OD_OK && g < p->group_count; g++) first_of_group[g] = -1;
    for (int32_t i = 0; status == OD_OK && i < s->image_count; i++) {
        const od_data_check_image *image = &p->images[i];
        int64_t at;
        join(s->unit, image->cluster, i);
        if (image->group >= 0 && first_of_group[image->group] < 0) first_of_group[image->group] = i;
        if (image->group >= 0) join(s->unit, first_of_group[image->group], i);
        if (image->original && od_hashmap_get(&originals, image->original, &at)) join(s->unit, (int32_t)at, i);
        else if (image->original && od_hashmap_set(&originals, image->original, i)) status = od_error_nomem(err, "splitting");
    }
    od_hashmap_deinit(&originals);
    od_free(first_of_group);
    return status;
}

static int class_index(const splitter *s, int32_t id)
{
    const od_label_map *map = od_dataset_label_map(s->in.ds);
    int low = 0, high = s->classes;
    while (low < high) {
        int mid = (low + high) / 2;
        if (od_label_map_id(map, mid) < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->classes && od_label_map_id(map, low) == id ? low : -1;
}

static od_status count_content(splitter *s, od_error *err)
{
    int columns = s->classes + 2;
    int64_t *sizes = od_calloc((size_t)s->image_count, sizeof *sizes);
    if (!sizes) return od_error_nomem(err, "splitting");
    for (int32_t i = 0; i < s->image_count; i++) sizes[root_of(s->unit, i)]++;
    for (int32_t i = 0; i < s->image_count; i++) {
        if (s->unit[i] == i) s->unit_row[i] = s->out.units++;
        if (sizes[root_of(s->unit, i)] > 1) s->out.bundled++;
    }
    od_free(sizes);
    s->content = od_calloc((size_t)s->out.units * (size_t)columns, sizeof *s->content);
    s->part = od_calloc((size_t)s->out.units, 1);
    if (!s->content || !s->part) return od_error_nomem(err, "splitting");
    for (int32_t i = 0; i < s->image_count; i++) {
        int64_t *row = s->content + s->unit_row[root_of(s->unit, i)] * columns;
        od_example e = {0};
        od_error why = {0};
        od_status status = od_dataset_read_annotations(s->in.ds, i, &e, &why);
        row[s->classes]++;
        row[s->classes + 1] += status == OD_OK && !e.object_count;
        for (int k = 0; status == OD_OK && k < e.object_count; k++) {
            int at = class_index(s, e.objects[k].label);
            if (at >= 0) row[at]++;
        }
        od_example_deinit(&e);
        if (status == OD_ERR_NOMEM) return od_error_nomem(err, "splitting");
    }
    return OD_OK;
}

static int part_of(const splitter *s, int64_t image)
{
    return s->part[s->unit_row[root_of(s->unit, (int32_t)image)]];
}

/* --- writing -------------------------------------------------------------------------------------------------------------- */

static od_status write_names(const splitter *s, const int64_t *indices, int64_t n, const char *path, od_error *err)
{
    od_strbuf t = {0};
    for (int64_t i = 0; i < n; i++) od_strbuf_printf(&t, "%s\n", s->check->priv->images[indices[i]].name);
    od_status status = od_strbuf_failed(&t) ? od_error_nomem(err, path) : od_file_write_all(path, t.data ? t.data : "", t.size, err);
    od_strbuf_deinit(&t);
    return status;
}

static int from_records(const splitter *s)
{
    return strstr(od_dataset_describe(s->in.ds), "(TFRecord") != NULL;
}

static const char *format_of(const splitter *s)
{
    return s->o->format ? s->o->format : from_records(s) ? "tfrecord" : "coco";
}

/* COCO out of records gets a folder a part, which has its images. */
static int folder_a_part(const splitter *s)
{
    return !strcmp(format_of(s), "coco") && from_records(s);
}

/* What is written of a part: a file, or the folder of a format that is one. NULL when out of memory. */
static char *part_path(const splitter *s, int p)
{
    if (folder_a_part(s)) return od_asprintf("%s/%s/%s.json", s->o->output_dir, s->names[p], s->names[p]);
    od_data_output output = {.format = format_of(s), .path = s->o->output_dir};
    od_output_layout layout;
    char *path = od_output_layout_init(&layout, &output, s->names[p], NULL) == OD_OK ? od_strdup(layout.path) : NULL;
    od_output_layout_deinit(&layout);
    return path;
}

/* Nothing is overwritten. */
static od_status check_free(const splitter *s, od_error *err)
{
    for (int p = 0; p < s->o->count; p++) {
        char *path = part_path(s, p), *names = od_asprintf("%s/%s.txt", s->o->output_dir, s->names[p]);
        const char *there = !path || !names ? NULL : od_path_exists(path) && !od_path_is_dir(path) ? path : od_path_exists(names) ? names : NULL;
        od_status status = !path || !names ? od_error_nomem(err, "splitting") : OD_OK;
        if (there) status = od_error_set(err, OD_ERR_MISMATCH, "%s is there already; remove it, or choose another --output_dir", there);
        od_free(path);
        od_free(names);
        OD_TRY(status);
    }
    return OD_OK;
}

static void add_dropped(splitter *s, const od_data_converted *done)
{
    for (int k = 0; k < OD_DATA_KIND_COUNT; k++) s->dropped[k] += done->dropped[k];
}

/* The images selected, into `out`, or (its options NULL) into a file in a folder of the part's own. */
static od_status convert_part(splitter *s, int p, od_convert_output *out, od_error *err)
{
    od_data_converted before = out->result, done = {0};
    if (out->options) {
        OD_TRY(od_convert_output_add(out, s->in.ds, s->names[p], err));
        done = out->result;
    } else {
        char *path = part_path(s, p);
        od_data_output output = {.format = format_of(s), .path = path};
        od_status status = path ? od_convert_dataset(s->in.ds, &output, !s->in.loaded, &done, err) : od_error_nomem(err, "splitting");
        od_free(path);
        OD_TRY(status);
        add_dropped(s, &done);
    }
    s->out.images[p] = done.images - before.images;
    s->out.boxes[p] = done.boxes - before.boxes;
    return OD_OK;
}

static od_status write_part(splitter *s, int p, od_convert_output *out, od_error *err)
{
    int64_t *indices = od_malloc((size_t)s->image_count, sizeof *indices), n = 0;
    char *names = od_asprintf("%s/%s.txt", s->o->output_dir, s->names[p]);
    od_status status = indices && names ? OD_OK : od_error_nomem(err, "splitting");
    for (int64_t i = 0; status == OD_OK && i < s->image_count; i++)
        if (part_of(s, i) == p) indices[n++] = i;
    if (status == OD_OK && !n)
        status = od_error_set(err, OD_ERR_ARG, "%s would be empty: %lld bundles can't be dealt out by these fractions", s->names[p], (long long)s->out.units);
    if (status == OD_OK) status = od_dataset_select(s->in.ds, indices, n, err);
    if (status == OD_OK) status = convert_part(s, p, out, err);
    if (status == OD_OK) status = write_names(s, indices, n, names, err);
    od_dataset_select(s->in.ds, NULL, 0, NULL);
    od_free(indices);
    od_free(names);
    return status;
}

static od_status write_parts(splitter *s, od_error *err)
{
    od_data_output options = {.format = format_of(s), .path = s->o->output_dir, .link_images = s->o->link_images};
    od_convert_output out = {.options = folder_a_part(s) ? NULL : &options, .map = od_dataset_label_map(s->in.ds), .own_map = !s->in.loaded};
    od_status status = check_free(s, err);
    if (status == OD_OK && out.options) status = od_convert_output_begin(&out, s->names[0], err);
    for (int p = 0; p < s->o->count && status == OD_OK; p++) status = write_part(s, p, &out, err);
    if (status == OD_OK && out.options) status = od_convert_output_end(&out, err);
    if (status == OD_OK) add_dropped(s, &out.result);
    od_convert_output_deinit(&out);
    return status;
}

/* "not kept, as csv can't say it: 3 crowd marks, 5 areas of outlines". */
static void tell_dropped(const splitter *s, od_strbuf *t)
{
    int any = 0;
    for (int k = 0; k < OD_DATA_KIND_COUNT; k++) {
        if (!s->dropped[k]) continue;
        if (!any) od_strbuf_printf(t, "not kept, as %s can't say it: ", format_of(s));
        od_strbuf_printf(t, "%s%lld %s", any ? ", " : "", (long long)s->dropped[k], od_data_kind_text((od_data_kind)k));
        any = 1;
    }
    if (any) od_strbuf_puts(t, "\n");
}

static void tell_classes(const splitter *s, od_strbuf *t)
{
    const od_label_map *map = od_dataset_label_map(s->in.ds);
    int columns = s->classes + 2;
    od_strbuf_printf(t, "%-24s", "boxes");
    for (int p = 0; p < s->out.count; p++) od_strbuf_printf(t, " %9.9s", s->names[p]);
    for (int k = 0; k < columns; k++) {
        if (k == s->classes) continue;
        const char *name = k < s->classes ? od_label_map_name(map, od_label_map_id(map, k)) : "(images without boxes)";
        int64_t n[OD_DATA_SPLIT_MAX] = {0};
        for (int64_t u = 0; u < s->out.units; u++) n[s->part[u]] += s->content[u * columns + k];
        od_strbuf_printf(t, "\n%-24.40s", name);
        for (int p = 0; p < s->out.count; p++) od_strbuf_printf(t, " %9lld", (long long)n[p]);
    }
    od_strbuf_puts(t, "\n");
}

static od_status tell(splitter *s, od_error *err)
{
    od_strbuf t = {0};
    for (int p = 0; p < s->out.count; p++) {
        char *path = part_path(s, p);
        if (!path) t.failed = 1;
        int folder = path && !strcmp(path, s->o->output_dir); /* that all parts share */
        od_strbuf_printf(&t, "%s%s%s: %lld images (%.1f %%, wanted %.1f %%), %lld boxes\n", path ? path : "", folder ? ", " : "",
                         folder ? s->names[p] : "", (long long)s->out.images[p],
                         100.0 * (double)s->out.images[p] / (double)s->image_count, 100 * s->fractions[p], (long long)s->out.boxes[p]);
        od_free(path);
    }
    if (s->out.bundled)
        od_strbuf_printf(&t, "kept together: %lld images in %lld bundles", (long long)s->out.bundled, (long long)(s->out.units - (s->image_count - s->out.bundled)));
    if (s->out.bundled && *s->check->group_source) od_strbuf_printf(&t, ", by %s", s->check->group_source);
    if (s->out.bundled && s->check->pair_count) od_strbuf_printf(&t, "%s %lld pairs of copies", *s->check->group_source ? " and" : ", by", (long long)s->check->pair_count);
    if (s->out.bundled) od_strbuf_puts(&t, "\n");
    tell_dropped(s, &t);
    tell_classes(s, &t);
    if (od_strbuf_failed(&t)) {
        od_strbuf_deinit(&t);
        return od_error_nomem(err, "the report of a split");
    }
    s->out.text = t.data;
    return OD_OK;
}

static od_status run(splitter *s, od_error *err)
{
    OD_TRY(check_options(s, err));
    OD_TRY(look_at_data(s, err));
    OD_TRY(bundle(s, err));
    OD_TRY(count_content(s, err));
    od_stratify deal = {s->out.units, s->classes + 2, s->content, s->o->count, s->fractions, s->o->seed};
    OD_TRY(od_stratify_run(&deal, s->part, err));
    s->out.count = s->o->count;
    OD_TRY(write_parts(s, err));
    return tell(s, err);
}

od_status od_data_split_run(const od_data_split_options *options, od_data_split_result *out, od_error *err)
{
    splitter s = {.o = options};
    od_status status = run(&s, err);
    od_data_check_free(s.check);
    od_data_input_close(&s.in);
    od_free(s.unit);
    od_free(s.unit_row);
    od_free(s.part);
    od_free(s.content);
    if (status == OD_OK) *out = s.out;
    return status;
}

void od_data_split_result_free(od_data_split_result *r)
{
    od_free(r->text);
    *r = (od_data_split_result){0};
}
