/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/image_scores.h"

#include "util/alloc.h"

#include <inttypes.h>
#include <math.h>

static void fill(od_image_scores *s, const od_coco_eval *e)
{
    size_t n = s->num_images, k = s->num_classes;
    for (size_t i = 0; i < (k + 1) * n; i++) s->score[i] = -INFINITY;
    for (size_t i = 0; i < e->num_dets; i++) {
        const od_coco_det *d = &e->dets[i];
        double *of_class = &s->score[(size_t)d->class_index * n + (size_t)d->image], *any = &s->score[k * n + (size_t)d->image];
        if (d->score > *of_class) *of_class = d->score;
        if (d->score > *any) *any = d->score;
    }
    for (size_t i = 0; i < n; i++) s->label[i] = (int32_t)k;
    for (size_t i = 0; i < e->num_truths; i++) {
        size_t image = (size_t)e->truths[i].image;
        int32_t of = e->truths[i].class_index;
        s->truth[(size_t)of * n + image] = s->truth[k * n + image] = 1;
        s->label[image] = s->label[image] == (int32_t)k || s->label[image] == of ? of : OD_LABEL_SEVERAL;
    }
}

static int copy_names(od_image_scores *s, const od_coco_eval *e)
{
    for (size_t i = 0; i < s->num_classes; i++) {
        const char *name = e->classes[i].name;
        s->names[i] = name && name[0] ? od_strdup(name) : od_asprintf("id %" PRId64, e->classes[i].id);
        if (!s->names[i]) return 0;
    }
    s->names[s->num_classes] = od_strdup("nothing");
    return s->names[s->num_classes] != NULL;
}

od_status od_image_scores_create(od_image_scores **out, const od_coco_eval *e, od_error *err)
{
    size_t n = e->num_images, rows = e->num_classes + 1;
    od_image_scores *s = od_calloc(1, sizeof *s);
    if (!s) return od_error_nomem(err, "the image-level scores");
    s->num_images = n;
    s->num_classes = e->num_classes;
    s->score = od_malloc(rows * sizeof *s->score, n);
    s->truth = od_calloc(rows, n);
    s->label = od_malloc(n, sizeof *s->label);
    s->answer = od_malloc(n, sizeof *s->answer);
    s->names = od_calloc(rows, sizeof *s->names);
    od_status status = s->score && s->truth && s->label && s->answer && s->names && copy_names(s, e)
                           ? od_units_init(&s->units, e->images, n, err)
                           : od_error_nomem(err, "the image-level scores");
    if (status != OD_OK) {
        od_image_scores_free(s);
        return status;
    }
    fill(s, e);
    *out = s;
    return OD_OK;
}

void od_image_scores_free(od_image_scores *s)
{
    if (!s) return;
    for (size_t i = 0; s->names && i <= s->num_classes; i++) od_free(s->names[i]);
    od_free(s->names);
    od_free(s->score);
    od_free(s->truth);
    od_free(s->label);
    od_free(s->answer);
    od_units_deinit(&s->units);
    od_free(s);
}

void od_image_scores_answer(od_image_scores *s, double threshold)
{
    for (size_t i = 0; i < s->num_images; i++) {
        double best = -INFINITY;
        s->answer[i] = (int32_t)s->num_classes;
        for (size_t k = 0; k < s->num_classes; k++) {
            double score = s->score[k * s->num_images + i];
            if (score <= best || score < threshold) continue;
            best = score;
            s->answer[i] = (int32_t)k;
        }
    }
}
