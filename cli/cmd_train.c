/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet train
 */
#include "commands.h"
#include "flags.h"
#include "objdet/train.h"
#include "progress.h"
#include "stop.h"

#include <stdbool.h>

int od_cmd_train(int argc, char **argv)
{
    od_train_options o = od_train_options_default();
    bool balanced = false, exact = false, no_drop = false;
    int64_t max_to_keep = o.max_to_keep, seed = 0, threads = 0;
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &o.pipeline_config_path, "the OD API's pipeline.config"},
        {"model_dir", CLI_STRING, &o.model_dir, "where checkpoints and event files go; a training there is continued"},
        {"num_train_steps", CLI_INT, &o.num_train_steps, "where training ends (the config's num_steps)"},
        {"checkpoint_every_n", CLI_INT, &o.checkpoint_every_n, "steps between checkpoints (1000); the last step is always saved"},
        {"eval_every_n", CLI_INT, &o.eval_every_n, "steps between evaluations, and at the end (as checkpoint_every_n); 0: never"},
        {"max_to_keep", CLI_INT, &max_to_keep, "checkpoints kept besides the best (7); 0: all"},
        {"early_stop_patience", CLI_INT, &o.early_stop_patience, "stop after so many evaluations without a better mAP; 0: never"},
        {"early_stop_metric", CLI_STRING, &o.early_stop_metric, "what it and the best checkpoint go by, e.g. Loss/total_loss (DetectionBoxes_Precision/mAP)"},
        {"class_balanced_sampling", CLI_BOOL, &balanced, "draw images so that every class is seen equally often"},
        {"augment_only_classes", CLI_STRING, &o.augment_only_classes, "augment only images with a box of these classes: a,b"},
        {"exact_moving_averages", CLI_BOOL, &exact, "let batch norm's moving averages lag in short trainings as the OD API's do"},
        {"no_drop_connect", CLI_BOOL, &no_drop, "train EfficientDet without drop-connect (stochastic depth)"},
        {"seed", CLI_INT, &seed, "fixes initial weights, order, augmentation and drop-connect (0)"},
        {"num_threads", CLI_INT, &threads, "threads (all processors)"},
        {0}};
    const cli_usage usage = {
        "train --pipeline_config_path=P --model_dir=D [FLAGS]",
        "Trains the detector that a pipeline.config describes. Ctrl-C finishes the step, saves, and the same command goes on from there;\n"
        "so does a larger --num_train_steps. Watch with: tensorboard --logdir D",
        "  objdet train --pipeline_config_path=pipeline.config --model_dir=runs/1\n"
        "  objdet train --pipeline_config_path=pipeline.config --model_dir=runs/1 --num_train_steps=5000   # goes on where it was\n"
        "  objdet train --pipeline_config_path=pipeline.config --model_dir=runs/2 --seed=2 --eval_every_n=250 --early_stop_patience=8\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    o.max_to_keep = (int)max_to_keep;
    o.exact_moving_averages = exact;
    o.class_balanced_sampling = balanced;
    o.no_drop_connect = no_drop;
    o.seed = (uint64_t)seed;
    o.num_threads = (int)threads;
    o.stop = cli_stop_flag();
    cli_progress *progress = cli_progress_create(NULL);
    o.progress = cli_progress_show;
    o.progress_user = progress;
    od_error err = {0};
    od_status status = od_train_run(&o, &err);
    cli_progress_free(progress);
    return status == OD_OK ? 0 : cli_fail(&err);
}
