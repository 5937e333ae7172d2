/* SPDX-License-Identifier: Apache-2.0 */
#include "data/example.h"

#include "util/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct od_example_text {
    struct od_example_text *next;
    od_mask *mask; /* instead of a text */
    char text[];
};

const char *od_example_keep_text(od_example *e, const char *text, size_t size)
{
    if (size > PTRDIFF_MAX / 2) return NULL;
    struct od_example_text *t = od_malloc(1, sizeof *t + size + 1);
    if (!t) return NULL;
    if (size) memcpy(t->text, text, size);
    t->text[size] = 0;
    t->mask = NULL;
    t->next = e->texts;
    e->texts = t;
    return t->text;
}

const float *od_example_keep_floats(od_example *e, const float *values, size_t count)
{
    static_assert(offsetof(struct od_example_text, text) % sizeof(float) == 0, "texts begin where floats may");
    if (count > PTRDIFF_MAX / 2 / sizeof *values) return NULL;
    return (const float *)(const void *)od_example_keep_text(e, (const char *)values, count * sizeof *values);
}

od_status od_example_keep_keypoints(od_example *e, od_object *o, int count, const double *values, int width, int height, od_error *err)
{
    float *points = od_malloc((size_t)count, 2 * sizeof *points);
    uint8_t *seen = od_malloc((size_t)count, 1);
    for (int k = 0; k < count && points && seen; k++) {
        const double *v = values + 3 * k;
        seen[k] = v[2] == 1 || v[2] == 2 ? (uint8_t)v[2] : 0;
        points[2 * k] = seen[k] ? (float)(v[1] / height) : NAN;
        points[2 * k + 1] = seen[k] ? (float)(v[0] / width) : NAN;
    }
    o->keypoints = points && seen ? od_example_keep_floats(e, points, 2 * (size_t)count) : NULL;
    o->keypoint_visibility = o->keypoints ? (const uint8_t *)od_example_keep_text(e, (const char *)seen, (size_t)count) : NULL;
    o->keypoint_count = o->keypoint_visibility ? count : 0;
    od_free(points);
    od_free(seen);
    return o->keypoint_visibility ? OD_OK : od_error_nomem(err, "keypoints");
}

int od_object_visibility(const od_object *o, int k)
{
    if (k >= o->keypoint_count || isnan(o->keypoints[2 * k]) || isnan(o->keypoints[2 * k + 1])) return 0;
    return o->keypoint_visibility ? o->keypoint_visibility[k] : 2;
}

const od_mask *od_example_keep_mask(od_example *e, od_mask *mask)
{
    struct od_example_text *t = od_malloc(1, sizeof *t + 1);
    if (!t) {
        od_free(mask);
        return NULL;
    }
    *t = (struct od_example_text){.next = e->texts, .mask = mask};
    e->texts = t;
    return mask;
}

void od_example_deinit(od_example *e)
{
    while (e->texts) {
        struct od_example_text *next = e->texts->next;
        od_free(e->texts->mask);
        od_free(e->texts);
        e->texts = next;
    }
    od_free(e->source_id);
    od_free(e->filename);
    od_free(e->image_path);
    od_free(e->group);
    od_free(e->encoded);
    od_free(e->pixels);
    od_free(e->objects);
    for (int i = 0; i < OD_EXAMPLE_LISTS; i++) od_free(e->class_lists[i]);
    od_free(e->labeled_confidences);
    *e = (od_example){0};
}
