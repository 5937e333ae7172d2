/* SPDX-License-Identifier: Apache-2.0
 *
 * The k highest peaks are kept in a heap whose first entry is the worst; a cell is examined for being a peak only if it
 * would enter, so most cells cost one comparison.
 */
#include "detection/center_net_postprocess.h"

#include "detection/vector_math.h"
#include "util/alloc.h"

#include <stdlib.h>
#include <string.h>

static const float peak_epsilon = 1e-6f; /* center_net_meta_arch.py, PEAK_EPSILON */

typedef struct peak {
    float score;
    int32_t index; /* (y * width + x) * classes + class */
} peak;

/* One image's maps. */
typedef struct maps {
    const od_center_net_config *config;
    int64_t height, width;
    const float *probability; /* [height, width, classes] */
    const float *scale, *offset;
    const int64_t *true_shape;
} maps;

static int worse(const peak *a, const peak *b)
{
    return a->score != b->score ? a->score < b->score : a->index > b->index;
}

static void replace_worst(peak *heap, int count, peak p)
{
    int i = 0;
    for (int child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && worse(&heap[child + 1], &heap[child])) child++;
        if (!worse(&heap[child], &p)) break;
        heap[i] = heap[child];
    }
    heap[i] = p;
}

static void add(peak *heap, int count, peak p)
{
    int i = count;
    for (; i > 0 && worse(&p, &heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = p;
}

/* Whether no neighbour of the same class is higher (by more than epsilon). The window reaches as TensorFlow's SAME pooling. */
static int is_peak(const maps *m, int64_t y, int64_t x, int class_id, float score)
{
    int kernel = m->config->peak_kernel, before = (kernel - 1) / 2, classes = m->config->num_classes;
    int64_t y1 = y - before + kernel, x1 = x - before + kernel;
    for (int64_t v = y - before < 0 ? 0 : y - before; v < y1 && v < m->height; v++)
        for (int64_t u = x - before < 0 ? 0 : x - before; u < x1 && u < m->width; u++)
            if (!(m->probability[(v * m->width + u) * classes + class_id] - score < peak_epsilon)) return 0;
    return 1;
}

static int best_first(const void *a, const void *b)
{
    return worse(a, b) ? 1 : -1;
}

/* The best peaks with a score above 0, sorted. */
static int find_peaks(const maps *m, peak *peaks)
{
    int classes = m->config->num_classes, count = 0, most = m->config->max_boxes;
    for (int64_t cell = 0; cell < m->height * m->width; cell++)
        for (int c = 0; c < classes; c++) {
            int64_t index = cell * classes + c;
            float score = m->probability[index];
            if (!(score > (count == most ? peaks[0].score : 0.0f))) continue;
            if (!is_peak(m, cell / m->width, cell % m->width, c, score)) continue;
            peak p = {score, (int32_t)index};
            if (count < most) add(peaks, count++, p);
            else replace_worst(peaks, count, p);
        }
    qsort(peaks, (size_t)count, sizeof *peaks, best_first);
    return count;
}

static float clip(float x, float most)
{
    x = x > 0.0f ? x : 0.0f;
    return x < most ? x : most;
}

static void box_at(const maps *m, int64_t cell, float box[4])
{
    float half_height = (m->scale[2 * cell] > 0.0f ? m->scale[2 * cell] : 0.0f) / 2.0f, half_width = (m->scale[2 * cell + 1] > 0.0f ? m->scale[2 * cell + 1] : 0.0f) / 2.0f;
    float y = (float)(cell / m->width) + m->offset[2 * cell], x = (float)(cell % m->width) + m->offset[2 * cell + 1];
    float height = (float)m->height, width = (float)m->width, stride = (float)m->config->stride;
    float true_height = (float)m->true_shape[0], true_width = (float)m->true_shape[1];
    box[0] = clip(clip(y - half_height, height) * stride / true_height, 1.0f);
    box[1] = clip(clip(x - half_width, width) * stride / true_width, 1.0f);
    box[2] = clip(clip(y + half_height, height) * stride / true_height, 1.0f);
    box[3] = clip(clip(x + half_width, width) * stride / true_width, 1.0f);
}

/* Non-max suppression of the peaks, each with the one class it is a peak of. */
static od_status suppress(const maps *m, const peak *peaks, const float *boxes, int count, od_nms_output *out)
{
    int classes = m->config->num_classes;
    float *scores = od_calloc((size_t)count * (size_t)classes + 1, sizeof *scores);
    if (!scores) return OD_ERR_NOMEM;
    for (int i = 0; i < count; i++) scores[(int64_t)i * classes + peaks[i].index % classes] = peaks[i].score;
    od_nms_input in = {.count = count, .classes = classes, .scores = scores, .score_stride = classes, .boxes = boxes, .boxes_each = 1, .window = {0, 0, 1, 1}};
    od_status status = od_multiclass_nms(&m->config->nms, &in, out, NULL);
    for (int i = 0; i < out->count; i++) out->anchors[i] = peaks[out->anchors[i]].index / classes;
    od_free(scores);
    return status;
}

static void copy_peaks(const maps *m, const peak *peaks, const float *boxes, int count, od_nms_output *out)
{
    int classes = m->config->num_classes;
    memcpy(out->boxes, boxes, (size_t)count * 4 * sizeof *boxes);
    for (int i = 0; i < count; i++) {
        out->scores[i] = peaks[i].score;
        out->classes[i] = peaks[i].index % classes;
        out->anchors[i] = peaks[i].index / classes;
    }
    out->count = count;
}

static od_status run_image(maps *m, const float *center, od_nms_output *out)
{
    const od_center_net_config *c = m->config;
    int64_t n = m->height * m->width * c->num_classes;
    float *probability = od_malloc((size_t)n, sizeof *probability), *boxes = od_malloc((size_t)c->max_boxes, 4 * sizeof *boxes);
    peak *peaks = od_malloc((size_t)c->max_boxes, sizeof *peaks);
    od_status status = probability && boxes && peaks ? OD_OK : OD_ERR_NOMEM;
    if (status == OD_OK) {
        /* The OD API masks cells by the true size in pixels, so that the mask hardly ever hides one. */
        for (int64_t i = 0; i < n; i++) probability[i] = od_vm_sigmoid(center[i]);
        for (int64_t cell = 0; cell < m->height * m->width; cell++)
            if (cell / m->width >= m->true_shape[0] || cell % m->width >= m->true_shape[1])
                memset(probability + cell * c->num_classes, 0, (size_t)c->num_classes * sizeof *probability);
        m->probability = probability;
        int count = find_peaks(m, peaks);
        for (int i = 0; i < count; i++) box_at(m, peaks[i].index / c->num_classes, boxes + 4 * i);
        if (c->suppress) status = suppress(m, peaks, boxes, count, out);
        else copy_peaks(m, peaks, boxes, count, out);
    }
    od_free(probability);
    od_free(boxes);
    od_free(peaks);
    return status;
}

od_status od_center_net_postprocess(const od_center_net_config *config, int64_t batch, int64_t height, int64_t width, const float *center,
                                    const float *scale, const float *offset, const int64_t (*true_shapes)[2], od_detections *detections,
                                    od_error *err)
{
    int64_t cells = height * width;
    if (batch < 1 || height < 1 || width < 1 || cells > INT32_MAX / config->num_classes)
        return od_error_set(err, OD_ERR_ARG, "post-processing of %lld maps of %lld x %lld", (long long)batch, (long long)height, (long long)width);
    OD_TRY(od_detections_reset(detections, batch, config->suppress ? config->nms.max_total : config->max_boxes, err));
    od_detections *d = detections;
    int failed = 0;
#pragma omp parallel for schedule(static) reduction(| : failed) if (batch > 1)
    for (int64_t i = 0; i < batch; i++) {
        maps m = {config, height, width, NULL, scale + 2 * i * cells, offset + 2 * i * cells, true_shapes[i]};
        int64_t first = i * d->max;
        od_nms_output out = {d->boxes + 4 * first, d->scores + first, d->classes + first, d->anchors + first, 0};
        failed |= run_image(&m, center + i * cells * config->num_classes, &out) != OD_OK;
        d->count[i] = out.count;
    }
    return failed ? od_error_nomem(err, "post-processing") : OD_OK;
}
