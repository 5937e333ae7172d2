/* SPDX-License-Identifier: Apache-2.0
 *
 * Near copies: changed copies of pictures are found, other pictures aren't taken for copies. On pictures made here, and (recall and
 * false alarms printed) on the photographs and X-rays of ../shared, where it is there.
 */
#include "data/near_search.h"
#include "data/synth_image.h"
#include "image/image.h"
#include "image/picture_evidence.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_IMAGES = 900, CHANGES = 12 };

static od_error err;

static od_image make(int width, int height)
{
    od_image image = {0};
    assert_int_equal(od_image_init(&image, width, height, &err), OD_OK);
    return image;
}

static const uint8_t *pixel(const od_image *in, int x, int y)
{
    x = x < 0 ? 0 : x >= in->width ? in->width - 1 : x;
    y = y < 0 ? 0 : y >= in->height ? in->height - 1 : y;
    return in->pixels + 3 * ((size_t)y * (size_t)in->width + (size_t)x);
}

/* out(x, y) = in(a x + b y + c, d x + e y + f), bilinear; then contrast, brightness and noise. */
static od_image warp(const od_image *in, int width, int height, const double m[6], double contrast, double brightness, double noise)
{
    od_image out = make(width, height);
    od_rng rng;
    od_rng_init(&rng, 7, (uint64_t)width);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5];
            int x0 = (int)floor(u), y0 = (int)floor(v);
            double fx = u - x0, fy = v - y0;
            for (int k = 0; k < 3; k++) {
                double p = (pixel(in, x0, y0)[k] * (1 - fx) + pixel(in, x0 + 1, y0)[k] * fx) * (1 - fy) +
                           (pixel(in, x0, y0 + 1)[k] * (1 - fx) + pixel(in, x0 + 1, y0 + 1)[k] * fx) * fy;
                p = p * contrast + brightness + noise * od_rng_normal(&rng);
                out.pixels[3 * ((size_t)y * (size_t)width + (size_t)x) + (size_t)k] = (uint8_t)(p < 0 ? 0 : p > 255 ? 255 : lround(p));
            }
        }
    return out;
}

static od_image recode(const od_image *in, int quality)
{
    uint8_t *bytes;
    size_t size;
    od_image out = {0};
    assert_int_equal(od_image_encode_jpeg(in, quality, &bytes, &size, &err), OD_OK);
    assert_int_equal(od_image_decode(bytes, size, &out, &err), OD_OK);
    od_free(bytes);
    return out;
}

static const char *const change_names[CHANGES] = {"JPEG quality 40", "mirrored", "upside down", "turned by 90", "turned by 12", "cropped to 64 %",
                                                  "cropped to 36 %, mirrored", "brighter by 40", "contrast .6, darker", "half the size",
                                                  "noise of 10 levels", "cropped to 64 %, turned by 180, brighter"};

static od_image change(const od_image *in, int kind)
{
    int w = in->width, h = in->height;
    double c = cos(12 * M_PI / 180), s = sin(12 * M_PI / 180), cx = w / 2.0, cy = h / 2.0;
    switch (kind) {
    case 0: return recode(in, 40);
    case 1: return warp(in, w, h, (double[]){-1, 0, w - 1, 0, 1, 0}, 1, 0, 0);
    case 2: return warp(in, w, h, (double[]){1, 0, 0, 0, -1, h - 1}, 1, 0, 0);
    case 3: return warp(in, h, w, (double[]){0, 1, 0, -1, 0, h - 1}, 1, 0, 0);
    case 4: return warp(in, w, h, (double[]){c, -s, cx - c * cx + s * cy, s, c, cy - s * cx - c * cy}, 1, 0, 0);
    case 5: return warp(in, w * 8 / 10, h * 8 / 10, (double[]){1, 0, w * .05, 0, 1, h * .15}, 1, 0, 0);
    case 6: return warp(in, w * 6 / 10, h * 6 / 10, (double[]){-1, 0, w * .85, 0, 1, h * .2}, 1, 0, 0);
    case 7: return warp(in, w, h, (double[]){1, 0, 0, 0, 1, 0}, 1, 40, 0);
    case 8: return warp(in, w, h, (double[]){1, 0, 0, 0, 1, 0}, .6, -10, 0);
    case 9: return warp(in, w / 2, h / 2, (double[]){2, 0, .5, 0, 2, .5}, 1, 0, 0);
    case 10: return warp(in, w, h, (double[]){1, 0, 0, 0, 1, 0}, 1, 0, 10);
    default: return warp(in, w * 8 / 10, h * 8 / 10, (double[]){-1, 0, w * .9, 0, -1, h * .95}, 1, 25, 0);
    }
}

