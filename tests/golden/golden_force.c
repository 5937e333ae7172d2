/* SPDX-License-Identifier: Apache-2.0
 *
 * A two-stage network with given proposals: the host step that chooses them runs, and its result is replaced. What differs then isn't
 * due to the last bits of a proposal, on which crops at an image's edge depend.
 */
#include "golden.h"

#include "models/faster_rcnn.h"
#include "nn/op.h"

#include <string.h>

static void propose(void *user, od_net *net, const od_node *node, float *out)
{
    golden_force *f = user;
    od_faster_rcnn_state *st = f->state;
    od_faster_rcnn_propose(st, net, node, out);
    if (!f->boxes) return;
    memcpy(out, f->boxes, (size_t)(st->batch * st->max_proposals) * 4 * sizeof *out);
    memcpy(st->count, f->counts, (size_t)st->batch * sizeof *st->count);
    for (int64_t i = 0; i < st->batch * st->max_proposals * 4; i++) st->boxes[i] = out[i] * (float)(i % 2 ? st->width : st->height);
}

/* The graph is the instance's own, and nobody else's: it may be changed between its building and its runs. */
void golden_force_install(golden_force *f, od_instance *inst)
{
    const od_graph *g = od_instance_graph(inst);
    *f = (golden_force){0};
    for (size_t i = 0; i < g->node_count; i++) {
        od_node *node = &g->nodes[i];
        if (node->op != &od_op_host || node->host != od_faster_rcnn_propose) continue;
        f->state = node->host_user;
        node->host = propose;
        node->host_user = f;
    }
}

int golden_force_from(golden_force *f, const od_safetensors_entry *boxes, const od_safetensors_entry *counts)
{
    const od_faster_rcnn_state *st = f->state;
    f->boxes = NULL;
    if (!st || !boxes || !counts || boxes->dtype != OD_F32 || counts->dtype != OD_I32) return 0;
    if (boxes->bytes != (size_t)(st->batch * st->max_proposals) * 16 || counts->bytes != (size_t)st->batch * 4) return 0;
    f->boxes = boxes->data;
    f->counts = counts->data;
    return 1;
}
