/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers in words: names, pycocotools' table, and why a number is -1.
 */
#include "eval/coco_eval.h"
#include "util/strbuf.h"

#include <inttypes.h>

const char *od_coco_stat_name(od_coco_stat stat)
{
    static const char *const names[] = {
#define X(name, text, tag) text,
        OD_COCO_STATS(X)
#undef X
    };
    return (unsigned)stat < OD_COCO_NUM_STATS ? names[stat] : "?";
}

const char *od_coco_stat_tag(od_coco_stat stat)
{
    static const char *const tags[] = {
#define X(name, text, tag) tag,
        OD_COCO_STATS(X)
#undef X
    };
    return (unsigned)stat < OD_COCO_NUM_STATS ? tags[stat] : "?";
}

const char *od_coco_stat_mask_tag(od_coco_stat stat)
{
    static const char *const tags[OD_COCO_NUM_STATS] = {
        "DetectionMasks_Precision/mAP",          "DetectionMasks_Precision/mAP@.50IOU",     "DetectionMasks_Precision/mAP@.75IOU",
        "DetectionMasks_Precision/mAP (small)",  "DetectionMasks_Precision/mAP (medium)",   "DetectionMasks_Precision/mAP (large)",
        "DetectionMasks_Recall/AR@1",            "DetectionMasks_Recall/AR@10",             "DetectionMasks_Recall/AR@100",
        "DetectionMasks_Recall/AR@100 (small)",  "DetectionMasks_Recall/AR@100 (medium)",   "DetectionMasks_Recall/AR@100 (large)"};
    return (unsigned)stat < OD_COCO_NUM_STATS ? tags[stat] : "?";
}

const char *od_coco_stat_explain(od_coco_stat stat)
{
    static const char *const sentences[OD_COCO_NUM_STATS] = {
        ("mAP, COCO's main number: the area under the precision-recall curve, averaged over the classes and over ten demands "
         "on the overlap (IoU .50 to .95)"),
        "the same when half overlap (IoU .50) is enough: were the objects found, roughly placed?",
        "the same when the overlap must be tight (IoU .75): were they placed well?",
        "AP on objects of less than 32 x 32 pixels",
        "AP on objects between 32 x 32 and 96 x 96 pixels",
        "AP on objects of more than 96 x 96 pixels",
        "share of the objects found when only the best detection of each class and image counts, averaged over IoU .50 to .95",
        "share of the objects found by the best 10 detections of each class and image",
        "share of the objects found by the best 100 detections, the most that count: what no threshold can bring back",
        "AR100 on objects of less than 32 x 32 pixels",
        "AR100 on objects between 32 x 32 and 96 x 96 pixels",
        "AR100 on objects of more than 96 x 96 pixels",
    };
    return (unsigned)stat < OD_COCO_NUM_STATS ? sentences[stat] : "?";
}

static const char *const area_names[OD_COCO_A] = {"all", "small", "medium", "large"};

/* iou, area, limit of each line */
static const struct {
    const char *iou;
    int area, limit;
} lines[OD_COCO_NUM_STATS] = {
    {"0.50:0.95", 0, 100}, {"0.50", 0, 100},     {"0.75", 0, 100},      {"0.50:0.95", 1, 100},
    {"0.50:0.95", 2, 100}, {"0.50:0.95", 3, 100}, {"0.50:0.95", 0, 1},   {"0.50:0.95", 0, 10},
    {"0.50:0.95", 0, 100}, {"0.50:0.95", 1, 100}, {"0.50:0.95", 2, 100}, {"0.50:0.95", 3, 100},
};

static char *finish(od_strbuf *b)
{
    if (!b->data && !b->failed) od_strbuf_puts(b, "");
    if (!od_strbuf_failed(b)) return b->data;
    od_strbuf_deinit(b);
    return NULL;
}

char *od_coco_stats_table(const double stats[OD_COCO_NUM_STATS])
{
    od_strbuf b = {0};
    for (int i = 0; i < OD_COCO_NUM_STATS; i++)
        od_strbuf_printf(&b, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %0.3f\n",
                         i < OD_COCO_AR1 ? "Average Precision" : "Average Recall", i < OD_COCO_AR1 ? "(AP)" : "(AR)",
                         lines[i].iou, area_names[lines[i].area], lines[i].limit, stats[i]);
    return finish(&b);
}

char *od_coco_eval_explain_absent(const od_coco_eval *e)
{
    static const char *const ranges[OD_COCO_A] = {"", "up to 32x32 pixels", "32x32 to 96x96 pixels", "above 96x96 pixels"};
    od_strbuf b = {0};
    od_coco_counts counts;
    od_coco_eval_counts(e, &counts);
    if (!counts.truths[0])
        od_strbuf_puts(&b, "-1: there are no ground-truth boxes to find at all, so precision and recall have no value.\n");
    for (int a = 1; a < OD_COCO_A && counts.truths[0]; a++)
        if (!counts.truths[a])
            od_strbuf_printf(&b,
                             "-1 for %s: no ground-truth box of that area (%s): small %" PRId64 ", medium %" PRId64
                             ", large %" PRId64 " boxes. It means 'absent', not 'bad'.\n",
                             area_names[a], ranges[a], counts.truths[1], counts.truths[2], counts.truths[3]);
    return finish(&b);
}
