/* SPDX-License-Identifier: Apache-2.0
 *
 * od_data_convert: the parts (training, validation, ...) of the input one after the other with one label map, then what the
 * output has once.
 */
#include "data/convert.h"
#include "data/splits.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

enum { MAX_PARTS = OD_CONVERT_MAX_PARTS };

const char *od_data_kind_text(od_data_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) text,
        OD_DATA_KINDS(X)
#undef X
    };
    return (int)kind >= 0 && kind < OD_DATA_KIND_COUNT ? texts[kind] : "";
}

/* 1 when the file holds exactly `text`. */
static int holds(const char *path, const char *text, size_t size)
{
    od_file_view view;
    if (od_file_view_open(&view, path, NULL) != OD_OK) return 0;
    int same = view.size == size && !memcmp(view.data, text, size);
    od_file_view_close(&view);
    return same;
}

/* A label map of other classes beside the output would no longer fit the files that were made with it. */
static od_status check_label_map(const od_label_map *map, const char *path, od_error *err)
{
    char *text;
    size_t size;
    OD_TRY(od_label_map_format(map, &text, &size, err));
    int clash = od_path_exists(path) && !holds(path, text, size);
    od_free(text);
    if (!clash) return OD_OK;
    return od_error_set(err, OD_ERR_MISMATCH,
                        "%s is there already and has other classes than this data; pass --label_map_path=%s to use it, or write to another folder",
                        path, path);
}

void od_convert_output_deinit(od_convert_output *o)
{
    od_output_layout_deinit(&o->layout);
    od_hashmap_deinit(&o->names);
    od_free(o->map_path);
    od_free(o->image_dir);
}

od_status od_convert_output_begin(od_convert_output *o, const char *first_split, od_error *err)
{
    OD_TRY(od_output_layout_init(&o->layout, o->options, first_split, err));
    if (!(o->map_path = od_path_join(o->layout.root, "label_map.pbtxt"))) return od_error_nomem(err, o->layout.root);
    if (o->own_map) OD_TRY(check_label_map(o->map, o->map_path, err));
    return OD_OK;
}

/* Names are taken in one folder: another one begins with none. */
static od_status enter_image_dir(od_convert_output *o, const char *dir, od_error *err)
{
    if (o->image_dir && !strcmp(o->image_dir, dir)) return OD_OK;
    od_free(o->image_dir);
    od_hashmap_deinit(&o->names);
    o->names = (od_hashmap){0};
    o->image_dir = od_strdup(dir);
    return o->image_dir ? OD_OK : od_error_nomem(err, dir);
}

od_status od_convert_output_add(od_convert_output *o, const od_dataset *ds, const char *split, od_error *err)
{
    od_output_layout layout;
    od_status status = od_output_layout_init(&layout, o->options, split, err);
    if (status == OD_OK) status = enter_image_dir(o, layout.image_dir, err);
    if (status == OD_OK) status = od_convert_part(ds, &layout, o->options, &o->names, &o->result, err);
    o->splits[o->count++] = split;
    od_output_layout_deinit(&layout);
    return status;
}

od_status od_convert_output_end(od_convert_output *o, od_error *err)
{
    const od_output_layout *l = &o->layout;
    od_write_job job = {l->root, l->path, l->image_dir, l->split, l->beside, o->map};
    if (l->format->finish) OD_TRY(l->format->finish(&job, o->splits, o->count, err));
    if (!o->own_map) return OD_OK;
    OD_TRY(od_label_map_save(o->map, o->map_path, err));
    o->result.label_map_saved = 1;
    return OD_OK;
}

od_status od_convert_dataset(const od_dataset *ds, const od_data_output *options, int own_map, od_data_converted *result, od_error *err)
{
    od_convert_output o = {.options = options, .map = od_dataset_label_map(ds), .own_map = own_map};
    od_status status = od_convert_output_begin(&o, NULL, err);
    if (status == OD_OK) status = od_convert_output_add(&o, ds, NULL, err);
    if (status == OD_OK) status = od_convert_output_end(&o, err);
    if (status == OD_OK && result) *result = o.result;
    od_convert_output_deinit(&o);
    return status;
}

/* --- the input's parts ------------------------------------------------------------------------------------------------ */

