/* SPDX-License-Identifier: Apache-2.0
 *
 * The inference side: preprocessing, raw predictions, post-processing alone and end to end.
 */
#include "golden.h"

#include "detection/box.h"
#include "detection/box_classifier_postprocess.h"
#include "detection/proposals.h"
#include "nn/roi.h"
#include "util/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double largest(const float *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

/* Largest difference; NaN when either has one. */
static double difference(const float *a, const float *b, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= m)) m = d;
        if (isnan(d)) return NAN;
    }
    return m;
}

/* Whole numbers of the fixture against ours, which are floats. */
static double count_difference(const int32_t *a, const float *b, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) m = fmax(m, fabs((double)a[i] - (double)b[i]));
    return m;
}

static int64_t floats(const od_safetensors_entry *e)
{
    return (int64_t)(e->bytes / 4);
}

/* A grey picture has one channel in the reference. */
static double pixel_difference(const golden_case *c, const od_safetensors_entry *want)
{
    const float *data = want->data;
    int64_t pixels = (int64_t)c->batch * c->height * c->width;
    double worst = 0;
    if (want->shape[3] != 1) return difference(data, c->images, floats(want));
    for (int64_t i = 0; i < 3 * pixels; i++) worst = fmax(worst, fabs((double)data[i / 3] - (double)c->images[i]));
    return worst;
}

od_status golden_preprocess(golden_case *c, od_error *err)
{
    const od_safetensors_entry *image = golden_entry(c->forward, "image"), *want = golden_entry(c->forward, "preprocessed");
    const od_safetensors_entry *shapes = golden_entry(c->forward, "true_image_shapes");
    int h = (int)image->shape[1], w = (int)image->shape[2];
    od_preprocess_shape shape;
    OD_TRY(od_preprocess_find_shape(&c->preprocess, h, w, &shape, err));
    c->height = shape.height;
    c->width = shape.width;
    int64_t pixels = (int64_t)shape.height * shape.width * 3;
    c->images = od_aligned_malloc((size_t)(c->batch * pixels), sizeof(float));
    c->true_shapes = od_calloc((size_t)c->batch, sizeof *c->true_shapes);
    if (!c->images || !c->true_shapes) return od_error_nomem(err, "images");
    double wrong = 0;
    for (int64_t i = 0; i < c->batch; i++) {
        od_image_view view = {.bytes = (const uint8_t *)image->data + i * h * w * 3, .width = w, .height = h, .row_step = 3 * w, .column_step = 3};
        OD_TRY(od_preprocess_run(&c->preprocess, &view, shape.height, shape.width, c->images + i * pixels, err));
        int32_t ours[3] = {shape.true_height, shape.true_width, 3};
        memcpy(c->true_shapes[i], ours, sizeof ours);
        if (shapes && memcmp((const int32_t *)shapes->data + 3 * i, ours, 2 * sizeof *ours)) wrong++;
    }
    golden_dump_add(c, &c->forward_dump, OD_F32, 4, (int64_t[]){c->batch, c->height, c->width, 3}, c->images, "preprocessed");
    if (shapes) golden_report(c, GOLDEN_TRUE_SHAPES, "true_image_shapes", wrong, NULL);
    if (want) golden_report(c, GOLDEN_PIXELS, "preprocessed", pixel_difference(c, want), NULL);
    return OD_OK;
}

/* --- two-stage detectors: crops that the last bit decides ------------------------------------------------------------------ */

/* tf.image.crop_and_resize takes a sample beyond the last pixel as zero, and rounding decides on which side the last sample of a region lies
 * that ends with the image: there the second stage's predictions jump with the last bit of a proposal. */
static int falls_alike(const float *a, const float *b, int64_t size, int crop)
{
    od_roi_tap x[OD_ROI_MAX_CROP], y[OD_ROI_MAX_CROP];
    od_roi_taps(a[0], a[2], size, crop, 0, x);
    od_roi_taps(b[0], b[2], size, crop, 0, y);
    for (int i = 0; i < crop; i++)
        if ((x[i].weight[0] + x[i].weight[1] == 0) != (y[i].weight[0] + y[i].weight[1] == 0)) return 0;
    return 1;
}

/* Whether two boxes, relative to the padded image, are cropped alike, from the same of the network's feature maps. Crops by matrices
 * (use_matmul_crop_and_resize) fade out beyond the last pixel: there the last bit decides nothing. */
