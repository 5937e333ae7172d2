/* SPDX-License-Identifier: Apache-2.0
 *
 * Images and groups of a test set that a threshold or calibrator has seen.
 */
#include "eval/operating_file.h"

#include "util/alloc.h"
#include "util/hashmap.h"

#include <string.h>

static void compare_images(const od_name_sketch *seen, const od_coco_eval *test, od_overlap *out)
{
    for (size_t i = 0; i < test->num_images; i++) {
        if (!od_name_sketch_has(seen, od_image_name_hash(&test->images[i]))) continue;
        if (!out->images_seen++) out->first_image = (int64_t)i;
        out->by_id |= !test->images[i].name || !test->images[i].name[0];
    }
}

static od_status compare_groups(const od_name_sketch *seen, const od_coco_eval *test, od_overlap *out, od_error *err)
{
    od_name_sketch own = {0};
    OD_TRY(od_group_sketch(&own, test, err));
    out->groups = own.total;
    for (size_t i = 0; i < own.count; i++) out->groups_seen += od_name_sketch_has(seen, own.hashes[i]);
    od_name_sketch_deinit(&own);
    for (size_t i = 0; i < test->num_images && !out->first_group; i++) {
        const char *group = test->images[i].group;
        if (group && od_name_sketch_has(seen, od_hash_fnv1a(group, strlen(group)))) out->first_group = group;
    }
    return OD_OK;
}

static od_status compare(const od_name_sketch *images, const od_name_sketch *groups, const od_coco_eval *test, od_overlap *out,
                         od_error *err)
{
    od_overlap o = {.images = (int64_t)test->num_images, .first_image = -1};
    compare_images(images, test, &o);
    OD_TRY(compare_groups(groups, test, &o, err));
    *out = o;
    return OD_OK;
}

od_status od_operating_file_overlap(const od_operating_file *f, const od_coco_eval *test, od_overlap *out, od_error *err)
{
    return compare(&f->images, &f->groups, test, out, err);
}

od_status od_coco_eval_overlap(const od_coco_eval *fit, const od_coco_eval *test, od_overlap *out, od_error *err)
{
    od_name_sketch images = {0}, groups = {0};
    int by_id;
    od_status status = od_image_sketch(&images, fit, &by_id, err);
    if (status == OD_OK) status = od_group_sketch(&groups, fit, err);
    if (status == OD_OK) status = compare(&images, &groups, test, out, err);
    od_name_sketch_deinit(&images);
    od_name_sketch_deinit(&groups);
    return status;
}
