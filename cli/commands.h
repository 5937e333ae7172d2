/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands: one line here, one file cli/cmd_<name>.c each with `int od_cmd_<name>(int argc, char **argv)`;
 * argv[0] is the subcommand's name. They return the process's exit code.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* name (a C identifier), as typed, one-line help */
#define CLI_COMMANDS(X) \
    X(data, "data", "look into and convert data sets: data info, data convert") \
    X(coco_eval, "coco-eval", "COCO's numbers from ground truth and detections in COCO files") \
    X(config, "config", "check: everything that is wrong with a pipeline.config") \
    X(version, "version", "print the version and what this processor offers")

#define X(name, typed, help) int od_cmd_##name(int argc, char **argv);
CLI_COMMANDS(X)
#undef X

#endif
