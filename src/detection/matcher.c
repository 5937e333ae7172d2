/* SPDX-License-Identifier: Apache-2.0
 *
 * The similarity matrix is never stored: anchors go through in blocks, each block meets all boxes, and a block that a box
 * can't overlap is skipped for that box.
 */
#include "detection/matcher.h"

#include "util/alloc.h"

#include <math.h>

static od_status check_thresholds(const od_matcher *m, od_error *err)
{
    if (m->unmatched_threshold > m->matched_threshold)
        return od_error_set(err, OD_ERR_CONFIG, "argmax_matcher: unmatched_threshold %g is above matched_threshold %g; it must not be",
                            (double)m->unmatched_threshold, (double)m->matched_threshold);
    if (!m->negatives_lower_than_unmatched && m->unmatched_threshold == m->matched_threshold)
        return od_error_set(err, OD_ERR_CONFIG,
                            "argmax_matcher: negatives_lower_than_unmatched: false needs different thresholds, both are %g (no anchor would be background)",
                            (double)m->matched_threshold);
    return OD_OK;
}

od_status od_matcher_init(od_matcher *matcher, const ObjectDetection__Protos__Matcher *config, od_error *err)
{
    if (!config || config->matcher_oneof_case == OBJECT_DETECTION__PROTOS__MATCHER__MATCHER_ONEOF__NOT_SET)
        return od_error_set(err, OD_ERR_CONFIG, "matcher is empty; expected matcher { argmax_matcher { } }");
    if (config->matcher_oneof_case == OBJECT_DETECTION__PROTOS__MATCHER__MATCHER_ONEOF_BIPARTITE_MATCHER)
        return od_error_set(err, OD_ERR_UNSUPPORTED, "matcher: bipartite_matcher is TF1 only; use argmax_matcher");
    const ObjectDetection__Protos__ArgMaxMatcher *c = config->argmax_matcher;
    *matcher = (od_matcher){!c->ignore_thresholds, c->matched_threshold, c->unmatched_threshold, c->negatives_lower_than_unmatched,
                            c->force_match_for_each_row};
    return matcher->use_thresholds ? check_thresholds(matcher, err) : OD_OK;
}

/* What the pass over the anchors keeps for each box. */
typedef struct best_anchor {
    float similarity;
    int32_t anchor;
} best_anchor;

/* Eight running maxima, so that the loop vectorises without reordering float comparisons. */
static float max_of(const float *x, int64_t n)
{
    enum { lanes = 8 };
    float lane[lanes], most = x[0];
    int64_t i = 0;
    for (int k = 0; k < lanes; k++) lane[k] = most;
    for (; i + lanes <= n; i += lanes)
        for (int k = 0; k < lanes; k++) lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
    for (; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int k = 0; k < lanes; k++) most = lane[k] > most ? lane[k] : most;
    return most;
}

static void update_box(best_anchor *best, const float *similarity, int64_t first, int64_t n)
{
    float most = max_of(similarity, n);
    if (!(most > best->similarity)) return;
    int64_t i = 0;
    while (similarity[i] != most) i++;
    *best = (best_anchor){most, (int32_t)(first + i)};
}

static void update_anchors(const float *restrict similarity, int32_t box, int64_t n, float *restrict most, int32_t *restrict match)
{
    for (int64_t i = 0; i < n; i++) {
        int better = similarity[i] > most[i];
        most[i] = better ? similarity[i] : most[i];
        match[i] = better ? box : match[i];
    }
}

static void apply_thresholds(const od_matcher *m, int64_t n, const float *most, int32_t *match)
{
    int32_t below = m->negatives_lower_than_unmatched ? OD_MATCH_BACKGROUND : OD_MATCH_IGNORED;
    int32_t between = m->negatives_lower_than_unmatched ? OD_MATCH_IGNORED : OD_MATCH_BACKGROUND;
    for (int64_t i = 0; i < n; i++) {
        if (most[i] < m->unmatched_threshold) match[i] = below;
        else if (most[i] < m->matched_threshold) match[i] = between;
    }
}

/* Similarities that can't be negative start from 0 with the first box or anchor, so that skipped zeros change nothing. */
static void match_block(const od_matcher *m, const od_similarity *s, const od_anchor_columns *anchors, int64_t block,
                        const od_matcher_boxes *truth, best_anchor *best, int32_t *match)
{
    float similarity[OD_ANCHOR_BLOCK], most[OD_ANCHOR_BLOCK];
    int64_t first = block * OD_ANCHOR_BLOCK, rest = anchors->count - first, n = rest < OD_ANCHOR_BLOCK ? rest : OD_ANCHOR_BLOCK;
    for (int64_t i = 0; i < n; i++) {
        most[i] = s->kind == OD_SIMILARITY_NEG_SQ_DIST ? -INFINITY : 0.0f;
        match[first + i] = 0;
    }
    for (int64_t g = 0; g < truth->count; g++) {
        const float *box = truth->boxes + 4 * g;
        if (od_similarity_skips_block(s, box, anchors, block)) continue;
        od_similarity_compute(s, box, truth->scores ? truth->scores[g] : 1.0f, anchors, first, n, similarity);
        update_anchors(similarity, (int32_t)g, n, most, match + first);
        update_box(&best[g], similarity, first, n);
    }
    if (m->use_thresholds) apply_thresholds(m, n, most, match + first);
}

od_status od_matcher_match(const od_matcher *matcher, const od_similarity *similarity, const od_anchor_columns *anchors,
                           const od_matcher_boxes *truth, int32_t *match, od_error *err)
{
    if (truth->count == 0) {
        for (int64_t i = 0; i < anchors->count; i++) match[i] = OD_MATCH_BACKGROUND;
        return OD_OK;
    }
    best_anchor *best = od_malloc((size_t)truth->count, sizeof *best);
    if (!best) return od_error_nomem(err, "matching");
    for (int64_t g = 0; g < truth->count; g++)
        best[g] = (best_anchor){similarity->kind == OD_SIMILARITY_NEG_SQ_DIST ? -INFINITY : 0.0f, 0};
    int64_t blocks = (anchors->count + OD_ANCHOR_BLOCK - 1) / OD_ANCHOR_BLOCK;
    for (int64_t b = 0; b < blocks; b++) match_block(matcher, similarity, anchors, b, truth, best, match);
    if (matcher->force_match_for_each_row)
        for (int64_t g = truth->count; g-- > 0;) /* backwards, so that the first of two boxes wins */
            if (!truth->weights || truth->weights[g] > 0.0f) match[best[g].anchor] = (int32_t)g;
    od_free(best);
    return OD_OK;
}
