/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/model_dir.h"

#include "checkpoint/checkpoint_state.h"
#include "checkpoint/model_dir_files.h"
#include "checkpoint/tensor_bundle.h"
#include "util/alloc.h"
#include "util/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct od_model_dir {
    char *root;   /* as given */
    char *folder; /* where the checkpoints are: root or root/checkpoint */
    od_checkpoint_state list; /* complete checkpoints, as full prefixes; newest is NULL when there is none */
    int max_to_keep;
    int training;
    char *next;
    int64_t next_number;
    char *best, *best_metric;
    double best_value;
};

int64_t od_model_dir_number(const char *prefix)
{
    const char *dash = strrchr(od_path_base(prefix), '-');
    if (!dash || !isdigit((unsigned char)dash[1])) return -1;
    errno = 0;
    char *end;
    long long n = strtoll(dash + 1, &end, 10);
    return *end || errno || n >= INT64_MAX ? -1 : n;
}

/* ---- which checkpoints there are ---- */

/* Whether the index parses and all data is there; tells why not in a note. */
static int is_complete(const char *prefix)
{
    od_bundle *b;
    od_error err = {0};
    if (od_bundle_open(&b, prefix, &err) == OD_OK) {
        od_bundle_close(b);
        return 1;
    }
    od_log(OD_LOG_WARNING, "checkpoint ignored: %s", err.message);
    return 0;
}

static int has_index(const char *prefix)
{
    char *path = od_asprintf("%s.index", prefix);
    int yes = path && od_path_exists(path);
    od_free(path);
    return yes;
}

/* The full prefix for a path of the state file; the folder itself goes first. NULL when out of memory. */
static char *locate(const od_model_dir *d, const char *path)
{
    char *local = od_path_join(d->folder, od_path_base(path));
    if (local && has_index(local)) return local;
    char *given = od_path_join(d->folder, path);
    if (local && given && !has_index(given)) {
        od_free(given);
        return local;
    }
    od_free(local);
    return given;
}

/* Adds a path of the state file to `list` when it is complete. */
static od_status add_if_complete(const od_model_dir *d, const char *path, double when, od_checkpoint_state *list, od_error *err)
{
    char *prefix = locate(d, path);
    if (!prefix) return od_error_nomem(err, d->folder);
    int failed = 0;
    for (size_t i = 0; i < list->path_count; i++) {
        if (strcmp(list->paths[i], prefix)) continue;
        od_free(prefix);
        return OD_OK;
    }
    if (is_complete(prefix)) failed = od_checkpoint_state_add(list, prefix, when);
    od_free(prefix);
    return failed ? od_error_nomem(err, d->folder) : OD_OK;
}

/* The newest: the one that the state file calls so, else (incomplete) the last of the list. */
static od_status choose_newest(const od_model_dir *d, const char *named, od_checkpoint_state *list, od_error *err)
{
    if (list->path_count == 0) return OD_OK;
    const char *newest = list->paths[list->path_count - 1];
    if (named) {
        char *prefix = locate(d, named);
        if (!prefix) return od_error_nomem(err, d->folder);
        for (size_t i = 0; i < list->path_count; i++)
            if (!strcmp(list->paths[i], prefix)) newest = list->paths[i];
        if (strcmp(newest, prefix)) od_log(OD_LOG_WARNING, "%s cannot be used; taking %s", prefix, newest);
        od_free(prefix);
    }
    return od_checkpoint_state_set_newest(list, newest) ? od_error_nomem(err, d->folder) : OD_OK;
}

static od_status list_from_state(const od_model_dir *d, const od_checkpoint_state *state, od_checkpoint_state *list, od_error *err)
{
    list->last_preserved = state->last_preserved;
    for (size_t i = 0; i < state->path_count; i++)
        OD_TRY(add_if_complete(d, state->paths[i], i < state->time_count ? state->times[i] : 0, list, err));
    return add_if_complete(d, state->newest, 0, list, err);
}

/* Without a usable state file: every ...-N.index, by N. */
static od_status list_from_files(const od_model_dir *d, od_checkpoint_state *list, od_error *err)
{
    char **names = NULL;
    size_t count = 0;
    OD_TRY(od_model_dir_scan(d->folder, &names, &count, err));
    od_status status = OD_OK;
    for (size_t i = 0; status == OD_OK && i < count; i++) status = add_if_complete(d, names[i], 0, list, err);
    od_model_dir_scan_free(names, count);
    return status;
}