static int boxes_cropped_alike(const od_instance *inst, const float *a, const float *b)
{
    const od_graph *g = od_instance_graph(inst);
    const od_node *node = g->nodes;
    while (node->op != &od_op_roi_crop) node++;
    const od_roi_attrs *roi = &node->roi;
    int level = od_roi_level(a, node->in_count - 1, roi->image_ratio);
    if (level != od_roi_level(b, node->in_count - 1, roi->image_ratio)) return 0;
    od_tensor_shape map = g->values[node->in[1 + level]].shape;
    return roi->matmul || (falls_alike(a, b, map.h, roi->crop) && falls_alike(a + 1, b + 1, map.w, roi->crop));
}

/* The same of proposal `row` (over all images). */
static int cropped_alike(const golden_case *c, const od_instance *inst, int64_t row)
{
    const od_safetensors_entry *theirs = golden_entry(c->forward, "predict/proposal_boxes_normalized");
    int64_t shape[4];
    const float *ours = od_instance_prediction(inst, "proposal_boxes", shape), *a = (const float *)theirs->data + 4 * row;
    float b[4];
    for (int k = 0; k < 4; k++) b[k] = ours[4 * row + k] * (1 / (float)(k % 2 ? c->width : c->height));
    return boxes_cropped_alike(inst, a, b);
}

static int is_two_stage(const golden_case *c)
{
    return od_config_proto(c->config)->model->faster_rcnn != NULL && golden_entry(c->forward, "predict/proposal_boxes_normalized") != NULL;
}

/* The difference of the second stage's predictions [rows, ...] over the proposals that are cropped alike, and how many aren't. */
static double proposals_difference(const golden_case *c, const od_instance *inst, const od_safetensors_entry *e, const float *x, int *left_out)
{
    double worst = 0;
    int64_t rows = e->shape[0], each = floats(e) / rows;
    *left_out = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (cropped_alike(c, inst, i)) worst = fmax(worst, difference((const float *)e->data + i * each, x + i * each, each));
        else ++*left_out;
    }
    return worst;
}

static void check_predictions(golden_case *c, const od_instance *inst)
{
    size_t n = od_safetensors_count(c->forward);
    for (size_t i = 0; i < n; i++) {
        const od_safetensors_entry *e = od_safetensors_at(c->forward, i);
        int64_t shape[4], size;
        const char *name = !strncmp(e->name, "predict/", 8) ? e->name + 8 : !strcmp(e->name, "anchors") ? "anchors" : NULL;
        const float *x = name ? od_instance_prediction(inst, name, shape) : NULL;
        if (!x || !strcmp(name, "mask_predictions")) continue; /* of detections, whose order may differ: compared end to end */
        size = shape[0] * shape[1] * shape[2] * shape[3];
        if (e->dtype == OD_F32) golden_dump_add(c, &c->forward_dump, OD_F32, e->rank, e->shape, x, "%s", e->name);
        char what[300];
        snprintf(what, sizeof what, "%s", e->name);
        if (size != floats(e)) {
            golden_report(c, GOLDEN_PREDICTIONS, what, INFINITY, ": sizes differ");
            continue;
        }
        int left_out = 0, second_stage = is_two_stage(c) && (!strcmp(name, "refined_box_encodings") || !strcmp(name, "class_predictions_with_background"));
        if (second_stage) {
            char detail[100];
            double error = proposals_difference(c, inst, e, x, &left_out);
            snprintf(detail, sizeof detail, ": without %d of %lld proposals whose crop the last bit decides", left_out, (long long)e->shape[0]);
            golden_report(c, GOLDEN_PREDICTIONS, what, 20 * left_out > e->shape[0] ? INFINITY : error / fmax(largest(e->data, size), 1e-30), detail);
            continue;
        }
        double error = e->dtype == OD_I32 ? count_difference(e->data, x, size) : difference(e->data, x, size);
        if (e->dtype == OD_I32)
            golden_report(c, GOLDEN_CLASS_TARGETS, what, error, NULL);
        else if (!strcmp(name, "anchors"))
            golden_report(c, GOLDEN_ANCHORS, what, error, NULL);
        else
            golden_report(c, GOLDEN_PREDICTIONS, what, error / fmax(largest(e->data, size), 1e-30), NULL);
    }
}

typedef struct detection {
    float box[4], score;
    int class_index, used;
    int shaky; /* comes of a proposal whose crop the last bit decides */
    const float *mask; /* [mask_size] probabilities, or NULL */
    int64_t mask_size;
} detection;

