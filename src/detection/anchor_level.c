/* SPDX-License-Identifier: Apache-2.0
 *
 * The four generators. Scales are computed in double and rounded to float where the OD API's Python does, sizes and centres in
 * float in TensorFlow's order (anchor_generators/, grid_anchor_generator.tile_anchors).
 */
#include "detection/anchor_level.h"

#include "util/alloc.h"

#include <math.h>

typedef ObjectDetection__Protos__SsdAnchorGenerator ssd_config;

static od_status allocate(od_anchor_level *out, int64_t count, od_error *err)
{
    if (count < 1) return od_error_set(err, OD_ERR_CONFIG, "anchor_generator: no anchors a location: give aspect_ratios (and scales)");
    if (count > 10000) return od_error_set(err, OD_ERR_CONFIG, "anchor_generator: %lld anchors a location", (long long)count);
    out->heights = od_calloc((size_t)count, sizeof(float));
    out->widths = od_calloc((size_t)count, sizeof(float));
    if (!out->heights || !out->widths) return od_error_nomem(err, "anchor sizes");
    out->count = (int)count;
    return OD_OK;
}

static od_status set_size(od_anchor_level *out, int i, float scale, float ratio, const float base[2], od_error *err)
{
    if (!(ratio > 0) || !isfinite(ratio))
        return od_error_set(err, OD_ERR_CONFIG, "anchor_generator: aspect ratio %g; it must be positive", (double)ratio);
    float root = sqrtf(ratio);
    out->heights[i] = scale / root * base[0];
    out->widths[i] = scale * root * base[1];
    return OD_OK;
}

static void normalise(od_anchor_level *out, const od_anchor_frame *f)
{
    out->scale_y = 1.0f / (float)f->image_height;
    out->scale_x = 1.0f / (float)f->image_width;
}

static od_status multiscale(const ObjectDetection__Protos__MultiscaleAnchorGenerator *c, const od_anchor_frame *f, od_anchor_level *out,
                            od_error *err)
{
    int level = c->min_level + f->level, octaves = c->scales_per_octave;
    if (c->min_level < 0 || level > 30)
        return od_error_set(err, OD_ERR_CONFIG, "multiscale_anchor_generator: levels %d to %d; expected within 0 to 30", (int)c->min_level, level);
    if (octaves < 1 || octaves > 100)
        return od_error_set(err, OD_ERR_CONFIG, "multiscale_anchor_generator: scales_per_octave %d; expected 1 or more", octaves);
    OD_TRY(allocate(out, (int64_t)c->n_aspect_ratios * octaves, err));
    int64_t stride = (int64_t)1 << level;
    float side = (float)((double)stride * (double)c->anchor_scale), base[2] = {side, side};
    for (size_t a = 0; a < c->n_aspect_ratios; a++)
        for (int s = 0; s < octaves; s++)
            OD_TRY(set_size(out, (int)a * octaves + s, (float)pow(2, (double)s / octaves), c->aspect_ratios[a], base, err));
    out->stride_y = out->stride_x = (float)stride;
    if (f->size_varies || f->image_height % stride == 0 || f->image_height == 1) out->offset_y = (float)stride / 2;
    if (f->size_varies || f->image_width % stride == 0 || f->image_width == 1) out->offset_x = (float)stride / 2;
    if (c->normalize_coordinates) normalise(out, f);
    return OD_OK;
}

static od_status grid(const ObjectDetection__Protos__GridAnchorGenerator *c, od_anchor_level *out, od_error *err)
{
    OD_TRY(allocate(out, (int64_t)(c->n_scales * c->n_aspect_ratios), err));
    float base[2] = {(float)c->height, (float)c->width};
    for (size_t a = 0; a < c->n_aspect_ratios; a++)
        for (size_t s = 0; s < c->n_scales; s++)
            OD_TRY(set_size(out, (int)(a * c->n_scales + s), c->scales[s], c->aspect_ratios[a], base, err));
    out->stride_y = (float)c->height_stride;
    out->stride_x = (float)c->width_stride;
    out->offset_y = (float)c->height_offset;
    out->offset_x = (float)c->width_offset;
    return OD_OK;
}

static od_status flexible(const ObjectDetection__Protos__FlexibleGridAnchorGenerator *c, const od_anchor_frame *f, od_anchor_level *out,
                          od_error *err)
{
    const ObjectDetection__Protos__AnchorGrid *g = c->anchor_grid[f->level];
    if (g->n_base_sizes != g->n_aspect_ratios)
        return od_error_set(err, OD_ERR_CONFIG, "flexible_grid_anchor_generator: grid %d has %zu base_sizes and %zu aspect_ratios; expected as many",
                            f->level, g->n_base_sizes, g->n_aspect_ratios);
    OD_TRY(allocate(out, (int64_t)g->n_base_sizes, err));
    const float base[2] = {1, 1};
    for (size_t i = 0; i < g->n_base_sizes; i++) OD_TRY(set_size(out, (int)i, g->base_sizes[i], g->aspect_ratios[i], base, err));
    out->stride_y = (float)g->height_stride;
    out->stride_x = (float)g->width_stride;
    out->offset_y = (float)g->height_offset;
    out->offset_x = (float)g->width_offset;
    if (c->normalize_coordinates) normalise(out, f);
    return OD_OK;
}

