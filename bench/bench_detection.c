/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of the stages between raw predictions and losses or detections, at SSD FPNLite 320's size: batch 8, 12,804 anchors,
 * 2 classes and background. Best and median of many runs. usage: bench_detection [classes]
 */
#include "config/text_format.h"
#include "detection/anchors.h"
#include "detection/postprocess.h"
#include "detection/ssd_loss.h"
#include "detection/target_assigner.h"
#include "util/rng.h"

#include "ssd.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { batch = 8, runs = 50, boxes_each = 6 };

static const char config[] =
    "num_classes: %d box_coder { faster_rcnn_box_coder { } } similarity_calculator { iou_similarity { } } "
    "matcher { argmax_matcher { force_match_for_each_row: true } } "
    "anchor_generator { multiscale_anchor_generator { min_level: 3 max_level: 7 anchor_scale: 4 aspect_ratios: 1 aspect_ratios: 2 aspect_ratios: 0.5 } } "
    "post_processing { batch_non_max_suppression { score_threshold: 1e-8 iou_threshold: 0.6 } score_converter: SIGMOID } "
    "loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid_focal { gamma: 2 alpha: 0.25 } } } "
    "encode_background_as_zeros: true normalize_loc_loss_by_codesize: true";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#define TIME(name, call) \
    do { \
        double times[runs]; \
        for (int i = 0; i < runs; i++) { \
            double start = now(); \
            if ((call) != OD_OK) return fprintf(stderr, "%s: %s\n", name, err.message), 1; \
            times[i] = now() - start; \
        } \
        qsort(times, runs, sizeof *times, ascending); \
        printf("%-34s best %7.3f ms  median %7.3f ms\n", name, times[0], times[runs / 2]); \
    } while (0)

typedef struct batch_data {
    float *codes, *logits, *d_codes, *d_logits;
    float boxes[batch][boxes_each * 4];
    int32_t classes[batch][boxes_each];
    od_groundtruth truth[batch];
} batch_data;

static int fill(batch_data *d, int64_t anchors, int columns, int num_classes)
{
    od_rng rng;
    od_rng_init(&rng, 1, 1);
    size_t codes = (size_t)anchors * batch * 4, logits = (size_t)anchors * batch * (size_t)columns;
    d->codes = malloc(codes * 4);
    d->logits = malloc(logits * 4);
    d->d_codes = malloc(codes * 4);
    d->d_logits = malloc(logits * 4);
    if (!d->codes || !d->logits || !d->d_codes || !d->d_logits) return -1;
    for (size_t i = 0; i < codes; i++) d->codes[i] = (float)od_rng_normal(&rng);
    for (size_t i = 0; i < logits; i++) d->logits[i] = (float)od_rng_normal(&rng) - 4.6f;
    for (int i = 0; i < batch; i++) {
        for (int k = 0; k < boxes_each; k++) {
            float y = od_rng_uniform_range(&rng, 0, 0.7f), x = od_rng_uniform_range(&rng, 0, 0.7f);
            float box[4] = {y, x, y + od_rng_uniform_range(&rng, 0.05f, 0.4f), x + od_rng_uniform_range(&rng, 0.05f, 0.4f)};
            memcpy(d->boxes[i] + 4 * k, box, sizeof box);
            d->classes[i][k] = (int32_t)od_rng_int(&rng, 0, num_classes);
        }
        d->truth[i] = (od_groundtruth){.boxes = d->boxes[i], .classes = d->classes[i], .count = boxes_each};
    }
    return 0;
}

int main(int argc, char **argv)
{
    int num_classes = argc > 1 ? atoi(argv[1]) : 2;
    char text[2000];
    snprintf(text, sizeof text, config, num_classes);
    od_error err = {0};
    od_text_tree *tree;
    if (od_text_parse(&object_detection__protos__ssd__descriptor, text, strlen(text), "bench", &tree, &err)) return fprintf(stderr, "%s\n", err.message), 1;
    const ObjectDetection__Protos__Ssd *ssd = (const void *)od_text_tree_root(tree);
    const int64_t shapes[5][2] = {{40, 40}, {20, 20}, {10, 10}, {5, 5}, {3, 3}};
    od_anchors *anchors;
    od_target_assigner *assigner;
    od_ssd_loss *loss;
    od_postprocess *post;
    if (od_anchors_create(ssd->anchor_generator, shapes, 5, 320, 320, 0, &anchors, &err) ||
        od_target_assigner_create_ssd(ssd, anchors->boxes, anchors->count, &assigner, &err) || od_ssd_loss_create(ssd, &loss, &err) ||
        od_postprocess_create_ssd(ssd, anchors->boxes, anchors->count, &post, &err))
        return fprintf(stderr, "%s\n", err.message), 1;
    batch_data d;
    if (fill(&d, anchors->count, num_classes + 1, num_classes)) return 1;
    od_targets targets = {0};
    od_ssd_loss_values values;
    od_detections found = {0};
    TIME("assign targets, batch 8", od_target_assigner_assign(assigner, d.truth, batch, &targets, &err));
    TIME("losses with gradients, batch 8", od_ssd_loss_run(loss, &targets, d.codes, d.logits, &values, d.d_codes, d.d_logits, &err));
    TIME("post-processing, batch 8", od_postprocess_run(post, batch, d.codes, d.logits, NULL, &found, &err));
    TIME("post-processing, 1 image", od_postprocess_run(post, 1, d.codes, d.logits, NULL, &found, &err));
    printf("localization %.6f classification %.6f, %d detections\n", values.localization, values.classification, found.count[0]);
    return 0;
}