/* Image i of the fixture's detections; their number. inst (or NULL): what `shaky` is found by. */
static int reference_detections(const golden_case *c, const od_instance *inst, int64_t i, detection *out, int max)
{
    const od_safetensors_entry *anchors = golden_entry(c->forward, "detect/detection_anchor_indices");
    const od_safetensors_entry *boxes = golden_entry(c->forward, "detect/detection_boxes"), *scores = golden_entry(c->forward, "detect/detection_scores");
    const od_safetensors_entry *classes = golden_entry(c->forward, "detect/detection_classes"), *count = golden_entry(c->forward, "detect/num_detections");
    const od_safetensors_entry *masks = golden_entry(c->forward, "detect/detection_masks");
    int64_t rows = boxes->shape[1], pixels = masks ? masks->shape[2] * masks->shape[3] : 0, proposals = is_two_stage(c) ? golden_entry(c->forward, "predict/proposal_boxes_normalized")->shape[1] : 0;
    int n = (int)((const float *)count->data)[i];
    if (n > max) n = max;
    for (int j = 0; j < n; j++) {
        memcpy(out[j].box, (const float *)boxes->data + (i * rows + j) * 4, sizeof out[j].box);
        out[j].score = ((const float *)scores->data)[i * rows + j];
        out[j].class_index = classes ? (int)((const float *)classes->data)[i * rows + j] : 0;
        out[j].used = 0;
        out[j].mask_size = pixels;
        out[j].mask = masks ? (const float *)masks->data + (i * rows + j) * pixels : NULL;
        out[j].shaky = inst && is_two_stage(c) && anchors && !cropped_alike(c, inst, i * proposals + ((const int32_t *)anchors->data)[i * rows + j]);
    }
    return n;
}

static int our_detections(const od_detections *d, int64_t i, detection *out, int max)
{
    int n = d->count[i] < max ? d->count[i] : max;
    for (int j = 0; j < n; j++) {
        memcpy(out[j].box, d->boxes + (i * d->max + j) * 4, sizeof out[j].box);
        out[j].score = d->scores[i * d->max + j];
        out[j].class_index = d->classes[i * d->max + j];
        out[j].used = out[j].shaky = 0;
        out[j].mask_size = (int64_t)d->mask_h * d->mask_w;
        out[j].mask = d->masks ? d->masks + (i * d->max + j) * out[j].mask_size : NULL;
    }
    return n;
}

static double box_difference(const detection *a, const detection *b)
{
    return difference(a->box, b->box, 4);
}

enum { MAX_DETECTIONS = 4096 };

/* Each reference detection takes the nearest unused box of its class among those with a score within 1e-6. */
static double match_exactly(const detection *want, int n, detection *have, int m)
{
    double worst = n == m ? 0 : INFINITY;
    for (int i = 0; i < n; i++) {
        int best = -1;
        for (int j = 0; j < m; j++) {
            if (have[j].used || have[j].class_index != want[i].class_index || fabs((double)have[j].score - want[i].score) > 1e-6) continue;
            if (best < 0 || box_difference(&want[i], &have[j]) < box_difference(&want[i], &have[best])) best = j;
        }
        if (best < 0) return INFINITY;
        have[best].used = 1;
        worst = fmax(worst, box_difference(&want[i], &have[best]));
    }
    return worst;
}

/* Post-processing of the fixture's own predictions. */
static od_status check_postprocessing(golden_case *c, od_error *err)
{
    const od_safetensors_entry *boxes = golden_entry(c->forward, "predict/box_encodings");
    const od_safetensors_entry *classes = golden_entry(c->forward, "predict/class_predictions_with_background");
    const od_safetensors_entry *anchors = golden_entry(c->forward, "predict/anchors");
    const ObjectDetection__Protos__DetectionModel *model = od_config_proto(c->config)->model;
    if (!boxes || !classes || !anchors || !model->ssd) return OD_OK;
    od_postprocess *post;
    OD_TRY(od_postprocess_create_ssd(model->ssd, anchors->data, anchors->shape[0], &post, err));
    od_detections found = {0};
    float (*windows)[4] = od_calloc((size_t)c->batch, sizeof *windows);
    static detection want[MAX_DETECTIONS], have[MAX_DETECTIONS];
    for (int64_t i = 0; windows && i < c->batch; i++) {
        windows[i][2] = (float)c->true_shapes[i][0] / (float)c->height;
        windows[i][3] = (float)c->true_shapes[i][1] / (float)c->width;
    }
    od_status status = windows ? od_postprocess_run(post, c->batch, boxes->data, classes->data, (const float(*)[4])windows, &found, err)
                               : od_error_nomem(err, "windows");
    double worst = 0;
    for (int64_t i = 0; status == OD_OK && i < c->batch; i++) {
        int n = reference_detections(c, NULL, i, want, MAX_DETECTIONS), m = our_detections(&found, i, have, MAX_DETECTIONS);
        worst = fmax(worst, match_exactly(want, n, have, m));
    }
    if (status == OD_OK) golden_report(c, GOLDEN_POSTPROCESS, "post-processing of the fixture's predictions", worst, NULL);
    od_free(windows);
    od_detections_deinit(&found);
    od_postprocess_free(post);
    return status;
}