/* Reads the state file; *found is 0 when there is none or it is damaged (noted). */
static od_status read_state(const od_model_dir *d, od_checkpoint_state *state, int *found, od_error *err)
{
    od_file_view view;
    od_error why = {0};
    *found = 0;
    char *path = od_path_join(d->folder, "checkpoint");
    if (!path) return od_error_nomem(err, d->folder);
    od_status status = od_path_exists(path) ? od_file_view_open(&view, path, &why) : OD_ERR_NOT_FOUND;
    if (status == OD_OK) {
        status = od_checkpoint_state_parse(state, path, (const char *)view.data, view.size, &why);
        od_file_view_close(&view);
    }
    od_free(path);
    *found = status == OD_OK;
    if (status == OD_ERR_NOMEM) return od_error_nomem(err, d->folder);
    if (status != OD_OK && status != OD_ERR_NOT_FOUND) od_log(OD_LOG_WARNING, "%s; looking at the files instead", why.message);
    return OD_OK;
}

static od_status build_list(const od_model_dir *d, od_checkpoint_state *list, od_error *err)
{
    od_checkpoint_state state = {0};
    int found;
    OD_TRY(read_state(d, &state, &found, err));
    od_status status = found ? list_from_state(d, &state, list, err) : OD_OK;
    if (status == OD_OK && list->path_count == 0) status = list_from_files(d, list, err);
    if (status == OD_OK) status = choose_newest(d, state.newest, list, err);
    od_checkpoint_state_deinit(&state);
    return status;
}

/* ---- the best one ---- */

static char *best_path(const od_model_dir *d)
{
    return od_path_join(d->folder, "best.json");
}

static void forget_best(od_model_dir *d)
{
    od_free(d->best);
    od_free(d->best_metric);
    d->best = d->best_metric = NULL;
}

/* The listed prefix with this base name, or NULL. */
static const char *find_listed(const od_model_dir *d, const char *name)
{
    for (size_t i = 0; i < d->list.path_count; i++)
        if (!strcmp(od_path_base(d->list.paths[i]), name)) return d->list.paths[i];
    return NULL;
}

static od_status use_best(od_model_dir *d, const json_t *root, od_error *err)
{
    const char *name = json_string_value(json_object_get(root, "checkpoint"));
    const char *metric = json_string_value(json_object_get(root, "metric"));
    const json_t *value = json_object_get(root, "value");
    const char *prefix = name ? find_listed(d, name) : NULL;
    if (!metric || !json_is_number(value) || !prefix) {
        od_log(OD_LOG_WARNING, "%s/best.json ignored: it names no checkpoint that is there", d->folder);
        return OD_OK;
    }
    d->best = od_strdup(prefix);
    d->best_metric = od_strdup(metric);
    d->best_value = json_number_value(value);
    if (d->best && d->best_metric) return OD_OK;
    forget_best(d);
    return od_error_nomem(err, d->folder);
}

static od_status read_best(od_model_dir *d, od_error *err)
{
    od_file_view view;
    json_error_t why;
    forget_best(d);
    char *path = best_path(d);
    if (!path) return od_error_nomem(err, d->folder);
    od_status status = od_path_exists(path) ? od_file_view_open(&view, path, err) : OD_ERR_NOT_FOUND;
    od_free(path);
    if (status == OD_ERR_NOT_FOUND) return OD_OK;
    if (status != OD_OK) return status;
    json_t *root = json_loadb((const char *)view.data, view.size, 0, &why);
    od_file_view_close(&view);
    if (root)
        status = use_best(d, root, err);
    else
        od_log(OD_LOG_WARNING, "%s/best.json ignored: %s", d->folder, why.text);
    json_decref(root);
    return status;
}

static od_status write_best(const od_model_dir *d, int64_t step, od_error *err)
{
    char *path = best_path(d);
    json_t *root = json_pack("{s:s, s:I, s:s, s:f}", "checkpoint", od_path_base(d->best), "step", (json_int_t)step, "metric", d->best_metric, "value",
                             d->best_value);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    od_status status = path && text ? od_file_write_all(path, text, strlen(text), err) : od_error_nomem(err, d->folder);
    free(text);
    json_decref(root);
    od_free(path);
    return status;
}

const char *od_model_dir_best(const od_model_dir *d, double *value)
{
    if (d->best && value) *value = d->best_value;
    return d->best;
}

/* ---- opening ---- */