/* Fingerprints and pictures of everything, with what each was made from. */
typedef struct collection {
    od_fingerprint prints[MAX_IMAGES];
    od_picture pictures[MAX_IMAGES];
    int origin[MAX_IMAGES], change[MAX_IMAGES]; /* change -1: an original */
    int32_t count;
} collection;

static void add(collection *c, const od_image *image, int origin, int kind)
{
    assert_true(c->count < MAX_IMAGES);
    od_picture *p = &c->pictures[c->count];
    assert_int_equal(od_picture_init(p, image, &err), OD_OK);
    assert_int_equal(od_fingerprint_make(&c->prints[c->count], &p->gray, &err), OD_OK);
    c->origin[c->count] = origin;
    c->change[c->count++] = kind;
}

static void collection_free(collection *c)
{
    for (int i = 0; i < c->count; i++) od_picture_deinit(&c->pictures[i]);
    od_free(c);
}

static od_status copy_gray(const od_gray *from, od_gray *to)
{
    if (od_gray_init(to, from->width, from->height, NULL) != OD_OK) return OD_ERR_NOMEM;
    memcpy(to->pixels, from->pixels, (size_t)from->width * (size_t)from->height * sizeof *from->pixels);
    return OD_OK;
}

static od_status load(void *user, int32_t i, od_picture *out, od_error *e)
{
    (void)e;
    const od_picture *p = &((collection *)user)->pictures[i];
    *out = (od_picture){.original_width = p->original_width, .original_height = p->original_height};
    return copy_gray(&p->gray, &out->gray) || copy_gray(&p->detail[0], &out->detail[0]) || copy_gray(&p->detail[1], &out->detail[1]) ? OD_ERR_NOMEM
                                                                                                                                  : OD_OK;
}

typedef struct outcome {
    int made[CHANGES], found[CHANGES], false_alarms, original_pairs;
    double wrong_similarity; /* of the likeliest false alarm */
} outcome;

/* `memory`: of each sort; store_memory 0: fingerprints in a file. */
static void find_pairs(collection *c, size_t store_memory, size_t memory, od_near_pair **pairs, size_t *n)
{
    od_fingerprint_store *prints;
    int cut;
    assert_int_equal(od_fingerprint_store_create(&prints, c->count, store_memory, &err), OD_OK);
    for (int32_t i = 0; i < c->count; i++) assert_int_equal(od_fingerprint_store_put(prints, i, &c->prints[i], &err), OD_OK);
    od_near_search s = {.prints = prints, .load = load, .user = c, .threads = 2, .memory = memory};
    assert_int_equal(od_near_search_run(&s, pairs, n, &cut, &err), OD_OK);
    od_fingerprint_store_free(prints);
}

