/* SPDX-License-Identifier: Apache-2.0
 *
 * A small network of random weights and one random batch, and what holds for any network: gradients against finite differences along
 * random directions, fused against plain, 1 to 3 threads, repeats, inference folded and not.
 */
#ifndef NET_CASE_H
#define NET_CASE_H

#include "nn/net.h"

typedef struct net_case {
    od_variables vars;
    od_graph g;
    od_value out[2];
    int out_count;
    float *images;
    int64_t image_floats;
    int unique; /* for names of variables */
    int64_t past_caches; /* of the nets made */
} net_case;

extern const od_init net_case_ones, net_case_zeros;
extern const od_init net_case_near_one, net_case_small; /* uniform in .6 to 1.4; normal, deviation .5 */

/* x: the images [n, h, w, c]. Then the layers, then finish with one or two outputs (b: OD_NO_VALUE), which draws all values. */
void net_case_begin(net_case *f, int64_t n, int64_t h, int64_t w, int64_t c, od_value *x);
void net_case_finish(net_case *f, od_value a, od_value b);
void net_case_end(net_case *f);

/* Layers with variables of their own. */
od_var net_case_variable(net_case *f, int rank, int64_t a, int64_t b, int64_t c, int64_t d, int trainable, od_init init);
od_value net_case_bn(net_case *f, od_value x, od_act act, int frozen);
od_value net_case_conv(net_case *f, od_value x, int64_t out, int k, int stride, od_padding pad, int bias);
od_value net_case_dw(net_case *f, od_value x, int k, int stride, od_padding pad, int bias);

/* Fails the test when it can't be made; freed by od_net_free. */
od_net *net_case_net(const net_case *f, od_net_mode mode, int no_fusion, int threads);
/* One forward and backward; gradients in a copy that the caller frees. Moving statistics are put back. */
float *net_case_gradients(net_case *f, int no_fusion, int threads, double *loss);
/* Within tolerance of a's largest value. */
void net_case_check_close(const float *a, const float *b, size_t n, double tolerance);
/* All the checks that hold for any network; tolerance: of finite differences. */
void net_case_check(net_case *f, double tolerance);

#endif
