/* SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet_basic.h"

#include "models/resnet_preact.h"

#include <stdio.h>

/* The first block of a stage projects, the last one has the stride. */
static od_value block(od_preact *b, od_value x, int filters, int stride, int projects, const char *label)
{
    od_value active = od_preact_norm(b, x);
    od_value y = od_preact_norm(b, od_preact_conv(b, active, filters, 3, 1, 0));
    y = od_preact_norm(b, od_preact_conv(b, y, filters, 3, stride, 0));
    od_value shortcut = projects ? od_preact_conv(b, active, filters, 1, 1, 1) : od_preact_shortcut(b, x, stride, label);
    return od_preact_add(b, shortcut, y, label);
}

void od_resnet_basic_build(od_graph *g, od_value images, int depth, const char *path, od_value out[OD_RESNET_BASIC_STAGES])
{
    static const int blocks18[] = {2, 2, 2, 2}, blocks34[] = {3, 4, 6, 3};
    const int *blocks = depth == 34 ? blocks34 : blocks18;
    od_preact b = od_preact_begin(g, path);
    od_value x = od_preact_stem(&b, images);
    for (int stage = 0; stage < OD_RESNET_BASIC_STAGES; stage++) {
        for (int i = 0; i < blocks[stage]; i++) {
            char label[32];
            snprintf(label, sizeof label, "conv%d_block%d", stage + 2, i + 1);
            x = block(&b, x, 64 << stage, stage && i == blocks[stage] - 1 ? 2 : 1, i == 0, label);
        }
        out[stage] = x;
    }
    od_preact_norm(&b, x);
}
