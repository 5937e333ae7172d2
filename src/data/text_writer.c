/* SPDX-License-Identifier: Apache-2.0 */
#include "data/text_writer.h"

#include "util/alloc.h"

enum { FLUSH_AT = 1 << 16 };

od_status od_text_writer_open(od_writer **out, const od_writer_format *format, size_t size, const od_write_job *job, od_error *err)
{
    od_text_writer *w = od_calloc(1, size);
    if (!w) return od_error_nomem(err, job->path);
    w->base.format = format;
    w->path = job->path;
    od_status status = od_file_writer_create(&w->file, job->path, err);
    if (status != OD_OK)
        od_free(w);
    else
        *out = &w->base;
    return status;
}

static od_status write_out(od_text_writer *w, od_error *err)
{
    if (od_strbuf_failed(&w->out)) return od_error_nomem(err, w->path);
    OD_TRY(od_file_writer_write(w->file, w->out.data, w->out.size, err));
    w->out.size = 0;
    return OD_OK;
}

od_status od_text_writer_flush(od_text_writer *w, od_error *err)
{
    return w->out.size < FLUSH_AT && !od_strbuf_failed(&w->out) ? OD_OK : write_out(w, err);
}

od_status od_text_writer_commit(od_writer *base, od_error *err)
{
    od_text_writer *w = (od_text_writer *)base;
    OD_TRY(write_out(w, err));
    od_file_writer *file = w->file;
    w->file = NULL;
    return od_file_writer_commit(file, err);
}

void od_text_writer_free(od_writer *base)
{
    od_text_writer *w = (od_text_writer *)base;
    od_file_writer_abort(w->file);
    od_strbuf_deinit(&w->out);
    od_free(w);
}
