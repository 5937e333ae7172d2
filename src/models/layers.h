/* SPDX-License-Identifier: Apache-2.0
 *
 * The OD API's building blocks on top of the graph: a convolution, its batch norm and its activation with variables named by
 * their checkpoint paths. Paths are printf formats. An error stays in the graph (od_graph_check).
 */
#ifndef OD_MODELS_LAYERS_H
#define OD_MODELS_LAYERS_H

#include "nn/graph.h"

#include "hyperparams.pb-c.h"

/* What a Hyperparams message says (KerasLayerHyperparams in builders/hyperparams_builder.py). */
typedef struct od_hyperparams {
    od_init init;
    od_decay decay;
    od_act act;
    int has_bn, bn_scale, bn_center;
    float bn_momentum, bn_epsilon;
    int force_use_bias;
    int bn_biased; /* the moving variance averages the batches' biased variances */
    int frozen; /* batch norm keeps its moving statistics (freeze_batchnorm) */
} od_hyperparams;

/* NULL gives the message's defaults. Unsupported settings are OD_ERR_UNSUPPORTED by name. */
od_status od_hyperparams_read(const ObjectDetection__Protos__Hyperparams *proto, od_hyperparams *out, od_error *err);
/* KerasLayerHyperparams.use_bias(). */
int od_hyperparams_use_bias(const od_hyperparams *h);

extern const od_init od_init_glorot_uniform;

/* A convolution's settings. */
typedef struct od_layer {
    int kernel, stride;
    int kernel_w;        /* of od_layer_conv; 0: as wide as high */
    int dilation;        /* of od_layer_conv; 0: 1 */
    od_padding padding;
    int bias;            /* has one */
    float bias_init;
    od_decay bias_decay;
    od_init init;        /* of the kernel, or of the depthwise part */
    od_decay decay;
    od_init pointwise_init; /* separable convolutions: of the second part */
    od_decay pointwise_decay;
} od_layer;

/* <path>/kernel, <path>/bias */
od_value od_layer_conv(od_graph *g, od_value x, int64_t filters, const od_layer *layer, const char *path, ...)
    __attribute__((format(printf, 5, 6)));
/* <path>/kernel [k,k,filters,in], <path>/bias: Keras' Conv2DTranspose */
od_value od_layer_conv_transpose(od_graph *g, od_value x, int64_t filters, const od_layer *layer, const char *path, ...)
    __attribute__((format(printf, 5, 6)));
/* <path>/kernel [in,units], <path>/bias: Keras' Dense on [N,1,1,C] */
od_value od_layer_dense(od_graph *g, od_value x, int64_t units, const od_layer *layer, const char *path, ...) __attribute__((format(printf, 5, 6)));
/* <path>/depthwise_kernel, <path>/bias */
od_value od_layer_depthwise(od_graph *g, od_value x, const od_layer *layer, const char *path, ...) __attribute__((format(printf, 4, 5)));
/* <path>/depthwise_kernel, <path>/pointwise_kernel, <path>/bias (Keras' SeparableConv2D) */
od_value od_layer_separable(od_graph *g, od_value x, int64_t filters, const od_layer *layer, const char *path, ...)
    __attribute__((format(printf, 5, 6)));
/* <path>/layer_with_weights-<first>/{kernel,bias} (to `reduced` channels) and -<second>: EfficientNet's squeeze-excite. */
od_value od_layer_squeeze_excite(od_graph *g, od_value x, int64_t reduced, const od_layer *layer, const char *label, const char *path, int first, int second);
/* A variable that stands alone, by its whole name; OD_NO_VAR after an error. */
od_var od_layer_variable(od_graph *g, int rank, const int64_t *shape, od_decay decay, od_init init, const char *path, ...) __attribute__((format(printf, 6, 7)));
/* <path>/{gamma,beta,moving_mean,moving_variance}, then `act`. Without batch norm in `h`: only the activation. */
od_value od_layer_batch_norm(od_graph *g, od_value x, const od_hyperparams *h, od_act act, const char *path, ...)
    __attribute__((format(printf, 5, 6)));

/* What MobileNet V1 and V2 have unless override_base_feature_extractor_hyperparams gives them the config's. */
od_hyperparams od_mobilenet_hyperparams(void);

#endif
