/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that stand in the data twice: equal bytes, equal pixels, near copies. Equal ones are found by digest; one of each set of
 * equals goes to the search for near copies.
 */
#include "data/data_checker.h"

#include "data/near_search.h"
#include "util/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- clusters: union-find, the smallest number of a cluster is its root ------------------------------------------------- */

static int32_t root_of(od_data_check_image *images, int32_t i)
{
    while (images[i].cluster != i) i = images[i].cluster = images[images[i].cluster].cluster;
    return i;
}

static void join(od_data_check_image *images, int32_t a, int32_t b)
{
    a = root_of(images, a), b = root_of(images, b);
    if (a < b) images[b].cluster = a;
    if (b < a) images[a].cluster = b;
}

/* --- pairs --------------------------------------------------------------------------------------------------------------- */

static od_data_image_ref ref_of(const od_data_checker *c, int32_t i)
{
    return (od_data_image_ref){c->images[i].split, c->images[i].index, c->images[i].name};
}

static od_data_pair *add_pair(od_data_checker *c, int32_t a, int32_t b, od_data_pair_kind kind, od_error *err)
{
    od_data_check *out = c->out;
    if (od_grow(&out->pairs, &c->pair_capacity, (size_t)out->pair_count + 1, sizeof *out->pairs)) {
        od_error_nomem(err, "pairs");
        return NULL;
    }
    od_data_pair *p = &out->pairs[out->pair_count++];
    *p = (od_data_pair){.a = ref_of(c, a), .b = ref_of(c, b), .kind = kind, .similarity = 1, .covered = 1, .contrast = 1};
    if (kind != OD_DATA_NEAR && !(p->difference = od_strdup(""))) {
        od_error_nomem(err, "pairs");
        return NULL;
    }
    return p;
}

typedef struct keyed {
    const char *key;
    int32_t image;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : x->image < y->image ? -1 : x->image > y->image;
}

/* A set of equals, in order: each later one with the first of another split, else with the first. */
static od_status pair_equals(od_data_checker *c, const keyed *set, size_t n, od_data_pair_kind kind, od_error *err)
{
    for (size_t i = 1; i < n; i++) {
        int32_t partner = set[0].image, image = set[i].image;
        for (size_t k = 0; k < i; k++) {
            if (c->images[set[k].image].split == c->images[image].split) continue;
            partner = set[k].image;
            break;
        }
        c->images[image].exact = c->images[set[0].image].exact;
        int known = root_of(c->images, partner) == root_of(c->images, image); /* equal bytes, when pixels are compared */
        join(c->images, partner, image);
        if (!known && !add_pair(c, partner, image, kind, err)) return OD_ERR_NOMEM;
    }
    return OD_OK;
}

static od_status find_equals(od_data_checker *c, od_data_pair_kind kind, od_error *err)
{
    keyed *keys = od_malloc((size_t)c->image_count, sizeof *keys);
    size_t n = 0;
    if (!keys) return od_error_nomem(err, "digests");
    for (int32_t i = 0; i < c->image_count; i++) {
        const char *key = kind == OD_DATA_SAME_BYTES ? c->images[i].bytes : c->images[i].pixels;
        if (*key) keys[n++] = (keyed){key, i};
    }
    if (n) qsort(keys, n, sizeof *keys, by_key);
    od_status status = OD_OK;
    for (size_t i = 0, end; i < n && status == OD_OK; i = end) {
        for (end = i + 1; end < n && !strcmp(keys[end].key, keys[i].key);) end++;
        if (end - i > 1) status = pair_equals(c, keys + i, end - i, kind, err);
    }
    od_free(keys);
    return status;
}

/* --- near copies --------------------------------------------------------------------------------------------------------- */

static od_status load_picture(void *user, int32_t i, od_picture *out, od_error *err)
{
    const od_data_checker *c = user;
    const od_data_check_image *image = &c->images[i];
    od_example e = {0};
    od_image pixels = {0};
    od_status status = od_dataset_read(c->sets[image->split], image->index, &e, err);
    if (status == OD_OK) status = od_image_decode(e.encoded, e.encoded_size, &pixels, err);
    if (status == OD_OK) status = od_picture_init(out, &pixels, err);
    od_image_deinit(&pixels);
    od_example_deinit(&e);
    return status;
}

