/* SPDX-License-Identifier: Apache-2.0 */
#include "data/mapped_source.h"

#include "util/alloc.h"

od_status od_mapped_source_open(od_mapped_source *s, const od_source_format *format, const char *path, const char *file, const od_source_options *options, od_error *err)
{
    s->base.format = format;
    s->masks = options->masks != OD_MASKS_NONE;
    int copied = (s->base.path = od_strdup(path)) && (s->dir = od_path_dir(file)) && (!options->image_dir || (s->image_dir = od_strdup(options->image_dir)));
    return copied ? od_file_view_open(&s->view, file, err) : od_error_nomem(err, path);
}

void od_mapped_source_close(od_mapped_source *s)
{
    if (s->view.data) od_file_view_close(&s->view);
    od_free(s->dir);
    od_free(s->image_dir);
    od_free(s->base.path);
}