/* A two-stage fixture's own proposals from its first stage's predictions, and detections from its second's. */
static od_status propose_from_fixture(const golden_case *c, int64_t i, const ObjectDetection__Protos__FasterRcnn *m, double *worst, od_error *err)
{
    const od_safetensors_entry *codes = golden_entry(c->forward, "predict/rpn_box_encodings"), *boxes = golden_entry(c->forward, "predict/proposal_boxes");
    const od_safetensors_entry *logits = golden_entry(c->forward, "predict/rpn_objectness_predictions_with_background"), *counts = golden_entry(c->forward, "predict/num_proposals");
    const od_safetensors_entry *anchors = golden_entry(c->forward, "predict/anchors");
    const float window[4] = {0, 0, (float)c->true_shapes[i][0], (float)c->true_shapes[i][1]};
    int most = m->first_stage_max_proposals;
    int64_t a = anchors->shape[0];
    od_nms_params nms = {.score_threshold = m->first_stage_nms_score_threshold, .iou_threshold = m->first_stage_nms_iou_threshold, .max_per_class = most, .max_total = most};
    od_rpn_anchors used = {.count = a, .predicted = a, .boxes = (float *)anchors->data}; /* only read */
    float *found = od_calloc((size_t)most, 5 * sizeof *found);
    int32_t *classes = od_calloc((size_t)most, sizeof *classes);
    od_box_coder coder = od_box_coder_default();
    od_nms_output out = {.boxes = found, .scores = found + 4 * most, .classes = classes};
    od_status status = found && classes ? OD_OK : od_error_nomem(err, "proposals");
    if (status == OD_OK)
        status = od_proposals_select(&nms, &coder, &used, (const float *)codes->data + i * a * 4, (const float *)logits->data + i * a * 2, window, &out, err);
    if (status == OD_OK && out.count != ((const int32_t *)counts->data)[i]) *worst = INFINITY;
    if (status == OD_OK) *worst = fmax(*worst, difference((const float *)boxes->data + i * most * 4, found, 4 * most));
    od_free(found);
    od_free(classes);
    return status;
}

static od_status check_two_stage_postprocessing(golden_case *c, od_error *err)
{
    const ObjectDetection__Protos__FasterRcnn *m = od_config_proto(c->config)->model->faster_rcnn;
    const od_safetensors_entry *boxes = golden_entry(c->forward, "predict/proposal_boxes"), *codes = golden_entry(c->forward, "predict/refined_box_encodings");
    const od_safetensors_entry *logits = golden_entry(c->forward, "predict/class_predictions_with_background"), *counts = golden_entry(c->forward, "predict/num_proposals");
    static detection want[MAX_DETECTIONS], have[MAX_DETECTIONS];
    od_box_classifier_postprocess post;
    OD_TRY(od_box_classifier_postprocess_init(&post, m, err));
    od_detections found = {0};
    od_status status = od_detections_reset(&found, c->batch, post.nms.max_total, err);
    int64_t p = boxes->shape[1], code = codes->shape[1] * 4, columns = logits->shape[1];
    double proposals = 0, detections = 0;
    for (int64_t i = 0; status == OD_OK && i < c->batch; i++) {
        const float window[4] = {0, 0, (float)c->true_shapes[i][0], (float)c->true_shapes[i][1]};
        status = propose_from_fixture(c, i, m, &proposals, err);
        if (status == OD_OK)
            status = od_box_classifier_postprocess_image(&post, ((const int32_t *)counts->data)[i], (const float *)boxes->data + i * p * 4, (const float *)codes->data + i * p * code,
                                                         (const float *)logits->data + i * p * columns, window, i, &found, err);
        int n = reference_detections(c, NULL, i, want, MAX_DETECTIONS), k = status == OD_OK ? our_detections(&found, i, have, MAX_DETECTIONS) : 0;
        detections = fmax(detections, match_exactly(want, n, have, k));
    }
    if (status == OD_OK) {
        golden_report(c, GOLDEN_POSTPROCESS, "proposals of the fixture's first stage", proposals / fmax((double)c->height, (double)c->width), NULL);
        golden_report(c, GOLDEN_POSTPROCESS, "post-processing of the fixture's predictions", detections, NULL);
    }
    od_detections_deinit(&found);
    return status;
}

