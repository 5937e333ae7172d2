/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of batches. Workers take examples in the order of the stream, each writes to its own place of its batch; the
 * reader waits until all places of its batch are filled. One mutex guards the ring's state; all work is done outside.
 */
#include "data/loader.h"

#include "data/sample_keypoints.h"
#include "data/shuffle.h"
#include "util/alloc.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct od_loader {
    const od_dataset *dataset;
    int64_t dataset_size;
    od_loader_options options;
    od_preprocess preprocess;
    double *sums;  /* [dataset_size] running sums of the weights, the last is 1; or NULL */
    int fixed;     /* every result has the same shape */
    int64_t total; /* examples in the stream; INT64_MAX: without end */

    od_batch *ring;
    int *done; /* examples finished, for each batch of the ring */
    int ring_size;

    pthread_mutex_t mutex;
    pthread_cond_t room, ready; /* a batch was given back; a batch may be complete */
    int64_t next_number;        /* example that is taken next */
    int64_t next_step;          /* batch that is handed out next */
    int64_t freed_step;         /* batches before it were given back */
    int stopping;
    od_status status; /* of the first failure that ends the stream */
    od_error error;
    uint8_t *broken; /* a bit per image of the data set */
    int64_t broken_count;

    atomic_llong cut_images, foreign_boxes;
    double wait_seconds;
    pthread_t *threads;
    int thread_count;
};

od_loader_options od_loader_options_training(const od_preprocess *preprocess, int batch_size)
{
    return (od_loader_options){.preprocess = preprocess,
                               .batch_size = batch_size,
                               .num_threads = 2,
                               .prefetch = 2,
                               .shuffle = 1,
                               .max_boxes = 100};
}

od_loader_options od_loader_options_evaluation(const od_preprocess *preprocess, int batch_size)
{
    od_loader_options o = od_loader_options_training(preprocess, batch_size);
    o.shuffle = 0;
    o.epochs = 1;
    return o;
}

