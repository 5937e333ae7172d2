/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiling of each level's anchors over its feature map.
 */
#include "detection/anchors.h"

#include "detection/anchor_level.h"
#include "util/alloc.h"

/* The grid generator is for one map; the others name their levels. */
od_status od_anchors_levels(const ObjectDetection__Protos__AnchorGenerator *config, int *levels, od_error *err)
{
    if (!config) return od_error_set(err, OD_ERR_CONFIG, "anchor_generator is missing");
    int64_t n = 1;
    switch (config->anchor_generator_oneof_case) {
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_MULTISCALE_ANCHOR_GENERATOR:
        n = (int64_t)config->multiscale_anchor_generator->max_level - config->multiscale_anchor_generator->min_level + 1;
        break;
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_SSD_ANCHOR_GENERATOR:
        n = config->ssd_anchor_generator->num_layers;
        break;
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_FLEXIBLE_GRID_ANCHOR_GENERATOR:
        n = (int64_t)config->flexible_grid_anchor_generator->n_anchor_grid;
        break;
    default: break;
    }
    if (n < 1 || n > 1000) return od_error_set(err, OD_ERR_CONFIG, "anchor_generator: %lld feature maps; expected at least 1", (long long)n);
    *levels = (int)n;
    return OD_OK;
}

od_status od_anchors_per_location(const ObjectDetection__Protos__AnchorGenerator *config, int level, int *count, od_error *err)
{
    int levels = 0;
    OD_TRY(od_anchors_levels(config, &levels, err));
    if (level < 0 || level >= levels) return od_error_set(err, OD_ERR_ARG, "anchor level %d of %d", level, levels);
    od_anchor_frame frame = {.level = level, .map_height = 1, .map_width = 1, .image_height = 1, .image_width = 1};
    od_anchor_level spec;
    od_status status = od_anchor_level_init(config, &frame, &spec, err);
    if (status == OD_OK) *count = spec.count;
    od_anchor_level_deinit(&spec);
    return status;
}

/* Corners are centre -+ half the size in pixels (or the generator's units), then made relative, as TensorFlow does. */
static void tile(const od_anchor_level *spec, int64_t rows, int64_t columns, float *boxes)
{
    for (int64_t row = 0; row < rows; row++) {
        float y = (float)row * spec->stride_y + spec->offset_y;
        for (int64_t column = 0; column < columns; column++) {
            float x = (float)column * spec->stride_x + spec->offset_x;
            for (int i = 0; i < spec->count; i++, boxes += 4) {
                float half_height = 0.5f * spec->heights[i], half_width = 0.5f * spec->widths[i];
                boxes[0] = spec->scale_y * (y - half_height);
                boxes[1] = spec->scale_x * (x - half_width);
                boxes[2] = spec->scale_y * (y + half_height);
                boxes[3] = spec->scale_x * (x + half_width);
            }
        }
    }
}

static od_status check_sizes(const int64_t (*shapes)[2], int levels, int expected, int64_t height, int64_t width, od_error *err)
{
    if (levels != expected)
        return od_error_set(err, OD_ERR_MISMATCH, "anchor_generator is for %d feature maps, the feature extractor gives %d", expected, levels);
    if (height < 1 || width < 1) return od_error_set(err, OD_ERR_ARG, "anchors for an image of %lld x %lld pixels", (long long)height, (long long)width);
    for (int i = 0; i < levels; i++)
        if (shapes[i][0] < 1 || shapes[i][1] < 1 || shapes[i][0] > 1 << 20 || shapes[i][1] > 1 << 20)
            return od_error_set(err, OD_ERR_ARG, "anchors for a feature map of %lld x %lld", (long long)shapes[i][0], (long long)shapes[i][1]);
    return OD_OK;
}

static od_status append_level(od_anchors *a, const od_anchor_level *spec, const int64_t shape[2], int level, od_error *err)
{
    int64_t added = shape[0] * shape[1] * spec->count;
    if (added > (int64_t)1 << 28) return od_error_set(err, OD_ERR_ARG, "%lld anchors on one feature map", (long long)added);
    float *grown = od_realloc(a->boxes, (size_t)(a->count + added), 4 * sizeof(float));
    if (!grown) return od_error_nomem(err, "anchors");
    a->boxes = grown;
    tile(spec, shape[0], shape[1], a->boxes + 4 * a->count);
    a->count += added;
    a->level_first[level + 1] = a->count;
    return OD_OK;
}

od_status od_anchors_create(const ObjectDetection__Protos__AnchorGenerator *config, const int64_t (*shapes)[2], int levels,
                            int64_t image_height, int64_t image_width, int size_varies, od_anchors **out, od_error *err)
{
    int expected = 0;
    OD_TRY(od_anchors_levels(config, &expected, err));
    OD_TRY(check_sizes(shapes, levels, expected, image_height, image_width, err));
    od_anchors *a = od_calloc(1, sizeof *a);
    if (!a) return od_error_nomem(err, "anchors");
    a->levels = levels;
    od_status status = OD_OK;
    a->level_first = od_calloc((size_t)levels + 1, sizeof *a->level_first);
    if (!a->level_first) status = od_error_nomem(err, "anchors");
    for (int i = 0; i < levels && status == OD_OK; i++) {
        od_anchor_frame frame = {i, shapes[i][0], shapes[i][1], image_height, image_width, size_varies};
        od_anchor_level spec;
        status = od_anchor_level_init(config, &frame, &spec, err);
        if (status == OD_OK) status = append_level(a, &spec, shapes[i], i, err);
        od_anchor_level_deinit(&spec);
    }
    if (status == OD_OK) *out = a;
    else od_anchors_free(a);
    return status;
}

void od_anchors_free(od_anchors *anchors)
{
    if (!anchors) return;
    od_free(anchors->boxes);
    od_free(anchors->level_first);
    od_free(anchors);
}
