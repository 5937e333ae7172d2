/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes and classes: what is wrong with them, what is missing, what is rare, what a flip would falsify.
 */
#include "data/data_checker.h"

#include "data/label_words.h"
#include "util/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RARE = 10 };
#define IMBALANCED 2.0

static const struct { od_data_finding_kind kind; const char *what, *remedy; } box_lines[] = {
    {OD_DATA_UNREADABLE, "images of %s can't be read", "training leaves them out: repair or remove them"},
    {OD_DATA_BOX_NOT_FINITE, "boxes of %s have a corner that is not a finite number", "training drops them: repair the annotations"},
    {OD_DATA_BOX_INVERTED, "boxes of %s have their corners exchanged (max < min)", "training drops them: exchange the corners"},
    {OD_DATA_BOX_EMPTY, "boxes of %s have no area", "nothing can be learnt from them: remove them"},
    {OD_DATA_BOX_ALL_OUTSIDE, "boxes of %s lie outside their image", "pixels taken for parts of the whole, x and y exchanged, or the size of another image"},
    {OD_DATA_BOX_OUTSIDE, "boxes of %s reach outside their image by more than a pixel", "cut them to the image"},
    {OD_DATA_BOX_TINY, "boxes of %s have a side under 2 pixels", "slips of the mouse? no detector finds them"},
    {OD_DATA_BOX_TWICE, "boxes of %s stand twice, with the same corners and class", "keep one: the other counts as missed"},
    {OD_DATA_CLASS_UNKNOWN, "boxes of %s have a class that is not in the label map", "training drops them: correct the name, or add it to the label map"},
    {OD_DATA_IMAGE_SIZE, "images of %s have another size than their annotation says", "boxes may be misplaced: was the image resized after it was annotated?"},
};

od_status od_data_check_judge_boxes(od_data_checker *c, od_error *err)
{
    for (size_t k = 0; k < sizeof box_lines / sizeof *box_lines; k++)
        for (int s = 0; s < c->splits; s++) {
            const od_data_check_fault *f = od_data_check_fault_of(c, s, box_lines[k].kind);
            char what[200];
            if (!f->count) continue;
            snprintf(what, sizeof what, box_lines[k].what, c->out->splits[s].name);
            OD_TRY(od_data_check_add(c, box_lines[k].kind, s, f->count, box_lines[k].remedy, err, "%lld %s; the first: %s", (long long)f->count,
                                what, f->first));
        }
    int64_t null_images = 0, images = 0;
    for (int s = 0; s < c->splits; s++) {
        const od_data_split_stats *stats = &c->out->splits[s];
        const od_data_check_fault *f = od_data_check_fault_of(c, s, OD_DATA_NULL_IMAGES);
        null_images += f->count;
        images += stats->images;
        if (f->count)
            OD_TRY(od_data_check_add(c, OD_DATA_NULL_IMAGES, s, f->count, "right if nothing is to be found in them, else annotations are missing",
                                err, "%lld of the %lld images of %s have no boxes; the first: %s", (long long)f->count,
                                (long long)stats->images, stats->name, f->first));
    }
    if (null_images || !images) return OD_OK;
    return od_data_check_add(c, OD_DATA_NO_NULL_IMAGES, -1, images,
                        "add images without anything to find, some of look-alikes: without them specificity can't be told", err,
                        "every image has a box: false alarms on pictures with nothing to find stay unknown");
}