/* The image in whose part of the running sums a point lies. */
static int64_t weighted_index(const od_loader *l, int64_t epoch, int64_t place)
{
    int64_t n = l->dataset_size, low = 0, high = n - 1;
    od_rng rng;
    od_rng_init(&rng, l->options.seed ^ 0x62616c616e636564u, (uint64_t)epoch);
    double point = ((double)od_shuffle_at(l->options.seed, epoch, n, place) + od_rng_uniform(&rng)) / (double)n;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (l->sums[mid] > point)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* The image at `place` steps behind example `number` in the order of its epoch, going round. */
static int64_t image_index(const od_loader *l, int64_t number, int64_t behind)
{
    int64_t n = l->dataset_size, epoch = number / n, place = (number % n + behind) % n;
    if (l->sums) return weighted_index(l, epoch, place);
    return l->options.shuffle ? od_shuffle_at(l->options.seed, epoch, n, place) : place;
}

/* Names a broken image, the first time. */
static void report_broken(od_loader *l, int64_t index, const od_error *err)
{
    pthread_mutex_lock(&l->mutex);
    uint8_t bit = (uint8_t)(1u << index % 8);
    int known = l->broken[index / 8] & bit;
    l->broken[index / 8] |= bit;
    if (!known) l->broken_count++;
    pthread_mutex_unlock(&l->mutex);
    if (!known) od_log(OD_LOG_WARNING, "image skipped: %s", err->message);
}

static od_status decode(const od_loader *l, int64_t index, od_example *e, od_image *image, od_error *err)
{
    od_status status = od_image_decode(e->encoded, e->encoded_size, image, err);
    if (status == OD_OK) {
        e->width = image->width;
        e->height = image->height;
        return OD_OK;
    }
    char place[512];
    od_dataset_locate(l->dataset, index, place, sizeof place);
    od_error_prefix(err, "%s%s%s", place, e->filename ? ": " : "", e->filename ? e->filename : "");
    return status;
}

/* Reads one image of the data set. On failure *e and *image are empty. */
static od_status read_image(const od_loader *l, int64_t index, od_example *e, od_image *image, od_error *err)
{
    od_status status = od_dataset_read(l->dataset, index, e, err);
    if (status == OD_OK) status = decode(l, index, e, image, err);
    od_preprocess_shape shape;
    if (status == OD_OK) {
        status = od_preprocess_find_shape(&l->preprocess, image->height, image->width, &shape, err);
        if (status != OD_OK) od_error_prefix(err, "%s", e->filename ? e->filename : "image");
    }
    if (status != OD_OK) {
        od_example_deinit(e);
        od_image_deinit(image);
        return status;
    }
    od_free(e->encoded);
    e->encoded = NULL;
    e->encoded_size = 0;
    return OD_OK;
}

static int ends_the_stream(od_status status)
{
    return status == OD_ERR_NOMEM || status == OD_ERR_INTERNAL || status == OD_ERR_CONFIG; /* CONFIG: masks that the config asks for are missing */
}

/* The example's image, or the next one that can be read. `failed` is set when a finite stream leaves it out. */
static od_status find_image(od_loader *l, od_batch_item *item, od_image *image, od_error *err)
{
    for (int64_t behind = 0; behind < l->dataset_size; behind++) {
        item->index = image_index(l, item->number, behind);
        od_status status = read_image(l, item->index, &item->example, image, err);
        if (status == OD_OK || ends_the_stream(status)) return status;
        report_broken(l, item->index, err);
        if (l->options.epochs) {
            item->failed = 1;
            return OD_OK;
        }
    }
    char last[sizeof err->message];
    memcpy(last, err->message, sizeof last);
    return od_error_set(err, OD_ERR_FORMAT, "not one of the %" PRId64 " images of %s can be read; the last one: %s",
                        l->dataset_size, od_dataset_describe(l->dataset), last);
}

/* A copy of the objects for the augmentations to change, without classes that the model doesn't have. */
static od_status take_objects(od_loader *l, od_batch_item *item, od_error *err)
{
    const od_example *e = &item->example;
    if (!item->objects) item->objects = od_malloc((size_t)e->object_count, sizeof *item->objects);
    if (!item->objects) return od_error_nomem(err, "boxes");
    item->object_count = 0;
    for (int i = 0; i < e->object_count; i++) {
        int foreign = l->options.num_classes && e->objects[i].label > l->options.num_classes;
        if (foreign && atomic_fetch_add(&l->foreign_boxes, 1) == 0)
            od_log(OD_LOG_WARNING, "%s: class id %d is above num_classes %d; such boxes are dropped",
                   e->filename ? e->filename : "an image", (int)e->objects[i].label, l->options.num_classes);
        if (l->options.class_scores && e->objects[i].class_scores && e->objects[i].class_score_count != l->options.num_classes)
            return od_error_set(err, OD_ERR_CONFIG, "%s: image/object/class/multiclass_scores has %d scores for each box, and num_classes is %d; expected the same",
                                e->filename ? e->filename : "an image", e->objects[i].class_score_count, l->options.num_classes);
        if (e->objects[i].label >= 1 && !foreign) item->objects[item->object_count++] = e->objects[i];
    }
    return OD_OK;
}

static int num_keypoints(const od_loader *l)
{
    int n = od_dataset_keypoints(l->dataset);
    return n > 0 ? n : 0;
}

/* Starts to follow keypoints, and the pixels when the data set has masks. They have the size of the picture as it was read, which a corruption may
 * have turned. */
static od_status follow_objects(const od_loader *l, const od_batch_item *item, od_sample *sample, od_error *err)
{
    if (num_keypoints(l)) OD_TRY(od_sample_own_keypoints(sample, num_keypoints(l), err));
    if (od_dataset_masks(l->dataset) == OD_MASKS_NONE) return OD_OK;
    return od_pixel_map_init(&sample->map, sample->view.height, sample->view.width, item->example.height, item->example.width, err);
}

/* Random changes may leave a picture that can't be resized (1 pixel of a long strip); such a one is used as it is. */
static od_status augment(od_loader *l, od_batch_item *item, const od_image *image, od_sample *sample, od_error *err)
{
    od_rng rng;
    od_rng_init(&rng, l->options.seed, (uint64_t)item->number);
    OD_TRY(od_augmenter_apply(l->options.augmenter, sample, &rng, err));
    od_status status =
        od_preprocess_find_shape(&l->preprocess, sample->view.height, sample->view.width, &item->shape, err);
    if (status != OD_ERR_FORMAT) return status;
    od_sample_deinit(sample);
    OD_TRY(take_objects(l, item, err));
    *sample =
        (od_sample){.view = od_image_view_of(image), .objects = item->objects, .object_count = item->object_count};
    return follow_objects(l, item, sample, err);
}

static void count_cut(od_loader *l, const od_batch_item *item)
{
    if (item->object_count <= l->options.max_boxes || atomic_fetch_add(&l->cut_images, 1)) return;
    od_log(OD_LOG_WARNING, "%s: %d boxes, of which max_number_of_boxes keeps %d",
           item->example.filename ? item->example.filename : "an image", item->object_count, l->options.max_boxes);
}

static int is_augmented(const od_loader *l, const od_batch_item *item)
{
    if (!l->options.augment_labels) return 1;
    for (int i = 0; i < item->object_count; i++)
        if (l->options.augment_labels[item->objects[i].label]) return 1;
    return 0;
}

static od_status take_masks(const od_loader *l, od_batch_item *item, od_sample *sample, od_error *err)
{
    if (!sample->map.rows) return OD_OK;
    OD_TRY(od_preprocess_run_map(&l->preprocess, &sample->map, err));
    int count = sample->object_count < l->options.max_boxes ? sample->object_count : l->options.max_boxes;
    size_t pixels = (size_t)item->shape.height * (size_t)item->shape.width;
    item->masks = od_calloc((size_t)count * pixels + 1, 1);
    if (!item->masks) return od_error_nomem(err, "masks");
    for (int i = 0; i < count; i++)
        if (sample->objects[i].mask) OD_TRY(od_pixel_map_render(&sample->map, sample->objects[i].mask, item->masks + (size_t)i * pixels, err));
    return OD_OK;
}

/* Augments and preprocesses a decoded image to `slot`, or to memory of its own when shapes differ. */
static od_status prepare(od_loader *l, od_batch_item *item, const od_image *image, float *slot, od_error *err)
{
    OD_TRY(take_objects(l, item, err));
    od_sample sample = {.view = od_image_view_of(image), .objects = item->objects, .object_count = item->object_count};
    od_status status = follow_objects(l, item, &sample, err);
    if (status == OD_OK && l->options.augmenter && is_augmented(l, item)) status = augment(l, item, image, &sample, err);
    item->object_count = sample.object_count;
    if (sample.own_objects) {
        od_free(item->objects);
        item->objects = sample.own_objects;
        sample.own_objects = NULL;
    }
    item->class_scores = sample.own_scores;
    sample.own_scores = NULL;
    item->keypoints = sample.own_keypoints;
    sample.own_keypoints = NULL;
    od_preprocess_shape *s = &item->shape;
    if (status == OD_OK)
        status = od_preprocess_find_shape(&l->preprocess, sample.view.height, sample.view.width, s, err);
    if (status == OD_OK && !l->fixed) {
        slot = item->pixels = od_malloc((size_t)s->height * (size_t)s->width, 3 * sizeof *slot);
        if (!slot) status = od_error_nomem(err, "an image");
    }
    if (status == OD_OK) status = od_preprocess_run(&l->preprocess, &sample.view, s->height, s->width, slot, err);
    if (status == OD_OK) status = take_masks(l, item, &sample, err);
    if (status == OD_OK) count_cut(l, item);
    od_sample_deinit(&sample);
    return status;
}

static od_status make_item(od_loader *l, od_batch *b, od_batch_item *item, od_error *err)
{
    od_image image = {0};
    OD_TRY(find_image(l, item, &image, err));
    if (item->failed) return OD_OK;
    if (l->options.corruption.kind != OD_CORRUPT_NONE) {
        od_status status = od_corruption_apply(l->options.corruption, (uint64_t)item->number, &image, err);
        if (status != OD_OK) {
            od_image_deinit(&image);
            return status;
        }
    }
    float *slot = l->fixed ? b->images + (size_t)(item - b->items) * (size_t)b->height * (size_t)b->width * 3 : NULL;
    od_status status = prepare(l, item, &image, slot, err);
    if (l->options.keep_images)
        item->image = image;
    else
        od_image_deinit(&image);
    return status;
}

/* How many examples a batch of the stream has. */
static int batch_length(const od_loader *l, int64_t step)
{
    int64_t left = l->total - step * l->options.batch_size;
    return left < l->options.batch_size ? (int)left : l->options.batch_size;
}

static int may_take(const od_loader *l)
{
    return l->next_number < l->total && l->next_number / l->options.batch_size < l->freed_step + l->ring_size;
}

/* Takes the next example and makes it. Called with the mutex held; lets it go while working. */
static void work_once(od_loader *l)
{
    int64_t number = l->next_number++, step = number / l->options.batch_size;
    int slot = (int)(step % l->ring_size);
    od_batch *b = l->ring + slot;
    od_batch_item *item = b->items + number % l->options.batch_size;
    item->number = number;
    b->step = step;
    pthread_mutex_unlock(&l->mutex);
    od_error err = {0};
    od_status status = make_item(l, b, item, &err);
    pthread_mutex_lock(&l->mutex);
    if (status != OD_OK && l->status == OD_OK) {
        l->error = err;
        l->status = status;
    }
    if (++l->done[slot] == batch_length(l, step) || status != OD_OK) pthread_cond_broadcast(&l->ready);
}

static void *worker(void *argument)
{
    od_loader *l = argument;
    pthread_mutex_lock(&l->mutex);
    while (!l->stopping && l->status == OD_OK) {
        if (may_take(l))
            work_once(l);
        else
            pthread_cond_wait(&l->room, &l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void free_previous(od_loader *l)
{
    if (l->freed_step >= l->next_step) return;
    int slot = (int)(l->freed_step % l->ring_size);
    od_batch_clear(l->ring + slot, l->options.batch_size);
    l->done[slot] = 0;
    l->freed_step++;
    pthread_cond_broadcast(&l->room);
}

static void wait_for_batch(od_loader *l, int slot, int length)
{
    double start = seconds();
    while (l->done[slot] < length && l->status == OD_OK) {
        if (l->thread_count == 0)
            work_once(l);
        else
            pthread_cond_wait(&l->ready, &l->mutex);
    }
    l->wait_seconds += seconds() - start;
}

/* One batch of the ring, complete; *batch is NULL at the end. Called with the mutex held. */
static od_status take_batch(od_loader *l, od_batch **batch, od_error *err)
{
    *batch = NULL;
    free_previous(l);
    if (l->next_step * l->options.batch_size >= l->total) return OD_OK;
    int slot = (int)(l->next_step % l->ring_size), length = batch_length(l, l->next_step);
    wait_for_batch(l, slot, length);
    if (l->status == OD_OK) l->status = od_batch_finish(l->ring + slot, &l->preprocess, length, l->fixed, &l->error);
    if (l->status != OD_OK) return od_error_set(err, l->status, "%s", l->error.message);
    l->next_step++;
    *batch = l->ring + slot;
    return OD_OK;
}

od_status od_loader_next(od_loader *l, const od_batch **batch, od_error *err)
{
    od_batch *b;
    od_status status;
    pthread_mutex_lock(&l->mutex);
    do status = take_batch(l, &b, err); /* goes past batches of which every image is broken */
    while (status == OD_OK && b && b->count == 0);
    pthread_mutex_unlock(&l->mutex);
    if (status == OD_OK) *batch = b;
    return status;
}

int64_t od_loader_batch_count(const od_loader *l)
{
    return l->total == INT64_MAX ? -1 : (l->total + l->options.batch_size - 1) / l->options.batch_size;
}

od_loader_stats od_loader_get_stats(od_loader *l)
{
    pthread_mutex_lock(&l->mutex);
    od_loader_stats stats = {l->broken_count, atomic_load(&l->cut_images), atomic_load(&l->foreign_boxes),
                             l->wait_seconds};
    pthread_mutex_unlock(&l->mutex);
    return stats;
}

static od_status check_options(const od_loader_options *o, od_error *err)
{
    if (!o->preprocess) return od_error_set(err, OD_ERR_ARG, "the input pipeline needs preprocessing options");
    if (o->batch_size < 1) return od_error_set(err, OD_ERR_ARG, "batch_size is %d; expected at least 1", o->batch_size);
    if (o->num_threads < 0 || o->num_threads > 1024)
        return od_error_set(err, OD_ERR_ARG, "%d input threads; expected 0 to 1024", o->num_threads);
    if (o->prefetch < 1 || o->prefetch > 1024)
        return od_error_set(err, OD_ERR_ARG, "prefetch is %d; expected 1 to 1024", o->prefetch);
    if (o->max_boxes < 1)
        return od_error_set(err, OD_ERR_ARG, "max_number_of_boxes is %d; expected at least 1", o->max_boxes);
    if ((o->class_scores || o->merge_boxes) && o->num_classes < 1)
        return od_error_set(err, OD_ERR_ARG, "class scores and merged boxes need num_classes");
    if (o->epochs < 0 || o->start_step < 0)
        return od_error_set(err, OD_ERR_ARG, "epochs and start_step must not be negative");
    return OD_OK;
}

static od_status set_total(od_loader *l, od_error *err)
{
    int64_t n = l->dataset_size, batch = l->options.batch_size;
    if (n < 1) return od_error_set(err, OD_ERR_FORMAT, "the data set has no images");
    if (l->options.epochs > INT64_MAX / 2 / n || l->options.start_step > INT64_MAX / 2 / batch)
        return od_error_set(err, OD_ERR_ARG, "start_step or epochs is too large");
    l->total = l->options.epochs ? l->options.epochs * n : INT64_MAX;
    if (l->options.epochs && l->options.drop_remainder) l->total -= l->total % batch;
    l->next_number = l->options.start_step * batch;
    l->next_step = l->freed_step = l->options.start_step;
    return OD_OK;
}

static od_status take_weights(od_loader *l, od_error *err)
{
    double sum = 0;
    l->sums = od_malloc((size_t)l->dataset_size, sizeof *l->sums);
    if (!l->sums) return od_error_nomem(err, "the input pipeline");
    for (int64_t i = 0; i < l->dataset_size; i++) {
        double w = l->options.weights[i];
        if (!(w >= 0)) return od_error_set(err, OD_ERR_ARG, "the weight of image %" PRId64 " is %g; expected 0 or more", i, w);
        l->sums[i] = sum += w;
    }
    if (!(sum > 0)) return od_error_set(err, OD_ERR_ARG, "all weights of images are 0");
    for (int64_t i = 0; i < l->dataset_size; i++) l->sums[i] /= sum;
    return OD_OK;
}

static od_status allocate(od_loader *l, od_error *err)
{
    int height = 0, width = 0;
    l->fixed = od_preprocess_fixed_shape(&l->preprocess, &height, &width);
    l->broken = od_calloc((size_t)l->dataset_size / 8 + 1, 1);
    l->done = od_calloc((size_t)l->options.prefetch + 1, sizeof *l->done);
    l->ring = od_calloc((size_t)l->options.prefetch + 1, sizeof *l->ring);
    l->threads = od_calloc((size_t)l->options.num_threads, sizeof *l->threads);
    if (l->options.weights) OD_TRY(take_weights(l, err));
    if (!l->broken || !l->done || !l->ring || !l->threads) return od_error_nomem(err, "the input pipeline");
    for (l->ring_size = 0; l->ring_size <= l->options.prefetch; l->ring_size++) { /* one more is in the reader's hands */
        int targets = l->options.class_scores || l->options.merge_boxes ? l->options.num_classes : 0;
        od_batch *b = &l->ring[l->ring_size];
        *b = (od_batch){.height = height, .width = width, .max_boxes = l->options.max_boxes, .num_classes = targets, .merge_boxes = l->options.merge_boxes,
                        .num_keypoints = num_keypoints(l)};
        OD_TRY(od_batch_init(b, l->options.batch_size, err));
    }
    return OD_OK;
}

/* Signals are the program's business: the workers take none. */
static od_status start_threads(od_loader *l, od_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    while (l->thread_count < l->options.num_threads && !failure) {
        failure = pthread_create(l->threads + l->thread_count, NULL, worker, l);
        if (!failure) l->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failure) return OD_OK;
    return od_error_set(err, OD_ERR_IO, "cannot start input thread %d: %s", l->thread_count + 1, strerror(failure));
}

od_status od_loader_create(od_loader **out, const od_dataset *dataset, const od_loader_options *options, od_error *err)
{
    OD_TRY(check_options(options, err));
    od_loader *l = od_calloc(1, sizeof *l);
    if (!l) return od_error_nomem(err, "the input pipeline");
    l->dataset = dataset;
    l->dataset_size = od_dataset_size(dataset);
    l->options = *options;
    l->preprocess = *options->preprocess;
    l->options.preprocess = &l->preprocess;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->room, NULL);
    pthread_cond_init(&l->ready, NULL);
    od_status status = set_total(l, err);
    if (status == OD_OK) status = allocate(l, err);
    if (status == OD_OK) status = start_threads(l, err);
    if (status == OD_OK)
        *out = l;
    else
        od_loader_free(l);
    return status;
}

void od_loader_free(od_loader *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->mutex);
    l->stopping = 1;
    pthread_cond_broadcast(&l->room);
    pthread_mutex_unlock(&l->mutex);
    for (int i = 0; i < l->thread_count; i++) pthread_join(l->threads[i], NULL);
    for (int i = 0; i < l->ring_size; i++) od_batch_deinit(l->ring + i, l->options.batch_size);
    pthread_cond_destroy(&l->ready);
    pthread_cond_destroy(&l->room);
    pthread_mutex_destroy(&l->mutex);
    od_free(l->ring);
    od_free(l->done);
    od_free(l->broken);
    od_free(l->sums);
    od_free(l->threads);
    od_free(l);
}