static od_status set_next(od_model_dir *d, od_error *err)
{
    int64_t last = 0;
    for (size_t i = 0; i < d->list.path_count; i++) {
        int64_t n = od_model_dir_number(d->list.paths[i]);
        if (n > last) last = n;
    }
    char *next = od_asprintf("%s/ckpt-%lld", d->folder, (long long)last + 1);
    if (!next) return od_error_nomem(err, d->folder);
    od_free(d->next);
    d->next = next;
    d->next_number = last + 1;
    return OD_OK;
}

od_status od_model_dir_refresh(od_model_dir *d, od_error *err)
{
    od_checkpoint_state list = {0};
    od_status status = build_list(d, &list, err);
    if (status != OD_OK) {
        od_checkpoint_state_deinit(&list);
        return status;
    }
    od_checkpoint_state_deinit(&d->list);
    d->list = list;
    OD_TRY(read_best(d, err));
    return set_next(d, err);
}

/* An unpacked zoo model has a folder where a model_dir has the state file. */
static char *find_folder(const char *root)
{
    char *inner = od_path_join(root, "checkpoint");
    if (!inner || od_path_is_dir(inner)) return inner;
    od_free(inner);
    return od_strdup(root);
}

static od_status check_writable(const od_model_dir *d, od_error *err)
{
    if (strcmp(d->root, d->folder))
        return od_error_set(err, OD_ERR_ARG,
                            "%s: cannot train here: %s is a folder, as in an unpacked zoo model, where training keeps a file of that name; choose a new model_dir", d->root,
                            d->folder);
    return faccessat(AT_FDCWD, d->folder, W_OK | X_OK, AT_EACCESS) ? od_error_errno(err, d->folder, "write checkpoints into") : OD_OK;
}

static od_status open_dir(od_model_dir *d, const char *dir, od_error *err)
{
    d->root = od_strdup(dir);
    if (!d->root) return od_error_nomem(err, dir);
    if (d->training) OD_TRY(od_dir_create(dir, err));
    if (!od_path_is_dir(dir))
        return od_error_set(err, OD_ERR_NOT_FOUND, "%s: %s; expected a model_dir with checkpoints", dir, od_path_exists(dir) ? "not a folder" : "not found");
    d->folder = find_folder(dir);
    if (!d->folder) return od_error_nomem(err, dir);
    if (d->training) {
        OD_TRY(check_writable(d, err));
        od_model_dir_clean(d->folder);
    }
    return od_model_dir_refresh(d, err);
}

static od_status open_mode(od_model_dir **out, const char *dir, int training, int max_to_keep, od_error *err)
{
    od_model_dir *d = od_calloc(1, sizeof *d);
    if (!d) return od_error_nomem(err, dir);
    d->training = training;
    d->max_to_keep = max_to_keep;
    od_status status = open_dir(d, dir, err);
    if (status == OD_OK)
        *out = d;
    else
        od_model_dir_close(d);
    return status;
}

od_status od_model_dir_open(od_model_dir **out, const char *dir, od_error *err)
{
    return open_mode(out, dir, 0, 0, err);
}

od_status od_model_dir_open_for_training(od_model_dir **out, const char *dir, int max_to_keep, od_error *err)
{
    return open_mode(out, dir, 1, max_to_keep, err);
}

void od_model_dir_close(od_model_dir *d)
{
    if (!d) return;
    od_checkpoint_state_deinit(&d->list);
    forget_best(d);
    od_free(d->next);
    od_free(d->folder);
    od_free(d->root);
    od_free(d);
}

const char *od_model_dir_newest(const od_model_dir *d)
{
    return d->list.newest;
}

size_t od_model_dir_count(const od_model_dir *d)
{
    return d->list.path_count;
}

const char *od_model_dir_at(const od_model_dir *d, size_t i)
{
    return i < d->list.path_count ? d->list.paths[i] : NULL;
}

const char *od_model_dir_next(const od_model_dir *d)
{
    return d->next;
}

int64_t od_model_dir_next_number(const od_model_dir *d)
{
    return d->next_number;
}

/* ---- changing ---- */

/* The newest max_to_keep stay, and the best. */
static int is_kept(const od_model_dir *d, const od_checkpoint_state *list, size_t i)
{
    if (d->max_to_keep <= 0 || i + (size_t)d->max_to_keep >= list->path_count) return 1;
    return !strcmp(list->paths[i], list->newest) || (d->best && !strcmp(list->paths[i], d->best));
}

/* A prefix as the state file has it: relative when it lies in the folder. */
static const char *relative(const od_model_dir *d, const char *prefix)
{
    size_t n = strlen(d->folder);
    return !strncmp(prefix, d->folder, n) && prefix[n] == '/' ? prefix + n + 1 : prefix;
}