/* Every reference detection more than 1e-3 above the cut (the lowest score kept) needs a partner. In an image of which a last bit decides a crop
 * this needn't be so: that proposal's box suppresses others, or, in soft suppression, lowers every score. There few may be without partner, or the
 * image is left out; on given proposals every image counts. */
typedef struct end_to_end {
    double iou, score, mask;
    int masks; /* compared */
    int left_out;
} end_to_end;

/* Samples on the edge of the image fall in or out by the last bit of a detection's box: such a mask tells nothing. */
static int masks_comparable(const od_instance *inst, const detection *a, const detection *b)
{
    return a->mask && b->mask && a->mask_size == b->mask_size && boxes_cropped_alike(inst, a->box, b->box);
}

/* Boxes of coders without exponentials may be inverted; straightened, they overlap as others do. */
static float overlap(const detection *a, const detection *b)
{
    float straight[2][4];
    for (int i = 0; i < 2; i++) {
        const float *box = i ? b->box : a->box;
        for (int k = 0; k < 2; k++) {
            straight[i][k] = fminf(box[k], box[k + 2]);
            straight[i][k + 2] = fmaxf(box[k], box[k + 2]);
        }
    }
    return od_box_iou(straight[0], straight[1]);
}

static void match_end_to_end(const od_instance *inst, int shaky, const detection *want, int n, detection *have, int m, end_to_end *error)
{
    double cut = n ? want[n - 1].score : 0;
    for (int i = 0; i < n; i++) {
        if (want[i].score <= cut + 1e-3 || want[i].shaky) continue;
        int best = -1;
        for (int j = 0; j < m; j++) {
            if (have[j].used || have[j].class_index != want[i].class_index) continue;
            if (fabs((double)have[j].score - want[i].score) > 1e-3) continue;
            if (best < 0 || overlap(&want[i], &have[j]) > overlap(&want[i], &have[best])) best = j;
        }
        if (best < 0) {
            error->left_out++;
            if (!shaky) error->iou = INFINITY;
            continue;
        }
        have[best].used = 1;
        error->iou = fmax(error->iou, 1 - (double)overlap(&want[i], &have[best]));
        error->score = fmax(error->score, fabs((double)have[best].score - want[i].score));
        if (!masks_comparable(inst, &want[i], &have[best])) continue;
        error->mask = fmax(error->mask, difference(want[i].mask, have[best].mask, want[i].mask_size));
        error->masks++;
    }
}

static void dump_detections(golden_case *c, const od_detections *d)
{
    int64_t n = d->batch, rows = d->max;
    golden_dump_add(c, &c->forward_dump, OD_F32, 3, (int64_t[]){n, rows, 4}, d->boxes, "detect/detection_boxes");
    golden_dump_add(c, &c->forward_dump, OD_F32, 2, (int64_t[]){n, rows}, d->scores, "detect/detection_scores");
    float *classes = od_malloc((size_t)(n * rows), sizeof *classes), *count = od_malloc((size_t)n, sizeof *count);
    for (int64_t i = 0; classes && i < n * rows; i++) classes[i] = (float)d->classes[i];
    for (int64_t i = 0; count && i < n; i++) count[i] = (float)d->count[i];
    if (classes) golden_dump_add(c, &c->forward_dump, OD_F32, 2, (int64_t[]){n, rows}, classes, "detect/detection_classes");
    if (count) golden_dump_add(c, &c->forward_dump, OD_F32, 1, &n, count, "detect/num_detections");
    od_free(classes);
    od_free(count);
}

static int suppresses_softly(const golden_case *c)
{
    const ObjectDetection__Protos__FasterRcnn *m = od_config_proto(c->config)->model->faster_rcnn;
    return m && m->second_stage_post_processing && m->second_stage_post_processing->batch_non_max_suppression &&
           m->second_stage_post_processing->batch_non_max_suppression->soft_nms_sigma > 0;
}

