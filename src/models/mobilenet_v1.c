/* SPDX-License-Identifier: Apache-2.0 */
#include "models/mobilenet_v1.h"

typedef struct builder {
    od_graph *g;
    const od_mobilenet_v1_options *o;
    od_hyperparams h;
    const char *path;
    int layer; /* of layer_with_weights-N */
} builder;

static od_layer layer_of(const builder *b, int kernel, int stride)
{
    return (od_layer){.kernel = kernel,
                      .stride = stride,
                      .padding = b->o->explicit_padding && kernel > 1 ? OD_PAD_EXPLICIT : OD_PAD_SAME,
                      .init = b->h.init,
                      .decay = b->h.decay};
}

static od_value norm(builder *b, od_value x)
{
    x = od_layer_batch_norm(b->g, x, &b->h, b->h.act, "%s/layer_with_weights-%d", b->path, b->layer);
    b->layer += b->h.has_bn;
    return x;
}

static od_value conv_bn(builder *b, od_value x, int filters, int kernel, int stride)
{
    if (filters < b->o->min_depth) filters = b->o->min_depth;
    od_layer l = layer_of(b, kernel, stride);
    x = od_layer_conv(b->g, x, filters, &l, "%s/layer_with_weights-%d", b->path, b->layer++);
    return norm(b, x);
}

/* Keras multiplies a width by depth_multiplier, and then the OD API's override does again. */
static int width(const builder *b, int filters)
{
    int once = (int)((double)filters * (double)b->o->depth_multiplier);
    return (int)((double)once * (double)b->o->depth_multiplier);
}

static od_value block(builder *b, od_value x, int filters, int stride)
{
    od_layer l = layer_of(b, 3, stride);
    x = od_layer_depthwise(b->g, x, &l, "%s/layer_with_weights-%d", b->path, b->layer++);
    x = norm(b, x);
    return conv_bn(b, x, filters, 1, 1);
}

void od_mobilenet_v1_build(od_graph *g, od_value images, const od_mobilenet_v1_options *options, const char *path,
                           od_value out[OD_MOBILENET_V1_BLOCKS])
{
    static const struct { int filters, stride; } blocks[OD_MOBILENET_V1_BLOCKS] = {
        {64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
    builder b = {.g = g, .o = options, .h = options->override ? *options->override : od_mobilenet_hyperparams(), .path = path};
    b.h.frozen = options->frozen;
    od_value x = conv_bn(&b, images, width(&b, 32), 3, 2);
    for (int i = 0; i < OD_MOBILENET_V1_BLOCKS; i++) {
        int filters = width(&b, blocks[i].filters);
        if (options->narrow_end && i >= 11) filters = (int)((i == 11 ? 512 : 256) * (double)options->depth_multiplier); /* replaces what Keras made of it */
        x = block(&b, x, filters, blocks[i].stride);
        out[i] = x;
    }
}