static void tell_progress(void *user, int64_t done, int64_t total)
{
    const od_data_checker *c = user;
    c->options->progress(c->options->progress_user, "comparing pictures", done, total);
}

static void put(od_strbuf *t, const char *format, double value)
{
    if (t->size) od_strbuf_puts(t, ", ");
    od_strbuf_printf(t, format, value);
}

/* "mirrored, cropped to 64 %, darker". */
static char *describe(const od_picture_match *m)
{
    od_strbuf t = {0};
    int degrees = (int)lround(m->degrees);
    if (m->mirrored && abs(degrees) >= 178)
        put(&t, "upside down (mirrored)", 0);
    else if (m->mirrored)
        put(&t, "mirrored", 0);
    if (abs(degrees) >= 2 && !(m->mirrored && abs(degrees) >= 178)) put(&t, "turned by %g degrees", degrees);
    if (m->covered < 0.95) put(&t, "cropped: both show %.0f %% of it", 100 * m->covered);
    if (fabs(log(m->scale)) > 0.03) put(&t, m->scale > 1 ? "enlarged %.2f times" : "reduced to %.2f", m->scale);
    if (fabs(m->lighter) > 6) put(&t, m->lighter > 0 ? "brighter" : "darker", 0);
    if (m->contrast < 0.85 || m->contrast > 1.18) put(&t, m->contrast > 1 ? "more contrast" : "less contrast", 0);
    if (!t.size) put(&t, "coded again", 0);
    if (!od_strbuf_failed(&t)) return t.data;
    od_strbuf_deinit(&t);
    return NULL;
}

static od_status add_near(od_data_checker *c, const od_near_pair *n, od_error *err)
{
    join(c->images, n->a, n->b);
    od_data_pair *p = add_pair(c, n->a, n->b, OD_DATA_NEAR, err);
    if (!p) return OD_ERR_NOMEM;
    p->similarity = n->match.similarity;
    p->mirrored = n->match.mirrored;
    p->degrees = (int)lround(n->match.degrees);
    p->covered = n->match.covered;
    p->brightness = n->match.brightness;
    p->contrast = n->match.contrast;
    p->difference = describe(&n->match);
    return p->difference ? OD_OK : od_error_nomem(err, "pairs");
}

static od_status search(od_data_checker *c, od_error *err)
{
    od_near_pair *pairs = NULL;
    size_t count = 0;
    int cut = 0;
    od_near_search options = {.prints = c->prints,
                              .load = load_picture,
                              .user = c,
                              .threads = c->threads,
                              .progress = c->options->progress ? tell_progress : NULL,
                              .progress_user = c};
    OD_TRY(od_near_search_run(&options, &pairs, &count, &cut, err));
    od_status status = OD_OK;
    for (size_t i = 0; i < count && status == OD_OK; i++) status = add_near(c, &pairs[i], err);
    od_free(pairs);
    if (status == OD_OK && cut)
        status = od_data_check_add(c, OD_DATA_SEARCH_CUT, -1, 1, "", err,
                              "many images look alike: the search for near copies was cut, some copies may not be named");
    return status;
}

/* Of each set of equals one takes part. */
static od_status find_near(od_data_checker *c, od_error *err)
{
    for (int32_t i = 0; i < c->image_count; i++) {
        if (c->images[i].bytes[0] && c->images[i].exact == i)
            c->out->images_searched++;
        else
            od_fingerprint_store_drop(c->prints, i);
    }
    return search(c, err);
}

/* --- findings ------------------------------------------------------------------------------------------------------------ */

static int across(const od_data_pair *p)
{
    return p->a.split != p->b.split;
}

static int by_weight(const void *a, const void *b)
{
    const od_data_pair *x = a, *y = b;
    if (across(x) != across(y)) return across(y) - across(x);
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->b.split != y->b.split) return x->b.split - y->b.split;
    if (x->b.index != y->b.index) return x->b.index < y->b.index ? -1 : 1;
    if (x->a.split != y->a.split) return x->a.split - y->a.split;
    return x->a.index < y->a.index ? -1 : x->a.index > y->a.index;
}

typedef struct counts {
    int64_t exact, near, inside;    /* images with an equal in an earlier split; with a near one; repeated in their split */
    int64_t from[OD_DATA_CHECK_MAX_SPLITS]; /* near or equal, by the earliest split that has it */
} counts;

