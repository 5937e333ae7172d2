/* SPDX-License-Identifier: Apache-2.0
 *
 * Calibrators of all classes and of each class that has enough detections.
 */
#include "eval/calibrator.h"

#include "eval/calibration_pairs.h"
#include "util/alloc.h"
#include "util/error.h"
#include "util/strbuf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_OF_ALL = 5, LEAST_OF_CLASS = 20 };

const char *od_calibrator_kind_name(od_calibrator_kind kind)
{
    return kind == OD_CALIBRATOR_PLATT ? "platt" : kind == OD_CALIBRATOR_ISOTONIC ? "isotonic" : "?";
}

void od_score_map_deinit(od_score_map *map)
{
    od_free(map->x);
    od_free(map->y);
    *map = (od_score_map){0};
}

static int compare_scores(const void *pa, const void *pb)
{
    const od_score_outcome *a = pa, *b = pb;
    return (a->score > b->score) - (a->score < b->score);
}

/* Sorts v. */
static od_status fit_map(od_calibrator_kind kind, od_score_outcome *v, size_t n, od_score_map *out, od_error *err)
{
    for (size_t i = 0; i < n; i++) out->right += v[i].right;
    out->wrong = (int64_t)n - out->right;
    qsort(v, n, sizeof *v, compare_scores);
    if (kind == OD_CALIBRATOR_ISOTONIC) return od_isotonic_fit(v, n, out, err);
    od_platt_fit(v, n, &out->a, &out->b);
    return OD_OK;
}

/* The outcomes of a class (-1: of all). */
static size_t gather(const od_calibration_pairs *p, int64_t class_index, od_score_outcome *v)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (class_index < 0 || p->items[i].class_index == class_index)
            v[n++] = (od_score_outcome){p->items[i].score, p->items[i].right};
    return n;
}

static od_status fit_class(od_calibrator *c, const od_coco_eval *e, int64_t k, od_score_outcome *v, size_t n, od_error *err)
{
    int64_t right = 0;
    for (size_t i = 0; i < n; i++) right += v[i].right;
    if (right < LEAST_OF_CLASS || (int64_t)n - right < LEAST_OF_CLASS) return OD_OK;
    od_class_map *m = &c->classes[c->num_classes];
    const char *name = od_coco_eval_class_name(e, k);
    m->name = name[0] ? od_strdup(name) : od_asprintf("id %" PRId64, od_coco_eval_class_id(e, k));
    if (!m->name) return od_error_nomem(err, "the calibrator");
    c->num_classes++;
    return fit_map(c->kind, v, n, &m->map, err);
}

static od_status fit_all(od_calibrator *c, const od_coco_eval *e, const od_calibration_pairs *p, od_score_outcome *v, od_error *err)
{
    size_t n = gather(p, -1, v);
    OD_TRY(fit_map(c->kind, v, n, &c->all, err));
    if (c->all.right < LEAST_OF_ALL || c->all.wrong < LEAST_OF_ALL)
        return od_error_set(err, OD_ERR_MISMATCH,
                            "%" PRId64 " right and %" PRId64 " wrong detections are too few to fit a calibrator; at least %d of each "
                            "are needed", c->all.right, c->all.wrong, LEAST_OF_ALL);
    int64_t classes = od_coco_eval_num_classes(e);
    c->classes = od_calloc((size_t)classes, sizeof *c->classes);
    if (!c->classes) return od_error_nomem(err, "the calibrator");
    for (int64_t k = 0; k < classes && classes > 1; k++) {
        n = gather(p, k, v);
        OD_TRY(fit_class(c, e, k, v, n, err));
    }
    return OD_OK;
}

od_status od_calibrator_fit(od_calibrator **out, const od_coco_eval *e, od_calibrator_kind kind,
                            const od_calibration_options *options, od_error *err)
{
    od_calibration_options standard = od_calibration_options_default();
    od_calibration_pairs p = {0};
    if (kind != OD_CALIBRATOR_PLATT && kind != OD_CALIBRATOR_ISOTONIC)
        return od_error_set(err, OD_ERR_ARG, "the kind of calibrator is %d; expected OD_CALIBRATOR_PLATT or OD_CALIBRATOR_ISOTONIC", (int)kind);
    OD_TRY(od_calibration_pairs_build(&p, e, options ? options : &standard, err));
    od_calibrator *c = od_calloc(1, sizeof *c);
    od_score_outcome *v = od_malloc(p.count, sizeof *v);
    od_status status = c && v ? OD_OK : od_error_nomem(err, "the calibrator");
    if (c) c->kind = kind;
    if (status == OD_OK) status = fit_all(c, e, &p, v, err);
    od_free(v);
    od_calibration_pairs_deinit(&p);
    if (status == OD_OK)
        *out = c;
    else
        od_calibrator_free(c);
    return status;
}

void od_calibrator_free(od_calibrator *c)
{
    if (!c) return;
    od_score_map_deinit(&c->all);
    for (size_t i = 0; c->classes && i < c->num_classes; i++) {
        od_free(c->classes[i].name);
        od_score_map_deinit(&c->classes[i].map);
    }
    od_free(c->classes);
    od_free(c);
}

od_calibrator_kind od_calibrator_kind_of(const od_calibrator *c)
{
    return c->kind;
}

static const od_score_map *map_of(const od_calibrator *c, const char *class_name)
{
    for (size_t i = 0; class_name && i < c->num_classes; i++)
        if (!strcmp(c->classes[i].name, class_name)) return &c->classes[i].map;
    return &c->all;
}

double od_calibrator_apply(const od_calibrator *c, const char *class_name, double score)
{
    const od_score_map *m = map_of(c, class_name);
    return c->kind == OD_CALIBRATOR_PLATT ? od_platt_apply(m->a, m->b, score) : od_isotonic_apply(m, score);
}

char *od_calibrator_describe(const od_calibrator *c)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "%s, fitted on %" PRId64 " right and %" PRId64 " wrong detections",
                     c->kind == OD_CALIBRATOR_PLATT ? "Platt scaling" : "isotonic regression", c->all.right, c->all.wrong);
    for (size_t i = 0; i < c->num_classes; i++)
        od_strbuf_printf(&b, "%s%s", i ? ", " : "; classes with a map of their own: ", c->classes[i].name);
    if (!od_strbuf_failed(&b)) return b.data;
    od_strbuf_deinit(&b);
    return NULL;
}
