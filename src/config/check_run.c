/* SPDX-License-Identifier: Apache-2.0
 *
 * od_config_check: runs all checks and gathers their problems (declared in objdet/config.h).
 */
#include "config/check.h"
#include "config/support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

struct od_config_problems {
    od_problems list;
};

/* Whether an error about this very field is there already, which then says more than "not supported". */
static int is_told(const od_problems *list, const od_config_problem *p)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].severity == OD_CONFIG_ERROR && list->items[i].line == p->line && !strcmp(list->items[i].field, p->field)) return 1;
    return 0;
}

static void add_unsupported(const od_config *config, od_problems *list)
{
    od_problems unsupported = {0};
    od_support_list(config, OD_USE_TRAIN, OD_CONFIG_ERROR, &unsupported);
    for (size_t i = 0; i < unsupported.count; i++)
        if (!is_told(list, &unsupported.items[i])) od_problems_add(list, &unsupported.items[i]);
    list->failed |= unsupported.failed;
    od_problems_deinit(&unsupported);
}

static void run_checks(const od_config *config, const od_config_check_options *options, od_problems *list)
{
    od_check check = {.config = config, .problems = list, .skip_files = options && options->skip_files};
    od_check_inputs(&check); /* first: it loads the label map */
    od_check_model(&check);
    od_check_train(&check);
    od_check_keypoints(&check);
    od_check_fields(&check);
    add_unsupported(config, list);
    od_label_map_free(check.label_map);
    od_problems_sort(list);
}

static od_status finish(od_config_problems *problems, od_status status, od_config_problems **out, od_error *err)
{
    if (status == OD_OK && problems->list.failed) status = od_error_nomem(err, "a list of problems");
    if (status == OD_OK)
        *out = problems;
    else
        od_config_problems_free(problems);
    return status;
}

od_status od_config_check(const od_config *config, const od_config_check_options *options, od_config_problems **out,
                          od_error *err)
{
    od_config_problems *problems = od_calloc(1, sizeof *problems);
    if (!problems) return od_error_nomem(err, "a list of problems");
    run_checks(config, options, &problems->list);
    return finish(problems, OD_OK, out, err);
}

od_status od_config_check_file(const char *path, const od_config_check_options *options, od_config_problems **out,
                               od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_config_problems *problems = od_calloc(1, sizeof *problems);
    od_config *config = NULL;
    od_status status = problems ? od_config_read((const char *)view.data, view.size, path, &config, &problems->list, err)
                                : od_error_nomem(err, "a list of problems");
    od_file_view_close(&view);
    if (status == OD_OK) run_checks(config, options, &problems->list);
    od_config_free(config);
    return finish(problems, status, out, err);
}

size_t od_config_problems_count(const od_config_problems *problems)
{
    return problems->list.count;
}

const od_config_problem *od_config_problems_get(const od_config_problems *problems, size_t index)
{
    return &problems->list.items[index];
}

int od_config_problems_of(const od_config_problems *problems, od_config_severity severity)
{
    int n = 0;
    if (severity == OD_CONFIG_ERROR) return problems->list.errors;
    for (size_t i = 0; i < problems->list.count; i++) n += problems->list.items[i].severity == severity;
    return n;
}

void od_config_problems_free(od_config_problems *problems)
{
    if (!problems) return;
    od_problems_deinit(&problems->list);
    od_free(problems);
}
