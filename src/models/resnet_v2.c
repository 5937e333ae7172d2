/* SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet_v2.h"

#include "models/resnet_preact.h"

#include <stdio.h>

/* block2 of keras.applications.resnet. */
static od_value block(od_preact *b, od_value x, int filters, int stride, int projects, const char *label)
{
    od_value active = od_preact_norm(b, x);
    od_value y = od_preact_norm(b, od_preact_conv(b, active, filters, 1, 1, 0));
    y = od_preact_norm(b, od_preact_conv(b, y, filters, 3, stride, 0));
    od_value shortcut = projects ? od_preact_conv(b, active, 4 * filters, 1, stride, 1) : od_preact_shortcut(b, x, stride, label);
    y = od_preact_conv(b, y, 4 * filters, 1, 1, 1);
    return od_preact_add(b, shortcut, y, label);
}

od_value od_resnet_v2_build(od_graph *g, od_value images, int depth, const char *path)
{
    const int blocks[] = {3, 4, depth == 101 ? 23 : 6, 3};
    od_preact b = od_preact_begin(g, path);
    od_value x = od_preact_stem(&b, images);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < blocks[stage]; i++) {
            char label[32];
            snprintf(label, sizeof label, "conv%d_block%d", stage + 2, i + 1);
            x = block(&b, x, 64 << stage, stage < 3 && i == blocks[stage] - 1 ? 2 : 1, i == 0, label);
        }
    od_preact_norm(&b, x);
    return x;
}