static outcome search(collection *c)
{
    outcome o = {0};
    od_near_pair *pairs;
    size_t n;
    find_pairs(c, OD_FINGERPRINT_STORE_MEMORY, 0, &pairs, &n);
    uint8_t seen[MAX_IMAGES] = {0};
    for (size_t i = 0; i < n; i++) {
        int a = pairs[i].a, b = pairs[i].b;
        if (c->origin[a] == c->origin[b]) {
            seen[a] |= c->change[b] < 0, seen[b] |= c->change[a] < 0;
        } else if (c->change[a] < 0 && c->change[b] < 0) {
            o.original_pairs++;
            printf("  originals %d and %d: similarity %.2f\n", c->origin[a], c->origin[b], pairs[i].match.similarity);
        } else {
            o.false_alarms++;
        }
        if (c->origin[a] != c->origin[b]) o.wrong_similarity = fmax(o.wrong_similarity, pairs[i].match.similarity);
    }
    for (int i = 0; i < c->count; i++)
        if (c->change[i] >= 0) o.made[c->change[i]]++, o.found[c->change[i]] += seen[i];
    od_free(pairs);
    return o;
}

static void print_outcome(const char *name, const collection *c, const outcome *o)
{
    int originals = 0;
    for (int i = 0; i < c->count; i++) originals += c->change[i] < 0;
    printf("%s: %d originals, %d changed copies; %d pairs of originals, %d others of different pictures (highest similarity %.2f)\n", name, originals,
           c->count - originals, o->original_pairs, o->false_alarms, o->wrong_similarity);
    for (int k = 0; k < CHANGES; k++) printf("  %-42s found %d of %d\n", change_names[k], o->found[k], o->made[k]);
}

/* Overlapping blobs on grey: 60 cover it, each seed another picture. */
static od_image draw(uint64_t seed, int blobs)
{
    od_image image = make(320, 240);
    od_rng rng;
    od_rng_init(&rng, seed, 1);
    memset(image.pixels, 100, (size_t)320 * 240 * 3);
    for (int k = 0; k < blobs; k++) {
        double cx = 320 * od_rng_uniform(&rng), cy = 240 * od_rng_uniform(&rng), rx = 4 + 30 * od_rng_uniform(&rng), ry = 4 + 30 * od_rng_uniform(&rng);
        uint8_t value[3] = {(uint8_t)od_rng_int(&rng, 0, 256), (uint8_t)od_rng_int(&rng, 0, 256), (uint8_t)od_rng_int(&rng, 0, 256)};
        for (int y = 0; y < 240; y++)
            for (int x = 0; x < 320; x++)
                if ((x - cx) * (x - cx) / (rx * rx) + (y - cy) * (y - cy) / (ry * ry) < 1) memcpy(image.pixels + 3 * (y * 320 + x), value, 3);
    }
    return image;
}

/* With fingerprints in a file and sorts of a few kB, which then are files with many runs, the same is found. */
static void check_small_memory(collection *c)
{
    od_near_pair *pairs, *again;
    size_t n, m;
    find_pairs(c, OD_FINGERPRINT_STORE_MEMORY, 0, &pairs, &n);
    find_pairs(c, 0, 4000, &again, &m);
    assert_true(n >= 6 * CHANGES);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pairs[i].a, again[i].a);
        assert_int_equal(pairs[i].b, again[i].b);
        assert_memory_equal(&pairs[i].match.map, &again[i].match.map, sizeof pairs[i].match.map);
        assert_true(pairs[i].match.similarity == again[i].match.similarity);
    }
    od_free(pairs);
    od_free(again);
    od_fingerprint_store *prints;
    od_file_fail_after(100);
    assert_int_equal(od_fingerprint_store_create(&prints, c->count, 0, &err), OD_OK);
    assert_int_equal(od_fingerprint_store_put(prints, 0, &c->prints[0], &err), OD_ERR_IO);
    od_file_fail_after(-1);
    assert_non_null(strstr(err.message, "cannot write a temporary file: No space left on device; set TMPDIR"));
    od_fingerprint_store_free(prints);
}

