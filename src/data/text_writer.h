/* SPDX-License-Identifier: Apache-2.0
 *
 * The part that writers of one text file share: text is collected and handed to the file a block at a time, so that memory
 * doesn't grow with the data. First member of such a writer's struct.
 */
#ifndef OD_DATA_TEXT_WRITER_H
#define OD_DATA_TEXT_WRITER_H

#include "data/writer.h"
#include "util/file.h"
#include "util/strbuf.h"

typedef struct od_text_writer {
    od_writer base;
    od_file_writer *file;
    od_strbuf out; /* not yet written */
    const char *path; /* borrowed */
} od_text_writer;

/* Allocates `size` zeroed bytes that begin with an od_text_writer and opens the job's file. */
od_status od_text_writer_open(od_writer **out, const od_writer_format *format, size_t size, const od_write_job *job, od_error *err);
/* Hands the text to the file when it has grown large. */
od_status od_text_writer_flush(od_text_writer *w, od_error *err);
od_status od_text_writer_commit(od_writer *w, od_error *err);
void od_text_writer_free(od_writer *w);

#endif