/* Whether a last bit decides the crop of one of image i's proposals. */
static int image_is_shaky(const golden_case *c, const od_instance *inst, int64_t i)
{
    if (!is_two_stage(c)) return 0;
    int64_t p = golden_entry(c->forward, "predict/proposal_boxes_normalized")->shape[1];
    for (int64_t j = 0; j < p; j++)
        if (!cropped_alike(c, inst, i * p + j)) return 1;
    return 0;
}

static void report_end_to_end(golden_case *c, const char *name, const end_to_end *error, int detections)
{
    char what[100], detail[100];
    snprintf(what, sizeof what, "%s: 1 - IoU of partners", name);
    snprintf(detail, sizeof detail, ": without %d of %d, in images of which a last bit decides a crop", error->left_out, detections);
    int few = 20 * error->left_out <= detections || suppresses_softly(c);
    golden_report(c, GOLDEN_END_TO_END_IOU, what, few ? error->iou : INFINITY, error->left_out ? detail : NULL);
    snprintf(what, sizeof what, "%s: scores of partners", name);
    golden_report(c, GOLDEN_END_TO_END_SCORE, what, error->score, NULL);
    if (!golden_entry(c->forward, "detect/detection_masks")) return;
    snprintf(what, sizeof what, "%s: masks of partners", name);
    snprintf(detail, sizeof detail, ": %d of %d compared", error->masks, detections);
    golden_report(c, GOLDEN_END_TO_END_SCORE, what, 2 * error->masks >= detections ? error->mask : INFINITY, detail);
}

/* given: on the fixture's proposals, where no detection is left out. */
static od_status check_end_to_end(golden_case *c, od_instance *inst, int given, od_error *err)
{
    static detection want[MAX_DETECTIONS], have[MAX_DETECTIONS];
    od_detections found = {0};
    od_status status = od_instance_detect(inst, (const int32_t(*)[3])c->true_shapes, &found, err);
    end_to_end error = {0};
    int detections = 0;
    for (int64_t i = 0; status == OD_OK && i < c->batch; i++) {
        int n = reference_detections(c, given ? NULL : inst, i, want, MAX_DETECTIONS), m = our_detections(&found, i, have, MAX_DETECTIONS);
        int shaky = !given && image_is_shaky(c, inst, i);
        detections += n;
        if (shaky && suppresses_softly(c)) error.left_out += n;
        else match_end_to_end(inst, shaky, want, n, have, m, &error);
    }
    if (status == OD_OK && !given) dump_detections(c, &found);
    if (status == OD_OK) report_end_to_end(c, given ? "end to end on given proposals" : "end to end", &error, detections);
    od_detections_deinit(&found);
    return status;
}

/* The second stage once more, on the fixture's proposals: every row counts. */
static od_status check_given_proposals(golden_case *c, od_instance *inst, golden_force *force, od_error *err)
{
    static const char *const names[] = {"refined_box_encodings", "class_predictions_with_background"};
    if (!golden_force_from(force, golden_entry(c->forward, "predict/proposal_boxes_normalized"), golden_entry(c->forward, "predict/num_proposals"))) return OD_OK;
    od_instance_forward(inst, c->images);
    for (int i = 0; i < 2; i++) {
        const od_safetensors_entry *e = golden_entry(c->forward, "predict/%s", names[i]);
        int64_t shape[4];
        char what[100];
        const float *x = od_instance_prediction(inst, names[i], shape);
        snprintf(what, sizeof what, "%s of given proposals", names[i]);
        golden_report(c, GOLDEN_PREDICTIONS, what, difference(e->data, x, floats(e)) / fmax(largest(e->data, floats(e)), 1e-30), NULL);
    }
    od_status status = check_end_to_end(c, inst, 1, err);
    force->boxes = NULL;
    return status;
}

od_status golden_check_forward(golden_case *c, od_error *err)
{
    OD_TRY(golden_reset_variables(c, err));
    od_instance *inst;
    OD_TRY(od_instance_create(&inst, c->model, OD_NET_INFER, c->batch, c->height, c->width, c->options, err));
    golden_force force;
    golden_force_install(&force, inst);
    od_instance_set_inputs(inst, (const int32_t(*)[3])c->true_shapes, NULL);
    od_status status = check_given_proposals(c, inst, &force, err);
    od_instance_forward(inst, c->images);
    check_predictions(c, inst);
    if (status == OD_OK) status = is_two_stage(c) ? check_two_stage_postprocessing(c, err) : check_postprocessing(c, err);
    if (status == OD_OK) status = check_end_to_end(c, inst, 0, err);
    od_instance_free(inst);
    return status;
}