/* For each image: does an earlier split have it, or its own split before it? Images are in the order of splits. */
static void count_images(od_data_checker *c, counts all[OD_DATA_CHECK_MAX_SPLITS], int32_t *last_split)
{
    memset(all, 0, OD_DATA_CHECK_MAX_SPLITS * sizeof *all);
    for (int32_t i = 0; i < c->image_count; i++) last_split[i] = -1;
    for (int32_t i = 0; i < c->image_count; i++) {
        const od_data_check_image *image = &c->images[i];
        int32_t root = root_of(c->images, i);
        counts *n = &all[image->split];
        int first = c->images[root].split;
        if (c->images[image->exact].split < image->split)
            n->exact++;
        else if (first < image->split)
            n->near++;
        if (first < image->split) n->from[first]++;
        if (last_split[root] == image->split) n->inside++;
        last_split[root] = image->split;
    }
}

static const od_data_pair *first_pair(const od_data_checker *c, int split, int near, int inside)
{
    for (int64_t i = 0; i < c->out->pair_count; i++) {
        const od_data_pair *p = &c->out->pairs[i];
        if (p->b.split == split && across(p) == !inside && (inside || (p->kind == OD_DATA_NEAR) == near)) return p;
    }
    return NULL;
}

static void tell_pair(const od_data_checker *c, const od_data_pair *p, char text[500])
{
    *text = 0;
    if (!p) return;
    const char *split_a = c->out->splits[p->a.split].name, *split_b = c->out->splits[p->b.split].name;
    const char *what = p->kind == OD_DATA_SAME_BYTES ? "the same file" : p->kind == OD_DATA_SAME_PIXELS ? "the same pixels" : p->difference;
    snprintf(text, 500, "; the first: %s's %.150s is %s's %.150s (%s)", split_b, p->b.name, split_a, p->a.name, what);
}

static const char split_again[] = "take them out of one side, or split the whole anew with: objdet data split";

static od_status add_findings(od_data_checker *c, const counts *all, od_error *err)
{
    char first[500];
    for (int s = 0; s < c->splits; s++) {
        long long images = (long long)c->out->splits[s].images;
        const char *name = c->out->splits[s].name;
        if (all[s].exact) {
            tell_pair(c, first_pair(c, s, 0, 0), first);
            OD_TRY(od_data_check_add(c, OD_DATA_LEAK_IMAGE, s, all[s].exact, split_again, err,
                                "%lld of the %lld images of %s stand in another split, too%s", (long long)all[s].exact, images, name, first));
        }
        if (all[s].near) {
            tell_pair(c, first_pair(c, s, 1, 0), first);
            OD_TRY(od_data_check_add(c, OD_DATA_LEAK_NEAR, s, all[s].near, split_again, err,
                                "%lld of the %lld images of %s are changed copies of pictures in another split%s", (long long)all[s].near,
                                images, name, first));
        }
        if (all[s].inside) {
            tell_pair(c, first_pair(c, s, 0, 1), first);
            OD_TRY(od_data_check_add(c, OD_DATA_DUPLICATE, s, all[s].inside,
                                s ? "they count twice in every figure, and make intervals too narrow: keep one of each"
                                  : "they weigh more than others in training: keep one of each unless that is meant",
                                err, "%lld of the %lld images of %s repeat others of %s%s", (long long)all[s].inside, images, name, name,
                                first));
        }
    }
    return OD_OK;
}

od_status od_data_check_find_copies(od_data_checker *c, od_error *err)
{
    if (c->options->annotations_only) return OD_OK;
    OD_TRY(find_equals(c, OD_DATA_SAME_BYTES, err));
    OD_TRY(find_equals(c, OD_DATA_SAME_PIXELS, err));
    OD_TRY(find_near(c, err));
    od_data_check *out = c->out;
    if (out->pair_count) qsort(out->pairs, (size_t)out->pair_count, sizeof *out->pairs, by_weight);
    while (out->pairs_across < out->pair_count && across(&out->pairs[out->pairs_across])) out->pairs_across++;
    counts all[OD_DATA_CHECK_MAX_SPLITS];
    int32_t *last_split = od_malloc((size_t)c->image_count, sizeof *last_split);
    if (!last_split) return od_error_nomem(err, "pairs");
    count_images(c, all, last_split);
    od_free(last_split);
    return add_findings(c, all, err);
}