static void test_drawn_copies_are_found(void **state)
{
    (void)state;
    collection *c = od_calloc(1, sizeof *c);
    for (int i = 0; i < 30; i++) {
        od_image image = draw((uint64_t)i, 60);
        add(c, &image, i, -1);
        for (int k = 0; k < CHANGES && i < 6; k++) {
            od_image changed = change(&image, k);
            add(c, &changed, i, k);
            od_image_deinit(&changed);
        }
        od_image_deinit(&image);
    }
    outcome o = search(c);
    print_outcome("drawn", c, &o);
    for (int k = 0; k < CHANGES; k++) assert_int_equal(o.found[k], o.made[k]);
    assert_int_equal(o.false_alarms + o.original_pairs, 0);
    check_small_memory(c);
    collection_free(c);
}

/* Two pictures of horizontal stripes of `period` pixels with noise that is each one's own. */
static od_image draw_stripes(double period, uint64_t seed)
{
    od_image image = make(320, 240);
    od_rng rng;
    od_rng_init(&rng, seed, 2);
    for (int y = 0; y < 240; y++)
        for (int x = 0; x < 320; x++)
            memset(image.pixels + 3 * (y * 320 + x), (int)(128 + 40 * sin(2 * M_PI * y / period) + 8 * od_rng_normal(&rng)), 3);
    return image;
}

/* Whether the second picture looks like the first, laid on it as it is, and whether that is evidence. */
static void judge(const od_image *first, const od_image *second, int *looks, int *suffices)
{
    od_picture a, b;
    od_picture_match m;
    od_picture_evidence e;
    assert_int_equal(od_picture_init(&a, first, &err) | od_picture_init(&b, second, &err), OD_OK);
    od_affine guess = od_affine_whole(a.gray.width, a.gray.height, b.gray.width, b.gray.height, 0);
    od_picture_align(&a, &b, &guess, &m);
    assert_int_equal(od_picture_evidence_find(&a, &b, &m, &e, &err), OD_OK);
    printf("  similarity %.2f, %.1f deviations, %.2f repeated, %.2f of what doesn't\n", m.similarity, e.deviations, e.repeated, e.unique);
    *looks = od_picture_match_looks_same(&m);
    *suffices = od_picture_evidence_suffices(&e, &m);
    od_picture_deinit(&a);
    od_picture_deinit(&b);
}

static void test_stripes_are_no_evidence(void **state)
{
    (void)state;
    int looks, suffices;
    const double periods[] = {7, 9.3, 14, 23};
    for (int i = 0; i < 4; i++) {
        od_image a = draw_stripes(periods[i], 1), b = draw_stripes(periods[i], 2), copy = recode(&a, 60);
        judge(&a, &b, &looks, &suffices);
        assert_true(looks && !suffices);
        judge(&a, &copy, &looks, &suffices);
        assert_true(looks && suffices);
        od_image_deinit(&a);
        od_image_deinit(&b);
        od_image_deinit(&copy);
    }
}

/* Stripes, blobs and a few flat shapes, as objdet synth draws them. */
static void test_striped_copies_are_found(void **state)
{
    (void)state;
    collection *c = od_calloc(1, sizeof *c);
    od_rng rng;
    od_rng_init(&rng, 11, 0);
    for (int i = 0; i < 100; i++) {
        od_synth_picture p = {0};
        assert_int_equal(od_synth_picture_draw(&p, &rng, 320, 240, &err), OD_OK);
        add(c, &p.image, i, -1);
        for (int k = 0; k < CHANGES && i < 10; k++) {
            od_image changed = change(&p.image, k);
            add(c, &changed, i, k);
            od_image_deinit(&changed);
        }
        od_image_deinit(&p.image);
    }
    outcome o = search(c);
    print_outcome("striped", c, &o);
    int found = 0;
    for (int k = 0; k < CHANGES; k++) found += o.found[k];
    assert_int_equal(o.false_alarms + o.original_pairs, 0);
    assert_true(found * 100 >= 10 * CHANGES * 90);
    collection_free(c);
}

