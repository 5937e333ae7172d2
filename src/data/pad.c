/* SPDX-License-Identifier: Apache-2.0 */
#include "data/pad.h"

#include "data/sample_pixels.h"

#include <math.h>

static int at_least(int v, int least)
{
    return v > least ? v : least;
}

od_status od_pad_random(od_sample *sample, int min_height, int min_width, int max_height, int max_width,
                        const float *color, od_rng *rng, od_error *err)
{
    int h = sample->view.height, w = sample->view.width;
    int low[2] = {at_least(min_height, h), at_least(min_width, w)},
        high[2] = {at_least(max_height, h), at_least(max_width, w)};
    int size[2], offset[2], own[2] = {h, w};
    for (int k = 0; k < 2; k++) size[k] = high[k] > low[k] ? (int)od_rng_int(rng, low[k], high[k]) : high[k];
    for (int k = 0; k < 2; k++) offset[k] = size[k] > own[k] ? (int)od_rng_int(rng, 0, size[k] - own[k]) : 0;
    return od_sample_pad(sample, offset[0], offset[1], size[0], size[1], color, err);
}

od_status od_pad_to_aspect_ratio(od_sample *sample, float aspect, const float min_ratio[2], const float max_ratio[2],
                                 od_rng *rng, od_error *err)
{
    static const float black[3] = {0, 0, 0};
    float h = (float)sample->view.height, w = (float)sample->view.width;
    float target_h = w / h <= aspect ? h : w / aspect, target_w = w / h >= aspect ? w : h * aspect;
    float most = fminf(fmaxf(max_ratio[0] * h, target_h) / target_h, fmaxf(max_ratio[1] * w, target_w) / target_w);
    float least =
        fminf(most, fmaxf(fmaxf(min_ratio[0] * h, target_h) / target_h, fmaxf(min_ratio[1] * w, target_w) / target_w));
    float scale = od_rng_uniform_range(rng, least, most);
    int height = at_least((int)rintf(scale * target_h), sample->view.height),
        width = at_least((int)rintf(scale * target_w), sample->view.width);
    return od_sample_pad(sample, 0, 0, height, width, black, err);
}

od_status od_pad_check_count(const od_config *config, const void *options, const char *field, size_t count, size_t n,
                             od_error *err)
{
    if (count == 0 || count == n) return OD_OK;
    return od_config_error(config, options, field, err, OD_ERR_CONFIG, "%s has %zu numbers; expected %zu or none",
                           field, count, n);
}
