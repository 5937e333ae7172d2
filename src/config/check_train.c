/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of train_config: batch size and learning rate, the checkpoint to start from, the augmentations.
 */
#include "config/check.h"
#include "config/check_schedule.h"
#include "config/message.h"
#include "util/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef ObjectDetection__Protos__TrainConfig train_proto;

/* Learning rate per image of a batch in the zoo's configs with momentum (0.08 at 128, 0.04 at 64, 0.01 at 16), and how
 * many times that is still thought to train; ssd_mobilenet_v2 320's 0.8 at 512 is 2.5 times. */
static const double zoo_rate_per_image = 6.25e-4, suspicious_factor = 8;

/* The field of the schedule that holds its highest rate. */
static const void *peak_rate(const ObjectDetection__Protos__LearningRate *s, const char **field, float *rate)
{
    switch (s->learning_rate_case) {
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_CONSTANT_LEARNING_RATE:
        *field = "learning_rate", *rate = s->constant_learning_rate->learning_rate;
        return s->constant_learning_rate;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_EXPONENTIAL_DECAY_LEARNING_RATE:
        *field = "initial_learning_rate", *rate = s->exponential_decay_learning_rate->initial_learning_rate;
        return s->exponential_decay_learning_rate;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_MANUAL_STEP_LEARNING_RATE:
        *field = "initial_learning_rate", *rate = s->manual_step_learning_rate->initial_learning_rate;
        return s->manual_step_learning_rate;
    case OBJECT_DETECTION__PROTOS__LEARNING_RATE__LEARNING_RATE_COSINE_DECAY_LEARNING_RATE:
        *field = "learning_rate_base", *rate = s->cosine_decay_learning_rate->learning_rate_base;
        return s->cosine_decay_learning_rate;
    default: return NULL;
    }
}

static void check_rate_for_batch(od_check *check, const train_proto *train)
{
    const ObjectDetection__Protos__Optimizer *optimizer = train->optimizer;
    if (!optimizer || optimizer->optimizer_case != OBJECT_DETECTION__PROTOS__OPTIMIZER__OPTIMIZER_MOMENTUM_OPTIMIZER || !train->batch_size)
        return;
    const ObjectDetection__Protos__LearningRate *schedule = optimizer->momentum_optimizer->learning_rate;
    const char *field = NULL;
    float rate = 0;
    const void *message = schedule ? peak_rate(schedule, &field, &rate) : NULL;
    double usual = zoo_rate_per_image * train->batch_size;
    if (!message || !(rate > usual * suspicious_factor)) return;
    char expected[96], fix[96];
    snprintf(expected, sizeof expected, "about %g for a batch of %u", usual, train->batch_size);
    snprintf(fix, sizeof fix, "%s: %g, and the warmup rate a third of it", field, usual);
    od_check_add(check, OD_CONFIG_WARNING, message, field, expected, fix,
                 "%g is %.0f times what the zoo's configs use per image of a batch (they are for batches of 64 to 512); the loss may turn NaN",
                 rate, rate / usual);
}

/* path + ending exists */
static int has_file(const char *path, const char *ending)
{
    char name[4096];
    return snprintf(name, sizeof name, "%s%s", path, ending) < (int)sizeof name && od_path_exists(name);
}

/* Behind the checkpoint's prefix: ".index", ".meta" or ".data-00000-of-00001"; NULL when the path is a prefix. */
static const char *checkpoint_ending(const char *path)
{
    const char *base = od_path_base(path), *dot = strstr(base, ".data-");
    if (dot) return dot;
    size_t n = strlen(base);
    if (n > 6 && !strcmp(base + n - 6, ".index")) return base + n - 6;
    return n > 5 && !strcmp(base + n - 5, ".meta") ? base + n - 5 : NULL;
}

