/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of annotation formats share: files and pictures in a temporary folder, conversions that must succeed.
 */
#ifndef TEST_FORMAT_FILES_H
#define TEST_FORMAT_FILES_H

#include "data/dataset.h"
#include "image/image.h"
#include "objdet/dataset.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <string.h>

static inline char *below(char out[400], const char *dir, const char *name)
{
    snprintf(out, 400, "%.250s/%.140s", dir, name);
    return out;
}

static inline void make_dir(char out[300], const char *name)
{
    test_tmp_path(out, 300, name);
    assert_int_equal(od_dir_create(out, NULL), OD_OK);
}

static inline od_data_converted convert(const char *const *from, const char *const *names, int count, const char *format, const char *to)
{
    od_data_input in = {.paths = from, .path_count = count, .split_names = names};
    od_data_output out = {.format = format, .path = to};
    od_data_converted done = {0};
    od_error err = {0};
    if (od_data_convert(&in, &out, &done, &err) != OD_OK) fail_msg("to %s: %s", format, err.message);
    return done;
}

static inline od_dataset *open_all(const char *path)
{
    od_dataset *ds = NULL;
    od_error err = {0};
    if (od_dataset_open(&ds, &path, 1, &(od_dataset_options){.all_splits = 1}, &err) != OD_OK) fail_msg("%s", err.message);
    if (od_dataset_infer_label_map(ds, &err) != OD_OK) fail_msg("%s", err.message);
    return ds;
}

static inline void write_file(char out[400], const char *dir, const char *name, const char *text)
{
    below(out, dir, name);
    char *folder = od_path_dir(out);
    assert_int_equal(od_dir_create(folder, NULL), OD_OK);
    od_free(folder);
    assert_int_equal(od_file_write_all(out, text, strlen(text), NULL), OD_OK);
}

static inline void write_picture(const char *dir, const char *name)
{
    od_image image = {0};
    char path[400];
    assert_int_equal(od_image_init(&image, 20, 10, NULL), OD_OK);
    memset(image.pixels, 7, 600);
    assert_int_equal(od_image_save(&image, below(path, dir, name), NULL), OD_OK);
    od_image_deinit(&image);
}

static inline void expect_box(const od_object *o, double ymin, double xmin, double ymax, double xmax)
{
    const double box[4] = {ymin, xmin, ymax, xmax};
    for (int k = 0; k < 4; k++) assert_true(fabs((double)o->box[k] - box[k]) < 1e-6);
}

#endif
