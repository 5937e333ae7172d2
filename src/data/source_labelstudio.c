/* SPDX-License-Identifier: Apache-2.0
 *
 * Label Studio's JSON and JSON-MIN as a source of examples. Images are looked for by the names that the tasks give them, with and
 * without the eight digits that Label Studio puts before the names of uploads.
 */
#include "data/image_file.h"
#include "data/label_studio.h"
#include "data/mapped_source.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

typedef struct task_source {
    od_mapped_source file;
    od_task_index index;
} task_source;

static void source_free(od_source *base)
{
    task_source *s = (task_source *)base;
    od_task_index_deinit(&s->index);
    od_mapped_source_close(&s->file);
    od_free(s);
}

static void report_left_out(const task_source *s)
{
    const struct { int64_t n; const char *what; } lines[] = {
        {s->index.open, "tasks that nobody has annotated (or that were skipped) are left out"},
        {s->index.others, "further annotations of annotated tasks are left out; the ground truth counts, else the first"},
        {s->index.regions, "regions that are no boxes, polygons, ellipses or brushes (keypoints, ...) are left out"},
        {s->index.rotated, "rotated regions: their tasks can't be read"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].n) od_log(OD_LOG_WARNING, "%s: %lld %s", s->file.base.path, (long long)lines[i].n, lines[i].what);
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    task_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    od_status status = od_mapped_source_open(&s->file, &od_source_labelstudio, path, path, options, err);
    if (status == OD_OK) status = od_label_studio_scan(&s->index, (const char *)s->file.view.data, s->file.view.size, path, err);
    if (status != OD_OK) {
        source_free(&s->file.base);
        return status;
    }
    report_left_out(s);
    s->file.base.count = (int64_t)s->index.count;
    *out = &s->file.base;
    return OD_OK;
}

/* "0a1b2c3d-name.jpg": where the name begins; NULL when it has no such digits. */
static const char *without_upload_digits(const char *name)
{
    const char *base = od_path_base(name);
    return strspn(base, "0123456789abcdef") == 8 && base[8] == '-' && base[9] ? base + 9 : NULL;
}

static od_status load_image(const task_source *s, int with_image, od_example *out, od_error *err)
{
    int width = 0, height = 0;
    const char *upload = without_upload_digits(out->filename);
    od_status status = od_image_file_load(s->file.dir, s->file.image_dir, out->filename, with_image, out, &width, &height, err);
    if (status == OD_ERR_NOT_FOUND && upload && od_image_file_load(s->file.dir, s->file.image_dir, upload, with_image, out, &width, &height, NULL) == OD_OK)
        status = OD_OK;
    if (!out->width || !out->height) out->width = width, out->height = height;
    return status;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const task_source *s = (const task_source *)base;
    OD_TRY(od_label_studio_read(&s->index, (size_t)index, (const char *)s->file.view.data, base->path, s->file.masks, out, err));
    if (!*out->source_id) {
        od_free(out->source_id);
        if (!(out->source_id = od_strdup(out->filename))) return od_error_nomem(err, base->path);
    }
    if (!with_image && out->width && out->height) return OD_OK;
    od_status status = load_image(s, with_image, out, err);
    if (status != OD_OK) od_error_prefix(err, "%s:%d", base->path, (int)s->index.tasks[index].line);
    return status;
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    return od_class_list_add_names(classes, &((const task_source *)base)->index.classes, err);
}

const od_source_format od_source_labelstudio = {"labelstudio", "Label Studio JSON", "task",      source_open,
                                                source_read,   source_list_classes, source_free, 0, NULL};