/* One to three flat shapes on flat grey: an affine map brings any shape's edge onto another's. */
static void test_few_details_are_no_evidence(void **state)
{
    (void)state;
    collection *c = od_calloc(1, sizeof *c);
    for (int i = 0; i < 300; i++) {
        od_image image = draw((uint64_t)i, 1 + i % 3);
        add(c, &image, i, -1);
        od_image_deinit(&image);
    }
    outcome o = search(c);
    print_outcome("flat", c, &o);
    assert_int_equal(o.false_alarms + o.original_pairs, 0);
    collection_free(c);
}

static void test_match_tells_what_was_changed(void **state)
{
    (void)state;
    od_image image = draw(99, 60), turned = change(&image, 3), cropped = change(&image, 6);
    od_picture a, b, d;
    assert_int_equal(od_picture_init(&a, &image, &err) | od_picture_init(&b, &turned, &err) | od_picture_init(&d, &cropped, &err), OD_OK);
    od_picture_match m;
    for (int variant = 0; variant < 8; variant++) {
        od_affine guess = od_affine_whole(a.gray.width, a.gray.height, b.gray.width, b.gray.height, variant);
        od_picture_align(&a, &b, &guess, &m);
        if (od_picture_match_looks_same(&m)) break;
    }
    assert_true(m.similarity > 0.95 && !m.mirrored && m.covered > 0.97);
    assert_float_equal(fabs(m.degrees), 90, 1);
    /* The mirrored crop, from a guess that is right but for some pixels. */
    od_affine guess = {{-1.25, 0, 275, 0, 1.25, -51}}; /* of copies 256 and 192 wide: -1.25, 0, 272, 0, 1.25, -48 */
    od_picture_align(&a, &d, &guess, &m);
    assert_true(m.similarity > 0.9 && m.mirrored);
    assert_float_equal(m.covered, 0.36, 0.03);
    assert_float_equal(m.scale, 1, 0.02);
    od_picture_deinit(&a);
    od_picture_deinit(&b);
    od_picture_deinit(&d);
    od_image_deinit(&image);
    od_image_deinit(&turned);
    od_image_deinit(&cropped);
}

/* A folder's images with numbers up to `last` are originals, the first `changed` of them come changed as well. `pattern`: folder,
 * number. */
static void check_folder(const char *name, const char *folder, const char *pattern, int last, int changed, int least_percent, int most_false)
{
    collection *c = od_calloc(1, sizeof *c);
    for (int i = 1, n = 0; i <= last; i++) {
        char path[600];
        od_image image = {0};
        snprintf(path, sizeof path, pattern, folder, i);
        if (od_image_load(path, &image, NULL) != OD_OK) continue;
        add(c, &image, i, -1);
        for (int k = 0; k < CHANGES && n < changed; k++) {
            od_image copy = change(&image, k);
            add(c, &copy, i, k);
            od_image_deinit(&copy);
        }
        n++;
        od_image_deinit(&image);
    }
    outcome o = search(c);
    print_outcome(name, c, &o);
    int made = 0, found = 0;
    for (int k = 0; k < CHANGES; k++) made += o.made[k], found += o.found[k];
    assert_true(found * 100 >= made * least_percent);
    assert_true(o.false_alarms <= most_false);
    collection_free(c);
}

static void test_photographs(void **state)
{
    (void)state;
    char folder[500];
    test_need_shared(folder, "data/raccoon/images");
    check_folder("raccoon", folder, "%s/raccoon-%d.jpg", 60, 10, 95, 0);
}

static void test_x_rays(void **state)
{
    (void)state;
    char folder[500];
    test_need_shared(folder, "data/chest_xray/images");
    check_folder("chest_xray", folder, "%s/cxr_%03d.jpg", 60, 10, 95, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match_tells_what_was_changed), cmocka_unit_test(test_drawn_copies_are_found),
                                       cmocka_unit_test(test_stripes_are_no_evidence), cmocka_unit_test(test_striped_copies_are_found), cmocka_unit_test(test_few_details_are_no_evidence),
                                       cmocka_unit_test(test_photographs), cmocka_unit_test(test_x_rays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