/* Scale number i of multiple_grid_anchor_generator.create_ssd_anchors; the one after the last is 1. */
static double ssd_scale(const ssd_config *c, int i)
{
    if (c->n_scales) return (size_t)i < c->n_scales ? (double)c->scales[i] : 1.0;
    if (i >= c->num_layers) return 1.0;
    return (double)c->min_scale + ((double)c->max_scale - (double)c->min_scale) * i / (c->num_layers - 1);
}

static od_status ssd_sizes(const ssd_config *c, int level, const float base[2], od_anchor_level *out, od_error *err)
{
    double scale = ssd_scale(c, level), next = ssd_scale(c, level + 1);
    if (level == 0 && c->reduce_boxes_in_lowest_layer) {
        OD_TRY(allocate(out, 3, err));
        OD_TRY(set_size(out, 0, 0.1f, 1.0f, base, err));
        OD_TRY(set_size(out, 1, (float)scale, 2.0f, base, err));
        return set_size(out, 2, (float)scale, 0.5f, base, err);
    }
    int ratios = (int)c->n_aspect_ratios, extra = c->interpolated_scale_aspect_ratio > 0;
    OD_TRY(allocate(out, (int64_t)ratios + extra, err));
    for (int i = 0; i < ratios; i++) OD_TRY(set_size(out, i, (float)scale, c->aspect_ratios[i], base, err));
    return extra ? set_size(out, ratios, (float)sqrt(scale * next), c->interpolated_scale_aspect_ratio, base, err) : OD_OK;
}

static od_status ssd_grid(const ssd_config *c, const od_anchor_frame *f, od_anchor_level *out, od_error *err)
{
    size_t level = (size_t)f->level, layers = (size_t)c->num_layers;
    float height = (float)f->image_height, width = (float)f->image_width;
    const struct { const char *name; size_t n; } lists[] = {{"height_stride", c->n_height_stride}, {"width_stride", c->n_width_stride},
                                                            {"height_offset", c->n_height_offset}, {"width_offset", c->n_width_offset}};
    for (int i = 0; i < 4; i += 2)
        if (lists[i].n && (lists[i].n != layers || lists[i + 1].n != layers))
            return od_error_set(err, OD_ERR_CONFIG, "ssd_anchor_generator: %zu values of %s and %zu of %s; expected num_layers (%zu) of each, or none",
                                lists[i].n, lists[i].name, lists[i + 1].n, lists[i + 1].name, layers);
    int strides = c->n_height_stride > 0, offsets = c->n_height_offset > 0;
    out->stride_y = strides ? (float)c->height_stride[level] / height : 1.0f / (float)f->map_height;
    out->stride_x = strides ? (float)c->width_stride[level] / width : 1.0f / (float)f->map_width;
    out->offset_y = offsets ? (float)c->height_offset[level] / height : 0.5f * out->stride_y;
    out->offset_x = offsets ? (float)c->width_offset[level] / width : 0.5f * out->stride_x;
    return OD_OK;
}

static od_status ssd(const ssd_config *c, const od_anchor_frame *f, od_anchor_level *out, od_error *err)
{
    if (c->n_scales && c->n_scales < (size_t)c->num_layers)
        return od_error_set(err, OD_ERR_CONFIG, "ssd_anchor_generator: %zu scales for num_layers %d; expected as many", c->n_scales, (int)c->num_layers);
    if (!c->n_scales && c->num_layers < 2)
        return od_error_set(err, OD_ERR_CONFIG, "ssd_anchor_generator: num_layers %d without scales; expected at least 2", (int)c->num_layers);
    float height = (float)f->image_height, width = (float)f->image_width, least = height < width ? height : width;
    float base[2] = {least / height * c->base_anchor_height, least / width * c->base_anchor_width};
    OD_TRY(ssd_sizes(c, f->level, base, out, err));
    return ssd_grid(c, f, out, err);
}

od_status od_anchor_level_init(const ObjectDetection__Protos__AnchorGenerator *config, const od_anchor_frame *frame,
                               od_anchor_level *out, od_error *err)
{
    *out = (od_anchor_level){.scale_y = 1, .scale_x = 1};
    switch (config->anchor_generator_oneof_case) {
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_MULTISCALE_ANCHOR_GENERATOR:
        return multiscale(config->multiscale_anchor_generator, frame, out, err);
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_SSD_ANCHOR_GENERATOR:
        return ssd(config->ssd_anchor_generator, frame, out, err);
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_GRID_ANCHOR_GENERATOR:
        return grid(config->grid_anchor_generator, out, err);
    case OBJECT_DETECTION__PROTOS__ANCHOR_GENERATOR__ANCHOR_GENERATOR_ONEOF_FLEXIBLE_GRID_ANCHOR_GENERATOR:
        return flexible(config->flexible_grid_anchor_generator, frame, out, err);
    default: return od_error_set(err, OD_ERR_CONFIG, "anchor_generator: empty; expected e.g. multiscale_anchor_generator { ... }");
    }
}

void od_anchor_level_deinit(od_anchor_level *level)
{
    od_free(level->heights);
    od_free(level->widths);
    *level = (od_anchor_level){0};
}
