/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet run: model_main_tf2.py's command line. Flags of its that mean nothing here are accepted and ignored.
 */
#include "commands.h"
#include "flags.h"
#include "objdet/train.h"
#include "progress.h"
#include "stop.h"

typedef struct run_flags {
    od_train_options train;
    od_eval_options eval;
    const char *pipeline_config_path, *model_dir, *checkpoint_dir;
    double eval_timeout;
    bool record_summaries;
} run_flags;

static od_status run(run_flags *f, cli_progress *progress, od_error *err)
{
    if (!f->checkpoint_dir) {
        f->train.pipeline_config_path = f->pipeline_config_path;
        f->train.model_dir = f->model_dir;
        f->train.eval_every_n = 0; /* the OD API evaluates in another process */
        f->train.stop = cli_stop_flag();
        f->train.progress = cli_progress_show;
        f->train.progress_user = progress;
        return od_train_run(&f->train, err);
    }
    f->eval.pipeline_config_path = f->pipeline_config_path;
    f->eval.model_dir = f->model_dir;
    f->eval.checkpoint_dir = f->checkpoint_dir;
    f->eval.stop = cli_stop_flag();
    f->eval.progress = cli_progress_show;
    f->eval.progress_user = progress;
    return od_eval_continuously(&f->eval, 300, f->eval_timeout, err);
}

int od_cmd_run(int argc, char **argv)
{
    run_flags f = {.train = od_train_options_default(), .eval = od_eval_options_default(), .eval_timeout = 3600, .record_summaries = true};
    bool ignored_bool = false;
    const char *ignored_text = NULL;
    int64_t ignored_int = 0;
    const cli_flag flags[] = {
        {"pipeline_config_path", CLI_STRING, &f.pipeline_config_path, "the pipeline.config"},
        {"model_dir", CLI_STRING, &f.model_dir, "where checkpoints and event files go"},
        {"checkpoint_dir", CLI_STRING, &f.checkpoint_dir, "evaluate the checkpoints of this folder as they appear, instead of training"},
        {"num_train_steps", CLI_INT, &f.train.num_train_steps, "where training ends (the config's num_steps)"},
        {"checkpoint_every_n", CLI_INT, &f.train.checkpoint_every_n, "steps between checkpoints (1000)"},
        {"eval_timeout", CLI_DOUBLE, &f.eval_timeout, "seconds without a new checkpoint after which evaluation ends (3600)"},
        {"sample_1_of_n_eval_examples", CLI_INT, &f.eval.sample_1_of_n, "evaluate every n-th example only"},
        {"alsologtostderr", CLI_BOOL, &ignored_bool, "accepted; has no effect here"},
        {"logtostderr", CLI_BOOL, &ignored_bool, NULL},
        {"eval_on_train_data", CLI_BOOL, &ignored_bool, NULL},
        {"sample_1_of_n_eval_on_train_examples", CLI_INT, &ignored_int, NULL},
        {"use_tpu", CLI_BOOL, &ignored_bool, NULL},
        {"tpu_name", CLI_STRING, &ignored_text, NULL},
        {"num_workers", CLI_INT, &ignored_int, NULL},
        {"record_summaries", CLI_BOOL, &f.record_summaries, NULL},
        {"verbosity", CLI_INT, &ignored_int, NULL},
        {0}};
    const cli_usage usage = {
        "run --pipeline_config_path=P --model_dir=D [--checkpoint_dir=D] [FLAGS]",
        "The flags of the OD API's model_main_tf2.py (the program may also be called model_main_tf2): trains; with --checkpoint_dir\n"
        "waits for checkpoints and evaluates each once. objdet train does both in one process.",
        "  objdet run --pipeline_config_path=pipeline.config --model_dir=runs/1 --alsologtostderr\n"
        "  objdet run --pipeline_config_path=pipeline.config --model_dir=runs/1 --checkpoint_dir=runs/1 --eval_timeout=60\n"};
    int code = cli_flags_parse(argc, argv, flags, &usage, NULL);
    if (code >= 0) return code;
    cli_progress *progress = cli_progress_create(NULL);
    od_error err = {0};
    od_status status = run(&f, progress, &err);
    cli_progress_free(progress);
    return status == OD_OK ? 0 : cli_fail(&err);
}
