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
    double score, share; /* share: of an object 1 / objects of its image, of an image 0 */
    uint32_t image;
    uint8_t null; /* an image without objects of the class */
    uint8_t end;  /* the last of equal scores */
} marked;

typedef struct rating {
    marked *marks; /* objects and images by rising score */
    size_t count;
} rating;

/* Sum over pairs (object, image) of 1 when the object's score is higher, 1/2 when equal. */
typedef struct sums {
    double plain[OD_LANES], weighted[OD_LANES], objects[OD_LANES], images_with[OD_LANES];
    double below[OD_LANES]; /* images of lower scores; in the end all images */
} sums;

/* Of the run of equal scores. */
typedef struct here {
    double objects[OD_LANES], shares[OD_LANES], images[OD_LANES];
    int any;
} here;

static void end_run(sums *s, here *h)
{
    for (int l = 0; h->any && l < OD_LANES; l++) {
        s->plain[l] += h->objects[l] * (s->below[l] + h->images[l] / 2);
        s->weighted[l] += h->shares[l] * (s->below[l] + h->images[l] / 2);
        s->objects[l] += h->objects[l];
        s->images_with[l] += h->shares[l];
    }
    for (int l = 0; l < OD_LANES; l++) s->below[l] += h->images[l];
    *h = (here){.any = 0};
}

static void compare(const rating *r, const int32_t *weights, int null_only, sums *s)
{
    here h = {.any = 0};
    *s = (sums){.plain = {0}};
    for (size_t i = 0; i < r->count; i++) {
        const marked *m = &r->marks[i];
        const int32_t *w = weights + (size_t)m->image * OD_LANES;
        if (m->share > 0) {
            h.any = 1;
            for (int l = 0; l < OD_LANES; l++) h.objects[l] += w[l];
            for (int l = 0; l < OD_LANES; l++) h.shares[l] += w[l] * m->share;
        } else if (m->null || !null_only) {
            for (int l = 0; l < OD_LANES; l++) h.images[l] += w[l];
        }
        if (m->end) end_run(s, &h);
    }
}

static void compute(const void *user, const int32_t *weights, double (*values)[OD_LANES], void *scratch)
{
    (void)scratch;
    for (int all = 0; all < 2; all++) {
        sums s;
        compare(user, weights, !all, &s);
        for (int l = 0; l < OD_LANES; l++) {
            int defined = s.objects[l] > 0 && s.below[l] > 0;
            values[all][l] = defined ? s.plain[l] / (s.objects[l] * s.below[l]) : (double)NAN;
            values[2 + all][l] = defined ? s.weighted[l] / (s.images_with[l] * s.below[l]) : (double)NAN;
        }
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
        for (size_t i = 0; i < n; i++) v[i].end = i + 1 == n || v[i + 1].score != v[i].score;
    }
    od_free(order);
    od_free(scratch);
    od_free(copy);
    return ok;
}

static void fill_images(marked *images, const od_coco_eval *e, const od_box_list *list, const uint8_t *kinds)
{
    for (size_t i = 0; i < e->num_images; i++)
        images[i] = (marked){.score = -INFINITY, .image = (uint32_t)i, .null = kinds[i] != OD_IMAGES_WITH};
    for (size_t i = list->count; i-- > 0;) /* from the lowest: the highest stays */
        if (list->items[i].verdict == OD_VERDICT_FALSE) images[list->items[i].image].score = list->items[i].score;
}

/* `per_image` is scratch: [num_images]. */
static void fill_objects(marked *objects, const od_coco_eval *e, const od_box_list *list, const od_box_matches *m, uint32_t *per_image)
{
    for (size_t i = 0; i < list->num_truths; i++) per_image[list->truth_image[i]]++;
    for (size_t i = 0; i < list->num_truths; i++) {
        int32_t det = m->truth_found[list->truth[i]];
        uint32_t image = list->truth_image[i];
        objects[i] = (marked){.score = det < 0 ? -INFINITY : e->dets[det].score, .share = 1. / per_image[image], .image = image};
    }
}

static od_status prepare(rating *r, const od_coco_eval *e, int64_t class_index, const od_box_list *list,
                         const od_box_matches *m, int64_t *null_images, od_error *err)
{
    r->count = e->num_images + list->num_truths;
    r->marks = od_malloc(r->count, sizeof *r->marks);
    uint8_t *kinds = od_malloc(e->num_images, 1);
    uint32_t *per_image = od_calloc(e->num_images, sizeof *per_image);
    int ok = r->marks && kinds && per_image;
    if (ok) {
        od_image_kinds_fill(e, class_index, kinds);
        fill_images(r->marks, e, list, kinds);
        fill_objects(r->marks + e->num_images, e, list, m, per_image);
        for (size_t i = 0; i < e->num_images; i++) *null_images += kinds[i] != OD_IMAGES_WITH;
        ok = sort_rising(r->marks, r->count);
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
    od_free(r.marks);
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
