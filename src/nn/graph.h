/* SPDX-License-Identifier: Apache-2.0
 *
 * A network as a list of nodes in execution order, built once for a batch and image size. Each node applies one op
 * (op.h) to earlier values and makes one new value, a float32 tensor [N,H,W,C]. Builders return OD_NO_VALUE after the
 * first error, which stays in the graph and is reported by od_graph_check; so a model is written as straight lines:
 *
 *     od_value x = od_graph_input(g, n, 320, 320, 3);
 *     x = od_graph_conv2d(g, x, kernel, OD_NO_VAR, &attrs, "stem");
 *     x = od_graph_batch_norm(g, x, &bn, "stem/bn");
 *     OD_TRY(od_graph_check(g, err));
 */
#ifndef OD_NN_GRAPH_H
#define OD_NN_GRAPH_H

#include "kernels/kernels.h"
#include "nn/variables.h"
#include "util/error.h"

typedef int32_t od_value; /* index of a value */
#define OD_NO_VALUE ((od_value)-1)

typedef struct od_tensor_shape {
    int64_t n, h, w, c;
} od_tensor_shape;

static inline int64_t od_shape_rows(od_tensor_shape s)
{
    return s.n * s.h * s.w;
}
static inline int64_t od_shape_size(od_tensor_shape s)
{
    return s.n * s.h * s.w * s.c;
}

typedef enum od_padding {
    OD_PAD_SAME,     /* TensorFlow's: output ceil(in / stride), the odd pixel of padding bottom and right */
    OD_PAD_VALID,
    OD_PAD_EXPLICIT, /* (k_effective - 1) / 2 before and the rest after, then VALID: the OD API's fixed_padding */
} od_padding;

typedef struct od_conv_attrs {
    int kernel_h, kernel_w, stride, dilation;
    od_padding padding;
    int pad_top, pad_left;  /* set by the shape function */
} od_conv_attrs;

typedef struct od_bn_attrs {
    od_var gamma, beta;     /* either may be OD_NO_VAR: 1, 0 */
    od_var mean, variance;  /* moving statistics */
    float momentum, epsilon; /* moving = momentum * moving + (1 - momentum) * batch */
    int frozen;             /* training uses the moving statistics and leaves them alone */
    int biased;             /* the moving variance averages biased variances (Keras' SyncBatchNormalization) */
    od_act act;             /* applied to the normalised value */
} od_bn_attrs;

/* How BiFPN's combining nodes weigh their inputs (BiFPNCombineLayer in utils/bifpn_utils.py). */
typedef enum od_sum_weights {
    OD_SUM_PLAIN,          /* 1 each */
    OD_SUM_WEIGHTED,       /* the variable */
    OD_SUM_FAST_ATTENTION, /* relu(w) / (sum of relu(w) + 1e-4) */
    OD_SUM_ATTENTION,      /* the OD API's softmax runs over an axis of one: 1 each, gradient 0 */
} od_sum_weights;

struct od_net;
struct od_node;

/* What a host node runs in the forward pass: reads its inputs with od_net_value, writes all of its output. */
typedef void (*od_host_fn)(void *user, struct od_net *net, const struct od_node *node, float *out);

/* Crops of regions, and max pooling of each (FasterRCNN's crop_and_resize and maxpool). */
typedef struct od_roi_attrs {
    int boxes_each;           /* an image */
    int crop;                 /* samples along each side */
    int pool, pool_stride;    /* VALID max pooling; 1, 1: none */
    int matmul;               /* the OD API's own implementation: each of a sample's four pixels that lies outside counts as zero;
                                 otherwise TensorFlow's: a sample outside is zero */
    float image_ratio;        /* several levels: square root of the image's area / 224 (Lin et al., CVPR 2017, section 4.2) */
} od_roi_attrs;

typedef struct od_resize_attrs {
    int64_t height, width;
    int repeat; /* each pixel a whole number of times; 0: bilinear, the corners on the corners */
} od_resize_attrs;

typedef struct od_node {
    const struct od_op *op;
    const char *label;   /* for profiles and errors; owned by the graph */
    od_value *in;
    int in_count;
    od_value out;
    od_var var[4];       /* kernel, bias; squeeze_excite has two of each */
    od_act act;          /* activations; additions and weighted sums with one */
    float rate;          /* drop_connect, dropout: the share of images (of values) that are dropped; add_scaled: the second input's factor */
    float low, high;     /* clip */
    od_sum_weights weights; /* weighted_sum */
    od_conv_attrs conv;  /* convolutions and pooling */
    od_bn_attrs bn;
    od_resize_attrs resize;
    od_roi_attrs roi;
    od_host_fn host;     /* host: what runs, with what, and the shape of what it makes */
    void *host_user;     /* borrowed */
    od_tensor_shape host_shape;
} od_node;

typedef struct od_value_info {
    od_tensor_shape shape;
    int producer;        /* node index; -1: a graph input */
    int is_output;
    int needs_grad;      /* some trainable variable lies before it */
} od_value_info;

typedef struct od_graph {
    od_variables *vars;  /* borrowed */
    od_node *nodes;
    size_t node_count, node_capacity;
    od_value_info *values;
    size_t value_count, value_capacity;
    int training;        /* builders leave out what only training has when 0 */
    int no_drop;         /* ... and what drops at random (drop-connect, dropout) when 1 */
    od_error error;      /* the first error while building */
} od_graph;