typedef struct part {
    const char *name; /* points into `names` or the caller's */
    const char *paths[MAX_PARTS];
    int count;
} part;

typedef struct parts {
    part *items; /* [MAX_PARTS] */
    int count;
    od_split_list found; /* owns what items point to */
} parts;

static od_status add_path(parts *p, const char *name, const char *path, od_error *err)
{
    int at = 0;
    while (at < p->count && (name ? !p->items[at].name || strcmp(p->items[at].name, name) : p->items[at].name != NULL)) at++;
    if (at == MAX_PARTS || (at < p->count && p->items[at].count == MAX_PARTS))
        return od_error_set(err, OD_ERR_ARG, "more than %d parts, or paths of one part", MAX_PARTS);
    if (at == p->count) p->items[p->count++].name = name;
    p->items[at].paths[p->items[at].count++] = path;
    return OD_OK;
}

/* Every input with a name is a part; one without may hold several. */
static od_status find_parts(parts *p, const od_data_input *in, od_error *err)
{
    if (!(p->items = od_calloc(MAX_PARTS, sizeof *p->items))) return od_error_nomem(err, "parts");
    for (int i = 0; i < in->path_count; i++) {
        const char *name = in->split_names ? in->split_names[i] : NULL;
        size_t first = p->found.count;
        if (name) {
            OD_TRY(add_path(p, od_split_name(name), in->paths[i], err));
            continue;
        }
        OD_TRY(od_split_list_find(&p->found, in->paths[i], in->format, err));
        for (size_t k = first; k < p->found.count; k++) OD_TRY(add_path(p, p->found.items[k].name, p->found.items[k].path, err));
        if (p->found.count == first) OD_TRY(add_path(p, NULL, in->paths[i], err));
    }
    for (int i = 0; i < p->count && p->count > 1; i++)
        if (!p->items[i].name)
            return od_error_set(err, OD_ERR_ARG, "%s: which part is it? Name it as the others, e.g. test=%s", p->items[i].paths[0], p->items[i].paths[0]);
    return OD_OK;
}

static od_status convert_parts(const od_dataset *all, const parts *p, const od_data_input *in, od_convert_output *o, od_error *err)
{
    for (int i = 0; i < p->count; i++) {
        od_dataset_options options = {.label_map = o->map, .image_dir = in->image_dir, .format = in->format, .all_splits = 1,
                                      .masks = OD_MASKS_IF_ANY, .keypoints = OD_KEYPOINTS_IF_ANY};
        od_dataset *ds = NULL;
        if (p->count > 1) OD_TRY(od_dataset_open(&ds, p->items[i].paths, p->items[i].count, &options, err));
        od_status status = od_convert_output_add(o, ds ? ds : all, p->items[i].name, err);
        od_dataset_free(ds);
        OD_TRY(status);
    }
    return OD_OK;
}

static od_status convert(const od_data_input *input, const od_data_output *options, od_opened_input *in, parts *p, od_convert_output *o, od_error *err)
{
    od_output_layout probe;
    od_status status = od_output_layout_init(&probe, options, NULL, err); /* a wrong format is told before the data is read */
    od_output_layout_deinit(&probe);
    OD_TRY(status);
    OD_TRY(find_parts(p, input, err));
    if (p->count == 1 && od_output_is_file(options)) p->items[0].name = NULL; /* one part is as good as the whole */
    OD_TRY(od_data_input_open(in, input, 0, OD_MASKS_IF_ANY, err));
    o->options = options;
    o->map = od_dataset_label_map(in->ds);
    o->own_map = !in->loaded;
    OD_TRY(od_convert_output_begin(o, p->count ? p->items[0].name : NULL, err));
    OD_TRY(convert_parts(in->ds, p, input, o, err));
    return od_convert_output_end(o, err);
}

od_status od_data_convert(const od_data_input *input, const od_data_output *options, od_data_converted *result, od_error *err)
{
    od_opened_input in = {0};
    parts p = {0};
    od_convert_output o = {0};
    od_status status = convert(input, options, &in, &p, &o, err);
    if (status == OD_OK && result) *result = o.result;
    od_convert_output_deinit(&o);
    od_data_input_close(&in);
    od_split_list_deinit(&p.found);
    od_free(p.items);
    return status;
}
