/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/detection_set.h"

#include "util/alloc.h"

#include <string.h>

void od_detection_set_deinit(od_detection_set *s)
{
    for (size_t i = 0; i < s->num_truths; i++) od_free(s->truths[i].mask), od_free(s->truths[i].keypoints);
    for (size_t i = 0; i < s->num_detections; i++) od_free(s->detections[i].mask), od_free(s->detections[i].keypoints);
    od_free(s->images);
    od_free(s->truths);
    od_free(s->detections);
    od_free(s->classes);
    *s = (od_detection_set){0};
}

od_status od_detection_set_add_image(od_detection_set *s, od_error *err)
{
    if (od_grow(&s->images, &s->images_capacity, s->num_images + 1, sizeof *s->images)) return od_error_nomem(err, "images to evaluate");
    s->images[s->num_images++] = (od_set_image){.truths = s->num_truths, .detections = s->num_detections};
    return OD_OK;
}

od_status od_detection_set_add_truth(od_detection_set *s, const od_set_truth *truth, od_error *err)
{
    if (od_grow(&s->truths, &s->truths_capacity, s->num_truths + 1, sizeof *s->truths)) {
        od_free(truth->mask);
        od_free(truth->keypoints);
        return od_error_nomem(err, "ground truth to evaluate");
    }
    s->truths[s->num_truths++] = *truth;
    s->images[s->num_images - 1].num_truths++;
    return OD_OK;
}

od_status od_detection_set_add_detection(od_detection_set *s, const od_set_detection *detection, od_error *err)
{
    if (od_grow(&s->detections, &s->detections_capacity, s->num_detections + 1, sizeof *s->detections)) {
        od_free(detection->mask);
        od_free(detection->keypoints);
        return od_error_nomem(err, "detections to evaluate");
    }
    s->detections[s->num_detections++] = *detection;
    s->images[s->num_images - 1].num_detections++;
    return OD_OK;
}

od_status od_detection_set_add_classes(od_detection_set *s, od_class_list list, const int32_t *classes, size_t count, od_error *err)
{
    od_set_image *image = &s->images[s->num_images - 1];
    if (!count) return OD_OK;
    if (od_grow(&s->classes, &s->classes_capacity, s->num_classes + count, sizeof *s->classes)) return od_error_nomem(err, "image labels");
    image->classes[list] = s->num_classes;
    image->num_classes[list] = count;
    memcpy(s->classes + s->num_classes, classes, count * sizeof *classes);
    s->num_classes += count;
    return OD_OK;
}

int od_set_image_lists(const od_detection_set *s, const od_set_image *image, od_class_list list, int32_t class_index)
{
    const int32_t *classes = s->classes + image->classes[list];
    for (size_t i = 0; i < image->num_classes[list]; i++)
        if (classes[i] == class_index) return 1;
    return 0;
}