static void check_checkpoint_file(od_check *check, const train_proto *train)
{
    const char *path = train->fine_tune_checkpoint, *field = "fine_tune_checkpoint", *ending = checkpoint_ending(path);
    if (check->skip_files) return;
    if (has_file(path, ".meta"))
        od_check_add(check, OD_CONFIG_ERROR, train, field, "a TensorFlow 2 checkpoint (ckpt-0.index beside ckpt-0.data-...)",
                     "take the model from the TensorFlow 2 detection zoo", "%s is a TensorFlow 1 checkpoint (it has a .meta file)", path);
    else if (ending)
        od_check_add(check, OD_CONFIG_ERROR, train, field, "the path without the ending", "leave the ending away",
                     "%s is a file of a checkpoint; '%s' doesn't belong to its name", path, ending);
    else if (od_path_is_dir(path) && !has_file(path, "/checkpoint"))
        od_check_add(check, OD_CONFIG_ERROR, train, field, "a checkpoint's path, as .../checkpoint/ckpt-0", NULL, "%s is a folder without checkpoints", path);
    else if (!od_path_is_dir(path) && !has_file(path, ".index") && has_file(path, ""))
        od_check_add(check, OD_CONFIG_ERROR, train, field, "a checkpoint's path without ending (ckpt-0 for ckpt-0.index)", NULL,
                     "%s is a file, not a TensorFlow 2 checkpoint", path);
    else if (!od_path_is_dir(path) && !has_file(path, ".index"))
        od_check_add(check, OD_CONFIG_ERROR, train, field, "a checkpoint that exists",
                     !strncmp(od_path_base(path), "model.ckpt", 10) ? "model.ckpt is a TensorFlow 1 name: take the model from the TensorFlow 2 zoo (.../checkpoint/ckpt-0)"
                                                                    : "correct the path; it counts from the folder where objdet is started",
                     "there is no file %s.index", path);
}

static void check_checkpoint_type(od_check *check, const train_proto *train)
{
    const char *type = train->fine_tune_checkpoint_type, *field = "fine_tune_checkpoint_type";
    static const char expected[] = "'classification', 'detection' or 'full'";
    if (!type[0])
        od_check_add(check, OD_CONFIG_WARNING, train, field, expected, "say it: 'detection' for a zoo detector, 'classification' for a backbone",
                     "is not given, which means '%s'", od_config_fine_tune_type(train));
    else if (!strcmp(type, "fine_tune"))
        od_check_add(check, OD_CONFIG_ERROR, train, field, expected, "fine_tune_checkpoint_type: 'full' restores all, 'detection' all but the heads",
                     "'fine_tune' is rejected, by the OD API too");
    else if (strcmp(type, "classification") && strcmp(type, "detection") && strcmp(type, "full"))
        od_check_add(check, OD_CONFIG_ERROR, train, field, expected, NULL, "'%s' is not known", type);
}

static void check_checkpoint(od_check *check, const train_proto *train)
{
    if (!od_message_has(&train->base, od_message_field(train->base.descriptor, "fine_tune_checkpoint")) || !train->fine_tune_checkpoint[0]) {
        od_check_add(check, OD_CONFIG_NOTE, train, "fine_tune_checkpoint", NULL, NULL, "is not given: training starts from random weights");
        return;
    }
    if (!od_check_path(check, train, "fine_tune_checkpoint", train->fine_tune_checkpoint)) check_checkpoint_file(check, train);
    if (train->fine_tune_checkpoint_version != OBJECT_DETECTION__PROTOS__CHECKPOINT_VERSION__V2)
        od_check_add(check, OD_CONFIG_ERROR, train, "fine_tune_checkpoint_version", "V2", "fine_tune_checkpoint_version: V2",
                     train->has_fine_tune_checkpoint_version ? "only V2 works in TensorFlow 2" : "is not given, which means V1, and only V2 works in TensorFlow 2");
    check_checkpoint_type(check, train);
}

/* Whether `word` stands in the name as a word of its own: left_lung, LeftLung, "lung left". */
static int has_word(const char *name, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = name; *p; p++) {
        if (strncasecmp(p, word, n)) continue;
        int starts = p == name || !isalpha((unsigned char)p[-1]) || (islower((unsigned char)p[-1]) && isupper((unsigned char)*p));
        int ends = !islower((unsigned char)p[n]) && !(isupper((unsigned char)p[0]) && isupper((unsigned char)p[n - 1]) && isupper((unsigned char)p[n]));
        if (starts && ends) return 1;
    }
    return 0;
}

