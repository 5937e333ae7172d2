/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sample_keypoints.h"

#include "util/alloc.h"
#include "util/points.h"

#include <math.h>
#include <string.h>

od_status od_sample_own_keypoints(od_sample *sample, int count, od_error *err)
{
    size_t row = 2 * (size_t)count;
    float *own = od_malloc((size_t)sample->object_count + 1, row * sizeof *own); /* the last row is room for a permutation */
    if (!own) return od_error_nomem(err, "keypoints");
    for (int i = 0; i < sample->object_count; i++) {
        od_object *o = &sample->objects[i];
        float *to = own + (size_t)i * row;
        if (o->keypoint_count == count)
            memcpy(to, o->keypoints, row * sizeof *to);
        else
            for (size_t k = 0; k < row; k++) to[k] = NAN;
        if (o->keypoint_count != count) o->keypoint_visibility = NULL;
        o->keypoints = to;
        o->keypoint_count = count;
    }
    od_free(sample->own_keypoints);
    sample->own_keypoints = own;
    sample->keypoint_room = own + (size_t)sample->object_count * row;
    return OD_OK;
}

/* The object's keypoints, which are the sample's own, to be changed. */
static float *keypoints_of(od_sample *sample, int i)
{
    return sample->own_keypoints + (sample->objects[i].keypoints - sample->own_keypoints);
}

void od_sample_permute_keypoints(od_sample *sample, const int32_t *permutation, size_t n)
{
    if (!sample->own_keypoints || !n) return;
    for (int i = 0; i < sample->object_count; i++) {
        float *points = keypoints_of(sample, i), *room = sample->keypoint_room;
        memcpy(room, points, 2 * n * sizeof *room);
        sample->objects[i].keypoint_visibility = NULL; /* it is of the old order */
        for (size_t k = 0; k < n; k++) memcpy(points + 2 * k, room + 2 * permutation[k], 2 * sizeof *points);
    }
}

void od_sample_move_keypoints(od_sample *sample, void (*move)(float point[2], const float *argument), const float *argument)
{
    if (!sample->own_keypoints) return;
    for (int i = 0; i < sample->object_count; i++) {
        float *points = keypoints_of(sample, i);
        for (int k = 0; k < sample->objects[i].keypoint_count; k++) move(points + 2 * k, argument);
    }
}

static void prune(float point[2], const float *unused)
{
    (void)unused;
    if (!(point[0] >= 0 && point[0] <= 1 && point[1] >= 0 && point[1] <= 1)) point[0] = point[1] = NAN;
}

void od_sample_reframe_keypoints(od_sample *sample, const float window[4], int with_prune)
{
    if (!sample->own_keypoints) return;
    for (int i = 0; i < sample->object_count; i++) od_points_change_frame(keypoints_of(sample, i), sample->objects[i].keypoint_count, window);
    if (with_prune) od_sample_move_keypoints(sample, prune, NULL);
}

od_status od_keypoint_order_check(const od_config *config, od_keypoint_order order, od_error *err)
{
    char text[256];
    if (!od_keypoint_order_problem(&order, od_config_proto(config), text, sizeof text)) return OD_OK;
    return od_config_error(config, order.options, order.field, err, OD_ERR_CONFIG, "%s: %s: %s", order.step, order.field, text);
}
