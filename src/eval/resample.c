/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/resample.h"

#include "util/alloc.h"
#include "util/hashmap.h"
#include "util/rng.h"

#include <string.h>

static od_status number_groups(od_units *u, const od_coco_image *images, od_error *err)
{
    od_hashmap known = {0};
    od_status status = OD_OK;
    for (size_t i = 0; i < u->num_images && status == OD_OK; i++) {
        int64_t unit = (int64_t)u->count;
        if (!images[i].group) {
            status = od_error_set(err, OD_ERR_ARG, "image %zu has no group although others have", i);
        } else if (!od_hashmap_get(&known, images[i].group, &unit)) {
            if (od_hashmap_set(&known, images[i].group, unit)) status = od_error_nomem(err, "the groups of images");
            u->count++;
        }
        u->of_image[i] = (uint32_t)unit;
    }
    od_hashmap_deinit(&known);
    return status;
}

od_status od_units_init(od_units *u, const od_coco_image *images, size_t num_images, od_error *err)
{
    *u = (od_units){.num_images = num_images, .of_image = od_malloc(num_images, sizeof *u->of_image)};
    if (!u->of_image) return od_error_nomem(err, "the units of resampling");
    u->grouped = num_images > 0 && images[0].group != NULL;
    if (u->grouped) {
        od_status status = number_groups(u, images, err);
        if (status != OD_OK) od_units_deinit(u);
        return status;
    }
    u->count = num_images;
    for (size_t i = 0; i < num_images; i++) u->of_image[i] = (uint32_t)i;
    return OD_OK;
}

void od_units_deinit(od_units *u)
{
    od_free(u->of_image);
    *u = (od_units){0};
}

void od_units_draw(const od_units *u, uint64_t seed, uint64_t resample, uint32_t *unit_weights, uint32_t *weights)
{
    od_rng rng;
    od_rng_init(&rng, seed, resample);
    memset(unit_weights, 0, u->count * sizeof *unit_weights);
    for (size_t i = 0; i < u->count; i++) unit_weights[od_rng_int(&rng, 0, (int64_t)u->count)]++;
    for (size_t i = 0; i < u->num_images; i++) weights[i] = unit_weights[u->of_image[i]];
}

size_t od_units_jackknife_parts(const od_units *u)
{
    enum { MOST = 200 };
    return u->count < MOST ? u->count : MOST;
}

void od_units_leave_out(const od_units *u, size_t part, uint32_t *weights)
{
    size_t parts = od_units_jackknife_parts(u);
    for (size_t i = 0; i < u->num_images; i++) weights[i] = u->of_image[i] % parts != part;
}

void od_units_split(const od_units *u, uint64_t seed, uint64_t column, uint32_t *part_of, uint32_t *weights)
{
    static const unsigned parts_in[OD_SPLIT_COLUMNS] = {3, 12, 1, 2, 4, 8}; /* bit p: part p */
    od_rng rng;
    od_rng_init(&rng, ~seed, column / OD_SPLIT_COLUMNS);
    for (size_t i = 0; i < u->count; i++) { /* Fisher and Yates, inside out */
        size_t j = (size_t)od_rng_int(&rng, 0, (int64_t)i + 1);
        part_of[i] = part_of[j];
        part_of[j] = (uint32_t)i % 4;
    }
    for (size_t i = 0; i < u->num_images; i++) weights[i] = parts_in[column % OD_SPLIT_COLUMNS] >> part_of[u->of_image[i]] & 1;
}