static void check_flip(od_check *check, const void *step)
{
    for (int i = 0; check->label_map && i < od_label_map_count(check->label_map); i++) {
        const char *name = od_label_map_name(check->label_map, od_label_map_id(check->label_map, i));
        if (!has_word(name, "left") && !has_word(name, "right")) continue;
        od_check_add(check, OD_CONFIG_WARNING, step, "random_horizontal_flip", NULL, "remove random_horizontal_flip",
                     "a flip turns left into right, but the class '%s' keeps its name", name);
        return;
    }
}

static void check_crop(od_check *check, const ObjectDetection__Protos__RandomCropImage *crop)
{
    if (crop->min_aspect_ratio > crop->max_aspect_ratio)
        od_check_add(check, OD_CONFIG_ERROR, crop, "min_aspect_ratio", "at most max_aspect_ratio", NULL, "%g is more than max_aspect_ratio %g", crop->min_aspect_ratio, crop->max_aspect_ratio);
    if (crop->min_area > crop->max_area)
        od_check_add(check, OD_CONFIG_ERROR, crop, "min_area", "at most max_area", NULL, "%g is more than max_area %g", crop->min_area, crop->max_area);
}

static void check_augmentations(od_check *check, const train_proto *train)
{
    for (size_t i = 0; i < train->n_data_augmentation_options; i++) {
        const ObjectDetection__Protos__PreprocessingStep *step = train->data_augmentation_options[i];
        if (step->preprocessing_step_case == OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_HORIZONTAL_FLIP) check_flip(check, step);
        if (step->preprocessing_step_case == OBJECT_DETECTION__PROTOS__PREPROCESSING_STEP__PREPROCESSING_STEP_RANDOM_CROP_IMAGE) check_crop(check, step->random_crop_image);
        for (size_t k = 0; k < i && step->preprocessing_step_case && check->problems->count < OD_PROBLEMS_MAX; k++) {
            if (train->data_augmentation_options[k]->preprocessing_step_case != step->preprocessing_step_case) continue;
            od_check_add(check, OD_CONFIG_WARNING, step, NULL, NULL, "remove one of them",
                         "the same augmentation stands on line %d already; it is applied twice", od_config_line(check->config, train->data_augmentation_options[k], NULL));
            break;
        }
    }
}

/* An evaluation of moving averages that the training doesn't keep fails in the OD API, too. */
static void check_averages(od_check *check, const ObjectDetection__Protos__EvalConfig *eval, const train_proto *train)
{
    if (eval && eval->use_moving_averages && train->optimizer && !train->optimizer->use_moving_average)
        od_check_add(check, OD_CONFIG_ERROR, eval, "use_moving_averages", "false, or train_config.optimizer.use_moving_average: true", NULL,
                     "the optimizer has use_moving_average: false, so that there are no averages");
}

/* What needs the scores of each class that the records hold. */
static void check_scores(od_check *check, const train_proto *train, const ObjectDetection__Protos__InputReader *reader)
{
    if (reader && train->use_multiclass_scores && !reader->load_multiclass_scores)
        od_check_add(check, OD_CONFIG_ERROR, train, "use_multiclass_scores", "false, or train_input_reader.load_multiclass_scores: true",
                     "set load_multiclass_scores: true in train_input_reader", "the scores aren't read (the OD API stops, too: KeyError)");
}

void od_check_train(od_check *check)
{
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(check->config);
    const train_proto *train = proto->train_config;
    if (!train) {
        od_check_missing(check, proto, "train_config", "add train_config { batch_size: 8 optimizer { ... } }");
        return;
    }
    if (!train->num_steps && !od_text_tree_damaged(od_config_tree(check->config), train))
        od_check_add(check, OD_CONFIG_WARNING, train, "num_steps", "the number of training steps", "set num_steps, or give --num_train_steps",
                     train->has_num_steps ? "nothing would be trained" : "is not given, which means 0: nothing would be trained");
    check_checkpoint(check, train);
    od_check_learning_rate(check, train->optimizer);
    check_rate_for_batch(check, train);
    check_augmentations(check, train);
    check_averages(check, proto->eval_config, train);
    check_scores(check, train, proto->train_input_reader);
}
