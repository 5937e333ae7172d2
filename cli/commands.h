/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands: one line here, one file cli/cmd_<name>.c each with `int od_cmd_<name>(int argc, char **argv)`;
 * argv[0] is the subcommand's name. They return the process's exit code.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* name (a C identifier), as typed, one-line help */
#define CLI_COMMANDS(X) \
    X(train, "train", "train a detector from a pipeline.config, or go on with a training") \
    X(eval, "eval", "COCO metrics and losses of a checkpoint on an evaluation set") \
    X(run, "run", "model_main_tf2.py's flags: trains, or evaluates checkpoints as they appear") \
    X(predict, "predict", "detections on pictures: annotated copies and a COCO results file") \
    X(model, "model", "list: the supported networks; show: parameters, GFLOP, memory, a drawing") \
    X(bench, "bench", "how fast training and inference of a config run here, op by op") \
    X(data, "data", "look into, check, split and convert data sets: data info, check, split, convert") \
    X(coco_eval, "coco-eval", "COCO's numbers from ground truth and detections in COCO files") \
    X(threshold, "threshold", "choose the score from which a detection is believed, and calibrate scores") \
    X(report, "report", "one HTML page about a detector: twelve questions answered with your own numbers") \
    X(compare, "compare", "two detectors on the same images: which differences are more than chance") \
    X(config, "config", "config check: everything that is wrong with a pipeline.config; config format") \
    X(synth, "synth", "make a synthetic data set with its pipeline.config") \
    X(events, "events", "list: what a training run wrote for TensorBoard; export to CSV") \
    X(version, "version", "print the version and what this processor offers")

#define X(name, typed, help) int od_cmd_##name(int argc, char **argv);
CLI_COMMANDS(X)
#undef X

#endif
