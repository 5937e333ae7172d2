/* SPDX-License-Identifier: Apache-2.0
 *
 * Stacked hourglasses (Newell et al., ECCV 2016; Law & Deng, CornerNet, ECCV 2018): models/keras_models/hourglass_network.py.
 */
#ifndef OD_MODELS_HOURGLASS_H
#define OD_MODELS_HOURGLASS_H

#include "models/layers.h"

enum { OD_HOURGLASS_MAX_STACKS = 2 };

/* depth: 10, 20, 32, 52 or 104; out[*count]: each stack's feature map at stride 4. 0 for another depth. */
int od_hourglass_build(od_graph *g, od_value images, int depth, const char *path, od_value out[OD_HOURGLASS_MAX_STACKS]);

#endif
