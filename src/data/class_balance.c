/* SPDX-License-Identifier: Apache-2.0 */
#include "data/class_balance.h"

#include "config/label_map.h"
#include "util/alloc.h"

#include <string.h>

typedef struct counts {
    int64_t *images; /* by label: images with it */
    size_t capacity;
    int64_t read, empty;
} counts;

static int is_first(const od_example *e, int object)
{
    for (int i = 0; i < object; i++)
        if (e->objects[i].label == e->objects[object].label) return 0;
    return e->objects[object].label > 0;
}

static od_status count(counts *c, const od_example *e, od_error *err)
{
    c->read++;
    c->empty += !e->object_count;
    for (int i = 0; i < e->object_count; i++) {
        if (!is_first(e, i)) continue;
        size_t had = c->capacity, label = (size_t)e->objects[i].label;
        if (od_grow(&c->images, &c->capacity, label + 1, sizeof *c->images)) return od_error_nomem(err, "class counts");
        if (c->capacity > had) memset(c->images + had, 0, (c->capacity - had) * sizeof *c->images);
        c->images[label]++;
    }
    return OD_OK;
}

static double weigh(const counts *c, const od_example *e, int classes)
{
    if (!e->object_count) return 1.0 / (double)c->read;
    double sum = 0;
    for (int i = 0; i < e->object_count; i++)
        if (is_first(e, i)) sum += 1.0 / ((double)classes * (double)c->images[e->objects[i].label]);
    return sum * (double)(c->read - c->empty) / (double)c->read;
}

/* One pass: counts, or weights where they are known. */
static od_status pass(const od_dataset *ds, counts *c, double *weights, int classes, od_error *err)
{
    for (int64_t i = 0; i < od_dataset_size(ds); i++) {
        od_example e = {0};
        od_error why = {0};
        od_status status = od_dataset_read_annotations(ds, i, &e, &why), counted = OD_OK;
        if (status == OD_OK && weights) weights[i] = weigh(c, &e, classes);
        if (status == OD_OK && !weights) counted = count(c, &e, err);
        od_example_deinit(&e);
        if (status == OD_ERR_NOMEM) return od_error_set(err, status, "%s", why.message);
        OD_TRY(counted);
    }
    return OD_OK;
}

od_status od_class_balance_weights(const od_dataset *ds, double **weights, od_error *err)
{
    counts c = {0};
    int classes = 0;
    double *w = od_calloc((size_t)od_dataset_size(ds), sizeof *w);
    od_status status = w ? pass(ds, &c, NULL, 0, err) : od_error_nomem(err, "class counts");
    for (size_t k = 0; k < c.capacity; k++) classes += c.images[k] > 0;
    if (status == OD_OK) status = pass(ds, &c, w, classes, err);
    if (status == OD_OK && !classes)
        status = od_error_set(err, OD_ERR_FORMAT, "%s: no image has a box, so classes can't be balanced", od_dataset_describe(ds));
    od_free(c.images);
    if (status == OD_OK)
        *weights = w;
    else
        od_free(w);
    return status;
}

od_status od_class_balance_labels(const od_label_map *map, const char *names, int num_classes, uint8_t **labels, od_error *err)
{
    uint8_t *out = od_calloc((size_t)num_classes + 1, 1);
    if (!out) return od_error_nomem(err, "classes");
    for (const char *p = names; *p;) {
        char name[256];
        size_t n = strcspn(p, ",");
        if (n >= sizeof name) n = sizeof name - 1;
        memcpy(name, p, n);
        name[n] = 0;
        p += strcspn(p, ",");
        p += *p == ',';
        int32_t id = map ? od_label_map_find(map, name) : -1;
        if (id < 1 || id > num_classes) {
            od_free(out);
            return od_error_set(err, OD_ERR_ARG, "augment_only_classes: the label map has no class \"%s\"%s", name,
                                map ? "" : " (there is no label map: give the train_input_reader a label_map_path)");
        }
        out[id] = 1;
    }
    *labels = out;
    return OD_OK;
}
