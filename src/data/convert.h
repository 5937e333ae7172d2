/* SPDX-License-Identifier: Apache-2.0
 *
 * A conversion under way: what convert.c, convert_parts.c and convert_coco.c share. Private to src/data.
 */
#ifndef OD_DATA_CONVERT_H
#define OD_DATA_CONVERT_H

#include "data/data_input.h"
#include "data/image_store.h"
#include "data/output_layout.h"
#include "image/window.h"

typedef struct od_convert {
    const od_dataset *ds;
    const char *path; /* of the file to write */
    od_image_store images;
    const od_window *window; /* for pictures of more than 8 bits; NULL: as od_data_output.window says without one */
    const od_writer_format *format;
    unsigned holds; /* bits 1 << OD_DATA_KIND_... of the format */
    od_data_converted result;
} od_convert;

/* Reads an example; every object gets a class_text. *skip: it can't be read. Deinit *e whatever happens. */
od_status od_convert_read(od_convert *c, int64_t index, od_example *e, int *skip, od_error *err);
/* Before the image's file is put anywhere: DICOM where files aren't left in place, and with a window every grey picture of more
 * than 8 bits, becomes an 8-bit PNG. */
od_status od_convert_window(od_convert *c, od_example *e, od_error *err);
/* Counts what is written, and what of it the format can't hold. */
void od_convert_count(od_convert *c, const od_example *e);
/* Counts an example that can't be read, and names the first ones. */
void od_convert_skip(od_convert *c, int64_t index);

od_status od_convert_to_coco(od_convert *c, od_error *err);

/* Writes a data set that is open as `layout` says, but for what a data set of several parts has once. Adds to *result. `names`: of the
 * images' files that are in layout->image_dir already. */
od_status od_convert_part(const od_dataset *ds, const od_output_layout *layout, const od_data_output *output, od_hashmap *names,
                          od_data_converted *result, od_error *err);

enum { OD_CONVERT_MAX_PARTS = 64 };

/* An output of one part or several, and what is written once around them. */
typedef struct od_convert_output {
    const od_data_output *options;
    const od_label_map *map;
    int own_map; /* no label map was given: one is written */
    char *map_path;
    od_output_layout layout; /* of the first part */
    const char *splits[OD_CONVERT_MAX_PARTS];
    int count;
    char *image_dir;  /* of the part written last, and */
    od_hashmap names; /* the names taken in it: parts may share a folder */
    od_data_converted result;
} od_convert_output;

/* `options`, `map` and `own_map` are set, the rest is 0; before anything is written. first_split: NULL when the data isn't divided. */
od_status od_convert_output_begin(od_convert_output *o, const char *first_split, od_error *err);
od_status od_convert_output_add(od_convert_output *o, const od_dataset *ds, const char *split, od_error *err);
od_status od_convert_output_end(od_convert_output *o, od_error *err);
void od_convert_output_deinit(od_convert_output *o);

/* od_data_convert of a data set that is open. own_map: no label map was given, so one is written. `result` may be NULL. */
od_status od_convert_dataset(const od_dataset *ds, const od_data_output *output, int own_map, od_data_converted *result, od_error *err);

#endif
