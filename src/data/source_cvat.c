/* SPDX-License-Identifier: Apache-2.0
 *
 * CVAT's XML 1.1 for images as a source of examples. Images lie in images/ beside the file, as CVAT exports them.
 */
#include "data/cvat_xml.h"
#include "data/image_file.h"
#include "data/mapped_source.h"
#include "data/paths.h"
#include "util/alloc.h"

typedef struct cvat_source {
    od_mapped_source file;
    od_cvat_index index;
} cvat_source;

static void source_free(od_source *base)
{
    cvat_source *s = (cvat_source *)base;
    od_cvat_index_deinit(&s->index);
    od_mapped_source_close(&s->file);
    od_free(s);
}

static void report_left_out(const cvat_source *s)
{
    if (s->index.shapes)
        od_log(OD_LOG_WARNING, "%s: %lld polylines, points, cuboids or skeletons have no box; left out", s->file.base.path, (long long)s->index.shapes);
    if (s->index.tags) od_log(OD_LOG_WARNING, "%s: %lld tags of whole images are left out", s->file.base.path, (long long)s->index.tags);
    if (s->index.attributes)
        od_log(OD_LOG_WARNING, "%s: %lld attributes of boxes (other than truncated, difficult, ...) are left out", s->file.base.path, (long long)s->index.attributes);
}

static od_status load(cvat_source *s, const char *path, const od_source_options *options, od_error *err)
{
    const char *part = od_path_part(path);
    char *file = part ? od_strndup(path, (size_t)(part - 1 - path)) : od_strdup(path);
    if (!file) return od_error_nomem(err, path);
    od_status status = od_mapped_source_open(&s->file, &od_source_cvat, path, file, options, err);
    if (status == OD_OK) status = od_cvat_scan(&s->index, (const char *)s->file.view.data, s->file.view.size, file, part, err);
    if (status == OD_OK && part && !s->index.count) status = od_error_set(err, OD_ERR_NOT_FOUND, "%s: has no image of the subset \"%s\"", file, part);
    od_free(file);
    return status;
}

static od_status source_open(od_source **out, const char *path, const od_source_options *options, od_error *err)
{
    cvat_source *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, path);
    od_status status = load(s, path, options, err);
    if (status != OD_OK) {
        source_free(&s->file.base);
        return status;
    }
    report_left_out(s);
    s->file.base.count = (int64_t)s->index.count;
    *out = &s->file.base;
    return OD_OK;
}

static od_status source_read(const od_source *base, int64_t index, int with_image, od_example *out, od_error *err)
{
    const cvat_source *s = (const cvat_source *)base;
    int width, height;
    OD_TRY(od_cvat_read(&s->index, (size_t)index, (const char *)s->file.view.data, base->path, s->file.masks, out, err));
    if (!with_image) return OD_OK;
    od_status status = od_image_file_load(s->file.dir, s->file.image_dir, out->filename, 1, out, &width, &height, err);
    if (status != OD_OK) od_error_prefix(err, "%s:%d", base->path, (int)s->index.images[index].line);
    return status;
}

static od_status source_list_classes(const od_source *base, od_class_list *classes, od_error *err)
{
    return od_class_list_add_names(classes, &((const cvat_source *)base)->index.classes, err);
}

const od_source_format od_source_cvat = {"cvat",      "CVAT XML",          "image",     source_open,
                                         source_read, source_list_classes, source_free, 0, NULL};
