/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a schedule: one parallel region for each stretch of chains, a barrier between steps. A chain's piece is pulled from its last
 * stage: before a stage computes rows, the stage before is asked for the input rows that are still missing.
 */
#include "nn/chain.h"

#include <omp.h>
#include <time.h>

enum { MAX_STAGES = 64 };

typedef struct run {
    const od_net *net;
    const od_chain *chain;
    const od_stage *stages;
    const od_piece *piece;
    float *scratch;
    double *seconds;          /* by node, this thread's; NULL: no profile */
    int64_t next[MAX_STAGES]; /* by stage: the first row not computed yet */
} run;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static od_rows stage_input(const run *r, int s)
{
    const od_stage *stage = &r->stages[s];
    if (s > 0) return (od_rows){r->scratch + stage[-1].ring_offset, stage[-1].ring, stage[-1].out_floats};
    const float *value = r->net->value[r->net->graph->nodes[stage->node].in[0]];
    int64_t height = stage->in_height;
    return (od_rows){(float *)value + r->piece->image * height * stage->in_floats, height, stage->in_floats}; /* only read */
}

static od_rows stage_output(const run *r, int s)
{
    const od_stage *stage = &r->stages[s];
    if (s < r->chain->count - 1) return (od_rows){r->scratch + stage->ring_offset, stage->ring, stage->out_floats};
    const od_fold *fold = &r->net->fold[stage->node];
    int64_t image = fold->out_image ? fold->out_image : r->chain->height * stage->out_floats;
    return (od_rows){r->net->value[fold->out] + fold->out_offset + r->piece->image * image, r->chain->height, stage->out_floats};
}

static void compute(run *r, int s, int64_t to)
{
    const od_stage *stage = &r->stages[s];
    const od_node *node = &r->net->graph->nodes[stage->node];
    od_rows_job job = {r->piece->image, r->next[s], to, stage_input(r, s), stage_output(r, s), r->piece->part, r->chain->parts,
                       r->scratch + r->chain->scratch_offset};
    double start = r->seconds ? now() : 0;
    node->op->forward_rows(r->net, node, &job);
    if (r->seconds) r->seconds[stage->node] += now() - start;
    r->next[s] = to;
}

/* Computes stage s up to row `upto`, first what it needs of the stages before. */
static void pull(run *r, int s, int64_t upto)
{
    const od_stage *stage = &r->stages[s];
    while (r->next[s] < upto) {
        int64_t from = r->next[s], to = upto - from < stage->go ? upto : from + stage->go;
        if (s > 0) {
            int64_t first = clamp(from * stage->stride - stage->pad, 0, stage->in_height);
            if (r->next[s - 1] < first) r->next[s - 1] = first;
            pull(r, s - 1, clamp((to - 1) * stage->stride - stage->pad + stage->reach, 0, stage->in_height));
        }
        compute(r, s, to);
    }
}

static void run_piece(const od_net *net, const od_piece *piece, float *scratch, double *seconds)
{
    const od_chain *chain = &net->schedule->chains[piece->chain];
    run r = {.net = net, .chain = chain, .stages = net->schedule->stages + chain->first, .piece = piece, .scratch = scratch, .seconds = seconds};
    int last = chain->count - 1;
    r.next[last] = piece->from;
    for (int s = last; s > 0; s--) r.next[s - 1] = clamp(r.next[s] * r.stages[s].stride - r.stages[s].pad, 0, r.stages[s].in_height);
    pull(&r, last, piece->to);
}

/* Steps [begin, end), none of which is an op of its own. */
static void run_chains(od_net *net, int begin, int end)
{
    const od_schedule *s = net->schedule;
#pragma omp parallel num_threads(net->threads)
    {
        int thread = omp_get_thread_num();
        float *scratch = od_net_scratch(net);
        double *seconds = net->profile ? s->seconds + (size_t)thread * net->graph->node_count : NULL;
        for (int i = begin; i < end; i++) {
            const int *pieces = s->piece_begin + s->steps[i].pieces + thread;
            for (int p = pieces[0]; p < pieces[1]; p++) run_piece(net, &s->pieces[p], scratch, seconds);
#pragma omp barrier
        }
    }
}

static void collect_seconds(od_net *net)
{
    size_t n = net->graph->node_count;
    for (size_t i = 0; i < n * (size_t)net->threads; i++) {
        net->forward_seconds[i % n] += net->schedule->seconds[i] / net->threads;
        net->schedule->seconds[i] = 0;
    }
}

void od_schedule_run(od_net *net)
{
    const od_schedule *s = net->schedule;
    for (int i = 0; i < s->step_count;) {
        if (s->steps[i].op >= 0) {
            const od_node *node = &net->graph->nodes[s->steps[i].op];
            double start = net->profile ? now() : 0;
            od_net_run_forward(net, node);
            if (net->profile) net->forward_seconds[s->steps[i].op] += now() - start;
            i++;
            continue;
        }
        int end = i;
        while (end < s->step_count && s->steps[end].op < 0) end++;
        run_chains(net, i, end);
        i = end;
    }
    if (net->profile) collect_seconds(net);
}
