/* SPDX-License-Identifier: Apache-2.0
 *
 * JAFROC's figures of merit: the Wilcoxon statistic between the objects' scores and the images' highest false scores.
 */
#include "eval/image_kinds.h"
#include "eval/localisation_options.h"
#include "eval/score_sort.h"
#include "util/alloc.h"
#include "util/error.h"

#include <math.h>

/* An object or an image with its score, -INFINITY unmarked. */
typedef struct marked {
    double score, share; /* share: 1 / objects of its image */
    uint32_t image;
    uint8_t null; /* an image without objects of the class */
} marked;

typedef struct rating {
    marked *objects, *images; /* by rising score */
    size_t num_objects, num_images;
} rating;

/* Sum over pairs (object, image) of 1 when the object's score is higher, 1/2 when equal. */
typedef struct sums {
    double plain, weighted, objects, images_with, others;
} sums;

/* Images' weights below and equal to a score are gathered as the objects' scores rise. */
static sums compare(const rating *r, const uint32_t *weights, int null_only)
{
    sums s = {0, 0, 0, 0, 0};
    double below = 0;
    size_t i = 0;
    for (size_t j = 0; j < r->num_objects;) {
        double score = r->objects[j].score, equal = 0, here = 0, here_share = 0;
        for (; i < r->num_images && r->images[i].score < score; i++)
            if (r->images[i].null || !null_only) below += weights[r->images[i].image];
        for (size_t k = i; k < r->num_images && r->images[k].score == score; k++)
            if (r->images[k].null || !null_only) equal += weights[r->images[k].image];
        for (; j < r->num_objects && r->objects[j].score == score; j++) {
            here += weights[r->objects[j].image];
            here_share += weights[r->objects[j].image] * r->objects[j].share;
        }
        s.plain += here * (below + equal / 2);
        s.weighted += here_share * (below + equal / 2);
        s.objects += here;
        s.images_with += here_share;
    }
    for (size_t k = 0; k < r->num_images; k++)
        if (r->images[k].null || !null_only) s.others += weights[r->images[k].image];
    return s;
}

static void compute(const void *user, const uint32_t *weights, double *values, void *scratch)
{
    (void)scratch;
    for (int all = 0; all < 2; all++) {
        sums s = compare(user, weights, !all);
        int defined = s.objects > 0 && s.others > 0;
        values[all] = defined ? s.plain / (s.objects * s.others) : NAN;
        values[2 + all] = defined ? s.weighted / (s.images_with * s.others) : NAN;
    }
}

static int sort_rising(marked *v, size_t n)
{
    od_scored *order = od_malloc(n, sizeof *order), *scratch = od_malloc(n, sizeof *scratch);
    marked *copy = od_malloc(n, sizeof *copy);
    int ok = order && scratch && copy;
    if (ok) {
        for (size_t i = 0; i < n; i++) {
            copy[i] = v[i];
            order[i] = (od_scored){-v[i].score, (uint32_t)i};
        }
        od_score_sort(order, scratch, n);
        for (size_t i = 0; i < n; i++) v[i] = copy[order[i].index];
    }
    od_free(order);
    od_free(scratch);
    od_free(copy);
    return ok;
}

static void fill_images(rating *r, const od_box_list *list, const uint8_t *kinds)
{
    for (size_t i = 0; i < r->num_images; i++)
        r->images[i] = (marked){-INFINITY, 0, (uint32_t)i, kinds[i] != OD_IMAGES_WITH};
    for (size_t i = list->count; i-- > 0;) /* from the lowest: the highest stays */
        if (list->items[i].verdict == OD_VERDICT_FALSE) r->images[list->items[i].image].score = list->items[i].score;
}

/* `per_image` is scratch: [num_images]. */
static void fill_objects(rating *r, const od_coco_eval *e, const od_box_list *list, const od_box_matches *m, uint32_t *per_image)
{
    for (size_t i = 0; i < list->num_truths; i++) per_image[list->truth_image[i]]++;
    for (size_t i = 0; i < list->num_truths; i++) {
        int32_t det = m->truth_found[list->truth[i]];
        uint32_t image = list->truth_image[i];
        r->objects[i] = (marked){det < 0 ? -INFINITY : e->dets[det].score, 1. / per_image[image], image, 0};
    }
}

static od_status prepare(rating *r, const od_coco_eval *e, int64_t class_index, const od_box_list *list,
                         const od_box_matches *m, int64_t *null_images, od_error *err)
{
    r->num_images = e->num_images;
    r->num_objects = list->num_truths;
    r->images = od_malloc(e->num_images, sizeof *r->images);
    r->objects = od_malloc(list->num_truths, sizeof *r->objects);
    uint8_t *kinds = od_malloc(e->num_images, 1);
    uint32_t *per_image = od_calloc(e->num_images, sizeof *per_image);
    int ok = r->images && r->objects && kinds && per_image;
    if (ok) {
        od_image_kinds_fill(e, class_index, kinds);
        fill_images(r, list, kinds);
        fill_objects(r, e, list, m, per_image);
        for (size_t i = 0; i < e->num_images; i++) *null_images += kinds[i] != OD_IMAGES_WITH;
        ok = sort_rising(r->images, r->num_images) && sort_rising(r->objects, r->num_objects);
    }
    od_free(kinds);
    od_free(per_image);
    return ok ? OD_OK : od_error_nomem(err, "JAFROC");
}

static const char *why_not(const od_jafroc *j, int null_only)
{
    if (!j->objects) return "there are no objects of the class";
    return null_only && !j->null_images ? "there are no images without objects of the class" : NULL;
}

static od_status fill(od_jafroc *out, const od_coco_eval *e, const od_box_list *list, const od_box_matches *m,
                      const od_localisation_options *o, od_error *err)
{
    rating r = {0};
    od_interval intervals[4];
    od_resampling resampling = od_localisation_resampling(o);
    od_figures figures = {.compute = compute, .user = &r, .count = 4, .lowest = 0, .highest = 1,
                          .method = OD_BOOTSTRAP_BCA};
    od_status status;
    OD_TRY_GOTO(prepare(&r, e, out->class_index, list, m, &out->null_images, err));
    OD_TRY_GOTO(od_resample_figures(e, &figures, &resampling, intervals, err));
    for (int i = 0; i < 4; i++)
        if (why_not(out, !(i & 1))) intervals[i].why_not = why_not(out, !(i & 1));
    out->jafroc = intervals[0];
    out->jafroc1 = intervals[1];
    out->wafroc = intervals[2];
    out->wafroc1 = intervals[3];
done:
    od_free(r.images);
    od_free(r.objects);
    return status;
}

od_status od_jafroc_compute(od_jafroc *out, const od_coco_eval *e, int64_t class_index, const od_localisation_options *o,
                            od_error *err)
{
    od_localisation_options standard = od_localisation_options_default();
    od_box_list list = {0};
    const od_box_matches *m;
    od_status status;
    if (!o) o = &standard;
    od_jafroc j = {.class_index = class_index};
    OD_TRY(od_localisation_options_check(o, err));
    OD_TRY(od_box_check(e, class_index, err));
    OD_TRY_GOTO(od_box_matches_find(e, o->hit, o->iou, o->num_threads, &m, err));
    OD_TRY_GOTO(od_box_list_build(e, m, class_index, &list, err));
    j.images = (int64_t)e->num_images;
    j.objects = (int64_t)list.num_truths;
    OD_TRY_GOTO(fill(&j, e, &list, m, o, err));
    *out = j;
done:
    od_box_list_deinit(&list);
    return status;
}
