/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoding happens for the few matched anchors; decoding for all of them, so that loop is written to vectorise.
 */
#include "detection/box_coder.h"

#include "detection/vector_math.h"

#include <math.h>

static const float epsilon = 1e-8f; /* box_coders/faster_rcnn_box_coder.py */

static od_status check_scales(const od_box_coder *coder, int n, const char *name, od_error *err)
{
    for (int i = 0; i < n; i++)
        if (!(coder->scale[i] > 0))
            return od_error_set(err, OD_ERR_CONFIG, "%s: scale %g; every scale must be positive", name, (double)coder->scale[i]);
    return OD_OK;
}

od_box_coder od_box_coder_default(void)
{
    return (od_box_coder){OD_BOX_CODER_FASTER_RCNN, 4, 0, {10, 10, 5, 5}};
}

od_status od_box_coder_init(od_box_coder *coder, const ObjectDetection__Protos__BoxCoder *config, od_error *err)
{
    if (!config) return od_error_set(err, OD_ERR_CONFIG, "box_coder is missing; expected e.g. box_coder { faster_rcnn_box_coder { } }");
    switch (config->box_coder_oneof_case) {
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_FASTER_RCNN_BOX_CODER: {
        const ObjectDetection__Protos__FasterRcnnBoxCoder *c = config->faster_rcnn_box_coder;
        *coder = (od_box_coder){OD_BOX_CODER_FASTER_RCNN, 4, 0, {c->y_scale, c->x_scale, c->height_scale, c->width_scale}};
        return check_scales(coder, 4, "faster_rcnn_box_coder", err);
    }
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_MEAN_STDDEV_BOX_CODER:
        *coder = (od_box_coder){OD_BOX_CODER_MEAN_STDDEV, 4, 0, {config->mean_stddev_box_coder->stddev}};
        return check_scales(coder, 1, "mean_stddev_box_coder", err);
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_SQUARE_BOX_CODER: {
        const ObjectDetection__Protos__SquareBoxCoder *c = config->square_box_coder;
        *coder = (od_box_coder){OD_BOX_CODER_SQUARE, 3, 0, {c->y_scale, c->x_scale, c->length_scale}};
        return check_scales(coder, 3, "square_box_coder", err);
    }
    case OBJECT_DETECTION__PROTOS__BOX_CODER__BOX_CODER_ONEOF_KEYPOINT_BOX_CODER: {
        const ObjectDetection__Protos__KeypointBoxCoder *c = config->keypoint_box_coder;
        int n = c->num_keypoints;
        if (n < 1 || n > OD_MAX_KEYPOINTS)
            return od_error_set(err, OD_ERR_CONFIG, "keypoint_box_coder: num_keypoints is %d; expected 1 to %d", n, OD_MAX_KEYPOINTS);
        *coder = (od_box_coder){OD_BOX_CODER_KEYPOINT, 4 + 2 * n, n, {c->y_scale, c->x_scale, c->height_scale, c->width_scale}};
        return check_scales(coder, 4, "keypoint_box_coder", err);
    }
    default: return od_error_set(err, OD_ERR_CONFIG, "box_coder is empty; expected e.g. box_coder { faster_rcnn_box_coder { } }");
    }
}

typedef struct centre_box {
    float y, x, height, width;
} centre_box;

static centre_box to_centre(const float b[4])
{
    float width = b[3] - b[1], height = b[2] - b[0];
    return (centre_box){b[0] + height / 2.0f, b[1] + width / 2.0f, height, width};
}

static void encode_faster_rcnn(const float s[4], const float *box, const float *anchor, float *code)
{
    centre_box b = to_centre(box), a = to_centre(anchor);
    a.height += epsilon;
    a.width += epsilon;
    b.height += epsilon;
    b.width += epsilon;
    code[0] = (b.y - a.y) / a.height * s[0];
    code[1] = (b.x - a.x) / a.width * s[1];
    code[2] = logf(b.height / a.height) * s[2];
    code[3] = logf(b.width / a.width) * s[3];
}

static void encode_square(const float s[4], const float *box, const float *anchor, float *code)
{
    centre_box b = to_centre(box), a = to_centre(anchor);
    float anchor_side = sqrtf(a.height * a.width) + epsilon, side = sqrtf(b.height * b.width) + epsilon;
    code[0] = (b.y - a.y) / anchor_side * s[0];
    code[1] = (b.x - a.x) / anchor_side * s[1];
    code[2] = logf(side / anchor_side) * s[2];
}