void od_graph_init(od_graph *g, od_variables *vars);
void od_graph_deinit(od_graph *g);
/* OD_OK, or the first error met while building. */
od_status od_graph_check(const od_graph *g, od_error *err);
/* Keeps `v` (and, in training, room for its gradient) for the caller. */
void od_graph_mark_output(od_graph *g, od_value v);
/* Removes the nodes that no output depends on (a backbone's unused last layers); their variables stay. */
void od_graph_prune(od_graph *g);

od_value od_graph_input(od_graph *g, int64_t n, int64_t h, int64_t w, int64_t c);
/* kernel [kh,kw,in,out], or [in,out] (Keras' Dense) where kh and kw are 1; bias [out] or OD_NO_VAR */
od_value od_graph_conv2d(od_graph *g, od_value x, od_var kernel, od_var bias, const od_conv_attrs *attrs, const char *label);
/* kernel [kh,kw,out,in]; padding SAME: the output is `stride` times as large */
od_value od_graph_conv2d_transpose(od_graph *g, od_value x, od_var kernel, od_var bias, const od_conv_attrs *attrs, const char *label);
/* kernel [kh,kw,C,1]; one output channel an input channel */
od_value od_graph_depthwise_conv2d(od_graph *g, od_value x, od_var kernel, od_var bias, const od_conv_attrs *attrs, const char *label);
od_value od_graph_batch_norm(od_graph *g, od_value x, const od_bn_attrs *attrs, const char *label);
od_value od_graph_activation(od_graph *g, od_value x, od_act act, const char *label);
od_value od_graph_add(od_graph *g, od_value a, od_value b, const char *label);
/* act(sum of weight_i * in_i), count from 1 to OD_SUM_MAX; weights [count,1] or OD_NO_VAR. */
enum { OD_SUM_MAX = 8 };
od_value od_graph_weighted_sum(od_graph *g, const od_value *in, int count, od_sum_weights kind, od_var weights, od_act act, const char *label);
/* x * sigmoid(expand(swish(reduce(mean over pixels of x)))): kernels [1,1,C,R], [1,1,R,C], biases [R], [C]; all are needed. */
od_value od_graph_squeeze_excite(od_graph *g, od_value x, od_var reduce, od_var reduce_bias, od_var expand, od_var expand_bias, const char *label);
/* Stochastic depth: in training, each image's x is zero with probability `rate` and otherwise divided by 1 - rate. */
od_value od_graph_drop_connect(od_graph *g, od_value x, float rate, const char *label);
/* In training, each value is zero with probability `rate` and otherwise divided by 1 - rate. */
od_value od_graph_dropout(od_graph *g, od_value x, float rate, const char *label);
od_value od_graph_clip(od_graph *g, od_value x, float low, float high, const char *label);
/* act(a + b): the end of a residual block. */
od_value od_graph_add_act(od_graph *g, od_value a, od_value b, od_act act, const char *label);
/* act(a + scale * b): Inception-ResNet's residual (Keras' CustomScaleLayer). */
od_value od_graph_add_scaled(od_graph *g, od_value a, od_value b, float scale, od_act act, const char *label);
/* Each pixel twice in both directions, cut to [h,w] (both at most twice the input's). */
od_value od_graph_upsample2x(od_graph *g, od_value x, int64_t h, int64_t w, const char *label);
/* x2 in both directions, bilinear with half-pixel centres: Keras' UpSampling2D(interpolation='bilinear'). */
od_value od_graph_upsample2x_bilinear(od_graph *g, od_value x, const char *label);
od_value od_graph_resize(od_graph *g, od_value x, const od_resize_attrs *attrs, const char *label);
/* Pads bottom and right with zeros to multiples. */
od_value od_graph_pad_to_multiple(od_graph *g, od_value x, int64_t multiple, const char *label);
od_value od_graph_max_pool(od_graph *g, od_value x, const od_conv_attrs *attrs, const char *label);
/* The mean of the window's pixels that exist (TensorFlow's: padding doesn't count); SAME or VALID. */
od_value od_graph_avg_pool(od_graph *g, od_value x, const od_conv_attrs *attrs, const char *label);
/* [N,H,W,C] as [N,1,1,H*W*C]. */
od_value od_graph_flatten(od_graph *g, od_value x, const char *label);
/* [N,H,W,1] of [N,H,W,C]. */
od_value od_graph_first_channel(od_graph *g, od_value x, const char *label);
enum { OD_ROI_MAX_LEVELS = 12, OD_ROI_MAX_CROP = 64 };
/* boxes [N*boxes_each,1,1,4] ymin, xmin, ymax, xmax, the image's sides being 1; levels[count] of features [N,H_i,W_i,C], finest
 * first, of which each box takes one by its area. Result [N*boxes_each,S,S,C]. No gradient reaches the boxes. */
od_value od_graph_roi_crop(od_graph *g, od_value boxes, const od_value *levels, int count, const od_roi_attrs *attrs, const char *label);
/* A value of `shape` that `fn` computes from others outside the graph. No gradient passes. */
od_value od_graph_host(od_graph *g, const od_value *in, int count, od_tensor_shape shape, od_host_fn fn, void *user, const char *label);
/* [N,H,W,c_i] side by side as [N,H,W,sum of c_i]. */
od_value od_graph_concat_channels(od_graph *g, const od_value *in, int count, const char *label);
/* Predictions [N,h_i,w_i,A*code] of several levels as one [N, sum(h_i*w_i*A), 1, code], anchors in the OD API's order. */
od_value od_graph_concat_predictions(od_graph *g, const od_value *levels, int count, int64_t code, const char *label);

#endif
