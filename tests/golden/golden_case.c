/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports, dumps and the variables' values.
 */
#include "golden.h"

#include "checkpoint/tensor_bundle.h"
#include "util/alloc.h"
#include "util/file.h"
#include "weight_recipe.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void golden_report(golden_case *c, golden_quantity q, const char *what, double error, const char *detail)
{
    double bound = golden_bound(&c->noise, q);
    int ok = error <= bound;
    if (!ok) c->failures++;
    printf("%s  %-44s error %-10.3g bound %-8.3g %s%s\n", ok ? "ok  " : "FAIL", what, error, bound, c->name, detail ? detail : "");
}

const od_safetensors_entry *golden_entry(const od_safetensors *st, const char *format, ...)
{
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return od_safetensors_find(st, name);
}

void golden_dump_add(golden_case *c, golden_dump *dump, od_dtype dtype, int rank, const int64_t *shape, const void *data, const char *format, ...)
{
    if (!c->dumping) return;
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    od_safetensors_entry e = {.name = od_strdup(name), .dtype = dtype, .rank = rank};
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= e.shape[i] = shape[i];
    e.bytes = (size_t)count * od_dtype_size(dtype);
    void *copy = od_malloc(e.bytes, 1);
    if (!e.name || !copy || od_grow(&dump->entries, &dump->capacity, dump->count + 1, sizeof *dump->entries)) {
        fprintf(stderr, "out of memory while dumping %s\n", name);
        exit(2);
    }
    memcpy(copy, data, e.bytes);
    e.data = copy;
    dump->entries[dump->count++] = e;
}

od_status golden_dump_write(golden_dump *dump, const char *dir, const char *case_name, const char *file, od_error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, case_name);
    OD_TRY(od_dir_create(path, err));
    snprintf(path, sizeof path, "%s/%s/%s.safetensors", dir, case_name, file);
    return od_safetensors_write(path, dump->entries, dump->count, err);
}

void golden_dump_free(golden_dump *dump)
{
    for (size_t i = 0; i < dump->count; i++) {
        od_free((char *)dump->entries[i].name);
        od_free((void *)dump->entries[i].data);
    }
    od_free(dump->entries);
    *dump = (golden_dump){0};
}

od_status golden_reset_variables(golden_case *c, od_error *err)
{
    od_variables *vars = od_model_variables(c->model);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        const od_safetensors_entry *m = od_safetensors_find(c->moving, v->name);
        if (!m) {
            test_recipe_weight(v->name, v->rank, v->shape, vars->value + v->offset);
            continue;
        }
        if (m->dtype != OD_F32 || m->bytes != (size_t)v->size * 4)
            return od_error_set(err, OD_ERR_MISMATCH, "%s/moving.safetensors: %s has %zu bytes; expected %lld floats", c->dir, v->name, m->bytes, (long long)v->size);
        memcpy(vars->value + v->offset, m->data, m->bytes);
    }
    memset(vars->slot[0], 0, vars->elements * sizeof(float));
    vars->version++;
    return OD_OK;
}

/* The variable's name in the index: its path with the usual ending. */
static int same_shape(const od_variable *v, const od_bundle_entry *e)
{
    int same = e->rank == v->rank;
    for (int i = 0; same && i < v->rank; i++) same = e->shape[i] == v->shape[i];
    return same;
}

static double compare_recipe(golden_case *c, od_bundle *b)
{
    double worst = 0;
    od_variables *vars = od_model_variables(c->model);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        char key[600];
        snprintf(key, sizeof key, "%s/.ATTRIBUTES/VARIABLE_VALUE", v->name);
        const od_bundle_entry *e = od_bundle_find(b, key);
        const void *data;
        if (!e || od_bundle_data(b, e, &data, NULL) != OD_OK) return NAN;
        const float *x = data, *y = vars->value + v->offset;
        for (int64_t j = 0; j < v->size; j++) worst = fmax(worst, fabs((double)x[j] - y[j]));
    }
    return worst;
}

od_status golden_check_variables(golden_case *c, od_error *err)
{
    char prefix[1024], data[1100], detail[700] = "", suffix[] = "/.ATTRIBUTES/VARIABLE_VALUE";
    snprintf(prefix, sizeof prefix, "%s/model", c->dir);
    snprintf(data, sizeof data, "%s.data-00000-of-00001", prefix);
    od_bundle *b;
    int whole = od_path_exists(data);
    OD_TRY(whole ? od_bundle_open(&b, prefix, err) : od_bundle_open_index(&b, prefix, err));
    od_variables *vars = od_model_variables(c->model);
    size_t in_index = 0;
    int wrong = 0;
    for (size_t i = 0; i < od_bundle_count(b); i++) {
        const char *key = od_bundle_at(b, i)->key;
        size_t n = strlen(key);
        if (strncmp(key, "model/", 6) || n < sizeof suffix || strcmp(key + n - sizeof suffix + 1, suffix)) continue;
        char name[600];
        snprintf(name, sizeof name, "%.*s", (int)(n - sizeof suffix + 1), key);
        in_index++;
        od_var v = od_variables_find(vars, name);
        if (v != OD_NO_VAR && same_shape(&vars->items[v], od_bundle_at(b, i))) continue;
        if (!wrong++) snprintf(detail, sizeof detail, ": first: %s", name);
    }
    if (in_index != vars->count && !wrong) snprintf(detail, sizeof detail, ": %zu in the index, %zu here", in_index, vars->count);
    golden_report(c, GOLDEN_VARIABLES, "variables (names, shapes)", wrong + fabs((double)in_index - (double)vars->count), detail);
    if (whole) golden_report(c, GOLDEN_RECIPE, "stored weights", compare_recipe(c, b), NULL);
    od_bundle_close(b);
    return OD_OK;
}