void od_box_coder_encode(const od_box_coder *coder, int64_t n, const float *boxes, const float *anchors, float *codes)
{
    for (int64_t i = 0; i < n; i++) {
        const float *box = boxes + 4 * i, *anchor = anchors + 4 * i;
        float *code = codes + coder->code_size * i;
        if (coder->kind == OD_BOX_CODER_FASTER_RCNN || coder->kind == OD_BOX_CODER_KEYPOINT) encode_faster_rcnn(coder->scale, box, anchor, code);
        else if (coder->kind == OD_BOX_CODER_SQUARE) encode_square(coder->scale, box, anchor, code);
        else for (int k = 0; k < 4; k++) code[k] = (box[k] - anchor[k]) / coder->scale[0];
    }
}

static void decode_faster_rcnn(const float s[4], int64_t n, const float *restrict codes, const float *restrict anchors, float *restrict boxes)
{
    float sy = s[0], sx = s[1], sh = s[2], sw = s[3];
    for (int64_t i = 0; i < n; i++) {
        const float *code = codes + 4 * i, *anchor = anchors + 4 * i;
        float *box = boxes + 4 * i;
        float width_a = anchor[3] - anchor[1], height_a = anchor[2] - anchor[0];
        float width = od_vm_exp(code[3] / sw) * width_a, height = od_vm_exp(code[2] / sh) * height_a;
        float y = code[0] / sy * height_a + (anchor[0] + height_a / 2.0f);
        float x = code[1] / sx * width_a + (anchor[1] + width_a / 2.0f);
        box[0] = y - height / 2.0f;
        box[1] = x - width / 2.0f;
        box[2] = y + height / 2.0f;
        box[3] = x + width / 2.0f;
    }
}

static void decode_square(const float s[4], int64_t n, const float *codes, const float *anchors, float *boxes)
{
    for (int64_t i = 0; i < n; i++) {
        const float *code = codes + 3 * i;
        float *box = boxes + 4 * i;
        centre_box a = to_centre(anchors + 4 * i);
        float anchor_side = sqrtf(a.height * a.width), side = od_vm_exp(code[2] / s[2]) * anchor_side;
        float y = code[0] / s[0] * anchor_side + a.y, x = code[1] / s[1] * anchor_side + a.x;
        box[0] = y - side / 2.0f;
        box[1] = x - side / 2.0f;
        box[2] = y + side / 2.0f;
        box[3] = x + side / 2.0f;
    }
}

void od_box_coder_decode(const od_box_coder *coder, int64_t n, const float *codes, const float *anchors, float *boxes)
{
    if (coder->kind == OD_BOX_CODER_FASTER_RCNN) decode_faster_rcnn(coder->scale, n, codes, anchors, boxes);
    else if (coder->kind == OD_BOX_CODER_KEYPOINT)
        for (int64_t i = 0; i < n; i++) decode_faster_rcnn(coder->scale, 1, codes + coder->code_size * i, anchors + 4 * i, boxes + 4 * i);
    else if (coder->kind == OD_BOX_CODER_SQUARE) decode_square(coder->scale, n, codes, anchors, boxes);
    else for (int64_t i = 0; i < 4 * n; i++) boxes[i] = codes[i] * coder->scale[0] + anchors[i];
}

void od_box_coder_encode_keypoints(const od_box_coder *coder, int64_t n, const float *keypoints, const float *anchors, float *codes)
{
    for (int64_t i = 0; i < n; i++) {
        centre_box a = to_centre(anchors + 4 * i);
        const float centre[2] = {a.y, a.x}, size[2] = {a.height + epsilon, a.width + epsilon};
        float *code = codes + coder->code_size * i + 4;
        for (int k = 0; k < 2 * coder->keypoints; k++) code[k] = (*keypoints++ - centre[k % 2]) / size[k % 2] * coder->scale[k % 2];
    }
}

void od_box_coder_decode_keypoints(const od_box_coder *coder, int64_t n, const float *codes, const float *anchors, float *keypoints)
{
    for (int64_t i = 0; i < n; i++) {
        centre_box a = to_centre(anchors + 4 * i);
        const float centre[2] = {a.y, a.x}, size[2] = {a.height, a.width}, *code = codes + coder->code_size * i + 4;
        for (int k = 0; k < 2 * coder->keypoints; k++) *keypoints++ = code[k] / coder->scale[k % 2] * size[k % 2] + centre[k % 2];
    }
}