/* --- classes --------------------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const od_data_class_stats *x = a, *y = b;
    return x->id != y->id ? (x->id < y->id ? -1 : 1) : strcmp(x->name, y->name);
}

static od_status check_ids(od_data_checker *c, od_error *err)
{
    for (int s = 1; s < c->splits; s++) {
        const od_label_map *first = od_dataset_label_map(c->sets[0]), *map = od_dataset_label_map(c->sets[s]);
        if (!od_dataset_has_ids(c->sets[0]) || !od_dataset_has_ids(c->sets[s]) || c->maps[0] || c->maps[s]) continue;
        int different = 0;
        char example[300] = "";
        for (int i = 0; i < od_label_map_count(map); i++) {
            int32_t id = od_label_map_id(map, i);
            const char *name = od_label_map_name(map, id);
            int32_t other = od_label_map_find(first, name);
            if (other < 1 || other == id || different++) continue;
            snprintf(example, sizeof example, "\"%.100s\" is %d in %.60s and %d in %.60s", name, (int)other, c->out->splits[0].name, (int)id,
                     c->out->splits[s].name);
        }
        if (different)
            OD_TRY(od_data_check_add(c, OD_DATA_CLASS_IDS, s, different, "one label map for all: objdet data convert --label_map_path=...", err,
                                "%d classes have other ids in %s: %s", different, c->out->splits[s].name, example));
    }
    return OD_OK;
}

/* Up to five names with commas between them. */
static void name_classes(const od_data_checker *c, const int *list, int count, char *text, size_t size)
{
    int n = 0;
    *text = 0;
    for (int i = 0; i < count && i < 5 && n < (int)size; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%.60s", i ? ", " : "", c->out->classes[list[i]].name);
    if (count > 5 && n < (int)size) snprintf(text + n, size - (size_t)n, " and %d more", count - 5);
}

/* Classes of a split with few boxes (low to high of them), that another split has. */
static int list_few(const od_data_checker *c, int split, int64_t low, int64_t high, int *list)
{
    int n = 0;
    for (int k = 0; k < c->out->class_count; k++) {
        const od_data_class_stats *s = &c->out->classes[k];
        int64_t elsewhere = 0;
        for (int i = 0; i < c->splits; i++) elsewhere += i == split ? 0 : s->boxes[i];
        if (s->boxes[split] >= low && s->boxes[split] <= high && (elsewhere || c->splits == 1)) list[n++] = k;
    }
    return n;
}

static od_status check_presence(od_data_checker *c, int *list, od_error *err)
{
    char names[400];
    for (int s = 0; s < c->splits; s++) {
        int n = list_few(c, s, 0, 0, list);
        if (!c->out->splits[s].boxes && s) n = 0; /* a split of null images is meant so */
        name_classes(c, list, n, names, sizeof names);
        if (n)
            OD_TRY(od_data_check_add(c, OD_DATA_CLASS_ABSENT, s, n,
                                s ? "its AP there is -1 (absent), and mAP is of the others only: split anew with objdet data split"
                                  : "what isn't trained isn't found: split anew with objdet data split, or take it out of the label map",
                                err, "%s has no box of %d class%s: %s", c->out->splits[s].name, n, n == 1 ? "" : "es", names));
        n = s ? list_few(c, s, 1, RARE - 1, list) : 0;
        name_classes(c, list, n, names, sizeof names);
        if (n)
            OD_TRY(od_data_check_add(c, OD_DATA_CLASS_RARE, s, n, "read such an AP with its interval only", err,
                                "%s has fewer than %d boxes of %d class%s: %s", c->out->splits[s].name, RARE, n, n == 1 ? "" : "es", names));
    }
    return OD_OK;
}

static od_status check_imbalance(od_data_checker *c, od_error *err)
{
    int most = -1, least = -1;
    const od_data_class_stats *k = c->out->classes;
    for (int i = 0; i < c->out->class_count; i++) {
        if (!k[i].boxes[0]) continue;
        if (most < 0 || k[i].boxes[0] > k[most].boxes[0]) most = i;
        if (least < 0 || k[i].boxes[0] < k[least].boxes[0]) least = i;
    }
    if (most < 0 || most == least) return OD_OK;
    c->out->imbalance = (double)k[most].boxes[0] / (double)k[least].boxes[0];
    if (c->out->imbalance < IMBALANCED) return OD_OK;
    char remedy[400];
    snprintf(remedy, sizeof remedy,
             "objdet train --class_balanced_sampling draws images of rare classes more often; --augment_only_classes=\"%.60s\" varies them; "
             "judge by AP per class; don't copy images before splitting",
             k[least].name);
    return od_data_check_add(c, OD_DATA_IMBALANCE, 0, (int64_t)c->out->imbalance, remedy, err,
                        "%s has %.1f times as many boxes of %.60s (%lld) as of %.60s (%lld)", c->out->splits[0].name, c->out->imbalance,
                        k[most].name, (long long)k[most].boxes[0], k[least].name, (long long)k[least].boxes[0]);
}

od_status od_data_check_judge_classes(od_data_checker *c, od_error *err)
{
    od_data_check *out = c->out;
    if (out->class_count) qsort(out->classes, (size_t)out->class_count, sizeof *out->classes, by_id);
    for (int i = 0; i < out->class_count; i++) {
        od_data_class_stats *k = &out->classes[i];
        int64_t n = 0;
        for (int s = 0; s < c->splits; s++) n += k->boxes[s];
        if (n) k->mean_x /= (double)n, k->left_share /= (double)n;
    }
    int *list = od_malloc((size_t)out->class_count, sizeof *list);
    if (!list) return od_error_nomem(err, "classes");
    od_status status = check_ids(c, err);
    if (status == OD_OK) status = check_presence(c, list, err);
    od_free(list);
    return status == OD_OK ? check_imbalance(c, err) : status;
}

/* --- labels and flips ------------------------------------------------------------------------------------------------------- */

typedef ObjectDetection__Protos__PreprocessingStep step;

static int flip_of(const step *s)
{
    switch (s->preprocessing_step_case) {
    case OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_HORIZONTAL_FLIP: return OD_DATA_FLIP_HORIZONTAL;
    case OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_VERTICAL_FLIP: return OD_DATA_FLIP_VERTICAL;
    case OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_ROTATION90: return OD_DATA_FLIP_ROTATION;
    default: return 0;
    }
}

static const char *flip_name(int flip)
{
    return flip == OD_DATA_FLIP_HORIZONTAL ? "random_horizontal_flip" : flip == OD_DATA_FLIP_VERTICAL ? "random_vertical_flip"
                                                                                                     : "random_rotation90";
}

/* Where the boxes of the first sensitive class lie: evidence that the name means what it says. */
static void tell_side(const od_data_class_stats *k, char *text, size_t size)
{
    double left = k->left_share;
    *text = 0;
    if (isnan(k->mean_x) || (left > 0.2 && left < 0.8)) return;
    snprintf(text, size, "; %.0f %% of the boxes of %.60s lie in the %s half", 100 * (left > 0.5 ? left : 1 - left), k->name,
             left > 0.5 ? "left" : "right");
}

static int list_sensitive(const od_data_checker *c, int flip, int *list)
{
    int n = 0;
    for (int i = 0; i < c->out->class_count; i++)
        if (c->out->classes[i].flip_sensitive & flip) list[n++] = i;
    return n;
}

static od_status judge_config(od_data_checker *c, int *list, int *told, od_error *err)
{
    const od_config *config = c->config;
    const ObjectDetection__Protos__TrainConfig *t = od_config_proto(config)->train_config;
    od_status status = OD_OK;
    for (size_t i = 0; t && status == OD_OK && i < t->n_data_augmentation_options; i++) {
        const step *s = t->data_augmentation_options[i];
        int flip = flip_of(s), n = flip ? list_sensitive(c, flip, list) : 0;
        if (!n) continue;
        char names[400], side[200];
        name_classes(c, list, n, names, sizeof names);
        tell_side(&c->out->classes[list[0]], side, sizeof side);
        *told |= flip;
        status = od_data_check_add(c, OD_DATA_LABEL_FLIP_CONFIG, -1, n, "take it out of data_augmentation_options", err,
                              "%s:%d: %s falsifies the labels %s: the picture is changed, the name stays%s", od_config_name(config),
                              od_config_line(config, s, NULL), flip_name(flip), names, flip == OD_DATA_FLIP_HORIZONTAL ? side : "");
    }
    return status;
}

static od_status judge_sensitive(od_data_checker *c, int *list, od_error *err)
{
    int told = 0;
    if (c->config) OD_TRY(judge_config(c, list, &told, err));
    int n = list_sensitive(c, OD_DATA_FLIP_HORIZONTAL, list), flip = OD_DATA_FLIP_HORIZONTAL;
    if (!n) n = list_sensitive(c, flip = OD_DATA_FLIP_VERTICAL, list);
    if (!n || told & flip) return OD_OK;
    char names[400], side[200];
    name_classes(c, list, n, names, sizeof names);
    tell_side(&c->out->classes[list[0]], side, sizeof side);
    return od_data_check_add(c, OD_DATA_LABEL_FLIP, -1, n, "no flip in data_augmentation_options: the OD API doesn't exchange the labels", err,
                        "%s would falsify the labels %s%s", flip_name(flip), names, flip == OD_DATA_FLIP_HORIZONTAL ? side : "");
}

od_status od_data_check_judge_labels(od_data_checker *c, od_error *err)
{
    size_t n = (size_t)c->out->class_count;
    const char **names = od_malloc(n, sizeof *names);
    int *list = od_malloc(n, sizeof *list);
    od_status status = names && list ? OD_OK : od_error_nomem(err, "classes");
    if (status == OD_OK) {
        for (size_t i = 0; i < n; i++) names[i] = c->out->classes[i].name;
        od_label_words_judge(names, (int)n, list);
        for (size_t i = 0; i < n; i++) c->out->classes[i].flip_sensitive = list[i];
        status = judge_sensitive(c, list, err);
    }
    od_free(names);
    od_free(list);
    return status;
}