/* `kept`: those of `list` that stay; `text`: the state file that says so. */
static od_status plan(const od_model_dir *d, const od_checkpoint_state *list, od_checkpoint_state *kept, od_strbuf *text, od_error *err)
{
    od_checkpoint_state written = {0};
    int failed = od_checkpoint_state_set_newest(kept, list->newest) || od_checkpoint_state_set_newest(&written, relative(d, list->newest));
    kept->last_preserved = written.last_preserved = list->last_preserved;
    for (size_t i = 0; !failed && i < list->path_count; i++) {
        if (!is_kept(d, list, i)) continue;
        failed = od_checkpoint_state_add(kept, list->paths[i], list->times[i]) || od_checkpoint_state_add(&written, relative(d, list->paths[i]), list->times[i]);
    }
    if (!failed) od_checkpoint_state_format(&written, text);
    od_checkpoint_state_deinit(&written);
    return failed || od_strbuf_failed(text) ? od_error_nomem(err, d->folder) : OD_OK;
}

static int contains(const od_checkpoint_state *list, const char *prefix)
{
    for (size_t i = 0; i < list->path_count; i++)
        if (!strcmp(list->paths[i], prefix)) return 1;
    return 0;
}

/* Makes `list` the folder's, thinned out: first the state file, then the deletions. Takes `list` over on success. */
static od_status apply(od_model_dir *d, od_checkpoint_state *list, od_error *err)
{
    od_checkpoint_state kept = {0};
    od_strbuf text = {0};
    char *path = od_path_join(d->folder, "checkpoint");
    od_status status = path ? plan(d, list, &kept, &text, err) : od_error_nomem(err, d->folder);
    if (status == OD_OK) status = od_file_write_all(path, text.data, text.size, err);
    if (status == OD_OK) {
        for (size_t i = 0; i < list->path_count; i++)
            if (!contains(&kept, list->paths[i])) od_model_dir_delete(list->paths[i]);
        od_checkpoint_state_deinit(list);
        od_checkpoint_state_deinit(&d->list);
        d->list = kept;
    } else {
        od_checkpoint_state_deinit(&kept);
    }
    od_strbuf_deinit(&text);
    od_free(path);
    return status;
}

static od_status copy_list(const od_model_dir *d, od_checkpoint_state *out, od_error *err)
{
    int failed = d->list.newest && od_checkpoint_state_set_newest(out, d->list.newest);
    for (size_t i = 0; !failed && i < d->list.path_count; i++) failed = od_checkpoint_state_add(out, d->list.paths[i], d->list.times[i]);
    out->last_preserved = d->list.last_preserved;
    return failed ? od_error_nomem(err, d->folder) : OD_OK;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

od_status od_model_dir_commit(od_model_dir *d, od_error *err)
{
    od_checkpoint_state list = {0};
    if (!d->training) return od_error_set(err, OD_ERR_ARG, "%s: opened for reading", d->root);
    if (!has_index(d->next)) return od_error_set(err, OD_ERR_ARG, "%s: commit before the checkpoint was written", d->next);
    od_status status = copy_list(d, &list, err);
    if (status == OD_OK && (od_checkpoint_state_add(&list, d->next, now()) || od_checkpoint_state_set_newest(&list, d->next)))
        status = od_error_nomem(err, d->folder);
    if (status == OD_OK && list.last_preserved == 0) list.last_preserved = list.times[0];
    if (status == OD_OK) status = apply(d, &list, err);
    od_checkpoint_state_deinit(&list);
    return status == OD_OK ? set_next(d, err) : status;
}

od_status od_model_dir_offer_best(od_model_dir *d, const char *metric, double value, int64_t step, int *is_best, od_error *err)
{
    od_checkpoint_state list = {0};
    *is_best = 0;
    if (!d->training || !d->list.newest) return od_error_set(err, OD_ERR_ARG, "%s: no checkpoint of a training here", d->root);
    if (!isfinite(value) || (d->best && !strcmp(d->best_metric, metric) && value <= d->best_value)) return OD_OK;
    char *best = od_strdup(d->list.newest), *name = od_strdup(metric);
    if (!best || !name) {
        od_free(best);
        od_free(name);
        return od_error_nomem(err, d->folder);
    }
    forget_best(d);
    d->best = best;
    d->best_metric = name;
    d->best_value = value;
    *is_best = 1;
    OD_TRY(write_best(d, step, err));
    od_status status = copy_list(d, &list, err); /* the one that was best may go now */
    if (status == OD_OK) status = apply(d, &list, err);
    od_checkpoint_state_deinit(&list);
    return status;
}
