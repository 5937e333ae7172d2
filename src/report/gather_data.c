/* SPDX-License-Identifier: Apache-2.0
 *
 * The data behind the figures: training, validation and test set held against each other.
 */
#include "data/dataset.h"
#include "data/image_file.h"
#include "report/report_data.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

enum { PROBES = 4 };

/* Whether the first pictures of a set can be read. */
static int has_pictures(const od_data_input *in)
{
    od_dataset *ds;
    const od_dataset_options options = {.image_dir = in->image_dir, .keep_invalid = 1};
    if (od_dataset_open(&ds, in->paths, in->path_count, &options, NULL) != OD_OK) return 0;
    int found = 0;
    int64_t n = od_dataset_size(ds) < PROBES ? od_dataset_size(ds) : PROBES;
    for (int64_t i = 0; i < n; i++) {
        od_example e = {0};
        if (od_dataset_read(ds, i, &e, NULL) == OD_OK && e.encoded) found++;
        od_example_deinit(&e);
    }
    od_dataset_free(ds);
    return n && found == n;
}

static void add_split(od_report *r, const char *name, char *const *paths, int count)
{
    od_report_data *d = &r->data;
    if (!count || !paths[0]) return;
    od_data_split *s = &d->splits[d->num_splits++];
    *s = (od_data_split){.name = name, .input = {.paths = (const char *const *)paths, .path_count = count, .image_dir = r->o->image_dir}};
    if (!has_pictures(&s->input)) {
        s->input.image_dir = NULL; /* the folder may hold another set's pictures, beside which these lie */
        if (!has_pictures(&s->input)) {
            s->input.image_dir = r->o->image_dir;
            d->without_pictures = 1;
        }
    }
}

od_status od_gather_data(od_report *r, od_error *err)
{
    od_report_data *d = &r->data;
    /* A folder's groundtruth.json has no pictures beside it; the config's evaluation data does. */
    int own_test = r->o->gt || r->o->image_dir || !r->config.eval_paths.count;
    if (r->train_gt)
        add_split(r, "train", &r->train_gt, 1);
    else
        add_split(r, "train", r->config.train_paths.items, (int)r->config.train_paths.count);
    d->has_train = d->num_splits > 0;
    add_split(r, "val", &r->val_gt, 1);
    if (own_test)
        add_split(r, "test", &r->gt, 1);
    else
        add_split(r, "test", r->config.eval_paths.items, (int)r->config.eval_paths.count);
    if (!d->num_splits) return OD_OK;
    const od_data_check_options o = {.splits = d->splits, .split_count = d->num_splits, .group_by = r->o->load.group_by, .group_regex = r->o->load.group_regex, .pipeline_config_path = r->config_path,
                                     .annotations_only = d->without_pictures || !r->o->check_images, .num_threads = r->o->num_threads};
    od_error why = {0};
    od_status status = od_data_check_run(&o, &d->check, &why);
    if (status == OD_ERR_NOMEM) return od_error_nomem(err, "the data check");
    if (status != OD_OK) {
        d->check = NULL;
        od_texts_add(&r->notes, "The data could not be checked: %s", why.message);
    }
    return OD_OK;
}

const od_data_finding *od_report_finding(const od_report *r, od_data_finding_kind kind)
{
    for (int i = 0; r->data.check && i < r->data.check->finding_count; i++)
        if (r->data.check->findings[i].kind == kind) return &r->data.check->findings[i];
    return NULL;
}
